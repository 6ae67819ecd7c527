// SPDX-License-Identifier: Apache-2.0
//! Failures of the program itself, told in the same form as those of the core's commands.

use std::fmt::{self, Display};
use std::io;

use ocre::command::report::Reason;

/// What failed, why, and what to do.
#[derive(Debug)]
pub struct Failure {
    what: String,
    code: &'static str,
    at: String,
    detail: String,
    advice: String,
    kind: Option<io::ErrorKind>,
}

impl Failure {
    /// `what` completes "error: ".
    pub fn new(what: impl Display, code: &'static str, advice: impl Display) -> Self {
        Self {
            what: what.to_string(),
            code,
            at: String::new(),
            detail: String::new(),
            advice: advice.to_string(),
            kind: None,
        }
    }

    /// A file of the PC could not be read or written.
    pub fn io(what: impl Display, error: &io::Error) -> Self {
        let (code, advice) = match ocre_files::Refusal::of(error) {
            Some(refusal) => (refusal.code(), refusal.hint()),
            None => ("io", "check the path, its permissions and the free space"),
        };
        Self {
            kind: Some(error.kind()),
            ..Self::new(what, code, advice).because(error)
        }
    }

    /// What the PC said, if it was the PC.
    pub fn kind(&self) -> Option<io::ErrorKind> {
        self.kind
    }

    /// Further words on why.
    pub fn because(mut self, detail: impl Display) -> Self {
        self.detail = detail.to_string();
        self
    }

    /// Where it is.
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
            advice: &self.advice,
        };
        write!(f, "error: {}: {reason}", self.what)
    }
}
