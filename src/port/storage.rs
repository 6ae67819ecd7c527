// SPDX-License-Identifier: Apache-2.0
//! File systems: the partition of a device, and folders of a PC.

ocre_oci::coded_enum! {
    /// Reason why a storage operation failed.
    pub enum StorageError {
        /// No entry has that path, or a folder above it is missing.
        NotFound = "storage-not-found",
        /// An entry with that path is there already.
        Exists = "storage-exists",
        /// A file stands where a folder is needed.
        NotDirectory = "storage-not-directory",
        /// A folder stands where a file is needed.
        IsDirectory = "storage-is-directory",
        /// The folder to be removed still has entries.
        NotEmpty = "storage-not-empty",
        /// The partition is full.
        NoSpace = "storage-full",
        /// A name, or the whole path, is longer than the file system takes.
        NameTooLong = "storage-name-too-long",
        /// The argument makes no sense for this file (a seek before its start, say).
        Invalid = "storage-invalid",
        /// Out of memory, or of open files.
        NoMemory = "storage-out-of-memory",
        /// The file system's own structures are damaged.
        Corrupt = "storage-corrupt",
        /// The device did not carry the operation out.
        Io = "storage-io",
        /// The file system does not offer the operation.
        Unsupported = "storage-unsupported",
        /// The file system's permissions do not allow the operation.
        Denied = "storage-denied",
    }
}

/// Kind of the entry at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link. Only a [`Storage::POSIX`] file system has them.
    Symlink,
}

/// Metadata of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Bytes in a file; 0 for anything else.
    pub size: u64,
}

/// Mode of an open file. The default is not valid: see [`is_valid`](Self::is_valid).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OpenMode {
    /// Reading is allowed.
    pub read: bool,
    /// Writing is allowed.
    pub write: bool,
    /// A missing file is made.
    pub create: bool,
    /// With `create`: a file that is there already is [`StorageError::Exists`].
    pub exclusive: bool,
    /// The file is cut to 0 bytes.
    pub truncate: bool,
    /// Every write goes to the file's end.
    pub append: bool,
}

impl OpenMode {
    /// Read a file that must be there.
    pub const READ: Self = Self {
        read: true,
        write: false,
        create: false,
        exclusive: false,
        truncate: false,
        append: false,
    };
    /// Write a file from empty, making it where it is missing.
    pub const REWRITE: Self = Self {
        read: false,
        write: true,
        create: true,
        exclusive: false,
        truncate: true,
        append: false,
    };

    /// True for a mode that reads or writes, and that writes if it creates, truncates or appends.
    /// Any other mode is [`StorageError::Invalid`].
    pub const fn is_valid(self) -> bool {
        self.write || (self.read && !self.create && !self.truncate && !self.append)
    }
}

/// Origin and offset of a seek, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeekFrom {
    /// From the file's first byte.
    Start(u64),
    /// From the present position.
    Current(i64),
    /// From one past the file's last byte.
    End(i64),
}

/// Space on the partition, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Space {
    /// Size of the partition.
    pub total: u64,
    /// Space that is not in use, rounded down to whole blocks.
    pub free: u64,
}

/// A file system with littlefs's promises: unsynced data may be lost at a power cut, a rename
/// replaces its target atomically, and a file that was written but neither synced nor closed keeps
/// its old content.
///
/// Paths are absolute, `/`-separated, without `.` and `..`, UTF-8, at most
/// [`MAX_PATH`](crate::limits::MAX_PATH) bytes; the root is `/`. [`path::check`](super::path::check) is that rule.
///
/// ```
/// use ocre::port::{OpenMode, Storage};
///
/// # mod device { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/device.rs")); }
/// // A littlefs in memory.
/// # let storage = device::disk();
/// let mut file = storage.open("/notes", OpenMode::REWRITE)?;
/// storage.write(&mut file, b"hello")?;
/// storage.close(file)?; // from here on the content survives a power cut
///
/// let mut file = storage.open("/notes", OpenMode::READ)?;
/// let mut buffer = [0; 16];
/// let count = storage.read(&mut file, &mut buffer)?;
/// assert_eq!(&buffer[..count], b"hello");
/// # Ok::<(), ocre::port::StorageError>(())
/// ```
pub trait Storage {
    /// An open file. Dropping one that was not closed discards what was not synced.
    type File: Send;

    /// Support for the methods of the last section, and POSIX's rules for open files: one can be
    /// opened several times, removed, renamed and replaced. Unsynced writes are then seen by
    /// others at once, instead of what littlefs promises.
    const POSIX: bool = false;

