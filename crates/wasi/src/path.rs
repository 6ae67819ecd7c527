// SPDX-License-Identifier: Apache-2.0
//! From a guest's path to a place in its own folders; the only way there is.
//!
//! Promised: what comes out lies in the folder it was resolved against, or is that folder, and
//! has no `.`, no `..`, no empty part and no NUL; `x/..` is taken only where `x` is a folder, as
//! POSIX has it. There are no links on the partition that could lead elsewhere.

use heapless::String;
use ocre::container::data;
use ocre::limits::{MAX_NAME, MAX_PATH};

use crate::errno::Errno;

/// Longest path below a top folder, in bytes: the same for every container, whatever its name.
const MAX_RELATIVE: usize = MAX_PATH - (data::ROOT.len() + 1 + MAX_NAME + 1);

/// A path below one of the container's top folders, `/`-separated; empty for that folder.
pub type RelativePath = String<MAX_RELATIVE, u8>;

/// Longest path that a guest may give, in bytes: each `..` in it costs a look at the partition.
const MAX_GIVEN: usize = 512;

/// A resolved path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolved {
    /// Where it leads.
    pub path: RelativePath,
    /// Whether, by its form, it can only mean a folder: it ends with `/`, `.` or `..`.
    pub folder: bool,
}

/// Resolves a guest's path against the folder `base`. `check_folder` says whether a path is a
/// folder's, with `Noent` or `Notdir` where it is not.
///
/// # Errors
/// `Noent` for an empty path, `Ilseq`, `Inval` for a NUL, `Perm` for a path that is absolute or
/// leads out of `base`, `Nametoolong`, and those of `check_folder`.
pub fn resolve(
    base: &str,
    given: &[u8],
    check_folder: &mut dyn FnMut(&str) -> Result<(), Errno>,
) -> Result<Resolved, Errno> {
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
    let mut path = RelativePath::try_from(base).map_err(|_| Errno::Nametoolong)?;
    let mut folder = false;
    for part in given.split('/') {
        folder = matches!(part, "" | "." | "..");
        match part {
            "" | "." => {}
            ".." if path.len() == base.len() => return Err(Errno::Perm),
            ".." => {
                check_folder(&path)?;
                path.truncate(path.rfind('/').unwrap_or(0));
            }
            name => {
                if !path.is_empty() {
                    path.push('/').map_err(|_| Errno::Nametoolong)?;
                }
                path.push_str(name).map_err(|_| Errno::Nametoolong)?;
            }
        }
    }
    Ok(Resolved { path, folder })
}

/// Whether `path` is `folder` or lies in it.
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

    /// Whatever is put together of the parts that matter, and of any bytes.
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
