// SPDX-License-Identifier: Apache-2.0
//! A layout of the PC that is read: a folder, or an archive.

use std::fmt::Display;
use std::path::Path;

use ocre::command::advice;
use ocre::image::verdict::Code;
use ocre::port::StorageError;
use ocre_host::archive::{Archive, ArchiveError};
use ocre_host::directory::Directory;

use super::failure::Failure;

/// One of the two.
pub enum Layout {
    /// A folder.
    Folder(Directory),
    /// A tar or zip file.
    Archive(Archive),
}

/// Why there is none.
#[derive(Debug)]
pub enum Missing {
    /// What the core says of it.
    Code(Code),
    /// What is wrong with the archive.
    Archive(ArchiveError),
}

impl Layout {
    /// Whatever is there.
    ///
    /// # Errors
    /// `layout-missing` where nothing is; see `docs/archives.md`.
    pub fn open(path: &Path) -> Result<Self, Missing> {
        if path.is_file() {
            return Archive::open(path)
                .map(Self::Archive)
                .map_err(Missing::Archive);
        }
        Directory::open(path).map(Self::Folder).map_err(|error| {
            Missing::Code(match error {
                StorageError::NotFound | StorageError::NotDirectory => Code::LayoutMissing,
                error => error.into(),
            })
        })
    }
}

impl Missing {
    /// For the user.
    pub fn into_failure(self, what: impl Display) -> Failure {
        match self {
            Self::Code(code) => Failure::new(what, code.as_str(), advice::refusal(code)),
            Self::Archive(error) => archive_failure(what, &error),
        }
    }
}

/// Why an archive was not taken, or not written.
pub fn archive_failure(what: impl Display, error: &ArchiveError) -> Failure {
    Failure::new(what, error.fault.code(), error.fault.hint())
        .at(&error.at)
        .because(&error.detail)
}
