// SPDX-License-Identifier: Apache-2.0
//! Builds and tests under LLVM's sanitizers, which need nightly Rust and clang.
//!
//! The C code of WAMR and littlefs is instrumented along with the Rust code. LLVM itself and
//! the compiler of AOT code, which runs on the PC alone, are not.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::fuzz::nightly;
use crate::guests;
use crate::process::{read, run, step};
use crate::workspace::{root, target_dir};

/// Named in each build, or else build scripts would be instrumented too.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Run-time options: WAMR compares addresses of locals with the thread's stack, so they must lie
/// there. Memory left at the program's end is no fault: the engine lives as long as the program.
pub const ADDRESS_OPTIONS: (&str, &str) = (
    "ASAN_OPTIONS",
    "detect_stack_use_after_return=0:detect_leaks=0",
);

/// Tests that compare memory or stack in use, which the sanitizer changes.
const MEASURED: [&str; 3] = [
    "leave_the_memory_flat",
    "a_small_native_stack",
    "come_and_go_leave_memory",
];

/// Cargo with all of the project's C and Rust code instrumented against misuse of memory.
fn address_cargo(task: &[&str]) -> Command {
    let mut command = nightly();
    command
        .args(task)
        .args(["--locked", "--target", TARGET, "--target-dir"])
        .arg(target_dir().join("address-sanitizer"))
        .env("CC", "clang")
        .env("OCRE_WAMR_SANITIZE", "address")
        .env("OCRE_LITTLEFS_SANITIZE", "address")
        // For this target alone: tests build guests, too.
        .env(
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "-Zsanitizer=address",
        )
        // For doc tests, which link the instrumented crates.
        .env("RUSTDOCFLAGS", "-Zsanitizer=address")
        .env(ADDRESS_OPTIONS.0, ADDRESS_OPTIONS.1);
    command
}

/// The `ocre` program with the address sanitizer in it.
pub fn address_program() -> Result<PathBuf> {
    step("Building ocre with the address sanitizer");
    run(&mut address_cargo(&["build", "-p", "ocre-cli"]))?;
    Ok(target_dir()
        .join("address-sanitizer")
        .join(TARGET)
        .join("debug/ocre"))
}

/// Tests the engine, the readers in front of it, and the whole `ocre` program.
pub fn address() -> Result<()> {
    step("Address sanitizer");
    run(address_cargo(&["test"])
        .args([
            "-p",
            "ocre-module-reader",
            "-p",
            "ocre-wamr",
            "-p",
            "ocre-pc",
            "-p",
            "ocre-tools",
            "-p",
            "ocre-cli",
        ])
        .arg("--")
        .args(MEASURED.iter().flat_map(|test| ["--skip", test]))
        .env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner())
        .env(guests::VARIABLE, guests::dir()))
}

/// Command that runs a test with the toolchain of this task: tests build guests, for a target that
/// nightly Rust need not have.
fn runner() -> String {
    let own = std::env::var("RUSTUP_TOOLCHAIN").map(|own| format!("RUSTUP_TOOLCHAIN={own}"));
    let own = own.unwrap_or_else(|_| "-u RUSTUP_TOOLCHAIN".to_owned());
    format!("env -u CARGO {own}")
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

/// Watches guests on separate threads, and the threads that start, query and end them, for data
/// races, in Rust and in C.
pub fn thread() -> Result<()> {
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
        .args(["--package", "ocre-wamr", "--package", "ocre-pc"])
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
