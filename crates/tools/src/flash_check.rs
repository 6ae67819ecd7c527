// SPDX-License-Identifier: Apache-2.0
//! Damage in a flash file: its findings, and their repair as far as no whole file is lost.
//!
//! Design: a check of the whole flash lists each fault as a finding with its code and place. A
//! repair applies the remedy of each finding that has one, and then checks again: a finding that is
//! gone is mended. Whole files that nothing leads to are no damage: they are listed as kept, and
//! only an operator removes them.

mod containers;
mod images;
mod kept;
mod remedy;
mod repair;
mod structure;

use std::path::Path;

use ocre::atomic;
use ocre_pc::flash::FileError;
use ocre_pc::littlefs::LittleFs;
use remedy::Remedy;

use crate::failure::Failure;
use crate::partition::{self, Partition};

/// A fault in the flash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashFault {
    /// Stable code.
    pub code: &'static str,
    /// Path in the flash, or another description of the place.
    pub place: String,
    /// Detail, for a person.
    pub detail: String,
    remedy: Option<Remedy>,
}

impl FlashFault {
    fn new(code: &'static str, place: impl Into<String>) -> Self {
        Self {
            code,
            place: place.into(),
            detail: String::new(),
            remedy: None,
        }
    }

    fn because(self, detail: impl std::fmt::Display) -> Self {
        Self {
            detail: detail.to_string(),
            ..self
        }
    }

    fn repaired_by(self, remedy: Remedy) -> Self {
        Self {
            remedy: Some(remedy),
            ..self
        }
    }
}

impl FlashFault {
    /// Hint for a finding that stays.
    pub fn hint(&self) -> &'static str {
        hint(self.code)
    }
}

const IMPORT: &str = "import the image again: it writes damaged and missing blobs anew";
const REPAIR: &str = "run with `--repair`";
const COPY_OUT: &str =
    "copy out what can be read with `ocre flash cp`, and restore the rest from a copy";

/// Codes of the check, and the hint for a finding that stays: the last column of
/// `docs/flash-check.md`.
pub const HINTS: [(&str, &str); 24] = [
    ("blob-missing", IMPORT),
    ("digest-mismatch", IMPORT),
    ("size-mismatch", IMPORT),
    ("image-damaged", IMPORT),
    (
        "blob-unused",
        "import its image again to use it, or remove unused blobs with `ocre image prune`",
    ),
    (
        "data-missing",
        "copy its files to that folder with `ocre flash cp`, or remove the container with `ocre rm`",
    ),
    (
        "kept",
        "copy it to its container with `ocre flash cp`, mount it with `--volume`, or remove it with \
         `ocre rm -f` and its path",
    ),
    (
        "record-damaged",
        "remove the container with its files with `ocre rm -f`",
    ),
    ("record-version", "boot the release that wrote the record"),
    (
        "container-image-missing",
        "import the image again, or remove the container",
    ),
    ("file-stray", REPAIR),
    ("file-unfinished", REPAIR),
    ("record-lost", REPAIR),
    ("record-orphan", REPAIR),
    ("data-orphan", REPAIR),
    ("removal-unfinished", REPAIR),
    ("index-damaged", REPAIR),
    ("layout-damaged", REPAIR),
    ("folder-unreadable", COPY_OUT),
    ("file-unreadable", COPY_OUT),
    ("block-shared", COPY_OUT),
    ("block-outside", COPY_OUT),
    ("structure-broken", COPY_OUT),
    (
        "path-too-long",
        "give a folder on the way a shorter name in the container, or remove the container with its \
         files with `ocre rm -f`",
    ),
];

/// Hint for a finding that stays.
fn hint(code: &str) -> &'static str {
    let listed = HINTS.iter().find(|(listed, _)| *listed == code);
    listed.map_or("restore the file from a copy", |(_, hint)| hint)
}

/// Most rounds of repair, each of which mends the findings of the check before it.
const MOST_ROUNDS: usize = 8;

/// Repaired findings, and the repair of each in words.
pub type Repaired = Vec<(FlashFault, String)>;

/// Result of a check.
#[derive(Default)]
pub struct CheckReport {
    /// Damage that stays.
    pub damaged: Vec<FlashFault>,
    /// Whole files that nothing uses.
    pub kept: Vec<FlashFault>,
}

impl CheckReport {
    fn of_damage(finding: FlashFault) -> Self {
        Self {
            damaged: vec![finding],
            kept: Vec::new(),
        }
    }
}

/// Checks the flash file at a path, and repairs it if asked to.
///
/// # Errors
/// Failure to open or read the file.
pub fn check(path: &Path, repair: bool) -> Result<(CheckReport, Repaired), Failure> {
    let mut mended = Repaired::new();
    let mut opened = open(path, repair);
    if let (Err(FileError::Size { expected, .. }), true) = (&opened, repair) {
        let expected = *expected;
        let finding = unusable(opened.as_ref().err());
        if LittleFs::fit(path, expected).is_ok_and(|fitted| fitted) {
            mended.push((finding, format!("the file has {expected} bytes again")));
            opened = open(path, repair);
        }
    }
    let partition = match opened {
        Ok(partition) => partition,
        Err(error @ (FileError::Io(_) | FileError::Locked)) => {
            return Err(partition::unusable(path, &error));
        }
        Err(error) => return Ok((CheckReport::of_damage(unusable(Some(&error))), mended)),
    };
    let left = if repair {
        repair_all(&partition, &mut mended)
    } else {
        look(&partition)
    };
    Ok((left, mended))
}

/// Repairs the flash, and reports the rest.
fn repair_all(partition: &Partition, mended: &mut Repaired) -> CheckReport {
    // First, so that the check reports no file of an unfinished write as missing.
    atomic::finish_renames(partition);
    let mut left = look(partition);
    // A file that was moved may have been the only user of others.
    for _ in 0..MOST_ROUNDS {
        if !repair::all(partition, &left.damaged, mended) {
            break;
        }
        let now = look(partition);
        let stays = |finding: &FlashFault| {
            let same =
                |other: &FlashFault| (other.code, &other.place) == (finding.code, &finding.place);
            now.damaged.iter().any(same)
        };
        mended.retain(|(finding, _)| !stays(finding));
        left = now;
    }
    left
}

fn open(path: &Path, repair: bool) -> Result<Partition, FileError> {
    if repair {
        LittleFs::open(path)
    } else {
        LittleFs::open_to_read(path)
    }
}

/// Finding for a flash file whose file system can't be read.
fn unusable(error: Option<&FileError>) -> FlashFault {
    let (code, detail) = error.map_or(("flash-damaged", String::new()), |error| {
        (error.code(), error.to_string())
    });
    FlashFault::new(code, "/").because(detail)
}

/// Checks the flash: all damage and all kept files, in a fixed order.
fn look(partition: &Partition) -> CheckReport {
    let mut report = CheckReport::default();
    let tree = structure::look(partition, &mut report.damaged);
    let records = containers::look(partition, &tree, &mut report.damaged);
    images::look(partition, &tree, &records, &mut report);
    kept::look(partition, &tree, &mut report);
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_the_check_has_a_hint() {
        let source = concat!(
            include_str!("flash_check/structure.rs"),
            include_str!("flash_check/containers.rs"),
            include_str!("flash_check/images.rs"),
            include_str!("flash_check/kept.rs"),
        );
        let codes = source
            .split("FlashFault::new(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        let codes: Vec<&str> = codes.collect();
        assert!(codes.len() > 15, "{codes:?}");
        for code in codes {
            assert!(HINTS.iter().any(|(listed, _)| *listed == code), "{code}");
        }
    }
}
