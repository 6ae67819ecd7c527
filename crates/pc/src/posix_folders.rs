// SPDX-License-Identifier: Apache-2.0
//! Folders of the PC for guests of `ocre wasm run` and of bundles: with links, times and POSIX's
//! rules for open files. Their names are `0`, `1`, … in a folder that can't be listed.
//!
//! Promised: as `beneath` has it, no path leaves its folder, and no link is
//! followed. The caller resolves links, and stays below the folder that it resolves them in.
//! Pipes, sockets and devices are refused with [`StorageError::Invalid`] and not listed; nor is
//! a name that is no UTF-8.

use std::fs;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use ocre::port::{
    Attributes, EntryKind, Metadata, OpenMode, SeekFrom, SetTime, Space, Storage, StorageError,
    Times, path as rules,
};
use rustix::fs::{FallocateFlags, FileType, OFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};

use crate::beneath::{FolderEntry, Root, failure, io_failure, is_special};

/// Folders of the PC.
#[derive(Debug)]
pub struct PosixFolders {
    roots: Vec<Root>,
}

impl PosixFolders {
    /// Opens the folders at `paths`.
    ///
    /// # Errors
    /// `NotFound`, `NotDirectory` or another error of the PC, with the path of the folder.
    pub fn open(paths: Vec<PathBuf>) -> Result<Self, (PathBuf, StorageError)> {
        let roots = paths.into_iter().map(|path| {
            let opened = Root::open(&path);
            opened.map_err(|error| (path, failure(error)))
        });
        let roots = roots.collect::<Result<_, _>>()?;
        Ok(Self { roots })
    }

    /// Finds the entry at a path; true with it where it is one of the folders itself.
    fn entry(&self, path: &str) -> Result<(FolderEntry, bool), StorageError> {
        rules::check(path)?;
        let path = path.strip_prefix('/').unwrap_or_default();
        let (number, inner) = path.split_once('/').unwrap_or((path, ""));
        let number: Option<usize> = number.parse().ok();
        let root = number.and_then(|number| self.roots.get(number));
        let root = root.ok_or(StorageError::NotFound)?;
        let entry = root.entry(inner).map_err(failure)?;
        Ok((entry, inner.is_empty()))
    }

    /// Finds the entry at a path that may be made, removed or replaced.
    fn inner(&self, path: &str) -> Result<FolderEntry, StorageError> {
        match self.entry(path)? {
            (entry, false) => Ok(entry),
            (_, true) => Err(StorageError::Invalid),
        }
    }
}

/// Kind of an entry; `None` for a kind that guests can't have.
fn kind(found: &fs::Metadata) -> Option<EntryKind> {
    let kind = found.file_type();
    if kind.is_dir() {
        Some(EntryKind::Directory)
    } else if kind.is_symlink() {
        Some(EntryKind::Symlink)
    } else {
        (!is_special(found)).then_some(EntryKind::File)
    }
}

fn metadata(found: &fs::Metadata) -> Option<Metadata> {
    let kind = kind(found)?;
    let size = if kind == EntryKind::File {
        found.len()
    } else {
        0
    };
    Some(Metadata { kind, size })
}

fn attributes(found: &fs::Metadata) -> Attributes {
    let time = |seconds: i64, nanoseconds: i64| {
        let whole = u64::try_from(seconds)
            .unwrap_or(0)
            .checked_mul(1_000_000_000);
        let part = u64::try_from(nanoseconds).unwrap_or(0);
        whole
            .and_then(|whole| whole.checked_add(part))
            .unwrap_or(u64::MAX)
    };
    Attributes {
        device: found.dev(),
        inode: found.ino(),
        links: found.nlink(),
        accessed_ns: time(found.atime(), found.atime_nsec()),
        modified_ns: time(found.mtime(), found.mtime_nsec()),
        changed_ns: time(found.ctime(), found.ctime_nsec()),
    }
}

fn timestamps(times: Times) -> Timestamps {
    let time = |time: SetTime| {
        let (tv_sec, tv_nsec) = match time {
            SetTime::Keep => (0, UTIME_OMIT),
            SetTime::Now => (0, UTIME_NOW),
            // The quotient fits.
            SetTime::At(ns) => ((ns / 1_000_000_000) as i64, (ns % 1_000_000_000) as _),
        };
        Timespec { tv_sec, tv_nsec }
    };
    Timestamps {
        last_access: time(times.accessed),
        last_modification: time(times.modified),
    }
}

fn open_flags(mode: OpenMode) -> OFlags {
    let mut flags = match (mode.read, mode.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        _ => OFlags::RDONLY,
    };
    flags.set(OFlags::CREATE, mode.create);
    flags.set(OFlags::EXCL, mode.create && mode.exclusive);
    flags.set(OFlags::APPEND, mode.append);
    flags
}

impl Storage for PosixFolders {
    type File = fs::File;

    const POSIX: bool = true;

    fn open(&self, path: &str, mode: OpenMode) -> Result<fs::File, StorageError> {
        let (entry, _) = self.entry(path)?;
        if !mode.is_valid() {
            return Err(StorageError::Invalid);
        }
        let file = entry.open_file(open_flags(mode)).map_err(failure)?;
        if mode.truncate {
            file.set_len(0).map_err(io_failure)?;
        }
        Ok(file)
    }

