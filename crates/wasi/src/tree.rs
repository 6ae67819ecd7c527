// SPDX-License-Identifier: Apache-2.0
//! A container's files: its own folder, its image's blob layers as files of one folder, and the
//! folders that it was given.

use core::fmt::Write as _;

use heapless::String;
use ocre::container::mount::{self, Mounts};
use ocre::container::{Guest, data};
use ocre::image::content::{self, Path};
use ocre::image::{Blob, Blobs, Content};
use ocre::limits::MAX_TITLE;
use ocre::port::{EntryKind, Metadata, Storage, StorageError};

use crate::errno::Errno;
use crate::table::Tree;

/// The image store's layout is in the partition's root folder.
const STORE: &str = "/";

/// The path on the partition of something in a tree that lies there as it is.
///
/// # Errors
/// `Nametoolong`; `Noent` for the image.
pub fn partition_path(guest: &dyn Guest, tree: Tree, path: &str) -> Result<Path, Errno> {
    let mut folder = Err(Errno::Noent);
    match tree {
        Tree::Data => folder = Ok(data::folder(guest.name())),
        Tree::Image => {}
        Tree::Mount { index, .. } => guest.spec(&mut |spec| {
            if let Some(mount) = mount::iter(&spec.mounts).nth(index.into()) {
                folder = Path::try_from(mount.source).map_err(|_| Errno::Nametoolong);
            }
        }),
    }
    let folder = folder?;
    if path.is_empty() {
        return Ok(folder);
    }
    Ok(content::join(&folder, path)?)
}

/// Where the guest finds a tree.
///
/// # Errors
/// None, for a tree that there is.
pub fn mounted_at(guest: &dyn Guest, tree: Tree) -> Result<Mounts, Errno> {
    let mut name = Err(Errno::Badf);
    let mut set = |at: &str| name = Mounts::try_from(at).map_err(|_| Errno::Nametoolong);
    match tree {
        Tree::Data => set("/"),
        Tree::Image => set(mount::IMAGE),
        Tree::Mount { index, .. } => guest.spec(&mut |spec| {
            if let Some(mount) = mount::iter(&spec.mounts).nth(index.into()) {
                set(mount.at);
            }
        }),
    }
    name
}

/// The path on the partition of a blob layer that has this name under `/image`.
///
/// # Errors
/// `Noent`; `Notdir` for a path through a blob.
pub fn blob_path(guest: &dyn Guest, path: &str) -> Result<(Path, Content), Errno> {
    let (name, through) = match path.split_once('/') {
        Some((name, _)) => (name, true),
        None => (path, false),
    };
    let mut found = None;
    guest.spec(&mut |spec| {
        let blobs = &spec.image.blobs;
        found = blobs
            .iter()
            .enumerate()
            // Every blob also has its digest for a name, listed or not.
            .find(|(index, blob)| title(blobs, *index) == Some(name) || digits(blob) == name)
            .map(|(_, blob)| blob.content);
    });
    let content = found.ok_or(Errno::Noent)?;
    if through {
        return Err(Errno::Notdir);
    }
    Ok((content::blob_path(STORE, &content.digest)?, content))
}

/// The 64 hex digits of a blob's digest.
fn digits(blob: &Blob<'_>) -> String<MAX_TITLE> {
    let mut digits = String::new();
    // They fit, as asserted below.
    let _ = write!(digits, "{}", blob.content.digest.hex());
    digits
}
const _: () = assert!(MAX_TITLE >= 64);

/// A blob's title, where that is a file's name and no earlier blob's.
fn title(blobs: &Blobs, index: usize) -> Option<&str> {
    let title = blobs.get(index)?.title;
    let mut earlier = blobs.iter().take(index);
    let is_name = !matches!(title, "" | "." | "..") && !title.contains(['/', '\0']);
    (is_name && !earlier.any(|other| other.title == title)).then_some(title)
}

/// What is at a path.
///
/// # Errors
/// `Noent`, `Notdir`, and the storage's own.
pub fn metadata<S: Storage>(
    storage: &S,
    guest: &dyn Guest,
    tree: Tree,
    path: &str,
) -> Result<Metadata, Errno> {
    match tree {
        Tree::Image if path.is_empty() => Ok(Metadata {
            kind: EntryKind::Directory,
            size: 0,
        }),
        Tree::Image => {
            let (_, content) = blob_path(guest, path)?;
            Ok(Metadata {
                kind: EntryKind::File,
                size: content.size,
            })
        }
        _ => Ok(storage.metadata(&partition_path(guest, tree, path)?)?),
    }
}

/// Copies the target of a symbolic link and returns its length; `None` for what is no link, or is
/// not there.
///
/// # Errors
/// The storage's own.
pub fn read_link<S: Storage>(
    storage: &S,
    guest: &dyn Guest,
    tree: Tree,
    path: &str,
    buffer: &mut [u8],
) -> Result<Option<usize>, Errno> {
    if tree == Tree::Image {
        return Ok(None);
    }
    match storage.read_link(&partition_path(guest, tree, path)?, buffer) {
        Ok(length) => Ok(Some(length)),
        Err(StorageError::Invalid | StorageError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Calls `entry` for everything in a folder.
///
/// # Errors
/// `Noent`, `Notdir`, and the storage's own.
pub fn entries<S: Storage>(
    storage: &S,
    guest: &dyn Guest,
    tree: Tree,
    path: &str,
    entry: &mut dyn FnMut(&str, EntryKind),
) -> Result<(), Errno> {
    match tree {
        Tree::Image => {
            let mut index = 0_usize;
            while let Some(name) = blob_entry(guest, index) {
                entry(&name, EntryKind::File);
                index = index.saturating_add(1);
            }
            Ok(())
        }
        _ => storage
            .read_names(&partition_path(guest, tree, path)?, &mut |name, kind| {
                if name != data::REMOVAL {
                    entry(name, kind);
                }
                true
            })
            .map_err(Errno::from),
    }
}

/// The name under which a blob is listed.
fn blob_entry(guest: &dyn Guest, index: usize) -> Option<String<MAX_TITLE>> {
    let mut entry = None;
    guest.spec(&mut |spec| {
        let blobs = &spec.image.blobs;
        entry = blobs.get(index).map(|blob| {
            let title = title(blobs, index).and_then(|title| String::try_from(title).ok());
            title.unwrap_or_else(|| digits(&blob))
        });
    });
    entry
}

/// A number for a path that no other path of the container is likely to have: FNV-1a.
pub fn number(tree: Tree, folder: &str, name: &str) -> u64 {
    let separator = if folder.is_empty() || name.is_empty() {
        ""
    } else {
        "/"
    };
    let top = match tree {
        Tree::Data => b'd',
        Tree::Image => b'i',
        Tree::Mount { index, .. } => index,
    };
    let bytes = [folder, separator, name];
    let bytes = bytes.iter().flat_map(|text| text.bytes());
    let bytes = core::iter::once(top).chain(bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
