// SPDX-License-Identifier: Apache-2.0
//! Folders of the PC, and after them a folder with devices, as bundles name them.
//!
//! Each device behaves as on Linux: `null` and `zero` take everything, `full` has no room;
//! reading gives the end, zeros, zeros; `random` and `urandom` give random bytes and take
//! everything; `tty` is the program's terminal. A reader first asks for the size of an open file:
//! that of every device but `null` is always beyond the reader's position.

use std::fs;
use std::thread;
use std::time::Duration;

use ocre::port::{
    Attributes, Console as _, ConsoleError, EntryKind, Metadata, OpenMode, SeekFrom, Space,
    Storage, StorageError, Stream, Times, path as rules,
};

use crate::platform::Terminal;
use crate::posix_folders::PosixFolders;

/// Time between two checks for typed input.
const POLL: Duration = Duration::from_millis(10);

/// A device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CharacterDevice {
    /// Takes everything and gives the end of the file.
    Null,
    /// Takes everything and gives zeros.
    Zero,
    /// Has no room and gives zeros.
    Full,
    /// Takes everything and gives random bytes.
    Random,
    /// As `Random`.
    Urandom,
    /// The program's terminal.
    Tty,
}

impl CharacterDevice {
    /// Every device.
    pub const ALL: [Self; 6] = [
        Self::Null,
        Self::Zero,
        Self::Full,
        Self::Random,
        Self::Urandom,
        Self::Tty,
    ];

    /// Finds a device by its name in `/dev`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|device| device.name() == name)
    }

    /// Name in `/dev`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Zero => "zero",
            Self::Full => "full",
            Self::Random => "random",
            Self::Urandom => "urandom",
            Self::Tty => "tty",
        }
    }

    fn read(self, buffer: &mut [u8]) -> Result<usize, StorageError> {
        match self {
            Self::Null => return Ok(0),
            Self::Zero | Self::Full => buffer.fill(0),
            Self::Random | Self::Urandom => {
                getrandom::fill(buffer).map_err(|_| StorageError::Io)?;
            }
            Self::Tty => loop {
                match Terminal.read(buffer) {
                    Some(count) => return Ok(count),
                    None => thread::sleep(POLL),
                }
            },
        }
        Ok(buffer.len())
    }

    fn write(self, bytes: &[u8]) -> Result<(), StorageError> {
        match self {
            Self::Full if !bytes.is_empty() => Err(StorageError::NoSpace),
            Self::Tty => Terminal
                .write(Stream::Stdout, bytes)
                .map_err(|error| match error {
                    ConsoleError::Full => StorageError::NoSpace,
                    ConsoleError::Closed | ConsoleError::Io => StorageError::Io,
                }),
            _ => Ok(()),
        }
    }
}

/// Folders, and devices in a folder whose name is the next number.
#[derive(Debug)]
pub struct WithDevices {
    folders: PosixFolders,
    /// Name of the folder with devices.
    number: String,
    devices: Vec<CharacterDevice>,
}

/// Target of a path.
enum DevFolderPath {
    Folders,
    Top,
    Device(CharacterDevice),
}

impl WithDevices {
    /// Adds the folder with `devices` after `count` folders.
    pub fn new(folders: PosixFolders, count: usize, devices: Vec<CharacterDevice>) -> Self {
        Self {
            folders,
            number: count.to_string(),
            devices,
        }
    }

    fn find(&self, path: &str) -> Result<DevFolderPath, StorageError> {
        let mut names = rules::components(path)?;
        if names.next() != Some(&*self.number) {
            return Ok(DevFolderPath::Folders);
        }
        let Some(name) = names.next() else {
            return Ok(DevFolderPath::Top);
        };
        let device = self.devices.iter().find(|device| device.name() == name);
        let device = device.ok_or(StorageError::NotFound)?;
        match names.next() {
            None => Ok(DevFolderPath::Device(*device)),
            Some(_) => Err(StorageError::NotDirectory),
        }
    }

    /// Refuses a change in the folder with devices: nothing there can be made, removed or renamed.
    fn changeable(&self, path: &str) -> Result<(), StorageError> {
        match self.find(path) {
            Ok(DevFolderPath::Folders) => Ok(()),
            Ok(_) | Err(StorageError::NotFound) => Err(StorageError::Invalid),
            Err(error) => Err(error),
        }
    }
}

/// An open file or device.
pub enum FileOrDevice {
    /// A file of a folder.
    Real(fs::File),
    /// A device, and the reader's position in it.
    Device(CharacterDevice, u64),
}

/// Bytes by which the size of an endless device is beyond the reader's position.
const MORE: u64 = 64 * 1024;

const DEVICE: Metadata = Metadata {
    kind: EntryKind::File,
    size: 0,
};

impl Storage for WithDevices {
    type File = FileOrDevice;

    const POSIX: bool = true;

    fn open(&self, path: &str, mode: OpenMode) -> Result<FileOrDevice, StorageError> {
        match self.find(path) {
            Ok(DevFolderPath::Folders) => self.folders.open(path, mode).map(FileOrDevice::Real),
            Ok(DevFolderPath::Top) => Err(StorageError::IsDirectory),
            Ok(DevFolderPath::Device(_)) if !mode.is_valid() => Err(StorageError::Invalid),
            Ok(DevFolderPath::Device(_)) if mode.create && mode.exclusive => {
                Err(StorageError::Exists)
            }
            Ok(DevFolderPath::Device(device)) => Ok(FileOrDevice::Device(device, 0)),
            Err(StorageError::NotFound) if mode.create => Err(StorageError::Invalid),
            Err(error) => Err(error),
        }
    }

