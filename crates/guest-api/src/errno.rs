// SPDX-License-Identifier: Apache-2.0
//! What a call answers where it does not do what it is asked: an errno's number, negated.

use ocre::container::Stopped;
use ocre::port::devices::DeviceError;
use ocre::port::memory::OutOfBounds;

/// The numbers are Linux's, as they are in the guests' libc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Errno {
    /// The container does not have the permission.
    Perm = 1,
    /// Nobody has subscribed; no sensor has that name.
    Noent = 2,
    /// The device did not do its part.
    Io = 5,
    /// There is no room.
    Nomem = 12,
    /// An address, or what it leads to, is not in linear memory.
    Fault = 14,
    /// It is in use.
    Busy = 16,
    /// There is no such device.
    Nodev = 19,
    /// An argument makes no sense.
    Inval = 22,
    /// No such function here.
    Nosys = 38,
    /// No event has come.
    Nomsg = 42,
    /// The message is too long.
    Msgsize = 90,
    /// The device can't do that.
    Notsup = 95,
    /// The time to wait is over.
    Timedout = 110,
}

impl From<DeviceError> for Errno {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Absent => Self::Nodev,
            DeviceError::Unsupported => Self::Notsup,
            DeviceError::Io => Self::Io,
        }
    }
}

/// Why a call does not simply succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Error {
    /// The guest gets this answer.
    Errno(Errno),
    /// The guest is being stopped.
    Stopped,
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<DeviceError> for Error {
    fn from(error: DeviceError) -> Self {
        Self::Errno(error.into())
    }
}

impl From<OutOfBounds> for Error {
    fn from(_: OutOfBounds) -> Self {
        Self::Errno(Errno::Fault)
    }
}

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}
