// SPDX-License-Identifier: Apache-2.0
//! Section with the references of machine code and its data, and their targets.

use super::{AotFault, SIGNED, SectionReader, UNSIGNED};

/// Place of the machine's number: behind the header, that of the first section, and three others.
const MACHINE: usize = 8 + 8 + 6;

/// Prefix of a function's symbol; its index among the module's own follows.
const FUNCTION: &[u8] = b"aot_func#";

/// Most bytes by which a target can precede its section: an addend counts from the end of the
/// instruction, up to 8 bytes behind the reference.
const BEFORE: u32 = 8;

/// The same for a section of data: a table that is indexed from another number than 0 is referred to
/// by the place that its element 0 would have.
const BEFORE_DATA: u32 = 1 << 30;

/// A machine, and the relocations that WAMR applies on it.
#[derive(PartialEq, Eq, Debug)]
pub struct Machine {
    /// The ELF machine number.
    pub(super) number: u16,
    /// Pointers of 64 bits.
    pub(super) wide: bool,
    /// A power of two that instructions are aligned to.
    alignment: u32,
    /// Types that change or read 4 bytes, and those of 8 bytes.
    four: &'static [u8],
    eight: &'static [u8],
}

impl Machine {
    /// PC32, PLT32, 32, 32S; 64.
    pub const X86_64: Self = Self {
        number: 62,
        wide: true,
        alignment: 1,
        four: &[2, 4, 10, 11],
        eight: &[1],
    };

    /// 32, PC32, PLT32.
    pub const I386: Self = Self {
        number: 3,
        wide: false,
        alignment: 1,
        four: &[1, 2, 4],
        eight: &[],
    };

    /// ABS32, THM_CALL, THM_JMP24, THM_MOVW_ABS_NC, THM_MOVT_ABS, the same two PREL.
    pub const ARM: Self = Self {
        number: 40,
        wide: false,
        alignment: 2,
        four: &[2, 10, 30, 47, 48, 49, 50],
        eight: &[],
    };

    /// 32, PCREL_LO12_I, PCREL_LO12_S, HI20, LO12_I, LO12_S; CALL, CALL_PLT, PCREL_HI20.
    pub const RISCV: Self = Self {
        number: 243,
        wide: false,
        alignment: 2,
        four: &[1, 24, 25, 26, 27, 28],
        eight: &[18, 19, 23],
    };

    /// The machine that a file says it is for.
    pub fn of(file: &[u8]) -> Option<&'static Self> {
        const ALL: [&Machine; 4] = [
            &Machine::X86_64,
            &Machine::I386,
            &Machine::ARM,
            &Machine::RISCV,
        ];
        let number = u16::from_le_bytes(*file.get(MACHINE..)?.first_chunk()?);
        ALL.into_iter().find(|machine| machine.number == number)
    }

    /// Bytes that a relocation of this type changes or reads; 0 for an unknown one.
    fn width(&self, kind: u32) -> u32 {
        let is = |known: &&u8| u32::from(**known) == kind;
        if self.four.iter().find(is).is_some() {
            4
        } else if self.eight.iter().find(is).is_some() {
            8
        } else {
            0
        }
    }

    pub(super) fn is_aligned(&self, offset: u32) -> bool {
        offset & self.alignment.wrapping_sub(1) == 0
    }
}

/// Names that relocations refer to by number: place of their offsets, number of names, and place
/// of the strings.
#[derive(Clone, Copy)]
struct Symbols {
    offsets: usize,
    count: u32,
    strings: usize,
}

impl<'f> SectionReader<'f> {
    pub(super) fn relocations(&mut self) {
        let symbols = self.symbols();
        let groups = self.cursor.u32();
        self.repeat(groups, |reader| {
            let section = reader.symbol(symbols);
            let section = section
                .strip_prefix(b".rela")
                .or(section.strip_prefix(b".rel"))
                .and_then(|name| reader.part(name));
            reader.ensure(section.is_some(), AotFault::Relocation);
            let relocations = reader.cursor.u32();
            reader.repeat(relocations, |reader| {
                reader.relocation(section.unwrap_or_default(), symbols);
            });
        });
    }

    /// The table of names: offsets, and strings in a section of their own.
    fn symbols(&mut self) -> Symbols {
        let count = self.cursor.u32();
        let offsets = self.cursor.at;
        self.repeat(count, |reader| {
            reader.cursor.u32();
        });
        let bytes = self.cursor.u32();
        let strings = self.cursor.at;
        self.cursor.take(bytes as usize);
        Symbols {
            offsets,
            count,
            strings,
        }
    }

    /// Place of the symbol of an index.
    fn place(&mut self, symbols: Symbols, index: u32) -> usize {
        self.ensure(index < symbols.count, AotFault::Index);
        let entry = (index as usize).saturating_mul(4);
        let offset = self.elsewhere(symbols.offsets.saturating_add(entry), |reader| {
            reader.cursor.u32()
        });
        symbols.strings.saturating_add(offset as usize)
    }

    /// The symbol whose index comes next.
    fn symbol(&mut self, symbols: Symbols) -> &'f [u8] {
        let index = self.cursor.u32();
        let place = self.place(symbols, index);
        self.elsewhere(place, |reader| reader.cursor.string())
    }

    /// A place in a section of `bytes`, and the target that it refers to.
    fn relocation(&mut self, bytes: u32, symbols: Symbols) {
        let offset = self.word(UNSIGNED);
        let addend = self.word(SIGNED);
        let kind = self.cursor.u32();
        let symbol = self.symbol(symbols);
        let width = self.machine.width(kind);
        self.ensure(width != 0, AotFault::Relocation);
        let end = offset.saturating_add(width);
        let aligned = self.machine.is_aligned(offset);
        // A function of the runtime, whose size is not known, is referred to as a whole.
        let (start, most, before) = match symbol.strip_prefix(FUNCTION) {
            Some(index) => (self.function(index), self.code_bytes, BEFORE),
            None => match self.data_section_bytes(symbol) {
                Some(bytes) => (0, bytes, BEFORE_DATA),
                None => (0, self.part(symbol).unwrap_or_default(), BEFORE),
            },
        };
        // Sizes have 31 bits, so that a target before that is beyond all of them.
        let target = start.wrapping_add(addend).wrapping_add(before);
        let inside = end <= bytes && target <= most.wrapping_add(before);
        self.ensure(aligned && inside, AotFault::Offset);
    }

    /// Bytes of the code, or of a section of data, by its name.
    fn part(&mut self, name: &[u8]) -> Option<u32> {
        if name == b".text" || name == b".ltext" {
            Some(self.code_bytes)
        } else {
            self.data_section_bytes(name)
        }
    }

    /// Offset in the code of a function by its index in digits.
    fn function(&mut self, digits: &[u8]) -> u32 {
        let index = digits.iter().try_fold(0_u32, |index, digit| {
            let digit = char::from(*digit).to_digit(10)?;
            index.checked_mul(10)?.checked_add(digit)
        });
        let (imported, all) = self.functions;
        let index = index.filter(|index| !digits.is_empty() && *index < all.wrapping_sub(imported));
        self.ensure(index.is_some(), AotFault::Index);
        let bytes = if self.machine.wide { 8 } else { 4 };
        let entry = (index.unwrap_or_default() as usize).saturating_mul(bytes);
        self.elsewhere(self.function_offsets.saturating_add(entry), |reader| {
            reader.cursor.u32()
        })
    }
}
