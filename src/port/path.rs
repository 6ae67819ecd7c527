// SPDX-License-Identifier: Apache-2.0
//! The rules for paths that every [`Storage`](super::Storage) keeps, checked in one place.

use heapless::String;

use super::storage::StorageError;
use crate::limits::MAX_PATH;

/// A path on the partition.
pub type Path = String<MAX_PATH>;

/// Returns the path of `name` in the folder `root`.
///
/// # Errors
/// `storage-name-too-long`.
pub fn join(root: &str, name: &str) -> Result<Path, StorageError> {
    concat(&[root.trim_end_matches('/'), "/", name])
}

/// Joins parts into a path.
///
/// # Errors
/// `storage-name-too-long`.
pub fn concat(parts: &[&str]) -> Result<Path, StorageError> {
    let mut path = Path::new();
    append(&mut path, parts)?;
    Ok(path)
}

/// Appends parts to a path in place, because a returned path is copied.
///
/// # Errors
/// `storage-name-too-long`.
#[inline(never)]
pub fn append(path: &mut Path, parts: &[&str]) -> Result<(), StorageError> {
    for part in parts {
        path.push_str(part).map_err(|_| StorageError::NameTooLong)?;
    }
    Ok(())
}

/// Checks that `path` is `/`, or begins with `/` and has no empty name, no `.`, no `..` and
/// no NUL.
///
/// # Errors
/// `Invalid`; `NameTooLong` where only the length is wrong.
pub fn check(path: &str) -> Result<(), StorageError> {
    components(path).map(drop)
}

/// Returns the names in `path`, from the root on; none for the root itself.
///
/// # Errors
/// As [`check`].
pub fn components(path: &str) -> Result<impl Iterator<Item = &str> + Clone, StorageError> {
    let relative = path.strip_prefix('/').ok_or(StorageError::Invalid)?;
    // The root has no names; any other path has no empty one.
    let skip = usize::from(relative.is_empty());
    let names = relative.split('/').skip(skip);
    if path.contains('\0') || names.clone().any(|name| matches!(name, "" | "." | "..")) {
        return Err(StorageError::Invalid);
    }
    if path.len() > MAX_PATH {
        return Err(StorageError::NameTooLong);
    }
    Ok(names)
}

/// Splits `path` into its folder, without a slash at the end, and its last name.
#[inline(never)]
pub fn split(path: &str) -> (&str, &str) {
    // A search for a byte takes less code than one for a character.
    let slash = path.bytes().rposition(|byte| byte == b'/');
    let parts = slash.and_then(|slash| path.split_at_checked(slash));
    let (folder, name) = parts.unwrap_or_default();
    (folder, name.get(1..).unwrap_or_default())
}

/// True where `path` is `folder` or lies in it. `folder` is not the root, which all paths lie in.
pub fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Checks both paths of a rename: the root stays where it is, and a folder does not go into
/// itself.
///
/// # Errors
/// As [`check`].
pub fn check_rename(from: &str, to: &str) -> Result<(), StorageError> {
    check(from)?;
    check(to)?;
    let into_itself = to
        .strip_prefix(from)
        .is_some_and(|rest| rest.starts_with('/'));
    if from == "/" || to == "/" || into_itself {
        Err(StorageError::Invalid)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    #[test]
    fn a_path_is_absolute_and_plain() {
        for path in ["/", "/a", "/a/b.c", "/..a/...", "/\u{e4} b"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in [
            "", "a", "a/b", "//", "/a/", "/a//b", "/.", "/..", "/a/../b", "/a/.", "/\0",
        ] {
            assert_eq!(check(path), Err(StorageError::Invalid), "{path:?}");
        }
    }

    #[test]
    fn a_path_is_not_too_long() {
        let path = |length: usize| std::format!("/{}", "a".repeat(length - 1));
        assert_eq!(check(&path(MAX_PATH)), Ok(()));
        assert_eq!(check(&path(MAX_PATH + 1)), Err(StorageError::NameTooLong));
    }

    #[test]
    fn the_names_of_a_path_come_in_order() {
        assert!(components("/").unwrap().eq([""; 0]));
        assert!(components("/a/b").unwrap().eq(["a", "b"]));
    }

    #[test]
    fn a_folder_does_not_go_into_itself_nor_the_root_anywhere() {
        assert_eq!(check_rename("/a", "/ab"), Ok(()));
        assert_eq!(check_rename("/a", "/a"), Ok(()));
        for (from, to) in [("/a", "/a/b"), ("/", "/a"), ("/a", "/")] {
            assert_eq!(
                check_rename(from, to),
                Err(StorageError::Invalid),
                "{from} {to}"
            );
        }
    }
}
