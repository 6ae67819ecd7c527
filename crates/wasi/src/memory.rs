// SPDX-License-Identifier: Apache-2.0
//! Lists of buffers, and records, in a guest's memory.

pub use ocre::port::memory::{Memory, OutOfBounds};

use crate::errno::Errno;

/// Writes a record at `address`, all or nothing. Each of preview 1's is a row of 64-bit words.
#[inline(never)]
pub fn write_words(
    memory: &mut Memory<'_>,
    address: u32,
    words: &[u64],
) -> Result<(), OutOfBounds> {
    let length = u32::try_from(size_of_val(words)).map_err(|_| OutOfBounds)?;
    let (record, _) = memory.bytes_mut(address, length)?.as_chunks_mut();
    for (to, word) in record.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    Ok(())
}

/// A list of buffers (`iovec`), all of which lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Buffers {
    list: u32,
    count: u32,
}

/// Bytes of one entry in a list of buffers: address and length.
const ENTRY: u32 = 8;

impl Buffers {
    /// The list of `count` buffers at `list`, once each of them is known to lie in memory and
    /// their lengths together to be a number that a call can answer.
    pub fn new(memory: &Memory<'_>, list: u32, count: u32) -> Result<Self, Errno> {
        memory.check(list, count, ENTRY)?;
        let buffers = Self { list, count };
        let mut total = 0_u32;
        for index in 0..count {
            let (address, length) = buffers.get(memory, index)?;
            memory.bytes(address, length)?;
            total = total.checked_add(length).ok_or(Errno::Inval)?;
        }
        Ok(buffers)
    }

    /// Address and length of one buffer.
    pub fn get(self, memory: &Memory<'_>, index: u32) -> Result<(u32, u32), OutOfBounds> {
        let offset = index.checked_mul(ENTRY).ok_or(OutOfBounds)?;
        let address = self.list.checked_add(offset).ok_or(OutOfBounds)?;
        let second = address.checked_add(4).ok_or(OutOfBounds)?;
        Ok((memory.u32(address)?, memory.u32(second)?))
    }

    /// How many there are.
    pub const fn count(self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let buffers = Buffers::new(&memory, 0, 3).unwrap();
        assert_eq!(buffers.get(&memory, 2), Ok((60, 4)));
        assert_eq!(buffers.count(), 3);
        for (address, count) in [(60, 1), (0, 9), (0, 0x2000_0000), (u32::MAX, 1), (65, 0)] {
            assert_eq!(Buffers::new(&memory, address, count), Err(Errno::Fault));
        }
        for bad in [(0, 65), (64, 1), (u32::MAX, 1), (1, u32::MAX)] {
            let mut bytes = list(&[(0, 1), bad]);
            let memory = Memory::new(&mut bytes);
            assert_eq!(Buffers::new(&memory, 0, 2), Err(Errno::Fault));
            assert!(Buffers::new(&memory, 0, 1).is_ok());
        }
    }
}
