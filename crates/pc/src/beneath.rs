// SPDX-License-Identifier: Apache-2.0
//! Access to the entries below a folder of the PC, by descriptor.
//!
//! Promised: no operation touches an entry outside of the folder, also while another program
//! renames folders or swaps them for symbolic links. A symbolic link is never followed: one on
//! the way to an entry is refused with `ELOOP`.
//!
//! The folder above an entry is opened with `openat2`, which refuses links in one step, or,
//! where the kernel lacks it, name by name with `O_NOFOLLOW`. The entry itself is then named
//! relative to that descriptor, with the flag of each call that leaves a link alone. Paths have
//! no `..`, so nothing goes up.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use ocre::port::StorageError;
use rustix::fs::{
    self as unix, AtFlags, FileType, Mode, OFlags, RawMode, ResolveFlags, Timestamps,
};
use rustix::io::{Errno, Result};

/// Permissions of a new file and of a new folder, from which the umask takes its part.
const FILE_MODE: RawMode = 0o666;
const FOLDER_MODE: RawMode = 0o777;

/// The name of a folder in itself.
const ITSELF: &str = ".";

/// A folder of the PC, through which all its entries are reached.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// Opens the folder at a path that the user named; links in that path are followed.
    ///
    /// # Errors
    /// `ENOENT`, `ENOTDIR`, or another of the PC.
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        unix::open(path, flags, Mode::empty()).map(Self)
    }

    /// Finds the entry at a path of plain names separated by `/`. The empty path is the folder
    /// itself.
    ///
    /// # Errors
    /// `ENOENT` and `ENOTDIR` for the folder above the entry, `ELOOP` for a link on the way.
    pub fn entry(&self, path: &str) -> Result<FolderEntry> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let above = if above.is_empty() { ITSELF } else { above };
        let folder = match self.folder(above) {
            Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => self.folder_by_names(above)?,
            opened => opened?,
        };
        let name = if name.is_empty() { ITSELF } else { name };
        let name = name.to_owned();
        Ok(FolderEntry { folder, name })
    }

    fn folder(&self, path: &str) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        unix::openat2(&self.0, path, flags, Mode::empty(), resolve)
    }

    /// [`folder`](Self::folder) for a kernel before 5.6, or a sandbox that forbids `openat2`.
    fn folder_by_names(&self, path: &str) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = unix::openat(&self.0, ITSELF, flags, Mode::empty())?;
        for name in path.split('/') {
            folder = match unix::openat(&folder, name, flags, Mode::empty()) {
                // Also the answer for a link, which is not followed.
                Err(Errno::NOTDIR) if type_of(&folder, name).is_symlink() => {
                    return Err(Errno::LOOP);
                }
                opened => opened?,
            };
        }
        Ok(folder)
    }
}

/// An entry of a folder, there or not.
#[derive(Debug)]
pub struct FolderEntry {
    folder: OwnedFd,
    name: String,
}

impl FolderEntry {
    /// Another entry of the same folder.
    pub fn beside(&self, name: String) -> Result<Self> {
        let folder = self.folder.try_clone().map_err(|error| errno(&error))?;
        Ok(Self { folder, name })
    }

    /// The metadata of the entry; of a link itself.
    pub fn metadata(&self) -> Result<fs::Metadata> {
        metadata_at(&self.folder, &self.name)
    }

    /// Opens the entry, a link never: `ELOOP`. No pipe and no terminal keeps it waiting.
    pub fn open(&self, flags: OFlags) -> Result<fs::File> {
        let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(FILE_MODE);
        unix::openat(&self.folder, &*self.name, flags | careful, mode).map(fs::File::from)
    }

    /// Opens a regular file. Not to be used with [`OFlags::TRUNC`], which would truncate the file
    /// before its type is checked.
    ///
    /// # Errors
    /// `ELOOP` for a link, `EISDIR` for a folder, `EINVAL` for a pipe, a socket or a device.
    pub fn open_file(&self, flags: OFlags) -> Result<fs::File> {
        // Checked before opening, because opening alone can make a device act.
        match self.metadata() {
            Ok(found) => check_regular(&found)?,
            Err(Errno::NOENT) if flags.contains(OFlags::CREATE) => {}
            Err(error) => return Err(error),
        }
        let file = self.open(flags)?;
        let found = file.metadata().map_err(|error| errno(&error))?;
        check_regular(&found)?;
        Ok(file)
    }

    /// Makes a folder.
    pub fn create_folder(&self) -> Result<()> {
        unix::mkdirat(&self.folder, &*self.name, Mode::from_raw_mode(FOLDER_MODE))
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self) -> Result<()> {
        unix::unlinkat(&self.folder, &*self.name, AtFlags::REMOVEDIR)
    }

    /// Removes anything but a folder.
    pub fn remove_file(&self) -> Result<()> {
        unix::unlinkat(&self.folder, &*self.name, AtFlags::empty())
    }

    /// Moves the entry to another place.
    pub fn rename(&self, to: &Self) -> Result<()> {
        unix::renameat(&self.folder, &*self.name, &to.folder, &*to.name)
    }

    /// Makes a second name for the entry; for a link itself.
    pub fn hard_link(&self, to: &Self) -> Result<()> {
        let flags = AtFlags::empty();
        unix::linkat(&self.folder, &*self.name, &to.folder, &*to.name, flags)
    }

    /// Makes a symbolic link with that target.
    pub fn symlink(&self, target: &str) -> Result<()> {
        unix::symlinkat(target, &self.folder, &*self.name)
    }

