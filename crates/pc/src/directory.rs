// SPDX-License-Identifier: Apache-2.0
//! A folder of the PC as storage, for image layouts.
//!
//! Promised: the same as littlefs promises, unsynced writes and atomic renames included; and, as
//! `beneath` has it, no path leaves the folder. Symbolic links are not followed:
//! one on the way is refused with [`StorageError::Invalid`], as are pipes and devices, and none of
//! them is listed; nor is a name that is no UTF-8.
//!
//! Design: a file that is open for writing is a copy in memory; each sync writes it to a temporary
//! file beside the real one and renames. A folder has no fixed size, so its space is reported as
//! the largest number.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use ocre::port::{
    EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError, path as rules,
    stream_through,
};
use ocre_files::MAX_CONTENT;
use rustix::fs::OFlags;

use crate::beneath::{FolderEntry, Root, failure, io_failure};

/// A folder of the PC.
#[derive(Debug)]
pub struct Directory {
    root: Root,
    durable: bool,
}

impl Directory {
    /// Opens the folder at `root`. Links in that path are followed, because the user named it.
    ///
    /// # Errors
    /// `NotFound`, `NotDirectory`, or another error of the PC.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = Root::open(&root.into()).map_err(failure)?;
        Ok(Self {
            root,
            durable: true,
        })
    }

    /// The same folder, but synced data survives the end of the process only, not a power cut: for
    /// content that can be made again.
    #[must_use]
    pub fn fleeting(self) -> Self {
        Self {
            durable: false,
            ..self
        }
    }

    /// Finds the entry at a path, if no link is on the way to it.
    fn entry(&self, path: &str) -> Result<FolderEntry, StorageError> {
        rules::check(path)?;
        let inner = path.strip_prefix('/').unwrap_or_default();
        self.root.entry(inner).map_err(failure)
    }

    /// Finds the entry at a path, with its metadata.
    fn find(&self, path: &str) -> Result<(FolderEntry, Metadata), StorageError> {
        let entry = self.entry(path)?;
        let found = entry.metadata().map_err(failure)?;
        let metadata = metadata(&found).ok_or(StorageError::Invalid)?;
        Ok((entry, metadata))
    }
}

/// The metadata of a folder or a regular file; `None` for anything else.
fn metadata(found: &fs::Metadata) -> Option<Metadata> {
    if found.is_dir() {
        let kind = EntryKind::Directory;
        Some(Metadata { kind, size: 0 })
    } else {
        let kind = EntryKind::File;
        let size = found.len();
        found.is_file().then_some(Metadata { kind, size })
    }
}

/// An open file.
pub struct DirectoryFile(FileAccess);

enum FileAccess {
    Reading(BufReader<fs::File>),
    Writing(Copy),
}

/// Passes the rest of a file to `piece` from its buffer, without copying it.
///
/// # Errors
/// Failures of the file.
pub fn pieces(file: &mut impl BufRead, piece: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        piece(bytes);
        let count = bytes.len();
        file.consume(count);
    }
}

/// Bytes of a file that are read at once.
const READ_AHEAD: usize = 32 * 1024;

/// A file's content as its writer sees it.
struct Copy {
    place: FolderEntry,
    mode: OpenMode,
    content: Vec<u8>,
    position: u64,
    /// True where the file on the PC has other content.
    dirty: bool,
    durable: bool,
}

impl Copy {
    /// Replaces the file on the PC.
    fn sync(&mut self) -> Result<(), StorageError> {
        if self.dirty {
            replace(&self.place, &self.content, self.durable).map_err(io_failure)?;
            self.dirty = false;
        }
        Ok(())
    }

    fn resize(&mut self, size: u64) -> Result<(), StorageError> {
        if size > MAX_CONTENT {
            return Err(StorageError::NoSpace);
        }
        let size = usize::try_from(size).map_err(|_| StorageError::NoSpace)?;
        let more = size.saturating_sub(self.content.len());
        self.content
            .try_reserve(more)
            .map_err(|_| StorageError::NoMemory)?;
        self.content.resize(size, 0);
        self.dirty = true;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        if self.mode.append {
            self.position = self.content.len() as u64;
        }
        let end = self
            .position
            .checked_add(bytes.len() as u64)
            .ok_or(StorageError::NoSpace)?;
        if end > self.content.len() as u64 && !bytes.is_empty() {
            self.resize(end)?;
        }
        if let Some(place) = self.content.get_mut(self.position as usize..) {
            place[..bytes.len()].copy_from_slice(bytes);
            self.position = end;
            self.dirty = true;
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let start = usize::try_from(self.position).unwrap_or(usize::MAX);
        let rest = self.content.get(start..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count as u64;
        count
    }

    fn seek(&mut self, to: SeekFrom) -> Result<u64, StorageError> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => (self.content.len() as u64).checked_add_signed(offset),
        };
        self.position = position
            .filter(|&position| position <= MAX_POSITION)
            .ok_or(StorageError::Invalid)?;
        Ok(self.position)
    }
}

/// Largest position in a file of the PC.
const MAX_POSITION: u64 = i64::MAX as u64;

