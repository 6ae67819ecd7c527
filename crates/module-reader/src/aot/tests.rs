// SPDX-License-Identifier: Apache-2.0
//! A file with every part, and its refusals where one of its numbers is wrong.

extern crate std;
use std::string::String;
use std::vec::Vec;
use std::{assert, assert_eq, format, vec};

use super::{AotFault, Error, Machine, NONE, seal};

/// The machines, with their width of pointers, and one of their relocations of 4 bytes.
const MACHINES: [(u16, bool, u32); 4] = [
    (62, true, 4),
    (3, false, 2),
    (40, false, 10),
    (243, false, 26),
];

/// Bytes of machine code.
const CODE_BYTES: u64 = 64;

/// A section's content, as it is aligned in a file.
#[derive(Clone, Default)]
struct SectionBody(Vec<u8>);

impl SectionBody {
    fn align(&mut self, to: usize) -> &mut Self {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
        self
    }

    fn u8(&mut self, number: u8) -> &mut Self {
        self.0.push(number);
        self
    }

    fn u16(&mut self, number: u16) -> &mut Self {
        self.align(2).0.extend(number.to_le_bytes());
        self
    }

    fn u32(&mut self, number: u32) -> &mut Self {
        self.align(4).0.extend(number.to_le_bytes());
        self
    }

    fn u32s(&mut self, numbers: &[u32]) -> &mut Self {
        for number in numbers {
            self.u32(*number);
        }
        self
    }

    fn u64(&mut self, number: u64) -> &mut Self {
        self.align(4).0.extend(number.to_le_bytes());
        self
    }

    fn word(&mut self, wide: bool, number: u64) -> &mut Self {
        match wide {
            true => self.u64(number),
            false => self.u32(number as u32),
        }
    }

    fn string(&mut self, text: &str) -> &mut Self {
        self.u16(text.len() as u16 + 1);
        self.0.extend(text.as_bytes());
        self.u8(0)
    }
}

/// Offset, addend, type and symbol.
type Relocation = (u64, i64, u32, u32);

/// Content of a file; each number can be wrong.
#[derive(Clone)]
struct Parts {
    machine: u16,
    wide: bool,
    object_type: u16,
    features: u64,
    memory: [u32; 6],
    /// Mode, memory, offset's kind and value, and bytes.
    data: [u32; 5],
    imported_tables: u32,
    /// Type, flags and growth; minimum and maximum.
    table: ([u8; 3], [u32; 2]),
    /// Mode, type, table, offset's kind and value.
    elements: [u32; 5],
    /// Kind and function of each element.
    values: Vec<[u32; 2]>,
    /// Types of functions: parameters, results, their types.
    types: Vec<(u16, u16, Vec<u8>)>,
    imported_globals: Vec<u8>,
    /// Type, then an expression of 32-bit numbers.
    globals: Vec<(u8, Vec<u32>)>,
    imported_functions: Vec<u16>,
    start: u32,
    auxiliary: [u32; 3],
    data_sections: Vec<(String, usize)>,
    literals: u32,
    offsets: Vec<u64>,
    function_types: Vec<u32>,
    exports: Vec<(u32, u8, String)>,
    symbols: Vec<String>,
    /// Of each: a section's symbol, then offset, addend, type and symbol.
    relocations: Vec<(u32, Vec<Relocation>)>,
    custom: u32,
}

/// The symbols of [`Parts`] by name.
const TEXT_SECTION: u32 = 0;
const DATA_SECTION: u32 = 1;
const FUNCTION: u32 = 2;
const RUNTIME: u32 = 3;
const TEXT: u32 = 4;
const DATA: u32 = 5;

