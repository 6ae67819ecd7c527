// SPDX-License-Identifier: Apache-2.0
//! CBOR of records: whole numbers, texts, bytes, and arrays and maps whose length comes first.
//!
//! Design: minicbor writes it, and the reader of signatures reads it. Here each kind of item has one
//! function, so that a record's many fields are calls and not copies, and an error is returned once,
//! in the end.

use minicbor::encode::Write;
use minicbor::{Encoder, encode};
use ocre_signature::cbor::{Cbor, CborError};

use crate::port::StorageError;

/// Takes bytes, in pieces.
pub type Put<'p> = &'p mut dyn FnMut(&[u8]) -> Result<(), StorageError>;

struct CborSink<'p>(Put<'p>);

impl Write for CborSink<'_> {
    type Error = StorageError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        (self.0)(bytes)
    }
}

/// Writes items as bytes to a callback, until that fails.
pub struct Writer<'p> {
    encoder: Encoder<CborSink<'p>>,
    written: Result<(), StorageError>,
}

impl<'p> Writer<'p> {
    pub fn new(put: Put<'p>) -> Self {
        Self {
            encoder: Encoder::new(CborSink(put)),
            written: Ok(()),
        }
    }

    /// Returns the result of all writes.
    ///
    /// # Errors
    /// The first error of `put`.
    pub fn finish(self) -> Result<(), StorageError> {
        self.written
    }

    fn write(
        &mut self,
        item: impl FnOnce(&mut Encoder<CborSink<'p>>) -> Result<(), encode::Error<StorageError>>,
    ) {
        if self.written.is_ok() {
            let written = item(&mut self.encoder);
            self.written = written.map_err(|error| error.into_write().unwrap_or(StorageError::Io));
        }
    }

    /// Writes a number.
    #[inline(never)]
    pub fn number(&mut self, value: u32) {
        self.long(value.into());
    }

    /// Writes a number that may be large.
    #[inline(never)]
    pub fn long(&mut self, value: u64) {
        self.write(|to| to.u64(value).map(drop));
    }

    /// Writes a number that may be negative.
    pub fn signed(&mut self, value: i32) {
        self.write(|to| to.i32(value).map(drop));
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.write(|to| to.bytes(bytes).map(drop));
    }

    /// Writes a text.
    #[inline(never)]
    pub fn text(&mut self, text: &str) {
        self.write(|to| to.str(text).map(drop));
    }

    /// Writes the head of an array; its `items` items come next.
    #[inline(never)]
    pub fn array(&mut self, items: usize) {
        self.write(|to| to.array(items as u64).map(drop));
    }

    /// Writes the head of a map; its `pairs` pairs of items come next.
    pub fn map(&mut self, pairs: usize) {
        self.write(|to| to.map(pairs as u64).map(drop));
    }
}

/// The next item is missing, is of another kind, or does not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unexpected;

impl From<CborError> for Unexpected {
    fn from(_: CborError) -> Self {
        Self
    }
}

/// Reads one item after the other.
pub struct Reader<'b>(Cbor<'b>);

impl<'b> Reader<'b> {
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(Cbor(bytes))
    }

    /// True where all is read.
    pub fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// Reads a number.
    ///
    /// # Errors
    /// [`Unexpected`], as with all others.
    #[inline(never)]
    pub fn number(&mut self) -> Result<u32, Unexpected> {
        self.long()?.try_into().map_err(|_| Unexpected)
    }

    /// Reads a number that may be large.
    #[inline(never)]
    pub fn long(&mut self) -> Result<u64, Unexpected> {
        Ok(self.0.unsigned()?)
    }

    /// Reads a number that may be negative.
    pub fn signed(&mut self) -> Result<i32, Unexpected> {
        Ok(self.0.integer()?)
    }

    /// Reads bytes.
    pub fn bytes(&mut self) -> Result<&'b [u8], Unexpected> {
        Ok(self.0.bytes()?)
    }

    /// Reads a text.
    #[inline(never)]
    pub fn text(&mut self) -> Result<&'b str, Unexpected> {
        Ok(self.0.text()?)
    }

    /// Reads the head of an array. Returns the number of its items, which come next.
    #[inline(never)]
    pub fn array(&mut self) -> Result<u32, Unexpected> {
        count(self.0.array())
    }

    /// Reads the head of a map. Returns the number of its pairs of items, which come next.
    pub fn map(&mut self) -> Result<u32, Unexpected> {
        count(self.0.map())
    }
}

fn count(items: Result<u64, CborError>) -> Result<u32, Unexpected> {
    items?.try_into().map_err(|_| Unexpected)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |more: &[u8]| {
            bytes.extend_from_slice(more);
            Ok(())
        };
        let mut to = Writer::new(&mut put);
        write(&mut to);
        to.finish().unwrap();
        bytes
    }

    #[test]
    fn each_kind_of_item_is_read_as_it_was_written() {
        let bytes = written(|to| {
            to.map(1);
            to.number(300);
            to.array(5);
            to.long(u64::MAX);
            to.signed(-1);
            to.signed(7);
            to.bytes(b"\0\xff");
            to.text("é");
        });
        let mut from = Reader::new(&bytes);
        assert_eq!((from.map(), from.number()), (Ok(1), Ok(300)));
        assert_eq!((from.array(), from.long()), (Ok(5), Ok(u64::MAX)));
        assert_eq!((from.signed(), from.signed()), (Ok(-1), Ok(7)));
        assert_eq!(from.bytes(), Ok(&b"\0\xff"[..]));
        assert!(!from.is_done());
        assert_eq!(from.text(), Ok("é"));
        assert!(from.is_done());
    }

    #[test]
    fn what_is_another_item_or_does_not_fit_is_unexpected() {
        let bytes = written(|to| to.number(256));
        assert_eq!(Reader::new(&bytes).text(), Err(Unexpected));
        assert_eq!(Reader::new(&bytes).array(), Err(Unexpected));
        assert_eq!(Reader::new(&[]).number(), Err(Unexpected));
        let bytes = written(|to| to.long(1 << 32));
        assert_eq!(Reader::new(&bytes).number(), Err(Unexpected));
        // Without a length: the end is marked.
        assert_eq!(Reader::new(&[0x9f, 0xff]).array(), Err(Unexpected));
        assert_eq!(Reader::new(&[0xbf, 0xff]).map(), Err(Unexpected));
    }

    #[test]
    fn nothing_is_written_behind_what_could_not_be() {
        let mut left = 2;
        let mut put = |_: &[u8]| {
            left -= 1;
            if left == 0 {
                Err(StorageError::NoSpace)
            } else {
                Ok(())
            }
        };
        let mut to = Writer::new(&mut put);
        to.number(1);
        to.number(2);
        to.text("never");
        assert_eq!(to.finish(), Err(StorageError::NoSpace));
        assert_eq!(left, 0);
    }
}
