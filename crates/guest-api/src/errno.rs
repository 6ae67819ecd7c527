// SPDX-License-Identifier: Apache-2.0
//! Errno of a failed call, which the guest gets negated.

use ocre::container::Killed;
use ocre::port::devices::DeviceError;
use ocre::port::memory::OutOfBounds;

/// Errno, with Linux's numbers, as in the guests' libc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Errno {
    /// The container does not have the permission.
    Perm = 1,
    /// No container has subscribed; no sensor has that name.
    Noent = 2,
    /// The device failed.
    Io = 5,
    /// No memory is left.
    Nomem = 12,
    /// An address, or the memory behind it, is outside of linear memory.
    Fault = 14,
    /// A pin or a timer is in use.
    Busy = 16,
    /// There is no such device.
    Nodev = 19,
    /// An argument is not valid.
    Inval = 22,
    /// The function does not exist here.
    Nosys = 38,
    /// No event has come.
    Nomsg = 42,
    /// The message is too long.
    Msgsize = 90,
    /// The device does not support the operation.
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

/// Reason why a call does not return its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Error {
    /// The guest gets this errno.
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

impl From<Killed> for Error {
    fn from(_: Killed) -> Self {
        Self::Stopped
    }
}
