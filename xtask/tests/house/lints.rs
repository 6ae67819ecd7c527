// SPDX-License-Identifier: Apache-2.0
//! Rules for `unsafe`, lints, platforms and memory, by crate.
//!
//! `unsafe` stands only in the crates that face C. Every package keeps the lints of the workspace;
//! those that face C relax `unsafe_code` and nothing else. The core, and the crates that read bytes
//! from outside, also keep the strict list, which only their tests may relax. The core knows no
//! platform. The Rust part of a firmware gets memory from the engine alone.

use std::collections::BTreeMap;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use toml::{Table, Value};
use xtask::workspace::root;

use crate::BrokenRule;
use crate::repository::{FILES, File, METADATA, members, string, text};

/// The crates that face C, the one whose imports are declared as C's, tests that tie a program to
/// themselves, and the application whose entry point C calls.
const FACING_C: [&str; 8] = [
    "crates/aot/",
    "crates/pc/",
    "crates/cli/tests/",
    "crates/wamr-sys/",
    "crates/wamr/",
    "crates/zephyr/",
    "samples/rust-app/",
    "sdk/rust/",
];

/// The core, the crates that read the bytes of images and guests, and the suites of the ports.
const STRICT: [&str; 7] = [
    "src/",
    "crates/conformance/src/",
    "crates/guest-api/src/",
    "crates/module-reader/src/",
    "crates/oci/src/",
    "crates/signature/src/",
    "crates/wasi/src/",
];
const STRICT_LINTS: [&str; 5] = [
    "arithmetic_side_effects",
    "expect_used",
    "indexing_slicing",
    "panic",
    "unwrap_used",
];

/// Rust parts of a firmware. A failed allocation from the engine is an error; one with `alloc`
/// would end the firmware.
const FIRMWARE: [&str; 10] = [
    "crates/conformance/src/",
    "crates/guest-api/src/",
    "crates/module-reader/src/",
    "crates/oci/src/",
    "crates/signature/src/",
    "crates/wamr-sys/src/",
    "crates/wamr/src/",
    "crates/wasi/src/",
    "crates/zephyr/",
    "src/",
];

const CORE: &str = "src/";

fn within(path: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Identifiers of Rust in code, neither in comments nor in strings.
fn words(tokens: TokenStream) -> Vec<String> {
    let mut words = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(word) => words.push(word.to_string()),
            TokenTree::Group(group) => words.extend(words_of(&group)),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    words
}

fn words_of(group: &proc_macro2::Group) -> Vec<String> {
    words(group.stream())
}

fn has(words: &[String], word: &str) -> bool {
    words.iter().any(|known| known == word)
}

fn in_one_rust_file(file: &File) -> Vec<BrokenRule> {
    let Ok(tokens) = TokenStream::from_str(&file.text) else {
        return vec![format!("{}: is not Rust", file.path)];
    };
    let mut findings = Vec::new();
    let known = words(tokens.clone());
    if !within(&file.path, &FACING_C) && has(&known, "unsafe") {
        findings.push(format!(
            "{}: unsafe outside of the crates that face C",
            file.path
        ));
    }
    let of_a_heap = ["alloc", "global_allocator"];
    if within(&file.path, &FIRMWARE) && of_a_heap.iter().any(|word| has(&known, word)) {
        findings.push(format!(
            "{}: allocates, which only the engine does for a firmware",
            file.path
        ));
    }
    if file.path.starts_with(CORE) && asks_for_the_platform(tokens.clone()) {
        findings.push(format!(
            "{}: the core asks what platform it is built for",
            file.path
        ));
    }
    let is_of_tests = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    if within(&file.path, &STRICT) && !is_of_tests && relaxes_strict_lints(tokens.clone()) {
        findings.push(format!(
            "{}: relaxes a strict lint outside of tests",
            file.path
        ));
    }
    if STRICT
        .iter()
        .any(|folder| file.path == format!("{folder}lib.rs"))
    {
        let attributes = inner_attributes(tokens);
        for word in STRICT_LINTS.iter().chain(&["deny", "no_std"]) {
            if !has(&attributes, word) {
                findings.push(format!("{}: lacks {word} among its attributes", file.path));
            }
        }
    }
    findings
}

/// True where a `cfg`, `cfg_attr` or `cfg!` depends on the target.
fn asks_for_the_platform(tokens: TokenStream) -> bool {
    let mut after_cfg = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => after_cfg = word == "cfg" || word == "cfg_attr",
            TokenTree::Punct(mark) => after_cfg &= mark.as_char() == '!',
            TokenTree::Literal(_) => after_cfg = false,
            TokenTree::Group(group) => {
                let asked = words_of(&group);
                let of_target = asked.iter().any(|word| {
                    word.starts_with("target_") || ["unix", "windows"].contains(&word.as_str())
                });
                if (after_cfg && of_target) || asks_for_the_platform(group.stream()) {
                    return true;
                }
                after_cfg = false;
            }
        }
    }
    false
}

