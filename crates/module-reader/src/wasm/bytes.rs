// SPDX-License-Identifier: Apache-2.0
//! Bytes, numbers, names and types of a module.

use super::{Problem, Step, Walk, features};

pub const I32: u32 = 0x7f;
pub const I64: u32 = 0x7e;
pub const F32: u32 = 0x7d;
pub const F64: u32 = 0x7c;
pub const FUNCREF: u32 = 0x70;
pub const EXTERNREF: u32 = 0x6f;

impl Walk<'_> {
    /// Bytes until the end of the section or body.
    pub fn left(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    pub fn peek(&mut self) -> Step<u32> {
        match self.bytes.get(self.at) {
            Some(&byte) if self.at < self.end => Ok(byte.into()),
            _ => Err(Problem::End),
        }
    }

    pub fn byte(&mut self) -> Step<u32> {
        let byte = self.peek()?;
        self.at = self.at.wrapping_add(1);
        Ok(byte)
    }

    pub fn skip(&mut self, count: usize) -> Step<()> {
        if count > self.left() {
            return Err(Problem::End);
        }
        self.at = self.at.wrapping_add(count);
        Ok(())
    }

    /// An unsigned number of 32 bits.
    pub fn number(&mut self) -> Step<u32> {
        self.leb(32, false)
    }

    /// The low 32 bits of a LEB128 number of `bits` bits.
    pub fn leb(&mut self, bits: u32, signed: bool) -> Step<u32> {
        let mut value = 0;
        let mut shift = 0_u32;
        loop {
            let byte = self.byte()?;
            value |= (byte & 0x7f).checked_shl(shift).unwrap_or(0);
            let unread = bits.saturating_sub(shift);
            if unread <= 7 {
                // The last byte: it ends the number, and its unused bits repeat the sign.
                let unused = match signed {
                    // The sign is the highest bit of seven.
                    true => (byte << 25).cast_signed() >> unread.wrapping_add(24),
                    false => byte.cast_signed() >> unread,
                };
                if byte & 0x80 != 0 || !(unused == 0 || (signed && unused == -1)) {
                    return Err(Problem::Number);
                }
            }
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift = shift.wrapping_add(7);
        }
    }

    /// The value of an instruction that pushes a constant; its type.
    pub fn literal(&mut self, opcode: u32) -> Step<u32> {
        match opcode {
            0x41 => self.leb(32, true).map(|_| I32),
            0x42 => self.leb(64, true).map(|_| I64),
            0x43 => self.skip(4).map(|()| F32),
            _ => self.skip(8).map(|()| F64),
        }
    }

    /// A number of items, each of which takes a byte at least.
    pub fn items(&mut self) -> Step<u32> {
        let count = self.number()?;
        if count as usize > self.left() {
            return Err(Problem::Count);
        }
        Ok(count)
    }

    /// A name. The engine checks that it is UTF-8, and keeps it as a C string.
    pub fn name(&mut self) -> Step<()> {
        for _ in 0..self.items()? {
            if self.byte()? == 0 {
                return Err(Problem::ZeroBytes);
            }
        }
        Ok(())
    }

    pub fn value_type(&mut self) -> Step<u32> {
        match self.byte()? {
            byte @ (F64..=I32 | FUNCREF | EXTERNREF) => Ok(byte),
            byte => Err(features::of_type(byte)),
        }
    }

    pub fn reference_type(&mut self) -> Step<u32> {
        match self.value_type()? {
            byte @ (FUNCREF | EXTERNREF) => Ok(byte),
            _ => Err(Problem::Type),
        }
    }
}
