// SPDX-License-Identifier: Apache-2.0
//! The rules of the architecture that no compiler checks: dependencies between crates, places of
//! `unsafe`, the first lines of every file, what may be linked in, how the PC opens files, that the
//! documents agree with the code, and that Rust and C agree on their contracts.
//!
//! Each module is one rule: a function from its input to its findings, tested on planted
//! violations, and one test that applies it to this repository.

mod advisories;
mod arrows;
mod book;
mod circles;
mod contracts;
mod documentation;
mod documents;
mod headers;
mod help_texts;
mod lints;
mod module;
mod policy;
mod reading;
mod repository;
mod types;
mod workflows;

/// Place and description of a broken rule.
type BrokenRule = String;

#[track_caller]
fn assert_none(findings: Vec<BrokenRule>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Checks that a planted violation is found, once, and that its finding contains `what`.
#[cfg(test)]
#[track_caller]
fn assert_one(findings: Vec<BrokenRule>, what: &str) {
    assert!(
        findings.len() == 1 && findings[0].contains(what),
        "wanted {what:?}: {findings:?}"
    );
}
