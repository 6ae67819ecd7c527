// SPDX-License-Identifier: Apache-2.0
//! Bytes, numbers, names and types of a module.

use super::{ModuleWalk, Problem, features};

pub const I32: u32 = 0x7f;
pub const I64: u32 = 0x7e;
pub const F32: u32 = 0x7d;
pub const F64: u32 = 0x7c;
pub const FUNCREF: u32 = 0x70;
pub const EXTERNREF: u32 = 0x6f;

impl ModuleWalk<'_> {
    /// Bytes until the end of the section or body.
    pub fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    pub fn peek(&mut self) -> u32 {
        match self.bytes.get(self.at) {
            Some(&byte) if self.at < self.end => byte.into(),
            _ => {
                self.fail(Problem::End);
                0
            }
        }
    }

    pub fn byte(&mut self) -> u32 {
        let byte = self.peek();
        self.at = self.at.wrapping_add(1);
        byte
    }

    pub fn skip(&mut self, count: usize) {
        self.ensure(count <= self.left(), Problem::End);
        self.at = self.at.wrapping_add(count);
    }

    /// An unsigned number of 32 bits; most have one byte.
    pub fn number(&mut self) -> u32 {
        let first = self.peek();
        if first >= 0x80 {
            return self.leb(32, false);
        }
        self.at = self.at.wrapping_add(1);
        first
    }

    /// The low 32 bits of a LEB128 number of `bits` bits.
    pub fn leb(&mut self, bits: u32, signed: bool) -> u32 {
        let mut value = 0;
        let mut shift = 0_u32;
        loop {
            let byte = self.byte();
            value |= (byte & 0x7f).checked_shl(shift).unwrap_or(0);
            let unread = bits.saturating_sub(shift);
            if unread <= 7 {
                // The last byte: it ends the number, and its unused bits repeat the sign.
                let unused = match signed {
                    // The sign is the highest bit of seven.
                    true => (byte << 25).cast_signed() >> unread.wrapping_add(24),
                    false => byte.cast_signed() >> unread,
                };
                let fits = unused == 0 || (signed && unused == -1);
                self.ensure(byte & 0x80 == 0 && fits, Problem::Number);
                return value;
            }
            if byte & 0x80 == 0 {
                return value;
            }
            shift = shift.wrapping_add(7);
        }
    }

    /// The value of an instruction that pushes a constant; its type.
    pub fn literal(&mut self, opcode: u32) -> u32 {
        match opcode {
            0x41 => {
                self.leb(32, true);
                I32
            }
            0x42 => {
                self.leb(64, true);
                I64
            }
            0x43 => {
                self.skip(4);
                F32
            }
            _ => {
                self.skip(8);
                F64
            }
        }
    }

    /// A number of items, each of which takes a byte at least.
    pub fn items(&mut self) -> u32 {
        let count = self.number();
        self.ensure(count as usize <= self.left(), Problem::Count);
        count
    }

    /// A name. The engine checks that it is UTF-8, and keeps it as a C string.
    pub fn name(&mut self) {
        let mut left = self.items();
        while self.more(&mut left) {
            if self.byte() == 0 {
                self.fail(Problem::ZeroBytes);
            }
        }
    }

    pub fn value_type(&mut self) -> u32 {
        let byte = self.byte();
        if !matches!(byte, F64..=I32 | FUNCREF | EXTERNREF) {
            self.fail(features::of_type(byte));
        }
        byte
    }

    pub fn reference_type(&mut self) -> u32 {
        let byte = self.value_type();
        self.ensure(byte <= FUNCREF, Problem::Type);
        byte
    }
}
