// SPDX-License-Identifier: Apache-2.0
//! A flash whose content is a file on the PC.
//!
//! Promised: one process at a time uses a flash file; synced data is in the file; after a failed
//! write of the file all further operations fail, so that memory and file never differ.
//!
//! Design: only the pieces that were used are in memory, with a bound for any size of flash.
//! Changes are written to the file at a sync, or when other pieces need the memory, as in a flash
//! with a cache; littlefs syncs before it relies on anything. The lock is advisory and ends with
//! the process.

use std::fmt;
use std::fs::TryLockError;
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ocre::port::StorageError;
use ocre_files::LockedFile;

use super::{ERASED, Flash, FlashError, Geometry, RamFlash};

/// Reasons why a flash file can't be used.
#[derive(Debug)]
pub enum FileError {
    /// An error of the PC's file system.
    Io(io::Error),
    /// Another process has the file open.
    Locked,
    /// The file is empty.
    Empty,
    /// The file has this many bytes, more than a flash may have.
    TooLarge(u64),
    /// The file holds no littlefs of this version, or its superblocks are damaged.
    NoFileSystem,
    /// The file system in it was made for another size.
    Size {
        /// Size that the file system has, in bytes.
        expected: u64,
        /// Size of the file, in bytes.
        found: u64,
    },
    /// The file system in it can't be mounted.
    Mount(StorageError),
}

impl FileError {
    /// The stable code, as `docs/flash-files.md` lists it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "flash-io",
            Self::Locked => "flash-locked",
            Self::Empty => "flash-empty",
            Self::TooLarge(_) => "flash-too-large",
            Self::NoFileSystem => "flash-no-file-system",
            Self::Size { .. } => "flash-size",
            Self::Mount(_) => "flash-damaged",
        }
    }
}

impl FileError {
    /// True where there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Hint for the user: the last column of `docs/flash-files.md`, or a closer one where the
    /// reason is known.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Io(_) if self.is_missing() => {
                "check the name, or create a flash file with `ocre flash create`"
            }
            Self::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "choose another name, or remove the file first"
            }
            Self::Io(_) => "check the path, its permissions and the disk",
            Self::Locked => "wait for the other process, or stop it",
            Self::Empty | Self::NoFileSystem | Self::TooLarge(_) => {
                "name another file with `--flash`, or move this file away to start anew"
            }
            Self::Size { .. } => "copy the whole file again",
            Self::Mount(_) => "restore the file from a copy; nothing was written to it",
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Locked => f.write_str("another process uses the file"),
            Self::Empty => f.write_str("the file is empty"),
            Self::TooLarge(bytes) => {
                write!(
                    f,
                    "the file has {bytes} bytes, and a flash has at most {}",
                    Geometry::MAX_BYTES
                )
            }
            Self::NoFileSystem => f.write_str("the file holds no littlefs"),
            Self::Size { expected, found } => {
                write!(
                    f,
                    "the file system is for {expected} bytes, and the file has {found}"
                )
            }
            Self::Mount(error) => write!(f, "the file system can't be mounted: {error}"),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An open and locked flash file whose geometry is not known yet.
pub struct OpenedFile {
    file: LockedFile,
    size: u64,
    read_only: bool,
}

