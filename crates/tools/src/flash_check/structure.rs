// SPDX-License-Identifier: Apache-2.0
//! Check of the file system itself: every folder is listed, every file is read to its end, and no
//! block is in two places.

use std::collections::{BTreeMap, BTreeSet};

use ocre::container::{Name, record};
use ocre::limits::MAX_PATH;
use ocre::port::{EntryKind, OpenMode, Storage as _, StorageError};
use ocre_pc::flash::FileFlash;
use ocre_pc::littlefs::LittleFs;

use super::FlashFault;
use crate::partition::Partition;

/// Entries of the flash.
#[derive(Default)]
pub struct FlashTree {
    /// Kind of each entry, by path.
    pub entries: BTreeMap<String, EntryKind>,
    /// Paths of entries that can't be read.
    pub unreadable: BTreeSet<String>,
}

impl FlashTree {
    /// True where an entry has that path.
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// True where a container has a record, readable or not.
    pub fn has_record(&self, name: &Name) -> bool {
        self.has(&format!("{}/{name}.spec", record::ROOT))
    }

    /// Lists the names in a folder, and their kinds.
    pub fn names<'t>(&'t self, folder: &'t str) -> impl Iterator<Item = (&'t str, EntryKind)> {
        self.entries.iter().filter_map(move |(path, kind)| {
            let name = path.strip_prefix(folder)?.strip_prefix('/')?;
            (!name.contains('/')).then_some((name, *kind))
        })
    }
}

/// Lists all entries, and checks that each can be read.
pub fn look(partition: &Partition, findings: &mut Vec<FlashFault>) -> FlashTree {
    let mut tree = FlashTree::default();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = if folder.is_empty() { "/" } else { &folder };
        let listed = partition.read_dir(path, &mut |name, metadata| {
            tree.entries
                .insert(format!("{folder}/{name}"), metadata.kind);
            true
        });
        if let Err(error) = listed {
            findings.push(FlashFault::new("folder-unreadable", path).because(error));
            tree.unreadable.insert(path.to_owned());
            continue;
        }
        let inner: Vec<String> = tree
            .names(&folder)
            .map(|(name, _)| format!("{folder}/{name}"))
            .collect();
        for path in inner {
            // Guests of earlier releases could make such a path by renaming a folder above it.
            if path.len() > MAX_PATH {
                findings.push(FlashFault::new("path-too-long", path));
                continue;
            }
            if tree.entries[&path] == EntryKind::Directory {
                folders.push(path);
            } else if let Err(error) = read(partition, &path) {
                findings.push(FlashFault::new("file-unreadable", &*path).because(error));
                tree.unreadable.insert(path);
            }
        }
    }
    blocks(partition, &tree, findings);
    tree
}

fn read(partition: &Partition, path: &str) -> Result<(), StorageError> {
    let mut file = partition.open(path, OpenMode::READ)?;
    let size = partition.size(&mut file)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut count = 0;
    partition.stream(&mut file, &mut buffer, &mut |piece| {
        count += piece.len() as u64
    })?;
    partition.close(file)?;
    if count == size {
        Ok(())
    } else {
        Err(StorageError::Corrupt)
    }
}

/// Checks the blocks in use. A power cut may leave a block in two lists until the next write, so
/// the check settles a copy first.
fn blocks(partition: &Partition, tree: &FlashTree, findings: &mut Vec<FlashFault>) {
    let geometry = partition.geometry();
    let copy = match partition.with_flash(FileFlash::copy) {
        Ok(copy) => copy,
        Err(error) => {
            findings.push(FlashFault::new("structure-broken", "/").because(error));
            return;
        }
    };
    let Ok(copy) = LittleFs::mount(copy) else {
        return;
    };
    let used = match copy.recover().and_then(|()| copy.used_blocks()) {
        Ok(used) => used,
        Err(error) => {
            findings.push(FlashFault::new("structure-broken", "/").because(error));
            return;
        }
    };
    let mut uses: BTreeMap<u32, Uses> = BTreeMap::new();
    for block in used {
        uses.entry(block).or_default().all += 1;
    }
    let files = tree.entries.iter();
    for (path, _) in files.filter(|(_, kind)| **kind == EntryKind::File) {
        // An unreadable file is reported already.
        for block in copy.blocks_of(path).unwrap_or_default() {
            uses.entry(block).or_default().files += 1;
        }
    }
    for (block, uses) in uses {
        let code = if block >= geometry.blocks() {
            "block-outside"
        } else if uses.are_several() {
            "block-shared"
        } else {
            continue;
        };
        findings.push(FlashFault::new(code, format!("block {block}")));
    }
}

/// Number of uses of a block.
#[derive(Default)]
struct Uses {
    all: u32,
    files: u32,
}

impl Uses {
    /// True for a shared block. A folder's block counts twice: its parent folder lists it too.
    fn are_several(&self) -> bool {
        let most = if self.files == 0 { 2 } else { 1 };
        self.files > 1 || self.all > most
    }
}