    fn read(&self, file: &mut fs::File, buffer: &mut [u8]) -> Result<usize, StorageError> {
        loop {
            match file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(io_failure),
            }
        }
    }

    fn write(&self, file: &mut fs::File, bytes: &[u8]) -> Result<(), StorageError> {
        file.write_all(bytes).map_err(io_failure)
    }

    fn seek(&self, file: &mut fs::File, to: SeekFrom) -> Result<u64, StorageError> {
        let to = match to {
            SeekFrom::Start(position) => io::SeekFrom::Start(position),
            SeekFrom::Current(offset) => io::SeekFrom::Current(offset),
            SeekFrom::End(offset) => io::SeekFrom::End(offset),
        };
        // The only way in which a seek in a regular file fails.
        file.seek(to).map_err(|_| StorageError::Invalid)
    }

    fn size(&self, file: &mut fs::File) -> Result<u64, StorageError> {
        Ok(file.metadata().map_err(io_failure)?.len())
    }

    fn truncate(&self, file: &mut fs::File, size: u64) -> Result<(), StorageError> {
        if i64::try_from(size).is_err() {
            return Err(StorageError::NoSpace);
        }
        file.set_len(size).map_err(io_failure)
    }

    fn sync(&self, file: &mut fs::File) -> Result<(), StorageError> {
        file.sync_all().map_err(io_failure)
    }

    /// Leaves unsynced data to the PC, as for its own programs.
    fn close(&self, _: fs::File) -> Result<(), StorageError> {
        Ok(())
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        if path == "/" {
            return Ok(Metadata {
                kind: EntryKind::Directory,
                size: 0,
            });
        }
        let found = self.entry(path)?.0.metadata().map_err(failure)?;
        metadata(&found).ok_or(StorageError::Invalid)
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        self.inner(path)?.create_folder().map_err(failure)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        let entry = self.inner(path)?;
        let found = entry.metadata().map_err(failure)?;
        let removed = match kind(&found).ok_or(StorageError::Invalid)? {
            EntryKind::Directory => entry.remove_folder(),
            EntryKind::File | EntryKind::Symlink => entry.remove_file(),
        };
        removed.map_err(failure)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        rules::check_rename(from, to)?;
        let entry = self.inner(from)?;
        let found = entry.metadata().map_err(failure)?;
        kind(&found).ok_or(StorageError::Invalid)?;
        entry.rename(&self.inner(to)?).map_err(failure)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        let (folder, _) = self.entry(path)?;
        let listed = folder.list(&mut |name, found| match metadata(found) {
            Some(metadata) => entry(name, metadata),
            None => true,
        });
        listed.map_err(failure)
    }

    fn read_names(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, EntryKind) -> bool,
    ) -> Result<(), StorageError> {
        let (folder, _) = self.entry(path)?;
        let listed = folder.list_types(&mut |name, kind| match kind {
            FileType::RegularFile => entry(name, EntryKind::File),
            FileType::Directory => entry(name, EntryKind::Directory),
            FileType::Symlink => entry(name, EntryKind::Symlink),
            _ => true,
        });
        listed.map_err(failure)
    }

    /// Reports the largest number: a folder has no fixed size.
    fn space(&self) -> Result<Space, StorageError> {
        Ok(Space {
            total: u64::MAX,
            free: u64::MAX,
        })
    }

    fn attributes(&self, path: &str) -> Result<Attributes, StorageError> {
        let found = self.entry(path)?.0.metadata().map_err(failure)?;
        Ok(attributes(&found))
    }

    fn file_attributes(&self, file: &mut fs::File) -> Result<Attributes, StorageError> {
        Ok(attributes(&file.metadata().map_err(io_failure)?))
    }

    fn set_times(&self, path: &str, times: Times) -> Result<(), StorageError> {
        let (entry, _) = self.entry(path)?;
        let found = entry.metadata().map_err(failure)?;
        kind(&found).ok_or(StorageError::Invalid)?;
        entry.set_times(&timestamps(times)).map_err(failure)
    }

    fn set_file_times(&self, file: &mut fs::File, times: Times) -> Result<(), StorageError> {
        rustix::fs::futimens(&*file, &timestamps(times)).map_err(failure)
    }

    fn allocate(&self, file: &mut fs::File, offset: u64, length: u64) -> Result<(), StorageError> {
        let allocated = rustix::fs::fallocate(&*file, FallocateFlags::empty(), offset, length);
        allocated.map_err(failure)
    }

    fn read_link(&self, path: &str, buffer: &mut [u8]) -> Result<usize, StorageError> {
        self.entry(path)?.0.read_link(buffer).map_err(failure)
    }

    fn symlink(&self, target: &str, path: &str) -> Result<(), StorageError> {
        self.inner(path)?.symlink(target).map_err(failure)
    }

    fn hard_link(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let entry = self.inner(from)?;
        let found = entry.metadata().map_err(failure)?;
        match kind(&found).ok_or(StorageError::Invalid)? {
            EntryKind::Directory => Err(StorageError::IsDirectory),
            EntryKind::File | EntryKind::Symlink => {
                entry.hard_link(&self.inner(to)?).map_err(failure)
            }
        }
    }
}
