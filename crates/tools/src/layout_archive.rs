// SPDX-License-Identifier: Apache-2.0
//! An archive on the PC that an image is copied to, as a layout with that image alone.
//!
//! Content goes into it as it comes, one blob after another in the order of the image's
//! documents, so that the same image gives the same file; the index comes last.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ocre_oci::write;
use ocre_registry::{
    Blob, ContentOpener, Error, ImageDocument, RegistryCode, Role, Sink, Verified,
};

use crate::archive::{ArchiveError, ArchiveFormat, ArchiveWriter};
use crate::failure::Failure;
use crate::layout::archive_failure;
use crate::layout_index::{document, with_document};

/// An archive that is being written.
pub struct LayoutArchive {
    name: Option<String>,
    path: String,
    inner: Mutex<OpenArchive>,
}

struct OpenArchive {
    writer: ArchiveWriter,
    index: String,
}

impl LayoutArchive {
    /// Begins an archive: a zip where the name ends with `.zip`, else a tar.
    ///
    /// # Errors
    /// `archive-exists`, `io`.
    pub fn create(path: &Path, name: Option<String>, what: &str) -> Result<Self, Failure> {
        let mut writer = ArchiveWriter::create(path, ArchiveFormat::of(path))
            .map_err(|error| archive_failure(what, &error))?;
        for folder in ["blobs", "blobs/sha256"] {
            writer
                .folder(folder)
                .map_err(|error| Failure::io(what, &error))?;
        }
        Ok(Self {
            name,
            path: path.display().to_string(),
            inner: Mutex::new(OpenArchive {
                writer,
                index: document(|out| write::index(out, |_| Ok(()))),
            }),
        })
    }

    /// Writes the index, and gives the archive its name.
    ///
    /// # Errors
    /// `archive-exists`, `io`.
    pub fn finish(self, what: &str) -> Result<(), Failure> {
        let OpenArchive { mut writer, index } = self
            .inner
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (name, text) in [
            ("index.json", index),
            ("oci-layout", document(write::layout)),
        ] {
            writer
                .file(name, text.len() as u64, &mut text.as_bytes())
                .map_err(|error| Failure::io(what, &error))?;
        }
        writer
            .finish()
            .map_err(|error: ArchiveError| archive_failure(what, &error))
    }
}

fn blob_name(blob: &Blob) -> String {
    format!("blobs/sha256/{}", blob.digest.hex())
}

impl Sink for LayoutArchive {
    fn has(&self, _: &Blob, _: Option<(&str, &str)>) -> Result<bool, Error> {
        Ok(false)
    }

    fn most_at_once(&self) -> usize {
        1
    }

    fn put(&self, blob: &Blob, open: ContentOpener<'_>) -> Result<(), Error> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = Verified::new(open(0)?, blob);
        inner
            .writer
            .file(&blob_name(blob), blob.size, &mut content)
            .and_then(|()| {
                // The end of an empty blob has not been checked yet.
                content.read(&mut [0]).map(drop)
            })
            .map_err(|error| Error::of_io(error, &self.path))
    }

    fn put_document(&self, document: &ImageDocument, role: Role) -> Result<(), Error> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let name = blob_name(&document.blob());
        inner
            .writer
            .file(&name, document.bytes.len() as u64, &mut &document.bytes[..])
            .map_err(|error| Error::new(RegistryCode::Io, &self.path).because(error))?;
        if role != Role::Part {
            let name = self.name.as_deref();
            inner.index = with_document(inner.index.as_bytes(), document, role, name)?;
        }
        Ok(())
    }
}