fn parts(machine: usize) -> Parts {
    let (number, wide, kind) = MACHINES[machine];
    Parts {
        machine: number,
        wide,
        object_type: 1,
        features: 4,
        memory: [0, 1, 1, 65536, 1, 2],
        data: [0, 0, 0x41, 16, 5],
        imported_tables: 0,
        table: ([0x70, 1, 1], [2, 4]),
        elements: [0, 0x70, 0, 0x41, 0],
        values: vec![[0xd2, 0], [0xd2, 3], [0xd0, NONE]],
        types: vec![(0, 0, vec![]), (2, 1, vec![0x7f, 0x7c, 0x70])],
        imported_globals: vec![0x7f],
        globals: vec![
            (0x7f, vec![0x41, 7]),
            (0x7e, vec![0x42, 7, 0]),
            (0x7d, vec![0x43, 7]),
            (0x7c, vec![0x44, 7, 0]),
            (0x70, vec![0xd2, 1]),
            (0x6f, vec![0xd0, NONE]),
            (0x7f, vec![0x23, 0]),
            (0x7f, vec![0x6a, 0x41, 1, 0x6c, 0x41, 2, 0x23, 0]),
            (0x7e, vec![0x7d, 0x42, 1, 0, 0x42, 2, 0]),
        ],
        imported_functions: vec![1],
        start: 2,
        auxiliary: [NONE, 1, 9],
        data_sections: vec![
            (String::from(".rodata"), 13),
            (String::from(".aot_stack_sizes"), 12),
        ],
        literals: 0,
        offsets: vec![0, 16, 60],
        function_types: vec![1, 0, 0],
        exports: vec![
            (3, 0, String::from("_start")),
            (0, 1, String::from("table")),
            (0, 2, String::from("memory")),
            (9, 3, String::from("global")),
        ],
        symbols: [
            ".rela.text",
            ".rel.rodata",
            "aot_func#2",
            "memmove",
            ".text",
            ".rodata",
        ]
        .map(String::from)
        .into(),
        relocations: vec![
            (
                TEXT_SECTION,
                vec![
                    (0, -4, kind, FUNCTION),
                    (60, -4, kind, RUNTIME),
                    (16, 12, kind, DATA),
                ],
            ),
            (DATA_SECTION, vec![(8, 64, kind, TEXT)]),
        ],
        custom: 0,
    }
}

impl Parts {
    fn target(&self) -> SectionBody {
        let mut body = SectionBody::default();
        body.u16(u16::from(self.wide) * 2)
            .u16(0)
            .u16(self.object_type)
            .u16(self.machine)
            .u32s(&[1, 0])
            .u64(self.features)
            .u64(0);
        body.0.extend(*b"machine\0\0\0\0\0\0\0\0\0");
        body
    }

    fn init_data(&self) -> SectionBody {
        let mut body = SectionBody::default();
        body.u32s(&self.memory).u32(1).u32s(&self.data);
        body.0.extend(vec![7; self.data[4] as usize]);
        body.u32s(&[self.imported_tables, 1]);
        let (kind, limits) = &self.table;
        body.0.extend(kind);
        body.u8(0).u32s(limits);
        body.u32(1).u32s(&self.elements).u32s(&[0, 0]);
        body.u32(self.values.len() as u32);
        for value in &self.values {
            body.u32s(value);
        }
        body.u32(self.types.len() as u32);
        for (parameters, results, types) in &self.types {
            body.align(4).u16(0).u16(*parameters).u16(*results);
            body.0.extend(types);
        }
        body.u32(self.imported_globals.len() as u32);
        for kind in &self.imported_globals {
            body.align(2).u8(*kind).u8(0).string("env").string("g");
        }
        body.u32(self.globals.len() as u32);
        for (kind, value) in &self.globals {
            body.u8(*kind).u8(1).u32s(value);
        }
        body.u32(self.imported_functions.len() as u32);
        for kind in &self.imported_functions {
            body.u16(*kind).string("env").string("f");
        }
        body.u32s(&[self.offsets.len() as u32, self.start]);
        for global in self.auxiliary {
            body.u32(global).u64(1024);
        }
        body.u32(1024).u32(self.data_sections.len() as u32);
        for (name, bytes) in &self.data_sections {
            body.string(name).u32(*bytes as u32);
            body.0.resize(body.0.len() + bytes, 0);
        }
        body
    }

