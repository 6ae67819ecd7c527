// SPDX-License-Identifier: Apache-2.0
//! Names of containers. A name is also a folder's name on the partition, so nothing but a
//! [`Name`] ever becomes part of a path there.

use core::fmt::{self, Write as _};
use core::ops::Deref;

use heapless::String;

use super::Error;
use crate::limits::MAX_NAME;
use crate::port::Entropy;

/// Name of a container: `[a-z0-9][a-z0-9._-]*`, at most [`MAX_NAME`] bytes.
///
/// ```
/// use ocre::container::{Error, Name};
///
/// assert_eq!(&*Name::parse("web.1")?, "web.1");
/// assert_eq!(Name::parse("../web"), Err(Error::NameSyntax));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(String<MAX_NAME, u8>);

impl Name {
    /// Parses a name.
    ///
    /// # Errors
    /// [`Error::NameSyntax`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let well_formed = text.bytes().next().is_some_and(plain)
            && text
                .bytes()
                .all(|byte| plain(byte) || b"._-".contains(&byte));
        if !well_formed {
            return Err(Error::NameSyntax);
        }
        String::try_from(text)
            .map(Self)
            .map_err(|_| Error::NameSyntax)
    }

    /// Generates a name from 48 random bits, so that it does not come again after a reboot.
    ///
    /// # Errors
    /// [`Error::NameNeeded`] where there is no randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, Error> {
        let mut random = [0; 6];
        if !entropy.fill(&mut random) {
            return Err(Error::NameNeeded);
        }
        let mut name = String::new();
        // There is room for 14 bytes.
        let _ = name.push_str("c-");
        for byte in random {
            let _ = write!(name, "{byte:02x}");
        }
        Ok(Self(name))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_folders_name_and_nothing_that_leads_elsewhere() {
        for good in ["a", "0", "web-1", "a.b_c-d", &"x".repeat_to::<MAX_NAME>()] {
            assert_eq!(&*Name::parse(good).unwrap(), good);
        }
        let long = "x".repeat_to::<{ MAX_NAME + 1 }>();
        for bad in [
            "", ".", "..", "-a", "_a", "A", "a/b", "a b", "a\0", "ä", "a:b", &long,
        ] {
            assert_eq!(Name::parse(bad), Err(Error::NameSyntax), "{bad:?}");
        }
    }

    trait Repeat {
        fn repeat_to<const N: usize>(&self) -> String<N>;
    }

    impl Repeat for str {
        fn repeat_to<const N: usize>(&self) -> String<N> {
            let mut text = String::new();
            while text.push_str(self).is_ok() {}
            text
        }
    }

    struct Dice(Option<u8>);

    impl Entropy for Dice {
        fn fill(&self, buffer: &mut [u8]) -> bool {
            buffer.fill(self.0.unwrap_or(0));
            self.0.is_some()
        }
    }

    #[test]
    fn a_made_up_name_is_random_or_none() {
        let name = Name::generate(&Dice(Some(0xa5))).unwrap();
        assert_eq!(&*name, "c-a5a5a5a5a5a5");
        assert_eq!(Name::parse(&name), Ok(name));
        assert_eq!(Name::generate(&Dice(None)), Err(Error::NameNeeded));
    }
}
