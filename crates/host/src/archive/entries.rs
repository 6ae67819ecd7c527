// SPDX-License-Identifier: Apache-2.0
//! The entries of an archive by name, and the rules that a name has to keep.

use std::collections::BTreeMap;

use ocre::port::{StorageError, path as rules};

use super::Place;
use super::error::{ArchiveError, Fault};

/// Most entries: more than any image that a device takes has blobs.
const MAX_ENTRIES: usize = 65_536;

/// Most bytes of a name.
pub const MAX_NAME: usize = 512;

/// What is in an archive: files with their places, and folders without.
#[derive(Default)]
pub struct Entries {
    /// By the path without a slash before it.
    found: BTreeMap<String, Option<Place>>,
    count: usize,
}

impl Entries {
    /// Takes an entry in; `place` is `None` for a folder.
    ///
    /// # Errors
    /// `archive-path`, `archive-duplicate`, `archive-entries`.
    pub fn add(&mut self, name: &[u8], place: Option<Place>) -> Result<(), ArchiveError> {
        self.count += 1;
        if self.count > MAX_ENTRIES {
            let detail = format!("more than {MAX_ENTRIES}");
            return Err(ArchiveError::new(Fault::Entries, "").because(detail));
        }
        let path = plain(name)?;
        let duplicate = |at: &str| ArchiveError::new(Fault::Duplicate, at);
        if path.is_empty() {
            // The archive's own folder.
            return match place {
                None => Ok(()),
                Some(_) => Err(wrong_path(name, "a file needs a name")),
            };
        }
        // A file is no folder.
        for (at, _) in path.match_indices('/') {
            let above = &path[..at];
            if matches!(self.found.get(above), Some(Some(_))) {
                return Err(duplicate(above).because("it is a file and a folder"));
            }
            if !self.found.contains_key(above) {
                self.found.insert(above.to_owned(), None);
            }
        }
        match (self.found.get(&path), place) {
            // Many archives say again what was clear.
            (Some(None), None) => Ok(()),
            (Some(_), _) => Err(duplicate(&path)),
            (None, place) => {
                self.found.insert(path, place);
                Ok(())
            }
        }
    }

    /// What a path names: a file's place, or `None` for a folder.
    pub fn find(&self, path: &str) -> Result<Option<Place>, StorageError> {
        let names: Vec<&str> = rules::components(path)?.collect();
        if names.is_empty() {
            return Ok(None);
        }
        let found = self.found.get(&names.join("/"));
        found.copied().ok_or(StorageError::NotFound)
    }

    /// Calls `entry` for each name in a folder, until it says `false`.
    pub fn list(
        &self,
        path: &str,
        entry: &mut dyn FnMut(&str, Option<Place>) -> bool,
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
    ArchiveError::new(Fault::Path, String::from_utf8_lossy(name)).because(why)
}

/// A name without what means nothing: `./` and slashes at its end.
fn plain(name: &[u8]) -> Result<String, ArchiveError> {
    let wrong = |why| Err(wrong_path(&name[..name.len().min(80)], why));
    if name.len() > MAX_NAME {
        return wrong("it is too long");
    }
    let Ok(text) = std::str::from_utf8(name) else {
        return wrong("it is not UTF-8");
    };
    if text.is_empty() {
        return wrong("it is empty");
    }
    if text.starts_with('/') {
        return wrong("it is absolute");
    }
    if text.contains(['\\', ':']) || text.chars().any(char::is_control) {
        return wrong("it has a character that is none of a file's name everywhere");
    }
    let mut path = String::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return wrong("it leads out of the archive"),
            part => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(part);
            }
        }
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Option<Place> = Some(Place {
        start: 0,
        size: 1,
        packed: None,
    });

    fn added(names: &[(&str, Option<Place>)]) -> Result<Entries, ArchiveError> {
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
            assert_eq!(error.fault, Fault::Path, "{name:?}");
        }
        assert_eq!(added(&[(".", FILE)]).err().unwrap().fault, Fault::Path);
        let long = "a".repeat(MAX_NAME + 1);
        assert_eq!(added(&[(&long, FILE)]).err().unwrap().fault, Fault::Path);
        let mut entries = Entries::default();
        let error = entries.add(b"\xff", FILE).unwrap_err();
        assert_eq!(error.fault, Fault::Path);
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
            assert_eq!(error.fault, Fault::Duplicate, "{names:?}");
        }
        assert!(added(&[("a/", None), ("a", None), ("a/b", FILE)]).is_ok());
        let error = added(&[("a/b", FILE), ("a/b/", None)]).err().unwrap();
        assert_eq!((error.fault, &*error.at), (Fault::Duplicate, "a/b"));
    }

    #[test]
    fn there_is_an_end_to_entries() {
        let mut entries = Entries::default();
        for _ in 0..MAX_ENTRIES {
            entries.add(b"a/", None).unwrap();
        }
        let error = entries.add(b"a/", None).unwrap_err();
        assert_eq!(error.fault, Fault::Entries);
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
