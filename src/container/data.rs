// SPDX-License-Identifier: Apache-2.0
//! A container's files: one folder on the partition, made when the container is created and
//! removed, with all that is in it, when the container is.

use core::fmt::Write as _;

use super::{Guest, Name};
use crate::image::content::Path;
use crate::limits::{MAX_NAME, MAX_PATH};
use crate::port::{EntryKind, Metadata, Storage, StorageError};

/// Where the folders of all containers are.
pub const ROOT: &str = "/data";

/// A container's folder.
pub fn folder(name: &Name) -> Path {
    entry(ROOT, name, "")
}

/// The path of a container's own in a folder of the runtime's.
#[inline(never)]
pub(super) fn entry(folder: &str, name: &Name, suffix: &str) -> Path {
    let mut path = Path::new();
    for part in [folder, "/", name, suffix] {
        // A folder of the runtime's and a suffix are short.
        let _ = path.push_str(part);
    }
    path
}

const _: () = assert!(MAX_NAME <= MAX_PATH - 32);

/// Makes a container's folder. What lies there of an earlier container goes first.
///
/// # Errors
/// The storage's own.
pub fn create<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    make(storage, ROOT)?;
    remove(storage, name)?;
    storage.create_dir(&folder(name))
}

/// Makes sure that a container from before a reboot has its folder.
///
/// # Errors
/// The storage's own.
pub fn keep<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    make(storage, ROOT)?;
    make(storage, &folder(name))
}

/// Makes a folder, unless it is there.
#[inline(never)]
pub(super) fn make<S: Storage>(storage: &S, path: &str) -> Result<(), StorageError> {
    match storage.create_dir(path) {
        Ok(()) | Err(StorageError::Exists) => Ok(()),
        Err(error) => Err(error),
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

/// Removes a container's folder and all that is in it. After a power cut some of it may be
/// left; removing it again removes the rest.
///
/// # Errors
/// The storage's own. A folder that is not there is none.
pub fn remove<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    let mut path = folder(name);
    let top = path.len();
    // Without recursion: down into the first folder found, up when one is empty.
    loop {
        let mut first = Path::new();
        let mut found = None;
        let listed = storage.read_dir(&path, &mut |name, metadata| {
            found = Some((metadata.kind, first.push_str(name).is_ok()));
            false
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
            path.truncate(path.rfind('/').unwrap_or(0));
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

/// What something takes of the partition, in bytes, of which `block` is the least: a file what its
/// bytes take in whole blocks, and one block at least; a folder two.
#[inline(never)]
pub fn cost(metadata: Metadata, block: u32) -> u64 {
    let block = u64::from(block.max(1));
    let blocks = match metadata.kind {
        EntryKind::Directory => 2,
        EntryKind::File | EntryKind::Symlink => metadata.size.div_ceil(block).max(1),
    };
    blocks.saturating_mul(block)
}

/// What all that is in a folder takes of the partition: see [`cost`].
///
/// # Errors
/// The storage's own.
pub fn used<S: Storage>(storage: &S, top: &str, block: u32) -> Result<u64, StorageError> {
    Ok(survey(storage, top, block, None)?.bytes)
}

/// Extent of all that is in a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Survey {
    /// Room on the partition, as [`cost`] has it.
    pub bytes: u64,
    /// Length of the longest path, in bytes; 0 for an empty folder.
    pub longest: usize,
}

/// Measures all that is in a folder, or less where `guest` is being stopped meanwhile.
///
/// Each folder's files are counted when the walk comes to it, then its folders in the order of
/// their names, so that the path alone tells where to go on.
///
/// # Errors
/// The storage's own; `NameTooLong` where a path in it is.
#[inline(never)] // its frame is not to stay under a guest
pub fn survey<S: Storage>(
    storage: &S,
    top: &str,
    block: u32,
    guest: Option<&dyn Guest>,
) -> Result<Survey, StorageError> {
    let mut survey = Survey::default();
    let mut path = Path::try_from(top).map_err(|_| StorageError::NameTooLong)?;
    // The folder that was left just now; none, which comes before all, where one is come to.
    let mut last = Path::new();
    loop {
        let mut next = Path::new();
        let mut fits = true;
        storage.read_dir(&path, &mut |name, metadata| {
            if last.is_empty() {
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
        if guest.is_some_and(|guest| guest.check().is_err()) {
            return Ok(survey);
        }
        last.clear();
        if !next.is_empty() {
            enter(&mut path, &next)?;
        } else if path.len() <= top.len() {
            return Ok(survey);
        } else {
            let (above, name) = path.rsplit_once('/').unwrap_or_default();
            let length = above.len();
            // It was a part of such a path.
            let _ = last.push_str(name);
            path.truncate(length);
        }
    }
}

/// Moves a folder to the top, which is so many bytes of its path, under a short name: by renaming
/// what is above it, a guest can make the paths in it too long to be named.
fn lift<S: Storage>(storage: &S, top: usize, path: &mut Path) -> Result<(), StorageError> {
    let mut lifted = path.clone();
    let mut number: u32 = 0;
    loop {
        lifted.truncate(top);
        write!(lifted, "/{number}").map_err(|_| StorageError::NameTooLong)?;
        match storage.metadata(&lifted) {
            Err(StorageError::NotFound) => {
                storage.rename(path, &lifted)?;
                *path = lifted;
                return Ok(());
            }
            Err(error) => return Err(error),
            Ok(_) => number = number.checked_add(1).ok_or(StorageError::NameTooLong)?,
        }
    }
}
