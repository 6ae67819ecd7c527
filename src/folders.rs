// SPDX-License-Identifier: Apache-2.0
//! Folders of a storage with all that is in them: removal without recursion, and measurement.

use core::fmt::Write as _;

use crate::port::path::{Path, split};
use crate::port::{EntryKind, Metadata, Storage, StorageError};

/// Name of the empty file that marks a folder for removal once it has no container. Guests do not
/// see it.
pub const REMOVAL: &str = ".ocre-remove";

/// Makes a folder, unless it is there.
#[inline(never)]
pub fn create_if_absent<S: Storage>(storage: &S, path: &str) -> Result<(), StorageError> {
    match storage.create_dir(path) {
        Ok(()) | Err(StorageError::Exists) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Renames to `to`, or to the first free name of `to.1`, `to.2`, …, which `to` becomes.
///
/// # Errors
/// The storage's own.
#[inline(never)]
pub fn rename_to_vacant<S: Storage>(
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

/// Removes a folder and all that is in it.
///
/// # Errors
/// The storage's own. A folder that is not there is none.
pub fn remove_tree<S: Storage>(storage: &S, mut path: Path) -> Result<(), StorageError> {
    let top = path.len();
    // Without recursion: down into the first folder found, up when one is empty.
    loop {
        let mut first = Path::new();
        let mut found = None;
        let listed = storage.read_dir(&path, &mut |name, metadata| {
            first.clear();
            found = Some((metadata.kind, first.push_str(name).is_ok()));
            // The marker goes last.
            name == REMOVAL
        });
        let at_top = path.len() == top;
        match listed {
            Err(StorageError::NotFound) if at_top => return Ok(()),
            listed => listed?,
        }
        let Some((kind, fits)) = found else {
            storage.remove(&path)?;
            if at_top {
                return Ok(());
            }
            path.truncate(split(&path).0.len());
            continue;
        };
        let above = path.len();
        if !fits || enter(&mut path, &first).is_err() {
            if at_top {
                return Err(StorageError::NameTooLong);
            }
            lift(storage, top, &mut path)?;
        } else if kind != EntryKind::Directory {
            storage.remove(&path)?;
            path.truncate(above);
        }
    }
}

/// Space of a file or folder on the partition, in bytes: for a file, its size in whole blocks of
/// `block` bytes, at least one; for a folder, two blocks.
#[inline(never)]
pub fn cost(metadata: Metadata, block: u32) -> u64 {
    let block = u64::from(block.max(1));
    let blocks = match metadata.kind {
        EntryKind::Directory => 2,
        EntryKind::File | EntryKind::Symlink => metadata.size.div_ceil(block).max(1),
    };
    blocks.saturating_mul(block)
}

/// Space of a folder's content on the partition, in bytes: see [`cost`].
///
/// # Errors
/// The storage's own.
pub fn used<S: Storage>(storage: &S, top: &str, block: u32) -> Result<u64, StorageError> {
    Ok(survey(storage, top, block, &|| false)?.bytes)
}

/// Extent of a folder's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Survey {
    /// Space on the partition, in bytes: see [`cost`].
    pub bytes: u64,
    /// Length of the longest path, in bytes; 0 for an empty folder.
    pub longest: usize,
}

/// Measures a folder's content; ends early, with less, where `is_over`.
///
/// Each folder's files are counted when the walk comes to it, then its folders in the order of
/// their names, so that the path alone tells where to go on.
///
/// # Errors
/// The storage's own; `NameTooLong` where a path in the folder is too long.
#[inline(never)] // its frame is not to stay under a guest
pub fn survey<S: Storage>(
    storage: &S,
    top: &str,
    block: u32,
    is_over: &dyn Fn() -> bool,
) -> Result<Survey, StorageError> {
    let mut survey = Survey::default();
    let mut path = Path::try_from(top).map_err(|_| StorageError::NameTooLong)?;
    // The folder that the walk has just left; empty, which sorts first, when it enters one.
    let mut last = Path::new();
    loop {
        let mut next = Path::new();
        let mut fits = true;
        storage.read_dir(&path, &mut |name, metadata| {
            if last.is_empty() && name != REMOVAL {
                survey.bytes = survey.bytes.saturating_add(cost(metadata, block));
                let length = path.len().saturating_add(1).saturating_add(name.len());
                survey.longest = survey.longest.max(length);
            }
            let nearer = next.is_empty() || name < next.as_str();
            if metadata.kind == EntryKind::Directory && nearer && name > last.as_str() {
                next.clear();
                fits &= next.push_str(name).is_ok();
            }
            true
        })?;
        if !fits {
            return Err(StorageError::NameTooLong);
        }
        if is_over() {
            return Ok(survey);
        }
        last.clear();
        if !next.is_empty() {
            enter(&mut path, &next)?;
        } else if path.len() <= top.len() {
            return Ok(survey);
        } else {
            let (above, name) = split(&path);
            let length = above.len();
            // The name was part of a path that fits.
            let _ = last.push_str(name);
            path.truncate(length);
        }
    }
}

/// Goes down into a folder.
fn enter(path: &mut Path, name: &str) -> Result<(), StorageError> {
    let above = path.len();
    let entered = path.push('/').and_then(|()| path.push_str(name));
    entered.map_err(|_| {
        path.truncate(above);
        StorageError::NameTooLong
    })
}

/// Moves a folder into the top folder, which is the first `top` bytes of its path, under a short
/// name: by renaming folders above it, a guest can make the paths in it too long.
fn lift<S: Storage>(storage: &S, top: usize, path: &mut Path) -> Result<(), StorageError> {
    let mut lifted = path.clone();
    lifted.truncate(top);
    lifted
        .push_str("/0")
        .map_err(|_| StorageError::NameTooLong)?;
    rename_to_vacant(storage, path, &mut lifted)?;
    *path = lifted;
    Ok(())
}
