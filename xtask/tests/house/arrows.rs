// SPDX-License-Identifier: Apache-2.0
//! Dependencies that each crate may have. An arrow that is not drawn here is forbidden; so is a
//! crate that is not drawn at all.
//!
//! Arrows are normal and build dependencies, whatever the platform and optional or not.
//! Dependencies of tests alone are no arrows: tests ship nowhere.

use serde_json::Value;

use crate::BrokenRule;
use crate::repository::{self, METADATA, list, members, string};

/// Crate, by its folder, and the crates that it may use.
const DRAWN: [(&str, &[&str]); 22] = [
    ("crates/oci", &[]),
    ("crates/signature", &["crates/oci"]),
    ("crates/files", &[]),
    ("crates/registry", &["crates/files", "crates/oci"]),
    ("", &["crates/signature", "crates/oci"]),
    // Suites of the ports, which firmware links for its own tests alone.
    ("crates/conformance", &["", "crates/oci"]),
    ("crates/wasi", &[""]),
    ("crates/guest-api", &[""]),
    ("crates/wamr-sys", &[]),
    ("crates/module-reader", &[]),
    (
        "crates/wamr",
        &["crates/wamr-sys", "crates/module-reader", ""],
    ),
    ("crates/aot-client", &[]),
    // The compiler is built from the same WAMR source, which wamr-sys finds.
    (
        "crates/aot",
        &[
            "crates/aot-client",
            "crates/wamr-sys",
            "crates/module-reader",
        ],
    ),
    (
        "crates/pc",
        &[
            "crates/wamr",
            "crates/wasi",
            "crates/guest-api",
            "crates/module-reader",
            "crates/files",
            "",
            "crates/signature",
            "crates/oci",
        ],
    ),
    (
        "crates/tools",
        &[
            "crates/pc",
            "crates/wamr",
            "crates/registry",
            "crates/module-reader",
            "crates/files",
            "",
            "crates/signature",
            "crates/oci",
        ],
    ),
    (
        "crates/cli",
        &[
            "crates/tools",
            "crates/pc",
            "crates/aot",
            "crates/aot-client",
            "crates/wamr",
            "crates/registry",
            "crates/files",
            "",
            "crates/signature",
            "crates/oci",
        ],
    ),
    (
        "crates/zephyr",
        &[
            "crates/conformance",
            "crates/wamr",
            "crates/wasi",
            "crates/guest-api",
            "",
            "crates/signature",
            "crates/oci",
        ],
    ),
    ("crates/zephyr/artifact", &["crates/zephyr"]),
    (
        "benches",
        &[
            "crates/pc",
            "crates/aot",
            "crates/wamr",
            "crates/wamr-sys",
            "crates/module-reader",
            "",
            "crates/oci",
        ],
    ),
    // Guests are built with the SDK; they meet the other crates only when they run.
    ("sdk/rust", &[]),
    ("xtask", &[]),
    // Texts of the documents; nothing of the project for C's declarations.
    (
        "xtask/generate",
        &[
            "crates/tools",
            "crates/pc",
            "crates/registry",
            "crates/files",
            "",
            "crates/oci",
        ],
    ),
];

/// Crates of the firmware: the core, the parsers and the suites of the ports.
const FIRMWARE: [&str; 7] = [
    "",
    "crates/oci",
    "crates/signature",
    "crates/wasi",
    "crates/guest-api",
    "crates/module-reader",
    "crates/conformance",
];
const FIRMWARE_MAY_USE: [&str; 5] = ["heapless", "lock_api", "log", "minicbor", "sha2"];

fn findings(metadata: &Value) -> Vec<BrokenRule> {
    let mut findings = Vec::new();
    for package in members(metadata) {
        let from = folder(
            metadata,
            string(&package["manifest_path"]).trim_end_matches("Cargo.toml"),
        );
        let Some((_, allowed)) = DRAWN.iter().find(|(crate_, _)| *crate_ == from) else {
            findings.push(format!("{from}: this crate is not drawn"));
            continue;
        };
        for dependency in list(&package["dependencies"]) {
            if dependency["kind"] == "dev" {
                continue;
            }
            let name = string(&dependency["name"]);
            match dependency["path"]
                .as_str()
                .map(|path| folder(metadata, path))
            {
                Some(to) if !allowed.contains(&to) => {
                    findings.push(format!("{from:?} -> {to:?}: this arrow is not drawn"));
                }
                None if FIRMWARE.contains(&from) && !FIRMWARE_MAY_USE.contains(&name) => {
                    findings.push(format!("{from:?} -> {name}: not a crate for firmware"));
                }
                _ => {}
            }
        }
    }
    findings
}

/// Folder of a package, from the top folder.
fn folder<'a>(metadata: &Value, path: &'a str) -> &'a str {
    let inside = path
        .strip_prefix(string(&metadata["workspace_root"]))
        .unwrap_or(path);
    inside.trim_matches('/')
}

#[test]
fn every_arrow_between_crates_is_drawn() {
    let known = members(&repository::METADATA).count();
    assert!(known >= 3, "cargo knows only {known} crates");
    crate::assert_none(findings(&METADATA));
}

#[cfg(test)]
mod planted {
    use serde_json::json;

    use super::*;

    fn workspace(crate_: &str, dependency: Value) -> Vec<BrokenRule> {
        findings(&json!({
            "workspace_root": "/w",
            "workspace_members": ["one"],
            "packages": [
                { "id": "one", "manifest_path": format!("/w/{crate_}/Cargo.toml"), "dependencies": [dependency] },
                { "id": "not a member", "manifest_path": "/elsewhere/Cargo.toml", "dependencies": [] },
            ],
        }))
    }

    #[test]
    fn a_drawn_arrow_is_none() {
        crate::assert_none(workspace(
            "crates/wasi",
            json!({ "name": "ocre", "path": "/w" }),
        ));
        crate::assert_none(workspace("", json!({ "name": "sha2" })));
    }

    #[test]
    fn an_arrow_the_wrong_way_is_found() {
        let core_to_engine = json!({ "name": "ocre-wamr", "path": "/w/crates/wamr", "kind": null });
        crate::assert_one(workspace("", core_to_engine), "not drawn");
    }

    #[test]
    fn a_build_dependency_is_an_arrow() {
        let build = json!({ "name": "ocre-pc", "path": "/w/crates/pc", "kind": "build" });
        crate::assert_one(workspace("crates/wamr", build), "not drawn");
    }

    #[test]
    fn what_tests_use_is_no_arrow() {
        let oracle = json!({ "name": "oci-spec", "kind": "dev" });
        crate::assert_none(workspace("crates/oci", oracle));
    }

    #[test]
    fn a_crate_that_is_not_for_firmware_is_found() {
        crate::assert_one(
            workspace("", json!({ "name": "serde_json" })),
            "not a crate for firmware",
        );
    }

    #[test]
    fn a_crate_that_is_not_drawn_is_found() {
        crate::assert_one(
            workspace("crates/more", json!({ "name": "log" })),
            "not drawn",
        );
    }
}
