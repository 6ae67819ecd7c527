// SPDX-License-Identifier: Apache-2.0
//! Writes the files of the project that have their source elsewhere, or compares them with it.
//!
//! | file | source |
//! |---|---|
//! | C's declarations in Rust, `bindings.rs` | the C headers |
//! | device commands in `docs/commands.md` | the core's table of commands |
//! | hints in `docs/*.md` | the texts that the program prints |
//!
//! `cargo xtask generate` runs it from the top folder, `cargo xtask generate --check` as a part of
//! the tests.

mod bindings;
#[cfg(feature = "documents")]
mod commands;
#[cfg(feature = "documents")]
mod hints;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};

/// File with its whole content.
struct Generated {
    /// Path from the top folder.
    path: String,
    content: String,
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("can't read {path}"))
}

/// Content of a file: as it will be written, if it is in the list already, else from the disk.
#[cfg(feature = "documents")]
fn content<'a>(files: &'a mut Vec<Generated>, path: &str) -> Result<&'a mut String> {
    if !files.iter().any(|file| file.path == path) {
        files.push(Generated {
            path: path.to_owned(),
            content: read(path)?,
        });
    }
    let mut found = files.iter_mut().filter(|file| file.path == path);
    found
        .next()
        .map(|file| &mut file.content)
        .with_context(|| format!("{path} is not in the list"))
}

#[cfg(feature = "documents")]
fn documents() -> Result<Vec<Generated>> {
    let mut files = hints::all()?;
    commands::insert(&mut files)?;
    Ok(files)
}

#[cfg(not(feature = "documents"))]
fn documents() -> Result<Vec<Generated>> {
    bail!("this build writes C's declarations only");
}

/// First line that differs, for the message of a check.
fn first_difference(found: &str, wanted: &str) -> String {
    let mut lines = found.lines().zip(wanted.lines()).enumerate();
    match lines.find(|(_, (found, wanted))| found != wanted) {
        Some((at, (found, wanted))) => {
            format!(
                "line {}:\n  is        {found}\n  should be {wanted}",
                at + 1
            )
        }
        None => "the end differs".to_owned(),
    }
}

fn check(files: &[Generated]) -> Result<()> {
    let mut stale = Vec::new();
    for file in files {
        let found = read(&file.path)?;
        if found != file.content {
            let difference = first_difference(&found, &file.content);
            stale.push(format!("{}, {difference}", file.path));
        }
    }
    if stale.is_empty() {
        println!("{} generated files are up to date", files.len());
        return Ok(());
    }
    bail!("run `cargo xtask generate`:\n{}", stale.join("\n"));
}

fn write(files: &[Generated]) -> Result<()> {
    for file in files {
        let stale = fs::read_to_string(&file.path).map_or(true, |found| found != file.content);
        if stale {
            fs::write(&file.path, &file.content)
                .with_context(|| format!("can't write {}", file.path))?;
            println!("wrote {}", file.path);
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match *args {
        ["bindings"] => bindings::all().and_then(|files| write(&files)),
        ["bindings", "--check"] => bindings::all().and_then(|files| check(&files)),
        ["documents"] => documents().and_then(|files| write(&files)),
        ["documents", "--check"] => documents().and_then(|files| check(&files)),
        _ => Err(anyhow!("usage: ocre-generate bindings|documents [--check]")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error:#}");
            ExitCode::FAILURE
        }
    }
}
