// SPDX-License-Identifier: Apache-2.0
//! Files and folders without an owner, kept for an operator.
//!
//! When one bit of its newest commit flips, littlefs falls back to an older one, so that a record,
//! an index or a folder is not found although it was not removed. Its files are whole. So nothing
//! is deleted for want of an owner: it is moved to [`ROOT`] and stays there until an operator
//! removes it (`ocre rm -f /lost+found/NAME`). Each move is one rename: a power cut leaves it
//! undone or done.

use crate::folders;
use crate::port::path::{Path, append, concat};
use crate::port::{EntryKind, Storage, StorageError};

/// Folder of the kept files and folders.
pub const ROOT: &str = "/lost+found";

/// Moves a file or a folder to [`ROOT`], as `name`, followed by a number where that is taken.
///
/// # Errors
/// The storage's own; then the file or folder is where it was.
#[inline(never)]
pub fn keep<S: Storage>(storage: &S, path: &str, name: &str) -> Result<(), StorageError> {
    folders::create_if_absent(storage, ROOT)?;
    let mut to = Path::new();
    append(&mut to, &[ROOT, "/", name])?;
    folders::rename_to_vacant(storage, path, &mut to)
}

/// Removes a kept file, or a kept folder with all that is in it.
///
/// # Errors
/// `NotFound`; the storage's own.
pub fn remove<S: Storage>(storage: &S, path: &str) -> Result<(), StorageError> {
    match storage.metadata(path)?.kind {
        EntryKind::File | EntryKind::Symlink => storage.remove(path),
        EntryKind::Directory => folders::remove_tree(storage, concat(&[path])?),
    }
}

/// Number of files and folders in [`ROOT`].
///
/// # Errors
/// The storage's own.
pub fn count<S: Storage>(storage: &S) -> Result<u32, StorageError> {
    let mut count: u32 = 0;
    let listed = storage.read_dir(ROOT, &mut |_, _| {
        count = count.saturating_add(1);
        true
    });
    match listed {
        Err(StorageError::NotFound) => Ok(0),
        listed => listed.map(|()| count),
    }
}
