// SPDX-License-Identifier: Apache-2.0
//! A container's files: its own folder, its image's blob layers as files of one folder, and its
//! mounts.

use core::fmt::Write as _;

use heapless::String;
use ocre::container::mount::{self, Mount};
use ocre::container::{Guest, data};
use ocre::folders;
use ocre::image::blob;
use ocre::image::{Content, DataLayer, DataLayers};
use ocre::limits::MAX_TITLE;
use ocre::port::path::{Path, join};
use ocre::port::{EntryKind, Metadata, Storage, StorageError};

use crate::errno::Errno;
use crate::table::FileTree;

/// The image store's layout is in the partition's root folder.
const STORE: &str = "/";

/// Path on the partition of an entry of a tree that is stored there as a tree.
///
/// # Errors
/// `Nametoolong`; `Noent` for the image.
pub fn partition_path(guest: &dyn Guest, tree: FileTree, path: &str) -> Result<Path, Errno> {
    let mut found = Err(Errno::Noent);
    let mut find = |folder: &str| {
        found = if path.is_empty() {
            Path::try_from(folder).map_err(|_| Errno::Nametoolong)
        } else {
            join(folder, path).map_err(Errno::from)
        };
    };
    match tree {
        FileTree::Data => find(&data::folder(guest.name())),
        FileTree::Image => {}
        FileTree::Mount { index, .. } => {
            show_mount(guest, index, &mut |mount| find(mount.source));
        }
    }
    found
}

/// Shows the path of a tree in the guest.
pub fn show_mounted_at(guest: &dyn Guest, tree: FileTree, show: &mut dyn FnMut(&str)) {
    match tree {
        FileTree::Data => show("/"),
        FileTree::Image => show(mount::IMAGE),
        FileTree::Mount { index, .. } => show_mount(guest, index, &mut |mount| show(mount.at)),
    }
}

/// Shows a mount of the guest.
fn show_mount(guest: &dyn Guest, index: u8, show: &mut dyn FnMut(Mount<'_>)) {
    guest.spec(&mut |spec| {
        if let Some(mount) = mount::iter(&spec.mounts).nth(index.into()) {
            show(mount);
        }
    });
}

/// Path on the partition of the blob layer with a name under `/image`.
///
/// # Errors
/// `Noent`; `Notdir` for a path through a blob.
pub fn blob_path(guest: &dyn Guest, path: &str) -> Result<Path, Errno> {
    let content = find_blob(guest, path)?;
    Ok(blob::blob_path(STORE, &content.digest)?)
}

/// Content of the blob layer with a name under `/image`.
fn find_blob(guest: &dyn Guest, path: &str) -> Result<Content, Errno> {
    let name = path.split_once('/').map_or(path, |(name, _)| name);
    let mut found = None;
    guest.spec(&mut |spec| {
        let mut blobs = spec.image.blobs.iter();
        // The first of several blobs with one title has that title. A title that is no file's name
        // is no part of a path. Every blob can also be named by its digest, listed or not.
        found = blobs
            .find(|blob| blob.title == name || digits(blob) == name)
            .map(|blob| blob.content);
    });
    let content = found.ok_or(Errno::Noent)?;
    if name.len() != path.len() {
        return Err(Errno::Notdir);
    }
    Ok(content)
}

/// Metadata at a path.
///
/// # Errors
/// `Noent`, `Notdir`, and the storage's own.
pub fn metadata<S: Storage>(
    storage: &S,
    guest: &dyn Guest,
    tree: FileTree,
    path: &str,
) -> Result<Metadata, Errno> {
    match tree {
        FileTree::Image if path.is_empty() => Ok(Metadata {
            kind: EntryKind::Directory,
            size: 0,
        }),
        FileTree::Image => {
            let Content { size, .. } = find_blob(guest, path)?;
            Ok(Metadata {
                kind: EntryKind::File,
                size,
            })
        }
        _ => Ok(storage.metadata(&partition_path(guest, tree, path)?)?),
    }
}

/// Copies the target of a symbolic link and returns its length; `None` for an entry that is no
/// link, or does not exist.
///
/// # Errors
/// The storage's own.
pub fn read_link<S: Storage>(
    storage: &S,
    guest: &dyn Guest,
    tree: FileTree,
    path: &str,
    buffer: &mut [u8],
) -> Result<Option<usize>, Errno> {
    if tree == FileTree::Image {
        return Ok(None);
    }
    match storage.read_link(&partition_path(guest, tree, path)?, buffer) {
        Ok(length) => Ok(Some(length)),
        Err(StorageError::Invalid | StorageError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Calls `entry` for each entry of a folder.
///
/// # Errors
/// `Noent`, `Notdir`, and the storage's own.
pub fn entries<S: Storage>(
    storage: &S,
    guest: &dyn Guest,
    tree: FileTree,
    path: &str,
    entry: &mut dyn FnMut(&str, EntryKind),
) -> Result<(), Errno> {
    match tree {
        FileTree::Image => {
            guest.spec(&mut |spec| {
                let blobs = &spec.image.blobs;
                for (index, blob) in blobs.iter().enumerate() {
                    if is_listed_by_title(blobs, index, blob.title) {
                        entry(blob.title, EntryKind::File);
                    } else {
                        entry(&digits(&blob), EntryKind::File);
                    }
                }
            });
            Ok(())
        }
        _ => storage
            .read_names(&partition_path(guest, tree, path)?, &mut |name, kind| {
                if name != folders::REMOVAL {
                    entry(name, kind);
                }
                true
            })
            .map_err(Errno::from),
    }
}

/// Digest of a blob, as 64 hex digits.
fn digits(blob: &DataLayer<'_>) -> String<MAX_TITLE> {
    let mut digits = String::new();
    // They fit, as asserted below.
    let _ = write!(digits, "{}", blob.content.digest.hex());
    digits
}
const _: () = assert!(MAX_TITLE >= 64);

/// True where a blob's title is a file's name that no earlier blob has.
fn is_listed_by_title(blobs: &DataLayers, index: usize, title: &str) -> bool {
    !matches!(title, "" | "." | "..")
        && !title.contains('/')
        && blobs.iter().take(index).all(|other| other.title != title)
}

/// Number of a path that no other path of the container is likely to have: FNV-1a.
pub fn number(tree: FileTree, folder: &str, name: &str) -> u64 {
    let separator = if folder.is_empty() || name.is_empty() {
        ""
    } else {
        "/"
    };
    let top = match tree {
        FileTree::Data => b'd',
        FileTree::Image => b'i',
        FileTree::Mount { index, .. } => index,
    };
    let bytes = [folder, separator, name];
    let bytes = bytes.iter().flat_map(|text| text.bytes());
    let bytes = core::iter::once(top).chain(bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
