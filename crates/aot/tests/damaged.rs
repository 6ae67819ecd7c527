// SPDX-License-Identifier: Apache-2.0
//! Compiled files that were changed afterwards never take the process down.
//!
//! A changed file with its old checksum is refused. With a new checksum, as an attacker could make
//! one, each byte outside of the machine code is changed in several ways. Files that the reader
//! accepts are loaded and instantiated, and run unless the change breaks an assumption of the
//! code. Most useful with the C code under a sanitizer (see `build.rs` of ocre-wamr-sys).
#![cfg(all(have_llvm, target_arch = "x86_64"))]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use ocre::port::{Engine as _, Exit, Host, HostExit, HostFunction, HostModule, LoadError, Program};
use ocre_aot::{CompileOptions, Error, Target, compile};
use ocre_module_reader::aot::{self, AotFault, Error as Refusal, Machine};
use ocre_wamr::{HostCalls, Instance, InstanceLimits, PC_TARGET, RunInterrupt, WamrEngine};

static MODULES: &[HostModule] = &[HostModule {
    name: c"env",
    functions: &[
        HostFunction {
            name: c"same",
            signature: c"(i)i",
        },
        HostFunction {
            name: c"sum",
            signature: c"(IF)I",
        },
    ],
}];

/// Answers with the first argument.
struct Echo;

impl Host for Echo {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        Ok(())
    }
}

/// Every kind of relocation, a jump table, float constants, passive and active segments,
/// references, imports, a start function and long names.
const MODULES_OF_EVERY_KIND: [&str; 4] = [
    r#"(module
        (type $unary (func (param i32) (result i32)))
        (import "env" "same" (func $same (type $unary)))
        (import "env" "sum" (func $sum (param i64 f64) (result i64)))
        (memory (export "memory") 1 3)
        (table (export "table") 5 9 funcref)
        (table $hosts 2 externref)
        (global $count (mut i32) (i32.const 3))
        (global (export "wide") i64 (i64.const -3))
        (global $single f32 (f32.const 1.5))
        (global $double (mut f64) (f64.const 2.25))
        (global $handler funcref (ref.func $double_it))
        (global $none externref (ref.null extern))
        (elem (i32.const 1) $double_it $same $pick)
        (elem $later func $pick $double_it)
        (data (i32.const 16) "some words that are in the memory")
        (data $more "words that are copied later")
        (start $init)
        (func $init (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (memory.init $more (i32.const 128) (i32.const 0) (i32.const 27)))
        (func $double_it (type $unary) (i32.shl (local.get 0) (i32.const 1)))
        (func $pick (type $unary)
            (block (block (block (block (block (block
                (br_table 0 1 2 3 4 5 (local.get 0)))
                (return (i32.const 11))) (return (call $same (i32.const 22))))
                (return (i32.const 33))) (return (call $double_it (i32.const 44))))
                (return (i32.const 55)))
            (i32.const 66))
        (func $pair (param i32) (result i32 i64) (local.get 0) (i64.const 5))
        (func $floats (param f64) (result f64)
            (f64.add (f64.mul (local.get 0) (f64.const 3.75))
                (f64.promote_f32 (f32.mul (global.get $single) (f32.const 0.3)))))
        (func (export "_start") (result i32)
            (table.init 0 $later (i32.const 0) (i32.const 0) (i32.const 1))
            (drop (table.grow 0 (global.get $handler) (i32.const 1)))
            (drop (call $sum (i64.const 1) (call $floats (global.get $double))))
            (drop (call $pair (i32.const 1))) (drop)
            (i32.add
                (i32.add (call_indirect (type $unary) (i32.const 4) (i32.const 1))
                    (call_indirect (type $unary) (i32.load8_u (i32.const 16)) (i32.const 2)))
                (i32.add (call_indirect (type $unary) (i32.const 3) (i32.const 3))
                    (call_indirect (type $unary) (global.get $count) (i32.const 0))))))"#,
    // The smallest module, without a memory.
    r#"(module (func (export "_start") (result i32) (i32.const 7)))"#,
    // A memory that WAMR shrinks to the used part.
    r#"(module (memory (export "memory") 1)
        (global $sp (mut i32) (i32.const 4096))
        (global (export "__heap_base") i32 (i32.const 4096))
        (global (export "__data_end") i32 (i32.const 1040))
        (data (i32.const 1024) "0123456789abcdef")
        (func (export "_start") (result i32)
            (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
            (i32.store (global.get $sp) (i32.load8_u (i32.const 1029)))
            (i32.load (global.get $sp))))"#,
    // Imported memory, and nothing but exports.
    r#"(module (import "env" "memory" (memory 1 2))
        (func $a (export "_start") (result i32) (i32.const 1))
        (export "a" (func $a)) (export "b" (func $a)) (export "__new" (func $a))
        (func (export "malloc") (param i32) (result i32) (local.get 0))
        (func (export "free") (param i32))
        (func (export "__pin") (param i32) (result i32) (local.get 0)))"#,
];

