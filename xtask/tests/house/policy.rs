// SPDX-License-Identifier: Apache-2.0
//! Packages that may be built in: the licences and the sources that `deny.toml` allows, so that the
//! policy holds where cargo-deny, whose own build takes minutes, is not installed. With it,
//! `cargo xtask test` has it check the same file.
//!
//! Built in are the packages that cargo builds, and those named under a condition that is never
//! true, from which a crate takes C source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use spdx::{Expression, ParseMode};
use toml::Table;

use crate::BrokenRule;
use crate::repository::{METADATA, list, string, text};

fn findings(metadata: &Value, policy: &Table) -> Vec<BrokenRule> {
    let strings = |section: &str, key: &str| -> Vec<String> {
        let values = policy
            .get(section)
            .and_then(|section| section.get(key)?.as_array());
        values
            .into_iter()
            .flatten()
            .filter_map(|value| Some(value.as_str()?.to_owned()))
            .collect()
    };
    let licences = strings("licenses", "allow");
    let registries = strings("sources", "allow-registry");
    let mut findings = Vec::new();
    let built_in = built_in(metadata);
    let packages = list(&metadata["packages"]).iter();
    for package in packages.filter(|package| built_in.contains(string(&package["id"]))) {
        let name = string(&package["name"]);
        let licence = string(&package["license"]);
        let allowed = Expression::parse_mode(licence, ParseMode::LAX).is_ok_and(|expression| {
            expression.evaluate(|asked| licences.iter().any(|known| *known == asked.to_string()))
        });
        if !allowed {
            findings.push(format!("{name}: licence {licence:?} is not allowed"));
        }
        // Without a source it is part of the workspace.
        if let Some(source) = package["source"].as_str()
            && !registries
                .iter()
                .any(|known| source == format!("registry+{known}"))
        {
            findings.push(format!("{name}: source {source:?} is not allowed"));
        }
    }
    findings
}

/// Ids of the packages that are built, or whose source is.
fn built_in(metadata: &Value) -> BTreeSet<&str> {
    let nodes = list(&metadata["resolve"]["nodes"]).iter();
    let nodes: BTreeMap<&str, &Value> = nodes.map(|node| (string(&node["id"]), node)).collect();
    let mut found = BTreeSet::new();
    let mut to_do: Vec<&str> = list(&metadata["workspace_members"])
        .iter()
        .map(string)
        .collect();
    while let Some(id) = to_do.pop() {
        if !found.insert(id) {
            continue;
        }
        for dependency in nodes.get(id).map_or(&[][..], |node| list(&node["deps"])) {
            let package = string(&dependency["pkg"]);
            let mut kinds = list(&dependency["dep_kinds"]).iter();
            if kinds.any(|kind| kind["target"] != NEVER) {
                to_do.push(package);
            } else {
                found.insert(package);
            }
        }
    }
    found
}

/// Condition under which a package is locked and downloaded, but not built.
const NEVER: &str = "cfg(any())";

#[test]
fn only_allowed_licences_and_sources_are_built_in() {
    let policy = text("deny.toml").parse().expect("deny.toml is TOML");
    crate::assert_none(findings(&METADATA, &policy));
}

#[cfg(test)]
mod planted {
    use serde_json::json;

    use super::*;

    fn package(licence: Value, source: Value) -> Vec<BrokenRule> {
        let policy =
            "licenses = { allow = ['MIT', 'Unicode-3.0', 'Apache-2.0 WITH LLVM-exception'] }\n\
                      sources = { allow-registry = ['here'] }"
                .parse()
                .unwrap();
        let package = json!({ "id": "p", "name": "p", "license": licence, "source": source });
        let all = json!({ "packages": [package], "workspace_members": ["p"] });
        findings(&all, &policy)
    }

    #[test]
    fn what_is_never_built_is_source_only() {
        let edge =
            |to: &str, target: Value| json!({ "pkg": to, "dep_kinds": [{ "target": target }] });
        let metadata = json!({ "workspace_members": ["a"], "resolve": { "nodes": [
            { "id": "a", "deps": [edge("b", Value::Null), edge("source", NEVER.into())] },
            { "id": "b", "deps": [edge("c", "cfg(unix)".into())] },
            { "id": "source", "deps": [edge("its build", Value::Null)] },
        ] } });
        assert_eq!(built_in(&metadata), ["a", "b", "c", "source"].into());
    }

    #[test]
    fn what_is_allowed_is_none() {
        for licence in [
            "MIT",
            "GPL-3.0-only OR MIT",
            "ISC/MIT",
            "(MIT OR ISC) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            crate::assert_none(package(licence.into(), "registry+here".into()));
        }
        crate::assert_none(package("MIT".into(), Value::Null));
    }

    #[test]
    fn another_licence_is_found() {
        for licence in [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "Apache-2.0",
            "",
            "whatever",
        ] {
            crate::assert_one(package(licence.into(), Value::Null), "licence");
        }
        crate::assert_one(package(Value::Null, Value::Null), "licence");
    }

    #[test]
    fn another_source_is_found() {
        crate::assert_one(package("MIT".into(), "registry+there".into()), "source");
        crate::assert_one(package("MIT".into(), "git+here".into()), "source");
    }
}
