// SPDX-License-Identifier: Apache-2.0
//! Promises of a port, and the failure to keep one.

use core::fmt;

use ocre::port::StorageError;

/// A promise that was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BrokenPromise {
    /// The promise.
    pub what: &'static str,
    /// Error of the port, if it answered with one.
    pub error: Option<StorageError>,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for BrokenPromise {}

pub fn expect(kept: bool, what: &'static str) -> Result<(), BrokenPromise> {
    if kept {
        Ok(())
    } else {
        Err(BrokenPromise { what, error: None })
    }
}

pub fn done<T>(result: Result<T, StorageError>, what: &'static str) -> Result<T, BrokenPromise> {
    result.map_err(|error| BrokenPromise {
        what,
        error: Some(error),
    })
}

pub fn refused<T>(
    result: Result<T, StorageError>,
    expected: StorageError,
    what: &'static str,
) -> Result<(), BrokenPromise> {
    match result {
        Err(error) if error == expected => Ok(()),
        other => Err(BrokenPromise {
            what,
            error: other.err(),
        }),
    }
}
