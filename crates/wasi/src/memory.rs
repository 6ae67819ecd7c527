// SPDX-License-Identifier: Apache-2.0
//! A guest's linear memory, as its calls name it.
//!
//! Promised: whatever address and length a guest gives, what is touched lies in its memory, and
//! everything else is [`Errno::Fault`]. Numbers are little-endian; no alignment is asked for.

use crate::errno::Errno;

/// A guest's whole linear memory.
#[derive(Debug)]
pub struct Memory<'m>(&'m mut [u8]);

/// A list of buffers (`iovec`), all of which lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Buffers {
    list: u32,
    count: u32,
}

/// Bytes of one entry in a list of buffers: address and length.
const ENTRY: u32 = 8;

impl<'m> Memory<'m> {
    /// Wraps it.
    pub const fn new(bytes: &'m mut [u8]) -> Self {
        Self(bytes)
    }

    /// `length` bytes at `address`.
    pub fn bytes(&self, address: u32, length: u32) -> Result<&[u8], Errno> {
        let (start, end) = range(address, length)?;
        self.0.get(start..end).ok_or(Errno::Fault)
    }

    /// `length` bytes at `address`, to write to.
    pub fn bytes_mut(&mut self, address: u32, length: u32) -> Result<&mut [u8], Errno> {
        let (start, end) = range(address, length)?;
        self.0.get_mut(start..end).ok_or(Errno::Fault)
    }

    /// That many elements of `size` bytes at `address` are there.
    pub fn check(&self, address: u32, count: u32, size: u32) -> Result<(), Errno> {
        let length = count.checked_mul(size).ok_or(Errno::Fault)?;
        self.bytes(address, length).map(|_| ())
    }

    fn array<const N: usize>(&self, address: u32) -> Result<[u8; N], Errno> {
        let length = u32::try_from(N).map_err(|_| Errno::Fault)?;
        let bytes = self.bytes(address, length)?;
        bytes.try_into().map_err(|_| Errno::Fault)
    }

    /// The byte at `address`.
    pub fn u8(&self, address: u32) -> Result<u8, Errno> {
        self.array(address).map(u8::from_le_bytes)
    }

    /// The 16-bit number at `address`.
    pub fn u16(&self, address: u32) -> Result<u16, Errno> {
        self.array(address).map(u16::from_le_bytes)
    }

    /// The 32-bit number at `address`.
    pub fn u32(&self, address: u32) -> Result<u32, Errno> {
        self.array(address).map(u32::from_le_bytes)
    }

    /// The 64-bit number at `address`.
    pub fn u64(&self, address: u32) -> Result<u64, Errno> {
        self.array(address).map(u64::from_le_bytes)
    }

    /// Writes bytes at `address`, all or none.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(address, length)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a 32-bit number at `address`.
    pub fn write_u32(&mut self, address: u32, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// Writes a 64-bit number at `address`.
    pub fn write_u64(&mut self, address: u32, value: u64) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// The list of `count` buffers at `list`, once each of them is known to lie in memory and
    /// their lengths together to be a number that a call can answer.
    pub fn buffers(&self, list: u32, count: u32) -> Result<Buffers, Errno> {
        self.check(list, count, ENTRY)?;
        let buffers = Buffers { list, count };
        let mut total = 0_u32;
        for index in 0..count {
            let (address, length) = self.buffer(buffers, index)?;
            self.bytes(address, length)?;
            total = total.checked_add(length).ok_or(Errno::Inval)?;
        }
        Ok(buffers)
    }

    /// Address and length of one buffer of a list.
    pub fn buffer(&self, buffers: Buffers, index: u32) -> Result<(u32, u32), Errno> {
        let address = buffers
            .list
            .checked_add(index.checked_mul(ENTRY).ok_or(Errno::Fault)?)
            .ok_or(Errno::Fault)?;
        let second = address.checked_add(4).ok_or(Errno::Fault)?;
        Ok((self.u32(address)?, self.u32(second)?))
    }
}

impl Buffers {
    /// How many there are.
    pub const fn count(self) -> u32 {
        self.count
    }
}

fn range(address: u32, length: u32) -> Result<(usize, usize), Errno> {
    let start = usize::try_from(address).map_err(|_| Errno::Fault)?;
    let length = usize::try_from(length).map_err(|_| Errno::Fault)?;
    Ok((start, start.checked_add(length).ok_or(Errno::Fault)?))
}

/// A record that is put together field by field before it goes to memory.
#[derive(Debug)]
pub struct Record<const N: usize>([u8; N]);

impl<const N: usize> Record<N> {
    /// All zeros, as padding and unused fields are to be.
    pub const fn new() -> Self {
        Self([0; N])
    }

    /// Sets the field that begins at `offset`; what would lie beyond the record is left out.
    #[must_use]
    pub fn with(mut self, offset: usize, field: &[u8]) -> Self {
        for (to, from) in self.0.iter_mut().skip(offset).zip(field) {
            *to = *from;
        }
        self
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; N] {
        &self.0
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
            assert_eq!(memory.bytes(address, length), Err(Errno::Fault));
            assert_eq!(memory.bytes_mut(address, length), Err(Errno::Fault));
        }
        assert_eq!(memory.write_u64(8, 0x0102_0304_0506_0708), Ok(()));
        assert_eq!(memory.write_u64(9, 1), Err(Errno::Fault));
        assert_eq!(memory.u8(8), Ok(8));
        assert_eq!(memory.u16(8), Ok(0x0708));
        assert_eq!(memory.u32(12), Ok(0x0102_0304));
        assert_eq!(memory.u64(8), Ok(0x0102_0304_0506_0708));
        assert_eq!(memory.u32(13), Err(Errno::Fault));
    }

    fn list(entries: &[(u32, u32)]) -> [u8; 64] {
        let mut bytes = [0; 64];
        let mut memory = Memory::new(&mut bytes);
        for (index, (address, length)) in (0..).zip(entries) {
            memory.write_u32(8 * index, *address).unwrap();
            memory.write_u32(8 * index + 4, *length).unwrap();
        }
        bytes
    }

    #[test]
    fn a_list_of_buffers_is_taken_only_if_all_of_it_lies_in_memory() {
        let mut good = list(&[(0, 64), (64, 0), (60, 4)]);
        let memory = Memory::new(&mut good);
        let buffers = memory.buffers(0, 3).unwrap();
        assert_eq!(memory.buffer(buffers, 2), Ok((60, 4)));
        assert_eq!(buffers.count(), 3);
        for (address, count) in [(60, 1), (0, 9), (0, 0x2000_0000), (u32::MAX, 1), (65, 0)] {
            assert_eq!(memory.buffers(address, count), Err(Errno::Fault));
        }
        for bad in [(0, 65), (64, 1), (u32::MAX, 1), (1, u32::MAX)] {
            let mut bytes = list(&[(0, 1), bad]);
            assert_eq!(Memory::new(&mut bytes).buffers(0, 2), Err(Errno::Fault));
            assert!(Memory::new(&mut bytes).buffers(0, 1).is_ok());
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
