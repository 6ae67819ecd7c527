// SPDX-License-Identifier: Apache-2.0
//! All entries of a folder of a storage.

use ocre::command::{CommandStatus, hints};
use ocre::port::{EntryKind, Metadata, Storage, StorageError};
use ocre_tools::failure::Failure;

use super::output::LineOutput;

/// Path of `name` in `folder`.
pub fn join(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// An entry and the reason why it can't be used.
pub type Unusable = (String, StorageError);

/// Content of a folder, and of the folders in it.
#[derive(Default)]
pub struct FolderContent {
    /// Entries by path, a folder before its content.
    pub entries: Vec<(String, Metadata)>,
    /// Folders that could not be listed. Where guests could rename folders as they liked, there
    /// may be some whose paths are too long.
    pub unlisted: Vec<Unusable>,
}

/// Converts an argument to an absolute path in a flash file, for clap.
#[allow(clippy::unnecessary_wraps, reason = "clap wants a result")]
pub fn absolute(text: &str) -> Result<String, String> {
    Ok(format!("/{}", text.trim_matches('/')))
}

/// Lists a folder with all folders in it. A file has no content.
///
/// # Errors
/// The storage's own, for the folder itself, with its path.
pub fn walk<S: Storage>(storage: &S, top: &str) -> Result<FolderContent, Unusable> {
    let failed = |error| (top.to_owned(), error);
    let metadata = storage.metadata(top).map_err(failed)?;
    let mut content = FolderContent::default();
    let mut open = vec![(top.to_owned(), metadata)];
    while let Some((path, metadata)) = open.pop() {
        if metadata.kind == EntryKind::Directory {
            let mut inner = Vec::new();
            let listed = storage.read_dir(&path, &mut |name, metadata| {
                inner.push((join(&path, name), metadata));
                true
            });
            match listed {
                Err(error) if path == top => return Err(failed(error)),
                Err(error) => content.unlisted.push((path.clone(), error)),
                Ok(()) => {}
            }
            // The last one is taken first.
            inner.sort_by(|one, other| other.0.cmp(&one.0));
            open.extend(inner);
        }
        if path != top {
            content.entries.push((path, metadata));
        }
    }
    Ok(content)
}

/// Reports each unusable entry on standard error. Returns the status of a command that did
/// everything else.
///
/// # Errors
/// `io`.
pub fn tell(
    what: &str,
    unusable: &[Unusable],
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    for (path, error) in unusable {
        let failure = Failure::new(what, error.code(), hints::storage(*error)).at(path);
        err.text(&format!("{failure}\n"))
            .map_err(|error| Failure::io("can't print", &error))?;
    }
    Ok(if unusable.is_empty() {
        CommandStatus::Ok
    } else {
        CommandStatus::Failed
    })
}
