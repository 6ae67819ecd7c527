// SPDX-License-Identifier: Apache-2.0
//! The checks of `test`, then slower ones and those that need nightly Rust: the demo, the
//! benchmarks, each fuzz target for a while, the engine and the whole program under the address
//! sanitizer, containers on their threads under the thread sanitizer, the core and the parsers
//! under Miri.

use anyhow::Result;

use crate::fuzz::nightly;
use crate::process::{run, step, succeeds};
use crate::{bench, demo, fuzz, sanitizers, test};

/// Executions of each fuzz target, which take some seconds.
const FUZZ_RUNS: &str = "100000";

/// Runs all checks, stops at the first failure, and ends with the checks that this machine can't
/// run.
pub fn ci() -> Result<()> {
    test::test()?;
    demo::demo()?;
    bench::bench(&[])?;

    if !succeeds(nightly().arg("--version")) {
        step("Left out, for want of nightly Rust: fuzzing, the sanitizers, Miri");
        return Ok(());
    }
    fuzz::fuzz(&["-runs", FUZZ_RUNS])?;
    sanitizers::address()?;
    sanitizers::thread()?;
    miri()
}

/// Runs the tests of code that reads bytes from outside under Miri, for undefined behaviour.
fn miri() -> Result<()> {
    if !succeeds(nightly().args(["miri", "--version"])) {
        step("Left out: Miri; rustup component add --toolchain nightly miri rust-src");
        return Ok(());
    }
    step("Miri");
    run(nightly()
        .args([
            "miri",
            "test",
            "--locked",
            "--lib",
            "--test",
            "model",
            "--package",
            "ocre-oci",
            "--package",
            "ocre",
        ])
        .env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}
