// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask`: every task of the project, one word each.

use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{
    bench, ci, demo, flash_sweep, footprint, fuzz, generate, guests, setup, site, test, twister,
    wamr_regressions, wasi_testsuite, words,
};

const HELP: &str = "\
cargo xtask TASK

  demo      from guest source to running container, interpreted and ahead-of-time compiled
  setup     installs what the other tasks need, or says what to install
  guests    builds samples/containers into target/guests
  test      format, lints and all tests: what must pass before a change goes in
  ci        test, then what is slower: demo, benchmarks, fuzzing, sanitizers, Miri
  generate [--check]
            writes C's declarations in Rust and the tables of the documentation, or compares them
            with their sources
  fuzz [TARGET…] [-runs N]
            runs fuzz targets, all by default, and prints how often each ran
  flash-sweep [STEP]
            flips every bit of a flash's metadata, or one in STEP: no file is lost
  wasi-testsuite DIR
            runs the published test programs of WASI, from a copy of their repository
  wamr-regressions DIR
            runs WAMR's regression modules under the address sanitizer, from a copy of its
            repository (tests/regression/ba-issues)
  twister [--board BOARD]… [--zephyr DIR|REVISION] [SUITE…] [-- OPTION…]
            runs the suites and samples for Zephyr; fails where no test case is executed
  footprint [--most NAME=BYTES] [--absent TEXT] MAP…
            prints whose a firmware's flash and RAM is, from the linker's maps
  words [--all]
            counts documentation that begins with a question word or a pronoun, and names that
            several types have
  site      builds the pages and the documentation of the crates into target/site
  bench     measures against native code, bare sha256, bare WAMR, and skopeo
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result<()> {
    match args {
        ["setup"] => setup::all(),
        ["guests"] => {
            setup::guests()?;
            guests::build()
        }
        ["demo"] => demo::demo(),
        ["test"] => test::test(),
        ["generate"] => generate::generate(&[]),
        ["generate", "--check"] => generate::generate(&["--check"]),
        ["ci"] => ci::ci(),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["flash-sweep", rest @ ..] => flash_sweep::flash_sweep(rest),
        ["wasi-testsuite", dir] => wasi_testsuite::run_all(dir),
        ["wamr-regressions", dir] => wamr_regressions::run_all(dir),
        ["footprint", rest @ ..] => footprint::footprint(rest),
        ["words"] => words::words(false),
        ["words", "--all"] => words::words(true),
        ["twister", rest @ ..] => twister::twister(rest),
        ["site"] => site::site(),
        ["bench", rest @ ..] => bench::bench(rest),
        [] | ["help", ..] | [.., "-h" | "--help"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("no such task: {}\n\n{HELP}", args.join(" ")),
    }
}