fn engine() -> &'static WamrEngine {
    static ENGINE: OnceLock<WamrEngine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let options = ocre_wamr::EngineOptions {
            pool: None,
            limit_bytes: 0,
            host_stack_bytes: 64 * 1024,
            aot: PC_TARGET,
            aot_elsewhere: false,
        };
        WamrEngine::start(MODULES, options).expect("the first start")
    })
}

const MEMORY_BYTES: u32 = 4 << 16;
const STACK_BYTES: u32 = 64 * 1024;

fn compiled(text: &str, level: u8) -> Vec<u8> {
    let wasm = wat::parse_str(text).expect("the test's own text");
    let mut options = CompileOptions::new(Target::X86_64);
    options.opt_level = level;
    compile(&wasm, &options).expect("it compiles")
}

/// Checks a file for the machine that it names.
fn check(file: &[u8]) -> Result<(), Refusal> {
    aot::check(file, Machine::of(file).unwrap_or(&Machine::X86_64))
}

/// Files of each module at two levels.
fn files() -> Vec<Vec<u8>> {
    let levels = |text| [0, 3].map(|level| compiled(text, level));
    MODULES_OF_EVERY_KIND
        .iter()
        .flat_map(|text| levels(text))
        .collect()
}

/// Loads and, if that works, uses it.
fn load(file: &[u8], then: impl FnOnce(ocre_wamr::Module)) -> Result<(), LoadError> {
    let code = engine().code(file).expect("memory for the code");
    engine().load(code, &mut |_| ()).map(then)
}

/// All that comes before code runs.
fn instantiate(mut module: ocre_wamr::Module) {
    module.imports(&mut |_, _, _| ());
    module.exports(&mut |_, _| ());
    module.minimum_pages();
    module.function("_start", true);
    let limits = InstanceLimits {
        memory_bytes: MEMORY_BYTES,
        stack_bytes: STACK_BYTES,
        reserve_bytes: 64 * 1024,
        instructions: None,
    };
    let mut host = Echo;
    let mut calls = HostCalls::new(&mut host);
    let interrupt = RunInterrupt::default();
    drop(Instance::new(&mut module, &limits, &mut calls, &interrupt));
}

fn run(module: ocre_wamr::Module) {
    let program = Program {
        entry: "_start",
        memory_bytes: MEMORY_BYTES,
        stack_bytes: STACK_BYTES,
        instructions: None,
    };
    let interrupt = RunInterrupt::default();
    let _ = engine().run(module, &program, &mut Echo, &interrupt, &mut || ());
}

