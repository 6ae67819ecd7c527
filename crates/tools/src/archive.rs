// SPDX-License-Identifier: Apache-2.0
//! A tar or zip archive of the PC as storage that can only be read, and a writer of both.
//!
//! Promised: opening an archive lists all its entries, and refuses it where one is unsafe: names
//! that lead out of it, links and devices, two entries of one name, entries that share their
//! bytes, wrong sizes, and unreasonably many entries or bytes. Nothing is unpacked to disk, and
//! memory depends on the number of entries alone, which has a bound.
//!
//! Design: opening lists the entries with their places in the file. A file of a tar, or one that a
//! zip only stores, is read where it lies; a compressed one through its decompressor, which opening
//! has run once to its end to check size and checksum.

mod entries;
mod error;
mod tar;
mod write;
mod zip;

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use entries::Entries;
pub use error::{ArchiveError, ArchiveFault};
use ocre::port::{
    EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError, path as rules,
};
use ocre_pc::directory::pieces;
pub use write::{ArchiveFormat, ArchiveWriter};

use flate2::read::DeflateDecoder;

/// Place of an entry's bytes in the file.
#[derive(Clone, Copy, Debug)]
struct ByteRange {
    start: u64,
    /// Size of the content, in bytes.
    size: u64,
    /// Compressed size in the file, in bytes; `None` for a stored entry.
    packed: Option<u64>,
}

/// Bytes of an entry that are read at once.
const READ_AHEAD: usize = 32 * 1024;

/// An archive that is read where it lies.
pub struct Archive {
    file: Arc<fs::File>,
    entries: Entries,
}

/// First bytes of compressed files that may hold a tar, and the format's name.
const COMPRESSED: [(&[u8], &str); 5] = [
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\x04\x22\x4d\x18", "lz4"),
];

impl Archive {
    /// Lists the entries of an archive, and checks them.
    ///
    /// # Errors
    /// Every [`ArchiveFault`] but `Exists`.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let opened = ocre_files::open(path);
        Self::of_file(
            opened.map_err(|error| ArchiveError::new(ArchiveFault::Io, "").because(error))?,
        )
    }

    /// The same, of an open file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_file(file: fs::File) -> Result<Self, ArchiveError> {
        let io = |error: io::Error| ArchiveError::new(ArchiveFault::Io, "").because(error);
        let found = file.metadata().map_err(io)?;
        if !found.is_file() {
            let detail = "it is no regular file";
            return Err(ArchiveError::new(ArchiveFault::Format, "").because(detail));
        }
        let mut magic = [0; 8];
        let count = file.read_at(&mut magic, 0).map_err(io)?;
        let magic = &magic[..count];
        if let Some((_, by)) = COMPRESSED
            .iter()
            .find(|(begin, _)| magic.starts_with(begin))
        {
            return Err(ArchiveError::new(ArchiveFault::Compressed, "").because(by));
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

    /// Opens the entry at `place`, at `position` where it is only stored, else at its beginning.
    fn file(&self, place: ByteRange, position: u64) -> ArchiveFile {
        let section = |from| Section {
            file: Arc::clone(&self.file),
            position: place.start + from,
            end: place.start + place.packed.unwrap_or(place.size),
        };
        let (content, position) = match place.packed {
            None => {
                let section = section(position.min(place.size));
                (EntryContent::Stored(section), position)
            }
            Some(_) => (
                EntryContent::Packed(Box::new(DeflateDecoder::new(section(0)))),
                0,
            ),
        };
        ArchiveFile {
            place,
            position,
            content: BufReader::with_capacity(READ_AHEAD, content),
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
pub struct ArchiveFile {
    place: ByteRange,
    position: u64,
    content: BufReader<EntryContent>,
}

enum EntryContent {
    Stored(Section),
    Packed(Box<DeflateDecoder<Section>>),
}

impl Read for EntryContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(section) => section.read(buffer),
            Self::Packed(decoder) => decoder.read(buffer),
        }
    }
}

impl BufRead for ArchiveFile {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.place.size.saturating_sub(self.position);
        if left == 0 {
            return Ok(&[]);
        }
        let bytes = self.content.fill_buf()?;
        let most = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(&bytes[..most])
    }

    fn consume(&mut self, count: usize) {
        self.content.consume(count);
        self.position += count as u64;
    }
}

impl Read for ArchiveFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl Storage for Archive {
    type File = ArchiveFile;

    fn open(&self, path: &str, mode: OpenMode) -> Result<ArchiveFile, StorageError> {
        if mode.write || !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        self.entries.find(path).and_then(|found| match found {
            None => Err(StorageError::IsDirectory),
            Some(place) => Ok(self.file(place, 0)),
        })
    }

    fn read(&self, file: &mut ArchiveFile, buffer: &mut [u8]) -> Result<usize, StorageError> {
        file.read(buffer).map_err(|_| StorageError::Io)
    }

    fn stream(
        &self,
        file: &mut ArchiveFile,
        buffer: &mut [u8],
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StorageError> {
        if buffer.is_empty() {
            return Err(StorageError::Invalid);
        }
        pieces(file, piece).map_err(|_| StorageError::Io)
    }

    fn write(&self, _: &mut ArchiveFile, _: &[u8]) -> Result<(), StorageError> {
        Err(StorageError::Invalid)
    }

    fn seek(&self, file: &mut ArchiveFile, to: SeekFrom) -> Result<u64, StorageError> {
        let wanted = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => file.position.checked_add_signed(offset),
            SeekFrom::End(offset) => file.place.size.checked_add_signed(offset),
        };
        let wanted = wanted.ok_or(StorageError::Invalid)?;
        if file.place.packed.is_none() || wanted < file.position {
            *file = self.file(file.place, wanted);
        }
        // A compressed entry has to be unpacked up to there.
        while file.position < wanted {
            let left = usize::try_from(wanted - file.position).unwrap_or(usize::MAX);
            let next = file.fill_buf().map_err(|_| StorageError::Io)?;
            let count = next.len().min(left);
            file.consume(count);
            if count == 0 {
                file.position = wanted;
            }
        }
        Ok(wanted)
    }

    fn size(&self, file: &mut ArchiveFile) -> Result<u64, StorageError> {
        Ok(file.place.size)
    }

    fn truncate(&self, _: &mut ArchiveFile, _: u64) -> Result<(), StorageError> {
        Err(StorageError::Invalid)
    }

    fn sync(&self, _: &mut ArchiveFile) -> Result<(), StorageError> {
        Ok(())
    }

    fn close(&self, _: ArchiveFile) -> Result<(), StorageError> {
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
