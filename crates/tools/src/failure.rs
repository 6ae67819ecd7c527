// SPDX-License-Identifier: Apache-2.0
//! Failures of the program itself, in the same form as those of the core's commands.

use std::fmt::{self, Display};
use std::io;

use ocre::command::hints;
use ocre::command::report::{Listed, Reason, Sanitized};
use ocre::command::sentence::{row, sentence};
use ocre::port::StorageError;

/// A failed operation, the reason, and a hint.
#[derive(Debug)]
pub struct Failure {
    what: String,
    code: &'static str,
    at: String,
    detail: String,
    hints: String,
    kind: Option<io::ErrorKind>,
}

impl Failure {
    /// Makes a failure; `what` completes "error: ".
    pub fn new(what: impl Display, code: &'static str, hints: impl Display) -> Self {
        Self {
            what: what.to_string(),
            code,
            at: String::new(),
            detail: String::new(),
            hints: hints.to_string(),
            kind: None,
        }
    }

    /// Failure to read or write a file of the PC.
    pub fn io(what: impl Display, error: &io::Error) -> Self {
        let (code, hints) = match ocre_files::FileRefusal::of(error) {
            Some(refusal) => (refusal.code(), refusal.hint()),
            None => ("io", "check the path, its permissions and the free space"),
        };
        Self {
            kind: Some(error.kind()),
            ..Self::new(what, code, hints).because(error)
        }
    }

    /// Failure to read or write a folder of the PC, used as a storage.
    pub fn folder(what: impl Display, error: StorageError) -> Self {
        Self::new(what, error.code(), folder_advice(error))
    }

    /// Kind of the PC's error, if the PC failed.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        self.kind
    }

    /// Stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Replaces the code's own hint.
    pub fn advise(mut self, hints: impl Display) -> Self {
        self.hints = hints.to_string();
        self
    }

    /// Adds a detail of the reason.
    pub fn because(mut self, detail: impl Display) -> Self {
        self.detail = detail.to_string();
        self
    }

    /// Adds the place of the fault.
    pub fn at(mut self, at: impl Display) -> Self {
        self.at = at.to_string();
        self
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = Reason {
            code: self.code,
            at: &self.at,
            detail: &self.detail,
            hints: &self.hints,
        };
        write!(
            f,
            "error: {}: {}",
            Sanitized(&self.what),
            Explained(&reason)
        )
    }
}

/// Displays a reason in words. A reason that only a PC has is explained by its detail, else by the
/// sentence of its code in the PC's documents.
pub struct Explained<'a>(pub &'a Reason<'a>);

impl Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(reason) = self;
        if !reason.detail.is_empty() || !sentence(reason.code).is_empty() {
            return reason.fmt(f);
        }
        Listed(reason, own_sentence(reason.code)).fmt(f)
    }
}

/// Hint for an error of a folder of the PC: the core's hints are for a flash.
pub fn folder_advice(error: StorageError) -> &'static str {
    match error {
        StorageError::NoSpace => "free space on this disk, or name a folder on another one",
        StorageError::NoMemory => "close other programs: too many files are open",
        StorageError::Corrupt | StorageError::Io => "check the disk and the folder's permissions",
        error => hints::storage(error),
    }
}

/// Documents with the codes that only a PC has.
const DOCUMENTS: [&str; 6] = [
    include_str!("../../../docs/flash-files.md"),
    include_str!("../../../docs/commands.md"),
    include_str!("../../../docs/registries.md"),
    include_str!("../../../docs/archives.md"),
    include_str!("../../../docs/building.md"),
    include_str!("../../../docs/bundles.md"),
];

/// Sentence of a code that only a PC has.
fn own_sentence(code: &str) -> &'static str {
    let rows = DOCUMENTS.iter().map(|document| row(document, code));
    rows.into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_words_with_its_code() {
        let failure = Failure::new("can't run a\u{1b}b", "reference-not-found", "look");
        assert_eq!(
            failure.to_string(),
            "error: can't run a\\u{1b}b: no image has this name or digest (reference-not-found)\n\
             hint: look\n"
        );
        let own = Failure::new("can't copy a to b", "flash-none", "");
        let told = own.to_string();
        assert!(
            told.ends_with(": flash-none: neither path is in a flash file\n"),
            "{told}"
        );
        let detailed = own.because("no flash file").at("a");
        let told = detailed.to_string();
        assert!(
            told.ends_with("b: flash-none at a (no flash file)\n"),
            "{told}"
        );
    }
}
