// SPDX-License-Identifier: Apache-2.0
//! Names that people give to images.

use core::fmt;

use crate::{DigestRef, Error, ErrorKind};

/// `name`, `name:tag`, `name@digest` or `name:tag@digest`.
///
/// Name and tag follow the OCI distribution specification ("Pulling manifests"):
/// the name is components joined by `/`, each of runs of `[a-z0-9]` joined by one
/// of `.`, `_`, `__` or any number of `-`; the first may end in `:port`, if another
/// follows. The name has at most 255 bytes. The tag is one of `[A-Za-z0-9_]`, then
/// up to 127 of `[A-Za-z0-9._-]`.
///
/// ```
/// use ocre_oci::{ErrorKind, Reference};
///
/// let reference = Reference::parse("localhost:5000/app:1.2")?;
/// assert_eq!(reference.name(), "localhost:5000/app");
/// assert_eq!(reference.tag(), Some("1.2"));
/// assert_eq!(reference.digest(), None);
///
/// let error = Reference::parse("App").unwrap_err();
/// assert_eq!(error.kind, ErrorKind::ReferenceSyntax);
/// # Ok::<(), ocre_oci::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reference<'a> {
    name: &'a str,
    tag: Option<&'a str>,
    digest: Option<DigestRef<'a>>,
}

impl<'a> Reference<'a> {
    /// Longest name, in bytes.
    pub const MAX_NAME: usize = 255;
    /// Longest tag, in bytes.
    pub const MAX_TAG: usize = 128;

    /// # Errors
    /// `reference-syntax`, or `digest-syntax` for what follows the `@`; the offset
    /// is that of the offending part.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let (named, digest) = match text.split_once('@') {
            None => (text, None),
            Some((named, digest)) => {
                let offset = named.len().saturating_add(1);
                let parsed = DigestRef::parse(digest).map_err(|kind| error(kind, offset))?;
                (named, Some(parsed))
            }
        };
        // A colon in front of a slash belongs to a port.
        let last = named.bytes().rposition(|byte| matches!(byte, b':' | b'/'));
        let parts = last.and_then(|last| named.split_at_checked(last));
        let (name, tag) = match parts.map(|(name, rest)| (name, rest.strip_prefix(':'))) {
            Some((name, Some(tag))) => (name, Some(tag)),
            _ => (named, None),
        };
        if !is_name(name) {
            return Err(error(ErrorKind::ReferenceSyntax, 0));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(error(
                ErrorKind::ReferenceSyntax,
                name.len().saturating_add(1),
            ));
        }
        Ok(Self { name, tag, digest })
    }

    /// Name, without tag and digest.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The tag, if one is given.
    pub fn tag(&self) -> Option<&'a str> {
        self.tag
    }

    /// The digest, if one is given. It decides, whatever the tag.
    pub fn digest(&self) -> Option<DigestRef<'a>> {
        self.digest
    }
}

impl fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(tag) = self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn error(kind: ErrorKind, offset: usize) -> Error {
    Error {
        kind,
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
    }
}

fn is_name(name: &str) -> bool {
    if name.len() > Reference::MAX_NAME {
        return false;
    }
    match name.split_once('/') {
        None => is_component(name),
        Some((first, rest)) => {
            let host = match first.split_once(':') {
                Some((host, port)) if is_port(port) => host,
                _ => first,
            };
            is_component(host) && rest.split('/').all(is_component)
        }
    }
}

fn is_port(port: &str) -> bool {
    port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Runs of letters and digits; between two of them one separator.
fn is_component(component: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut rest = component.as_bytes();
    loop {
        let run = rest.iter().take_while(|byte| alphanumeric(byte)).count();
        let Some((run, after)) = rest.split_at_checked(run) else {
            return false;
        };
        if run.is_empty() {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        let separator = after.iter().take_while(|byte| !alphanumeric(byte)).count();
        let Some((separator, after)) = after.split_at_checked(separator) else {
            return false;
        };
        let valid =
            matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|&b| b == b'-');
        if !valid {
            return false;
        }
        rest = after;
    }
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let first = tag.bytes().next().is_some_and(word);
    first
        && tag.len() <= Reference::MAX_TAG
        && tag
            .bytes()
            .all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::DIGEST;
    use std::format;
    use std::string::ToString;

    type Parts<'a> = (&'a str, Option<&'a str>, bool);

    #[test]
    fn name_tag_and_digest_come_in_four_forms() {
        let forms: [(&str, Parts<'_>); 4] = [
            ("hello", ("hello", None, false)),
            ("hello:1.0", ("hello", Some("1.0"), false)),
            (&format!("hello@{DIGEST}"), ("hello", None, true)),
            (&format!("hello:1.0@{DIGEST}"), ("hello", Some("1.0"), true)),
        ];
        for (text, (name, tag, digest)) in forms {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(reference.name(), name);
            assert_eq!(reference.tag(), tag);
            assert_eq!(reference.digest().is_some(), digest);
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn a_name_is_components_of_lower_case_runs() {
        let longest = "a".repeat(255);
        for good in [
            "a",
            "0",
            "a.b",
            "a_b",
            "a__b",
            "a-b",
            "a---b",
            "a/b",
            "ghcr.io/a/b",
            "localhost:5000/a",
            "a:0/b:t",
            &longest,
        ] {
            assert_eq!(Reference::parse(good).unwrap().to_string(), good);
        }
        let too_long = "a".repeat(256);
        for bad in [
            "",
            "A",
            "a..b",
            "a___b",
            "a_-b",
            ".a",
            "a.",
            "-a",
            "a-",
            "_a",
            "/a",
            "a/",
            "a//b",
            "a b",
            "ä",
            "a\0",
            ":t",
            "a:b:c",
            "a:5000/b/c:1:2",
            "a/b:1/c",
            "a:/b",
            "a:x/b",
            "a:+1/b",
            "a:70000/b",
            "../a",
            "a/../b",
            &too_long,
        ] {
            let error = Reference::parse(bad)
                .map(|found| found.to_string())
                .unwrap_err();
            assert_eq!(error.kind, ErrorKind::ReferenceSyntax, "{bad}");
        }
    }

    #[test]
    fn a_tag_is_a_word_of_at_most_128_bytes() {
        let longest = format!("a:{}", "t".repeat(128));
        for good in ["a:1", "a:_", "a:V1.0-rc_1", &longest] {
            assert_eq!(Reference::parse(good).unwrap().to_string(), good);
        }
        let too_long = format!("a:{}", "t".repeat(129));
        for bad in ["a:", "a:.", "a:-1", "a:1+2", "a:ä", "a: ", &too_long] {
            let error = Error {
                kind: ErrorKind::ReferenceSyntax,
                offset: 2,
            };
            assert_eq!(Reference::parse(bad), Err(error), "{bad}");
        }
    }

    #[test]
    fn a_digest_is_well_formed() {
        assert!(Reference::parse("a@blake9:x").is_ok());
        for bad in ["a@", "a@b", "a@sha256:0", "a@b:c@d:e"] {
            let error = Error {
                kind: ErrorKind::DigestSyntax,
                offset: 2,
            };
            assert_eq!(Reference::parse(bad), Err(error), "{bad}");
        }
    }
}
