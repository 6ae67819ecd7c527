// SPDX-License-Identifier: Apache-2.0
//! Counter that a new partition does not reset.

use ocre_oci::Sha256;

/// Numbers that only grow and that stay when the partition is written anew, such as those of a
/// secure element or of one-time programmable memory.
pub trait SequenceCounter {
    /// Highest number under the SHA-256 of an image name, 0 where there is none; `None` where the
    /// memory can't be read.
    fn highest(&self, name: &Sha256) -> Option<u64>;
    /// Raises the number. Returns false where that failed.
    fn raise(&self, name: &Sha256, number: u64) -> bool;
}
