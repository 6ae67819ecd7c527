// SPDX-License-Identifier: Apache-2.0
//! Builds and runs the measurements of `benches/` (package `ocre-bench`).

use anyhow::Result;

use crate::process::{run, step};
use crate::workspace::{cargo, target_dir};
use crate::{guests, setup};

/// Runs `ocre-bench` with these arguments.
pub fn bench(args: &[&str]) -> Result<()> {
    setup::all()?;
    guests::build()?;
    step("Benchmarks");
    // What moves images is measured as a program.
    run(cargo().args([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "ocre-cli",
    ]))?;
    run(cargo()
        .args([
            "run",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            "ocre-bench",
            "--",
        ])
        .args(args)
        .env(guests::VARIABLE, guests::dir())
        .env("OCRE_PROGRAM", target_dir().join("release/ocre")))
}
