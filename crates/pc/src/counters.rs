// SPDX-License-Identifier: Apache-2.0
//! Counters of a simulated device in a folder, in the place of a secure element's.
//!
//! Each is a file named by the SHA-256 of the image name, with the number in decimal digits. A change
//! replaces the file whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use ocre::port::SequenceCounter;
use ocre_oci::Sha256;

/// Longest content: the digits of the largest number.
const MAX_BYTES: u64 = 20;

/// Folder with counters.
#[derive(Clone, Debug)]
pub struct FolderCounters {
    folder: PathBuf,
}

impl FolderCounters {
    /// Counters in a folder, which is made for the first number.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn read(&self, name: &Sha256) -> io::Result<u64> {
        let path = self.folder.join(name.hex().to_string());
        let text = match ocre_files::read_text(&path, MAX_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            text => text?,
        };
        text.parse().map_err(io::Error::other)
    }

    fn write(&self, name: &Sha256, number: u64) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let hex = name.hex();
        let temporary = self.folder.join(format!(".new{hex}"));
        // What an earlier process has left.
        let _ = fs::remove_file(&temporary);
        let mut file = ocre_files::create_private(&temporary)?;
        file.write_all(number.to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, self.folder.join(hex.to_string()))
    }
}

impl SequenceCounter for FolderCounters {
    fn highest(&self, name: &Sha256) -> Option<u64> {
        self.read(name).ok()
    }

    fn raise(&self, name: &Sha256, number: u64) -> bool {
        let is_larger = self.read(name).is_ok_and(|highest| highest < number);
        is_larger && self.write(name, number).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_only_grows_and_a_damaged_one_has_no_number() {
        let folder = tempfile::tempdir().unwrap();
        let counters = FolderCounters::new(folder.path().join("counters"));
        let (name, other) = (Sha256::of(b"app"), Sha256::of(b"other"));
        assert_eq!(counters.highest(&name), Some(0));
        assert!(counters.raise(&name, 7));
        assert!(!counters.raise(&name, 7));
        assert!(!counters.raise(&name, 6));
        assert!(counters.raise(&name, u64::MAX));
        assert_eq!(counters.highest(&name), Some(u64::MAX));
        assert_eq!(counters.highest(&other), Some(0));
        let path = folder.path().join("counters").join(name.hex().to_string());
        for content in [
            "",
            "x",
            "-1",
            "18446744073709551616",
            "000000000000000000007",
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(counters.highest(&name), None, "{content:?}");
            assert!(!counters.raise(&name, 9), "{content:?}");
        }
    }
}
