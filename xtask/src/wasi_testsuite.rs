// SPDX-License-Identifier: Apache-2.0
//! Runs the published test programs of WASI preview 1, from a copy of their repository with the
//! compiled programs, through `ocre wasm run`.
//!
//! A program passes if it ends with the exit code, and prints the text, that its specification
//! beside it asks for. The folder that it works in is a copy. Which ones do not pass is listed,
//! with the reasons, in `docs/wasi.md`: whatever else does not pass, and whatever is listed
//! there and passes, fails the task.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process::{run, step};
use crate::workspace::{cargo, root, target_dir};

/// The folder in each of the suites that has its programs.
const PROGRAMS: &str = "testsuite/wasm32-wasip1";

/// The heading in `docs/wasi.md` of the programs that do not pass.
const HEADING: &str = "## The published test programs";

/// Runs the suites in the folder `dir`.
pub fn run_all(dir: &str) -> Result<()> {
    let programs = programs(Path::new(dir))?;
    ensure!(!programs.is_empty(), "there are no programs in {dir}");
    step("Building ocre");
    run(cargo().args(["build", "--quiet", "--locked", "-p", "ocre-cli"]))?;
    let ocre = target_dir().join("debug/ocre");
    let documented = fs::read_to_string(root().join("docs/wasi.md"))?;
    let mut excused = excused(&documented);
    let (mut passed, mut failed) = (0, 0);
    for program in programs {
        let name = name(&program);
        let outcome = run_one(&ocre, &program).with_context(|| name.clone())?;
        match (outcome, excused.remove(&name)) {
            (Ok(()), None) => passed += 1,
            (Ok(()), Some(_)) => {
                failed += 1;
                println!("{name}: passes, which docs/wasi.md denies");
            }
            (Err(_), Some(why)) => println!("{name}: does not pass: {why}"),
            (Err(how), None) => {
                failed += 1;
                println!("{name}: FAILED: {how}");
            }
        }
    }
    println!("{passed} passed, {failed} did otherwise than expected");
    ensure!(passed > 0, "there are no programs in {dir}/tests");
    ensure!(failed == 0 && excused.is_empty(), "not as documented");
    Ok(())
}

/// The programs that are known not to pass, with the reasons: `| name | reason |`.
fn excused(documented: &str) -> BTreeMap<String, String> {
    let section = documented
        .split(HEADING)
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next());
    let rows = section.unwrap_or_default().lines().filter_map(|line| {
        let (name, why) = line.strip_prefix("| `")?.split_once("` | ")?;
        Some((name.to_owned(), why.trim_end_matches(" |").to_owned()))
    });
    rows.collect()
}

fn programs(dir: &Path) -> Result<Vec<PathBuf>> {
    let tests = dir.join("tests");
    let mut programs = Vec::new();
    let suites = fs::read_dir(&tests).with_context(|| tests.display().to_string())?;
    for suite in suites {
        let Ok(files) = fs::read_dir(suite?.path().join(PROGRAMS)) else {
            continue;
        };
        for file in files {
            let path = file?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "wasm")
            {
                programs.push(path);
            }
        }
    }
    programs.sort();
    Ok(programs)
}

/// `SUITE/PROGRAM`.
fn name(program: &Path) -> String {
    let suite = program.ancestors().nth(3).and_then(Path::file_name);
    let names = [suite, program.file_stem()].map(|name| name.unwrap_or_default().to_string_lossy());
    names.join("/")
}

/// Runs a program, and returns the difference from the expected end.
fn run_one(ocre: &Path, program: &Path) -> Result<Result<(), String>> {
    let wanted = match fs::read_to_string(program.with_extension("json")) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => Value::Null,
    };
    let mut command = Command::new(ocre);
    command.args(["wasm", "run"]).stdin(Stdio::null());
    if let Some(folder) = wanted["root"].as_str() {
        let copy = target_dir().join("wasi-testsuite");
        if copy.exists() {
            fs::remove_dir_all(&copy)?;
        }
        copy_folder(&program.with_file_name(folder), &copy)?;
        command.arg("--dir").arg(format!("{}::/", copy.display()));
    }
    for (name, value) in wanted["env"].as_object().into_iter().flatten() {
        let value = value.as_str().context("a variable is no string")?;
        command.arg("-e").arg(format!("{name}={value}"));
    }
    command.arg(program);
    for argument in wanted["args"].as_array().into_iter().flatten() {
        command.arg(argument.as_str().context("an argument is no string")?);
    }
    let output = command.output().context("can't start ocre")?;
    let code = wanted["exit_code"].as_i64().unwrap_or(0);
    if output.status.code().map(i64::from) != Some(code) {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().take(3).collect();
        return Ok(Err(format!("{}: {}", output.status, said.join(" "))));
    }
    for (name, printed) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        match wanted[name].as_str() {
            Some(text) if text.as_bytes() != *printed => return Ok(Err(format!("wrong {name}"))),
            _ => {}
        }
    }
    Ok(Ok(()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if fs::copy(entry.path(), target).is_err() {
            bail!("can't copy {}", entry.path().display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excused_programs_are_the_rows_of_their_section() {
        let documented =
            format!("| `a` | b |\n{HEADING}\n\n| `c/d` | e `f` |\n## More\n| `g` | h |");
        let rows = excused(&documented);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows["c/d"], "e `f`");
    }

    #[test]
    fn a_program_is_named_after_its_suite() {
        let path = Path::new("/suite/tests/rust/testsuite/wasm32-wasip1/isatty.wasm");
        assert_eq!(name(path), "rust/isatty");
    }
}
