// SPDX-License-Identifier: Apache-2.0
//! Runs the sweep over a flash's metadata whole, of which the tests run a sample: each bit of the
//! metadata flips once, and the program's answer costs no file that is still visible.

use anyhow::{Context as _, Result, bail};

use crate::process::{run, step};
use crate::workspace::cargo;

/// Flips every bit, or one in STEP, and prints the results.
pub fn flash_sweep(args: &[&str]) -> Result<()> {
    let every = match args {
        [] => 1,
        [number] => number.parse::<usize>().context("STEP is a number")?,
        _ => bail!("give one STEP at most"),
    };
    step("Flipped bits of metadata");
    run(cargo()
        .args(["test", "--locked", "--package", "ocre-cli", "--bin", "ocre"])
        .args(["sweep", "--", "--nocapture"])
        .env("OCRE_FLASH_SWEEP", every.max(1).to_string()))
}
