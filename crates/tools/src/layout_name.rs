// SPDX-License-Identifier: Apache-2.0
//! `LAYOUT[:REF|@DIGEST]`: an OCI layout on the PC, and one of its images.
//!
//! A path may hold colons too, so the longest beginning that exists, as a folder or a file, is
//! the layout. As in skopeo, `oci:` or `oci-archive:` may stand before it.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ocre::image::judge::Selector;
use ocre_oci::Sha256;

/// A layout's folder or archive, and the image in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutName {
    /// Path of the folder or file, which may not exist.
    pub path: PathBuf,
    /// Name of the image, as the index spells it.
    pub name: Option<String>,
    /// Digest of the manifest.
    pub digest: Option<Sha256>,
}

impl LayoutName {
    /// Parses an argument; the error is a message for the user.
    pub fn parse(argument: &OsStr) -> Result<Self, String> {
        let bytes = argument.as_bytes();
        let whole = Self {
            path: PathBuf::from(argument),
            name: None,
            digest: None,
        };
        if whole.path.exists() {
            return Ok(whole);
        }
        let separators = (1..bytes.len()).filter(|at| matches!(bytes[*at], b':' | b'@'));
        let is_there = |at: &usize| Path::new(OsStr::from_bytes(&bytes[..*at])).exists();
        // If no beginning exists, the first separator ends the path.
        let Some(at) = separators
            .clone()
            .rev()
            .find(is_there)
            .or_else(|| separators.clone().next())
        else {
            return Ok(whole);
        };
        let path = PathBuf::from(OsStr::from_bytes(&bytes[..at]));
        let image = std::str::from_utf8(&bytes[at..]).map_err(|_| "the reference is not UTF-8")?;
        let (name, digest) = match image.rsplit_once('@') {
            Some((name, digest)) => (name, Some(parse_digest(digest)?)),
            None => (image, None),
        };
        let name = name.strip_prefix(':').unwrap_or(name);
        if name.is_empty() && digest.is_none() {
            return Err("no reference follows the colon".to_owned());
        }
        Ok(Self {
            path,
            name: (!name.is_empty()).then(|| name.to_owned()),
            digest,
        })
    }

    /// Selector for the judge.
    pub fn selector(&self) -> Selector<'_> {
        Selector {
            name: self.name.as_deref(),
            digest: self.digest,
        }
    }
}

/// Displays the name in the user's form.
impl Display for LayoutName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(name) = &self.name {
            write!(f, ":{name}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

fn parse_digest(text: &str) -> Result<Sha256, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not sha256: and 64 lower-case hex digits"))
}

/// Parses a name, for clap.
pub fn value(argument: OsString) -> Result<LayoutName, String> {
    let bytes = argument.as_bytes();
    let prefixes: [&[u8]; 2] = [b"oci:", b"oci-archive:"];
    let bare = prefixes
        .iter()
        .find_map(|prefix| bytes.strip_prefix(*prefix));
    LayoutName::parse(OsStr::from_bytes(bare.unwrap_or(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn parse(folder: &Path, rest: &str) -> LayoutName {
        let mut argument = folder.as_os_str().to_owned();
        argument.push(rest);
        LayoutName::parse(&argument).unwrap()
    }

    #[test]
    fn a_reference_follows_a_folder_that_is_there() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("a:b@c");
        std::fs::create_dir(&folder).unwrap();
        let named = |name: Option<&str>, digest: Option<&str>| LayoutName {
            path: folder.clone(),
            name: name.map(str::to_owned),
            digest: digest.map(|digest| digest.parse().unwrap()),
        };
        assert_eq!(parse(&folder, ""), named(None, None));
        assert_eq!(parse(&folder, ":hello"), named(Some("hello"), None));
        assert_eq!(
            parse(&folder, ":r.io:5000/x/y:1"),
            named(Some("r.io:5000/x/y:1"), None)
        );
        assert_eq!(
            parse(&folder, &format!("@{DIGEST}")),
            named(None, Some(DIGEST))
        );
        assert_eq!(
            parse(&folder, &format!(":hello:1@{DIGEST}")),
            named(Some("hello:1"), Some(DIGEST))
        );
    }

    #[test]
    fn without_a_folder_the_first_separator_counts() {
        let name = LayoutName::parse(OsStr::new("/nowhere:hello:1")).unwrap();
        assert_eq!(name.path, Path::new("/nowhere"));
        assert_eq!(name.name.as_deref(), Some("hello:1"));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let top = tempfile::tempdir().unwrap();
        for wrong in [":", "@", "@sha256:ff", "@md5:ff"] {
            let mut argument = top.path().as_os_str().to_owned();
            argument.push(wrong);
            assert!(LayoutName::parse(&argument).is_err(), "{wrong}");
        }
    }
}
