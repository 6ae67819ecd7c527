// SPDX-License-Identifier: Apache-2.0
//! What `test` does, then what is slower or needs nightly Rust: the demo, the
//! benchmarks, each fuzz target for a while, the engine under the address sanitizer,
//! containers on their threads under the thread sanitizer, the core and the parsers
//! under Miri.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::fuzz::nightly;
use crate::process::{read, run, step, succeeds};
use crate::workspace::{root, target_dir};
use crate::{bench, demo, fuzz, test};

/// Executions of each fuzz target: some seconds.
const FUZZ_RUNS: &str = "100000";

/// Runs all of it, stops at the first thing that fails, and ends with what was
/// left out because this machine can't do it.
pub fn ci() -> Result<()> {
    test::test()?;
    demo::demo()?;
    bench::bench(&[])?;

    if !succeeds(nightly().arg("--version")) {
        step("Left out, for want of nightly Rust: fuzzing, the sanitizers, Miri");
        return Ok(());
    }
    fuzz::fuzz(&["-runs", FUZZ_RUNS])?;
    address_sanitizer()?;
    thread_sanitizer()?;
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

/// Tests in which threads meet. Those that count memory have an allocator of their own, which the
/// sanitizer has too.
const CONCURRENT: [&str; 8] = [
    "api_guests",
    "guest_api",
    "pause",
    "restart",
    "run",
    "stats",
    "threads",
    "updates",
];

/// Guests on threads of their own, and whoever starts, looks at and ends them meanwhile: what they
/// share is watched for data races, in Rust and in C.
fn thread_sanitizer() -> Result<()> {
    let sysroot =
        read(Command::new("rustup").args(["run", "nightly", "rustc", "--print", "sysroot"]))?;
    if !Path::new(sysroot.trim())
        .join("lib/rustlib/src/rust/library")
        .is_dir()
    {
        step("Left out: the thread sanitizer; rustup component add --toolchain nightly rust-src");
        return Ok(());
    }
    step("Thread sanitizer");
    let suppressions = root().join("xtask/thread-sanitizer.txt");
    run(nightly()
        // std is built anew: it shares things between threads, too.
        .args(["test", "-Zbuild-std", "--locked", "--lib"])
        .args(["--package", "ocre-wamr", "--package", "ocre-host"])
        .args(CONCURRENT.iter().flat_map(|test| ["--test", test]))
        .args(["--target", "x86_64-unknown-linux-gnu", "--target-dir"])
        .arg(target_dir().join("thread-sanitizer"))
        // The sanitizer makes the stacks of threads larger.
        .args(["--", "--skip", "a_small_native_stack"])
        .env("CC", "clang")
        .env("OCRE_WAMR_SANITIZE", "thread")
        .env("OCRE_LITTLEFS_SANITIZE", "thread")
        .env("RUSTFLAGS", "-Zsanitizer=thread")
        .env(
            "TSAN_OPTIONS",
            format!("suppressions={}", suppressions.display()),
        ))
}
