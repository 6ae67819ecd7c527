// SPDX-License-Identifier: Apache-2.0
//! Running other programs: a task stops at the first one that fails, and its
//! error names that program with its arguments.

use std::io;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// Announces the next part of a task on stderr.
pub fn step(what: &str) {
    eprintln!("\n==> {what}");
}

/// Runs a program with our own stdin, stdout and stderr.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("can't start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and returns its stdout; the error has its stderr.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start {}", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} ended with {}\n{}",
            shown(command),
            output.status,
            said.trim_end()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed something other than UTF-8", shown(command)))
}

/// True where a program exists and ends with 0. Prints nothing.
pub fn succeeds(command: &mut Command) -> bool {
    let output: io::Result<Output> = command.stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success())
}

fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
