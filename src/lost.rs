// SPDX-License-Identifier: Apache-2.0
//! Files and folders without an owner, kept for an operator.
//!
//! When one bit of its newest commit flips, littlefs falls back to an older one, so that a record,
//! an index or a folder is not found although it was not removed. Its files are whole. So nothing
//! is deleted for want of an owner: it is moved to [`ROOT`] and stays there until an operator
//! removes it (`ocre rm -f /lost+found/NAME`). Each move is one rename: a power cut leaves it
//! undone or done.

use core::fmt::Write as _;

use crate::container::data;
use crate::image::content::{Path, append, concat};
use crate::port::{EntryKind, Storage, StorageError};

/// Folder of the kept files and folders.
pub const ROOT: &str = "/lost+found";

/// Moves a file or a folder to [`ROOT`], as `name`, followed by a number where that is taken.
///
/// # Errors
/// The storage's own; then the file or folder is where it was.
#[inline(never)]
pub fn keep<S: Storage>(storage: &S, path: &str, name: &str) -> Result<(), StorageError> {
    data::make(storage, ROOT)?;
    let mut to = Path::new();
    append(&mut to, &[ROOT, "/", name])?;
    rename_to_vacant(storage, path, &mut to)
}

/// Renames to `to`, or to the first free name of `to.1`, `to.2`, …, which `to` becomes.
///
/// # Errors
/// The storage's own.
#[inline(never)]
pub(crate) fn rename_to_vacant<S: Storage>(
    storage: &S,
    from: &str,
    to: &mut Path,
) -> Result<(), StorageError> {
    let length = to.len();
    let mut number: u32 = 0;
    loop {
        match storage.metadata(to) {
            Err(StorageError::NotFound) => return storage.rename(from, to),
            found => found?,
        };
        number = number.wrapping_add(1);
        to.truncate(length);
        write!(to, ".{number}").map_err(|_| StorageError::NameTooLong)?;
    }
}

/// Removes a kept file, or a kept folder with all that is in it.
///
/// # Errors
/// `NotFound`; the storage's own.
pub fn remove<S: Storage>(storage: &S, path: &str) -> Result<(), StorageError> {
    match storage.metadata(path)?.kind {
        EntryKind::File | EntryKind::Symlink => storage.remove(path),
        EntryKind::Directory => data::remove_tree(storage, concat(&[path])?),
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
