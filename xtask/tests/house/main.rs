// SPDX-License-Identifier: Apache-2.0
//! The rules of the house that no compiler checks: which crate may use which,
//! where `unsafe` may stand, what every file begins with, what may be linked
//! in, how the PC opens files, that the documents say what is so, and that Rust
//! and C agree on what is between them.
//!
//! Each module is one rule: a function from what it reads to its findings,
//! tested on planted violations, and one test that applies it to this
//! repository.

mod arrows;
mod contracts;
mod documents;
mod headers;
mod lints;
mod policy;
mod reading;
mod repository;

/// A broken rule: where, and what it is.
type Finding = String;

#[track_caller]
fn assert_none(findings: Vec<Finding>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// That a planted violation is found, once, and that its finding says `what`.
#[cfg(test)]
#[track_caller]
fn assert_one(findings: Vec<Finding>, what: &str) {
    assert!(
        findings.len() == 1 && findings[0].contains(what),
        "wanted {what:?}: {findings:?}"
    );
}