    fn read(&self, file: &mut FileOrDevice, buffer: &mut [u8]) -> Result<usize, StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.read(file, buffer),
            FileOrDevice::Device(device, position) => {
                let count = device.read(buffer)?;
                *position = position.saturating_add(count as u64);
                Ok(count)
            }
        }
    }

    fn write(&self, file: &mut FileOrDevice, bytes: &[u8]) -> Result<(), StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.write(file, bytes),
            FileOrDevice::Device(device, _) => device.write(bytes),
        }
    }

    fn seek(&self, file: &mut FileOrDevice, to: SeekFrom) -> Result<u64, StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.seek(file, to),
            FileOrDevice::Device(_, position) => {
                if let SeekFrom::Start(to) = to {
                    *position = to;
                }
                Ok(*position)
            }
        }
    }

    fn size(&self, file: &mut FileOrDevice) -> Result<u64, StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.size(file),
            FileOrDevice::Device(CharacterDevice::Null, _) => Ok(0),
            FileOrDevice::Device(_, position) => Ok(position.saturating_add(MORE)),
        }
    }

    fn truncate(&self, file: &mut FileOrDevice, size: u64) -> Result<(), StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.truncate(file, size),
            FileOrDevice::Device(..) => Ok(()),
        }
    }

    fn sync(&self, file: &mut FileOrDevice) -> Result<(), StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.sync(file),
            FileOrDevice::Device(..) => Ok(()),
        }
    }

    fn close(&self, file: FileOrDevice) -> Result<(), StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.close(file),
            FileOrDevice::Device(..) => Ok(()),
        }
    }

    fn metadata(&self, path: &str) -> Result<Metadata, StorageError> {
        match self.find(path)? {
            DevFolderPath::Folders => self.folders.metadata(path),
            DevFolderPath::Top => Ok(Metadata {
                kind: EntryKind::Directory,
                size: 0,
            }),
            DevFolderPath::Device(_) => Ok(DEVICE),
        }
    }

    fn create_dir(&self, path: &str) -> Result<(), StorageError> {
        self.changeable(path)?;
        self.folders.create_dir(path)
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.changeable(path)?;
        self.folders.remove(path)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.changeable(from)?;
        self.changeable(to)?;
        self.folders.rename(from, to)
    }

    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError> {
        match self.find(path)? {
            DevFolderPath::Folders => self.folders.read_dir(path, entry),
            DevFolderPath::Device(_) => Err(StorageError::NotDirectory),
            DevFolderPath::Top => {
                for device in &self.devices {
                    if !entry(device.name(), DEVICE) {
                        break;
                    }
                }
                Ok(())
            }
        }
    }

    fn read_names(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, EntryKind) -> bool,
    ) -> Result<(), StorageError> {
        match self.find(path)? {
            DevFolderPath::Folders => self.folders.read_names(path, entry),
            DevFolderPath::Top | DevFolderPath::Device(_) => {
                self.read_dir(path, &mut |name, metadata| entry(name, metadata.kind))
            }
        }
    }

    fn space(&self) -> Result<Space, StorageError> {
        self.folders.space()
    }

    /// Returns the attributes; a device has none.
    fn attributes(&self, path: &str) -> Result<Attributes, StorageError> {
        match self.find(path)? {
            DevFolderPath::Folders => self.folders.attributes(path),
            DevFolderPath::Top | DevFolderPath::Device(_) => Ok(Attributes::default()),
        }
    }

    fn file_attributes(&self, file: &mut FileOrDevice) -> Result<Attributes, StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.file_attributes(file),
            FileOrDevice::Device(..) => Ok(Attributes::default()),
        }
    }

    fn set_times(&self, path: &str, times: Times) -> Result<(), StorageError> {
        match self.find(path)? {
            DevFolderPath::Folders => self.folders.set_times(path, times),
            DevFolderPath::Top | DevFolderPath::Device(_) => Err(StorageError::Denied),
        }
    }

    fn set_file_times(&self, file: &mut FileOrDevice, times: Times) -> Result<(), StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.set_file_times(file, times),
            FileOrDevice::Device(..) => Err(StorageError::Denied),
        }
    }

    fn allocate(
        &self,
        file: &mut FileOrDevice,
        offset: u64,
        length: u64,
    ) -> Result<(), StorageError> {
        match file {
            FileOrDevice::Real(file) => self.folders.allocate(file, offset, length),
            FileOrDevice::Device(..) => Err(StorageError::Unsupported),
        }
    }

    fn read_link(&self, path: &str, buffer: &mut [u8]) -> Result<usize, StorageError> {
        match self.find(path)? {
            DevFolderPath::Folders => self.folders.read_link(path, buffer),
            DevFolderPath::Top | DevFolderPath::Device(_) => Err(StorageError::Invalid),
        }
    }

    fn symlink(&self, target: &str, path: &str) -> Result<(), StorageError> {
        self.changeable(path)?;
        self.folders.symlink(target, path)
    }

    fn hard_link(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.changeable(from)?;
        self.changeable(to)?;
        self.folders.hard_link(from, to)
    }
}
