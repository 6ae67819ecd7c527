// SPDX-License-Identifier: Apache-2.0
//! Content digests (OCI descriptor.md, "Digests").
//!
//! sha256 is a value: owned, `Copy`, comparable with what a hasher produced. Any
//! other algorithm stays borrowed text, well-formed but never verified.

use core::fmt;
use core::str::FromStr;

use crate::{ErrorKind, Text};

/// A sha256 digest, displayed as `sha256:` and 64 lower-case hex digits.
///
/// ```
/// use ocre_oci::Sha256;
///
/// let digest = Sha256::of(b"hello");
/// let text = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// assert_eq!(digest.to_string(), text);
/// assert_eq!(text.parse(), Ok(digest));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(content);
        hasher.finish()
    }

    /// The 64 hex digits alone: the name of the blob in its layout.
    pub fn hex(&self) -> Hex<'_> {
        Hex(&self.0)
    }

    /// From 64 lower-case hex digits.
    ///
    /// # Errors
    /// `digest-syntax`.
    pub fn from_hex(digits: &str) -> Result<Self, ErrorKind> {
        Self::from_digits(Text::from(digits).chars()).ok_or(ErrorKind::DigestSyntax)
    }

    fn from_digits(mut digits: impl Iterator<Item = char>) -> Option<Self> {
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let mut nibble = || {
                let digit = digits.next().filter(|&digit| is_lower_hex(digit))?;
                u8::try_from(digit.to_digit(16)?).ok()
            };
            *byte = nibble()? << 4 | nibble()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

/// Makes the digest of content that comes in pieces.
///
/// ```
/// use ocre_oci::{Hasher, Sha256};
///
/// let mut hasher = Hasher::default();
/// hasher.update(b"hel");
/// hasher.update(b"lo");
/// assert_eq!(hasher.finish(), Sha256::of(b"hello"));
/// ```
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Takes the next piece.
    #[inline(never)] // a device has this once
    pub fn update(&mut self, piece: &[u8]) {
        sha2::Digest::update(&mut self.0, piece);
    }

    /// The digest of all pieces.
    #[inline(never)]
    pub fn finish(self) -> Sha256 {
        Sha256(sha2::Digest::finalize(self.0).into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = ErrorKind;

    /// Takes what `Display` writes; `digest-syntax` otherwise.
    fn from_str(text: &str) -> Result<Self, ErrorKind> {
        match DigestRef::parse(text)? {
            DigestRef::Sha256(digest) => Ok(digest),
            DigestRef::Other(_) => Err(ErrorKind::DigestSyntax),
        }
    }
}

/// Displays bytes as lower-case hex digits.
#[derive(Clone, Copy)]
pub struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A well-formed digest of any algorithm.
///
/// ```
/// use ocre_oci::DigestRef;
///
/// // Accepted in a document, and never verified.
/// let digest = DigestRef::parse("md5:900150983cd24fb0d6963f7d28e17f72")?;
/// assert_eq!(digest.sha256(), None);
/// # Ok::<(), ocre_oci::ErrorKind>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DigestRef<'a> {
    /// Digest that can be verified.
    Sha256(Sha256),
    /// Digest of an algorithm that is not implemented.
    Other(OtherDigest<'a>),
}

/// A digest of an algorithm other than sha256, displayed as `algorithm:encoded`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtherDigest<'a>(Text<'a>);

impl<'a> DigestRef<'a> {
    /// `algorithm:encoded`, where the algorithm is runs of `[a-z0-9]` joined by one
    /// of `+._-`, and encoded is one or more of `[A-Za-z0-9=_-]`; for sha256 and
    /// blake3 64, for sha512 128 lower-case hex digits.
    ///
    /// # Errors
    /// `digest-syntax`.
    pub fn parse(text: impl Into<Text<'a>>) -> Result<Self, ErrorKind> {
        let text = text.into();
        Self::read(text).ok_or(ErrorKind::DigestSyntax)
    }

    fn read(text: Text<'a>) -> Option<Self> {
        let mut characters = text.chars();
        let mut after_separator = true;
        let encoded = loop {
            match characters.next()? {
                'a'..='z' | '0'..='9' => after_separator = false,
                _ if after_separator => return None,
                '+' | '.' | '_' | '-' => after_separator = true,
                ':' => break characters,
                _ => return None,
            }
        };
        let is = |algorithm: &str| {
            let mut characters = text.chars();
            algorithm
                .chars()
                .all(|expected| characters.next() == Some(expected))
                && characters.next() == Some(':')
        };
        let is_hex =
            |length| encoded.clone().count() == length && encoded.clone().all(is_lower_hex);
        if is("sha256") {
            return Sha256::from_digits(encoded).map(Self::Sha256);
        }
        let well_formed = if is("blake3") {
            is_hex(64)
        } else if is("sha512") {
            is_hex(128)
        } else {
            encoded.clone().next().is_some() && encoded.clone().all(is_encoded)
        };
        well_formed.then_some(Self::Other(OtherDigest(text)))
    }

    /// The digest, if it is a sha256 one and can be verified.
    pub fn sha256(self) -> Option<Sha256> {
        match self {
            Self::Sha256(digest) => Some(digest),
            Self::Other(_) => None,
        }
    }
}

fn is_lower_hex(character: char) -> bool {
    matches!(character, '0'..='9' | 'a'..='f')
}

fn is_encoded(character: char) -> bool {
    matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9' | '=' | '_' | '-')
}

impl From<Sha256> for DigestRef<'_> {
    fn from(digest: Sha256) -> Self {
        Self::Sha256(digest)
    }
}

impl PartialEq<Sha256> for DigestRef<'_> {
    fn eq(&self, other: &Sha256) -> bool {
        self.sha256() == Some(*other)
    }
}