/// True where an `allow` or `expect` of a strict lint is on an item that is not built for tests
/// only.
fn relaxes_strict_lints(tokens: TokenStream) -> bool {
    let mut relaxed = false;
    let mut for_tests = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                tokens.next_if(
                    |token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '!'),
                );
                let Some(TokenTree::Group(attribute)) = tokens.next() else {
                    continue;
                };
                let attribute = words_of(&attribute);
                let test = has(&attribute, "test") && !has(&attribute, "not");
                if has(&attribute, "cfg") || has(&attribute, "cfg_attr") {
                    for_tests |= test;
                }
                let of_strict = STRICT_LINTS.iter().any(|lint| has(&attribute, lint));
                relaxed |= of_strict && (has(&attribute, "allow") || has(&attribute, "expect"));
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => {
                if relaxed && !for_tests {
                    return true;
                }
                (relaxed, for_tests) = (false, false);
            }
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                if !for_tests && (relaxed || relaxes_strict_lints(group.stream())) {
                    return true;
                }
                (relaxed, for_tests) = (false, false);
            }
            _ => {}
        }
    }
    relaxed && !for_tests
}

/// Words of all attributes of the file itself, `#![…]`.
fn inner_attributes(tokens: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for window in tokens.windows(3) {
        if let [
            TokenTree::Punct(hash),
            TokenTree::Punct(bang),
            TokenTree::Group(group),
        ] = window
            && (hash.as_char(), bang.as_char()) == ('#', '!')
        {
            found.extend(words_of(group));
        }
    }
    found
}

/// `folder` ends with a slash, or is empty for the package at the top.
fn in_one_manifest(folder: &str, manifest: &Table, workspace: &Value) -> Vec<BrokenRule> {
    let lints = manifest
        .get("lints")
        .cloned()
        .unwrap_or_else(|| Table::new().into());
    if lints.get("workspace") == Some(&true.into()) {
        return Vec::new();
    }
    let faces_c = FACING_C
        .iter()
        .any(|at| folder.starts_with(at) || (!folder.is_empty() && at.starts_with(folder)));
    if !faces_c {
        vec![format!(
            "{folder}: does not keep the lints of the workspace"
        )]
    } else if denied(&lints) != denied(workspace) {
        vec![format!(
            "{folder}: differs from the workspace in more than unsafe_code"
        )]
    } else {
        Vec::new()
    }
}

/// Levels of all lints but `unsafe_code` that are not `allow`, by group and name.
fn denied(lints: &Value) -> BTreeMap<(&str, &str), &str> {
    let groups = lints.as_table().into_iter().flatten();
    let all = groups.flat_map(|(group, lints)| {
        let lints = lints.as_table().into_iter().flatten();
        lints.map(move |(name, level)| ((&**group, &**name), level.as_str().unwrap_or_default()))
    });
    all.filter(|((_, name), level)| *name != "unsafe_code" && *level != "allow")
        .collect()
}

#[test]
fn code_does_only_what_it_may_where_it_stands() {
    let sources: Vec<&File> = FILES
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .collect();
    assert!(
        sources.iter().any(|file| file.path.starts_with(CORE)),
        "git lists no core"
    );
    crate::assert_none(sources.into_iter().flat_map(in_one_rust_file).collect());
}

#[test]
fn every_package_keeps_the_lints_of_the_workspace() {
    let top: Table = text("Cargo.toml").parse().expect("cargo reads it too");
    let workspace = &top["workspace"]["lints"];
    assert_eq!(workspace["rust"]["unsafe_code"].as_str(), Some("forbid"));
    let mut findings = Vec::new();
    for package in members(&METADATA) {
        let path = std::path::Path::new(string(&package["manifest_path"]));
        let path = path
            .strip_prefix(root())
            .expect("members are inside")
            .to_string_lossy();
        let manifest: Table = text(&path).parse().expect("cargo reads it too");
        findings.extend(in_one_manifest(
            path.trim_end_matches("Cargo.toml"),
            &manifest,
            workspace,
        ));
    }
    crate::assert_none(findings);
}

