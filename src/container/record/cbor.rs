// SPDX-License-Identifier: Apache-2.0
//! The part of CBOR (RFC 8949) that records are made of: integers, texts, byte strings, arrays
//! and maps, each with its length in front.
//!
//! Promised: what is written is read back the same; whatever the bytes are, reading them ends,
//! with [`Wrong`] where they are something else.

use crate::port::StorageError;

/// The kinds of items, in the three high bits of an item's first byte.
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Bytes that are not what was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wrong;

/// Where an [`Encoder`] writes to.
pub trait Sink {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Its own.
    fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError>;
}

/// Writes one item after the other; each call fails as its sink does.
pub struct Encoder<S>(pub S);

type Written<'e, S> = Result<&'e mut Encoder<S>, StorageError>;

#[allow(clippy::missing_errors_doc)] // said above
impl<S: Sink> Encoder<S> {
    /// The first byte of an item and its number, as short as it can be.
    fn head(&mut self, kind: u8, number: u64) -> Written<'_, S> {
        let [.., c7, c6, c5, c4, c3, c2, c1, c0] = number.to_be_bytes();
        let kind = kind << 5;
        match number {
            0..24 => self.0.put(&[kind | c0]),
            24..=0xff => self.0.put(&[kind | 24, c0]),
            0x100..=0xffff => self.0.put(&[kind | 25, c1, c0]),
            0x1_0000..=0xffff_ffff => self.0.put(&[kind | 26, c3, c2, c1, c0]),
            _ => self.0.put(&[kind | 27, c7, c6, c5, c4, c3, c2, c1, c0]),
        }?;
        Ok(self)
    }

    /// An unsigned integer.
    pub fn u64(&mut self, number: u64) -> Written<'_, S> {
        self.head(UNSIGNED, number)
    }

    /// An unsigned integer.
    pub fn u32(&mut self, number: u32) -> Written<'_, S> {
        self.head(UNSIGNED, number.into())
    }

    /// An unsigned integer.
    pub fn u8(&mut self, number: u8) -> Written<'_, S> {
        self.head(UNSIGNED, number.into())
    }

    /// An integer.
    pub fn i32(&mut self, number: i32) -> Written<'_, S> {
        match u32::try_from(number) {
            Ok(number) => self.u32(number),
            Err(_) => self.head(NEGATIVE, (!number).unsigned_abs().into()),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> Written<'_, S> {
        self.string(BYTES, bytes)
    }

    /// A text.
    pub fn str(&mut self, text: &str) -> Written<'_, S> {
        self.string(TEXT, text.as_bytes())
    }

    fn string(&mut self, kind: u8, bytes: &[u8]) -> Written<'_, S> {
        self.head(kind, bytes.len() as u64)?;
        self.0.put(bytes)?;
        Ok(self)
    }

    /// An array, whose items follow.
    pub fn array(&mut self, items: u64) -> Written<'_, S> {
        self.head(ARRAY, items)
    }

    /// A map, whose keys follow, each with its value.
    pub fn map(&mut self, pairs: u64) -> Written<'_, S> {
        self.head(MAP, pairs)
    }
}

/// Reads one item after the other; after an error the rest is not to be used.
#[derive(Clone, Debug)]
pub struct Decoder<'b> {
    rest: &'b [u8],
}

