// SPDX-License-Identifier: Apache-2.0
//! A folder of the PC as storage; or several, as folders with the names `0`, `1`, … of one that
//! can't be listed.
//!
//! Promised: the same as littlefs promises, unsynced writes and atomic renames included; and no
//! path leaves the folder. Symbolic links are not followed: one on the way is refused with
//! [`StorageError::Invalid`], as are pipes and devices, and none of them is listed; nor is a
//! name that is no UTF-8.
//! Who can change the folder meanwhile can still swap a folder for a link between the check
//! and the use: that is not defended against.
//!
//! How: a file that is open for writing is a copy in memory; each sync writes it to a temporary
//! file beside the real one and renames. A folder has no fixed size, so its space is said to
//! be the largest number there is.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ocre::port::{
    EntryKind, Metadata, OpenMode, SeekFrom, Space, Storage, StorageError, path as rules,
    stream_through,
};

/// A folder of the PC, or several.
#[derive(Debug)]
pub struct Directory {
    roots: Vec<PathBuf>,
    several: bool,
    durable: bool,
}

impl Directory {
    /// The folder at `root`.
    ///
    /// # Errors
    /// `NotFound`, `NotDirectory`, or what the PC answers.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StorageError> {
        let root = root.into();
        check_root(&root)?;
        Ok(Self {
            roots: vec![root],
            several: false,
            durable: true,
        })
    }

    /// The same, but what is synced survives the process and not the machine: for what can be
    /// made again.
    #[must_use]
    pub fn fleeting(self) -> Self {
        Self {
            durable: false,
            ..self
        }
    }

    /// The folders at `roots`, which have their numbers for names.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), with the root that it is about.
    pub fn several(roots: Vec<PathBuf>) -> Result<Self, (PathBuf, StorageError)> {
        for root in &roots {
            check_root(root).map_err(|error| (root.clone(), error))?;
        }
        Ok(Self {
            roots,
            several: true,
            durable: true,
        })
    }

    /// The path on the PC and what is there, if no link is on the way to it.
    fn look_up(&self, path: &str) -> Result<(PathBuf, Option<fs::Metadata>), StorageError> {
        let mut names = rules::components(path)?.peekable();
        let root = if self.several {
            names.next().and_then(|name| name.parse().ok())
        } else {
            Some(0)
        };
        let root = root.and_then(|root| self.roots.get(root));
        let mut real = root.ok_or(StorageError::NotFound)?.clone();
        if names.peek().is_none() {
            let found = fs::metadata(&real).map_err(failure)?;
            return Ok((real, Some(found)));
        }
        let mut last = None;
        while let Some(name) = names.next() {
            // What is a name here may be more than that on the PC: `C:`, `a\b`.
            let mut components = Path::new(name).components();
            let plain = matches!(components.next(), Some(Component::Normal(only)) if only == name);
            if !plain || components.next().is_some() {
                return Err(StorageError::Invalid);
            }
            real.push(name);
            match fs::symlink_metadata(&real) {
                // A pipe or a device may block whoever opens it.
                Ok(found) if !found.is_dir() && !found.is_file() => {
                    return Err(StorageError::Invalid);
                }
                Ok(found) if names.peek().is_some() && !found.is_dir() => {
                    return Err(StorageError::NotDirectory);
                }
                Ok(found) => last = Some(found),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if names.peek().is_some() {
                        return Err(StorageError::NotFound);
                    }
                    last = None;
                }
                Err(error) => return Err(failure(error)),
            }
        }
        Ok((real, last))
    }

    /// The path on the PC of something that may be there or not.
    fn resolve(&self, path: &str) -> Result<PathBuf, StorageError> {
        self.look_up(path).map(|(real, _)| real)
    }

    /// The path on the PC of something that is there.
    fn find(&self, path: &str) -> Result<(PathBuf, fs::Metadata), StorageError> {
        let (real, found) = self.look_up(path)?;
        Ok((real, found.ok_or(StorageError::NotFound)?))
    }
}

/// The folder itself may be reached through links: it is the user who named it.
fn check_root(root: &Path) -> Result<(), StorageError> {
    if fs::metadata(root).map_err(failure)?.is_dir() {
        Ok(())
    } else {
        Err(StorageError::NotDirectory)
    }
}

fn failure(error: io::Error) -> StorageError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound => StorageError::NotFound,
        Kind::AlreadyExists => StorageError::Exists,
        Kind::NotADirectory => StorageError::NotDirectory,
        Kind::IsADirectory => StorageError::IsDirectory,
        Kind::DirectoryNotEmpty => StorageError::NotEmpty,
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => StorageError::NoSpace,
        Kind::InvalidFilename => StorageError::NameTooLong,
        Kind::OutOfMemory => StorageError::NoMemory,
        _ => StorageError::Io,
    }
}

fn metadata(found: &fs::Metadata) -> Metadata {
    if found.is_dir() {
        Metadata {
            kind: EntryKind::Directory,
            size: 0,
        }
    } else {
        Metadata {
            kind: EntryKind::File,
            size: found.len(),
        }
    }
}

/// An open file.
pub struct File(Open);

enum Open {
    Reading(BufReader<fs::File>),
    Writing(Copy),
}

