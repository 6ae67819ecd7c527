// SPDX-License-Identifier: Apache-2.0
//! Why an archive is not taken, and where.

use std::fmt::{self, Display};

/// What is wrong with an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The PC's file system.
    Io,
    /// It is neither tar nor zip, or is cut or damaged.
    Format,
    /// It is compressed as a whole.
    Compressed,
    /// A name that leads out of the archive, or is none.
    Path,
    /// A symbolic or hard link.
    Link,
    /// A device, a pipe, a file with holes, an encrypted file, or one packed in another way.
    Special,
    /// Two entries of one name.
    Duplicate,
    /// More entries than is reasonable.
    Entries,
    /// It would unpack to unreasonably much, or entries share their bytes.
    Bomb,
    /// An entry does not have the size, or the checksum, that it says it has.
    Size,
    /// There is one already.
    Exists,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 11] = [
        Self::Io,
        Self::Format,
        Self::Compressed,
        Self::Path,
        Self::Link,
        Self::Special,
        Self::Duplicate,
        Self::Entries,
        Self::Bomb,
        Self::Size,
        Self::Exists,
    ];

    /// The stable string, as `docs/archives.md` lists it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Format => "archive-format",
            Self::Compressed => "archive-compressed",
            Self::Path => "archive-path",
            Self::Link => "archive-link",
            Self::Special => "archive-special",
            Self::Duplicate => "archive-duplicate",
            Self::Entries => "archive-entries",
            Self::Bomb => "archive-bomb",
            Self::Size => "archive-size",
            Self::Exists => "archive-exists",
        }
    }

    /// What to do: the last column there.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Io => "check the path, its permissions and the free space",
            Self::Format => {
                "name a tar or zip file of an OCI image layout, and copy it again, whole"
            }
            Self::Compressed => {
                "decompress it first: `gunzip`, `unxz`, `bunzip2` or `unzstd`, as it was compressed"
            }
            Self::Path | Self::Link | Self::Duplicate | Self::Entries | Self::Bomb => {
                "don't trust whoever made it; an OCI image layout has no such entry"
            }
            Self::Special => "pack the layout again, as plain files, stored or deflated",
            Self::Size => "copy the archive again: it was damaged, or made to deceive",
            Self::Exists => "name another file, or move this one away",
        }
    }
}

/// A fault, the entry that has it, and what else is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveError {
    /// What it is.
    pub fault: Fault,
    /// The entry's name, or nothing where it is the archive.
    pub at: String,
    /// Further words; often none.
    pub detail: String,
}

impl ArchiveError {
    /// With no further words.
    pub fn new(fault: Fault, at: impl Display) -> Self {
        Self {
            fault,
            at: at.to_string(),
            detail: String::new(),
        }
    }

    /// With further words.
    pub fn because(mut self, detail: impl Display) -> Self {
        self.detail = detail.to_string();
        self
    }
}

impl Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at {:?} ({})",
            self.fault.code(),
            self.at,
            self.detail
        )
    }
}

impl std::error::Error for ArchiveError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_with_what_to_do() {
        let documented = include_str!("../../../../docs/archives.md");
        for fault in Fault::ALL {
            let row = format!("| `{}` |", fault.code());
            let row = documented.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{}: has no row", fault.code()));
            assert!(row.ends_with(&format!("| {} |", fault.hint())), "{row}");
        }
    }
}
