// SPDX-License-Identifier: Apache-2.0
//! The entries of a tar file: old, POSIX (ustar, pax) and GNU.

use std::fs::File;
use std::io::Read;

use tar::{EntryType, PaxExtensions};

use super::ByteRange;
use super::entries::Entries;
use super::error::{ArchiveError, ArchiveFault};

/// Most bytes of a header for the next entry: a long name, or pax records.
const MAX_EXTENSION: u64 = 64 * 1024;

/// Name and size of the next entry, from headers before it.
#[derive(Default)]
struct Announced {
    name: Option<Vec<u8>>,
    size: Option<Vec<u8>>,
}

/// Lists a tar file of `length` bytes.
///
/// # Errors
/// See [`ArchiveFault`].
pub fn list(mut file: &File, length: u64) -> Result<Entries, ArchiveError> {
    let format = |at: &str, detail: &dyn std::fmt::Display| {
        ArchiveError::new(ArchiveFault::Format, at).because(detail)
    };
    if length == 0 {
        return Err(format("", &"the file is empty"));
    }
    let mut entries = Entries::default();
    let mut said = Announced::default();
    let mut archive = tar::Archive::new(&mut file);
    let all = archive
        .entries_with_seek()
        .map_err(|error| format("", &error))?;
    for entry in all.raw(true) {
        let mut entry = entry.map_err(|error| format("", &error))?;
        let header = entry.header();
        let own = entry.path_bytes().into_owned();
        let (kind, size) = (header.entry_type(), entry.size());
        let start = entry.raw_file_position();
        let name = said.name.as_deref().unwrap_or(&own);
        let at = String::from_utf8_lossy(&name[..name.len().min(200)]).into_owned();
        if start.checked_add(size).is_none_or(|end| end > length) {
            return Err(format(&at, &"the file ends within an entry"));
        }
        match kind {
            EntryType::GNULongName | EntryType::XHeader | EntryType::XGlobalHeader => {
                entries.count()?;
                if size > MAX_EXTENSION {
                    let detail = format!("{size} bytes that only say something of the next entry");
                    return Err(ArchiveError::new(ArchiveFault::Bomb, at).because(detail));
                }
                let mut text = Vec::new();
                entry
                    .read_to_end(&mut text)
                    .map_err(|error| format(&at, &error))?;
                if kind == EntryType::GNULongName {
                    let end = text.iter().position(|byte| *byte == 0);
                    text.truncate(end.unwrap_or(text.len()));
                    said.name = Some(text);
                } else if kind == EntryType::XHeader {
                    said.note(&text).map_err(|error| format(&at, &error))?;
                }
                continue;
            }
            EntryType::Link | EntryType::Symlink | EntryType::GNULongLink => {
                return Err(ArchiveError::new(ArchiveFault::Link, at));
            }
            EntryType::Regular | EntryType::Continuous | EntryType::Directory => {}
            other => {
                let detail = format!("an entry of type {:?}", char::from(other.as_byte()));
                return Err(ArchiveError::new(ArchiveFault::Special, at).because(detail));
            }
        }
        if said
            .size
            .is_some_and(|said| said != size.to_string().as_bytes())
        {
            let detail = "the two headers give different sizes";
            return Err(ArchiveError::new(ArchiveFault::Size, at).because(detail));
        }
        // Old tar files mark folders with a slash.
        let is_folder = kind == EntryType::Directory || name.ends_with(b"/");
        if is_folder && size > 0 {
            return Err(
                ArchiveError::new(ArchiveFault::Special, at).because("a folder with content")
            );
        }
        let place = ByteRange {
            start,
            size,
            packed: None,
        };
        entries.add(name, (!is_folder).then_some(place))?;
        said = Announced::default();
    }
    Ok(entries)
}

impl Announced {
    /// Reads pax records: takes path and size, and refuses those of files with holes.
    fn note(&mut self, text: &[u8]) -> std::io::Result<()> {
        for record in PaxExtensions::new(text) {
            let record = record?;
            match record.key_bytes() {
                b"path" => self.name = Some(record.value_bytes().to_vec()),
                b"size" => self.size = Some(record.value_bytes().to_vec()),
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(std::io::Error::other("the file has holes"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
