// SPDX-License-Identifier: Apache-2.0
//! That the Rust part of the firmware builds for microcontrollers, without
//! warnings. Linking it with Zephyr is for a Zephyr build.

use anyhow::Result;

use crate::process::{run, step};
use crate::setup;
use crate::workspace::cargo;

/// A target that says most: 32 bits, no floating point, nothing of std.
pub const LEAST: &str = "thumbv7m-none-eabi";

/// The others that `cmake/rust_staticlib.cmake` chooses from.
pub const OTHERS: [&str; 3] = [
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// Checks the static library's crate, and so all below it, for some targets.
pub fn check(targets: &[&str]) -> Result<()> {
    step("Firmware");
    setup::targets(targets)?;
    for target in targets {
        run(cargo()
            .args([
                "clippy",
                "--locked",
                "--quiet",
                "--package",
                "ocre-zephyr-artifact",
            ])
            .args(["--target", target, "--", "-D", "warnings"]))?;
    }
    Ok(())
}