#[allow(clippy::missing_errors_doc)] // there is but one
impl<'b> Decoder<'b> {
    /// The items in these bytes.
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing is left.
    pub const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, count: u64) -> Result<&'b [u8], Wrong> {
        let count = usize::try_from(count).map_err(|_| Wrong)?;
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Wrong)?;
        self.rest = rest;
        Ok(taken)
    }

    /// What kind of item comes next, and its number: a value, or how much follows.
    fn head(&mut self) -> Result<(u8, u64), Wrong> {
        let (&first, rest) = self.rest.split_first().ok_or(Wrong)?;
        self.rest = rest;
        let number = match first & 0x1f {
            short @ 0..24 => short.into(),
            long @ 24..28 => self
                .take(1 << (long & 3))?
                .iter()
                .fold(0, |number, &byte| number << 8 | u64::from(byte)),
            // A length that is found out by reading on.
            _ => return Err(Wrong),
        };
        Ok((first >> 5, number))
    }

    /// The number of an item of that kind.
    fn expect(&mut self, wanted: u8) -> Result<u64, Wrong> {
        match self.head()? {
            (kind, number) if kind == wanted => Ok(number),
            _ => Err(Wrong),
        }
    }

    /// An unsigned integer.
    pub fn u64(&mut self) -> Result<u64, Wrong> {
        self.expect(UNSIGNED)
    }

    /// An unsigned integer.
    pub fn u32(&mut self) -> Result<u32, Wrong> {
        self.u64()?.try_into().map_err(|_| Wrong)
    }

    /// An unsigned integer.
    pub fn u8(&mut self) -> Result<u8, Wrong> {
        self.u64()?.try_into().map_err(|_| Wrong)
    }

    /// An integer.
    pub fn i32(&mut self) -> Result<i32, Wrong> {
        let (kind, number) = self.head()?;
        let number = i32::try_from(number).map_err(|_| Wrong)?;
        match kind {
            UNSIGNED => Ok(number),
            NEGATIVE => Ok(!number),
            _ => Err(Wrong),
        }
    }

    /// A byte string.
    pub fn bytes(&mut self) -> Result<&'b [u8], Wrong> {
        let length = self.expect(BYTES)?;
        self.take(length)
    }

    /// A text.
    pub fn str(&mut self) -> Result<&'b str, Wrong> {
        let length = self.expect(TEXT)?;
        str::from_utf8(self.take(length)?).map_err(|_| Wrong)
    }

    /// How many items an array has.
    pub fn array(&mut self) -> Result<u64, Wrong> {
        self.expect(ARRAY)
    }

    /// How many keys a map has.
    pub fn map(&mut self) -> Result<u64, Wrong> {
        self.expect(MAP)
    }

    /// Passes over an item with all that is in it.
    pub fn skip(&mut self) -> Result<(), Wrong> {
        // Each round takes a byte at least, so this ends.
        let mut items: u64 = 1;
        while let Some(left) = items.checked_sub(1) {
            let (kind, number) = self.head()?;
            let inner = match kind {
                ARRAY => number,
                MAP => number.saturating_mul(2),
                TAG => 1,
                _ => 0,
            };
            if matches!(kind, BYTES | TEXT) {
                self.take(number)?;
            }
            items = left.saturating_add(inner);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    impl Sink for Vec<u8> {
        fn put(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
            self.extend_from_slice(bytes);
            Ok(())
        }
    }

    fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>)) -> Vec<u8> {
        let mut encoder = Encoder(Vec::new());
        write(&mut encoder);
        encoder.0
    }

    #[test]
    fn numbers_have_the_bytes_of_the_standard() {
        // Of RFC 8949, appendix A.
        for (number, bytes) in [
            (0, &[0x00][..]),
            (23, &[0x17]),
            (24, &[0x18, 0x18]),
            (255, &[0x18, 0xff]),
            (1000, &[0x19, 0x03, 0xe8]),
            (1_000_000, &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (
                1_000_000_000_000,
                &[0x1b, 0x00, 0x00, 0x00, 0xe8, 0xd4, 0xa5, 0x10, 0x00],
            ),
            (u64::MAX, &[0x1b, 255, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(written(|to| drop(to.u64(number))), bytes, "{number}");
            assert_eq!(Decoder::new(bytes).u64(), Ok(number));
        }
        for (number, bytes) in [
            (-1, &[0x20][..]),
            (-100, &[0x38, 0x63]),
            (i32::MIN, &[0x3a, 0x7f, 0xff, 0xff, 0xff]),
            (i32::MAX, &[0x1a, 0x7f, 0xff, 0xff, 0xff]),
        ] {
            assert_eq!(written(|to| drop(to.i32(number))), bytes, "{number}");
            assert_eq!(Decoder::new(bytes).i32(), Ok(number));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_or_is_something_else_is_wrong() {
        assert_eq!(Decoder::new(&[0x19, 1, 0]).u8(), Err(Wrong));
        assert_eq!(
            Decoder::new(&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]).u32(),
            Err(Wrong)
        );
        assert_eq!(Decoder::new(&[0x3a, 0x80, 0, 0, 0]).i32(), Err(Wrong));
        assert_eq!(Decoder::new(&[0x20]).u64(), Err(Wrong));
        assert_eq!(Decoder::new(&[0x61, b'1']).u32(), Err(Wrong));
        assert_eq!(Decoder::new(&[]).u64(), Err(Wrong));
    }

    #[test]
    fn strings_and_what_holds_others_are_read_back() {
        let bytes = written(|to| {
            let all = to.array(2).and_then(|to| to.map(1));
            let all = all.and_then(|to| to.str("é")).and_then(|to| to.bytes(&[0]));
            drop(all.and_then(|to| to.u8(7)));
        });
        assert_eq!(bytes, [0x82, 0xa1, 0x62, 0xc3, 0xa9, 0x41, 0, 7]);
        let mut from = Decoder::new(&bytes);
        assert_eq!(from.array(), Ok(2));
        assert_eq!(from.map(), Ok(1));
        assert_eq!(from.str(), Ok("é"));
        assert_eq!(from.bytes(), Ok(&[0][..]));
        assert_eq!(from.u8(), Ok(7));
        assert!(from.is_at_end());
    }

    #[test]
    fn a_string_that_is_cut_or_no_text_is_wrong() {
        assert_eq!(Decoder::new(&[0x62, b'a']).str(), Err(Wrong));
        assert_eq!(Decoder::new(&[0x61, 0xff]).str(), Err(Wrong));
        assert_eq!(Decoder::new(&[0x41, 1]).str(), Err(Wrong));
        let longest = [0x5b, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(Decoder::new(&longest).bytes(), Err(Wrong));
    }

    #[test]
    fn one_item_is_passed_over_with_all_that_is_in_it() {
        for item in [
            &[0x18, 200][..],
            &[0x39, 1, 0],
            &[0x43, 1, 2, 3],
            &[0x80],
            &[0x82, 1, 0x61, b'x'],
            &[0xa1, 1, 0x81, 0xa1, 2, 3],
            &[0xc1, 0x1a, 0, 0, 0, 0],
            &[0xf5],
            &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            let bytes = [item, &[9]].concat();
            let mut from = Decoder::new(&bytes);
            assert_eq!(from.skip(), Ok(()), "{item:?}");
            assert_eq!(from.u8(), Ok(9), "{item:?}");
            for end in 0..item.len() {
                let cut = item.get(..end).unwrap();
                assert_eq!(Decoder::new(cut).skip(), Err(Wrong), "{cut:?}");
            }
        }
        // More than there can be, within itself; and no length.
        for endless in [
            &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255, 0x9f, 0][..],
            &[0xbb, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0],
            &[0x9f, 0xff],
        ] {
            assert_eq!(Decoder::new(endless).skip(), Err(Wrong), "{endless:?}");
        }
    }
}
