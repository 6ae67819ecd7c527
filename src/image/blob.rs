// SPDX-License-Identifier: Apache-2.0
//! Content in an OCI layout: its path, and the check against its digest.

use core::fmt::Write as _;

use ocre_oci::json::Caps;
use ocre_oci::{Descriptor, DigestRef, ErrorKind, Hasher, Sha256};

use super::verdict::Code;
use super::{Content, OciLayout};

use crate::port::path::{Path, append};
use crate::port::{EntryKind, OpenMode, Storage, StorageError};

/// Returns the path of a blob in the layout at `root`. Made from a parsed digest, never from text,
/// so that no document can name a file outside the layout.
///
/// # Errors
/// `storage-name-too-long`.
pub fn blob_path(root: &str, digest: &Sha256) -> Result<Path, StorageError> {
    let mut path = Path::new();
    append_blob(&mut path, root, digest)?;
    Ok(path)
}

/// Appends the path of a blob to an empty one.
///
/// # Errors
/// `storage-name-too-long`.
#[inline(never)]
pub fn append_blob(path: &mut Path, root: &str, digest: &Sha256) -> Result<(), StorageError> {
    append(path, &[root.trim_end_matches('/'), "/blobs/sha256/"])?;
    write!(path, "{}", digest.hex()).map_err(|_| StorageError::NameTooLong)
}

/// Checks, by the folder entry alone, that content exists and has its size.
///
/// # Errors
/// `blob-missing`, `size-mismatch`, or the storage's own.
pub fn stat<S: Storage>(storage: &S, root: &str, content: &Content) -> Result<(), Code> {
    let mut path = Path::new();
    append_blob(&mut path, root, &content.digest)?;
    match storage.metadata(&path) {
        Ok(found) if found.kind == EntryKind::Directory => Err(Code::BlobMissing),
        Ok(found) if found.size != content.size => Err(Code::SizeMismatch),
        Ok(_) => Ok(()),
        Err(StorageError::NotFound) => Err(Code::BlobMissing),
        Err(error) => Err(error.into()),
    }
}

/// Content that exists and has its size, open to be read.
pub struct Opened<'a, S: Storage> {
    storage: &'a S,
    file: S::File,
    content: Content,
}

/// Opens content, with the checks of [`stat`].
///
/// # Errors
/// As [`stat`].
pub fn open<'a, S: Storage>(
    storage: &'a S,
    root: &str,
    content: &Content,
) -> Result<Opened<'a, S>, Code> {
    let mut path = Path::new();
    append_blob(&mut path, root, &content.digest)?;
    let mut file = match storage.open(&path, OpenMode::READ) {
        Err(StorageError::NotFound | StorageError::IsDirectory) => return Err(Code::BlobMissing),
        opened => opened?,
    };
    if storage.size(&mut file)? != content.size {
        return Err(Code::SizeMismatch);
    }
    Ok(Opened {
        storage,
        file,
        content: *content,
    })
}

impl<S: Storage> Opened<'_, S> {
    /// Returns the content that is open.
    pub fn content(&self) -> Content {
        self.content
    }

    /// Returns the file, at its first byte.
    pub fn into_file(self) -> S::File {
        self.file
    }

    /// Reads the content into the front of `buffer` and checks its digest.
    ///
    /// # Errors
    /// `digest-mismatch`, `size-mismatch` where the file has changed meanwhile, `limit-capacity`
    /// where the buffer is too small, or the storage's own.
    pub fn read(self, buffer: &mut [u8]) -> Result<&mut [u8], Code> {
        let size = usize::try_from(self.content.size).map_err(|_| Code::LimitCapacity)?;
        let buffer = buffer.get_mut(..size).ok_or(Code::LimitCapacity)?;
        if fill(self.storage, self.file, buffer)? != size {
            return Err(Code::SizeMismatch);
        }
        if Sha256::of(buffer) == self.content.digest {
            Ok(buffer)
        } else {
            Err(Code::DigestMismatch)
        }
    }

    /// Reads a document as [`read`](Self::read) does.
    ///
    /// # Errors
    /// As [`read`](Self::read), but `document-too-large` where the buffer is too small.
    pub fn read_document(self, buffer: &mut [u8]) -> Result<&[u8], Code> {
        if usize::try_from(self.content.size).is_ok_and(|size| size <= buffer.len()) {
            self.read(buffer).map(|bytes| &*bytes)
        } else {
            Err(Code::Document(ErrorKind::DocumentTooLarge))
        }
    }

    /// Checks the digest of the content without keeping it; `buffer`, which is not empty, holds a
    /// piece.
    ///
    /// # Errors
    /// `digest-mismatch`, `size-mismatch` where the file has changed meanwhile, or the storage's
    /// own.
    pub fn verify(mut self, buffer: &mut [u8]) -> Result<(), Code> {
        let mut hasher = Hasher::default();
        let mut size = 0_u64;
        self.storage.stream(&mut self.file, buffer, &mut |piece| {
            hasher.update(piece);
            size = size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        })?;
        self.storage.close(self.file)?;
        if size != self.content.size {
            return Err(Code::SizeMismatch);
        }
        if hasher.finish() == self.content.digest {
            Ok(())
        } else {
            Err(Code::DigestMismatch)
        }
    }
}

