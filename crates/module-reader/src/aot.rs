// SPDX-License-Identifier: Apache-2.0
//! AOT files of WAMR (format version 6), checked before WAMR's loader sees them.
//!
//! The loader, and the runtime behind it, trust such a file: counts size allocations, offsets
//! are added to pointers, indices are followed. [`check`] walks all of a file but its machine
//! code, without an allocator, and refuses one where that would leave the file, a section, a
//! table or the memory. It knows the features and the relocations that `ocre aot` emits, and no
//! others. Flash is scarce, so the loader's own checks are not repeated: the target's name,
//! types of values, indices of types and exports and of the start function, the order of
//! symbols, and their presence in the runtime.
//!
//! A file: magic and version; sections, each at a multiple of 4 bytes, with type, size and
//! content: the target, the initial data of an instance, machine code, offsets of its functions,
//! exports, relocations, custom sections. The last one is the [checksum](seal).

mod checksum;
mod cursor;
mod init_data;
mod relocations;

#[cfg(test)]
mod tests;

pub use checksum::{SEAL_BYTES, seal, without_seal};
use cursor::SectionCursor;
pub use relocations::Machine;

/// First bytes of a file; a version follows.
pub const MAGIC: &[u8; 4] = b"\0aot";

const VERSION: u32 = 6;

/// Section types up to the relocations are the order, too.
const RELOCATIONS: u32 = 5;
const CUSTOM: u32 = 100;

/// The object type of code that the loader copies and relocates.
const RELOCATABLE: u16 = 1;
/// Bulk memory, the thread manager's suspend flags, reference types.
const FEATURES: u32 = 0b1110;

/// Value types; numbers are those from the first to the last of these three.
const I32: u8 = 0x7f;
const I64: u8 = 0x7e;
const F64: u8 = 0x7c;
const FUNCREF: u8 = 0x70;

/// Kinds of constant expressions: the opcodes, and none.
const NO_EXPRESSION: u32 = 0;
const GLOBAL_GET: u32 = 0x23;
const I32_CONST: u32 = 0x41;
const I64_CONST: u32 = 0x42;
const F32_CONST: u32 = 0x43;
const F64_CONST: u32 = 0x44;
const I32_ADD: u32 = 0x6a;
const I32_MUL: u32 = 0x6c;
const I64_ADD: u32 = 0x7c;
const I64_MUL: u32 = 0x7e;
const REF_NULL: u32 = 0xd0;
const REF_FUNC: u32 = 0xd2;

/// Longest file, in bytes: a PC's loader can't place more, and its sizes are signed.
const MOST_BYTES: usize = i32::MAX as usize;

/// Upper 32 bits of a 64-bit number: of any one, and of a negative one.
const UNSIGNED: u32 = 0;
const SIGNED: u32 = u32::MAX;

/// Index that stands for none.
const NONE: u32 = u32::MAX;

/// A refusal: the fault and its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
    /// The fault.
    pub fault: AotFault,
    /// The section.
    pub section: &'static str,
    /// Number of bytes that were read before it.
    pub offset: usize,
}

impl Error {
    /// Passes the fault and its place to `say`, in pieces.
    pub fn explain(&self, say: &mut dyn FnMut(&str)) {
        say("AOT file: ");
        say(self.fault.text());
        say(", in the ");
        say(self.section);
        say(" before byte ");
        say_decimal(self.offset, say);
    }
}

/// Kinds of faults.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum AotFault {
    /// A section, or the file, ends too early, or goes on after its content.
    End,
    /// The magic, the version, a section's type or place, or the object type is not the one
    /// that is expected.
    Header,
    /// The code needs a feature that this engine is built without.
    Feature,
    /// A string does not end in its only NUL.
    String,
    /// A constant expression of an unknown kind or of another type than its use.
    Expression,
    /// An index that is out of range.
    Index,
    /// A number above its limit, or a maximum below a minimum.
    Limit,
    /// Machine code, a relocation or its target outside its section, or not aligned.
    Offset,
    /// An unknown type of relocation, or section to relocate.
    Relocation,
    /// No checksum at the end, or one of other bytes.
    Checksum,
}

