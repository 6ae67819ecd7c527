// SPDX-License-Identifier: Apache-2.0
//! What a call answers where it does not do what it is asked.

use ocre::container::Stopped;
use ocre::port::memory::OutOfBounds;
use ocre::port::{ConsoleError, StorageError};

/// WASI's `errno`; the numbers are preview 1's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Errno {
    /// The file system's permissions do not allow it.
    Acces = 2,
    /// Nothing is there yet, and the descriptor does not wait.
    Again = 6,
    /// No such descriptor, or not one that this can be done to.
    Badf = 8,
    /// The file is in use.
    Busy = 10,
    /// The container's files take as much room as they may.
    Dquot = 19,
    /// It is there already.
    Exist = 20,
    /// An address, or what it leads to, is not in linear memory.
    Fault = 21,
    /// A file would be too large.
    Fbig = 22,
    /// A path is not UTF-8.
    Ilseq = 25,
    /// An argument makes no sense.
    Inval = 28,
    /// The device did not do its part.
    Io = 29,
    /// It is a folder.
    Isdir = 31,
    /// A path has too many symbolic links, or ends with one that is not to be followed.
    Loop = 32,
    /// The container has as many files open as it may.
    Mfile = 33,
    /// A path is too long.
    Nametoolong = 37,
    /// There is no such file or folder.
    Noent = 44,
    /// No memory.
    Nomem = 48,
    /// The partition is full.
    Nospc = 51,
    /// No such function here.
    Nosys = 52,
    /// It is no folder.
    Notdir = 54,
    /// The folder is not empty.
    Notempty = 55,
    /// It is no socket.
    Notsock = 57,
    /// This file system can't do that.
    Notsup = 58,
    /// A path leads out of its folder.
    Perm = 63,
    /// The reader of the output is gone.
    Pipe = 64,
    /// It can only be read.
    Rofs = 69,
    /// It has no position.
    Spipe = 70,
    /// The two lie in different trees.
    Xdev = 75,
    /// The descriptor's rights don't cover it.
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

/// Why a call does not simply succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The guest gets this answer.
    Errno(Errno),
    /// The guest ends, with the exit code that is its call's first argument.
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

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}
