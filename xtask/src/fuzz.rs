// SPDX-License-Identifier: Apache-2.0
//! Runs the fuzz targets of `fuzz/` with cargo-fuzz, on nightly Rust, and prints the number of
//! executions of each.
//!
//! A target starts from the tracked seeds in `fuzz/corpus/TARGET`, from the inputs that earlier
//! runs added to `target/fuzz-corpus/TARGET`, and from the words in `fuzz/TARGET.dict` if there is
//! one. A finding ends the task; the input is in `fuzz/artifacts/TARGET`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{run, step, succeeds};
use crate::workspace::{root, target_dir};

/// Folder with a folder of seeds for each target.
const SEEDS: &str = "fuzz/corpus";

/// Executions of a target where none are asked for.
const RUNS: u64 = 1_000_000;

/// Targets whose input is a list of choices, without words to guess: tracing of comparisons would
/// only make them a third as fast.
const CHOICES: [&str; 1] = ["store"];

/// Runs the targets that `args` name, `[TARGET…] [-runs N]`, or all of them.
pub fn fuzz(args: &[&str]) -> Result<()> {
    let (mut targets, runs) = parse(args)?;
    // A wrong name is reported before anything is installed.
    let known = targets_known()?;
    if targets.is_empty() {
        targets = known.iter().map(String::as_str).collect();
    }
    if let Some(target) = targets
        .iter()
        .find(|target| !known.iter().any(|name| name == *target))
    {
        bail!("no fuzz target {target}; there are {}", known.join(", "));
    }
    setup()?;
    let mut counts = Vec::new();
    for target in targets {
        counts.push((target, run_target(target, runs)?));
    }
    step("Fuzzed without a finding");
    for (target, count) in counts {
        println!("{target}: {count} executions");
    }
    Ok(())
}

fn parse<'a>(args: &[&'a str]) -> Result<(Vec<&'a str>, u64)> {
    let mut targets = Vec::new();
    let mut runs = RUNS;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "-runs" => {
                let count = args.next().context("-runs needs a number")?;
                runs = count.parse().with_context(|| format!("-runs {count}"))?;
            }
            option if option.starts_with('-') => bail!("no such option: {option}"),
            target => targets.push(target),
        }
    }
    Ok((targets, runs))
}

fn setup() -> Result<()> {
    if !succeeds(nightly().arg("--version")) {
        bail!("fuzzing needs a nightly Rust: rustup toolchain install nightly");
    }
    if !succeeds(nightly().args(["fuzz", "--version"])) {
        step("Installing cargo-fuzz");
        run(nightly().args(["install", "--locked", "cargo-fuzz"]))?;
    }
    Ok(())
}

/// Nightly's cargo.
pub fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo"])
        .current_dir(root());
    command
}

/// The targets: a source file each.
fn targets_known() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            targets.extend(
                path.file_stem()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    targets.sort();
    Ok(targets)
}

/// Runs one target and returns the number of executions that libFuzzer counted.
fn run_target(target: &str, runs: u64) -> Result<u64> {
    step(&format!("Fuzzing {target}"));
    // libFuzzer writes into the first folder and only reads the others.
    let grown = target_dir().join("fuzz-corpus").join(target);
    fs::create_dir_all(&grown).with_context(|| grown.display().to_string())?;
    let mut command = nightly();
    command.args(["fuzz", "run", target]);
    command.args([&grown, &root().join(SEEDS).join(target)]);
    if CHOICES.contains(&target) {
        command.arg("--no-trace-compares");
    }
    command.args(["--", &format!("-runs={runs}")]);
    if target == "loader" {
        // A module that the reader accepts takes a multiple of its own size, which is 4 KiB here.
        command.arg("-malloc_limit_mb=16");
    }
    let dictionary = root().join("fuzz").join(target).with_extension("dict");
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .context("can't start cargo fuzz")?;
    let mut count = None;
    for line in BufReader::new(child.stderr.take().context("it was asked for")?).lines() {
        let line = line?;
        eprintln!("{line}");
        count = executions(&line).or(count);
    }
    if !child.wait()?.success() {
        bail!("{target} has a finding, or could not be built: see above");
    }
    count.with_context(|| format!("{target}: libFuzzer did not say how often it ran"))
}

/// The count in libFuzzer's closing line, `Done N runs in S second(s)`.
fn executions(line: &str) -> Option<u64> {
    let (count, rest) = line.strip_prefix("Done ")?.split_once(' ')?;
    rest.starts_with("runs in ").then(|| count.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::read;

    #[test]
    fn arguments_are_targets_and_a_count() {
        assert_eq!(parse(&[]).unwrap(), (vec![], RUNS));
        assert_eq!(
            parse(&["a", "-runs", "7", "b"]).unwrap(),
            (vec!["a", "b"], 7)
        );
        for wrong in [&["-runs"][..], &["-runs", "x"], &["-jobs", "2"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_targets_are_those_of_the_manifest() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for target in targets_known().unwrap() {
            assert!(
                manifest.contains(&format!("name = \"{target}\"")),
                "{target}"
            );
        }
    }

    #[test]
    fn every_target_has_a_few_small_seeds() {
        let mut list = Command::new("git");
        list.args(["ls-files", "-z", SEEDS]).current_dir(root());
        let listed = read(&mut list).unwrap();
        let seeds: Vec<&str> = listed.split_terminator('\0').collect();
        for target in targets_known().unwrap() {
            let folder = format!("{SEEDS}/{target}/");
            let count = seeds
                .iter()
                .filter(|seed| seed.starts_with(&folder))
                .count();
            assert!((1..200).contains(&count), "{target}: {count} seeds");
        }
        let bytes: u64 = seeds
            .iter()
            .map(|seed| fs::metadata(root().join(seed)).unwrap().len())
            .sum();
        assert!(bytes < 1 << 20, "{bytes} bytes");
    }

    #[test]
    fn executions_are_read_from_the_closing_line_only() {
        assert_eq!(
            executions("Done 10000000 runs in 61 second(s)"),
            Some(10_000_000)
        );
        assert_eq!(executions("#2048 pulse cov: 12 ft: 30"), None);
        assert_eq!(executions("Done x runs in 1 second(s)"), None);
    }
}
