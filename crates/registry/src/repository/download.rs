// SPDX-License-Identifier: Apache-2.0
//! A blob's bytes, however often the connection breaks.

use std::io::{self, Read};

use ureq::BodyReader;

use super::Repository;
use crate::blob::Blob;
use crate::client::Retries;
use crate::error::{Error, RegistryCode};
use crate::hashing::wrong_size;

/// Bytes of a connection that reset the count of retries.
const GOOD_BYTES: u64 = 1 << 20;

/// Reader of a blob that goes on with a new connection where one breaks, so that a registry may
/// restart meanwhile. Retries count anew after a connection that has delivered `GOOD_BYTES`.
pub struct Download<'a> {
    repository: &'a Repository<'a>,
    blob: Blob,
    position: u64,
    body: Option<BodyReader<'static>>,
    retries: Retries,
    since_failure: u64,
}

impl<'a> Download<'a> {
    /// Starts at `position`.
    ///
    /// # Errors
    /// Errors of the registry.
    pub fn start(
        repository: &'a Repository<'a>,
        blob: &Blob,
        position: u64,
    ) -> Result<Self, Error> {
        let settings = repository.client().settings();
        let mut download = Self {
            repository,
            blob: *blob,
            position,
            body: None,
            retries: Retries::new(settings),
            since_failure: 0,
        };
        if position < blob.size {
            download.body = Some(download.open()?);
        }
        Ok(download)
    }

    fn open(&self) -> Result<BodyReader<'static>, Error> {
        self.repository.range(&self.blob, self.position)
    }

    /// Reads from the open connection, or from a new one.
    fn attempt(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let host = self.repository.name().host();
        let body = match &mut self.body {
            Some(body) => body,
            None => {
                let body = self.open()?;
                self.body.insert(body)
            }
        };
        let count = body
            .read(buffer)
            .map_err(|error| self.repository.client().failure(error.into(), host))?;
        if count == 0 {
            let detail = format!("after {} bytes of {}", self.position, self.blob.size);
            return Err(Error::new(RegistryCode::Truncated, self.blob.digest).because(detail));
        }
        Ok(count)
    }
}

impl Read for Download<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position == self.blob.size {
            return Ok(0);
        }
        loop {
            match self.attempt(buffer) {
                Ok(count) => {
                    self.position += count as u64;
                    self.since_failure += count as u64;
                    if self.position > self.blob.size {
                        return Err(wrong_size(&self.blob, self.position).into());
                    }
                    return Ok(count);
                }
                Err(error) => {
                    self.body = None;
                    if std::mem::take(&mut self.since_failure) >= GOOD_BYTES {
                        self.retries = Retries::new(self.repository.client().settings());
                    }
                    self.retries.wait(error, None)?;
                }
            }
        }
    }
}
