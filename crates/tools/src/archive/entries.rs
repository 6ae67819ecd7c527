// SPDX-License-Identifier: Apache-2.0
//! The entries of an archive by name, and the rules that a name has to keep.

use std::collections::BTreeMap;

use ocre::port::{StorageError, path as rules};

use super::ByteRange;
use super::error::{ArchiveError, ArchiveFault};

/// Most entries, with the folders that names imply: more than any image that a device takes has
/// blobs.
const MAX_ENTRIES: usize = 65_536;

/// Most bytes of all names, with those of the folders that they imply.
const MAX_NAMES: usize = 16 << 20;

/// Most folders on the way to a file.
const MAX_DEPTH: usize = 64;

/// Most bytes of a name.
pub const MAX_NAME: usize = 512;

/// Entries of an archive: files with their places, and folders without.
#[derive(Default)]
pub struct Entries {
    /// Places by path, without a slash before it; `None` for a folder.
    found: BTreeMap<String, Option<ByteRange>>,
    count: usize,
    /// Bytes of all names.
    names: usize,
}

impl Entries {
    /// Adds an entry; `place` is `None` for a folder.
    ///
    /// # Errors
    /// `archive-path`, `archive-duplicate`, `archive-entries`.
    pub fn add(&mut self, name: &[u8], place: Option<ByteRange>) -> Result<(), ArchiveError> {
        self.count()?;
        let path = plain(name)?;
        let duplicate = |at: &str| ArchiveError::new(ArchiveFault::Duplicate, at);
        if path.is_empty() {
            // The archive's own folder.
            return match place {
                None => Ok(()),
                Some(_) => Err(wrong_path(name, "a file needs a name")),
            };
        }
        self.add_folders(&path)?;
        match (self.found.get(&path), place) {
            // Many archives list a folder that a path has implied before.
            (Some(None), None) => Ok(()),
            (Some(_), _) => Err(duplicate(&path)),
            (None, place) => self.insert(path, place),
        }
    }

    /// Counts an entry, or a header that only describes the next one.
    ///
    /// # Errors
    /// `archive-entries`.
    pub fn count(&mut self) -> Result<(), ArchiveError> {
        self.count += 1;
        if self.count > MAX_ENTRIES {
            let detail = format!("more than {MAX_ENTRIES}");
            return Err(ArchiveError::new(ArchiveFault::Entries, "").because(detail));
        }
        Ok(())
    }

    /// Adds the folders that a path implies.
    fn add_folders(&mut self, path: &str) -> Result<(), ArchiveError> {
        // Where one folder exists, those above it do too.
        for (at, _) in path.rmatch_indices('/') {
            let above = &path[..at];
            match self.found.get(above) {
                Some(None) => break,
                Some(Some(_)) => {
                    let error = ArchiveError::new(ArchiveFault::Duplicate, above);
                    return Err(error.because("the path is a file and a folder"));
                }
                None => {
                    self.count()?;
                    self.insert(above.to_owned(), None)?;
                }
            }
        }
        Ok(())
    }

    fn insert(&mut self, path: String, place: Option<ByteRange>) -> Result<(), ArchiveError> {
        self.names += path.len();
        if self.names > MAX_NAMES {
            let detail = format!("names of more than {MAX_NAMES} bytes");
            return Err(ArchiveError::new(ArchiveFault::Entries, "").because(detail));
        }
        self.found.insert(path, place);
        Ok(())
    }

    /// Looks a path up: the place of a file, or `None` for a folder.
    pub fn find(&self, path: &str) -> Result<Option<ByteRange>, StorageError> {
        let names: Vec<&str> = rules::components(path)?.collect();
        if names.is_empty() {
            return Ok(None);
        }
        let found = self.found.get(&names.join("/"));
        found.copied().ok_or(StorageError::NotFound)
    }

    /// Calls `entry` for each name in a folder, until it returns `false`.
    pub fn list(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Option<ByteRange>) -> bool,
    ) -> Result<(), StorageError> {
        if self.find(path)?.is_some() {
            return Err(StorageError::NotDirectory);
        }
        let mut folder = path.trim_matches('/').to_owned();
        if !folder.is_empty() {
            folder.push('/');
        }
        for (path, place) in self.found.range(folder.clone()..) {
            let Some(name) = path.strip_prefix(&folder) else {
                break;
            };
            if !name.contains('/') && !entry(name, *place) {
                break;
            }
        }
        Ok(())
    }
}

fn wrong_path(name: &[u8], why: &str) -> ArchiveError {
    ArchiveError::new(ArchiveFault::Path, String::from_utf8_lossy(name)).because(why)
}

