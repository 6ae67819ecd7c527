// SPDX-License-Identifier: Apache-2.0
//! Errors of requests to a container.

use core::fmt;

use super::state::{Refusal, StartFailure};
use crate::image::verdict::Code;
use crate::port::StorageError;

/// Reason why a request to a container failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// No container has that name or handle.
    NotFound,
    /// A name is made of `a-z`, `0-9`, `.`, `_` and `-`, begins with a letter or a digit, and
    /// is at most [`MAX_NAME`](crate::limits::MAX_NAME) bytes long.
    NameSyntax,
    /// Another container has that name.
    NameTaken,
    /// A record of that name can't be read: see [`record`](super::record).
    RecordUnreadable,
    /// The device has no randomness to generate a name from.
    NameNeeded,
    /// The table of containers is full.
    TableFull,
    /// An argument holds a NUL.
    ArgumentSyntax,
    /// The arguments are longer than
    /// [`MAX_ARGUMENTS`](crate::limits::MAX_ARGUMENTS) together.
    ArgumentsTooLong,
    /// A variable is not `NAME=value`, or holds a NUL.
    EnvironmentSyntax,
    /// The environment is longer than [`MAX_ENVIRONMENT`](crate::limits::MAX_ENVIRONMENT).
    EnvironmentTooLong,
    /// A mount is not `SRC:DST[:ro]` with two absolute, plain paths.
    MountSyntax,
    /// The folder to be mounted is the runtime's own.
    MountSource,
    /// A mount's place in the container is taken.
    MountTarget,
    /// The mounts are more than [`MAX_MOUNTS`](crate::limits::MAX_MOUNTS), or longer than
    /// [`MAX_MOUNTS_TEXT`](crate::limits::MAX_MOUNTS_TEXT) together.
    MountsTooMany,
    /// A container that runs has one of the folders, and one of both may change it.
    MountInUse,
    /// A limit is larger than this device allows.
    LimitTooLarge,
    /// The image does not go with the limits.
    Image(Code),
    /// The request does not suit the container's state.
    State(Refusal),
    /// The guest could not be started.
    Start(StartFailure),
    /// The wait timed out.
    TimedOut,
    /// The partition failed.
    Storage(StorageError),
}

impl Error {
    /// The stable code, as `docs/errors.md` lists it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "container-not-found",
            Self::NameSyntax => "container-name-syntax",
            Self::NameTaken => "container-name-taken",
            Self::RecordUnreadable => "container-record-unreadable",
            Self::NameNeeded => "container-name-needed",
            Self::TableFull => "container-table-full",
            Self::ArgumentSyntax => "container-argument-syntax",
            Self::ArgumentsTooLong => "container-arguments-too-long",
            Self::EnvironmentSyntax => "container-environment-syntax",
            Self::EnvironmentTooLong => "container-environment-too-long",
            Self::MountSyntax => "mount-syntax",
            Self::MountSource => "mount-source",
            Self::MountTarget => "mount-target",
            Self::MountsTooMany => "mount-too-many",
            Self::MountInUse => "mount-in-use",
            Self::LimitTooLarge => "container-limit-too-large",
            Self::Image(code) => code.as_str(),
            Self::State(refusal) => refusal.code(),
            Self::Start(failure) => failure.code(),
            Self::TimedOut => "container-timed-out",
            Self::Storage(error) => error.code(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::State(refusal)
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}
