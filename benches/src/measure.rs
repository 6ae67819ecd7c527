// SPDX-License-Identifier: Apache-2.0
//! Measurements.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use ocre_wamr::WamrEngine;

/// The only engine of the process, with the settings of the `ocre` program.
pub fn engine() -> Result<&'static WamrEngine> {
    static ENGINE: OnceLock<Option<WamrEngine>> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| ocre_pc::platform::engine().ok());
    engine
        .as_ref()
        .ok_or_else(|| anyhow!("the engine does not start"))
}

/// Runs `work`, and returns its result and its time.
pub fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// Geometric mean; 1 of nothing.
pub fn geometric_mean(ratios: &[f64]) -> f64 {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (sum / ratios.len().max(1) as f64).exp()
}

/// Runs a program to its end, and returns its output.
pub fn output(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command
        .output()
        .with_context(|| format!("can't run {name}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {errors}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