/// Removes the meaningless parts of a name: `./`, and slashes at its end.
fn plain(name: &[u8]) -> Result<String, ArchiveError> {
    let wrong = |why| Err(wrong_path(&name[..name.len().min(80)], why));
    if name.len() > MAX_NAME {
        return wrong("the path is too long");
    }
    let Ok(text) = std::str::from_utf8(name) else {
        return wrong("the path is not UTF-8");
    };
    if text.is_empty() {
        return wrong("the path is empty");
    }
    if text.starts_with('/') {
        return wrong("the path is absolute");
    }
    if text.contains(['\\', ':']) || text.chars().any(char::is_control) {
        return wrong("the path has a character that is not portable in file names");
    }
    let mut path = String::new();
    let mut depth = 0;
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return wrong("the path leads out of the archive"),
            part => {
                depth += 1;
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    if depth > MAX_DEPTH {
        return wrong("the path is too deep");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Option<ByteRange> = Some(ByteRange {
        start: 0,
        size: 1,
        packed: None,
    });

    fn added(names: &[(&str, Option<ByteRange>)]) -> Result<Entries, ArchiveError> {
        let mut entries = Entries::default();
        for (name, place) in names {
            entries.add(name.as_bytes(), *place)?;
        }
        Ok(entries)
    }

    #[test]
    fn names_lead_nowhere_but_into_the_archive() {
        for name in [
            "", "/", "/a", "..", "../a", "a/../b", "a/..", "./..", "a\\..\\b", "C:a", "a\0b",
            "a\nb",
        ] {
            let error = added(&[(name, FILE)]).err().unwrap();
            assert_eq!(error.fault, ArchiveFault::Path, "{name:?}");
        }
        assert_eq!(
            added(&[(".", FILE)]).err().unwrap().fault,
            ArchiveFault::Path
        );
        let long = "a".repeat(MAX_NAME + 1);
        assert_eq!(
            added(&[(&long, FILE)]).err().unwrap().fault,
            ArchiveFault::Path
        );
        let mut entries = Entries::default();
        let error = entries.add(b"\xff", FILE).unwrap_err();
        assert_eq!(error.fault, ArchiveFault::Path);
    }

    #[test]
    fn a_name_is_there_once() {
        for names in [
            ["a", "a"],
            ["a", "./a"],
            ["a/b", "a//b"],
            ["a", "a/b"],
            ["a/b", "a"],
        ] {
            let error = added(&names.map(|name| (name, FILE))).err().unwrap();
            assert_eq!(error.fault, ArchiveFault::Duplicate, "{names:?}");
        }
        assert!(added(&[("a/", None), ("a", None), ("a/b", FILE)]).is_ok());
        let error = added(&[("a/b", FILE), ("a/b/", None)]).err().unwrap();
        assert_eq!((error.fault, &*error.at), (ArchiveFault::Duplicate, "a/b"));
    }

    #[test]
    fn there_is_an_end_to_entries() {
        let mut entries = Entries::default();
        for _ in 0..MAX_ENTRIES {
            entries.add(b"a/", None).unwrap();
        }
        let error = entries.add(b"a/", None).unwrap_err();
        assert_eq!(error.fault, ArchiveFault::Entries);
    }

    /// Fault of an archive of such names, and the number of entries before it.
    fn refused_at(name: impl Fn(usize) -> String) -> (ArchiveFault, usize) {
        let mut entries = Entries::default();
        let mut number = 0;
        loop {
            match entries.add(name(number).as_bytes(), FILE) {
                Ok(()) => number += 1,
                Err(error) => return (error.fault, number),
            }
        }
    }

    #[test]
    fn folders_that_names_imply_are_counted() {
        let deep = "/b".repeat(MAX_DEPTH - 1);
        let found = refused_at(|number| format!("{number:x}{deep}"));
        assert_eq!(found, (ArchiveFault::Entries, MAX_ENTRIES / MAX_DEPTH));
        let found = refused_at(|number| format!("{number:x}/b"));
        assert_eq!(found, (ArchiveFault::Entries, MAX_ENTRIES / 2));
        // A shared folder counts once.
        let found = refused_at(|number| format!("a/{number:x}"));
        assert_eq!(found, (ArchiveFault::Entries, MAX_ENTRIES - 1));
    }

    #[test]
    fn names_have_a_most_of_bytes_and_depth() {
        let found = refused_at(|number| format!("{number:0500}"));
        assert_eq!(found, (ArchiveFault::Entries, MAX_NAMES / 500));
        let deepest = vec!["a"; MAX_DEPTH].join("/");
        assert!(added(&[(&deepest, FILE)]).is_ok());
        let error = added(&[(&format!("{deepest}/a"), FILE)]).err().unwrap();
        assert_eq!(error.fault, ArchiveFault::Path);
        let error = added(&[("a/b/c", FILE), ("a/b/c/d/e", FILE)])
            .err()
            .unwrap();
        assert_eq!(
            (error.fault, &*error.at),
            (ArchiveFault::Duplicate, "a/b/c")
        );
    }

    #[test]
    fn a_folder_lists_its_own_alone() {
        let entries = added(&[("./", None), ("a/b", FILE), ("a/c/d", FILE), ("ab", FILE)]).unwrap();
        let names = |path| {
            let mut names = Vec::new();
            entries
                .list(path, &mut |name, place| {
                    names.push((name.to_owned(), place.is_some()));
                    true
                })
                .map(|()| names)
        };
        let named = |names: &[(&str, bool)]| {
            let names = names.iter();
            names
                .map(|(name, file)| ((*name).to_owned(), *file))
                .collect::<Vec<_>>()
        };
        assert_eq!(names("/").unwrap(), named(&[("a", false), ("ab", true)]));
        assert_eq!(names("/a").unwrap(), named(&[("b", true), ("c", false)]));
        assert_eq!(names("/ab").unwrap_err(), StorageError::NotDirectory);
        assert_eq!(names("/x").unwrap_err(), StorageError::NotFound);
    }
}
