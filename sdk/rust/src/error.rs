// SPDX-License-Identifier: Apache-2.0
//! Errors of calls.

use core::fmt;

/// Errno, with Linux's numbers on every platform.
///
/// ```
/// use ocre_guest::{Error, Timer};
///
/// // On a PC there is no runtime.
/// let error = Timer::new(1).unwrap_err();
/// assert_eq!(error, Error::ENOSYS);
/// assert_eq!(error.errno(), 38);
/// assert_eq!(error.to_string(), "there is no such function here");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error(i32);

/// Result of a call.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// The container does not have the permission: the image must ask for it, and the operator
    /// grant it.
    pub const EPERM: Self = Self(1);
    /// No sensor has that name.
    pub const ENOENT: Self = Self(2);
    /// The device failed.
    pub const EIO: Self = Self(5);
    /// No memory is left.
    pub const ENOMEM: Self = Self(12);
    /// The pin or timer is in use, by this container or by another one.
    pub const EBUSY: Self = Self(16);
    /// The device does not exist.
    pub const ENODEV: Self = Self(19);
    /// An argument is not valid.
    pub const EINVAL: Self = Self(22);
    /// The function does not exist here.
    pub const ENOSYS: Self = Self(38);
    /// No event has come.
    pub const ENOMSG: Self = Self(42);
    /// The message is too long.
    pub const EMSGSIZE: Self = Self(90);
    /// The device does not support the operation.
    pub const ENOTSUP: Self = Self(95);
    /// The time to wait is over.
    pub const ETIMEDOUT: Self = Self(110);

    /// Number of the errno.
    pub const fn errno(self) -> i32 {
        self.0
    }

    const fn text(self) -> Option<&'static str> {
        Some(match self {
            Self::EPERM => "the permission was not granted",
            Self::ENOENT => "there is none of that name",
            Self::EIO => "the device failed",
            Self::ENOMEM => "there is no room",
            Self::EBUSY => "it is in use",
            Self::ENODEV => "there is no such device",
            Self::EINVAL => "an argument makes no sense",
            Self::ENOSYS => "there is no such function here",
            Self::ENOMSG => "there is no event",
            Self::EMSGSIZE => "the message is too long",
            Self::ENOTSUP => "the device can't do that",
            Self::ETIMEDOUT => "the time is over",
            _ => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => f.write_str(text),
            None => write!(f, "errno {}", self.0),
        }
    }
}

/// Prints the text and the number, as a `main` that returns the error shows them.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{text} (errno {})", self.0),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl core::error::Error for Error {}

/// Converts an answer: a number from 0 on, or an errno, negated.
pub(crate) fn check(answer: i32) -> Result<u32> {
    u32::try_from(answer).map_err(|_| Error(answer.saturating_neg()))
}

/// Converts an answer whose number does not matter.
pub(crate) fn done(answer: i32) -> Result<()> {
    check(answer).map(|_| ())
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString as _;

    use super::*;

    #[test]
    fn an_answer_below_zero_is_an_errno() {
        assert_eq!(check(0), Ok(0));
        assert_eq!(check(i32::MAX), Ok(i32::MAX as u32));
        assert_eq!(check(-1), Err(Error::EPERM));
        assert_eq!(check(-110), Err(Error::ETIMEDOUT));
        assert_eq!(check(i32::MIN).unwrap_err().errno(), i32::MAX);
    }

    #[test]
    fn every_error_can_be_told() {
        assert_eq!(Error::EPERM.to_string(), "the permission was not granted");
        assert_eq!(check(-77).unwrap_err().to_string(), "errno 77");
    }

    #[test]
    fn debug_prints_the_text_too() {
        let debug = |error: Error| std::format!("{error:?}");
        let text = "the permission was not granted (errno 1)";
        assert_eq!(debug(Error::EPERM), text);
        assert_eq!(debug(check(-77).unwrap_err()), "errno 77");
    }
}
