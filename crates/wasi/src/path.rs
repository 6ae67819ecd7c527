// SPDX-License-Identifier: Apache-2.0
//! Resolution of a guest's path in its own folders; there is no other one.
//!
//! Promised: a resolved path is in the folder that it was resolved against, or is that folder, and
//! has no `.`, no `..`, no empty part and no NUL; `x/..` is taken only where `x` is a folder, as
//! POSIX has it. There are no links on the partition that could lead elsewhere; where there are
//! some, [`resolve_links`](crate::links::resolve_links) puts their targets into the path.

use heapless::String;
use ocre::limits::{MAX_NAME, MAX_PATH};
use ocre::lost;

use crate::errno::Errno;

/// Longest path below a top folder, in bytes: the same for every container, whatever its name, and
/// short enough to be still a path where the folder is kept aside.
pub const MAX_RELATIVE: usize = MAX_PATH - (lost::ROOT.len() + 1 + MAX_NAME + ".999".len() + 1);

/// Path below one of the container's top folders, `/`-separated; empty for that folder.
pub type RelativePath = String<MAX_RELATIVE, u8>;

/// Longest path that a guest may give, in bytes: each `..` in it costs a read of the partition.
pub const MAX_GIVEN: usize = 512;

/// Resolved path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// Path from the top folder.
    pub path: RelativePath,
    /// True where the path can only mean a folder, by its form: it ends with `/`, `.` or `..`.
    pub folder: bool,
}

/// Path under resolution.
pub struct PathWalk<'a> {
    base: usize,
    check_folder: &'a mut dyn FnMut(&str) -> Result<(), Errno>,
    resolved: Resolved,
}

impl<'a> PathWalk<'a> {
    /// Starts in the folder `base`.
    ///
    /// # Errors
    /// `Nametoolong`.
    pub fn new(
        base: &str,
        check_folder: &'a mut dyn FnMut(&str) -> Result<(), Errno>,
    ) -> Result<Self, Errno> {
        let mut walk = Self {
            base: base.len(),
            check_folder,
            resolved: Resolved {
                path: RelativePath::new(),
                folder: false,
            },
        };
        let path = &mut walk.resolved.path;
        path.push_str(base).map_err(|_| Errno::Nametoolong)?;
        Ok(walk)
    }

    /// Starts in a folder, and may go up as far as the top folder.
    ///
    /// # Errors
    /// `Nametoolong`.
    pub fn below_top(
        folder: &str,
        check_folder: &'a mut dyn FnMut(&str) -> Result<(), Errno>,
    ) -> Result<Self, Errno> {
        let walk = Self::new(folder, check_folder)?;
        Ok(Self { base: 0, ..walk })
    }

    /// Takes one part of a path. Returns true for a name.
    ///
    /// # Errors
    /// `Perm` for a `..` out of the base, `Nametoolong`, and those of `check_folder`.
    pub fn enter(&mut self, part: &str) -> Result<bool, Errno> {
        let Resolved { path, folder } = &mut self.resolved;
        *folder = matches!(part, "" | "." | "..");
        match part {
            "" | "." => {}
            ".." if path.len() == self.base => return Err(Errno::Perm),
            ".." => {
                (self.check_folder)(path)?;
                self.leave();
            }
            name => {
                if !path.is_empty() {
                    path.push('/').map_err(|_| Errno::Nametoolong)?;
                }
                path.push_str(name).map_err(|_| Errno::Nametoolong)?;
            }
        }
        Ok(!self.resolved.folder)
    }

    /// Removes the last name.
    pub fn leave(&mut self) {
        let path = &mut self.resolved.path;
        let end = path.bytes().rposition(|byte| byte == b'/');
        path.truncate(end.unwrap_or(0));
    }

    /// Path so far.
    pub fn path(&self) -> &str {
        &self.resolved.path
    }

    /// Ends the walk.
    pub fn end(self) -> Resolved {
        self.resolved
    }
}

/// Checks the form of a guest's path.
///
/// # Errors
/// `Noent` for an empty path, `Ilseq`, `Inval` for a NUL, `Perm` for an absolute one,
/// `Nametoolong`.
pub fn check(given: &[u8]) -> Result<&str, Errno> {
    if given.len() > MAX_GIVEN {
        return Err(Errno::Nametoolong);
    }
    let given = str::from_utf8(given).map_err(|_| Errno::Ilseq)?;
    if given.is_empty() {
        return Err(Errno::Noent);
    }
    if given.contains('\0') {
        return Err(Errno::Inval);
    }
    if given.starts_with('/') {
        return Err(Errno::Perm);
    }
    Ok(given)
}

