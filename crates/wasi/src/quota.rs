// SPDX-License-Identifier: Apache-2.0
//! Limit on the bytes of a container's files on the partition.
//!
//! Promised: the guest never brings the files in the container's own folder and in its writable
//! mounts above the limit, whatever it makes, extends or renames.
//!
//! Design: the files are [counted](folders::used) when a run begins, and from then on each change is.

use ocre::container::Guest;
use ocre::folders;
use ocre::port::{EntryKind, Metadata, Storage};

use crate::errno::Errno;
use crate::table::FileTree;
use crate::tree;

/// Bytes used by a container's files, and their limit.
#[derive(Debug)]
pub struct Quota {
    limit: u64,
    used: u64,
    block: u32,
}

impl Quota {
    /// Counts the files for a run.
    pub fn new<S: Storage>(storage: &S, guest: &dyn Guest, trees: &[FileTree]) -> Self {
        let mut limit = None;
        guest.spec(&mut |spec| limit = spec.limits.disk_bytes);
        let mut quota = Self {
            limit: limit.map_or(u64::MAX, u64::from),
            used: 0,
            // The storage may take long to answer.
            block: limit.map_or(1, |_| storage.block_bytes()),
        };
        for &tree in trees {
            if limit.is_none() || tree.is_read_only() {
                continue;
            }
            let counted = tree::partition_path(guest, tree, "")
                .and_then(|top| Ok(folders::used(storage, &top, quota.block)?));
            quota.used = quota.used.saturating_add(counted.unwrap_or_else(|errno| {
                // Files that can't be counted may take any number.
                let errno = errno as u16;
                log::error!("container {}: can't count its files: {errno}", guest.name());
                u64::MAX
            }));
        }
        quota
    }

    fn costs(&self, old: Option<Metadata>, new: Option<Metadata>) -> (u64, u64) {
        let cost = |metadata: Option<Metadata>| {
            metadata.map_or(0, |metadata| folders::cost(metadata, self.block))
        };
        (cost(old), cost(new))
    }

    /// Checks that an entry may grow or be created.
    ///
    /// # Errors
    /// `Dquot`.
    pub fn admit(&self, old: Option<Metadata>, new: Metadata) -> Result<(), Errno> {
        let (old, new) = self.costs(old, Some(new));
        if new > old && self.used.saturating_add(new.saturating_sub(old)) > self.limit {
            return Err(Errno::Dquot);
        }
        Ok(())
    }

    /// Counts an entry that has changed, was created, or is gone.
    pub fn count_change(&mut self, old: Option<Metadata>, new: Option<Metadata>) {
        let (old, new) = self.costs(old, new);
        self.used = self.used.saturating_sub(old).saturating_add(new);
    }
}

/// Metadata of a file of `size` bytes.
pub const fn file(size: u64) -> Metadata {
    Metadata {
        kind: EntryKind::File,
        size,
    }
}
