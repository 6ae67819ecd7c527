// SPDX-License-Identifier: Apache-2.0
//! An image in a layout of any storage, as the source of a copy: a folder of the PC, or the flash.

use std::io::{self, Read};

use ocre::command::hints;
use ocre::image::OciLayout;
use ocre::image::blob::{self, read_named};
use ocre::image::judge::Selector;
use ocre::image::signature_entry::{belongs_to_image, is_signature, listed_subject};
use ocre::image::verdict::Code;
use ocre::port::{SeekFrom, Storage, StorageError};
use ocre_oci::{Entry, INDEX_MEDIA_TYPE, Index, Sha256, json};
use ocre_registry::{
    Blob, ContentReader, Error, ImageDocument, MAX_DOCUMENT, Referrer, Source, document_caps,
    subject,
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

    /// Reads the entries of the layout's own index that are `wanted` and have a known digest.
    fn entries(&self, wanted: &dyn Fn(&Entry<'_>) -> bool) -> Result<Vec<IndexedDocument>, Error> {
        let mut buffer = vec![0; MAX_DOCUMENT];
        let bytes = read_named(self.layout, "index.json", Code::IndexMissing, &mut buffer)
            .map_err(|code| refused(code, &self.name))?;
        entries_of(bytes, wanted).map_err(|error| Error::of_document(error, bytes, "index"))
    }

    /// True where the subject of a document is `of`. An unreadable document has none, unless the
    /// index calls the document a signature.
    fn is_about(&self, document: &IndexedDocument, of: &Sha256) -> Result<bool, Error> {
        let Referrer {
            media_type,
            content,
            ..
        } = &document.described;
        let read = self.read(media_type, content);
        match read.and_then(|read| subject(&read)) {
            Err(error) if document.is_signature => Err(error),
            subject => Ok(matches!(subject, Ok(Some(subject)) if subject == *of)),
        }
    }
}

/// Entry of an index: the description of a document, and the document's name.
struct IndexedDocument {
    described: Referrer,
    name: Option<String>,
    is_signature: bool,
    /// Subject of the listed referrers, where the document is a list of them.
    lists: Option<Sha256>,
}

/// Parses the entries of an index that are `wanted` and have a known digest.
fn entries_of(
    index: &[u8],
    wanted: &dyn Fn(&Entry<'_>) -> bool,
) -> Result<Vec<IndexedDocument>, ocre_oci::Error> {
    let index = Index::parse(json::parse(index, &document_caps())?)?;
    let mut found = Vec::new();
    for entry in index.manifests().filter(wanted) {
        if let Some(described) = Referrer::of_entry(&entry)? {
            let is_index = described.media_type == INDEX_MEDIA_TYPE;
            found.push(IndexedDocument {
                described,
                name: entry.reference_name().map(|name| name.to_string()),
                is_signature: is_signature(&entry),
                lists: listed_subject(&entry).filter(|_| is_index),
            });
        }
    }
    Ok(found)
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
        let selector = self.selector;
        let mut found = self.entries(&|entry| {
            selector.names(entry) && (selector != Selector::default() || !belongs_to_image(entry))
        })?;
        let digest = selector.digest;
        found.retain(|one| digest.is_none_or(|digest| one.described.content.digest == digest));
        let Some(first) = found.first() else {
            return Err(refused(Code::ReferenceNotFound, &self.name));
        };
        if found.iter().any(|other| other.name != first.name) {
            return Err(refused(Code::ReferenceAmbiguous, &self.name));
        }
        self.read(&first.described.media_type, &first.described.content)
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

    fn referrers(&self, of: &Sha256) -> Result<Vec<Referrer>, Error> {
        // Another image may have a malformed entry.
        let mut entries =
            self.entries(&|entry| is_signature(entry) || entry.descriptor().is_ok())?;
        let mut listed = Vec::new();
        for list in entries.iter().filter(|one| one.lists == Some(*of)) {
            let list = self.read(&list.described.media_type, &list.described.content)?;
            let found = entries_of(&list.bytes, &|_| true);
            let wrong = |error| Error::of_document(error, &list.bytes, list.digest);
            listed.extend(found.map_err(wrong)?);
        }
        entries.extend(listed);
        let mut found = Vec::new();
        for entry in entries {
            if self.is_about(&entry, of)? {
                found.push(entry.described);
            }
        }
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