    /// Opens a file.
    fn open(&self, path: &str, mode: OpenMode) -> Result<Self::File, StorageError>;
    /// Reads up to `buffer.len()` bytes at the file's position; 0 only at its end.
    fn read(&self, file: &mut Self::File, buffer: &mut [u8]) -> Result<usize, StorageError>;
    /// Shows the rest of a file in pieces, none of them empty, and leaves the position at its end.
    /// `piece` does not use the storage. A port that has no better place reads into `buffer`; an
    /// empty one is [`StorageError::Invalid`].
    fn stream(
        &self,
        file: &mut Self::File,
        buffer: &mut [u8],
        piece: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StorageError> {
        stream_through(self, file, buffer, piece)
    }
    /// Writes all of `bytes` at the file's position, or fails.
    fn write(&self, file: &mut Self::File, bytes: &[u8]) -> Result<(), StorageError>;
    /// Moves the position and returns it, in bytes from the start.
    fn seek(&self, file: &mut Self::File, to: SeekFrom) -> Result<u64, StorageError>;
    /// Returns the file's size in bytes, with the bytes written through this handle.
    fn size(&self, file: &mut Self::File) -> Result<u64, StorageError>;
    /// Cuts or extends (with zeros) the file to `size` bytes; the position stays.
    fn truncate(&self, file: &mut Self::File, size: u64) -> Result<(), StorageError>;
    /// Makes everything written so far survive a power cut.
    fn sync(&self, file: &mut Self::File) -> Result<(), StorageError>;
    /// Syncs and closes.
    fn close(&self, file: Self::File) -> Result<(), StorageError>;

    /// Returns the metadata of the entry at a path.
    fn metadata(&self, path: &str) -> Result<Metadata, StorageError>;
    /// Makes one folder; the folder above it must be there.
    fn create_dir(&self, path: &str) -> Result<(), StorageError>;
    /// Removes a file or an empty folder.
    fn remove(&self, path: &str) -> Result<(), StorageError>;
    /// Renames, atomically replacing a file (or an empty folder) at `to`.
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;
    /// Calls `entry` for each name in a folder (never `.` or `..`), in no promised order,
    /// until it returns `false`. Entries may be neither added nor removed meanwhile.
    fn read_dir(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Metadata) -> bool,
    ) -> Result<(), StorageError>;
    /// [`read_dir`](Self::read_dir) without sizes, for a port that knows kinds sooner.
    fn read_names(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, EntryKind) -> bool,
    ) -> Result<(), StorageError> {
        self.read_dir(path, &mut |name, metadata| entry(name, metadata.kind))
    }
    /// Block size, in bytes: the space of a file is a multiple of it.
    fn block_bytes(&self) -> u32 {
        4096
    }
    /// Returns the space on the partition.
    fn space(&self) -> Result<Space, StorageError>;

    // Only for POSIX file systems; nothing calls these of any other.

    /// Attributes of the entry at a path; of a symbolic link itself.
    fn attributes(&self, path: &str) -> Result<Attributes, StorageError> {
        let _ = path;
        Err(StorageError::Unsupported)
    }
    /// Attributes of an open file.
    fn file_attributes(&self, file: &mut Self::File) -> Result<Attributes, StorageError> {
        let _ = file;
        Err(StorageError::Unsupported)
    }
    /// Sets the times of the entry at a path; of a symbolic link itself.
    fn set_times(&self, path: &str, times: Times) -> Result<(), StorageError> {
        let _ = (path, times);
        Err(StorageError::Unsupported)
    }
    /// Sets the times of an open file.
    fn set_file_times(&self, file: &mut Self::File, times: Times) -> Result<(), StorageError> {
        let _ = (file, times);
        Err(StorageError::Unsupported)
    }
    /// Reserves room for `length` bytes of a file from `offset` on, extending a shorter file.
    fn allocate(
        &self,
        file: &mut Self::File,
        offset: u64,
        length: u64,
    ) -> Result<(), StorageError> {
        let _ = (file, offset, length);
        Err(StorageError::Unsupported)
    }
    /// Copies the target of a symbolic link into `buffer`, as much as fits, and returns its
    /// length. [`StorageError::Invalid`] for any other entry.
    fn read_link(&self, path: &str, buffer: &mut [u8]) -> Result<usize, StorageError> {
        let _ = (path, buffer);
        Err(StorageError::Unsupported)
    }
    /// Makes a symbolic link at `path`. The target is not checked.
    fn symlink(&self, target: &str, path: &str) -> Result<(), StorageError> {
        let _ = (target, path);
        Err(StorageError::Unsupported)
    }
    /// Makes a second name, `to`, for the file or symbolic link at `from`.
    fn hard_link(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let _ = (from, to);
        Err(StorageError::Unsupported)
    }
}

/// Implements [`Storage::stream`] by reading into `buffer`: for a port whose better way does not
/// apply to a file.
///
/// # Errors
/// `Invalid`, or the errors of [`Storage::read`].
pub fn stream_through<S: Storage + ?Sized>(
    storage: &S,
    file: &mut S::File,
    buffer: &mut [u8],
    piece: &mut dyn FnMut(&[u8]),
) -> Result<(), StorageError> {
    if buffer.is_empty() {
        return Err(StorageError::Invalid);
    }
    loop {
        let count = storage.read(file, buffer)?;
        match buffer.get(..count) {
            Some([]) => return Ok(()),
            Some(bytes) => piece(bytes),
            None => return Err(StorageError::Io),
        }
    }
}

/// Returns true where there is a file or a folder of that path.
///
/// # Errors
/// The storage's own.
#[inline(never)]
pub fn exists<S: Storage>(storage: &S, path: &str) -> Result<bool, StorageError> {
    match storage.metadata(path) {
        Ok(_) => Ok(true),
        Err(StorageError::NotFound) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Attributes of an entry besides its kind and size. Times are nanoseconds since 1970-01-01 UTC,
/// and 0 for what lies before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes {
    /// Number of the file system that the entry is on.
    pub device: u64,
    /// Number of the entry on its file system.
    pub inode: u64,
    /// Count of hard links.
    pub links: u64,
    /// Time of the last read.
    pub accessed_ns: u64,
    /// Time of the last write.
    pub modified_ns: u64,
    /// Time of the last change of content or attributes.
    pub changed_ns: u64,
}

/// New value of one time of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetTime {
    /// Leaves the time alone.
    Keep,
    /// Sets the time to the present.
    Now,
    /// Sets the time to nanoseconds since 1970-01-01 UTC.
    At(u64),
}

/// New times of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// Time of the last read.
    pub accessed: SetTime,
    /// Time of the last write.
    pub modified: SetTime,
}
