// SPDX-License-Identifier: Apache-2.0
//! How much of the partition a container's files may take.
//!
//! Promised: what is in its own folder and in mounts that it may change is never made to take
//! more than its limit, whatever it makes, extends or renames. A file counts as what its bytes
//! take in whole blocks, and as one block at least; a folder as two blocks.
//!
//! How: what is there is counted when a run begins, folder by folder, and from then on each
//! change is.

use ocre::container::Guest;
use ocre::port::{EntryKind, Metadata, Storage};

use crate::errno::Errno;
use crate::path::RelativePath;
use crate::table::Tree;
use crate::tree;

/// What a container's files take and may take.
#[derive(Debug)]
pub struct Quota {
    limit: u64,
    used: u64,
    block: u64,
}

impl Quota {
    /// For a run that is about to begin.
    pub fn new<S: Storage>(
        storage: &S,
        guest: &dyn Guest,
        trees: impl Iterator<Item = Tree>,
    ) -> Self {
        let mut limit = None;
        guest.spec(&mut |spec| limit = spec.disk_bytes);
        let mut quota = Self {
            limit: limit.map_or(u64::MAX, u64::from),
            used: 0,
            // Asking for it may take long.
            block: limit.map_or(1, |_| storage.block_bytes().max(1)).into(),
        };
        for tree in trees.filter(|tree| limit.is_some() && !tree.is_read_only()) {
            if let Err(errno) = quota.count(storage, guest, tree) {
                // What can't be counted may be any number.
                let errno = errno as u16;
                log::error!("container {}: can't count its files: {errno}", guest.name());
                quota.used = u64::MAX;
            }
        }
        quota
    }

    /// Counts a tree: each folder's files when it is come to, then its folders in the order of
    /// their names, so that the path alone tells where to go on.
    fn count<S: Storage>(
        &mut self,
        storage: &S,
        guest: &dyn Guest,
        tree: Tree,
    ) -> Result<(), Errno> {
        let mut path = RelativePath::new();
        // The folder that was left just now.
        let mut last: Option<RelativePath> = None;
        loop {
            let mut next: Option<Result<RelativePath, Errno>> = None;
            tree::entries(storage, guest, tree, &path, &mut |name, metadata| {
                if last.is_none() {
                    self.used = self.used.saturating_add(self.cost(metadata));
                }
                let nearer = match &next {
                    Some(Ok(next)) => name < next.as_str(),
                    Some(Err(_)) => false,
                    None => true,
                };
                if metadata.kind == EntryKind::Directory
                    && nearer
                    && last.as_ref().is_none_or(|last| name > last.as_str())
                {
                    next = Some(name.try_into().map_err(|_| Errno::Nametoolong));
                }
            })?;
            if let Some(name) = next {
                if !path.is_empty() {
                    path.push('/').map_err(|_| Errno::Nametoolong)?;
                }
                path.push_str(&name?).map_err(|_| Errno::Nametoolong)?;
                last = None;
            } else if path.is_empty() {
                return Ok(());
            } else {
                let name = path.rsplit('/').next().unwrap_or_default();
                last = name.try_into().ok();
                path.truncate(path.rfind('/').unwrap_or(0));
            }
        }
    }

    fn cost(&self, metadata: Metadata) -> u64 {
        let blocks = match metadata.kind {
            EntryKind::Directory => 2,
            EntryKind::File => metadata.size.div_ceil(self.block).max(1),
        };
        blocks.saturating_mul(self.block)
    }

    fn costs(&self, old: Option<Metadata>, new: Option<Metadata>) -> (u64, u64) {
        let cost = |metadata: Option<Metadata>| metadata.map_or(0, |metadata| self.cost(metadata));
        (cost(old), cost(new))
    }

    /// Lets something become another thing, or come to be.
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

    /// Counts that something has become another thing, has come to be, or is gone.
    pub fn count_change(&mut self, old: Option<Metadata>, new: Option<Metadata>) {
        let (old, new) = self.costs(old, new);
        self.used = self.used.saturating_sub(old).saturating_add(new);
    }
}

/// A file of that many bytes.
pub const fn file(size: u64) -> Metadata {
    Metadata {
        kind: EntryKind::File,
        size,
    }
}
