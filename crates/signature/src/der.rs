// SPDX-License-Identifier: Apache-2.0
//! DER (ITU-T X.690), as far as certificates and signatures need it.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Not DER, or another element than the expected one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DerError;

/// DER (ITU-T X.690) that is still to be read.
#[derive(Clone, Copy)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

impl<'a> Der<'a> {
    pub(crate) fn is_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Takes an element of that tag, and returns its content.
    pub(crate) fn element(&mut self, tag: u8) -> Result<Self, DerError> {
        let (first, rest) = self.0.split_first().ok_or(DerError)?;
        if *first != tag {
            return Err(DerError);
        }
        let (length, rest) = length(rest).ok_or(DerError)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(DerError)?;
        self.0 = rest;
        Ok(Self(content))
    }

    pub(crate) fn end(self) -> Result<(), DerError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DerError)
        }
    }

    /// Takes a positive integer of at most 32 bytes, in its one shortest form.
    pub(crate) fn scalar(&mut self) -> Result<[u8; 32], DerError> {
        let bytes = match self.element(INTEGER)?.0 {
            // A zero byte stands before a first bit that is set.
            [0, rest @ ..] if rest.first().is_some_and(|first| *first >= 0x80) => rest,
            bytes @ [1..=0x7f, ..] => bytes,
            _ => return Err(DerError),
        };
        let mut scalar = [0; 32];
        let start = scalar.len().checked_sub(bytes.len()).ok_or(DerError)?;
        let end = scalar.get_mut(start..).ok_or(DerError)?;
        end.copy_from_slice(bytes);
        Ok(scalar)
    }
}

/// Reads a definite length in its one shortest form, of at most two further bytes.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    match (first, rest) {
        (0..=0x7f, _) => Some((usize::from(first), rest)),
        (0x81, [low @ 0x80..=0xff, rest @ ..]) => Some((usize::from(*low), rest)),
        (0x82, [high @ 1..=0xff, low, rest @ ..]) => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::der;

    #[test]
    fn a_length_has_one_form() {
        assert_eq!(length(&[5, 9]), Some((5, &[9][..])));
        assert_eq!(length(&[0x81, 0x80]), Some((0x80, &[][..])));
        assert_eq!(length(&[0x82, 1, 0]), Some((0x100, &[][..])));
        for other in [
            &[][..],
            &[0x80],
            &[0x81],
            &[0x81, 0x7f],
            &[0x82, 0, 0xff],
            &[0x82, 1],
            &[0x83, 1, 0, 0],
            &[0xff],
        ] {
            assert_eq!(length(other), None, "{other:x?}");
        }
        assert_eq!(der(0x30, &[0; 200])[..3], [0x30, 0x81, 200]);
    }

    #[test]
    fn a_scalar_has_one_form() {
        let scalar = |bytes: &[u8]| Der(&der(INTEGER, bytes)).scalar();
        let number = |last: [u8; 2]| {
            let mut scalar = [0; 32];
            scalar[30..].copy_from_slice(&last);
            Ok(scalar)
        };
        assert_eq!(scalar(&[1]), number([0, 1]));
        assert_eq!(scalar(&[0x7f, 2]), number([0x7f, 2]));
        assert_eq!(scalar(&[0, 0x80]), number([0, 0x80]));
        assert_eq!(scalar(&[0x7f; 32]), Ok([0x7f; 32]));
        assert_eq!(scalar(&[&[0][..], &[0xff; 32]].concat()), Ok([0xff; 32]));
        for other in [&[][..], &[0], &[0, 1], &[0x80], &[0, 0, 0x80], &[1; 33]] {
            assert_eq!(scalar(other), Err(DerError), "{other:x?}");
        }
        assert_eq!(Der(&der(BIT_STRING, &[1])).scalar(), Err(DerError));
    }
}
