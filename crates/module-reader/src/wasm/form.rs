// SPDX-License-Identifier: Apache-2.0
//! Forms of instructions: the immediates that follow an opcode, and the numbers of operands that
//! the instruction pops and pushes.

/// Form of an instruction, in one byte.
#[derive(Clone, Copy)]
pub struct Form(u8);

/// Immediates of an instruction, as bits of its form: the length of the instruction if each
/// immediate has one byte, and the bits below.
const OTHER: u8 = 0;
const NONE: u8 = 1;
const INDEX: u8 = 2;
const LOCAL: u8 = 2 | Form::LOCAL;
const I32: u8 = 2 | 1 << 2;
const I64: u8 = 2 | 2 << 2;
const MEMORY_ACCESS: u8 = 3;

impl Form {
    /// The immediate is the index of a local variable.
    const LOCAL: u8 = 1 << 4;

    const fn new(immediates: u8, popped: u8, pushed: u8) -> Self {
        Self(immediates | pushed << 5 | popped << 6)
    }

    /// True where the forms are a table and [short](Self::is_short) instructions are read in a loop
    /// of their own. Both take 400 bytes, which a device's flash does not have.
    pub const TABLE: bool = cfg!(target_pointer_width = "64");

    /// Form of the instruction with an opcode of one byte.
    pub fn of(opcode: u32) -> Self {
        if Self::TABLE {
            FORMS.get(opcode as usize).copied().unwrap_or(Self(OTHER))
        } else {
            form(opcode)
        }
    }

    /// True if two bytes after the opcode start with immediates of one byte each; the alignment of
    /// a memory access is 3 at most.
    pub fn is_short(self, immediates: [u8; 2]) -> bool {
        /// Bits that are zero, by the length of the instruction.
        static ZEROES: [u16; 4] = [0, 0, 0x80, 0x80fc];

        let zeroes = ZEROES.get(self.short_length()).copied();
        self.short_length() != 0 && u16::from_le_bytes(immediates) & zeroes.unwrap_or_default() == 0
    }

    /// Length in bytes, opcode included, if each immediate has one byte: one more than the number
    /// of immediates; 0 where the form does not tell it.
    pub const fn short_length(self) -> usize {
        (self.0 & 3) as usize
    }

    /// Cells of 32 bits that the immediate takes as a constant.
    pub const fn constant_cells(self) -> u32 {
        (self.0 >> 2 & 3) as u32
    }

    /// All bits if the immediate is the index of a local variable, otherwise none. A mask, since a
    /// branch here would be mispredicted at every third instruction.
    pub const fn local_mask(self) -> u32 {
        0_u32.wrapping_sub(((self.0 / Self::LOCAL) & 1) as u32)
    }

    /// Operands that the instruction pushes, 0 or 1.
    pub const fn pushed(self) -> u32 {
        (self.0 >> 5 & 1) as u32
    }

    /// Operands that the instruction pops.
    pub const fn popped(self) -> u32 {
        (self.0 >> 6) as u32
    }
}

/// Opcodes with the form of each.
const fn form(opcode: u32) -> Form {
    match opcode {
        0x01 => Form::new(NONE, 0, 0),
        0x1a => Form::new(NONE, 1, 0),
        0x1b => Form::new(NONE, 3, 1),
        0x1c => Form::new(OTHER, 3, 1),
        0x20 => Form::new(LOCAL, 0, 1),
        0x21 => Form::new(LOCAL, 1, 0),
        0x22 => Form::new(LOCAL, 1, 1),
        0x23 => Form::new(INDEX, 0, 1),
        0x24 => Form::new(INDEX, 1, 0),
        0x25 => Form::new(INDEX, 1, 1),
        0x26 => Form::new(INDEX, 2, 0),
        0x28..=0x35 => Form::new(MEMORY_ACCESS, 1, 1),
        0x36..=0x3e => Form::new(MEMORY_ACCESS, 2, 0),
        0x3f | 0x43 | 0x44 | 0xd0 | 0xd2 => Form::new(OTHER, 0, 1),
        0x40 => Form::new(OTHER, 1, 1),
        0x41 => Form::new(I32, 0, 1),
        0x42 => Form::new(I64, 0, 1),
        // Comparisons and arithmetic.
        0x46..=0x4f | 0x51..=0x66 | 0x6a..=0x78 | 0x7c..=0x8a | 0x92..=0x98 | 0xa0..=0xa6 => {
            Form::new(NONE, 2, 1)
        }
        0x45..=0xc4 | 0xd1 => Form::new(NONE, 1, 1),
        _ => Form::new(OTHER, 0, 0),
    }
}

static FORMS: [Form; 256] = {
    let mut forms = [Form(OTHER); 256];
    let mut rest = forms.as_mut_slice();
    let mut opcode = 0_u32;
    while let [first, others @ ..] = rest {
        *first = form(opcode);
        opcode = opcode.wrapping_add(1);
        rest = others;
    }
    forms
};
