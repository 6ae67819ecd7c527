// SPDX-License-Identifier: Apache-2.0
//! Linear memory of a guest, as its host calls address it.
//!
//! Promised: whatever address and length a guest gives, only bytes of its memory are touched, and
//! everything else is [`OutOfBounds`]. Numbers are little-endian; no alignment is needed.

/// An address, or the data at it, is not in linear memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfBounds;

/// A guest's whole linear memory.
#[derive(Debug)]
pub struct Memory<'m>(&'m mut [u8]);

impl<'m> Memory<'m> {
    /// Wraps a linear memory.
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self(bytes)
    }

    /// Returns `length` bytes at `address`.
    pub fn bytes(&self, address: u32, length: u32) -> Result<&[u8], OutOfBounds> {
        let (start, end) = range(address, length)?;
        self.0.get(start..end).ok_or(OutOfBounds)
    }

    /// Returns `length` bytes at `address`, to write to.
    pub fn bytes_mut(&mut self, address: u32, length: u32) -> Result<&mut [u8], OutOfBounds> {
        let (start, end) = range(address, length)?;
        self.0.get_mut(start..end).ok_or(OutOfBounds)
    }

    /// Checks that `count` elements of `size` bytes lie at `address`.
    pub fn check(&self, address: u32, count: u32, size: u32) -> Result<(), OutOfBounds> {
        let length = count.checked_mul(size).ok_or(OutOfBounds)?;
        self.bytes(address, length).map(|_| ())
    }

    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], OutOfBounds> {
        let length = u32::try_from(N).map_err(|_| OutOfBounds)?;
        let bytes = self.bytes(address, length)?;
        bytes.try_into().map_err(|_| OutOfBounds)
    }

    /// Reads the byte at `address`.
    pub fn u8(&self, address: u32) -> Result<u8, OutOfBounds> {
        self.array(address).map(u8::from_le_bytes)
    }

    /// Reads the 16-bit number at `address`.
    pub fn u16(&self, address: u32) -> Result<u16, OutOfBounds> {
        self.array(address).map(u16::from_le_bytes)
    }

    /// Reads the 32-bit number at `address`.
    pub fn u32(&self, address: u32) -> Result<u32, OutOfBounds> {
        self.array(address).map(u32::from_le_bytes)
    }

    /// Reads the 64-bit number at `address`.
    pub fn u64(&self, address: u32) -> Result<u64, OutOfBounds> {
        self.array(address).map(u64::from_le_bytes)
    }

    /// Writes bytes at `address`, all or none.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        let length = u32::try_from(bytes.len()).map_err(|_| OutOfBounds)?;
        self.bytes_mut(address, length)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a 32-bit number at `address`.
    pub fn write_u32(&mut self, address: u32, value: u32) -> Result<(), OutOfBounds> {
        self.write(address, &value.to_le_bytes())
    }

    /// Writes a 64-bit number at `address`.
    pub fn write_u64(&mut self, address: u32, value: u64) -> Result<(), OutOfBounds> {
        self.write(address, &value.to_le_bytes())
    }

    /// Returns the bytes from `address` up to the first NUL, without it; `None` where none is among
    /// the first `most` + 1 bytes.
    pub fn until_nul(&self, address: u32, most: usize) -> Result<Option<&[u8]>, OutOfBounds> {
        let start = usize::try_from(address).map_err(|_| OutOfBounds)?;
        let rest = self.0.get(start..).ok_or(OutOfBounds)?;
        let mut parts = rest.splitn(2, |byte| *byte == 0);
        let text = parts.next().unwrap_or_default();
        if text.len() > most {
            Ok(None)
        } else if parts.next().is_none() {
            Err(OutOfBounds)
        } else {
            Ok(Some(text))
        }
    }
}

fn range(address: u32, length: u32) -> Result<(usize, usize), OutOfBounds> {
    let start = usize::try_from(address).map_err(|_| OutOfBounds)?;
    let length = usize::try_from(length).map_err(|_| OutOfBounds)?;
    Ok((start, start.checked_add(length).ok_or(OutOfBounds)?))
}

/// A record that is made field by field before it is written to memory.
#[derive(Debug)]
pub struct Record<const N: usize>([u8; N]);

impl<const N: usize> Record<N> {
    /// Creates a record of zeros, for padding and unused fields.
    pub const fn new() -> Self {
        Self([0; N])
    }

    /// Sets the field that begins at `offset`; bytes beyond the record are left out.
    #[must_use]
    pub fn with(mut self, offset: usize, field: &[u8]) -> Self {
        for (to, from) in self.0.iter_mut().skip(offset).zip(field) {
            *to = *from;
        }
        self
    }

    /// Bytes of the record.
    pub const fn bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Default for Record<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_memory_to_its_last_byte_is_there_and_nothing_beyond() {
        let mut bytes = [0; 16];
        let mut memory = Memory::new(&mut bytes);
        assert_eq!(memory.bytes(0, 16).map(<[u8]>::len), Ok(16));
        assert_eq!(memory.bytes(16, 0).map(<[u8]>::len), Ok(0));
        for (address, length) in [
            (17, 0),
            (16, 1),
            (15, 2),
            (0, 17),
            (1, u32::MAX),
            (u32::MAX, 1),
            (u32::MAX, u32::MAX),
        ] {
            assert_eq!(memory.bytes(address, length), Err(OutOfBounds));
            assert_eq!(memory.bytes_mut(address, length), Err(OutOfBounds));
        }
        assert_eq!(memory.write_u64(8, 0x0102_0304_0506_0708), Ok(()));
        assert_eq!(memory.write_u64(9, 1), Err(OutOfBounds));
        assert_eq!(memory.u8(8), Ok(8));
        assert_eq!(memory.u16(8), Ok(0x0708));
        assert_eq!(memory.u32(12), Ok(0x0102_0304));
        assert_eq!(memory.u64(8), Ok(0x0102_0304_0506_0708));
        assert_eq!(memory.u32(13), Err(OutOfBounds));
    }

    #[test]
    fn a_text_ends_with_nul_inside_of_memory() {
        let mut bytes = *b"abc\0de";
        let memory = Memory::new(&mut bytes);
        assert_eq!(memory.until_nul(0, 3), Ok(Some(&b"abc"[..])));
        assert_eq!(memory.until_nul(3, 3), Ok(Some(&b""[..])));
        assert_eq!(memory.until_nul(0, 2), Ok(None));
        assert_eq!(memory.until_nul(4, 1), Ok(None));
        for outside in [4, 6, 7, u32::MAX] {
            assert_eq!(memory.until_nul(outside, 2), Err(OutOfBounds));
        }
    }

    #[test]
    fn a_record_is_zero_where_nothing_was_set() {
        let record = Record::<8>::new()
            .with(2, &7_u16.to_le_bytes())
            .with(7, &[1, 2]);
        assert_eq!(record.bytes(), &[0, 0, 7, 0, 0, 0, 0, 1]);
    }
}
