// SPDX-License-Identifier: Apache-2.0
//! What `test` does, then what is slower or needs nightly Rust: the documentation
//! without warnings, the demo, the benchmarks, each fuzz target for a while, the
//! engine under the address sanitizer, the core and the parsers under Miri.

use anyhow::Result;

use crate::fuzz::nightly;
use crate::process::{run, step, succeeds};
use crate::workspace::{cargo, target_dir};
use crate::{bench, demo, fuzz, test};

/// Executions of each fuzz target: some seconds.
const FUZZ_RUNS: &str = "100000";

/// Runs all of it, stops at the first thing that fails, and ends with what was
/// left out because this machine can't do it.
pub fn ci() -> Result<()> {
    test::test()?;
    step("Documentation");
    run(cargo()
        .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    demo::demo()?;
    bench::bench(&[])?;

    if !succeeds(nightly().arg("--version")) {
        step("Left out, for want of nightly Rust: fuzzing, the address sanitizer, Miri");
        return Ok(());
    }
    fuzz::fuzz(&["-runs", FUZZ_RUNS])?;
    address_sanitizer()?;
    miri()
}

/// Undefined behaviour in what reads bytes from outside.
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
            "--package",
            "ocre-oci",
            "--package",
            "ocre",
        ])
        // A model of twenty thousand steps, which would take an hour.
        .args([
            "--",
            "--skip",
            "the_ring_holds_what_a_queue_with_its_capacity_would",
        ])
        .env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}

/// WAMR and the crate over it, all of them watched for misuse of memory.
fn address_sanitizer() -> Result<()> {
    step("Address sanitizer");
    run(nightly()
        .args(["test", "--locked", "--package", "ocre-wamr"])
        // Named, or else build scripts would be instrumented too.
        .args(["--target", "x86_64-unknown-linux-gnu", "--target-dir"])
        .arg(target_dir().join("address-sanitizer"))
        // The sanitizer holds freed memory back: what is resident grows.
        .args(["--", "--skip", "leave_the_memory_flat"])
        .env("CC", "clang")
        .env("OCRE_WAMR_SANITIZE", "address")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        // WAMR compares addresses of locals with the thread's stack, so they
        // have to lie there.
        .env("ASAN_OPTIONS", "detect_stack_use_after_return=0"))
}
