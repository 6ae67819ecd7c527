// SPDX-License-Identifier: Apache-2.0
//! WAMR's advisories: the table of `docs/engine-advisories.md`, the one of `SECURITY.md` and the
//! statements of `docs/vex.openvex.json` list the same ones and agree on each, and the engine's
//! commit is that of `west.yml`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::BrokenRule;
use crate::repository::{list, string, text};

const TABLE: &str = "docs/engine-advisories.md";
const VEX: &str = "docs/vex.openvex.json";
const SECURITY: &str = "SECURITY.md";

/// Name of the engine in a package URL, before its commit.
const ENGINE: &str = "pkg:github/bytecodealliance/wasm-micro-runtime@";

/// Rows of a table that begin with an advisory: its name, and the other cells.
fn rows(document: &str) -> BTreeMap<&str, Vec<&str>> {
    document
        .lines()
        .filter(|line| line.starts_with("| CVE-"))
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            Some((cells.next()?, cells.collect()))
        })
        .collect()
}

/// Status and justification that follow from the cells "built here" and "in our source".
fn stated(built: &str, source: &str) -> [&'static str; 2] {
    if built.starts_with("no") {
        ["not_affected", "vulnerable_code_not_present"]
    } else if source.contains("not repaired") {
        ["not_affected", "inline_mitigations_already_exist"]
    } else {
        ["fixed", ""]
    }
}

fn findings(table: &str, security: &str, vex: &Value) -> Vec<BrokenRule> {
    let rows_of_security = rows(security);
    let rows = rows(table);
    let mut findings = Vec::new();
    let mut statements = BTreeMap::new();
    for statement in list(&vex["statements"]) {
        let name = string(&statement["vulnerability"]["name"]);
        if statements.insert(name, statement).is_some() {
            findings.push(format!("{VEX}: {name} has two statements"));
        }
    }
    for (name, cells) in &rows {
        let &[_, _, built, source, ..] = &cells[..] else {
            findings.push(format!("{TABLE}: {name} has too few cells"));
            continue;
        };
        let Some(statement) = statements.remove(name) else {
            findings.push(format!("{VEX}: has no {name}"));
            continue;
        };
        let wanted = stated(built, source);
        let found = ["status", "justification"].map(|key| string(&statement[key]));
        if found != wanted {
            findings.push(format!("{VEX}: {name} is {found:?}, not {wanted:?}"));
        }
    }
    findings.extend(
        statements
            .keys()
            .map(|name| format!("{TABLE}: has no {name}")),
    );
    let differ = rows.keys().ne(rows_of_security.keys());
    if differ {
        findings.push(format!("{SECURITY}: lists other advisories than {TABLE}"));
    }
    findings
}

/// Statements whose engine is another commit than that of the manifest.
fn other_engines(manifest: &str, vex: &Value) -> Vec<BrokenRule> {
    let project = manifest.split("- name: wasm-micro-runtime").nth(1);
    let commit = project
        .and_then(|project| {
            project
                .split("revision: ")
                .nth(1)?
                .split_whitespace()
                .next()
        })
        .unwrap_or_default();
    let engine = format!("{ENGINE}{commit}");
    list(&vex["statements"])
        .iter()
        .filter(|statement| {
            let products = list(&statement["products"]);
            products.is_empty()
                || products.iter().any(|product| {
                    let parts = list(&product["subcomponents"]);
                    parts.is_empty() || parts.iter().any(|part| part["@id"] != *engine)
                })
        })
        .map(|statement| {
            let name = string(&statement["vulnerability"]["name"]);
            format!("{VEX}: {name} is not about {engine}")
        })
        .collect()
}

fn vex() -> Value {
    serde_json::from_str(text(VEX)).expect("the file is JSON")
}

#[test]
fn the_lists_of_advisories_agree() {
    assert!(!rows(text(TABLE)).is_empty(), "{TABLE} has no table");
    crate::assert_none(findings(text(TABLE), text(SECURITY), &vex()));
}

#[test]
fn the_statements_are_about_the_engine_that_is_built() {
    crate::assert_none(other_engines(text("west.yml"), &vex()));
}

#[cfg(test)]
mod planted {
    use serde_json::json;

    use super::*;

    const ROWS: &str = "| advisory | fault | fixed in | built here | in our source |\n\
                        | CVE-1 | a | 1 | no: b | repaired |\n\
                        | CVE-2 | a | 1 | yes | **not repaired** |\n\
                        | CVE-3 | a | 1 | yes, on a PC | repaired |\n";

    fn statement(name: &str, status: &str, justification: &str) -> Value {
        json!({ "vulnerability": { "name": name }, "status": status,
            "justification": justification,
            "products": [{ "subcomponents": [{ "@id": format!("{ENGINE}12") }] }] })
    }

    fn statements() -> Vec<Value> {
        vec![
            statement("CVE-1", "not_affected", "vulnerable_code_not_present"),
            statement("CVE-2", "not_affected", "inline_mitigations_already_exist"),
            statement("CVE-3", "fixed", ""),
        ]
    }

    fn of(table: &str, statements: Vec<Value>) -> Vec<BrokenRule> {
        findings(table, ROWS, &json!({ "statements": statements }))
    }

    #[test]
    fn lists_that_agree_have_no_finding() {
        crate::assert_none(of(ROWS, statements()));
    }

    #[test]
    fn a_missing_statement_and_a_missing_row_are_found() {
        let mut fewer = statements();
        fewer.pop();
        crate::assert_one(of(ROWS, fewer), "has no CVE-3");
        let mut more = statements();
        more.push(statement("CVE-4", "fixed", ""));
        crate::assert_one(of(ROWS, more), "has no CVE-4");
        let mut twice = statements();
        twice.push(statement("CVE-3", "fixed", ""));
        crate::assert_one(of(ROWS, twice), "two statements");
        let table = format!("{ROWS}| CVE-5 | a | 1 | yes | repaired |\n");
        let mut all = statements();
        all.push(statement("CVE-5", "fixed", ""));
        crate::assert_one(of(&table, all), "SECURITY.md");
    }

    #[test]
    fn another_status_is_found() {
        let mut wrong = statements();
        wrong[1] = statement("CVE-2", "fixed", "");
        crate::assert_one(of(ROWS, wrong), "CVE-2");
    }

    #[test]
    fn another_commit_is_found() {
        let manifest = "    - name: wasm-micro-runtime\n      # a\n      revision: 12\n";
        let vex = json!({ "statements": statements() });
        crate::assert_none(other_engines(manifest, &vex));
        assert_eq!(
            other_engines(&manifest.replace("12", "34"), &vex).len(),
            statements().len()
        );
    }
}
