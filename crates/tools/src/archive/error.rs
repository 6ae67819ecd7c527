// SPDX-License-Identifier: Apache-2.0
//! Reasons for refusing an archive, and their places.

use std::fmt::{self, Display};

/// Faults of an archive, or of its file on the PC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchiveFault {
    /// An error of the PC's file system.
    Io,
    /// The file is neither tar nor zip, or is cut or damaged.
    Format,
    /// The file is compressed as a whole.
    Compressed,
    /// A name that leads out of the archive, or is none.
    Path,
    /// A symbolic or hard link.
    Link,
    /// A device, a pipe, a file with holes, an encrypted file, or an unknown compression.
    Special,
    /// Two entries of one name.
    Duplicate,
    /// More entries than the limit.
    Entries,
    /// The entries unpack to more than the limit, or share their bytes.
    Bomb,
    /// An entry has another size, or another checksum, than its header says.
    Size,
    /// A file of that name exists already.
    Exists,
}

impl ArchiveFault {
    /// Every fault.
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

    /// Stable code, as `docs/archives.md` lists it.
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

    /// Hint for the user: the last column of `docs/archives.md`.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Io => "check the path, its permissions and the free space",
            Self::Format => "name a tar or zip file of an OCI image layout, or copy the file again",
            Self::Compressed => {
                "decompress the file first, with `gunzip`, `unxz`, `bunzip2` or `unzstd`"
            }
            Self::Path | Self::Link | Self::Duplicate | Self::Entries | Self::Bomb => {
                "do not trust this archive: an OCI image layout has no such entry"
            }
            Self::Special => "pack the layout again, with regular files, stored or deflated",
            Self::Size => "copy the archive again: the file is damaged or forged",
            Self::Exists => "name another file, or move this file away",
        }
    }
}

/// A fault, the entry that has it, and a detail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArchiveError {
    /// Kind of the fault.
    pub fault: ArchiveFault,
    /// Name of the entry; empty where the fault is the archive's.
    pub at: String,
    /// Detail in words; may be empty.
    pub detail: String,
}

impl ArchiveError {
    /// Makes an error without a detail.
    pub fn new(fault: ArchiveFault, at: impl Display) -> Self {
        Self {
            fault,
            at: at.to_string(),
            detail: String::new(),
        }
    }

    /// Adds a detail.
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
