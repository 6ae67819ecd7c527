// SPDX-License-Identifier: Apache-2.0
//! Content in an OCI layout: where it lies, and whether it is what its digest says.

use core::fmt::Write as _;

use heapless::String;
use ocre_oci::{ErrorKind, Sha256};
use sha2::Digest as _;

use super::Content;
use super::judge::Source;
use super::verdict::Code;
use crate::limits::MAX_PATH;
use crate::port::{EntryKind, OpenMode, Storage, StorageError};

/// A path on the partition.
pub type Path = String<MAX_PATH>;

/// The path of `name` in the folder `root`.
///
/// # Errors
/// `storage-name-too-long`.
pub fn join(root: &str, name: &str) -> Result<Path, StorageError> {
    let mut path = Path::new();
    let root = root.trim_end_matches('/');
    write!(path, "{root}/{name}").map_err(|_| StorageError::NameTooLong)?;
    Ok(path)
}

/// The path of a blob in the layout at `root`. Made from a parsed digest, never from text, so
/// that no document can name a file outside the layout.
///
/// # Errors
/// `storage-name-too-long`.
pub fn blob_path(root: &str, digest: &Sha256) -> Result<Path, StorageError> {
    let mut path = join(root, "blobs/sha256/")?;
    write!(path, "{}", digest.hex()).map_err(|_| StorageError::NameTooLong)?;
    Ok(path)
}

/// Checks by its folder entry alone that content is there and has its size.
///
/// # Errors
/// `blob-missing`, `size-mismatch`, or the storage's own.
pub fn stat<S: Storage>(storage: &S, root: &str, content: &Content) -> Result<(), Code> {
    match storage.metadata(&blob_path(root, &content.digest)?) {
        Ok(found) if found.kind == EntryKind::Directory => Err(Code::BlobMissing),
        Ok(found) if found.size != content.size => Err(Code::SizeMismatch),
        Ok(_) => Ok(()),
        Err(StorageError::NotFound) => Err(Code::BlobMissing),
        Err(error) => Err(error.into()),
    }
}

/// Reads content into the front of `buffer` and hashes what was read.
///
/// # Errors
/// As [`stat`], `digest-mismatch`, and `limit-capacity` where the buffer is too small.
pub fn read<'b, S: Storage>(
    storage: &S,
    root: &str,
    content: &Content,
    buffer: &'b mut [u8],
) -> Result<&'b mut [u8], Code> {
    stat(storage, root, content)?;
    let size = usize::try_from(content.size).map_err(|_| Code::LimitCapacity)?;
    let buffer = buffer.get_mut(..size).ok_or(Code::LimitCapacity)?;
    let path = blob_path(root, &content.digest)?;
    if read_file(storage, &path, buffer)? != size {
        return Err(Code::SizeMismatch);
    }
    if Sha256::of(buffer) == content.digest {
        Ok(buffer)
    } else {
        Err(Code::DigestMismatch)
    }
}

/// Reads a document as [`read`] does.
///
/// # Errors
/// As [`read`], but `document-too-large` where the buffer is too small.
pub fn read_document<'b, S: Storage>(
    source: Source<'_, S>,
    content: &Content,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Code> {
    if usize::try_from(content.size).is_ok_and(|size| size <= buffer.len()) {
        read(source.storage, source.root, content, buffer).map(|bytes| &*bytes)
    } else {
        Err(Code::Document(ErrorKind::DocumentTooLarge))
    }
}

/// Reads a document that has a name in the layout's folder instead of a digest.
///
/// # Errors
/// `missing` where it is not there, `document-too-large`, or the storage's own.
pub fn read_named<'b, S: Storage>(
    source: Source<'_, S>,
    name: &str,
    missing: Code,
    buffer: &'b mut [u8],
) -> Result<&'b [u8], Code> {
    let path = join(source.root, name)?;
    let found = match source.storage.metadata(&path) {
        Err(StorageError::NotFound) => return Err(missing),
        found => found?,
    };
    let size = usize::try_from(found.size).unwrap_or(usize::MAX);
    let buffer = buffer
        .get_mut(..size)
        .ok_or(Code::Document(ErrorKind::DocumentTooLarge))?;
    let count = read_file(source.storage, &path, buffer)?;
    Ok(buffer.get(..count).unwrap_or_default())
}

/// Hashes content without keeping it, as much at a time as `buffer` holds.
///
/// # Errors
/// As [`stat`], and `digest-mismatch`.
pub fn verify<S: Storage>(
    storage: &S,
    root: &str,
    content: &Content,
    buffer: &mut [u8],
) -> Result<(), Code> {
    stat(storage, root, content)?;
    let mut file = storage.open(&blob_path(root, &content.digest)?, OpenMode::READ)?;
    let mut hasher = sha2::Sha256::new();
    let mut size = 0_u64;
    loop {
        let count = storage.read(&mut file, buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        size = size.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    storage.close(file)?;
    if size != content.size {
        return Err(Code::SizeMismatch);
    }
    if Sha256(hasher.finalize().into()) == content.digest {
        Ok(())
    } else {
        Err(Code::DigestMismatch)
    }
}

/// Fills `buffer` from the start of a file; returns how many bytes there were, at most the
/// buffer's length.
///
/// # Errors
/// The storage's own.
pub fn read_file<S: Storage>(
    storage: &S,
    path: &str,
    buffer: &mut [u8],
) -> Result<usize, StorageError> {
    let mut file = storage.open(path, OpenMode::READ)?;
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