    fn functions(&self) -> SectionBody {
        let mut body = SectionBody::default();
        for offset in &self.offsets {
            body.word(self.wide, *offset);
        }
        body.u32s(&self.function_types);
        body.u32s(&vec![1; 2 * self.offsets.len()]);
        body
    }

    fn exports(&self) -> SectionBody {
        let mut body = SectionBody::default();
        body.u32(self.exports.len() as u32);
        for (index, kind, name) in &self.exports {
            body.u32(*index).u8(*kind).string(name);
        }
        body
    }

    fn relocations(&self) -> SectionBody {
        let mut strings = SectionBody::default();
        let mut body = SectionBody::default();
        body.u32(self.symbols.len() as u32);
        for symbol in &self.symbols {
            body.u32(strings.0.len() as u32);
            strings.string(symbol).align(2);
        }
        body.u32(strings.0.len() as u32);
        body.0.extend(strings.0);
        body.u32(self.relocations.len() as u32);
        for (section, relocations) in &self.relocations {
            body.u32s(&[*section, relocations.len() as u32]);
            for (offset, addend, kind, symbol) in relocations {
                body.word(self.wide, *offset)
                    .word(self.wide, addend.cast_unsigned())
                    .u32s(&[*kind, *symbol]);
            }
        }
        body
    }

    fn sections(&self) -> [SectionBody; 7] {
        let mut code = SectionBody::default();
        code.u32(self.literals);
        code.0.resize(4 + CODE_BYTES as usize, 0);
        let mut custom = SectionBody::default();
        custom.u32(self.custom).string("names");
        [
            self.target(),
            self.init_data(),
            code,
            self.functions(),
            self.exports(),
            self.relocations(),
            custom,
        ]
    }

    fn check(&self) -> Result<(), Error> {
        check(&file(&self.sections()))
    }

    fn fault(&self) -> Option<AotFault> {
        self.check().err().map(|error| error.fault)
    }
}

/// A file of sections 0 to 5 and a custom one, and the checksum.
fn file(sections: &[SectionBody]) -> Vec<u8> {
    let mut file = SectionBody(b"\0aot\x06\0\0\0".to_vec());
    for (kind, body) in [0, 1, 2, 3, 4, 5, 100].iter().zip(sections) {
        file.u32s(&[*kind, body.0.len() as u32]);
        file.0.extend(&body.0);
    }
    sealed(file.0)
}

fn sealed(mut file: Vec<u8>) -> Vec<u8> {
    file.resize(file.len().next_multiple_of(4), 0);
    file.extend(seal(&file));
    file
}

/// Checks a file for the machine that it names.
fn check(file: &[u8]) -> Result<(), Error> {
    super::check(file, Machine::of(file).unwrap_or(&Machine::ARM))
}

/// Refuses the file of each machine, after a change, for this reason.
fn refused(fault: AotFault, change: impl Fn(&mut Parts)) {
    for machine in 0..MACHINES.len() {
        let mut parts = parts(machine);
        change(&mut parts);
        assert_eq!(parts.fault(), Some(fault), "machine {machine}");
    }
}

fn accepted(change: impl Fn(&mut Parts)) {
    for machine in 0..MACHINES.len() {
        let mut parts = parts(machine);
        change(&mut parts);
        assert_eq!(parts.check(), Ok(()), "machine {machine}");
    }
}

#[test]
fn a_file_of_every_part_is_accepted() {
    accepted(|_| ());
}

