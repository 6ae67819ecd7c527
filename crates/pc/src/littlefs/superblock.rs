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

/// Geometry in each superblock of `content`; the same one may come twice.
pub fn geometries(content: &[u8]) -> impl Iterator<Item = Geometry> + '_ {
    let first = at(content, 0);
    // The second block begins where the first ends, whose size is not known yet.
    let sizes = (0..).map(|shift| Geometry::MIN_BLOCK_BYTES << shift);
    let second = sizes
        .take_while(|&size| size <= Geometry::MAX_BLOCK_BYTES)
        .filter_map(|size| at(content, size as usize).filter(|found| found.block_bytes() == size));
    first.into_iter().chain(second)
}

fn at(content: &[u8], block: usize) -> Option<Geometry> {
    let block = content.get(block..)?;
    if !block.get(NAME_AT..)?.starts_with(NAME) {
        return None;
    }
    let word = |at: usize| Some(u32::from_le_bytes(*block.get(at..)?.first_chunk()?));
    Geometry::new(word(BLOCK_SIZE_AT)?, word(BLOCK_COUNT_AT)?)
}
