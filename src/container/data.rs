// SPDX-License-Identifier: Apache-2.0
//! A container's files: one folder on the partition, made when the container is created and
//! removed, with all that is in it, when the container is.

use core::fmt::Write as _;

use super::Name;
use crate::image::content::{Path, join};
use crate::port::{EntryKind, Metadata, Storage, StorageError};

/// Where the folders of all containers are.
pub const ROOT: &str = "/data";

/// A container's folder.
///
/// # Errors
/// `storage-name-too-long`.
pub fn folder(name: &Name) -> Result<Path, StorageError> {
    join(ROOT, name)
}

/// Makes a container's folder. What lies there of an earlier container goes first.
///
/// # Errors
/// The storage's own.
pub fn create<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    make(storage, ROOT)?;
    remove(storage, name)?;
    storage.create_dir(&folder(name)?)
}

/// Makes sure that a container from before a reboot has its folder.
///
/// # Errors
/// The storage's own.
pub fn keep<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    for path in [ROOT, &folder(name)?] {
        make(storage, path)?;
    }
    Ok(())
}

/// Makes a folder, unless it is there.
pub(super) fn make<S: Storage>(storage: &S, path: &str) -> Result<(), StorageError> {
    match storage.create_dir(path) {
        Ok(()) | Err(StorageError::Exists) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes a container's folder and all that is in it. After a power cut some of it may be
/// left; removing it again removes the rest.
///
/// # Errors
/// The storage's own. A folder that is not there is none.
pub fn remove<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    let top = folder(name)?;
    let mut path = top.clone();
    // Without recursion: down into the first folder found, up when one is empty.
    loop {
        let mut first = None;
        let listed = storage.read_dir(&path, &mut |name, metadata| {
            first = Some((join(&path, name), metadata.kind));
            false
        });
        match (listed, first) {
            (Err(StorageError::NotFound), _) if path == top => return Ok(()),
            (Err(error), _) => return Err(error),
            (Ok(()), Some((Err(StorageError::NameTooLong), _))) if path != top => {
                path = lift(storage, &top, &path)?;
            }
            (Ok(()), Some((entry, EntryKind::Directory))) => path = entry?,
            (Ok(()), Some((entry, EntryKind::File))) => storage.remove(&entry?)?,
            (Ok(()), None) => {
                storage.remove(&path)?;
                if path == top {
                    return Ok(());
                }
                path.truncate(path.rfind('/').unwrap_or(0));
            }
        }
    }
}

/// What something takes of the partition, in bytes, of which `block` is the least: a file what its
/// bytes take in whole blocks, and one block at least; a folder two.
pub fn cost(metadata: Metadata, block: u32) -> u64 {
    let block = u64::from(block.max(1));
    let blocks = match metadata.kind {
        EntryKind::Directory => 2,
        EntryKind::File => metadata.size.div_ceil(block).max(1),
    };
    blocks.saturating_mul(block)
}

/// What all that is in a folder takes of the partition: see [`cost`].
///
/// How: each folder's files are counted when it is come to, then its folders in the order of their
/// names, so that the path alone tells where to go on.
///
/// # Errors
/// The storage's own.
#[inline(never)] // its frame is not to stay under a guest
pub fn used<S: Storage>(storage: &S, top: &str, block: u32) -> Result<u64, StorageError> {
    let mut used: u64 = 0;
    let mut path = Path::try_from(top).map_err(|_| StorageError::NameTooLong)?;
    // The folder that was left just now.
    let mut last: Option<Path> = None;
    loop {
        let mut next: Option<Result<Path, StorageError>> = None;
        storage.read_dir(&path, &mut |name, metadata| {
            if last.is_none() {
                used = used.saturating_add(cost(metadata, block));
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
                next = Some(name.try_into().map_err(|_| StorageError::NameTooLong));
            }
            true
        })?;
        if let Some(name) = next {
            path = join(&path, &name?)?;
            last = None;
        } else if path.len() <= top.len() {
            return Ok(used);
        } else {
            let (above, name) = path.rsplit_once('/').unwrap_or_default();
            last = name.try_into().ok();
            let length = above.len();
            path.truncate(length);
        }
    }
}

/// Moves a folder to the top under a short name: by renaming what is above it, a guest can make
/// the paths in it too long to be named.
fn lift<S: Storage>(storage: &S, top: &str, path: &str) -> Result<Path, StorageError> {
    let mut number: u32 = 0;
    loop {
        let mut name = heapless::String::<10>::new();
        // Ten digits fit.
        let _ = write!(name, "{number}");
        let lifted = join(top, &name)?;
        match storage.metadata(&lifted) {
            Err(StorageError::NotFound) => {
                storage.rename(path, &lifted)?;
                return Ok(lifted);
            }
            Err(error) => return Err(error),
            Ok(_) => number = number.checked_add(1).ok_or(StorageError::NameTooLong)?,
        }
    }
}