#[test]
fn a_file_that_is_cut_or_goes_on_is_refused() {
    for machine in 0..MACHINES.len() {
        let file = file(&parts(machine).sections());
        for length in 0..file.len() {
            assert!(check(&file[..length]).is_err(), "{length} bytes");
            assert!(check(&sealed(file[..length].to_vec())).is_err() || length >= file.len() - 40);
        }
        let mut longer = file.clone();
        longer.push(0);
        assert!(check(&longer).is_err());
    }
}

#[test]
fn each_section_has_the_size_of_its_content() {
    for kind in 0..6 {
        for machine in 0..MACHINES.len() {
            let mut sections = parts(machine).sections();
            if kind != 2 {
                sections[kind].0.extend([0; 4]);
                assert!(check(&file(&sections)).is_err(), "{kind} is longer");
                sections[kind].0.truncate(sections[kind].0.len() - 5);
                assert!(check(&file(&sections)).is_err(), "{kind} is shorter");
            }
            sections[kind].0.clear();
            assert!(check(&file(&sections)).is_err(), "{kind} is empty");
        }
    }
}

#[test]
fn sections_have_their_order_and_each_is_there_once() {
    let sections = parts(0).sections();
    for (first, second) in [(0, 1), (1, 2), (4, 5), (5, 6)] {
        let kinds: Vec<u32> = [0, 1, 2, 3, 4, 5, 100].into();
        for (swap, twice) in [(true, false), (false, true), (false, false)] {
            let mut order: Vec<usize> = (0..7).collect();
            match (swap, twice) {
                (true, _) => order.swap(first, second),
                (_, true) => order.insert(first, first),
                _ => drop(order.remove(first)),
            }
            let mut file = SectionBody(b"\0aot\x06\0\0\0".to_vec());
            for &index in &order {
                file.u32s(&[kinds[index], sections[index].0.len() as u32]);
                file.0.extend(&sections[index].0);
            }
            assert!(check(&sealed(file.0)).is_err(), "{order:?}");
        }
    }
}

#[test]
fn another_version_machine_or_object_type_is_refused() {
    let mut other = file(&parts(0).sections());
    other[4] = 5;
    assert_eq!(
        check(&other).map_err(|error| error.fault),
        Err(AotFault::Header)
    );
    let file = file(&parts(0).sections());
    let other = super::check(&file, &Machine::I386).unwrap_err();
    assert_eq!(other.fault, AotFault::Header);
    refused(AotFault::Header, |parts| parts.machine = 8);
    // Code that runs in place.
    refused(AotFault::Header, |parts| parts.object_type = 4);
    for bit in (0..64).filter(|bit| ![1, 2, 3].contains(bit)) {
        refused(AotFault::Feature, |parts| parts.features = 1 << bit);
    }
    accepted(|parts| parts.features = 0b1110);
}

#[test]
fn there_is_one_memory_within_bounds() {
    for memory in [
        [1, 1, 1, 65536, 1, 1],
        [0, 0, 1, 65536, 1, 1],
        [0, 2, 1, 65536, 1, 1],
        [0, 1, 2, 65536, 1, 1],
        [0, 1, 4, 65536, 1, 1],
    ] {
        refused(AotFault::Feature, |parts| parts.memory = memory);
    }
    for memory in [
        [0, 1, 1, 65536, 2, 1],
        [0, 1, 1, 65536, 1, 65537],
        [0, 1, 1, 65537, 1, 65536],
        [0, 1, 1, NONE, NONE, NONE],
    ] {
        refused(AotFault::Limit, |parts| parts.memory = memory);
    }
    accepted(|parts| parts.memory = [0, 1, 0, 65536, 0, 65536]);
    accepted(|parts| parts.memory = [0, 1, 0, 0, 1, 1]);
}

