// SPDX-License-Identifier: Apache-2.0
//! `LAYOUT[:REF|@DIGEST]`: an OCI layout on the PC, and which of its images is meant.
//!
//! A path may hold colons too, so the longest beginning that is a folder is the layout.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use ocre::image::judge::Selector;
use ocre_oci::Sha256;

/// A layout's folder and the image in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutName {
    /// The folder; nobody says that it is there.
    pub folder: PathBuf,
    /// The name of one of its images, as its index spells it.
    pub name: Option<String>,
    /// The digest of the manifest.
    pub digest: Option<Sha256>,
}

impl LayoutName {
    /// Takes an argument apart; the error is for the user.
    pub fn parse(argument: &OsStr) -> Result<Self, String> {
        let bytes = argument.as_bytes();
        let whole = Self {
            folder: PathBuf::from(argument),
            name: None,
            digest: None,
        };
        if whole.folder.is_dir() {
            return Ok(whole);
        }
        let separators = (1..bytes.len()).filter(|at| matches!(bytes[*at], b':' | b'@'));
        let folder = |at: &usize| Path::new(OsStr::from_bytes(&bytes[..*at])).is_dir();
        // With no folder anywhere, the first separator is where a reader would look for one.
        let Some(at) = separators
            .clone()
            .rev()
            .find(folder)
            .or_else(|| separators.clone().next())
        else {
            return Ok(whole);
        };
        let folder = PathBuf::from(OsStr::from_bytes(&bytes[..at]));
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
            folder,
            name: (!name.is_empty()).then(|| name.to_owned()),
            digest,
        })
    }

    /// For the judge.
    pub fn selector(&self) -> Selector<'_> {
        Selector {
            name: self.name.as_deref(),
            digest: self.digest,
        }
    }
}

fn parse_digest(text: &str) -> Result<Sha256, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not sha256: and 64 lower-case hex digits"))
}

/// For clap.
pub fn value(argument: OsString) -> Result<LayoutName, String> {
    LayoutName::parse(&argument)
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
            folder: folder.clone(),
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
        assert_eq!(name.folder, Path::new("/nowhere"));
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
