// SPDX-License-Identifier: Apache-2.0
//! Flash memory: blocks that are erased whole and then programmed in pieces.
//!
//! [`RamFlash`] forgets everything when it is dropped, [`FileFlash`] keeps a file in step, and
//! [`PowerCut`] stands in front of another flash and fails at a chosen operation.

mod file;
mod power_cut;

pub use file::{FileError, FileFlash, OpenedFile};
pub use power_cut::{Cut, PowerCut, Tear};

/// Sizes of a flash. A pair that makes no sense can't be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    block_bytes: u32,
    blocks: u32,
}

impl Geometry {
    /// Smallest block, in bytes: littlefs keeps a list of pointers in it.
    pub const MIN_BLOCK_BYTES: u32 = 128;
    /// Largest block, in bytes.
    pub const MAX_BLOCK_BYTES: u32 = 1024 * 1024;
    /// Fewest blocks: two pairs for metadata.
    pub const MIN_BLOCKS: u32 = 4;
    /// Largest flash, in bytes: a simulated flash may be in memory.
    pub const MAX_BYTES: u64 = 1024 * 1024 * 1024;

    /// Makes a geometry. `None` where `block_bytes` is no power of two within the limits above, and
    /// where there are too few or too many blocks.
    pub const fn new(block_bytes: u32, blocks: u32) -> Option<Self> {
        let geometry = Self {
            block_bytes,
            blocks,
        };
        if block_bytes.is_power_of_two()
            && block_bytes >= Self::MIN_BLOCK_BYTES
            && block_bytes <= Self::MAX_BLOCK_BYTES
            && blocks >= Self::MIN_BLOCKS
            && geometry.bytes() <= Self::MAX_BYTES
        {
            Some(geometry)
        } else {
            None
        }
    }

    /// Size of a block in bytes, which are erased together.
    pub const fn block_bytes(self) -> u32 {
        self.block_bytes
    }

    /// Number of blocks.
    pub const fn blocks(self) -> u32 {
        self.blocks
    }

    /// Size of the flash in bytes.
    pub const fn bytes(self) -> u64 {
        self.block_bytes as u64 * self.blocks as u64
    }
}

impl Default for Geometry {
    /// 8 MiB in blocks of 4 KiB, as on a common NOR flash.
    fn default() -> Self {
        Self {
            block_bytes: 4096,
            blocks: 2048,
        }
    }
}

/// Failure of a flash operation: it lies outside of the flash, or the device failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlashError;

/// A flash. Offsets and lengths are in bytes; an operation stays within one block.
pub trait Flash: Send {
    /// Sizes of the flash.
    fn geometry(&self) -> Geometry;
    /// Reads bytes of a block.
    fn read(&mut self, block: u32, offset: u32, buffer: &mut [u8]) -> Result<(), FlashError>;
    /// Writes to bytes that were not programmed since their last erase.
    fn program(&mut self, block: u32, offset: u32, bytes: &[u8]) -> Result<(), FlashError>;
    /// Sets every byte of a block to 0xff.
    fn erase(&mut self, block: u32) -> Result<(), FlashError>;
    /// Returns when all earlier writes survive a power cut.
    fn sync(&mut self) -> Result<(), FlashError>;

    /// True where [`lend`](Self::lend) works.
    const LENDS: bool = false;

    /// Borrows bytes of a block without copying them.
    fn lend(&mut self, _block: u32, _offset: u32, _length: usize) -> Result<&[u8], FlashError> {
        Err(FlashError)
    }
}

/// Value of an erased byte.
const ERASED: u8 = 0xff;

/// Flash in memory.
#[derive(Clone)]
pub struct RamFlash {
    geometry: Geometry,
    bytes: Vec<u8>,
}

impl RamFlash {
    /// Makes an erased flash.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            bytes: vec![ERASED; geometry.bytes() as usize],
        }
    }

    /// Makes a flash with that content; `None` if the sizes differ.
    pub fn with_content(geometry: Geometry, bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() as u64 == geometry.bytes()).then_some(Self { geometry, bytes })
    }

    /// The content.
    pub fn content(&self) -> &[u8] {
        &self.bytes
    }

    /// The content, for tests that damage it.
    pub fn content_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn place(&mut self, block: u32, offset: u32, length: usize) -> Result<&mut [u8], FlashError> {
        let within = u64::from(offset) + length as u64 <= u64::from(self.geometry.block_bytes);
        let start = u64::from(block) * u64::from(self.geometry.block_bytes) + u64::from(offset);
        let start = usize::try_from(start).map_err(|_| FlashError)?;
        let place = self
            .bytes
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..length));
        place.filter(|_| within).ok_or(FlashError)
    }
}

impl Flash for RamFlash {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, block: u32, offset: u32, buffer: &mut [u8]) -> Result<(), FlashError> {
        buffer.copy_from_slice(self.place(block, offset, buffer.len())?);
        Ok(())
    }

    fn program(&mut self, block: u32, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        let place = self.place(block, offset, bytes.len())?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    fn erase(&mut self, block: u32) -> Result<(), FlashError> {
        self.place(block, 0, self.geometry.block_bytes as usize)?
            .fill(ERASED);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), FlashError> {
        Ok(())
    }

    const LENDS: bool = true;

    fn lend(&mut self, block: u32, offset: u32, length: usize) -> Result<&[u8], FlashError> {
        Ok(self.place(block, offset, length)?)
    }
}