#[test]
fn data_are_inside_of_the_file_and_go_to_the_memory() {
    refused(AotFault::Index, |parts| parts.data[0] = 2);
    refused(AotFault::Index, |parts| parts.data[1] = 1);
    refused(AotFault::Expression, |parts| parts.data[2] = 0x43);
    refused(AotFault::Index, |parts| {
        parts.data[2..4].copy_from_slice(&[0x23, 1])
    });
    accepted(|parts| parts.data[2..4].copy_from_slice(&[0x23, 0]));
    for bytes in [12_u32, 0x7fff_ffff, 0xffff_fff0, NONE] {
        let mut sections = parts(0).sections();
        sections[1].0[44..48].copy_from_slice(&bytes.to_le_bytes());
        assert!(check(&file(&sections)).is_err(), "{bytes}");
    }
}

#[test]
fn tables_are_the_modules_own_and_have_a_maximum() {
    refused(AotFault::Limit, |parts| parts.table.1 = [3, 2]);
    let mut imported = parts(0);
    imported.imported_tables = 1;
    assert_eq!(imported.fault(), Some(AotFault::Feature));
}

#[test]
fn elements_are_functions_of_the_module_in_a_table_of_its_own() {
    for table in [1, 0x2000, 0x1_0000, NONE] {
        refused(AotFault::Index, |parts| parts.elements[2] = table);
    }
    // Of a passive segment it means nothing.
    accepted(|parts| parts.elements = [1, 0x70, 9, 0x41, 0]);
    refused(AotFault::Expression, |parts| parts.elements[1] = 0x7f);
    refused(AotFault::Expression, |parts| parts.elements[1] = 0x170);
    refused(AotFault::Expression, |parts| parts.elements[3] = 0x43);
    for function in [4, 0x8000_0000, NONE - 1] {
        refused(AotFault::Index, |parts| parts.values[1][1] = function);
    }
    refused(AotFault::Expression, |parts| parts.values[1] = [0x41, 0]);
    refused(AotFault::Expression, |parts| parts.values[1] = [0x23, 0]);
    refused(AotFault::Expression, |parts| parts.values[1] = [0xd0, 0]);
    refused(AotFault::Expression, |parts| parts.elements[1] = 0x6f);
}

#[test]
fn globals_have_values_of_their_type() {
    let wrong: [(u8, &[u32]); 12] = [
        (0x7f, &[0x42, 0, 0]),
        (0x7e, &[0x41, 0]),
        (0x7d, &[0x41, 0]),
        (0x7c, &[0x42, 0, 0]),
        (0x7f, &[0xd0, NONE]),
        (0x7f, &[0x7c, 0x42, 0, 0, 0x42, 0, 0]),
        (0x7e, &[0x6a, 0x41, 0, 0x41, 0]),
        (0x7d, &[0x6a, 0x41, 0, 0x41, 0]),
        // Any number for a function.
        (0x70, &[0x41, 4096]),
        (0x70, &[0xd0, 4096]),
        (0x6f, &[0xd2, 0]),
        (0x7f, &[0xfd, 0, 0, 0, 0]),
    ];
    for (kind, value) in wrong {
        refused(AotFault::Expression, |parts| {
            parts.globals[0] = (kind, value.into())
        });
    }
    refused(AotFault::Index, |parts| {
        parts.globals[0] = (0x7f, vec![0x23, 1])
    });
    refused(AotFault::Index, |parts| {
        parts.globals[0] = (0x70, vec![0xd2, 4])
    });
    refused(AotFault::Expression, |parts| {
        parts.globals[0] = (0x7b, vec![0x41, 0]);
    });
}

#[test]
fn constant_expressions_are_not_deep() {
    for operators in [9, 16, 1000, 100_000] {
        // Nested in the first operand, and in the second.
        let mut left = vec![0x6a; operators];
        left.extend([0x41, 1].repeat(operators + 1));
        refused(AotFault::Limit, |parts| {
            parts.globals[0] = (0x7f, left.clone())
        });
        let mut right = [0x6a, 0x41, 1].repeat(operators);
        right.extend([0x41, 1]);
        refused(AotFault::Limit, |parts| {
            parts.globals[0] = (0x7f, right.clone())
        });
    }
    let mut eight = vec![0x6a; 8];
    eight.extend([0x41, 1].repeat(9));
    accepted(|parts| parts.globals[0] = (0x7f, eight.clone()));
}

