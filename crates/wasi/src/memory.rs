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

/// Buffers in memory, as far as they are not used yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Buffers {
    /// The entries (`iovec`) of the buffers that follow.
    list: u32,
    count: u32,
    /// Rest of the first one.
    address: u32,
    length: u32,
}

/// Bytes of one entry in a list of buffers: address and length.
const ENTRY: u32 = 8;

impl Buffers {
    /// The `count` buffers of the list at `list`. Checks that each of them lies in memory, that
    /// their total length fits a call's answer, and that `answer` is the address of such an answer.
    pub fn new(memory: &Memory<'_>, list: u32, count: u32, answer: u32) -> Result<Self, Errno> {
        memory.check(list, count, ENTRY)?;
        let buffers = Self {
            list,
            count,
            address: 0,
            length: 0,
        };
        let mut left = buffers;
        let mut total = 0_u32;
        while left.take(memory)? {
            memory.bytes(left.address, left.length)?;
            total = total.checked_add(left.length).ok_or(Errno::Inval)?;
        }
        memory.check(answer, 1, 4)?;
        Ok(buffers)
    }

    /// Goes on to the next buffer; `false` where there is none.
    fn take(&mut self, memory: &Memory<'_>) -> Result<bool, OutOfBounds> {
        if self.count == 0 {
            return Ok(false);
        }
        self.address = memory.u32(self.list)?;
        self.length = memory.u32(self.list.saturating_add(4))?;
        self.list = self.list.saturating_add(ENTRY);
        self.count = self.count.saturating_sub(1);
        Ok(true)
    }

    /// Address and length of the next piece, of at most `most` bytes; its length is 0 where there
    /// is none.
    #[inline(never)]
    pub fn next(&mut self, memory: &Memory<'_>, most: u32) -> Result<(u32, u32), OutOfBounds> {
        while self.length == 0 && self.take(memory)? {}
        let piece = (self.address, self.length.min(most));
        self.address = self.address.saturating_add(piece.1);
        self.length = self.length.saturating_sub(piece.1);
        Ok(piece)
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
        let mut buffers = Buffers::new(&memory, 0, 3, 60).unwrap();
        for piece in [(0, 60), (60, 4), (60, 4), (64, 0), (64, 0)] {
            assert_eq!(buffers.next(&memory, 60), Ok(piece));
        }
        assert_eq!(Buffers::new(&memory, 0, 3, 61), Err(Errno::Fault));
        for (address, count) in [(60, 1), (0, 9), (0, 0x2000_0000), (u32::MAX, 1), (65, 0)] {
            assert_eq!(Buffers::new(&memory, address, count, 0), Err(Errno::Fault));
        }
        for bad in [(0, 65), (64, 1), (u32::MAX, 1), (1, u32::MAX)] {
            let mut bytes = list(&[(0, 1), bad]);
            let memory = Memory::new(&mut bytes);
            assert_eq!(Buffers::new(&memory, 0, 2, 0), Err(Errno::Fault));
            assert!(Buffers::new(&memory, 0, 1, 0).is_ok());
        }
    }
}