/// Opens and reads a document.
///
/// # Errors
/// As [`open`] and [`Opened::read_document`].
pub fn read_document<'b, S: Storage>(
    source: OciLayout<'_, S>,
    content: &Content,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Code> {
    open(source.storage, source.root, content)?.read_document(buffer)
}

/// Reads a document that has a name in the layout's folder instead of a digest.
///
/// # Errors
/// `missing` where there is no such file, `document-too-large`, or the storage's own.
pub fn read_named<'b, S: Storage>(
    source: OciLayout<'_, S>,
    name: &str,
    missing: Code,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Code> {
    let storage = source.storage;
    let mut path = Path::new();
    append(&mut path, &[source.root.trim_end_matches('/'), "/", name])?;
    let mut file = match storage.open(&path, OpenMode::READ) {
        Err(StorageError::NotFound) => return Err(missing),
        opened => opened?,
    };
    let size = usize::try_from(storage.size(&mut file)?).unwrap_or(usize::MAX);
    let buffer = buffer
        .get_mut(..size)
        .ok_or(Code::Document(ErrorKind::DocumentTooLarge))?;
    let count = fill(storage, file, buffer)?;
    Ok(buffer.get(..count).unwrap_or_default())
}

/// Opens content and checks its digest without keeping it.
///
/// # Errors
/// As [`open`] and [`Opened::verify`].
pub fn verify<S: Storage>(
    storage: &S,
    root: &str,
    content: &Content,
    buffer: &mut [u8],
) -> Result<(), Code> {
    open(storage, root, content)?.verify(buffer)
}

/// Fills `buffer` from the start of a file. Returns the number of bytes read, at most the buffer's
/// length.
///
/// # Errors
/// The storage's own.
pub fn read_file<S: Storage>(
    storage: &S,
    path: &str,
    buffer: &mut [u8],
) -> Result<usize, StorageError> {
    fill(storage, storage.open(path, OpenMode::READ)?, buffer)
}

/// Fills `buffer` from a file and closes it. Returns the number of bytes read.
fn fill<S: Storage>(
    storage: &S,
    mut file: S::File,
    buffer: &mut [u8],
) -> Result<usize, StorageError> {
    let mut filled = 0_usize;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let count = storage.read(&mut file, rest)?;
        if count == 0 {
            break;
        }
        filled = filled.saturating_add(count);
    }
    storage.close(file)?;
    Ok(filled)
}

/// Returns the content of a descriptor.
///
/// # Errors
/// `digest-unsupported`.
#[inline(never)]
pub(super) fn content_of(descriptor: &Descriptor<'_>) -> Result<Content, Code> {
    match descriptor.digest {
        DigestRef::Sha256(digest) => Ok(Content {
            digest,
            size: descriptor.size,
        }),
        DigestRef::Other(_) => Err(Code::DigestUnsupported),
    }
}

/// The caps on a document that was read into `buffer`.
pub(super) fn caps(buffer: &[u8]) -> Caps {
    Caps {
        bytes: u32::try_from(buffer.len()).unwrap_or(u32::MAX),
        ..Caps::default()
    }
}
