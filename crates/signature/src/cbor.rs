// SPDX-License-Identifier: Apache-2.0
//! CBOR (RFC 8949), as far as envelopes and records of containers need it: definite lengths, and
//! integers of 64 bits. The reader of the crate minicbor makes 1 KB more of code.

use core::fmt;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

/// Not CBOR, or another item than the expected one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CborError;

impl fmt::Display for CborError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the expected CBOR")
    }
}

impl core::error::Error for CborError {}

/// CBOR that is still to be read.
///
/// ```
/// use ocre_signature::cbor::Cbor;
///
/// // {1: "a"}
/// let mut reader = Cbor(&[0xa1, 0x01, 0x61, 0x61]);
/// assert_eq!(reader.map(), Ok(1));
/// assert_eq!((reader.unsigned(), reader.text()), (Ok(1), Ok("a")));
/// assert!(reader.is_done());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cbor<'a>(pub &'a [u8]);

impl<'a> Cbor<'a> {
    /// Reads the head of an item: its major type and argument.
    #[inline(never)]
    fn head(&mut self) -> Result<(u8, u64), CborError> {
        let (&first, rest) = self.0.split_first().ok_or(CborError)?;
        let short = first & 0x1f;
        let length = match short {
            0..=23 => 0,
            24..=27 => 1 << (short & 3),
            _ => return Err(CborError),
        };
        let (argument, rest) = rest.split_at_checked(length).ok_or(CborError)?;
        self.0 = rest;
        let long = argument
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let argument = if length == 0 { short.into() } else { long };
        Ok((first >> 5, argument))
    }

    /// Reads the head of an item of that major type.
    fn expect(&mut self, major: u8) -> Result<u64, CborError> {
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(CborError),
        }
    }

    /// Takes the content of a string.
    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError)?;
        let (content, rest) = self.0.split_at_checked(length).ok_or(CborError)?;
        self.0 = rest;
        Ok(content)
    }

    /// Reads a byte string.
    ///
    /// # Errors
    /// [`CborError`], as with all others.
    #[inline(never)]
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        let length = self.expect(BYTES)?;
        self.take(length)
    }

    /// Reads a text.
    #[inline(never)]
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        let length = self.expect(TEXT)?;
        str::from_utf8(self.take(length)?).map_err(|_| CborError)
    }

    /// True where a text comes next.
    pub fn is_text(&self) -> bool {
        self.0.first().is_some_and(|first| first >> 5 == TEXT)
    }

    /// Reads an unsigned integer.
    pub fn unsigned(&mut self) -> Result<u64, CborError> {
        self.expect(UNSIGNED)
    }

    /// Reads an integer that is small enough for a label.
    #[inline(never)]
    pub fn integer(&mut self) -> Result<i32, CborError> {
        let (major, argument) = self.head()?;
        let number = i32::try_from(argument).map_err(|_| CborError)?;
        match major {
            UNSIGNED => Ok(number),
            NEGATIVE => Ok(!number),
            _ => Err(CborError),
        }
    }

    /// Reads the head of an array, and returns the number of its items, which come next.
    pub fn array(&mut self) -> Result<u64, CborError> {
        self.expect(ARRAY)
    }

    /// Reads the head of a map, and returns the number of its pairs, which come next.
    pub fn map(&mut self) -> Result<u64, CborError> {
        self.expect(MAP)
    }

    /// Reads a tag, whose item comes next.
    pub fn tag(&mut self) -> Result<u64, CborError> {
        self.expect(TAG)
    }

    /// Steps over an item.
    pub fn skip(&mut self) -> Result<(), CborError> {
        // Each of them has a byte at least, so the input ends the loop.
        let mut items = 1_u64;
        while let Some(rest) = items.checked_sub(1) {
            let (major, argument) = self.head()?;
            let more = match major {
                BYTES | TEXT => self.take(argument).map(|_| 0)?,
                ARRAY => argument,
                MAP => argument.saturating_mul(2),
                TAG => 1,
                // Integers, simple values and floating-point numbers end with their head.
                _ => 0,
            };
            items = rest.saturating_add(more);
        }
        Ok(())
    }

    /// True where all is read.
    pub fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_has_each_length() {
        for (bytes, number) in [
            (&[0x17][..], 23),
            (&[0x18, 0xff], 0xff),
            (&[0x19, 1, 2], 0x102),
            (&[0x1a, 1, 2, 3, 4], 0x0102_0304),
            (&[0x1b, 1, 2, 3, 4, 5, 6, 7, 8], 0x0102_0304_0506_0708),
        ] {
            let mut reader = Cbor(bytes);
            assert_eq!(reader.unsigned(), Ok(number));
            assert!(reader.is_done());
            for end in 0..bytes.len() {
                assert_eq!(Cbor(&bytes[..end]).unsigned(), Err(CborError));
            }
        }
        // Reserved, and indefinite.
        for first in [0x1c, 0x1d, 0x1e, 0x1f] {
            assert_eq!(Cbor(&[first, 0, 0]).unsigned(), Err(CborError));
        }
    }

    #[test]
    fn integers_are_of_32_bits() {
        for (bytes, number) in [
            (&[0x01][..], Ok(1)),
            (&[0x26], Ok(-7)),
            (&[0x1a, 0x7f, 0xff, 0xff, 0xff], Ok(i32::MAX)),
            (&[0x3a, 0x7f, 0xff, 0xff, 0xff], Ok(i32::MIN)),
            (&[0x1a, 0x80, 0, 0, 0], Err(CborError)),
            (&[0x3a, 0x80, 0, 0, 0], Err(CborError)),
            (&[0x41, 0], Err(CborError)),
        ] {
            assert_eq!(Cbor(bytes).integer(), number, "{bytes:x?}");
        }
    }

    #[test]
    fn strings_end_with_the_input() {
        assert_eq!(Cbor(&[0x42, 1, 2]).bytes(), Ok(&[1, 2][..]));
        assert_eq!(Cbor(&[0x62, b'h', b'i']).text(), Ok("hi"));
        for bytes in [&[0x42, 1][..], &[0x62, b'h'], &[0x61, 0xff], &[0x5f, 0xff]] {
            assert_eq!(Cbor(bytes).bytes(), Err(CborError));
            assert_eq!(Cbor(bytes).text(), Err(CborError));
        }
        let longest = [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(Cbor(&longest).bytes(), Err(CborError));
    }

    #[test]
    fn nested_items_are_stepped_over() {
        // {1: [h'00', "a", {2: true}], 3: 1(4), 5: 1.5}, and 6.
        let bytes = [
            0xa3, 0x01, 0x83, 0x41, 0x00, 0x61, b'a', 0xa1, 0x02, 0xf5, 0x03, 0xc1, 0x04, 0x05,
            0xf9, 0x3e, 0x00, 0x06,
        ];
        let mut reader = Cbor(&bytes);
        assert_eq!(reader.skip(), Ok(()));
        assert_eq!(reader.unsigned(), Ok(6));
        for end in 0..bytes.len() - 1 {
            assert_eq!(Cbor(&bytes[..end]).skip(), Err(CborError), "{end}");
        }
        // Arrays in arrays as deep as the input, and as many items as a number can say.
        assert_eq!(Cbor(&[0x81; 100_000]).skip(), Err(CborError));
        let most = [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
        assert_eq!(Cbor(&most).skip(), Err(CborError));
    }
}