/// Resolves a guest's path against the folder `base`. `check_folder` fails for a path that is no
/// folder's, with `Noent` or `Notdir`.
///
/// # Errors
/// Errors of [`check`] and of [`PathWalk::enter`].
pub fn resolve(
    base: &str,
    given: &[u8],
    check_folder: &mut dyn FnMut(&str) -> Result<(), Errno>,
) -> Result<Resolved, Errno> {
    let given = check(given)?;
    let mut walk = PathWalk::new(base, check_folder)?;
    for part in given.split('/') {
        walk.enter(part)?;
    }
    Ok(walk.end())
}

/// True where `path` is `folder` or lies in it.
pub fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::String;
    use std::vec::Vec;

    use super::*;

    fn resolved(base: &str, given: &[u8]) -> Result<(String, bool), Errno> {
        let mut folders = |path: &str| match path {
            "f" | "a/f" => Err(Errno::Notdir),
            "missing" => Err(Errno::Noent),
            _ => Ok(()),
        };
        resolve(base, given, &mut folders).map(|found| ((&*found.path).into(), found.folder))
    }

    #[test]
    fn a_path_leads_to_a_place_below_its_folder() {
        for (base, given, path, folder) in [
            ("", "a", "a", false),
            ("", ".", "", true),
            ("", "a/", "a", true),
            ("", "a//b/./c", "a/b/c", false),
            ("", "a/b/../c", "a/c", false),
            ("", "a/..", "", true),
            ("", "a/../b/..", "", true),
            ("x/y", "z", "x/y/z", false),
            ("x/y", ".", "x/y", true),
            ("x/y", "z/../w", "x/y/w", false),
            ("", "...", "...", false),
            ("", "a\\..\\b", "a\\..\\b", false),
            ("", "ä", "ä", false),
        ] {
            assert_eq!(
                resolved(base, given.as_bytes()),
                Ok((path.into(), folder)),
                "{given}"
            );
        }
    }

    #[test]
    fn no_path_leads_out_of_its_folder() {
        for (base, given) in [
            ("", "/"),
            ("", "/a"),
            ("", "//a"),
            ("", ".."),
            ("", "../a"),
            ("", "a/../.."),
            ("", "./../a"),
            ("", "a/../../a"),
            ("x", ".."),
            ("x", "../x/a"),
            ("x/y", "z/../../y"),
        ] {
            assert_eq!(
                resolved(base, given.as_bytes()),
                Err(Errno::Perm),
                "{given}"
            );
        }
    }

    #[test]
    fn a_way_through_what_is_no_folder_is_none() {
        assert_eq!(resolved("", b"f/../a"), Err(Errno::Notdir));
        assert_eq!(resolved("a", b"f/.."), Err(Errno::Notdir));
        assert_eq!(resolved("", b"missing/../a"), Err(Errno::Noent));
    }

    #[test]
    fn a_path_that_is_none_is_refused() {
        assert_eq!(resolved("", b""), Err(Errno::Noent));
        assert_eq!(resolved("", b"a\0"), Err(Errno::Inval));
        assert_eq!(resolved("", b"\xff"), Err(Errno::Ilseq));
        assert_eq!(resolved("", &[b'a'; MAX_RELATIVE]).map(|_| ()), Ok(()));
        assert_eq!(
            resolved("", &[b'a'; MAX_RELATIVE + 1]),
            Err(Errno::Nametoolong)
        );
        assert_eq!(
            resolved("b", &[b'a'; MAX_RELATIVE - 1]),
            Err(Errno::Nametoolong)
        );
        let winding: Vec<u8> = b"a/../"
            .iter()
            .copied()
            .cycle()
            .take(MAX_GIVEN + 1)
            .collect();
        assert_eq!(resolved("", &winding), Err(Errno::Nametoolong));
        assert_eq!(resolved("", &winding[..MAX_GIVEN - 2]).map(|_| ()), Ok(()));
    }

    /// Combines the parts that matter, and any bytes.
    #[test]
    fn what_comes_out_is_always_below_the_base_and_plain() {
        let parts: [&[u8]; 9] = [
            b"a", b"f", b"..", b".", b"", b"\0", b"\xff", b"/", b"missing",
        ];
        for number in 0..9_usize.pow(5) {
            let mut given = Vec::new();
            let mut rest = number;
            for _ in 0..5 {
                given.extend_from_slice(parts[rest % 9]);
                given.push(b'/');
                rest /= 9;
            }
            for base in ["", "x", "x/y"] {
                let Ok((path, _)) = resolved(base, &given) else {
                    continue;
                };
                assert!(is_within(&path, base), "{path}");
                let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
                assert!(path.is_empty() || path.split('/').all(plain), "{path}");
            }
        }
    }

    #[test]
    fn a_name_that_begins_alike_is_not_within() {
        assert!(is_within("a", "") && is_within("a/b", "a") && is_within("a", "a"));
        assert!(!is_within("ab", "a") && !is_within("a", "a/b"));
    }
}
