// SPDX-License-Identifier: Apache-2.0
//! Names of types: a type of the product's crates shares its name with no type of another file,
//! but for the names below. `cargo xtask words` prints the count, also of tests and tools.

use std::collections::BTreeMap;

use xtask::words::type_names;

use crate::BrokenRule;
use crate::repository::{FILES, File};

/// Names that several types may have, and the reasons.
const SHARED: [(&str, &str); 2] = [
    (
        "Errno",
        "WASI's and POSIX's word; each crate has the numbers of one interface",
    ),
    (
        "Error",
        "Rust's word for the error of a crate or of a module",
    ),
];

/// Folders whose types are no part of the product.
const TESTS_AND_TOOLS: [&str; 5] = ["benches", "fuzz", "samples", "tests", "xtask"];

fn is_product(path: &str) -> bool {
    let is_test = path.split('/').any(|part| TESTS_AND_TOOLS.contains(&part));
    path.ends_with(".rs") && !path.ends_with("/tests.rs") && !is_test
}

fn shared(files: &[File]) -> BTreeMap<&str, Vec<&str>> {
    let mut types: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for file in files.iter().filter(|file| is_product(&file.path)) {
        for name in type_names(&file.text) {
            let places = types.entry(name).or_default();
            if !places.contains(&&*file.path) {
                places.push(&*file.path);
            }
        }
    }
    types.retain(|_, places| places.len() > 1);
    types
}

fn findings(files: &[File]) -> Vec<BrokenRule> {
    let types = shared(files);
    let unlisted = types
        .iter()
        .filter(|(name, _)| !SHARED.iter().any(|(listed, _)| listed == *name))
        .map(|(name, places)| format!("{name}: one name, several types: {}", places.join(", ")));
    unlisted.collect()
}

#[test]
fn a_type_has_a_name_of_its_own() {
    crate::assert_none(findings(&FILES));
    let types = shared(&FILES);
    for (name, _) in SHARED {
        assert!(types.contains_key(name), "{name} is no longer shared");
    }
}

#[cfg(test)]
mod planted {
    use super::*;

    fn declared(places: &[(&str, &str)]) -> Vec<BrokenRule> {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        findings(&places.iter().map(file).collect::<Vec<_>>())
    }

    #[test]
    fn a_second_type_of_a_name_is_found() {
        let door = "pub struct Door;\n";
        let gate = "pub(crate) enum Door { Open }\n";
        let both = declared(&[("src/door.rs", door), ("crates/a/src/gate.rs", gate)]);
        crate::assert_one(both, "Door: one name, several types: src/door.rs, crates/");
        crate::assert_none(declared(&[("src/door.rs", door), ("fuzz/gate.rs", gate)]));
        let test = "crates/a/src/gate/tests.rs";
        crate::assert_none(declared(&[("src/door.rs", door), (test, gate)]));
    }

    #[test]
    fn a_listed_name_may_be_shared() {
        let error = "pub enum Error {}\n";
        crate::assert_none(declared(&[("src/a.rs", error), ("src/b.rs", error)]));
    }
}