fn number(file: &[u8], at: usize) -> usize {
    u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

/// Places of the sections' contents, by type; the checksum is not among them.
fn sections(file: &[u8]) -> BTreeMap<usize, Range<usize>> {
    let mut sections = BTreeMap::new();
    let mut at = 8;
    while at < file.len() - aot::SEAL_BYTES {
        at = at.next_multiple_of(4);
        let (kind, bytes) = (number(file, at), number(file, at + 4));
        sections.insert(kind, at + 8..at + 8 + bytes);
        at += 8 + bytes;
    }
    sections
}

/// The file with another byte, and a checksum that is right for it.
fn changed(file: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut changed = aot::without_seal(file).expect("it has one").to_vec();
    changed[at] = byte;
    changed.extend(aot::seal(&changed));
    changed
}

/// Bytes that stand for this one; not itself.
fn others(byte: u8) -> impl Iterator<Item = u8> {
    let flips = (0..8).map(move |bit| byte ^ 1 << bit);
    let others = [
        0,
        1,
        0x7f,
        0x80,
        0xff,
        byte.wrapping_add(1),
        byte.wrapping_sub(1),
    ];
    flips.chain(others).filter(move |other| *other != byte)
}

#[test]
fn files_as_they_are_run() {
    for (file, text) in files()
        .iter()
        .zip(MODULES_OF_EVERY_KIND.iter().flat_map(|text| [text; 2]))
    {
        let code = engine().code(file).expect("memory");
        let module = engine()
            .load(code, &mut |words| panic!("{words}: {text}"))
            .expect("it loads");
        let program = Program {
            entry: "_start",
            memory_bytes: MEMORY_BYTES,
            stack_bytes: STACK_BYTES,
            instructions: None,
        };
        let exit = engine().run(
            module,
            &program,
            &mut Echo,
            &RunInterrupt::default(),
            &mut || (),
        );
        assert!(matches!(exit, Ok(Exit::Code(_))), "{exit:?}: {text}");
    }
}

#[test]
fn the_reader_accepts_what_is_compiled_for_every_target() {
    for target in Target::ALL {
        for (text, level) in MODULES_OF_EVERY_KIND
            .iter()
            .flat_map(|text| (0..=3).map(move |level| (text, level)))
        {
            let wasm = wat::parse_str(text).expect("the test's own text");
            let mut options = CompileOptions::new(target);
            options.opt_level = level;
            let file = compile(&wasm, &options).expect("it compiles");
            assert_eq!(check(&file), Ok(()), "{target} {level}: {text}");
        }
    }
}

#[test]
fn a_changed_byte_is_refused() {
    for file in files() {
        assert_eq!(check(&file), Ok(()));
        for at in 0..file.len() {
            for byte in others(file[at]) {
                let mut changed = file.clone();
                changed[at] = byte;
                assert!(check(&changed).is_err(), "byte {at}: {byte}");
                if byte == file[at] ^ 1 {
                    assert!(load(&changed, |_| ()).is_err());
                }
            }
        }
    }
}

#[test]
fn a_file_without_its_checksum_is_refused() {
    for file in files() {
        let rest = aot::without_seal(&file).expect("it has one");
        assert!(check(rest).is_err());
        assert_eq!(load(rest, |_| ()), Err(LoadError::Invalid));
    }
}

#[test]
fn what_the_reader_accepts_is_loaded_without_harm() {
    let (mut refused, mut loaded) = (0_u32, 0_u32);
    for file in files() {
        let sections = sections(&file);
        let code = sections[&2].start + 4..sections[&2].end;
        for at in (0..file.len() - aot::SEAL_BYTES).filter(|at| !code.contains(at)) {
            for byte in others(file[at]) {
                let changed = changed(&file, at, byte);
                match check(&changed) {
                    Err(error) => {
                        assert_ne!(error.fault, AotFault::Checksum);
                        refused += 1;
                    }
                    Ok(()) => loaded += u32::from(load(&changed, instantiate).is_ok()),
                }
            }
        }
    }
    assert!(refused > 1000 && loaded > 1000, "{refused} {loaded}");
}

#[test]
fn numbers_at_the_extremes_are_loaded_without_harm() {
    for file in files() {
        let sections = sections(&file);
        let code = sections[&2].start + 4..sections[&2].end;
        let words = (0..file.len() - aot::SEAL_BYTES).step_by(4);
        for at in words.filter(|at| !code.contains(at)) {
            for number in [
                0,
                1,
                0xffff,
                0x1_0000,
                0x7fff_ffff,
                0x8000_0000,
                u32::MAX - 1,
                u32::MAX,
            ] {
                let mut changed = aot::without_seal(&file).expect("it has one").to_vec();
                changed[at..at + 4].copy_from_slice(&number.to_le_bytes());
                changed.extend(aot::seal(&changed));
                let _ = load(&changed, instantiate);
            }
        }
    }
}

#[test]
fn what_code_is_not_compiled_for_can_be_anything() {
    let mut ran = 0;
    for file in files() {
        let sections = sections(&file);
        let init_data = &file[sections[&1].clone()];
        let mut ranges = vec![sections[&4].clone()];
        // Bytes of data.
        for words in [
            &b"some words that are in the memory"[..],
            b"0123456789abcdef",
        ] {
            if let Some(at) = init_data
                .windows(words.len())
                .position(|part| part == words)
            {
                let at = sections[&1].start + at;
                ranges.push(at..at + words.len());
            }
        }
        // Functions in tables: those of another type are caught where they are called.
        for at in (sections[&1].start..sections[&1].end - 8).step_by(4) {
            if number(&file, at) == 0xd2 {
                ranges.push(at + 4..at + 8);
            }
        }
        for at in ranges.into_iter().flatten() {
            for byte in others(file[at]) {
                ran += u32::from(load(&changed(&file, at, byte), run).is_ok());
            }
        }
    }
    assert!(ran > 1000, "{ran}");
}

#[test]
fn imports_of_tables_and_of_other_memories_are_not_compiled() {
    for (import, name) in [
        (
            r#"(import "env" "t" (table 1 funcref)) (memory 1)"#,
            "env.t",
        ),
        (
            r#"(import "env" "memory" (table 1 funcref)) (memory 1)"#,
            "env.memory",
        ),
        (r#"(import "x" "y" (memory 1))"#, "x.y"),
        (r#"(import "env" "mem" (memory 1))"#, "env.mem"),
        (r#"(import "wasi" "memory" (memory 1 2))"#, "wasi.memory"),
    ] {
        let wasm = wat::parse_str(format!("(module {import} (func (export \"_start\")))"));
        let error = compile(
            &wasm.expect("a module"),
            &CompileOptions::new(Target::X86_64),
        )
        .unwrap_err();
        assert_eq!(error, Error::Import(name.into()));
        assert_eq!(error.code(), "wasm-import");
    }
}
