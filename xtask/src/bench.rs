// SPDX-License-Identifier: Apache-2.0
//! Builds and runs the measurements of `benches/` (package `ocre-bench`).

use anyhow::Result;

use crate::process::{run, step};
use crate::workspace::cargo;
use crate::{guests, setup};

/// Runs `ocre-bench` with these arguments.
pub fn bench(args: &[&str]) -> Result<()> {
    setup::all()?;
    guests::build()?;
    step("Benchmarks");
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
        .env(guests::VARIABLE, guests::dir()))
}