impl fmt::Display for DigestRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => digest.fmt(f),
            Self::Other(OtherDigest(text)) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIGEST, value};
    use std::format;
    use std::string::ToString;

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn sha256_prints_as_it_parses() {
        let digest: Sha256 = DIGEST.parse().unwrap();
        assert_eq!(digest.to_string(), DIGEST);
        assert_eq!(digest.hex().to_string(), HEX);
        assert_eq!(Sha256::from_hex(HEX), Ok(digest));
        assert_eq!(digest.0[..2], [0x01, 0x23]);
    }

    #[test]
    fn sha256_of_nothing_is_the_known_one() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Sha256::of(b"").hex().to_string(), hex);
    }

    #[test]
    fn sha256_may_be_spelt_with_escapes() {
        let spelt = format!("\"sha256\\u003a{HEX}\"");
        let text = value(&spelt).text().unwrap();
        assert_eq!(DigestRef::parse(text).unwrap().to_string(), DIGEST);
    }

    #[test]
    fn known_algorithms_take_their_number_of_lower_case_hex_digits() {
        for (algorithm, digits) in [("sha256", 64), ("blake3", 64), ("sha512", 128)] {
            let digest = |digits: &str| format!("{algorithm}:{digits}");
            assert!(
                DigestRef::parse(&*digest(&"a".repeat(digits))).is_ok(),
                "{algorithm}"
            );
            for bad in [
                "a".repeat(digits - 1),
                "a".repeat(digits + 1),
                "A".repeat(digits),
                "g".repeat(digits),
                "".to_string(),
            ] {
                let found = DigestRef::parse(&*digest(&bad)).map(|digest| digest.to_string());
                assert_eq!(found, Err(ErrorKind::DigestSyntax), "{algorithm}:{bad}");
            }
        }
    }

    #[test]
    fn any_other_well_formed_digest_is_one_that_cannot_be_verified() {
        for good in [
            "a:b",
            "multihash+base58:QmRZ",
            "sha256+b64u:LC_a-=",
            "a.b_c-d+e9:0",
            "0:0",
        ] {
            let digest = DigestRef::parse(good).unwrap();
            assert_eq!(digest.sha256(), None);
            assert_eq!(digest.to_string(), good);
        }
    }

    #[test]
    fn a_digest_is_algorithm_colon_encoded() {
        for bad in [
            "", ":", "a", "a:", ":b", "A:b", "a+:b", "+a:b", "a++b:c", "a b:c", "a:b c", "a:b:c",
            "a:b/c", "ä:b", "a:ä", "a:../b", "sha256", "sha256:",
        ] {
            let found = DigestRef::parse(bad).map(|digest| digest.to_string());
            assert_eq!(found, Err(ErrorKind::DigestSyntax), "{bad}");
        }
        assert_eq!("a:b".parse::<Sha256>(), Err(ErrorKind::DigestSyntax));
    }
}