/// Replaces a file so that it has its old content or the new one: after a power cut too with
/// `durable`, else after the end of the process.
fn replace(place: &FolderEntry, content: &[u8], durable: bool) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!(".ocre-{}-{count}", std::process::id());
    let temporary = place.beside(name)?;
    let written = (|| {
        let mut file = temporary.open_file(NEW)?;
        file.write_all(content)?;
        if durable {
            file.sync_all()?;
        }
        Ok(temporary.rename(place)?)
    })();
    if written.is_err() {
        // Only the first error matters; the file is none of the user's.
        let _ = temporary.remove_file();
    }
    written
}

/// Flags for a file that must not exist yet.
const NEW: OFlags = OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL);

impl Storage for Directory {
    type File = DirectoryFile;

    fn open(&self, path: &str, mode: OpenMode) -> Result<DirectoryFile, StorageError> {
        let entry = self.entry(path)?;
        if !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        let found = match self.find(path) {
            Ok((_, found)) if found.kind == EntryKind::Directory => {
                return Err(StorageError::IsDirectory);
            }
            Ok(_) if mode.create && mode.exclusive => return Err(StorageError::Exists),
            Ok(_) => true,
            Err(StorageError::NotFound) if mode.create => false,
            Err(error) => return Err(error),
        };
        if !mode.write {
            let file = entry.open_file(OFlags::RDONLY).map_err(failure)?;
            return Ok(DirectoryFile(FileAccess::Reading(
                BufReader::with_capacity(READ_AHEAD, file),
            )));
        }
        let mut content = Vec::new();
        if !found {
            entry.open_file(NEW).map_err(failure)?;
        } else if !mode.truncate {
            let file = entry.open_file(OFlags::RDONLY).map_err(failure)?;
            content = ocre_files::read_from(file, MAX_CONTENT).map_err(io_failure)?;
        }
        let dirty = found && mode.truncate;
        Ok(DirectoryFile(FileAccess::Writing(Copy {
            place: entry,
            mode,
            content,
            position: 0,
            dirty,
            durable: self.durable,
        })))
    }

    fn read(&self, file: &mut DirectoryFile, buffer: &mut [u8]) -> Result<usize, StorageError> {
        match &mut file.0 {
            FileAccess::Reading(file) => file.read(buffer).map_err(io_failure),
            FileAccess::Writing(copy) if copy.mode.read => Ok(copy.read(buffer)),
            FileAccess::Writing(_) => Err(StorageError::Invalid),
        }
    }

    fn stream(
        &self,
        file: &mut DirectoryFile,
        buffer: &mut [u8],
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StorageError> {
        let FileAccess::Reading(file) = &mut file.0 else {
            return stream_through(self, file, buffer, piece);
        };
        if buffer.is_empty() {
            return Err(StorageError::Invalid);
        }
        pieces(file, piece).map_err(io_failure)
    }

    fn write(&self, file: &mut DirectoryFile, bytes: &[u8]) -> Result<(), StorageError> {
        match &mut file.0 {
            FileAccess::Reading(_) => Err(StorageError::Invalid),
            FileAccess::Writing(copy) => copy.write(bytes),
        }
    }

    fn seek(&self, file: &mut DirectoryFile, to: SeekFrom) -> Result<u64, StorageError> {
        match &mut file.0 {
            FileAccess::Reading(file) => {
                let to = match to {
                    SeekFrom::Start(position) => io::SeekFrom::Start(position),
                    SeekFrom::Current(offset) => io::SeekFrom::Current(offset),
                    SeekFrom::End(offset) => io::SeekFrom::End(offset),
                };
                // The only way in which a seek in a regular file fails.
                file.seek(to).map_err(|_| StorageError::Invalid)
            }
            FileAccess::Writing(copy) => copy.seek(to),
        }
    }

    fn size(&self, file: &mut DirectoryFile) -> Result<u64, StorageError> {
        match &file.0 {
            FileAccess::Reading(file) => Ok(file.get_ref().metadata().map_err(io_failure)?.len()),
            FileAccess::Writing(copy) => Ok(copy.content.len() as u64),
        }
    }

    fn truncate(&self, file: &mut DirectoryFile, size: u64) -> Result<(), StorageError> {
        match &mut file.0 {
            FileAccess::Reading(_) => Err(StorageError::Invalid),
            FileAccess::Writing(copy) => copy.resize(size),
        }
    }

    fn sync(&self, file: &mut DirectoryFile) -> Result<(), StorageError> {
        match &mut file.0 {
            FileAccess::Reading(_) => Ok(()),
            FileAccess::Writing(copy) => copy.sync(),
        }
    }

    fn close(&self, mut file: DirectoryFile) -> Result<(), StorageError> {
        self.sync(&mut file)
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        self.find(path).map(|(_, found)| found)
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        self.entry(path)?.create_folder().map_err(failure)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        let (entry, found) = self.find(path)?;
        if path == "/" {
            return Err(StorageError::Invalid);
        }
        let removed = if found.kind == EntryKind::Directory {
            entry.remove_folder()
        } else {
            entry.remove_file()
        };
        removed.map_err(failure)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        let (entry, _) = self.find(from)?;
        entry.rename(&self.entry(to)?).map_err(failure)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        let folder = self.entry(path)?;
        let listed = folder.list(&mut |name, found| match metadata(found) {
            Some(metadata) => entry(name, metadata),
            None => true,
        });
        listed.map_err(failure)
    }

    fn space(&self) -> Result<Space, StorageError> {
        Ok(Space {
            total: u64::MAX,
            free: u64::MAX,
        })
    }
}
