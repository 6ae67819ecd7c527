// SPDX-License-Identifier: Apache-2.0
//! Errno of a failed call.

use ocre::container::Killed;
use ocre::port::memory::OutOfBounds;
use ocre::port::{ConsoleError, StorageError};

/// WASI's `errno`; the numbers are preview 1's.
///
/// ```
/// use ocre_wasi::Errno;
///
/// assert_eq!(Errno::Badf as u16, 8);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Errno {
    /// The file system's permissions do not allow the call.
    Acces = 2,
    /// No input has come yet, and the descriptor does not wait.
    Again = 6,
    /// The descriptor is not open, or does not support the call.
    Badf = 8,
    /// The file is in use.
    Busy = 10,
    /// The container's files have reached their limit.
    Dquot = 19,
    /// The file or folder exists already.
    Exist = 20,
    /// An address, or the memory behind it, is outside of linear memory.
    Fault = 21,
    /// A file would be too large.
    Fbig = 22,
    /// A path is not UTF-8.
    Ilseq = 25,
    /// An argument is not valid.
    Inval = 28,
    /// The device failed.
    Io = 29,
    /// The path leads to a folder.
    Isdir = 31,
    /// A path has too many symbolic links, or ends with one that must not be followed.
    Loop = 32,
    /// The container has reached its limit of open files.
    Mfile = 33,
    /// A path is too long.
    Nametoolong = 37,
    /// There is no such file or folder.
    Noent = 44,
    /// No memory.
    Nomem = 48,
    /// The partition is full.
    Nospc = 51,
    /// The function does not exist here.
    Nosys = 52,
    /// The path leads to something other than a folder.
    Notdir = 54,
    /// The folder is not empty.
    Notempty = 55,
    /// The descriptor is not a socket.
    Notsock = 57,
    /// The file system does not support the call.
    Notsup = 58,
    /// A path leads out of its folder, or a hard link is asked for a folder.
    Perm = 63,
    /// The reader of the output is gone.
    Pipe = 64,
    /// The tree is read-only.
    Rofs = 69,
    /// The descriptor has no position.
    Spipe = 70,
    /// The two paths are in different trees.
    Xdev = 75,
    /// The descriptor lacks the right.
    Notcapable = 76,
}

impl From<StorageError> for Errno {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::Noent,
            StorageError::Exists => Self::Exist,
            StorageError::NotDirectory => Self::Notdir,
            StorageError::IsDirectory => Self::Isdir,
            StorageError::NotEmpty => Self::Notempty,
            StorageError::NoSpace => Self::Nospc,
            StorageError::NameTooLong => Self::Nametoolong,
            StorageError::Invalid => Self::Inval,
            StorageError::NoMemory => Self::Nomem,
            StorageError::Corrupt | StorageError::Io => Self::Io,
            StorageError::Unsupported => Self::Notsup,
            StorageError::Denied => Self::Acces,
        }
    }
}

impl From<ConsoleError> for Errno {
    fn from(error: ConsoleError) -> Self {
        match error {
            ConsoleError::Closed => Self::Pipe,
            ConsoleError::Full => Self::Nospc,
            ConsoleError::Io => Self::Io,
        }
    }
}

impl From<OutOfBounds> for Errno {
    fn from(_: OutOfBounds) -> Self {
        Self::Fault
    }
}

/// Reason why a call does not return its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The guest gets this errno.
    Errno(Errno),
    /// The guest ends, with the call's first argument as its exit code.
    Exit,
    /// The guest is being stopped.
    Stopped,
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<OutOfBounds> for Error {
    fn from(error: OutOfBounds) -> Self {
        Self::Errno(error.into())
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::Errno(error.into())
    }
}

impl From<Killed> for Error {
    fn from(_: Killed) -> Self {
        Self::Stopped
    }
}
