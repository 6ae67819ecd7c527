// SPDX-License-Identifier: Apache-2.0
//! Guest code against native code: the kernels of `benches/kernels`, from one source each.
//!
//! Native is `gcc -O2`; the guest is `clang -O2` for wasm32, interpreted, and compiled ahead of
//! time for this machine with all checks, with either, and with none. A number is the native
//! time over the guest's: 1.00 is native speed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use ocre::port::{Engine as _, Exit, Host, HostExit, Program};
use ocre_aot::{CompileOptions, Target};
use ocre_wamr::RunInterrupt;

use crate::measure::{engine, geometric_mean, output, time};

const KERNELS: [&str; 8] = [
    "crc32",
    "fib",
    "mandelbrot",
    "matmul",
    "nbody",
    "quicksort",
    "sha256",
    "sieve",
];
/// Shortest time that a native run should take.
const NATIVE: Duration = Duration::from_millis(30);
/// Divisor of the rounds for the interpreter.
const INTERPRETER_SHARE: u32 = 16;
const TIMES: u32 = 7;

struct KernelGuest {
    label: &'static str,
    rounds: u32,
    code: Vec<u8>,
    best: Duration,
}

pub fn run() -> Result<()> {
    println!("Kernels: speed as a share of gcc -O2 (1.00 is native; higher is faster)");
    let Ok(target) = std::env::consts::ARCH.parse::<Target>() else {
        println!("no AOT code can be made for this machine");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let mut ratios: Vec<Vec<f64>> = Vec::new();
    for (row, kernel) in KERNELS.into_iter().enumerate() {
        let (native, rounds, checksum) = native(kernel, folder.path())?;
        let mut best_native = Duration::MAX;
        let mut guests = guests(kernel, folder.path(), rounds, target)?;
        for _ in 0..TIMES {
            let (_, taken) = run_native(&native, rounds)?;
            best_native = best_native.min(taken);
            for guest in &mut guests {
                let (result, taken) = run_guest(&guest.code)?;
                ensure!(
                    guest.rounds != rounds || result == checksum,
                    "{kernel}, {}: {result} instead of {checksum}",
                    guest.label
                );
                guest.best = guest.best.min(taken);
            }
        }
        if row == 0 {
            print!("{:12}", "kernel");
            guests
                .iter()
                .for_each(|guest| print!("{:>14}", guest.label));
            println!();
            ratios = guests.iter().map(|_| Vec::new()).collect();
        }
        print!("{kernel:12}");
        for (guest, ratios) in guests.iter().zip(&mut ratios) {
            let native = best_native.as_secs_f64() / f64::from(rounds);
            let ratio = native / (guest.best.as_secs_f64() / f64::from(guest.rounds));
            print!("{ratio:14.2}");
            ratios.push(ratio);
        }
        println!();
    }
    print!("{:12}", "geo. mean");
    ratios
        .iter()
        .for_each(|ratios| print!("{:14.2}", geometric_mean(ratios)));
    println!();
    Ok(())
}

/// Builds the native program, and finds a number of rounds that take long enough.
fn native(kernel: &str, folder: &Path) -> Result<(PathBuf, u32, i32)> {
    let program = folder.join(kernel);
    output(
        Command::new("gcc")
            .args(["-O2", "-o"])
            .arg(&program)
            .args([source(kernel), source("native")])
            .arg("-lm"),
    )?;
    let mut rounds = 2;
    loop {
        let (checksum, taken) = run_native(&program, rounds)?;
        if taken >= NATIVE || rounds >= 1 << 24 {
            return Ok((program, rounds, checksum));
        }
        rounds *= 2;
    }
}

fn run_native(program: &Path, rounds: u32) -> Result<(i32, Duration)> {
    let text = output(Command::new(program).args([rounds.to_string(), "1".into()]))?;
    let (checksum, nanoseconds) = text.trim().split_once(' ').context("two numbers")?;
    let checksum: u32 = checksum.parse()?;
    Ok((
        checksum.cast_signed(),
        Duration::from_nanos(nanoseconds.parse()?),
    ))
}

fn guests(kernel: &str, folder: &Path, rounds: u32, target: Target) -> Result<Vec<KernelGuest>> {
    let guest = |label, rounds, code| KernelGuest {
        label,
        rounds,
        code,
        best: Duration::MAX,
    };
    let wasm = wasm(kernel, folder, rounds)?;
    let aot = |bounds_checks, kill_checks, stack_checks| {
        let options = CompileOptions {
            bounds_checks,
            kill_checks,
            stack_checks,
            kill_proof: kill_checks && bounds_checks,
            ..CompileOptions::new(target)
        };
        ocre_aot::compile(&wasm, &options).map_err(|error| anyhow!("{kernel}: {error}"))
    };
    let few = (rounds / INTERPRETER_SHARE).max(2);
    Ok(vec![
        guest("aot", rounds, aot(true, true, true)?),
        guest("no kill check", rounds, aot(true, false, true)?),
        guest("no bounds", rounds, aot(false, true, true)?),
        guest("no checks", rounds, aot(false, false, false)?),
        guest("interpreter", few, self::wasm(kernel, folder, few)?),
    ])
}

fn wasm(kernel: &str, folder: &Path, rounds: u32) -> Result<Vec<u8>> {
    let out = folder.join(format!("{kernel}.wasm"));
    output(
        Command::new("clang")
            .args([
                "--target=wasm32",
                "-O2",
                "-mbulk-memory",
                "-nostdlib",
                "-Wl,--no-entry",
                "-Wl,--strip-all",
            ])
            .arg(format!("-DROUNDS={rounds}u"))
            .arg("-o")
            .arg(&out)
            .args([source(kernel), source("guest")]),
    )?;
    Ok(std::fs::read(out)?)
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("kernels")
        .join(name)
        .with_extension("c")
}

/// Host without functions: the kernels call none.
struct KernelHost;

impl Host for KernelHost {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        Err(HostExit::Exit(1))
    }
}

/// Runs a guest, and returns its result and its time without loading.
fn run_guest(code: &[u8]) -> Result<(i32, Duration)> {
    let engine = engine()?;
    let buffer = engine.code(code).context("no memory")?;
    let mut explained = String::new();
    let module = engine
        .load(buffer, &mut |words| explained.push_str(words))
        .map_err(|error| anyhow!("{error:?}: {explained}"))?;
    let program = Program {
        entry: "bench",
        memory_bytes: 64 << 20,
        stack_bytes: 64 << 10,
        instructions: None,
    };
    let interrupt = RunInterrupt::default();
    let (exit, taken) =
        time(|| engine.run(module, &program, &mut KernelHost, &interrupt, &mut || ()));
    match exit {
        Ok(Exit::Code(code)) => Ok((code, taken)),
        other => Err(anyhow!("the guest ended with {other:?}")),
    }
}