impl AotFault {
    const fn text(self) -> &'static str {
        match self {
            Self::End => "wrong length",
            Self::Header => "unexpected header",
            Self::Feature => "unsupported feature",
            Self::String => "malformed string",
            Self::Expression => "wrong constant expression",
            Self::Index => "index out of range",
            Self::Limit => "wrong limit",
            Self::Offset => "offset out of range",
            Self::Relocation => "unknown relocation",
            Self::Checksum => "wrong checksum (compile it again)",
        }
    }
}

/// Checks a whole file of code for a machine. It must lie at a multiple of 8 bytes when it is
/// loaded.
///
/// # Errors
/// The first fault in the file.
pub fn check(file: &[u8], machine: &Machine) -> Result<(), Error> {
    let mut reader = SectionReader::new(file, machine);
    reader.file();
    reader.cursor.fault.map_or(Ok(()), |(fault, offset)| {
        Err(Error {
            fault,
            section: reader.section(),
            offset,
        })
    })
}

/// A place in a file, and the facts from the sections before it.
struct SectionReader<'f> {
    cursor: SectionCursor<'f>,
    /// The type of the section.
    kind: u32,
    machine: &'f Machine,
    /// Numbers of imported ones and of all.
    functions: (u32, u32),
    tables: u32,
    /// Numbers of imported globals and of functions that indices so far refer to.
    globals_used: u32,
    functions_used: u32,
    /// Sections of data that belong to the machine code: their place and number.
    data_sections: (usize, u32),
    code_bytes: u32,
    /// Place of the offsets of functions.
    function_offsets: usize,
}

impl<'f> SectionReader<'f> {
    fn new(file: &'f [u8], machine: &'f Machine) -> Self {
        Self {
            cursor: SectionCursor {
                file,
                at: 0,
                end: file.len(),
                fault: None,
            },
            kind: 0,
            machine,
            functions: (0, 0),
            tables: 0,
            globals_used: 0,
            functions_used: 0,
            data_sections: (0, 0),
            code_bytes: 0,
            function_offsets: 0,
        }
    }

