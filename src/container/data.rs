// SPDX-License-Identifier: Apache-2.0
//! A container's files: one folder on the partition, made when the container is created and
//! removed, with all that is in it, when the container is.
//!
//! A removal is written down before it begins, in the folder itself: an empty file named
//! [`REMOVAL`](crate::folders::REMOVAL). A temporary container's folder has it from the beginning. Only a folder that has no
//! container and has that file is removed at boot. Both must hold, and they lie in different
//! folders: so no single damage makes the runtime take a container's files for removed ones.

use super::Name;
use super::state::StartFailure;
use crate::folders::{create_if_absent, remove_tree};
use crate::image::verdict::Code;
use crate::limits::{MAX_NAME, MAX_PATH};
use crate::lost;
use crate::port::path::{Path, append};
use crate::port::{EntryKind, Metadata, OpenMode, Storage, StorageError};

/// Folder of all containers' folders.
pub const ROOT: &str = "/data";

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
    create_if_absent(storage, ROOT)?;
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
fn removal_marker(name: &Name) -> Path {
    entry(ROOT, name, MARK)
}

/// Marks a container's folder for removal.
///
/// # Errors
/// The storage's own.
pub fn mark_removal<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    storage.close(storage.open(&removal_marker(name), OpenMode::REWRITE)?)
}

/// True where a folder is marked for removal once it has no container.
#[inline(never)]
pub fn is_marked<S: Storage>(storage: &S, name: &Name) -> bool {
    let file = Metadata {
        kind: EntryKind::File,
        size: 0,
    };
    storage.metadata(&removal_marker(name)) == Ok(file)
}

/// Checks that a container has its folder.
///
/// # Errors
/// [`StartFailure::DataMissing`]; the storage's own.
#[inline(never)]
pub fn check<S: Storage>(storage: &S, name: &Name) -> Result<(), StartFailure> {
    match storage.metadata(&folder(name)) {
        Ok(_) => Ok(()),
        Err(StorageError::NotFound) => Err(StartFailure::DataMissing),
        Err(error) => Err(StartFailure::Image(Code::Storage(error))),
    }
}

/// Takes back a removal that a power cut stopped before the record was gone.
pub fn unmark<S: Storage>(storage: &S, name: &Name) {
    if is_marked(storage, name) {
        // A removal that fails is tried again at the next boot.
        let _ = storage.remove(&removal_marker(name));
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

/// Removes a container's folder and all that is in it. After a power cut some of it may be
/// left, and the [marker](crate::folders::REMOVAL) with it; removing it again removes the rest.
///
/// # Errors
/// The storage's own. A folder that is not there is none.
pub fn remove<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    remove_tree(storage, folder(name))
}
