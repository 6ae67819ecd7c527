// SPDX-License-Identifier: Apache-2.0
//! The `ocre` command line, for the device's shell and for the PC alike.
//!
//! Promised: the same arguments give the same output everywhere; a command that fails says what,
//! why and what to do, and its [`Status`] says so too.

pub mod advice;
pub mod arguments;
pub mod line;
pub mod report;
pub mod verify;

use core::fmt;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It did what was asked.
    Ok,
    /// It refused or failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// A container ran, and this is what it ended with.
    Guest(u8),
}

impl Status {
    /// The exit code of a process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Guest(code) => code,
        }
    }
}

/// How a command ended; an error if its output can't be written.
pub type Outcome = Result<Status, fmt::Error>;