    fn section(&self) -> &'static str {
        match self.kind {
            0 => "header",
            1 => "init data",
            2 => "code",
            3 => "functions",
            4 => "exports",
            RELOCATIONS => "relocations",
            _ => "custom sections",
        }
    }

    fn is_fine(&self) -> bool {
        self.cursor.fault.is_none()
    }

    fn ensure(&mut self, holds: bool, fault: AotFault) {
        self.cursor.ensure(holds, fault);
    }

    /// Calls `read` `count` times, or until the first fault.
    fn repeat(&mut self, count: u32, mut read: impl FnMut(&mut Self)) {
        let mut left = count;
        while self.more(&mut left) {
            read(self);
        }
    }

    #[inline(never)]
    fn more(&self, left: &mut u32) -> bool {
        let more = *left != 0 && self.is_fine();
        *left = left.wrapping_sub(1);
        more
    }

    /// Reads at another place of the file, and comes back.
    fn elsewhere<T>(&mut self, at: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        let here = (self.cursor.at, self.cursor.end);
        self.cursor.at = at;
        let result = read(self);
        if self.is_fine() {
            (self.cursor.at, self.cursor.end) = here;
        }
        result
    }

    fn file(&mut self) {
        let magic = self.cursor.take(MAGIC.len()) == MAGIC;
        let version = self.cursor.u32();
        self.ensure(magic && version == VERSION, AotFault::Header);
        self.ensure(self.cursor.file.len() <= MOST_BYTES, AotFault::Limit);
        while self.is_fine() && self.kind <= RELOCATIONS {
            self.begin();
            match self.kind {
                0 => self.target(),
                1 => self.init_data(),
                2 => self.code(),
                3 => self.function_section(),
                4 => self.exports(),
                _ => self.relocations(),
            }
            self.ensure(self.cursor.at == self.cursor.end, AotFault::End);
            if self.is_fine() {
                self.kind = self.kind.wrapping_add(1);
            }
        }
        if !self.is_fine() {
            return;
        }
        self.kind = CUSTOM;
        while self.is_fine() && self.cursor.at < self.cursor.file.len() {
            self.begin();
            // Only names and content, which are ignored, and the checksum: with another
            // sub-type WAMR would read symbols of code that runs in place.
            let sub_type = self.cursor.u32();
            let known = sub_type == 0 || checksum::is_sub_type(sub_type);
            self.ensure(known, AotFault::Feature);
            self.cursor.at = self.cursor.end;
        }
        self.ensure(checksum::is_sealed(self.cursor.file), AotFault::Checksum);
    }

    /// Reads the header of the section that comes next.
    fn begin(&mut self) {
        self.cursor.end = self.cursor.file.len();
        let kind = self.cursor.u32();
        self.ensure(kind == self.kind, AotFault::Header);
        let bytes = self.cursor.u32();
        let start = self.cursor.at;
        self.cursor.take(bytes as usize);
        if self.is_fine() {
            self.cursor.end = self.cursor.at;
        }
        self.cursor.at = start;
    }

    fn target(&mut self) {
        let cursor = &mut self.cursor;
        cursor.take(4); // binary type and calling convention
        let object_type = cursor.u16();
        let machine = cursor.u16();
        cursor.take(8); // version and flags of an object file
        let (features, more_features) = (cursor.u32(), cursor.u32());
        cursor.take(24); // a reserved number, and the machine's name
        let fits = machine == self.machine.number && object_type == RELOCATABLE;
        self.ensure(fits, AotFault::Header);
        self.ensure(
            features & !FEATURES == 0 && more_features == 0,
            AotFault::Feature,
        );
    }

    /// A number of a pointer's width that must fit in 32 bits; `sign` is the upper half of a
    /// negative one.
    fn word(&mut self, sign: u32) -> u32 {
        let number = self.cursor.u32();
        if self.machine.wide {
            let above = self.cursor.u32();
            let negative = sign != 0 && number >> 31 != 0;
            self.ensure(above == if negative { sign } else { 0 }, AotFault::Offset);
        }
        number
    }

    /// Length of literals, which no machine here has, and machine code.
    fn code(&mut self) {
        let literals = self.cursor.u32();
        self.ensure(literals == 0, AotFault::Offset);
        self.code_bytes = self.cursor.end.saturating_sub(self.cursor.at) as u32;
        self.cursor.at = self.cursor.end;
    }

    fn function_section(&mut self) {
        let (imported, all) = self.functions;
        let own = all.wrapping_sub(imported);
        self.function_offsets = self.cursor.at;
        self.repeat(own, |reader| {
            let offset = reader.word(UNSIGNED);
            let inside = offset < reader.code_bytes;
            let aligned = reader.machine.is_aligned(offset);
            reader.ensure(inside && aligned, AotFault::Offset);
        });
        // Types, and sizes of locals and of operands.
        self.repeat(own, |reader| {
            reader.cursor.take(12);
        });
    }

    fn exports(&mut self) {
        let count = self.cursor.u32();
        self.repeat(count, |reader| {
            let index = reader.cursor.u32();
            let kind = reader.cursor.u8();
            let name = reader.cursor.string();
            // WAMR takes these for functions of the module's own.
            let own = kind == 0 && (name == b"__pin" || name == b"__retain");
            reader.ensure(!own || index >= reader.functions.0, AotFault::Index);
        });
    }
}

/// Passes a number to `say` in decimal digits, without the code of `core::fmt`.
fn say_decimal(number: usize, say: &mut dyn FnMut(&str)) {
    if number >= 10 {
        say_decimal(number / 10, say);
    }
    let digit = number % 10;
    say("0123456789".get(digit..=digit).unwrap_or_default());
}