/// Shows the rest of a file where it was read to, without copying it.
pub(crate) fn pieces(file: &mut impl BufRead, piece: &mut dyn FnMut(&[u8])) -> io::Result<()> {
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

/// How much is read of a file at once, however little is asked for.
const READ_AHEAD: usize = 32 * 1024;

/// A file's content as its writer sees it.
struct Copy {
    path: PathBuf,
    mode: OpenMode,
    content: Vec<u8>,
    position: u64,
    /// The file on the PC has another content.
    dirty: bool,
    durable: bool,
}

impl Copy {
    /// Replaces the file on the PC.
    fn sync(&mut self) -> Result<(), StorageError> {
        if self.dirty {
            replace(&self.path, &self.content, self.durable).map_err(failure)?;
            self.dirty = false;
        }
        Ok(())
    }

    fn resize(&mut self, size: u64) -> Result<(), StorageError> {
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

/// As far as a PC's own files go.
const MAX_POSITION: u64 = i64::MAX as u64;

/// Replaces a file so that it has its old content or the new one, whatever happens; to the
/// machine, where it is to be durable, else to the process.
fn replace(path: &Path, content: &[u8], durable: bool) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_file_name(format!(".ocre-{}-{count}", std::process::id()));
    let written = (|| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        file.write_all(content)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // What matters is the first error; the file is none of the user's.
        let _ = fs::remove_file(&temporary);
    }
    written
}

impl Storage for Directory {
    type File = File;

    fn open(&self, path: &str, mode: OpenMode) -> Result<File, StorageError> {
        let (path, found) = self.look_up(path)?;
        if !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        let found = match found {
            Some(found) if found.is_dir() => return Err(StorageError::IsDirectory),
            Some(_) if mode.create && mode.exclusive => return Err(StorageError::Exists),
            None if !mode.create => return Err(StorageError::NotFound),
            found => found.is_some(),
        };
        if !mode.write {
            let file = fs::File::open(path).map_err(failure)?;
            return Ok(File(Open::Reading(BufReader::with_capacity(
                READ_AHEAD, file,
            ))));
        }
        let content = if !found {
            fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)
                .map_err(failure)?;
            Vec::new()
        } else if mode.truncate {
            Vec::new()
        } else {
            fs::read(&path).map_err(failure)?
        };
        let dirty = found && mode.truncate;
        Ok(File(Open::Writing(Copy {
            path,
            mode,
            content,
            position: 0,
            dirty,
            durable: self.durable,
        })))
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, StorageError> {
        match &mut file.0 {
            Open::Reading(file) => file.read(buffer).map_err(failure),
            Open::Writing(copy) if copy.mode.read => Ok(copy.read(buffer)),
            Open::Writing(_) => Err(StorageError::Invalid),
        }
    }

    fn stream(
        &self,
        file: &mut File,
        buffer: &mut [u8],
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StorageError> {
        let Open::Reading(file) = &mut file.0 else {
            return stream_through(self, file, buffer, piece);
        };
        if buffer.is_empty() {
            return Err(StorageError::Invalid);
        }
        pieces(file, piece).map_err(failure)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), StorageError> {
        match &mut file.0 {
            Open::Reading(_) => Err(StorageError::Invalid),
            Open::Writing(copy) => copy.write(bytes),
        }
    }

    fn seek(&self, file: &mut File, to: SeekFrom) -> Result<u64, StorageError> {
        match &mut file.0 {
            Open::Reading(file) => {
                let to = match to {
                    SeekFrom::Start(position) => io::SeekFrom::Start(position),
                    SeekFrom::Current(offset) => io::SeekFrom::Current(offset),
                    SeekFrom::End(offset) => io::SeekFrom::End(offset),
                };
                // The only way in which a seek in a regular file fails.
                file.seek(to).map_err(|_| StorageError::Invalid)
            }
            Open::Writing(copy) => copy.seek(to),
        }
    }

    fn size(&self, file: &mut File) -> Result<u64, StorageError> {
        match &file.0 {
            Open::Reading(file) => Ok(file.get_ref().metadata().map_err(failure)?.len()),
            Open::Writing(copy) => Ok(copy.content.len() as u64),
        }
    }

    fn truncate(&self, file: &mut File, size: u64) -> Result<(), StorageError> {
        match &mut file.0 {
            Open::Reading(_) => Err(StorageError::Invalid),
            Open::Writing(copy) => copy.resize(size),
        }
    }

    fn sync(&self, file: &mut File) -> Result<(), StorageError> {
        match &mut file.0 {
            Open::Reading(_) => Ok(()),
            Open::Writing(copy) => copy.sync(),
        }
    }

    fn close(&self, mut file: File) -> Result<(), StorageError> {
        self.sync(&mut file)
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        self.find(path).map(|(_, found)| metadata(&found))
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        fs::create_dir(self.resolve(path)?).map_err(failure)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        let (real, found) = self.find(path)?;
        if self.roots.contains(&real) {
            return Err(StorageError::Invalid);
        }
        let removed = if found.is_dir() {
            fs::remove_dir(real)
        } else {
            fs::remove_file(real)
        };
        removed.map_err(failure)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        fs::rename(self.resolve(from)?, self.resolve(to)?).map_err(failure)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        for found in fs::read_dir(self.resolve(path)?).map_err(failure)? {
            let found = found.map_err(failure)?;
            let kind = found.metadata().map_err(failure)?;
            let name = found.file_name();
            let shown = (kind.is_file() || kind.is_dir())
                .then(|| name.to_str())
                .flatten();
            if shown.is_some_and(|name| !entry(name, metadata(&kind))) {
                break;
            }
        }
        Ok(())
    }

    fn space(&self) -> Result<Space, StorageError> {
        Ok(Space {
            total: u64::MAX,
            free: u64::MAX,
        })
    }
}
