// SPDX-License-Identifier: Apache-2.0
//! Content that is hashed while it is read.

use std::io::{self, Read};

use ocre_oci::Sha256;
use sha2::Digest as _;

use crate::blob::Blob;
use crate::error::{Error, RegistryCode};

/// Reader of content that fails at the end if the content is not as its descriptor says.
pub struct Verified<R> {
    inner: R,
    hasher: sha2::Sha256,
    blob: Blob,
    read: u64,
    judged: bool,
}

impl<R: Read> Verified<R> {
    /// `inner` reads the content from its beginning.
    pub fn new(inner: R, blob: &Blob) -> Self {
        Self::resumed(inner, blob, sha2::Sha256::new(), 0)
    }

    /// `inner` reads the content from `read` bytes on; `hasher` has the bytes before.
    pub fn resumed(inner: R, blob: &Blob, hasher: sha2::Sha256, read: u64) -> Self {
        Self {
            inner,
            hasher,
            blob: *blob,
            read,
            judged: false,
        }
    }

    fn judge(&mut self) -> Result<(), Error> {
        if self.judged {
            return Ok(());
        }
        if self.read != self.blob.size {
            return Err(wrong_size(&self.blob, self.read));
        }
        let digest = Sha256(std::mem::take(&mut self.hasher).finalize().into());
        if digest != self.blob.digest {
            let detail = format!("it is {digest}");
            return Err(Error::new(RegistryCode::DigestMismatch, self.blob.digest).because(detail));
        }
        self.judged = true;
        Ok(())
    }
}

/// Error for content whose size is not that of its descriptor.
pub fn wrong_size(blob: &Blob, found: u64) -> Error {
    let detail = format!("{found} bytes, not {}", blob.size);
    Error::new(RegistryCode::SizeMismatch, blob.digest).because(detail)
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        if count == 0 {
            self.judge()?;
            return Ok(0);
        }
        self.read += count as u64;
        if self.read > self.blob.size {
            return Err(wrong_size(&self.blob, self.read).into());
        }
        self.hasher.update(&buffer[..count]);
        // A caller that knows the size may not read the end of file.
        if self.read == self.blob.size {
            self.judge()?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(bytes: &[u8]) -> Blob {
        Blob {
            digest: Sha256::of(bytes),
            size: bytes.len() as u64,
        }
    }

    fn read(bytes: &[u8], blob: &Blob) -> Result<Vec<u8>, RegistryCode> {
        let mut found = Vec::new();
        match Verified::new(bytes, blob).read_to_end(&mut found) {
            Ok(_) => Ok(found),
            Err(error) => Err(Error::of_io(error, "").code()),
        }
    }

    #[test]
    fn content_is_what_its_digest_says() {
        assert_eq!(read(b"abc", &blob(b"abc")), Ok(b"abc".to_vec()));
        assert_eq!(read(b"", &blob(b"")), Ok(Vec::new()));
        assert_eq!(
            read(b"abd", &blob(b"abc")),
            Err(RegistryCode::DigestMismatch)
        );
        assert_eq!(read(b"ab", &blob(b"abc")), Err(RegistryCode::SizeMismatch));
        assert_eq!(
            read(b"abcd", &blob(b"abc")),
            Err(RegistryCode::SizeMismatch)
        );
    }

    #[test]
    fn the_last_byte_of_wrong_content_is_not_handed_out() {
        let mut wrong = Verified::new(&b"abd"[..], &blob(b"abc"));
        let mut one = [0; 1];
        assert_eq!(wrong.read(&mut one).unwrap(), 1);
        assert_eq!(wrong.read(&mut one).unwrap(), 1);
        assert!(wrong.read(&mut one).is_err());
    }
}
