// SPDX-License-Identifier: Apache-2.0
//! The terminal of attached containers.

/// Reason why output did not reach the console.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsoleError {
    /// The reader is gone: a pipe without its other end.
    Closed,
    /// The file that output is redirected to has no space left.
    Full,
    /// Any other failure.
    Io,
}

/// The terminal, or its replacement, of the attached containers.
pub trait Console {
    /// Shows bytes of a container's stdout or stderr: all of them, or an error.
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError>;
    /// Takes typed bytes without waiting: `None` when none are there yet, 0 at the end of input.
    fn read(&self, buffer: &mut [u8]) -> Option<usize>;
}

/// Output of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}
