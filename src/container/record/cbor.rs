// SPDX-License-Identifier: Apache-2.0
//! The little of CBOR (RFC 8949) that records are made of: whole numbers, texts, bytes, and arrays
//! and maps that say how many items follow. Heads are written as short as they can be. Its tests
//! hold it against another encoder and decoder.

use crate::port::StorageError;

/// The major types, as RFC 8949, section 3.1 numbers them.
const NUMBER: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

/// Takes bytes, in pieces.
pub type Put<'p> = &'p mut dyn FnMut(&[u8]) -> Result<(), StorageError>;

/// Gives the bytes of what is written to whoever takes them, until that fails.
pub struct Writer<'p> {
    put: Put<'p>,
    written: Result<(), StorageError>,
}

impl<'p> Writer<'p> {
    pub fn new(put: Put<'p>) -> Self {
        let written = Ok(());
        Self { put, written }
    }

    /// Whether all is written.
    ///
    /// # Errors
    /// The first of those that `put` has returned.
    pub fn finish(self) -> Result<(), StorageError> {
        self.written
    }

    #[inline(never)]
    fn put(&mut self, bytes: &[u8]) {
        if self.written.is_ok() {
            self.written = (self.put)(bytes);
        }
    }

    #[inline(never)]
    fn head(&mut self, major: u8, value: u64) {
        let bytes = value.to_be_bytes();
        let [.., low] = bytes;
        // Its length, and where it begins in the eight bytes.
        let (length, from) = match value {
            0..24 => (low, 8),
            24..0x100 => (24, 7),
            0x100..0x1_0000 => (25, 6),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 0),
        };
        self.put(&[major << 5 | length]);
        self.put(bytes.get(from..).unwrap_or_default());
    }

    /// A number.
    #[inline(never)]
    pub fn number(&mut self, value: u32) {
        self.head(NUMBER, value.into());
    }

    /// A number that may be large.
    pub fn long(&mut self, value: u64) {
        self.head(NUMBER, value);
    }

    /// A number that may be negative.
    pub fn signed(&mut self, value: i32) {
        match u32::try_from(value) {
            Ok(value) => self.number(value),
            Err(_) => self.head(NEGATIVE, value.unsigned_abs().wrapping_sub(1).into()),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.put(bytes);
    }

    /// A text.
    #[inline(never)]
    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.put(text.as_bytes());
    }

    /// An array of so many items, which come next.
    #[inline(never)]
    pub fn array(&mut self, items: usize) {
        self.head(ARRAY, items as u64);
    }

    /// A map of so many pairs of items, which come next.
    pub fn map(&mut self, pairs: usize) {
        self.head(MAP, pairs as u64);
    }
}

/// What comes next is something else than what is asked for, or not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unexpected;

/// Takes one item after the other from what has not been read.
pub struct Reader<'b>(pub &'b [u8]);