#[test]
fn types_of_functions_are_in_the_file() {
    for (parameters, results) in [(0xffff, 1), (2, 0xffff), (0xffff, 0xffff)] {
        for machine in 0..MACHINES.len() {
            let mut parts = parts(machine);
            (parts.types[1].0, parts.types[1].1) = (parameters, results);
            assert!(parts.check().is_err());
        }
    }
}

#[test]
fn sections_of_data_are_few() {
    refused(AotFault::Limit, |parts| {
        parts.data_sections = vec![(String::from(".rodata"), 13); 17];
    });
}

#[test]
fn functions_begin_inside_of_the_code() {
    for offset in [CODE_BYTES, 0x8000_0000, 0xffff_ffff] {
        refused(AotFault::Offset, |parts| parts.offsets[1] = offset);
    }
    let mut wide = parts(0);
    wide.offsets[1] = 1 << 32;
    assert_eq!(wide.fault(), Some(AotFault::Offset));
    for machine in [2, 3] {
        let mut odd = parts(machine);
        odd.offsets[1] = 17;
        assert_eq!(odd.fault(), Some(AotFault::Offset));
    }
    refused(AotFault::Offset, |parts| parts.literals = 4);
    refused(AotFault::Offset, |parts| parts.literals = NONE);
}

#[test]
fn imported_functions_do_not_stand_for_the_modules_own() {
    for name in ["__pin", "__retain"] {
        refused(AotFault::Index, |parts| {
            parts.exports[0] = (0, 0, String::from(name));
        });
        accepted(|parts| parts.exports[0] = (1, 0, String::from(name)));
        accepted(|parts| parts.exports[0] = (0, 3, String::from(name)));
    }
    accepted(|parts| parts.exports[0] = (0, 0, String::from("imported")));
}

#[test]
fn strings_end_in_their_only_nul() {
    let sections = parts(0).sections();
    for (section, text) in [(1, &b"env"[..]), (4, b"memory"), (5, b".rela.text")] {
        let body = &sections[section].0;
        let at = body.windows(text.len()).position(|part| part == text);
        let at = at.expect("it is there");
        for (place, byte) in [
            (at + 1, 0),
            (at + text.len(), b'x'),
            (at - 2, 0),
            (at - 1, 0xff),
        ] {
            let mut changed = sections.clone();
            changed[section].0[place] = byte;
            assert!(check(&file(&changed)).is_err(), "{section} {place}");
        }
    }
}

#[test]
fn relocations_are_inside_of_their_section() {
    for (section, bytes) in [(0, CODE_BYTES), (1, 13)] {
        for offset in [bytes - 3, bytes, 0x7fff_fffe, 0xffff_fffe] {
            refused(AotFault::Offset, |parts| {
                parts.relocations[section].1[0].0 = offset
            });
        }
    }
    let mut wide = parts(0);
    wide.relocations[0].1[0].0 = 1 << 32;
    assert_eq!(wide.fault(), Some(AotFault::Offset));
    // All bytes that it reads, not only those that it changes.
    let mut call = parts(3);
    call.relocations[0].1[0] = (58, 0, 18, RUNTIME);
    assert_eq!(call.fault(), Some(AotFault::Offset));
    call.relocations[0].1[0].0 = 56;
    assert_eq!(call.check(), Ok(()));
    let mut odd = parts(2);
    odd.relocations[0].1[0].0 = 1;
    assert_eq!(odd.fault(), Some(AotFault::Offset));
}

