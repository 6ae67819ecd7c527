// SPDX-License-Identifier: Apache-2.0
//! Layouts of the PC that are read: folders and archives.

use std::fmt::Display;
use std::path::Path;

use ocre::command::hints;
use ocre::image::verdict::Code;
use ocre::port::{Storage as _, StorageError};
use ocre_pc::directory::Directory;

use crate::archive::{Archive, ArchiveError};
use crate::failure::Failure;
use crate::foreign::Foreign;

/// An open layout.
pub enum OpenLayout {
    /// A folder.
    Folder(Directory),
    /// A tar or zip file.
    Archive(Archive),
}

/// Reasons why there is no layout.
#[derive(Debug)]
pub enum Missing {
    /// A refusal of the core.
    Code(Code),
    /// A fault of the archive.
    Archive(ArchiveError),
    /// A file or folder of another known kind.
    Foreign(Foreign),
}

impl OpenLayout {
    /// Opens the folder or archive at a path.
    ///
    /// # Errors
    /// `layout-missing` where there is no layout; `layer-component`; those of `docs/archives.md`.
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

impl OpenLayout {
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
    /// Converts the reason to a failure of `what`.
    pub fn into_failure(self, what: impl Display) -> Failure {
        match self {
            Self::Code(code) => Failure::new(what, code.as_str(), hints::refusal(code)),
            Self::Archive(error) => archive_failure(what, &error),
            Self::Foreign(foreign) => foreign.failure(what),
        }
    }
}

/// Failure of `what` for a fault of an archive that is read or written.
pub fn archive_failure(what: impl Display, error: &ArchiveError) -> Failure {
    Failure::new(what, error.fault.code(), error.fault.hint())
        .at(&error.at)
        .because(&error.detail)
}
