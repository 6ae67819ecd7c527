// SPDX-License-Identifier: Apache-2.0
//! Conversion of an input to calls: function numbers, and arguments that are likely to matter.

/// Bytes between two places in memory that a short argument can name.
pub const STRIDE: u32 = 64;

/// Rest of an input.
pub struct CallInput<'a>(pub &'a [u8]);

impl CallInput<'_> {
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        let mut number = [0; 8];
        for place in &mut number[..bytes] {
            *place = self.byte()?;
        }
        Some(u64::from_le_bytes(number))
    }

    /// An argument: a small number, a place in a memory of so many bytes, its end, a power of
    /// two, any number, or one from the end of a type's range.
    pub fn argument(&mut self, memory_bytes: usize) -> Option<u64> {
        let word = self.byte()?;
        let low = u64::from(word & 0x3f);
        Some(match word {
            0..0x40 => low,
            0x40..0x80 => low * u64::from(STRIDE),
            0x80..0xa0 => memory_bytes as u64 - (low & 0x1f),
            0xa0..0xc0 => 1 << (low & 0x1f),
            0xc0..0xd0 => self.number(2)?,
            0xd0..0xe0 => self.number(4)?,
            0xe0..0xf0 => self.number(8)?,
            0xf0..0xf4 => (1 << 30) - 1,
            0xf4..0xf8 => u64::from(u32::MAX) - (low & 3),
            0xf8..0xfc => i64::MAX as u64 - (low & 3),
            0xfc..=0xff => u64::MAX - (low & 3),
        })
    }

    /// Writes up to 8 bytes to the memory, as the guest would; `None` at the end of the input.
    pub fn scribble(&mut self, most: u8, memory: &mut [u8]) -> Option<()> {
        let (at, value) = (self.argument(memory.len())?, self.argument(memory.len())?);
        let at = at as usize % memory.len();
        let length = usize::from(most % 8 + 1).min(memory.len() - at);
        memory[at..at + length].copy_from_slice(&value.to_le_bytes()[..length]);
        Some(())
    }
}
