// SPDX-License-Identifier: Apache-2.0
//! A flash whose content is a file on the PC.
//!
//! Promised: one process at a time uses a flash file; what was synced is in the file; a file
//! that could not be written any further takes no more operations, so that memory and file
//! never go separate ways.
//!
//! How: a part of the content is in memory, however large the flash is: what somebody has asked
//! for. What was programmed and erased is written to the file when it is synced, or when other
//! parts need the room, as a flash with a cache of its own would; littlefs syncs before it relies
//! on anything. The lock is advisory and goes with the process.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ocre::port::StorageError;

use super::{ERASED, Failed, Flash, Geometry, RamFlash};

/// Why a flash file can't be used.
#[derive(Debug)]
pub enum FileError {
    /// The PC's file system refuses.
    Io(io::Error),
    /// Another process has it open.
    Locked,
    /// It has no bytes.
    Empty,
    /// It is larger than a flash may be; in bytes.
    TooLarge(u64),
    /// It holds no littlefs of this version, or none whose start survived.
    NoFileSystem,
    /// The file system in it was made for another size.
    Size {
        /// What the file system says, in bytes.
        expected: u64,
        /// What the file has, in bytes.
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
                "check the name, or make one with `ocre flash create`"
            }
            Self::Io(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                "choose another name, or remove that file first"
            }
            Self::Io(_) => "look at the path, its permissions and the disk",
            Self::Locked => "wait for the other process, or end it",
            Self::Empty | Self::NoFileSystem | Self::TooLarge(_) => {
                "name another file with `--flash`, or move this one away to start anew"
            }
            Self::Size { .. } => "copy the file again, whole",
            Self::Mount(_) => "restore the file from a copy; nothing was written to it",
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Locked => f.write_str("another process is using it"),
            Self::Empty => f.write_str("it is empty"),
            Self::TooLarge(bytes) => {
                write!(
                    f,
                    "it has {bytes} bytes, and a flash has at most {}",
                    Geometry::MAX_BYTES
                )
            }
            Self::NoFileSystem => f.write_str("there is no littlefs in it"),
            Self::Size { expected, found } => {
                write!(
                    f,
                    "its file system is for {expected} bytes, and the file has {found}"
                )
            }
            Self::Mount(error) => write!(f, "its file system can't be mounted: {error}"),
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

/// A flash file that is open and locked, of geometry not yet known.
pub struct OpenedFile {
    file: File,
    size: u64,
    start: Vec<u8>,
    read_only: bool,
}

/// Bytes in which a superblock may be.
const START_BYTES: u64 = 2 * Geometry::MAX_BLOCK_BYTES as u64;

impl OpenedFile {
    /// Opens, locks and reads an existing file.
    ///
    /// # Errors
    /// `Io`, `Locked`, `Empty`, `TooLarge`.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = ocre_files::open_to_write(path)?;
        locked(file.try_lock())?;
        Self::read(file, false)
    }

    /// The same, for reading alone: a write to the flash fails, and others may read the file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_to_read(path: &Path) -> Result<Self, FileError> {
        let file = ocre_files::open(path)?;
        locked(file.try_lock_shared())?;
        Self::read(file, true)
    }

    fn read(file: File, read_only: bool) -> Result<Self, FileError> {
        let size = file.metadata()?.len();
        if size == 0 {
            return Err(FileError::Empty);
        }
        if size > Geometry::MAX_BYTES {
            return Err(FileError::TooLarge(size));
        }
        let mut start = Vec::new();
        (&file).take(START_BYTES).read_to_end(&mut start)?;
        Ok(Self {
            file,
            size,
            start,
            read_only,
        })
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first of them: at least two blocks of any size, unless there are fewer.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// Makes the file as long as that, if that only adds erased bytes or takes some away;
    /// whether it has that length now.
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

    /// As a flash of that geometry; itself again if the sizes differ.
    pub fn into_flash(self, geometry: Geometry) -> Result<FileFlash, Self> {
        if self.size != geometry.bytes() {
            return Err(self);
        }
        Ok(FileFlash::new(geometry, self))
    }
}

fn locked(lock: Result<(), TryLockError>) -> Result<(), FileError> {
    match lock {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(FileError::Locked),
        Err(TryLockError::Error(error)) => Err(FileError::Io(error)),
    }
}

/// A flash whose content is a file.
pub struct FileFlash {
    geometry: Geometry,
    opened: OpenedFile,
    /// The pieces of the content that are in memory.
    pieces: Vec<Option<Box<[u8]>>>,
    /// Which they are.
    held: Vec<usize>,
    /// What the file does not have yet, in the order in which it was changed. It is in memory.
    pending: Vec<Range<usize>>,
    failed: bool,
}

