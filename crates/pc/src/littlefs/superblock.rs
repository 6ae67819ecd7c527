// SPDX-License-Identifier: Apache-2.0
//! Geometry in the content of a flash (littlefs SPEC.md, "0x0ff LFS_TYPE_SUPERBLOCK").
//!
//! The first two blocks each may hold a superblock: after a revision count and a tag the
//! name `littlefs`, then, after another tag, version, block size and block count, each a
//! little-endian `u32`. littlefs chooses one of the two, and checks its checksum, when it
//! mounts; this module only lists candidates.

use crate::flash::Geometry;

const NAME: &[u8] = b"littlefs";
const NAME_AT: usize = 8;
const BLOCK_SIZE_AT: usize = 24;
const BLOCK_COUNT_AT: usize = 28;

/// Bytes of a superblock that are looked at.
const BYTES: usize = BLOCK_COUNT_AT + 4;

/// Geometry in each superblock; the same one may come twice. `read` fills a buffer from a position
/// of the flash, and returns the number of bytes there are.
///
/// # Errors
/// Errors of `read`.
pub fn geometries<E>(
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<Vec<Geometry>, E> {
    let mut at = |position: u64| {
        let mut block = [0; BYTES];
        let length = read(position, &mut block)?;
        Ok(block.get(..length).and_then(geometry))
    };
    let mut found = Vec::from_iter(at(0)?);
    // The second block begins where the first ends, whose size is not known yet.
    let sizes = (0..).map(|shift| Geometry::MIN_BLOCK_BYTES << shift);
    for size in sizes.take_while(|&size| size <= Geometry::MAX_BLOCK_BYTES) {
        found.extend(at(size.into())?.filter(|found| found.block_bytes() == size));
    }
    Ok(found)
}

fn geometry(block: &[u8]) -> Option<Geometry> {
    if !block.get(NAME_AT..)?.starts_with(NAME) {
        return None;
    }
    let word = |at: usize| Some(u32::from_le_bytes(*block.get(at..)?.first_chunk()?));
    Geometry::new(word(BLOCK_SIZE_AT)?, word(BLOCK_COUNT_AT)?)
}