#[cfg(test)]
mod planted {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<BrokenRule> {
        in_one_rust_file(&File {
            path: path.to_owned(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn unsafe_is_found_in_code_only() {
        crate::assert_one(
            file("benches/a.rs", "fn f() { g(|| unsafe { h() }) }"),
            "unsafe",
        );
        crate::assert_one(
            file("xtask/a.rs", "#[unsafe(no_mangle)] fn f() {}"),
            "unsafe",
        );
        crate::assert_none(file(
            "xtask/a.rs",
            "//! unsafe\n// unsafe\nconst S: &str = \"unsafe\";",
        ));
        crate::assert_none(file("crates/wamr/src/a.rs", "unsafe fn f() {}"));
    }

    #[test]
    fn a_heap_of_the_firmwares_own_is_found() {
        for text in [
            "extern crate alloc;",
            "use alloc::vec::Vec;",
            "#[global_allocator] static A: B = B;",
        ] {
            crate::assert_one(file("crates/wamr/src/a.rs", text), "allocates");
            crate::assert_one(file("crates/zephyr/artifact/src/a.rs", text), "allocates");
            crate::assert_none(file("crates/pc/src/a.rs", text));
        }
        crate::assert_none(file("src/a.rs", "// alloc\nfn allocate() {}"));
    }

    #[test]
    fn a_core_that_asks_for_its_platform_is_found() {
        for text in [
            "#[cfg(target_arch = \"arm\")] fn f() {}",
            "#[cfg(not(target_os = \"none\"))] fn f() {}",
            "fn f() -> bool { cfg!(unix) }",
            "mod m { #![cfg_attr(all(target_pointer_width = \"64\"), x)] }",
        ] {
            crate::assert_one(file("src/a.rs", text), "platform");
            crate::assert_none(file("crates/pc/src/a.rs", text));
        }
        crate::assert_none(file(
            "src/a.rs",
            "#[cfg(test)] mod tests { fn target_os() {} }",
        ));
    }

    #[test]
    fn a_strict_lint_relaxed_outside_of_tests_is_found() {
        for text in [
            "#[allow(clippy::indexing_slicing)] fn f() {}",
            "#![allow(clippy::unwrap_used)]",
            "mod m { #[expect(clippy::panic, reason = \"x\")] fn f() {} }",
            "#[cfg(not(test))] #[allow(clippy::expect_used)] use a::b;",
            "#[cfg(test)] mod t {} fn f() { #[allow(clippy::arithmetic_side_effects)] let x = 1 + 1; }",
        ] {
            crate::assert_one(file("crates/oci/src/a.rs", text), "relaxes");
        }
        for text in [
            "#[cfg(test)] #[allow(clippy::unwrap_used)] mod tests { fn f() {} }",
            "#[cfg(test)] mod tests { #![allow(clippy::unwrap_used)] fn f() {} }",
            "#![cfg_attr(test, allow(clippy::unwrap_used))]",
            "#[allow(dead_code)] fn f() {}",
        ] {
            crate::assert_none(file("crates/oci/src/a.rs", text));
        }
    }

    #[test]
    fn a_strict_crate_that_does_not_say_so_is_found() {
        let whole = "#![no_std]\n#![deny(clippy::arithmetic_side_effects, clippy::expect_used, \
                     clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]\n";
        crate::assert_none(file("src/lib.rs", whole));
        for word in STRICT_LINTS.iter().chain(&["deny", "no_std"]) {
            crate::assert_one(
                file("crates/oci/src/lib.rs", &whole.replace(word, "x")),
                word,
            );
        }
    }

    #[test]
    fn a_package_with_laxer_lints_is_found() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let workspace = table("rust = { unsafe_code = 'forbid', missing_docs = 'warn' }").into();
        let kept = table("[lints]\nworkspace = true");
        let own = table("[lints]\nrust = { unsafe_code = 'allow', missing_docs = 'warn' }");
        let laxer = table("[lints]\nrust = { unsafe_code = 'allow' }");
        crate::assert_none(in_one_manifest("crates/oci/", &kept, &workspace));
        crate::assert_none(in_one_manifest("crates/wamr/", &own, &workspace));
        crate::assert_one(
            in_one_manifest("crates/oci/", &own, &workspace),
            "does not keep",
        );
        crate::assert_one(
            in_one_manifest("crates/wamr/", &laxer, &workspace),
            "in more than",
        );
        crate::assert_one(
            in_one_manifest("", &Table::new(), &workspace),
            "does not keep",
        );
    }
}
