// SPDX-License-Identifier: Apache-2.0
//! A container's files: one folder on the partition, made when the container is created and
//! removed, with all that is in it, when the container is.
//!
//! A removal is written down before it begins, in the folder itself: an empty file named
//! [`REMOVAL`]. A temporary container's folder has it from the beginning. Only a folder that has no
//! container and has that file is removed at boot. Both must hold, and they lie in different
//! folders: so no single damage makes the runtime take a container's files for removed ones.

use super::state::Failure;
use super::{Guest, Name};
use crate::image::content::{Path, append};
use crate::image::verdict::Code;
use crate::limits::{MAX_NAME, MAX_PATH};
use crate::lost;
use crate::port::{EntryKind, Metadata, OpenMode, Storage, StorageError, path};

/// Folder of all containers' folders.
pub const ROOT: &str = "/data";

/// Name of the empty file that marks a folder for removal once it has no container. Guests do not
/// see it.
pub const REMOVAL: &str = ".ocre-remove";
const MARK: &str = "/.ocre-remove";

/// A container's folder.
pub fn folder(name: &Name) -> Path {
    entry(ROOT, name, "")
}

/// Path of a container's file or folder in a folder of the runtime.
#[inline(never)]
pub(super) fn entry(folder: &str, name: &Name, suffix: &str) -> Path {
    // All parts are short, as asserted below.
    let mut path = Path::new();
    let _ = append(&mut path, &[folder, "/", name, suffix]);
    path
}

const _: () = assert!(MAX_NAME <= MAX_PATH - 48);

/// Makes a container's folder. A folder there without a container is [kept](lost).
///
/// # Errors
/// The storage's own.
pub fn create<S: Storage>(storage: &S, name: &Name, temporary: bool) -> Result<(), StorageError> {
    make(storage, ROOT)?;
    let folder = folder(name);
    match storage.create_dir(&folder) {
        Err(StorageError::Exists) => {
            lost::keep(storage, &folder, name)?;
            storage.create_dir(&folder)?;
        }
        made => made?,
    }
    if temporary {
        mark_removal(storage, name)?;
    }
    Ok(())
}

/// Path of the file that marks a folder for removal.
fn mark(name: &Name) -> Path {
    entry(ROOT, name, MARK)
}

/// Marks a container's folder for removal.
///
/// # Errors
/// The storage's own.
pub fn mark_removal<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    storage.close(storage.open(&mark(name), OpenMode::REWRITE)?)
}

/// True where a folder is marked for removal once it has no container.
#[inline(never)]
pub fn is_marked<S: Storage>(storage: &S, name: &Name) -> bool {
    let file = Metadata {
        kind: EntryKind::File,
        size: 0,
    };
    storage.metadata(&mark(name)) == Ok(file)
}

/// Checks that a container has its folder.
///
/// # Errors
/// [`Failure::DataMissing`]; the storage's own.
#[inline(never)]
pub fn check<S: Storage>(storage: &S, name: &Name) -> Result<(), Failure> {
    match storage.metadata(&folder(name)) {
        Ok(_) => Ok(()),
        Err(StorageError::NotFound) => Err(Failure::DataMissing),
        Err(error) => Err(Failure::Image(Code::Storage(error))),
    }
}

/// Takes back a removal that a power cut stopped before the record was gone.
pub fn unmark<S: Storage>(storage: &S, name: &Name) {
    if is_marked(storage, name) {
        // A removal that fails is tried again at the next boot.
        let _ = storage.remove(&mark(name));
    }
}

/// Clears away the folder of a container without a record: removes a folder that is marked or
/// empty, and [keeps](lost) any other. Returns true where it is kept.
///
/// # Errors
/// The storage's own.
pub fn put_away<S: Storage>(storage: &S, name: &Name) -> Result<bool, StorageError> {
    if is_marked(storage, name) {
        return remove(storage, name).map(|()| false);
    }
    let folder = folder(name);
    // A folder with content is not removed.
    if storage.remove(&folder).is_ok() {
        return Ok(false);
    }
    lost::keep(storage, &folder, name).map(|()| true)
}

/// Makes a folder, unless it is there.
#[inline(never)]
pub(crate) fn make<S: Storage>(storage: &S, path: &str) -> Result<(), StorageError> {
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
/// left, and the [mark](REMOVAL) with it; removing it again removes the rest.
///
/// # Errors
/// The storage's own. A folder that is not there is none.
pub fn remove<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    remove_tree(storage, folder(name))
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
            // The mark goes last.
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
            path.truncate(path::split(&path).0.len());
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
    Ok(survey(storage, top, block, None)?.bytes)
}

/// Extent of a folder's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Survey {
    /// Space on the partition, in bytes: see [`cost`].
    pub bytes: u64,
    /// Length of the longest path, in bytes; 0 for an empty folder.
    pub longest: usize,
}

/// Measures a folder's content; ends early, with less, where `guest` is being stopped.
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
    guest: Option<&dyn Guest>,
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
        if guest.is_some_and(|guest| guest.check().is_err()) {
            return Ok(survey);
        }
        last.clear();
        if !next.is_empty() {
            enter(&mut path, &next)?;
        } else if path.len() <= top.len() {
            return Ok(survey);
        } else {
            let (above, name) = path::split(&path);
            let length = above.len();
            // The name was part of a path that fits.
            let _ = last.push_str(name);
            path.truncate(length);
        }
    }
}

/// Moves a folder into the top folder, which is the first `top` bytes of its path, under a short
/// name: by renaming folders above it, a guest can make the paths in it too long.
fn lift<S: Storage>(storage: &S, top: usize, path: &mut Path) -> Result<(), StorageError> {
    let mut lifted = path.clone();
    lifted.truncate(top);
    lifted
        .push_str("/0")
        .map_err(|_| StorageError::NameTooLong)?;
    lost::rename_to_vacant(storage, path, &mut lifted)?;
    *path = lifted;
    Ok(())
}
