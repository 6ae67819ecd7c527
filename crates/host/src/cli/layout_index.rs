// SPDX-License-Identifier: Apache-2.0
//! The index of a layout on the PC, and other small files there.

use ocre::port::{OpenMode, Storage, StorageError};
use ocre_host::directory::Directory;
use ocre_oci::json::{self, Caps};
use ocre_oci::write;
use ocre_oci::{Entry, Index};

/// Enough for an index of thousands of images.
pub const MAX_INDEX: usize = 1 << 20;

/// Puts a file of that content there, at once.
pub fn write_file(storage: &Directory, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
    let mut file = storage.open(path, OpenMode::REWRITE)?;
    storage.write(&mut file, bytes)?;
    storage.close(file)
}

/// What one of the writers writes: into a `String`, which never fails.
pub fn document(write: impl FnOnce(&mut String) -> std::fmt::Result) -> String {
    let mut text = String::new();
    let _ = write(&mut text);
    text
}

/// An index without the entries that are replaced, and with what `add` adds; everything else in
/// it is as it was.
pub fn with_entry(
    index: &[u8],
    replaced: impl Fn(&Entry<'_>) -> bool,
    add: impl FnOnce(&mut write::Array<'_, String>) -> std::fmt::Result,
) -> Result<String, ocre_oci::Error> {
    let caps = Caps {
        bytes: MAX_INDEX as u32,
        entries: u16::MAX,
        ..Caps::default()
    };
    let root = json::parse(index, &caps)?;
    let old = Index::parse(root)?;
    // An index has that member, and no document has one twice.
    let mut add = Some(add);
    Ok(document(|out| {
        write::object(out, |out| {
            for (member, value) in root.members() {
                if member != "manifests" {
                    out.copy(member, value)?;
                    continue;
                }
                out.array(member, |out| {
                    old.manifests()
                        .filter(|other| !replaced(other))
                        .try_for_each(|other| out.copy(other.value()))?;
                    add.take().map_or(Ok(()), |add| add(out))
                })?;
            }
            Ok(())
        })
    }))
}
