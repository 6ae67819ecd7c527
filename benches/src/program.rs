// SPDX-License-Identifier: Apache-2.0
//! The whole program from cold, as a process: `ocre --version`, and `ocre run hello` with a container
//! on a flash file, against `true`, which does nothing. Time and peak memory.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bare::source;
use crate::measure::output;

const TIMES: u32 = 40;

/// Least time and largest memory of the runs of a command.
struct Cost {
    time: Duration,
    peak_kib: u64,
}

pub fn run() -> Result<()> {
    println!("Program: time and peak memory of a process, as multiples of true's");
    let ocre =
        PathBuf::from(std::env::var_os("OCRE_PROGRAM").context("OCRE_PROGRAM names no program")?);
    let guests = std::env::var_os("OCRE_GUESTS").context("OCRE_GUESTS names no folder")?;
    let folder = tempfile::tempdir()?;
    let launch = launcher(folder.path())?;
    let flash = folder.path().join("flash.bin");
    let layout = folder.path().join("layout");
    let wasm = Path::new(&guests).join("hello.wasm");
    let prepare = |words: &[&str], path: &Path| {
        let mut command = Command::new(&ocre);
        command.arg("--flash").arg(&flash).args(words).arg(path);
        command
    };
    output(
        prepare(&["image", "pack", "-t", "hello", "--wasm"], &wasm)
            .arg("-o")
            .arg(&layout),
    )?;
    output(&mut prepare(&["image", "import"], &layout))?;

    let program = |words: &[&str]| {
        let mut command = Command::new(&launch);
        command.arg(&ocre).arg("--flash").arg(&flash).args(words);
        command
    };
    let mut nothing = Command::new(&launch);
    nothing.arg("/bin/true");
    let mut commands = [
        ("true", nothing),
        ("ocre --version", program(&["--version"])),
        ("ocre run hello", program(&["run", "hello"])),
    ];
    let mut costs = commands.each_ref().map(|_| Cost {
        time: Duration::MAX,
        peak_kib: 0,
    });
    for _ in 0..TIMES {
        for ((_, command), cost) in commands.iter_mut().zip(&mut costs) {
            let (time, peak_kib) = cost_of(command)?;
            cost.time = cost.time.min(time);
            cost.peak_kib = cost.peak_kib.max(peak_kib);
        }
    }
    let [least, ..] = &costs;
    for ((name, _), cost) in commands.iter().zip(&costs) {
        let time = cost.time.as_secs_f64() / least.time.as_secs_f64();
        let memory = cost.peak_kib as f64 / least.peak_kib as f64;
        println!(
            "{name:16} {time:6.2} of the time  {memory:6.2} of the memory   ({:?}, {:.1} MiB)",
            cost.time,
            cost.peak_kib as f64 / 1024.0
        );
    }
    Ok(())
}

/// Compiles the program that runs another one and measures it.
fn launcher(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("launch");
    output(
        Command::new("gcc")
            .args(["-O2", "-o"])
            .arg(&program)
            .arg(source("raw/launch.c")),
    )?;
    Ok(program)
}

fn cost_of(launched: &mut Command) -> Result<(Duration, u64)> {
    let text = output(launched)?;
    let (time, peak) = text
        .trim()
        .split_once(' ')
        .context("launch prints two numbers")?;
    Ok((Duration::from_nanos(time.parse()?), peak.parse()?))
}