#[test]
fn targets_are_inside_of_theirs() {
    for (relocation, most) in [(0, 4), (1, 0), (2, 13)] {
        accepted(|parts| parts.relocations[0].1[relocation].1 = most);
        for addend in [
            most + 1,
            0x40_0000,
            i64::from(i32::MAX),
            i64::from(i32::MIN),
        ] {
            refused(AotFault::Offset, |parts| {
                parts.relocations[0].1[relocation].1 = addend;
            });
        }
    }
    for (relocation, least) in [(0, -68), (1, -8), (2, -(1 << 30))] {
        accepted(|parts| parts.relocations[0].1[relocation].1 = least);
        refused(AotFault::Offset, |parts| {
            parts.relocations[0].1[relocation].1 = least - 1;
        });
    }
    for addend in [1 << 32, -(1 << 32), i64::MAX, i64::MIN] {
        let mut wide = parts(0);
        wide.relocations[0].1[0].1 = addend;
        assert_eq!(wide.fault(), Some(AotFault::Offset), "{addend}");
    }
}

#[test]
fn relocations_are_of_a_known_type_section_and_function() {
    for kind in [0, 5, 9, 29, 41, 51, 260, NONE] {
        refused(AotFault::Relocation, |parts| {
            parts.relocations[0].1[0].2 = kind
        });
    }
    for section in [".rela", ".text", ".rela.data", ".rela.literal", "rela.text"] {
        refused(AotFault::Relocation, |parts| {
            parts.symbols[0] = String::from(section)
        });
    }
    for function in ["3", "4294967296", "", "1x", "-1", "+1", "99999999999"] {
        refused(AotFault::Index, |parts| {
            parts.symbols[FUNCTION as usize] = format!("aot_func#{function}");
        });
    }
    refused(AotFault::Index, |parts| parts.relocations[0].1[0].3 = 6);
    refused(AotFault::Index, |parts| parts.relocations[0].0 = NONE);
}

#[test]
fn symbols_are_in_their_section() {
    let sections = parts(0).sections();
    for (entry, offset) in [
        (0, 0x1000_u32),
        (3, 0x7fff_fffe),
        (5, NONE),
        (6, NONE),
        (6, 500),
    ] {
        let mut changed = sections.clone();
        let at = 4 + 4 * entry;
        changed[5].0[at..at + 4].copy_from_slice(&offset.to_le_bytes());
        let error = check(&file(&changed)).unwrap_err();
        assert_eq!(error.section, "relocations", "{entry} {offset}");
        assert!(error.offset <= file(&changed).len(), "{error:?}");
    }
}

#[test]
fn custom_sections_are_names_and_the_checksum() {
    for kind in [1, 2, 3, 4, NONE] {
        refused(AotFault::Feature, |parts| parts.custom = kind);
    }
}

#[test]
fn the_checksum_is_the_last_thing_and_right() {
    let file = file(&parts(0).sections());
    let rest = &file[..file.len() - 16];
    let error = check(rest).unwrap_err();
    assert_eq!(error.fault, AotFault::Checksum);
    for bit in 0..8 * file.len() {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn counts_are_not_believed() {
    // Each number of 32 bits becomes a large one: refused, soon, or something without meaning.
    for machine in 0..MACHINES.len() {
        let whole = file(&parts(machine).sections());
        let rest = whole.len() - 16;
        for at in (0..rest).step_by(4) {
            for number in [0x7fff_ffff_u32, 0xffff_ffff, 0x1000_0000] {
                let mut changed = whole[..rest].to_vec();
                changed[at..at + 4].copy_from_slice(&number.to_le_bytes());
                let _ = check(&sealed(changed));
            }
        }
    }
}

#[test]
fn an_error_says_what_and_where() {
    let mut changed = parts(0);
    changed.elements[2] = 7;
    let error = changed.check().unwrap_err();
    let mut text = String::new();
    error.explain(&mut |piece| text += piece);
    let start = "AOT file: index out of range, in the init data before byte 1";
    assert!(text.starts_with(start), "{text}");
}
