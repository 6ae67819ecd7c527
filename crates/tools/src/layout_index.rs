// SPDX-License-Identifier: Apache-2.0
//! Index of a layout on the PC, and other small files there.

use ocre::port::{OpenMode, Storage, StorageError};
use ocre_oci::json::{self, Caps, Kind};
use ocre_oci::write::{self, DescriptorFields};
use ocre_oci::{Entry, Index};
use ocre_pc::directory::Directory;
use ocre_registry::{Error, ImageDocument, Role, document_caps, referrer_descriptor};

/// Largest index, in bytes: enough for thousands of images.
pub const MAX_INDEX: usize = 1 << 20;

/// Writes a file whole.
pub fn write_file(storage: &Directory, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
    let mut file = storage.open(path, OpenMode::REWRITE)?;
    storage.write(&mut file, bytes)?;
    storage.close(file)
}

/// Collects the document of a writer in a `String`, which never fails.
pub fn document(write: impl FnOnce(&mut String) -> std::fmt::Result) -> String {
    let mut text = String::new();
    let _ = write(&mut text);
    text
}

/// Copies an index without the replaced entries, and with those of `add`; everything else stays
/// as it is.
pub fn with_entry(
    index: &[u8],
    replaced: impl Fn(&Entry<'_>) -> bool,
    add: impl FnOnce(&mut write::Array<'_, '_>) -> std::fmt::Result,
) -> Result<String, ocre_oci::Error> {
    let caps = Caps {
        bytes: MAX_INDEX as u32,
        entries: u16::MAX,
        ..Caps::default()
    };
    let root = json::parse(index, &caps)?;
    // umoci and other programs in Go write an empty list as `null`.
    let is_empty = root
        .get("manifests")
        .is_some_and(|manifests| manifests.kind() == Kind::Null);
    let old = (!is_empty).then(|| Index::parse(root)).transpose()?;
    // An index has that member, and no document has one twice.
    let mut add = Some(add);
    Ok(document(|out| {
        write::object(out, |out| {
            for (member, value) in root.members() {
                if member != "manifests" {
                    out.copy(&member, value);
                    continue;
                }
                out.array("manifests", |out| {
                    let mut kept = old
                        .iter()
                        .flat_map(Index::manifests)
                        .filter(|other| !replaced(other));
                    // Writing to a String does not fail.
                    let _ = kept
                        .try_for_each(|other| out.copy(other.value()))
                        .and_then(|()| add.take().map_or(Ok(()), |add| add(out)));
                });
            }
        })
    }))
}

/// Adds a document to an index. An image replaces the one of the same name, or, without a name,
/// its own entry; a referrer is added.
pub fn with_document(
    index: &[u8],
    document: &ImageDocument,
    role: Role,
    name: Option<&str>,
) -> Result<String, Error> {
    let name = name.filter(|_| role == Role::Root);
    let replaced = |other: &Entry<'_>| match (other.reference_name(), name) {
        (Some(found), Some(name)) => found == *name,
        (None, None) => {
            let same = |found: ocre_oci::Descriptor<'_>| found.digest == document.digest;
            other.descriptor().is_ok_and(same)
        }
        _ => false,
    };
    let with = if role == Role::Root {
        let named = name.map(|name| [(ocre_oci::REF_NAME, name)]);
        with_entry(index, replaced, |out| {
            out.descriptor(&DescriptorFields {
                media_type: &document.media_type,
                digest: document.digest,
                size: document.bytes.len() as u64,
                annotations: named.as_ref().map_or(&[], |named| named),
                platform: None,
            })
        })
    } else {
        let descriptor = referrer_descriptor(document)?;
        let entry = json::parse(descriptor.as_bytes(), &document_caps())
            .map_err(|error| Error::of_document(error, &document.bytes, document.digest))?;
        with_entry(index, replaced, |out| out.copy(entry))
    };
    with.map_err(|error| Error::of_document(error, index, "index"))
}
