// SPDX-License-Identifier: Apache-2.0
//! Checks that the Rust part of the firmware compiles without warnings, for every processor of a
//! Zephyr build. A Zephyr build links it with Zephyr.

use anyhow::Result;

use crate::process::{run, step};
use crate::setup;
use crate::workspace::cargo;

/// Targets that `cmake/rust_staticlib.cmake` chooses from, but for `riscv32imc`: the precompiled
/// core library of that one has no atomic exchange, and only a firmware build has another one.
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

/// Checks the crate of the static library, and so all below it, as `rust_staticlib.cmake` builds
/// it.
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

    /// Targets in the text of `rust_staticlib.cmake`, on an x86-64 PC.
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
        // The file adds two letters for hard floating point.
        let soft: BTreeSet<String> = TARGETS
            .iter()
            .map(|target| target.replace("eabihf", "eabi"))
            .collect();
        assert_eq!(chosen(&cmake), soft);
    }

    /// Name of a target's machine in `arch.txt`.
    fn machine(target: &str) -> String {
        let hard = if target.ends_with("-eabihf") {
            "-eabihf"
        } else {
            ""
        };
        let arch = target.split(['-', '.']).next().unwrap_or_default();
        match arch {
            "i686" => "x86".to_owned(),
            "riscv32imac" => "riscv32".to_owned(),
            arch => format!("{arch}{hard}"),
        }
    }

    #[test]
    fn the_engine_is_built_for_each_target_and_code_is_made_for_it() {
        let read = |path| fs::read_to_string(root().join(path)).unwrap();
        let arches = read("crates/wamr-sys/wamr/arch.txt");
        let arches: BTreeSet<&str> = arches
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        let commands = read("docs/commands.md");
        for target in TARGETS {
            let machine = machine(target);
            assert!(arches.contains(&*machine), "{target}: no {machine}");
            let code = machine.replace("x86", "i386").replace("i386_64", "x86_64");
            assert!(
                commands.contains(&format!("`{code}`")),
                "{target}: no {code}"
            );
        }
    }

    #[test]
    fn a_target_is_read_from_where_it_is_chosen() {
        let cmake = "if(A)\n  set(target ${CMAKE_HOST_SYSTEM_PROCESSOR}-b)\n  set(target c)\nset(target_dir d)";
        assert_eq!(chosen(cmake), ["c", "x86_64-b"].map(str::to_owned).into());
    }
}
