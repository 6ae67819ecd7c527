// SPDX-License-Identifier: Apache-2.0
//! A flash whose content is a file on the PC.
//!
//! Promised: one process at a time uses a flash file; what was synced is in the file; a file
//! that could not be written any further takes no more operations, so that memory and file
//! never go separate ways.
//!
//! How: the whole content is in memory, where reads are served, and each program and erase is
//! written through. The lock is advisory and goes with the process.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
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
    /// What to do: the last column of `docs/flash-files.md`.
    pub const fn hint(&self) -> &'static str {
        match self {
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
    bytes: Vec<u8>,
}

impl OpenedFile {
    /// Opens, locks and reads an existing file.
    ///
    /// # Errors
    /// `Io`, `Locked`, `Empty`, `TooLarge`.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        locked(file.try_lock())?;
        Self::read(file)
    }

    /// The same, for reading alone: a write to the flash fails, and others may read the file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_to_read(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path)?;
        locked(file.try_lock_shared())?;
        Self::read(file)
    }

    fn read(mut file: File) -> Result<Self, FileError> {
        let size = file.metadata()?.len();
        if size == 0 {
            return Err(FileError::Empty);
        }
        if size > Geometry::MAX_BYTES {
            return Err(FileError::TooLarge(size));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Self { file, bytes })
    }

    /// The content.
    pub fn content(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes the file as long as that, if that only adds erased bytes or takes some away;
    /// whether it has that length now.
    ///
    /// # Errors
    /// `Io`.
    pub fn fit(mut self, bytes: u64) -> Result<bool, FileError> {
        let found = self.bytes.len() as u64;
        let rest = usize::try_from(bytes).ok();
        let rest = rest.and_then(|bytes| self.bytes.get(bytes..));
        if bytes > Geometry::MAX_BYTES || rest.is_some_and(|rest| rest.iter().any(|b| *b != ERASED))
        {
            return Ok(false);
        }
        if found < bytes {
            self.file.seek(SeekFrom::End(0))?;
            let missing = vec![ERASED; (bytes - found) as usize];
            self.file.write_all(&missing)?;
        } else {
            self.file.set_len(bytes)?;
        }
        self.file.sync_all()?;
        Ok(true)
    }

    /// As a flash of that geometry; itself again if the sizes differ.
    pub fn into_flash(self, geometry: Geometry) -> Result<FileFlash, Self> {
        let Self { file, bytes } = self;
        if bytes.len() as u64 != geometry.bytes() {
            return Err(Self { file, bytes });
        }
        Ok(FileFlash {
            memory: RamFlash { geometry, bytes },
            file,
            failed: false,
        })
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
    memory: RamFlash,
    file: File,
    failed: bool,
}

impl FileFlash {
    /// Makes a file with that content; one that is there already is left alone.
    ///
    /// # Errors
    /// `Io`, with [`io::ErrorKind::AlreadyExists`] where there is one; `Locked`.
    pub fn create(path: &Path, content: RamFlash) -> Result<Self, FileError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        locked(file.try_lock())?;
        if let Err(error) = file
            .write_all(content.content())
            .and_then(|()| file.sync_all())
        {
            // Ours and half written: nobody else can have it open.
            let _ = std::fs::remove_file(path);
            return Err(error.into());
        }
        Ok(Self {
            memory: content,
            file,
            failed: false,
        })
    }

    /// The content.
    pub fn content(&self) -> &[u8] {
        self.memory.content()
    }

    /// Gives the file back, still locked.
    pub fn into_opened(self) -> OpenedFile {
        OpenedFile {
            file: self.file,
            bytes: self.memory.bytes,
        }
    }

    fn write_through(&mut self, block: u32, offset: u32, length: usize) -> Result<(), Failed> {
        let position = self.memory.position(block, offset);
        let bytes = self.memory.place(block, offset, length)?;
        let written = self
            .file
            .seek(SeekFrom::Start(position))
            .and_then(|_| self.file.write_all(bytes));
        self.failed = written.is_err();
        written.map_err(|_| Failed)
    }

    fn check(&self) -> Result<(), Failed> {
        if self.failed { Err(Failed) } else { Ok(()) }
    }
}

impl Flash for FileFlash {
    fn geometry(&self) -> Geometry {
        self.memory.geometry()
    }

    fn read(&mut self, block: u32, offset: u32, buffer: &mut [u8]) -> Result<(), Failed> {
        self.check()?;
        self.memory.read(block, offset, buffer)
    }

    fn program(&mut self, block: u32, offset: u32, bytes: &[u8]) -> Result<(), Failed> {
        self.check()?;
        self.memory.program(block, offset, bytes)?;
        self.write_through(block, offset, bytes.len())
    }

    fn erase(&mut self, block: u32) -> Result<(), Failed> {
        self.check()?;
        self.memory.erase(block)?;
        self.write_through(block, 0, self.geometry().block_bytes() as usize)
    }

    fn sync(&mut self) -> Result<(), Failed> {
        self.check()?;
        let synced = self.file.sync_data();
        self.failed = synced.is_err();
        synced.map_err(|_| Failed)
    }

    fn memory(&self) -> Option<&[u8]> {
        self.check().ok().map(|()| self.content())
    }
}