    /// Copies the target of a link, as much as fits, and returns its length.
    pub fn read_link(&self, buffer: &mut [u8]) -> Result<usize> {
        unix::readlinkat_raw(&self.folder, &*self.name, buffer)
    }

    /// Sets the times of the entry; of a link itself.
    pub fn set_times(&self, times: &Timestamps) -> Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        unix::utimensat(&self.folder, &*self.name, times, flags)
    }

    /// Calls `entry` with the name and the metadata of each entry of the folder, until it returns
    /// `false`. Names that are no UTF-8 are left out.
    pub fn list(&self, entry: &mut dyn FnMut(&str, &fs::Metadata) -> bool) -> Result<()> {
        self.names(&mut |folder, name, _| match metadata_at(folder, name) {
            // Another program has removed the entry meanwhile.
            Err(Errno::NOENT) => Ok(true),
            found => Ok(entry(name, &found?)),
        })
    }

    /// [`list`](Self::list) with the type of each entry, which costs less.
    pub fn list_types(&self, entry: &mut dyn FnMut(&str, FileType) -> bool) -> Result<()> {
        self.names(&mut |folder, name, kind| {
            let kind = match kind {
                FileType::Unknown => type_of(folder, name),
                known => known,
            };
            Ok(entry(name, kind))
        })
    }

    fn names(
        &self,
        entry: &mut dyn FnMut(&fs::File, &str, FileType) -> Result<bool>,
    ) -> Result<()> {
        let folder = self.open(OFlags::DIRECTORY | OFlags::RDONLY)?;
        for found in unix::Dir::read_from(&folder)? {
            let found = found?;
            match found.file_name().to_str() {
                Err(_) | Ok("." | "..") => {}
                Ok(name) => {
                    if !entry(&folder, name, found.file_type())? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn type_of(folder: impl AsFd, name: &str) -> FileType {
    let found = unix::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    found.map_or(FileType::Unknown, |found| {
        FileType::from_raw_mode(found.st_mode)
    })
}

fn metadata_at(folder: impl AsFd, name: &str) -> Result<fs::Metadata> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = fs::File::from(unix::openat(folder, name, flags, Mode::empty())?);
    found.metadata().map_err(|error| errno(&error))
}

/// Refuses anything but a regular file.
fn check_regular(found: &fs::Metadata) -> Result<()> {
    let kind = found.file_type();
    if kind.is_dir() {
        Err(Errno::ISDIR)
    } else if kind.is_symlink() {
        Err(Errno::LOOP)
    } else if is_special(found) {
        Err(Errno::INVAL)
    } else {
        Ok(())
    }
}

/// Tests for a pipe, a socket or a device.
pub fn is_special(found: &fs::Metadata) -> bool {
    let kind = found.file_type();
    kind.is_fifo() || kind.is_socket() || kind.is_block_device() || kind.is_char_device()
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

/// Converts an error of the PC to the port's.
pub fn failure(error: Errno) -> StorageError {
    match error {
        Errno::NOENT => StorageError::NotFound,
        Errno::EXIST => StorageError::Exists,
        Errno::NOTDIR => StorageError::NotDirectory,
        Errno::ISDIR => StorageError::IsDirectory,
        Errno::NOTEMPTY => StorageError::NotEmpty,
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::MLINK => StorageError::NoSpace,
        Errno::NAMETOOLONG => StorageError::NameTooLong,
        Errno::NOMEM | Errno::MFILE | Errno::NFILE => StorageError::NoMemory,
        Errno::LOOP | Errno::INVAL | Errno::BADF | Errno::NXIO => StorageError::Invalid,
        Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::BUSY | Errno::TXTBSY => {
            StorageError::Denied
        }
        Errno::OPNOTSUPP | Errno::NOSYS | Errno::XDEV => StorageError::Unsupported,
        _ => StorageError::Io,
    }
}

/// [`failure`] for an error of the standard library.
pub fn io_failure(error: std::io::Error) -> StorageError {
    match error.kind() {
        std::io::ErrorKind::WriteZero => StorageError::NoSpace,
        _ => failure(errno(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(at: &Path, path: &str, by_names: bool) -> Result<OwnedFd> {
        let root = Root::open(at).expect("it is there");
        if by_names {
            root.folder_by_names(path)
        } else {
            root.folder(path)
        }
    }

    #[test]
    fn both_ways_down_open_folders_and_refuse_links() {
        let scratch = tempfile::tempdir().expect("made");
        let at = scratch.path();
        fs::create_dir_all(at.join("a/b")).expect("made");
        fs::write(at.join("a/file"), "").expect("written");
        symlink("a", at.join("inside")).expect("made");
        symlink("/", at.join("outside")).expect("made");
        symlink("loop", at.join("loop")).expect("made");
        symlink("/proc/self/root", at.join("a/magic")).expect("made");
        for by_names in [false, true] {
            let open = |path| names(at, path, by_names).map(drop);
            assert_eq!(open("."), Ok(()));
            assert_eq!(open("a/b"), Ok(()));
            assert_eq!(open("a/none"), Err(Errno::NOENT));
            assert_eq!(open("a/file"), Err(Errno::NOTDIR));
            assert_eq!(open("a/file/b"), Err(Errno::NOTDIR));
            for link in ["inside", "outside", "loop", "a/magic", "inside/b"] {
                assert_eq!(open(link), Err(Errno::LOOP), "{link}");
            }
        }
    }

    #[test]
    fn a_magic_link_of_the_process_file_system_is_refused() {
        for by_names in [false, true] {
            let found = names(Path::new("/proc/self"), "cwd", by_names).map(drop);
            assert_eq!(found, Err(Errno::LOOP));
        }
    }
}
