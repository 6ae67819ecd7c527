// SPDX-License-Identifier: Apache-2.0
//! Files that are replaced whole.
//!
//! Promised: whenever the power goes, the file has its old content or the new one, and where
//! there was none it is missing or whole. What [`replace`] returns is final: after `Ok` the new
//! content survives a power cut, after an error the old file is as it was. A cut may leave the
//! file [`TEMPORARY`] beside it, which the next [`replace`] in that folder overwrites and
//! [`clean`] removes.
//!
//! How: write the temporary file, sync, rename. In one folder one file is replaced at a time.

use core::fmt;

use crate::image::content::{Path, join};
use crate::port::{OpenMode, Storage, StorageError};

/// The name of the file that is not finished yet, in the same folder.
pub const TEMPORARY: &str = ".new";

/// Writes the new content, once.
pub type Fill<'f, S, E> = &'f mut dyn FnMut(&mut Output<'_, S>) -> Result<(), E>;

/// Replaces the file at `path` by what `fill` writes, unless `fill` fails.
///
/// # Errors
/// What `fill` returns, or the storage's own.
#[inline(never)]
pub fn replace<S: Storage, E: From<StorageError>>(
    storage: &S,
    path: &str,
    fill: Fill<'_, S, E>,
) -> Result<(), E> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let temporary = join(folder, TEMPORARY)?;
    let replaced =
        write(storage, &temporary, fill).and_then(|()| Ok(storage.rename(&temporary, path)?));
    if replaced.is_err() {
        // It takes room, no more; the first error is the one that counts.
        let _ = storage.remove(&temporary);
    }
    replaced
}

fn write<S: Storage, E: From<StorageError>>(
    storage: &S,
    temporary: &Path,
    fill: Fill<'_, S, E>,
) -> Result<(), E> {
    let mut file = storage.open(temporary, OpenMode::REWRITE)?;
    fill(&mut Output {
        storage,
        file: &mut file,
        written: 0,
        failure: None,
    })?;
    Ok(storage.close(file)?)
}

/// Removes what a power cut left of a [`replace`] in `folder`.
///
/// # Errors
/// The storage's own.
pub fn clean<S: Storage>(storage: &S, folder: &str) -> Result<(), StorageError> {
    match storage.remove(&join(folder, TEMPORARY)?) {
        Err(StorageError::NotFound) => Ok(()),
        other => other,
    }
}

/// Where the new content goes.
pub struct Output<'a, S: Storage> {
    storage: &'a S,
    file: &'a mut S::File,
    written: u64,
    failure: Option<StorageError>,
}

impl<S: Storage> Output<'_, S> {
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

    /// Bytes so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Appends what `text` formats. Why `text` fails by itself is its own to remember.
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

impl<S: Storage> fmt::Write for Output<'_, S> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map_err(|error| {
            self.failure = Some(error);
            fmt::Error
        })
    }
}
