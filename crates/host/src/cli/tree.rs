// SPDX-License-Identifier: Apache-2.0
//! All that is in a folder of a storage.

use ocre::port::{EntryKind, Metadata, Storage, StorageError};

/// The path of `name` in `folder`.
pub fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Everything in a folder, and in folders in it: by name, a folder before what is in it. What is
/// no folder has nothing in it.
///
/// # Errors
/// The storage's own, with where.
pub fn walk<S: Storage>(
    storage: &S,
    top: &str,
) -> Result<Vec<(String, Metadata)>, (String, StorageError)> {
    let failed = |path: &str| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    let mut found = Vec::new();
    let metadata = storage.metadata(top).map_err(failed(top))?;
    let mut open = vec![(top.to_owned(), metadata)];
    while let Some((path, metadata)) = open.pop() {
        if metadata.kind == EntryKind::Directory {
            let mut inner = Vec::new();
            storage
                .read_dir(&path, &mut |name, metadata| {
                    inner.push((join(&path, name), metadata));
                    true
                })
                .map_err(failed(&path))?;
            // The last one is taken first.
            inner.sort_by(|one, other| other.0.cmp(&one.0));
            open.extend(inner);
        }
        if path != top {
            found.push((path, metadata));
        }
    }
    Ok(found)
}
