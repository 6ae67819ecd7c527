// SPDX-License-Identifier: Apache-2.0
//! A tar or zip archive of the PC as storage that can only be read, and a writer of both.
//!
//! Promised: what an archive holds is known when it is opened, and what is refused is refused
//! then: names that lead out of it, links and devices, two entries of one name, entries that
//! share their bytes, sizes that are not true, and more than is reasonable. Nothing is unpacked
//! to disk, and memory depends on the number of entries alone, which has a bound.
//!
//! How: opening lists the entries with their places in the file. A file of a tar, or one that a
//! zip only stores, is read where it lies; a compressed one through its decompressor, which
//! opening has run once to its end to find out whether its size and checksum are true.

mod entries;
mod error;
mod tar;
mod write;
mod zip;

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use flate2::read::DeflateDecoder;
use ocre::port::{
    EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError, path as rules,
};

use entries::Entries;
pub use error::{ArchiveError, Fault};
pub use write::{Kind, Writer};

/// Where an entry's bytes lie in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u64,
    /// Bytes of its content.
    size: u64,
    /// Bytes in the file, where those are compressed.
    packed: Option<u64>,
}

/// An archive that is read where it lies.
pub struct Archive {
    file: Arc<fs::File>,
    entries: Entries,
}

/// What compressed files begin with that may hold a tar.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
];

impl Archive {
    /// Lists what is in an archive, and judges it.
    ///
    /// # Errors
    /// Every [`Fault`] but `Exists`.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let io = |error: io::Error| ArchiveError::new(Fault::Io, "").because(error);
        let file = fs::File::open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?;
        if !found.is_file() {
            let detail = "it is no regular file";
            return Err(ArchiveError::new(Fault::Format, "").because(detail));
        }
        let mut magic = [0; 8];
        let count = file.read_at(&mut magic, 0).map_err(io)?;
        let magic = &magic[..count];
        if let Some((_, by)) = COMPRESSED
            .iter()
            .find(|(begin, _)| magic.starts_with(begin))
        {
            return Err(ArchiveError::new(Fault::Compressed, "").because(by));
        }
        let entries = if magic.starts_with(b"PK") {
            zip::list(&file, found.len())?
        } else {
            tar::list(&file, found.len())?
        };
        Ok(Self {
            file: Arc::new(file),
            entries,
        })
    }

    fn file(&self, place: Place) -> File {
        let section = Section {
            file: Arc::clone(&self.file),
            position: place.start,
            end: place.start + place.packed.unwrap_or(place.size),
        };
        File {
            place,
            position: 0,
            content: match place.packed {
                None => Content::Stored(section),
                Some(_) => Content::Packed(Box::new(DeflateDecoder::new(section))),
            },
        }
    }
}

/// A part of the archive's file.
struct Section {
    file: Arc<fs::File>,
    position: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.position).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let count = self.file.read_at(&mut buffer[..most], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

/// An open file.
pub struct File {
    place: Place,
    position: u64,
    content: Content,
}

enum Content {
    Stored(Section),
    Packed(Box<DeflateDecoder<Section>>),
}

impl File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.place.size.saturating_sub(self.position);
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let buffer = &mut buffer[..most];
        let count = match &mut self.content {
            Content::Stored(section) => {
                section.position = self.place.start + self.position.min(self.place.size);
                section.read(buffer)
            }
            Content::Packed(decoder) => decoder.read(buffer),
        }?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Storage for Archive {
    type File = File;

    fn open(&self, path: &str, mode: OpenMode) -> Result<File, StorageError> {
        if mode.write || !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        self.entries.find(path).and_then(|found| match found {
            None => Err(StorageError::IsDirectory),
            Some(place) => Ok(self.file(place)),
        })
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, StorageError> {
        file.read(buffer).map_err(|_| StorageError::Io)
    }

    fn write(&self, _: &mut File, _: &[u8]) -> Result<(), StorageError> {
        Err(StorageError::Invalid)
    }

    fn seek(&self, file: &mut File, to: SeekFrom) -> Result<u64, StorageError> {
        let wanted = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => file.position.checked_add_signed(offset),
            SeekFrom::End(offset) => file.place.size.checked_add_signed(offset),
        };
        let wanted = wanted.ok_or(StorageError::Invalid)?;
        if file.place.packed.is_none() {
            file.position = wanted;
            return Ok(wanted);
        }
        if wanted < file.position {
            *file = self.file(file.place);
        }
        let mut buffer = [0; 16 * 1024];
        while file.position < wanted {
            let left = usize::try_from(wanted - file.position).unwrap_or(usize::MAX);
            let most = buffer.len().min(left);
            if file
                .read(&mut buffer[..most])
                .map_err(|_| StorageError::Io)?
                == 0
            {
                file.position = wanted;
            }
        }
        Ok(wanted)
    }

    fn size(&self, file: &mut File) -> Result<u64, StorageError> {
        Ok(file.place.size)
    }

    fn truncate(&self, _: &mut File, _: u64) -> Result<(), StorageError> {
        Err(StorageError::Invalid)
    }

    fn sync(&self, _: &mut File) -> Result<(), StorageError> {
        Ok(())
    }

    fn close(&self, _: File) -> Result<(), StorageError> {
        Ok(())
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        Ok(match self.entries.find(path)? {
            None => Metadata {
                kind: EntryKind::Directory,
                size: 0,
            },
            Some(place) => Metadata {
                kind: EntryKind::File,
                size: place.size,
            },
        })
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        rules::check(path)?;
        Err(StorageError::Invalid)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        rules::check(path)?;
        Err(StorageError::Invalid)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        Err(StorageError::Invalid)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        self.entries.list(path, &mut |name, place| {
            entry(
                name,
                Metadata {
                    kind: place.map_or(EntryKind::Directory, |_| EntryKind::File),
                    size: place.map_or(0, |place| place.size),
                },
            )
        })
    }

    fn space(&self) -> Result<Space, StorageError> {
        Ok(Space { total: 0, free: 0 })
    }
}