impl OpenedFile {
    /// Opens and locks an existing file.
    ///
    /// # Errors
    /// `Io`, `Locked`, `Empty`, `TooLarge`.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = ocre_files::open_to_write(path)?;
        Self::of(locked(LockedFile::exclusive(file))?, false)
    }

    /// The same, for reading alone: a write to the flash fails, and others may read the file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_to_read(path: &Path) -> Result<Self, FileError> {
        let file = ocre_files::open(path)?;
        Self::of(locked(LockedFile::shared(file))?, true)
    }

    fn of(file: LockedFile, read_only: bool) -> Result<Self, FileError> {
        let size = file.metadata()?.len();
        if size == 0 {
            return Err(FileError::Empty);
        }
        if size > Geometry::MAX_BYTES {
            return Err(FileError::TooLarge(size));
        }
        Ok(Self {
            file,
            size,
            read_only,
        })
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills a buffer from a position of the file, as far as the file goes. Returns the number of
    /// bytes.
    ///
    /// # Errors
    /// `Io`.
    pub fn read_at(&self, position: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        let left = usize::try_from(self.size.saturating_sub(position)).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        // Cut by another program, the file has fewer bytes than it had.
        self.file.read_exact_at(&mut buffer[..length], position)?;
        Ok(length)
    }

    /// Changes the length of the file to `bytes`, if this only adds or removes erased bytes. True
    /// where the file has that length now.
    ///
    /// # Errors
    /// `Io`.
    pub fn fit(self, bytes: u64) -> Result<bool, FileError> {
        if bytes > Geometry::MAX_BYTES {
            return Ok(false);
        }
        if self.size < bytes {
            let missing = vec![ERASED; (bytes - self.size) as usize];
            self.file.write_all_at(&missing, self.size)?;
        } else {
            let mut rest = vec![0; (self.size - bytes) as usize];
            self.file.read_exact_at(&mut rest, bytes)?;
            if rest.iter().any(|byte| *byte != ERASED) {
                return Ok(false);
            }
            self.file.set_len(bytes)?;
        }
        self.file.sync_all()?;
        Ok(true)
    }

    /// Converts the file to a flash of that geometry; returns `self` if the sizes differ.
    pub fn into_flash(self, geometry: Geometry) -> Result<FileFlash, Self> {
        if self.size != geometry.bytes() {
            return Err(self);
        }
        Ok(FileFlash::new(geometry, self))
    }
}

fn locked(lock: Result<LockedFile, TryLockError>) -> Result<LockedFile, FileError> {
    lock.map_err(|error| match error {
        TryLockError::WouldBlock => FileError::Locked,
        TryLockError::Error(error) => FileError::Io(error),
    })
}

/// A flash whose content is a file.
pub struct FileFlash {
    geometry: Geometry,
    opened: OpenedFile,
    /// Pieces of the content; `None` for one that is not in memory.
    pieces: Vec<Option<Box<[u8]>>>,
    /// Numbers of the pieces in memory.
    held: Vec<usize>,
    /// Ranges that differ from the file, in the order of the changes. Their bytes are in memory.
    pending: Vec<Range<usize>>,
    failed: bool,
}

/// Smallest piece, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// Most bytes of pieces in memory.
const MAX_HELD_BYTES: usize = 4 * 1024 * 1024;

/// Most pending ranges before they are written to the file.
const MAX_PENDING: usize = 1024;

impl FileFlash {
    /// Makes a file with that content; an existing file is left alone.
    ///
    /// # Errors
    /// `Io`, with [`io::ErrorKind::AlreadyExists`] for an existing file; `Locked`.
    pub fn create(path: &Path, content: RamFlash) -> Result<Self, FileError> {
        let mut file = locked(LockedFile::exclusive(ocre_files::create_new(path)?))?;
        if let Err(error) = file
            .write_all(content.content())
            .and_then(|()| file.sync_all())
        {
            // The file is new and half written: no other process can have it open.
            let _ = std::fs::remove_file(path);
            return Err(error.into());
        }
        let opened = OpenedFile {
            file,
            size: content.geometry.bytes(),
            read_only: false,
        };
        Ok(Self::new(content.geometry, opened))
    }

    fn new(geometry: Geometry, opened: OpenedFile) -> Self {
        let pieces = (geometry.bytes() as usize).div_ceil(piece_bytes(geometry));
        Self {
            geometry,
            opened,
            pieces: vec![None; pieces],
            held: Vec::new(),
            pending: Vec::new(),
            failed: false,
        }
    }

    /// Copies the content to memory.
    ///
    /// # Errors
    /// `Io`.
    pub fn copy(&self) -> Result<RamFlash, FileError> {
        let mut copy = RamFlash::new(self.geometry);
        let pieces = copy.bytes.chunks_mut(piece_bytes(self.geometry));
        let mut position = 0;
        for (piece, held) in pieces.zip(&self.pieces) {
            match held {
                Some(held) => piece.copy_from_slice(held),
                None => self.opened.file.read_exact_at(piece, position)?,
            }
            position += piece.len() as u64;
        }
        Ok(copy)
    }

    /// Gives the file back, still locked.
    pub fn into_opened(self) -> OpenedFile {
        self.opened
    }

