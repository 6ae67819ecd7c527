// SPDX-License-Identifier: Apache-2.0
//! Rollback protection: the highest sequence of each image name that has worked on this device.
//!
//! A signer orders the images of one name by a number, the annotation `dev.ocre.sequence` of the
//! signed descriptor. An image with a lower number than one that has worked is refused, and one
//! without a number counts as 0. All tags of a name are one line of releases.
//!
//! Promised: a record only grows, until a [reset](SequenceRecords::reset); whenever the power goes, it has its old number
//! or the new one; a record that can't be read refuses every image of that name.
//!
//! A record is the file [`FOLDER`]`/HEX` of the layout with the number in eight bytes, the most
//! significant first. HEX is the SHA-256 of the name. An old content of the whole partition has old
//! records: [`SequenceCounter`] is the port for memory elsewhere that only grows.

use core::fmt::Write as _;

use ocre_oci::{Reference, Sha256};

use super::OciLayout;
use super::blob::read_file;
use super::verdict::Code;
use crate::folders::create_if_absent;
use crate::limits::SIGNATURES;
use crate::port::path::Path;
use crate::port::{SequenceCounter, Storage, StorageError};
use crate::{atomic, port};

/// Folder of the records.
pub const FOLDER: &str = "/sequences";

/// Number of an image among those of its name, as its signature has it; 0 without one. Takes no
/// memory in a build without signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sequence([[u8; 8]; SIGNATURES as usize]);

impl Sequence {
    /// No number.
    pub const NONE: Self = Self([[0; 8]; SIGNATURES as usize]);

    /// A signed number.
    pub fn new(number: u64) -> Self {
        let mut sequence = Self::NONE;
        if let Some(bytes) = sequence.0.first_mut() {
            *bytes = number.to_ne_bytes();
        }
        sequence
    }

    /// Number.
    pub fn get(self) -> u64 {
        self.0.first().copied().map_or(0, u64::from_ne_bytes)
    }
}

/// Records of a device.
#[derive(Clone, Copy)]
pub struct SequenceRecords<'a, S> {
    /// Layout of the partition.
    pub layout: OciLayout<'a, S>,
    /// Counter outside of the partition, if there is one.
    pub counter: Option<&'a (dyn SequenceCounter + Sync)>,
}

impl<S: Storage> SequenceRecords<'_, S> {
    /// Highest number that has worked, of the name in the tag; 0 where there is none.
    ///
    /// # Errors
    /// `rollback` for a record that can't be read; the storage's own.
    #[inline(never)] // its frame is not to stay under the guest
    pub fn highest(&self, tag: &str) -> Result<u64, Code> {
        let name = name_of(tag);
        let counted = match self.counter {
            Some(counter) => counter.highest(&name).ok_or(Code::Rollback)?,
            None => 0,
        };
        Ok(self.recorded(&name)?.max(counted))
    }

    fn recorded(&self, name: &Sha256) -> Result<u64, Code> {
        // One byte more than a record has.
        let mut bytes = [0; 9];
        let path = self.path(name)?;
        let length = match read_file(self.layout.storage, &path, &mut bytes) {
            Err(StorageError::NotFound) => return Ok(0),
            read => read?,
        };
        match bytes {
            [number @ .., _] if length == number.len() => Ok(u64::from_be_bytes(number)),
            _ => Err(Code::Rollback),
        }
    }

    /// Checks that an image of that tag is not older than one that has worked.
    ///
    /// # Errors
    /// `rollback`; the storage's own.
    pub fn check(&self, tag: &str, sequence: Sequence) -> Result<(), Code> {
        if sequence.get() < self.highest(tag)? {
            return Err(Code::Rollback);
        }
        Ok(())
    }

    /// Records that an image of that tag has worked. Returns true where the number is a new one.
    ///
    /// # Errors
    /// `rollback` for a record that can't be read; the storage's own.
    #[inline(never)]
    pub fn raise(&self, tag: &str, sequence: Sequence) -> Result<bool, Code> {
        let number = sequence.get();
        let name = name_of(tag);
        if let Some(counter) = self.counter
            && counter
                .highest(&name)
                .is_none_or(|highest| highest < number)
            && !counter.raise(&name, number)
        {
            return Err(Code::Rollback);
        }
        if number <= self.recorded(&name)? {
            return Ok(false);
        }
        let storage = self.layout.storage;
        let path = self.path(&name)?;
        create_if_absent(storage, port::path::split(&path).0)?;
        atomic::replace(storage, &path, &mut |out| out.write(&number.to_be_bytes()))?;
        Ok(true)
    }

    /// Removes the record of the name in the tag, and returns its number; `None` for a record that
    /// can't be read.
    ///
    /// # Errors
    /// The storage's own.
    pub fn reset(&self, tag: &str) -> Result<Option<u64>, StorageError> {
        let name = name_of(tag);
        let path = self.path(&name)?;
        let number = match self.recorded(&name) {
            Err(Code::Storage(error)) => return Err(error),
            number => number.ok(),
        };
        match self.layout.storage.remove(&path) {
            Ok(()) | Err(StorageError::NotFound) => Ok(number),
            Err(error) => Err(error),
        }
    }

    fn path(&self, name: &Sha256) -> Result<Path, StorageError> {
        let mut path = Path::new();
        let root = self.layout.root.trim_end_matches('/');
        let hex = name.hex();
        write!(path, "{root}{FOLDER}/{hex}").map_err(|_| StorageError::NameTooLong)?;
        Ok(path)
    }
}

/// SHA-256 of the name in a tag. A text that is no reference is a name as a whole.
fn name_of(tag: &str) -> Sha256 {
    let name = Reference::parse(tag).map_or(tag, |reference| reference.name());
    Sha256::of(name.as_bytes())
}