impl<'b> Reader<'b> {
    #[inline(never)]
    fn head(&mut self, major: u8) -> Result<u64, Unexpected> {
        let (&head, rest) = self.0.split_first().ok_or(Unexpected)?;
        if head >> 5 != major {
            return Err(Unexpected);
        }
        let bytes = match head & 31 {
            value @ 0..24 => {
                self.0 = rest;
                return Ok(value.into());
            }
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            // Of no such length, or of none: the end is marked.
            _ => return Err(Unexpected),
        };
        self.0 = rest;
        let value = self.take(bytes)?.iter();
        Ok(value.fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn take(&mut self, bytes: usize) -> Result<&'b [u8], Unexpected> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Unexpected)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline(never)]
    fn short(&mut self, major: u8) -> Result<u32, Unexpected> {
        self.head(major)?.try_into().map_err(|_| Unexpected)
    }

    /// A number.
    ///
    /// # Errors
    /// [`Unexpected`], as with all others.
    pub fn number(&mut self) -> Result<u32, Unexpected> {
        self.short(NUMBER)
    }

    /// A number of one byte.
    #[inline(never)]
    pub fn small(&mut self) -> Result<u8, Unexpected> {
        self.number()?.try_into().map_err(|_| Unexpected)
    }

    /// A number that may be large.
    pub fn long(&mut self) -> Result<u64, Unexpected> {
        self.head(NUMBER)
    }

    /// A number that may be negative.
    pub fn signed(&mut self) -> Result<i32, Unexpected> {
        let negative = self.0.first().is_some_and(|head| head >> 5 == NEGATIVE);
        let value = self.short(if negative { NEGATIVE } else { NUMBER })?;
        let value = i32::try_from(value).map_err(|_| Unexpected)?;
        Ok(if negative { !value } else { value })
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Result<&'b [u8], Unexpected> {
        let bytes = self.short(BYTES)?;
        self.take(bytes as usize)
    }

    /// A text.
    #[inline(never)]
    pub fn text(&mut self) -> Result<&'b str, Unexpected> {
        let bytes = self.short(TEXT)?;
        str::from_utf8(self.take(bytes as usize)?).map_err(|_| Unexpected)
    }

    /// How many items follow that are an array.
    #[inline(never)]
    pub fn array(&mut self) -> Result<u32, Unexpected> {
        self.short(ARRAY)
    }

    /// How many pairs of items follow that are a map.
    pub fn map(&mut self) -> Result<u32, Unexpected> {
        self.short(MAP)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use minicbor::encode::Error;
    use minicbor::encode::write::{Cursor, EndOfSlice};
    use minicbor::{Decoder, Encoder};

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

    type Other<'b> = Encoder<Cursor<&'b mut [u8]>>;

    /// What another encoder makes of the same.
    fn expected(
        write: impl for<'e, 'b> FnOnce(
            &'e mut Other<'b>,
        ) -> Result<&'e mut Other<'b>, Error<EndOfSlice>>,
    ) -> Vec<u8> {
        let mut bytes = [0; 400];
        let mut to = Encoder::new(Cursor::new(&mut bytes[..]));
        write(&mut to).unwrap();
        let count = to.writer().position();
        bytes[..count].to_vec()
    }

    /// Where the length of a head changes, and around it.
    fn numbers() -> impl Iterator<Item = u64> {
        let near = |number: u64| [number - 1, number, number.saturating_add(1)];
        [1, 24, 1 << 8, 1 << 16, 1 << 31, 1 << 32, u64::MAX]
            .into_iter()
            .flat_map(near)
    }

    #[test]
    fn numbers_are_written_as_other_encoders_do_and_read_back() {
        for number in numbers() {
            let bytes = written(|to| to.long(number));
            assert_eq!(bytes, expected(|to| to.u64(number)));
            let mut from = Reader(&bytes);
            assert_eq!((from.long(), from.0), (Ok(number), &[][..]));
            let small = u32::try_from(number).map_err(|_| Unexpected);
            assert_eq!(Reader(&bytes).number(), small);
            let smaller = u8::try_from(number).map_err(|_| Unexpected);
            assert_eq!(Reader(&bytes).small(), smaller);
            if let Ok(small) = small {
                assert_eq!(bytes, written(|to| to.number(small)));
                let (array, map) = (
                    written(|to| to.array(small as usize)),
                    written(|to| to.map(small as usize)),
                );
                assert_eq!(array, expected(|to| to.array(number)));
                assert_eq!(map, expected(|to| to.map(number)));
                assert_eq!(Reader(&array).array(), Ok(small));
                assert_eq!(Reader(&map).map(), Ok(small));
            }
        }
    }

    #[test]
    fn a_number_has_a_sign_where_it_may_have_one() {
        for number in numbers().filter_map(|number| i32::try_from(number).ok()) {
            for number in [number, -number, -number - 1] {
                let bytes = written(|to| to.signed(number));
                assert_eq!(bytes, expected(|to| to.i32(number)));
                assert_eq!(Reader(&bytes).signed(), Ok(number));
                let unsigned = u32::try_from(number).map_err(|_| Unexpected);
                assert_eq!(Reader(&bytes).number(), unsigned);
            }
        }
        for number in [i64::from(i32::MAX) + 1, i64::from(i32::MIN) - 1] {
            let bytes = expected(|to| to.i64(number));
            assert_eq!(Reader(&bytes).signed(), Err(Unexpected));
        }
    }

    #[test]
    fn texts_and_bytes_are_written_as_other_encoders_do_and_read_back() {
        for length in [0, 1, 23, 24, 255, 256, 300] {
            let text = "x".repeat(length);
            let bytes = written(|to| to.text(&text));
            assert_eq!(bytes, expected(|to| to.str(&text)));
            assert_eq!(Reader(&bytes).text(), Ok(&*text));
            let bytes = written(|to| to.bytes(text.as_bytes()));
            assert_eq!(bytes, expected(|to| to.bytes(text.as_bytes())));
            assert_eq!(Reader(&bytes).bytes(), Ok(text.as_bytes()));
        }
    }

    #[test]
    fn what_comes_is_what_another_decoder_finds_or_nothing() {
        // Every head, with what may follow it.
        for head in 0..=255_u8 {
            for more in [&[][..], &[0], &[0, 1, b'a', 0xff, 0, 0, 0, 1]] {
                let bytes = [&[head], more].concat();
                let from = || Decoder::new(&bytes);
                let read = || Reader(&bytes);
                assert_eq!(read().long().ok(), from().u64().ok(), "{bytes:x?}");
                assert_eq!(read().number().ok(), from().u32().ok(), "{bytes:x?}");
                assert_eq!(read().signed().ok(), from().i32().ok(), "{bytes:x?}");
                assert_eq!(read().text().ok(), from().str().ok(), "{bytes:x?}");
                assert_eq!(read().bytes().ok(), from().bytes().ok(), "{bytes:x?}");
                let items = from().array().ok().flatten();
                let items = items.and_then(|items| u32::try_from(items).ok());
                assert_eq!(read().array().ok(), items, "{bytes:x?}");
                let pairs = from().map().ok().flatten();
                let pairs = pairs.and_then(|pairs| u32::try_from(pairs).ok());
                assert_eq!(read().map().ok(), pairs, "{bytes:x?}");
            }
        }
        assert_eq!(Reader(&[]).number(), Err(Unexpected));
    }

    #[test]
    fn nothing_more_is_put_after_what_can_not_be() {
        let mut puts = 0;
        let mut put = |_: &[u8]| {
            puts += 1;
            Err(StorageError::NoSpace)
        };
        let mut to = Writer::new(&mut put);
        to.text("a");
        assert_eq!(to.finish(), Err(StorageError::NoSpace));
        assert_eq!(puts, 1);
    }
}
