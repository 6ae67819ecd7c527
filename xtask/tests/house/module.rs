// SPDX-License-Identifier: Apache-2.0
//! Zephyr's file about the module: its name, and the keys that the schema of every supported
//! Zephyr knows. One unknown key makes `zephyr_module.py` refuse the file, and so each build.

use crate::BrokenRule;
use crate::repository::text;

/// Path of the file. `module.yml` in the top folder is a link to it.
const FILE: &str = "zephyr/module.yml";

const NAME: &str = "ocre-rs";

/// Top-level keys in the schema of Zephyr 3.5, the oldest supported release.
const KEYS: [&str; 6] = ["name", "build", "tests", "samples", "boards", "blobs"];

fn findings(module: &str) -> Vec<BrokenRule> {
    let top = module
        .lines()
        .filter(|line| !line.starts_with([' ', '-', '#']))
        .filter_map(|line| line.split_once(':'));
    let mut findings = Vec::new();
    let mut name = "";
    for (key, value) in top {
        if !KEYS.contains(&key) {
            findings.push(format!("{FILE}: Zephyr 3.5 refuses the key {key:?}"));
        }
        if key == "name" {
            name = value.trim();
        }
    }
    if name != NAME {
        findings.push(format!("{FILE}: the name is {name:?}, not {NAME:?}"));
    }
    findings
}

#[test]
fn every_supported_zephyr_loads_the_module() {
    crate::assert_none(findings(text(FILE)));
}

#[test]
fn the_file_in_the_top_folder_is_the_same() {
    assert_eq!(text("module.yml"), text(FILE));
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn another_name_and_a_newer_key_are_found() {
        let module = "# a: b\nname: ocre-rs\nbuild:\n  security: x\nsamples:\n- y: z\n";
        crate::assert_none(findings(module));
        crate::assert_one(findings(&module.replace("-rs", "")), "\"ocre\"");
        let newer = format!("{module}security:\n  external-references:\n    - pkg:a/b\n");
        crate::assert_one(findings(&newer), "\"security\"");
        crate::assert_one(findings("build:\n"), "the name is \"\"");
    }
}
