// SPDX-License-Identifier: Apache-2.0
//! An image in a layout of any storage, as the source of a copy: a folder of the PC, or the flash.

use std::io::{self, Read};

use ocre::command::hints;
use ocre::image::OciLayout;
use ocre::image::blob::{self, read_named};
use ocre::image::judge::Selector;
use ocre::image::verdict::Code;
use ocre::port::{SeekFrom, Storage, StorageError};
use ocre_oci::{Index, Sha256, json};
use ocre_registry::{
    Blob, ContentReader, Error, ImageDocument, MAX_DOCUMENT, Source, document_caps, subject,
};

/// A stored image.
pub struct LayoutSource<'a, S> {
    /// Layout of the image.
    pub layout: OciLayout<'a, S>,
    /// Selector of the image in the layout.
    pub selector: Selector<'a>,
    /// The user's name for the image.
    pub name: String,
}

/// Converts a refusal of the core to an error of a copy.
fn refused(code: Code, at: impl std::fmt::Display) -> Error {
    let code = ocre_registry::RegistryCode::Place(code.as_str(), hints::refusal(code));
    Error::new(code, at)
}

impl<S: Storage> LayoutSource<'_, S> {
    fn read(&self, media_type: &str, content: &Blob) -> Result<ImageDocument, Error> {
        let size = usize::try_from(content.size).unwrap_or(usize::MAX);
        let mut buffer = vec![0; size.min(MAX_DOCUMENT)];
        let bytes = blob::read_document(self.layout, &stored(content), &mut buffer)
            .map_err(|code| refused(code, content.digest))?;
        Ok(ImageDocument::new(media_type.to_owned(), bytes.to_vec()))
    }

    /// Calls `entry` with media type, content and name of each entry of the index that `selector`
    /// selects.
    fn entries(
        &self,
        entry: &mut dyn FnMut(String, Blob, Option<String>),
        selector: Selector<'_>,
    ) -> Result<(), Error> {
        let mut buffer = vec![0; MAX_DOCUMENT];
        let bytes = read_named(self.layout, "index.json", Code::IndexMissing, &mut buffer)
            .map_err(|code| refused(code, &self.name))?;
        let wrong = |error| Error::of_document(error, bytes, "index");
        let index = Index::parse(json::parse(bytes, &document_caps()).map_err(wrong)?);
        for found in index.map_err(wrong)?.manifests() {
            if !selector.names(&found) {
                continue;
            }
            let descriptor = found.descriptor().map_err(wrong)?;
            // No user selects a digest of another kind.
            let Some(digest) = descriptor.digest.sha256() else {
                continue;
            };
            if selector.digest.is_none_or(|wanted| wanted == digest) {
                let name = found.reference_name().map(|name| name.to_string());
                let size = descriptor.size;
                entry(
                    descriptor.media_type.to_string(),
                    Blob { digest, size },
                    name,
                );
            }
        }
        Ok(())
    }
}

fn stored(blob: &Blob) -> ocre::image::Content {
    ocre::image::Content {
        digest: blob.digest,
        size: blob.size,
    }
}

impl<S> Source for LayoutSource<'_, S>
where
    S: Storage + Sync,
    S::File: Send,
{
    fn root(&self) -> Result<ImageDocument, Error> {
        let mut found = Vec::new();
        let mut entry = |media_type, content, name| found.push((media_type, content, name));
        self.entries(&mut entry, self.selector)?;
        let Some((media_type, content, name)) = found.first() else {
            return Err(refused(Code::ReferenceNotFound, &self.name));
        };
        if found.iter().any(|(_, _, other)| other != name) {
            return Err(refused(Code::ReferenceAmbiguous, &self.name));
        }
        self.read(media_type, content)
    }

    fn document(&self, media_type: &str, content: &Blob) -> Result<ImageDocument, Error> {
        self.read(media_type, content)
    }

    fn open(&self, blob: &Blob, from: u64) -> Result<ContentReader<'_>, Error> {
        let storage = self.layout.storage;
        let opened = blob::open(storage, self.layout.root, &stored(blob))
            .map_err(|code| refused(code, blob.digest))?;
        let mut reader = StorageReader {
            storage,
            file: opened.into_file(),
        };
        if from > 0 {
            storage
                .seek(&mut reader.file, SeekFrom::Start(from))
                .map_err(|error| refused(error.into(), blob.digest))?;
        }
        Ok(Box::new(reader))
    }

    fn referrers(&self, of: &Sha256) -> Result<Vec<(String, Blob)>, Error> {
        let mut found = Vec::new();
        let mut entry = |media_type: String, content: Blob, _| found.push((media_type, content));
        self.entries(&mut entry, Selector::default())?;
        // An unreadable document is no referrer.
        let is_about = |(media_type, content): &(String, Blob)| {
            let document = self.read(media_type, content);
            document.is_ok_and(
                |document| matches!(subject(&document), Ok(Some(subject)) if subject == *of),
            )
        };
        found.retain(is_about);
        Ok(found)
    }
}

/// A file of a storage.
struct StorageReader<'a, S: Storage> {
    storage: &'a S,
    file: S::File,
}

impl<S: Storage> Read for StorageReader<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.storage.read(&mut self.file, buffer);
        read.map_err(|error: StorageError| refused(error.into(), "a blob").into())
    }
}
