// SPDX-License-Identifier: Apache-2.0
//! Files that are replaced whole.
//!
//! Promised: whenever the power goes, the file has its old content or the new one, and where
//! there was none it is missing or whole. The result of [`replace`] is final: after `Ok` the new
//! content survives a power cut, after an error the old file is as it was. A cut may leave a file
//! of that name with [`TEMPORARY`] in front of it; [`recover`] ends such a replacement.
//!
//! The temporary file is written and synced, and then renamed. A temporary file with content is
//! complete, because littlefs shows nothing of a file before it is synced.

use core::fmt;

use crate::lost;
use crate::port::path::{Path, append};
use crate::port::{EntryKind, OpenMode, Storage, StorageError, path};

/// Beginning of the name of a file that is not finished yet.
pub const TEMPORARY: &str = ".new";

/// Writes the new content, once.
pub type Fill<'f, S> = &'f mut dyn FnMut(&mut AtomicWriter<'_, S>) -> Result<(), StorageError>;

/// Replaces the file at `path` by the content that `fill` writes, unless `fill` fails.
///
/// # Errors
/// The error of `fill`, or the storage's own.
#[inline(never)]
pub fn replace<S: Storage>(storage: &S, path: &str, fill: Fill<'_, S>) -> Result<(), StorageError> {
    let (folder, name) = path::split(path);
    let mut temporary = Path::new();
    self::temporary(&mut temporary, folder, name)?;
    let replaced = write(storage, &temporary, fill).and_then(|()| storage.rename(&temporary, path));
    if replaced.is_err() {
        // A temporary file left behind takes room, no more; the first error counts.
        let _ = storage.remove(&temporary);
    }
    replaced
}

fn write<S: Storage>(storage: &S, temporary: &Path, fill: Fill<'_, S>) -> Result<(), StorageError> {
    let mut file = storage.open(temporary, OpenMode::REWRITE)?;
    fill(&mut AtomicWriter {
        storage,
        file: &mut file,
        written: 0,
        failure: None,
    })?;
    storage.close(file)
}

/// Appends the path of the file that becomes `name` in `folder` to an empty one.
fn temporary(path: &mut Path, folder: &str, name: &str) -> Result<(), StorageError> {
    append(path, &[folder, "/", TEMPORARY, name])
}

/// Lets littlefs end a rename that a power cut stopped. Until its first change after a mount,
/// littlefs hides the old entry of such a rename, and does not find the entry that follows it
/// either.
pub fn finish_renames<S: Storage>(storage: &S) {
    // A removal is a change; this one finds nothing. A failure here comes again where it counts.
    let _ = storage.remove("/.none");
}

/// Ends a [`replace`] of the file `name` in `folder`, the root being empty, that a power cut
/// stopped. A temporary file without content is removed. A temporary file with content takes its
/// place, and an older file there is [kept aside](lost): no rename found does not prove that there
/// was none. A step that fails, for want of room say, is left for the next time.
#[inline(never)]
pub fn recover<S: Storage>(storage: &S, folder: &str, name: &str) {
    let _ = try_to_recover(storage, folder, name);
}

fn try_to_recover<S: Storage>(storage: &S, folder: &str, name: &str) -> Result<(), StorageError> {
    let mut temporary = Path::new();
    self::temporary(&mut temporary, folder, name)?;
    if storage.metadata(&temporary)?.size == 0 {
        return storage.remove(&temporary);
    }
    let mut path = Path::new();
    append(&mut path, &[folder, "/", name])?;
    if storage.metadata(&path).is_ok() {
        lost::keep(storage, &path, name)?;
    }
    storage.rename(&temporary, &path)
}

/// [`recover`]s every file in `folder`, which is the runtime's own.
///
/// # Errors
/// The storage's own.
pub fn recover_all<S: Storage>(storage: &S, folder: &str) -> Result<(), StorageError> {
    let mut entry = Path::new();
    let select = |name: &str, kind| kind == EntryKind::File && name.starts_with(TEMPORARY);
    while next_entry(storage, folder, &mut entry, &select)? {
        let name = entry.get(TEMPORARY.len()..).unwrap_or_default();
        recover(storage, folder, name);
    }
    Ok(())
}

/// Finds the first name in `folder` that comes after `entry` and that `select` selects, and makes
/// it `entry`. Returns true where there is one. A missing folder has none.
///
/// # Errors
/// The storage's own.
#[inline(never)]
pub fn next_entry<S: Storage>(
    storage: &S,
    folder: &str,
    entry: &mut Path,
    select: &dyn Fn(&str, EntryKind) -> bool,
) -> Result<bool, StorageError> {
    let mut next = Path::new();
    let listed = storage.read_dir(folder, &mut |name, metadata| {
        if (next.is_empty() || *name < *next) && *name > **entry && select(name, metadata.kind) {
            next.clear();
            // A longer name than a path may have is no name of the runtime's.
            let _ = next.push_str(name);
        }
        true
    });
    match listed {
        Err(StorageError::NotFound) => return Ok(false),
        listed => listed?,
    }
    *entry = next;
    Ok(!entry.is_empty())
}

/// Writer of the new content.
pub struct AtomicWriter<'a, S: Storage> {
    storage: &'a S,
    file: &'a mut S::File,
    written: u64,
    failure: Option<StorageError>,
}

impl<S: Storage> AtomicWriter<'_, S> {
    /// Appends bytes.
    ///
    /// # Errors
    /// The storage's own.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.storage.write(self.file, bytes)?;
        self.written = self
            .written
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Number of bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Appends the text that `text` formats. An error that `text` itself returns is dropped.
    ///
    /// # Errors
    /// The storage's own.
    pub fn format(
        &mut self,
        text: impl FnOnce(&mut Self) -> fmt::Result,
    ) -> Result<(), StorageError> {
        let _ = text(self);
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl<S: Storage> fmt::Write for AtomicWriter<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}
