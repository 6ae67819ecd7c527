// SPDX-License-Identifier: Apache-2.0
//! That the Rust part of the firmware compiles for every processor that a
//! Zephyr build can be for, without warnings. Linking it with Zephyr is for a
//! Zephyr build.

use anyhow::Result;

use crate::process::{run, step};
use crate::setup;
use crate::workspace::cargo;

/// What `cmake/rust_staticlib.cmake` chooses from.
const TARGETS: [&str; 8] = [
    "x86_64-unknown-linux-gnu",
    "i686-unknown-linux-gnu",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabi",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// Checks the static library's crate, and so all below it, as that file builds it.
pub fn check() -> Result<()> {
    step("Firmware");
    setup::targets(&TARGETS)?;
    let targets = TARGETS.iter().flat_map(|target| ["--target", target]);
    run(cargo()
        .args(["clippy", "--locked", "--quiet", "--profile", "firmware"])
        .args(["--package", "ocre-zephyr-artifact"])
        .args(targets)
        .args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::workspace::root;

    /// The targets in the text of that file, on a PC like most.
    fn chosen(cmake: &str) -> BTreeSet<String> {
        cmake
            .lines()
            .filter_map(|line| line.trim().strip_prefix("set(target ")?.strip_suffix(')'))
            .map(|target| target.replace("${CMAKE_HOST_SYSTEM_PROCESSOR}", "x86_64"))
            .collect()
    }

    #[test]
    fn the_targets_are_those_of_the_firmware_build() {
        let cmake = fs::read_to_string(root().join("cmake/rust_staticlib.cmake")).unwrap();
        // With hard floating point it adds two letters.
        let soft: BTreeSet<String> = TARGETS
            .iter()
            .map(|target| target.replace("eabihf", "eabi"))
            .collect();
        assert_eq!(chosen(&cmake), soft);
    }

    #[test]
    fn a_target_is_read_from_where_it_is_chosen() {
        let cmake = "if(A)\n  set(target ${CMAKE_HOST_SYSTEM_PROCESSOR}-b)\n  set(target c)\nset(target_dir d)";
        assert_eq!(chosen(cmake), ["c", "x86_64-b"].map(str::to_owned).into());
    }
}
