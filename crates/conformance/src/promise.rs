// SPDX-License-Identifier: Apache-2.0
//! Promises of a port, and the failure to keep one.

use core::fmt;

use ocre::port::StorageError;

/// A promise that was not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The promise.
    pub what: &'static str,
    /// Error of the port, if it answered with one.
    pub error: Option<StorageError>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        match self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Failure {}

pub fn expect(kept: bool, what: &'static str) -> Result<(), Failure> {
    if kept {
        Ok(())
    } else {
        Err(Failure { what, error: None })
    }
}

pub fn done<T>(result: Result<T, StorageError>, what: &'static str) -> Result<T, Failure> {
    result.map_err(|error| Failure {
        what,
        error: Some(error),
    })
}

pub fn refused<T>(
    result: Result<T, StorageError>,
    expected: StorageError,
    what: &'static str,
) -> Result<(), Failure> {
    match result {
        Err(error) if error == expected => Ok(()),
        other => Err(Failure {
            what,
            error: other.err(),
        }),
    }
}
