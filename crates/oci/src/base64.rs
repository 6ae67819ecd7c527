// SPDX-License-Identifier: Apache-2.0
//! Base64 with padding (RFC 4648 section 4), decoded as a stream.
//!
//! Accepted is the one canonical spelling of each content: no white space, no
//! missing padding, no stray bits in the last character.

use crate::text::{Chars, Text};

/// Not canonical base64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadBase64;

/// Groups of one to three decoded bytes.
#[derive(Clone)]
pub(crate) struct Groups<'a> {
    characters: Chars<'a>,
    padded: bool,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(characters: Chars<'a>) -> Self {
        Self {
            characters,
            padded: false,
        }
    }

    fn group(&mut self, first: char) -> Result<Group, BadBase64> {
        if self.padded {
            return Err(BadBase64);
        }
        let mut next = || self.characters.next().ok_or(BadBase64);
        let (first, second) = (sextet(first)?, sextet(next()?)?);
        let (third, fourth) = (next()?, next()?);
        let (third, fourth, length) = match (third, fourth) {
            ('=', '=') if second & 0x0f == 0 => (0, 0, 1),
            (third, '=') if sextet(third)? & 0x03 == 0 => (sextet(third)?, 0, 2),
            (third, fourth) => (sextet(third)?, sextet(fourth)?, 3),
        };
        self.padded = length < 3;
        let bytes = [
            first << 2 | second >> 4,
            second << 4 | third >> 2,
            third << 6 | fourth,
        ];
        Ok(Group { bytes, length })
    }
}

impl Iterator for Groups<'_> {
    type Item = Result<Group, BadBase64>;

    fn next(&mut self) -> Option<Self::Item> {
        let first = self.characters.next()?;
        Some(self.group(first))
    }
}

/// Decodes the one canonical spelling of a content into a buffer. `None` for another text, or if
/// the buffer is too short.
///
/// ```
/// use ocre_oci::{Text, decode_base64};
///
/// let mut buffer = [0; 4];
/// assert_eq!(decode_base64(Text::from("T2NyZQ=="), &mut buffer), Some(&b"Ocre"[..]));
/// assert_eq!(decode_base64(Text::from("T2NyZQ"), &mut buffer), None);
/// ```
pub fn decode_base64<'b>(text: Text<'_>, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut length = 0_usize;
    for group in Groups::new(text.chars()) {
        let group = group.ok()?;
        let end = length.checked_add(group.length)?;
        buffer.get_mut(length..end)?.copy_from_slice(group.bytes());
        length = end;
    }
    buffer.get(..length)
}

/// Decoded bytes of a group, one to three.
pub(crate) struct Group {
    bytes: [u8; 3],
    length: usize,
}

impl Group {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl IntoIterator for Group {
    type Item = u8;
    type IntoIter = core::iter::Take<core::array::IntoIter<u8, 3>>;

    fn into_iter(self) -> Self::IntoIter {
        self.bytes.into_iter().take(self.length)
    }
}

fn sextet(character: char) -> Result<u8, BadBase64> {
    let byte = u8::try_from(character).map_err(|_| BadBase64)?;
    match byte {
        b'A'..=b'Z' => Ok(byte.wrapping_sub(b'A')),
        b'a'..=b'z' => Ok(byte.wrapping_sub(b'a').wrapping_add(26)),
        b'0'..=b'9' => Ok(byte.wrapping_sub(b'0').wrapping_add(52)),
        b'+' => Ok(62),
        b'/' => Ok(63),
        _ => Err(BadBase64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn decode(text: &str) -> Result<Vec<u8>, BadBase64> {
        let mut buffer = std::vec![0; text.len()];
        let decoded = decode_base64(Text::from(text), &mut buffer).ok_or(BadBase64)?;
        Ok(decoded.to_vec())
    }

    #[test]
    fn decodes_the_vectors_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(
                decode(encoded).as_deref(),
                Ok(plain.as_bytes()),
                "{encoded}"
            );
        }
        assert_eq!(decode("+/+/"), Ok(std::vec![0xfb, 0xff, 0xbf]));
    }

    #[test]
    fn refuses_other_spellings() {
        for bad in [
            "Zg", "Zg=", "Zm8", "Z", "====", "Zh==", "Zm9=", "Zg==Zg==", "Zm 8=", "Zm9v\n", "Zm-_",
            "Zg=A", "Zé==",
        ] {
            assert_eq!(decode(bad), Err(BadBase64), "{bad}");
        }
    }
}
