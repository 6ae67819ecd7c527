// SPDX-License-Identifier: Apache-2.0
//! `ocre flash check`: finds damage in a flash file, and repairs it as far as no whole file is
//! lost.
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
#[cfg(test)]
mod sweep;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ocre::atomic;
use ocre::command::Status;
use ocre::command::report::Sanitized;
use ocre_host::flash::FileError;
use ocre_host::littlefs::LittleFs;

use super::device::Partition;
use super::failure::Failure;
use super::output::Output;
use remedy::Remedy;

/// Finds what is damaged in a flash file.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The flash file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Mends what can be mended without loss of what is whole
    #[arg(long)]
    repair: bool,
}

/// A fault in the flash.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    code: &'static str,
    /// Path in the flash, or another description of the place.
    place: String,
    detail: String,
    remedy: Option<Remedy>,
}

impl Finding {
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

/// Hint for a finding that stays: the last column of `docs/flash-files.md`.
fn hint(code: &str) -> &'static str {
    match code {
        "blob-missing" | "digest-mismatch" | "size-mismatch" | "image-damaged" => {
            "import the image again: what is whole is kept, what is not is written anew"
        }
        "blob-unused" => {
            "import its image again to use it, or remove what nothing uses with `ocre image prune`"
        }
        "data-missing" => {
            "copy its files to that folder with `ocre flash cp`, or remove the container with `ocre rm`"
        }
        "kept" => {
            "copy it to where it belongs with `ocre flash cp`, mount it with `--volume`, or remove it \
             with `ocre rm -f` and its path"
        }
        "record-damaged" => "remove the container with its files with `ocre rm -f`",
        "record-version" => "boot the release that wrote it",
        "container-image-missing" => "import the image again, or remove the container",
        "file-stray" | "file-unfinished" | "record-lost" | "record-orphan" | "data-orphan"
        | "removal-unfinished" => "run with --repair",
        "folder-unreadable" | "file-unreadable" | "block-shared" | "block-outside"
        | "structure-broken" => {
            "copy out what can be read with `ocre flash cp`, and restore the rest from a copy"
        }
        "index-damaged" | "layout-damaged" => "run with --repair",
        "path-too-long" => {
            "give a folder on the way a shorter name in the container, or remove the container \
             with its files with `ocre rm -f`"
        }
        _ => "restore the file from a copy",
    }
}

/// Most rounds of repair, each of which mends the findings of the check before it.
const MOST_ROUNDS: usize = 8;

/// Repaired findings, and the repair of each in words.
type Repaired = Vec<(Finding, String)>;

/// Result of a check.
#[derive(Default)]
struct Report {
    damaged: Vec<Finding>,
    /// Whole files that nothing uses.
    kept: Vec<Finding>,
}

impl Report {
    fn of_damage(finding: Finding) -> Self {
        Self {
            damaged: vec![finding],
            kept: Vec::new(),
        }
    }
}

/// Checks the flash, prints the findings, and fails if damage stays.
pub fn run(args: &Args, out: &mut Output) -> Result<Status, Failure> {
    let (left, mended) = check(&args.file, args.repair)?;
    print(&left, &mended, out).map_err(|error| Failure::io("can't print", &error))?;
    Ok(if left.damaged.is_empty() {
        Status::Ok
    } else {
        Status::Failed
    })
}

fn check(path: &Path, repair: bool) -> Result<(Report, Repaired), Failure> {
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
            return Err(super::device::unusable(path, &error));
        }
        Err(error) => return Ok((Report::of_damage(unusable(Some(&error))), mended)),
    };
    let left = if repair {
        repair_all(&partition, &mut mended)
    } else {
        look(&partition)
    };
    Ok((left, mended))
}

/// Repairs the flash, and reports the rest.
fn repair_all(partition: &Partition, mended: &mut Repaired) -> Report {
    // First, so that the check reports no file of an unfinished write as missing.
    atomic::finish_renames(partition);
    let mut left = look(partition);
    // A file that was moved may have been the only user of others.
    for _ in 0..MOST_ROUNDS {
        if !repair::all(partition, &left.damaged, mended) {
            break;
        }
        let now = look(partition);
        let stays = |finding: &Finding| {
            let same =
                |other: &Finding| (other.code, &other.place) == (finding.code, &finding.place);
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
fn unusable(error: Option<&FileError>) -> Finding {
    let (code, detail) = error.map_or(("flash-damaged", String::new()), |error| {
        (error.code(), error.to_string())
    });
    Finding::new(code, "/").because(detail)
}

/// Checks the flash: all damage and all kept files, in a fixed order.
fn look(partition: &Partition) -> Report {
    let mut report = Report::default();
    let tree = structure::look(partition, &mut report.damaged);
    let records = containers::look(partition, &tree, &mut report.damaged);
    images::look(partition, &tree, &records, &mut report);
    kept::look(partition, &tree, &mut report);
    report
}

fn print(left: &Report, mended: &Repaired, out: &mut Output) -> std::io::Result<()> {
    if out.json() {
        return out.document(|out| {
            out.boolean("whole", left.damaged.is_empty());
            for (name, findings) in [("damaged", &left.damaged), ("kept", &left.kept)] {
                out.array(name, |out| {
                    findings.iter().for_each(|finding| {
                        out.object(|out| {
                            out.string("code", finding.code);
                            out.string("at", &finding.place);
                            out.string("detail", &finding.detail)
                        })
                    })
                });
            }
            out.array("mended", |out| {
                mended.iter().for_each(|(finding, did)| {
                    out.object(|out| {
                        out.string("code", finding.code);
                        out.string("at", &finding.place);
                        out.string("did", did)
                    })
                })
            })
        });
    }
    let mut text = String::new();
    for (finding, did) in mended {
        // Writing to a String does not fail.
        let (place, did) = (Sanitized(&finding.place), Sanitized(did));
        let _ = writeln!(text, "mended: {} at {place}: {did}", finding.code);
    }
    let kept = left.kept.iter().map(|finding| ("kept", finding));
    let damaged = left.damaged.iter().map(|finding| ("damaged", finding));
    for (word, finding) in kept.chain(damaged) {
        // A guest, or an image, may have chosen the names in it.
        let (place, detail) = (Sanitized(&finding.place), Sanitized(&finding.detail));
        let _ = write!(text, "{word}: {} at {place}", finding.code);
        if !finding.detail.is_empty() {
            let _ = write!(text, ": {detail}");
        }
        let _ = writeln!(text, "\nhint: {}", hint(finding.code));
    }
    let _ = match left.damaged.len() {
        0 => writeln!(text, "check: whole"),
        count => writeln!(text, "check: {count} damaged"),
    };
    out.text(&text)
}
