// SPDX-License-Identifier: Apache-2.0
//! The documents say what is so, briefly.

use std::fs;

use xtask::guests;

use crate::Finding;
use crate::repository::text;

/// A README is read to its end.
const README_LINES: usize = 200;

fn too_long(readme: &str) -> Vec<Finding> {
    let lines = readme.lines().count();
    if lines < README_LINES {
        Vec::new()
    } else {
        vec![format!(
            "README.md: {lines} lines, of less than {README_LINES}"
        )]
    }
}

/// Sizes in the table of guests that are off by more than a tenth. `size` gives
/// the bytes of a guest.
fn untrue_sizes(table: &str, size: impl Fn(&str) -> u64) -> Vec<Finding> {
    guests::names()
        .filter_map(|name| {
            let row = table
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")));
            let said =
                row.and_then(|row| row.split('|').nth(3)?.trim().replace(',', "").parse().ok());
            let is = size(name);
            match said {
                None => Some(format!("{name}: has no row with a size")),
                Some(said) if is.abs_diff(said) * 10 <= said => None,
                Some(said) => Some(format!("{name}: has {is} bytes, not {said}")),
            }
        })
        .collect()
}

#[test]
fn the_readme_is_short() {
    crate::assert_none(too_long(text("README.md")));
}

#[test]
fn the_sizes_of_the_guests_are_true() {
    let dir = guests::dir();
    crate::assert_none(untrue_sizes(text("samples/containers/README.md"), |name| {
        let path = dir.join(name).with_extension("wasm");
        let file = fs::metadata(&path);
        file.unwrap_or_else(|error| panic!("{}: {error}; run cargo xtask guests", path.display()))
            .len()
    }));
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn a_long_readme_is_found() {
        crate::assert_none(too_long(&"a\n".repeat(199)));
        crate::assert_one(too_long(&"a\n".repeat(200)), "200 lines");
    }

    #[test]
    fn a_size_that_is_not_true_is_found() {
        let table: String = guests::names()
            .map(|name| format!("| `{name}` | C | 1,000 | x |\n"))
            .collect();
        let grown = |guest: &str| if guest == "kernel" { 1_101 } else { 1_100 };
        crate::assert_one(untrue_sizes(&table, grown), "kernel: has 1101 bytes");
        crate::assert_one(
            untrue_sizes(&table, |guest| if guest == "hello" { 899 } else { 900 }),
            "hello",
        );
        crate::assert_one(
            untrue_sizes(&table.replace("`reader`", "`writer`"), |_| 1_000),
            "reader: has no row",
        );
    }
}
