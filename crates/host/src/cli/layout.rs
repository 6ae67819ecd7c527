// SPDX-License-Identifier: Apache-2.0
//! A layout of the PC that is read: a folder, or an archive.

use std::fmt::Display;
use std::path::Path;

use ocre::command::advice;
use ocre::image::verdict::Code;
use ocre::port::{Storage as _, StorageError};
use ocre_host::archive::{Archive, ArchiveError};
use ocre_host::directory::Directory;

use super::failure::Failure;
use super::foreign::Foreign;

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
    /// Something else that is known.
    Foreign(Foreign),
}

impl Layout {
    /// Whatever is there.
    ///
    /// # Errors
    /// `layout-missing` where nothing is, or something else; `layer-component`; see
    /// `docs/archives.md`.
    pub fn open(path: &Path) -> Result<Self, Missing> {
        if let Some(foreign) = Foreign::of(path) {
            return Err(Missing::Foreign(foreign));
        }
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

impl Layout {
    /// True where the folder has the marker of a layout.
    pub fn is_marked(&self) -> bool {
        let marker = "/oci-layout";
        match self {
            Self::Folder(folder) => folder.metadata(marker).is_ok(),
            Self::Archive(archive) => archive.metadata(marker).is_ok(),
        }
    }
}

impl Missing {
    /// For the user.
    pub fn into_failure(self, what: impl Display) -> Failure {
        match self {
            Self::Code(code) => Failure::new(what, code.as_str(), advice::refusal(code)),
            Self::Archive(error) => archive_failure(what, &error),
            Self::Foreign(foreign) => foreign.failure(what),
        }
    }
}

/// Why an archive was not taken, or not written.
pub fn archive_failure(what: impl Display, error: &ArchiveError) -> Failure {
    Failure::new(what, error.fault.code(), error.fault.hint())
        .at(&error.at)
        .because(&error.detail)
}
