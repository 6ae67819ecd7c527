// SPDX-License-Identifier: Apache-2.0
//! Hints of the commands, compared with the documentation.

use std::collections::BTreeMap;

use ocre::command::hints;
use ocre::container::state::{Refusal, StartFailure};
use ocre::container::{Error, record};
use ocre::image::store;
use ocre::image::verdict::Code;
use ocre::port::Trap;
use ocre_oci::Warning;

/// All codes, with the hint that a failed command prints. A code that is left out here is found,
/// because it has a row in the document.
fn hints() -> BTreeMap<&'static str, &'static str> {
    let containers = [
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
    let refusals = Code::all().map(|code| (code.as_str(), hints::refusal(code)));
    let warnings = Warning::ALL.map(|warning| (warning.code(), hints::warning(warning)));
    let traps = Trap::ALL.map(|trap| (trap.code(), hints::trap(trap)));
    let containers = containers.map(|error| (error.code(), hints::container(error)));
    let store = [store::Error::InUse, store::Error::IndexFull]
        .map(|error| (error.code(), hints::store(error)));
    let records = [record::Error::Damaged, record::Error::Version]
        .map(|error| (error.code(), hints::record(error)));
    refusals
        .chain(store)
        .chain(records)
        .chain(warnings)
        .chain(traps)
        .chain(containers)
        .collect()
}

/// Heading of the codes that the PC's program alone has.
const FILES_OF_THE_PC: &str = "## Files of the PC";

#[test]
fn the_hint_of_each_code_is_the_last_column_of_its_row() {
    let hints = hints();
    let document = include_str!("../docs/errors.md");
    let (before, pc) = document
        .split_once(FILES_OF_THE_PC)
        .expect("the section of codes that the core does not have");
    let after = pc.find("\n## ").map_or("", |next| &pc[next..]);
    let mut rows = 0;
    for row in before
        .lines()
        .chain(after.lines())
        .filter(|line| line.starts_with("| `"))
    {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let code = cells[0].trim_matches('`');
        assert_eq!(hints.get(code), cells.last(), "{code}");
        rows += 1;
    }
    assert_eq!(rows, hints.len());
}
