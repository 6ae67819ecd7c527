// SPDX-License-Identifier: Apache-2.0
//! Hosted workflows: they run tasks of `cargo xtask` and rustup and nothing else, use actions by
//! the full hash of a commit, have no more rights than to read, and end after a time.

use std::collections::BTreeSet;

use crate::BrokenRule;
use crate::repository::{FILES, File, text};

const FOLDER: &str = ".github/";
const WORKFLOWS: &str = ".github/workflows/";

/// Programs that a step may start, as the beginning of its command.
const COMMANDS: [&str; 2] = ["cargo xtask ", "rustup toolchain install"];

fn findings(file: &File, tasks: &str) -> Vec<BrokenRule> {
    let lines = || {
        file.text
            .lines()
            .map(|line| line.trim_start_matches([' ', '-']))
    };
    let count = |start: &str| lines().filter(|line| line.starts_with(start)).count();
    let mut findings = Vec::new();
    for line in lines() {
        if let Some(command) = line.strip_prefix("run:") {
            let command = command.trim();
            let task = command.strip_prefix(COMMANDS[0]);
            let task = task.map(|rest| rest.split(' ').next().unwrap_or_default());
            if !COMMANDS.iter().any(|start| command.starts_with(start)) {
                findings.push(format!("{}: runs {command:?}", file.path));
            } else if task.is_some_and(|task| !tasks.contains(&format!("[\"{task}\""))) {
                findings.push(format!("{}: no such task: {command}", file.path));
            }
        }
        if let Some(action) = line.strip_prefix("uses:")
            && !is_pinned(action.trim())
        {
            findings.push(format!("{}: uses {action}, not by its hash", file.path));
        }
        if line.contains(": write") {
            findings.push(format!("{}: has the right to write", file.path));
        }
    }
    if !file.path.starts_with(WORKFLOWS) {
        return findings;
    }
    if !file.text.contains("\npermissions:\n  contents: read\n") || count("permissions:") != 1 {
        findings.push(format!("{}: has other permissions", file.path));
    }
    if !file.text.contains("\nconcurrency:\n") {
        findings.push(format!("{}: has no limit of concurrency", file.path));
    }
    for (one, other) in [
        ("runs-on:", "timeout-minutes:"),
        ("uses: actions/checkout@", "persist-credentials: false"),
    ] {
        if count(one) != count(other) {
            findings.push(format!("{}: {one:?} without {other:?}", file.path));
        }
    }
    findings
}

/// True for an action of this repository, and for one with a commit's hash and its version.
fn is_pinned(action: &str) -> bool {
    action.starts_with("$/.github/")
        || action.split_once('@').is_some_and(|(_, rest)| {
            let (hash, version) = rest.split_once(" # v").unwrap_or_default();
            hash.len() == 40
                && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !version.is_empty()
        })
}

/// Entries of a list in YAML whose key has a line of its own.
fn entries<'a>(yaml: &'a str, key: &str) -> BTreeSet<&'a str> {
    yaml.lines()
        .skip_while(|line| line.trim() != key)
        .skip(1)
        .map_while(|line| line.trim().strip_prefix("- "))
        .collect()
}

#[test]
fn the_workflows_run_tasks_alone_with_few_rights() {
    let files = FILES.iter().filter(|file| {
        file.path.starts_with(FOLDER) && file.path.ends_with(".yml") && !file.path.contains("ISSUE")
    });
    let files: Vec<&File> = files.collect();
    assert!(files.len() > 4, "git lists no workflows");
    let tasks = text("xtask/src/main.rs");
    crate::assert_none(
        files
            .iter()
            .flat_map(|file| findings(file, tasks))
            .collect(),
    );
}

#[test]
fn every_target_is_fuzzed_at_night() {
    let targets = FILES.iter().filter_map(|file| {
        let name = file.path.strip_prefix("fuzz/fuzz_targets/")?;
        name.strip_suffix(".rs").filter(|name| !name.contains('/'))
    });
    let listed = entries(text(".github/workflows/fuzz.yml"), "target:");
    assert_eq!(listed, targets.collect());
}

#[cfg(test)]
mod planted {
    use super::*;

    const GOOD: &str = "on: push\npermissions:\n  contents: read\nconcurrency:\n  group: a\n\
        jobs:\n  a:\n    runs-on: b\n    timeout-minutes: 9\n    steps:\n\
        \x20     - uses: actions/checkout@0123456789012345678901234567890123456789 # v1.2.3\n\
        \x20       with:\n          persist-credentials: false\n\
        \x20     - uses: $/.github/actions/c\n\
        \x20     - run: rustup toolchain install\n\
        \x20     - run: cargo xtask test\n";

    fn of(text: &str) -> Vec<BrokenRule> {
        let file = File {
            path: format!("{WORKFLOWS}a.yml"),
            text: text.to_owned(),
        };
        findings(&file, "[\"test\"] => test(),")
    }

    #[test]
    fn a_workflow_that_keeps_the_rule_is_none() {
        crate::assert_none(of(GOOD));
    }

    #[test]
    fn each_change_of_a_line_is_found() {
        for (old, new, what) in [
            ("cargo xtask test", "make", "runs \"make\""),
            ("cargo xtask test", "|", "runs \"|\""),
            ("cargo xtask test", "cargo xtask tset", "no such task"),
            ("6789 # v1.2.3", "6789", "not by its hash"),
            (
                "0123456789012345678901234567890123456789",
                "v1",
                "not by its hash",
            ),
            ("$/.github/actions/c", "d/e@main", "not by its hash"),
            (
                "contents: read",
                "contents: read\n  packages: read\n  a: write",
                "write",
            ),
            ("contents: read", "contents: none", "permissions"),
            ("    timeout-minutes: 9\n", "", "timeout-minutes"),
            (
                "persist-credentials: false",
                "fetch-depth: 0",
                "persist-credentials",
            ),
            ("concurrency:\n  group: a\n", "", "concurrency"),
        ] {
            crate::assert_one(of(&GOOD.replace(old, new)), what);
        }
    }

    #[test]
    fn entries_are_those_of_the_list() {
        let yaml = "a:\n  target:\n    - b\n    - c\n  other:\n    - d\n";
        assert_eq!(entries(yaml, "target:"), ["b", "c"].into());
    }
}