/// Least bytes that are read and written together.
const PIECE_BYTES: usize = 64 * 1024;

/// Most bytes that are in memory.
const MAX_HELD_BYTES: usize = 4 * 1024 * 1024;

/// Most places that the file may lack before they are written to it.
const MAX_PENDING: usize = 1024;

impl FileFlash {
    /// Makes a file with that content; one that is there already is left alone.
    ///
    /// # Errors
    /// `Io`, with [`io::ErrorKind::AlreadyExists`] where there is one; `Locked`.
    pub fn create(path: &Path, content: RamFlash) -> Result<Self, FileError> {
        let mut file = ocre_files::create_new(path)?;
        locked(file.try_lock())?;
        if let Err(error) = file
            .write_all(content.content())
            .and_then(|()| file.sync_all())
        {
            // Ours and half written: nobody else can have it open.
            let _ = std::fs::remove_file(path);
            return Err(error.into());
        }
        let opened = OpenedFile {
            file,
            size: content.geometry.bytes(),
            start: Vec::new(),
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

    /// The content, in memory.
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

    /// Bytes of a block, in memory.
    fn place(&mut self, block: u32, offset: u32, length: usize) -> Result<&mut [u8], Failed> {
        let size = piece_bytes(self.geometry);
        let block_bytes = self.geometry.block_bytes() as usize;
        let start = block as usize * block_bytes;
        let (index, within) = (start / size, start % size);
        let piece = self.pieces.get(index).ok_or(Failed)?;
        if piece.is_none() {
            self.make_room()?;
            let rest = self.geometry.bytes() as usize - index * size;
            let mut read = vec![0; size.min(rest)].into_boxed_slice();
            let position = (index * size) as u64;
            let done = self.opened.file.read_exact_at(&mut read, position);
            done.map_err(|_| Failed)?;
            self.pieces[index] = Some(read);
            self.held.push(index);
        }
        let piece = self.pieces[index].as_mut().ok_or(Failed)?;
        let block = piece
            .get_mut(within..)
            .and_then(|rest| rest.get_mut(..block_bytes));
        let place = block.and_then(|block| block.get_mut(offset as usize..)?.get_mut(..length));
        place.ok_or(Failed)
    }

    /// Lets go of what is in memory, where that is too much.
    fn make_room(&mut self) -> Result<(), Failed> {
        if (self.held.len() + 1) * piece_bytes(self.geometry) <= MAX_HELD_BYTES {
            return Ok(());
        }
        self.write_out()?;
        for index in self.held.drain(..) {
            self.pieces[index] = None;
        }
        Ok(())
    }

    /// The file lacks that from now on.
    fn note(&mut self, block: u32, offset: u32, length: usize) -> Result<(), Failed> {
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

    /// Writes to the file what it lacks.
    fn write_out(&mut self) -> Result<(), Failed> {
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
        written.map_err(|_| Failed)
    }

    fn check(&self) -> Result<(), Failed> {
        if self.failed { Err(Failed) } else { Ok(()) }
    }

    fn check_to_write(&self) -> Result<(), Failed> {
        self.check()?;
        if self.opened.read_only {
            Err(Failed)
        } else {
            Ok(())
        }
    }
}

impl Flash for FileFlash {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn read(&mut self, block: u32, offset: u32, buffer: &mut [u8]) -> Result<(), Failed> {
        self.check()?;
        buffer.copy_from_slice(self.place(block, offset, buffer.len())?);
        Ok(())
    }

    fn program(&mut self, block: u32, offset: u32, bytes: &[u8]) -> Result<(), Failed> {
        self.check_to_write()?;
        self.place(block, offset, bytes.len())?
            .copy_from_slice(bytes);
        self.note(block, offset, bytes.len())
    }

    fn erase(&mut self, block: u32) -> Result<(), Failed> {
        self.check_to_write()?;
        let length = self.geometry.block_bytes() as usize;
        self.place(block, 0, length)?.fill(ERASED);
        self.note(block, 0, length)
    }

    fn sync(&mut self) -> Result<(), Failed> {
        self.check()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        self.write_out()?;
        let synced = self.opened.file.sync_data();
        self.failed = synced.is_err();
        synced.map_err(|_| Failed)
    }

    const LENDS: bool = true;

    fn lend(&mut self, block: u32, offset: u32, length: usize) -> Result<&[u8], Failed> {
        self.check()?;
        Ok(self.place(block, offset, length)?)
    }
}

/// Bytes that are read together: at least a block.
fn piece_bytes(geometry: Geometry) -> usize {
    PIECE_BYTES.max(geometry.block_bytes() as usize)
}
