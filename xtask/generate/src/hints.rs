// SPDX-License-Identifier: Apache-2.0
//! Hints in the documents: the last column of each table of codes, from the texts that the program
//! prints. The other columns are written by hand; the program reads them from the documents.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use ocre::command::format::Mounted;
use ocre::command::hints;
use ocre::container::state::{Refusal, StartFailure};
use ocre::container::{Error, record};
use ocre::image::store;
use ocre::image::verdict::Code;
use ocre::port::{StorageError, Trap};
use ocre_files::{FileKind, FileRefusal};
use ocre_oci::Warning;
use ocre_pc::flash::FileError;
use ocre_registry::RegistryCode;
use ocre_tools::archive::ArchiveFault;
use ocre_tools::bundle::BundleCode;
use ocre_tools::flash_check;

use crate::{Generated, content};

/// Codes and their hints.
type Hints = BTreeMap<&'static str, &'static str>;

/// Codes of images, the store and storage.
fn of_images() -> Hints {
    let refusals = Code::all().map(|code| (code.as_str(), hints::refusal(code)));
    let warnings = Warning::ALL.map(|warning| (warning.code(), hints::warning(warning)));
    let store = [store::Error::InUse, store::Error::IndexFull];
    let store = store.map(|error| (error.code(), hints::store(error)));
    let mounted = [(Mounted::code(), Mounted::hint())];
    refusals
        .chain(warnings)
        .chain(store)
        .chain(mounted)
        .collect()
}

/// Codes of containers, their records and their runs.
fn of_containers() -> Hints {
    let errors = [
        Error::NotFound,
        Error::NameSyntax,
        Error::NameTaken,
        Error::RecordUnreadable,
        Error::NameNeeded,
        Error::TableFull,
        Error::ArgumentSyntax,
        Error::ArgumentsTooLong,
        Error::EnvironmentSyntax,
        Error::EnvironmentTooLong,
        Error::MountSyntax,
        Error::MountSource,
        Error::MountTarget,
        Error::MountsTooMany,
        Error::MountInUse,
        Error::LimitTooLarge,
        Error::State(Refusal::Running),
        Error::State(Refusal::Paused),
        Error::State(Refusal::NotRunning),
        Error::State(Refusal::NotPaused),
        Error::State(Refusal::NotStarted),
        Error::Start(StartFailure::DataMissing),
        Error::Start(StartFailure::Instantiate),
        Error::Start(StartFailure::Thread),
        Error::TimedOut,
    ];
    let errors = errors.map(|error| (error.code(), hints::container(error)));
    let records = [record::Error::Damaged, record::Error::Version];
    let records = records.map(|error| (error.code(), hints::record(error)));
    let traps = Trap::ALL.map(|trap| (trap.code(), hints::trap(trap)));
    errors.into_iter().chain(records).chain(traps).collect()
}

/// Codes of files that a user of the PC names.
fn of_files() -> Hints {
    let refusals = [
        FileRefusal::NotRegular(FileKind::Folder),
        FileRefusal::TooLarge(0),
    ];
    refusals
        .map(|refusal| (refusal.code(), refusal.hint()))
        .into()
}

/// Codes of flash files that can't be used.
fn of_flash_files() -> Hints {
    let errors = [
        FileError::Io(std::io::ErrorKind::PermissionDenied.into()),
        FileError::Locked,
        FileError::Empty,
        FileError::TooLarge(0),
        FileError::NoFileSystem,
        FileError::Size {
            expected: 0,
            found: 0,
        },
        FileError::Mount(StorageError::Corrupt),
    ];
    errors
        .iter()
        .map(|error| (error.code(), error.hint()))
        .collect()
}

/// Sets the last cell of a row whose codes have a hint, and takes these codes from `missing`.
fn with_hint(line: &str, hints: &Hints, missing: &mut Hints) -> String {
    let Some((codes, cells)) = line
        .strip_prefix("| `")
        .and_then(|row| row.split_once("` | "))
    else {
        return line.to_owned();
    };
    let first = codes.split("`, `").next().unwrap_or_default();
    let Some(hint) = hints.get(first) else {
        return line.to_owned();
    };
    missing.remove(first);
    let others = cells.trim_end_matches('|').trim_end().rsplit_once('|');
    let others = others.map_or("", |(others, _)| others.trim_end());
    format!("| `{codes}` | {others} | {hint} |")
}

/// Sets the hints in a document, which has a row for each code.
fn set(files: &mut Vec<Generated>, path: &str, hints: &Hints) -> Result<()> {
    let text = content(files, path)?;
    let mut missing = hints.clone();
    let lines = text
        .lines()
        .map(|line| with_hint(line, hints, &mut missing));
    let lines: Vec<String> = lines.collect();
    *text = lines.join("\n") + "\n";
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<&str> = missing.into_keys().collect();
    bail!("{path}: add a row with the fault of {}", missing.join(", "));
}

/// Every document with hints.
pub fn all() -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    let mut core = of_images();
    core.extend(of_containers());
    core.extend(of_files());
    set(&mut files, "docs/errors.md", &core)?;
    set(&mut files, "docs/flash-files.md", &of_flash_files())?;
    let archives = ArchiveFault::ALL.into_iter();
    let archives = archives.filter(|fault| *fault != ArchiveFault::Io);
    let archives = archives.map(|fault| (fault.code(), fault.hint()));
    set(&mut files, "docs/archives.md", &archives.collect())?;
    let bundles = BundleCode::ALL.map(|code| (code.as_str(), code.hint()));
    set(&mut files, "docs/bundles.md", &bundles.into())?;
    let registries = RegistryCode::OWN.into_iter();
    let registries = registries.filter_map(|code| Some((code.as_str(), code.hint()?)));
    set(&mut files, "docs/registries.md", &registries.collect())?;
    set(
        &mut files,
        "docs/flash-check.md",
        &flash_check::HINTS.into(),
    )?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cell_of_a_row_is_the_hint() {
        let hints = Hints::from([("a-b", "do"), ("c", "")]);
        let mut missing = hints.clone();
        let mut set = |line| with_hint(line, &hints, &mut missing);
        assert_eq!(
            set("| `a-b`, `d` | x | y | old |"),
            "| `a-b`, `d` | x | y | do |"
        );
        assert_eq!(set("| `c` | x | |"), "| `c` | x |  |");
        assert_eq!(set("| `e` | x | y |"), "| `e` | x | y |");
        assert_eq!(set("text"), "text");
        assert!(missing.is_empty());
    }
}
