// SPDX-License-Identifier: Apache-2.0
//! What may be built in: the licences and the sources that `deny.toml` allows,
//! so that the policy holds where cargo-deny, whose own build takes minutes, is
//! not installed. With it, `cargo xtask test` has it check the same file.

use serde_json::Value;
use spdx::{Expression, ParseMode};
use toml::Table;

use crate::Finding;
use crate::repository::{METADATA, list, string, text};

fn findings(metadata: &Value, policy: &Table) -> Vec<Finding> {
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
    for package in list(&metadata["packages"]) {
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

#[test]
fn only_allowed_licences_and_sources_are_built_in() {
    let policy = text("deny.toml").parse().expect("deny.toml is TOML");
    crate::assert_none(findings(&METADATA, &policy));
}

#[cfg(test)]
mod planted {
    use serde_json::json;

    use super::*;

    fn package(licence: Value, source: Value) -> Vec<Finding> {
        let policy =
            "licenses = { allow = ['MIT', 'Unicode-3.0', 'Apache-2.0 WITH LLVM-exception'] }\n\
                      sources = { allow-registry = ['here'] }"
                .parse()
                .unwrap();
        let package = json!({ "name": "p", "license": licence, "source": source });
        findings(&json!({ "packages": [package] }), &policy)
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
