// SPDX-License-Identifier: Apache-2.0
//! Runs WAMR's own regression modules, from a copy of its repository, through `ocre wasm run`
//! under the address sanitizer: interpreted, and compiled by `ocre aot`.
//!
//! A module may run, trap, or be refused. A fault is a report of the sanitizer, an end by a
//! signal, and a panic. A guest that computes for ever is ended.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::process::step;
use crate::sanitizers::{self, ADDRESS_OPTIONS};
use crate::workspace::target_dir;

/// Time that a guest gets.
const PATIENCE: Duration = Duration::from_secs(10);

/// Words on stderr of a report of the sanitizer, and of a panic in Rust.
const FAULTS: [&str; 2] = ["AddressSanitizer", "panicked at"];

/// Ends of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Exit code 0.
    Ran,
    /// Another exit code: a trap, a refusal, or the guest's own.
    Refused,
    /// Stopped after [`PATIENCE`].
    Stopped,
    /// A fault of ours.
    Fault,
}

/// Runs every module below `dir`.
pub fn run_all(dir: &str) -> Result<()> {
    let mut modules = Vec::new();
    find(Path::new(dir), &mut modules).with_context(|| dir.to_owned())?;
    modules.sort();
    ensure!(!modules.is_empty(), "{dir} has no file *.wasm in it");
    let program = sanitizers::address_program()?;
    let work = target_dir().join("wamr-regressions");
    fs::create_dir_all(&work)?;
    step("WAMR's regression modules");
    let stderr = work.join("stderr");
    let mut counts = [0_usize; 4];
    for module in &modules {
        let compiled = work.join("module.aot");
        let _ = fs::remove_file(&compiled);
        let commands: [&[&OsStr]; 3] = [
            &["wasm".as_ref(), "run".as_ref(), module.as_ref()],
            &[
                "aot".as_ref(),
                "-o".as_ref(),
                compiled.as_ref(),
                module.as_ref(),
            ],
            // Refused where there was no file to be made.
            &["wasm".as_ref(), "run".as_ref(), compiled.as_ref()],
        ];
        for words in commands {
            let mut command = Command::new(&program);
            command
                .args(words)
                .env(ADDRESS_OPTIONS.0, ADDRESS_OPTIONS.1);
            let end = ends(&mut command, &stderr)?;
            counts[end as usize] += 1;
            if end == End::Fault {
                let words = fs::read(&stderr)?;
                println!("{command:?}: fault\n{}", String::from_utf8_lossy(&words));
            }
        }
    }
    let [ran, refused, stopped, faults] = counts;
    println!(
        "{} modules: {ran} ran to their end, {refused} trapped or were refused, \
         {stopped} were stopped after {} s, {faults} faults",
        modules.len(),
        PATIENCE.as_secs()
    );
    ensure!(faults == 0, "{faults} faults");
    Ok(())
}

fn find(dir: &Path, modules: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, modules)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            modules.push(path);
        }
    }
    Ok(())
}

/// Runs a command with its stderr in the file `stderr`.
fn ends(command: &mut Command, stderr: &Path) -> Result<End> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(stderr)?)
        .spawn()
        .context("can't start ocre")?;
    let until = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Ok(End::Stopped);
        }
        thread::sleep(Duration::from_millis(5));
    };
    let words = String::from_utf8_lossy(&fs::read(stderr)?).into_owned();
    Ok(end(status, &words))
}

fn end(status: ExitStatus, words: &str) -> End {
    match status.code() {
        None => End::Fault,
        Some(_) if FAULTS.iter().any(|fault| words.contains(fault)) => End::Fault,
        Some(0) => End::Ran,
        Some(_) => End::Refused,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn signals_reports_and_panics_are_faults() {
        let exited = |code: i32| ExitStatus::from_raw(code << 8);
        assert_eq!(end(ExitStatus::from_raw(11), ""), End::Fault);
        assert_eq!(
            end(exited(1), "==7==ERROR: AddressSanitizer: heap"),
            End::Fault
        );
        assert_eq!(
            end(exited(101), "thread 'main' panicked at src"),
            End::Fault
        );
        assert_eq!(end(exited(0), "hello"), End::Ran);
        assert_eq!(end(exited(134), "error: m.wasm trapped"), End::Refused);
    }
}