    /// Loads bytes of a block, and borrows them.
    fn place(&mut self, block: u32, offset: u32, length: usize) -> Result<&mut [u8], FlashError> {
        let size = piece_bytes(self.geometry);
        let block_bytes = self.geometry.block_bytes() as usize;
        let start = block as usize * block_bytes;
        let (index, within) = (start / size, start % size);
        let piece = self.pieces.get(index).ok_or(FlashError)?;
        if piece.is_none() {
            self.make_room()?;
            let rest = self.geometry.bytes() as usize - index * size;
            let mut read = vec![0; size.min(rest)].into_boxed_slice();
            let position = (index * size) as u64;
            let done = self.opened.file.read_exact_at(&mut read, position);
            done.map_err(|_| FlashError)?;
            self.pieces[index] = Some(read);
            self.held.push(index);
        }
        let piece = self.pieces[index].as_mut().ok_or(FlashError)?;
        let block = piece
            .get_mut(within..)
            .and_then(|rest| rest.get_mut(..block_bytes));
        let place = block.and_then(|block| block.get_mut(offset as usize..)?.get_mut(..length));
        place.ok_or(FlashError)
    }

    /// Drops pieces from memory, where there are too many.
    fn make_room(&mut self) -> Result<(), FlashError> {
        if (self.held.len() + 1) * piece_bytes(self.geometry) <= MAX_HELD_BYTES {
            return Ok(());
        }
        self.write_out()?;
        for index in self.held.drain(..) {
            self.pieces[index] = None;
        }
        Ok(())
    }

    /// Records a range that differs from the file from now on.
    fn note(&mut self, block: u32, offset: u32, length: usize) -> Result<(), FlashError> {
        let start = block as usize * self.geometry.block_bytes() as usize + offset as usize;
        let end = start + length;
        match self.pending.last_mut() {
            Some(last) if start <= last.end && last.start <= end => {
                last.start = last.start.min(start);
                last.end = last.end.max(end);
                Ok(())
            }
            _ => {
                if self.pending.len() == MAX_PENDING {
                    self.write_out()?;
                }
                self.pending.push(start..end);
                Ok(())
            }
        }
    }

    /// Writes the pending ranges to the file.
    fn write_out(&mut self) -> Result<(), FlashError> {
        let size = piece_bytes(self.geometry);
        let written = self.pending.drain(..).try_for_each(|range| {
            let mut start = range.start;
            while start < range.end {
                let (index, within) = (start / size, start % size);
                let length = (size - within).min(range.end - start);
                let piece = self.pieces[index].as_deref().unwrap_or_default();
                let bytes = piece
                    .get(within..)
                    .and_then(|rest| rest.get(..length))
                    .ok_or(io::ErrorKind::InvalidData)?;
                self.opened.file.write_all_at(bytes, start as u64)?;
                start += length;
            }
            Ok::<(), io::Error>(())
        });
        self.failed = written.is_err();
        written.map_err(|_| FlashError)
    }

    fn check(&self) -> Result<(), FlashError> {
        if self.failed { Err(FlashError) } else { Ok(()) }
    }

    fn check_to_write(&self) -> Result<(), FlashError> {
        self.check()?;
        if self.opened.read_only {
            Err(FlashError)
        } else {
            Ok(())
        }
    }
}

impl Flash for FileFlash {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, block: u32, offset: u32, buffer: &mut [u8]) -> Result<(), FlashError> {
        self.check()?;
        buffer.copy_from_slice(self.place(block, offset, buffer.len())?);
        Ok(())
    }

    fn program(&mut self, block: u32, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        self.check_to_write()?;
        self.place(block, offset, bytes.len())?
            .copy_from_slice(bytes);
        self.note(block, offset, bytes.len())
    }

    fn erase(&mut self, block: u32) -> Result<(), FlashError> {
        self.check_to_write()?;
        let length = self.geometry.block_bytes() as usize;
        self.place(block, 0, length)?.fill(ERASED);
        self.note(block, 0, length)
    }

    fn sync(&mut self) -> Result<(), FlashError> {
        self.check()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        self.write_out()?;
        let synced = self.opened.file.sync_data();
        self.failed = synced.is_err();
        synced.map_err(|_| FlashError)
    }

    const LENDS: bool = true;

    fn lend(&mut self, block: u32, offset: u32, length: usize) -> Result<&[u8], FlashError> {
        self.check()?;
        Ok(self.place(block, offset, length)?)
    }
}

/// Size of a piece in bytes: at least a block.
fn piece_bytes(geometry: Geometry) -> usize {
    PIECE_BYTES.max(geometry.block_bytes() as usize)
}
