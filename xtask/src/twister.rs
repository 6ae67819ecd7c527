// SPDX-License-Identifier: Apache-2.0
//! Runs the suites and samples for Zephyr with twister, on simulators and emulators, and fails
//! where no test case was executed, or Kconfig ignored an option of a configuration: twister itself
//! ends with 0 where it skips every suite, and where an option has no effect.
//!
//! The footprint suite is built in the same run, and fails by itself where a firmware is larger
//! than promised.

mod kconfig;
mod names;
mod report;
mod zephyr_workspace;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;
use std::thread;

use anyhow::{Context, Result, anyhow, bail, ensure};

use self::names::{NEW_NAMES_SINCE, old_name, with_old_names};
use self::report::{BoardReport, summary};
use self::zephyr_workspace::ZephyrWorkspace;
use crate::process::{run, step};
use crate::setup;
use crate::workspace::{cargo, root, target_dir, typed};

/// Folders with suites and samples.
const SUITES: [&str; 2] = ["twister-tests", "samples"];

/// Boards of the suites, in the order of a run without `--board`.
const BOARDS: [&str; 5] = [
    "native_sim/native/64",
    "native_sim/native",
    "mps2/an385",
    "mps2/an521/cpu0",
    "qemu_riscv32",
];

/// Arguments of the task.
#[derive(PartialEq, Eq, Debug)]
struct TwisterArguments<'a> {
    boards: Vec<&'a str>,
    /// Workspace, tree, or revision of Zephyr.
    zephyr: Option<&'a str>,
    /// Names of suites and samples; all without one.
    suites: Vec<&'a str>,
    /// Options of twister.
    rest: &'a [&'a str],
}

/// Runs the suites of `args`, `[--board BOARD]… [--zephyr DIR|REVISION] [SUITE…] [-- OPTION…]`, on
/// each board.
pub fn twister(args: &[&str]) -> Result<()> {
    let arguments = parse(args)?;
    let folders = folders(&arguments.suites)?;
    setup::all()?;
    setup::emulators()?;
    for board in &arguments.boards {
        match *board {
            "native_sim/native/64" => {}
            "native_sim/native" => setup::simulator_32_bits()?,
            board if is_riscv(board) => setup::riscv()?,
            _ => setup::arm()?,
        }
    }
    let workspace = ZephyrWorkspace::find(arguments.zephyr)?;
    let program = program()?;
    let old_names = (workspace.version < NEW_NAMES_SINCE)
        .then(with_old_names)
        .transpose()?;
    let scenarios = scenarios(&folders)?;
    let mut reports = Vec::new();
    let mut stopped = Ok(());
    for board in &arguments.boards {
        let board = match old_names {
            Some(_) => &*old_name(board),
            None => *board,
        };
        step(&format!("Twister on {board}"));
        let results = target_dir().join("twister").join(board.replace('/', "_"));
        let mut command = workspace.west();
        command.arg("twister");
        match &old_names {
            None => folders.iter().for_each(|folder| {
                command.arg("-T").arg(folder);
            }),
            Some(copies) => {
                command.arg("--alt-config-root").arg(copies);
                command.args(selection(&folders)?);
            }
        }
        command.args(["-p", board, "--inline-logs", "--clobber-output", "--outdir"]);
        command.arg(&results);
        if !arguments.rest.iter().any(|option| option.starts_with("-j")) {
            let jobs = thread::available_parallelism().map_or(1, usize::from);
            command.args(["-j", &jobs.to_string()]);
        }
        command.args(arguments.rest);
        if env::var_os("ZEPHYR_TOOLCHAIN_VARIANT").is_none() {
            choose_toolchain(&mut command, board);
        }
        command.env("OCRE_PROGRAM", &program);
        if env::var_os("OCRE_CARGO_DIR").is_none() {
            command.env("OCRE_CARGO_DIR", target_dir().join("zephyr-cargo"));
        }
        // A file of an earlier run would count for this one.
        let file = results.join("twister.json");
        let _ = fs::remove_file(&file);
        let ended = run(&mut command);
        let report = match fs::read_to_string(&file) {
            Ok(text) => BoardReport::of(board, &serde_json::from_str(&text)?, &scenarios),
            // Twister has stopped before its first test.
            Err(_) => BoardReport {
                board: board.to_owned(),
                ..BoardReport::default()
            },
        };
        if stopped.is_ok() {
            stopped = verdict(&report, ended);
        }
        let ignored = kconfig::ignored_options(&results)?;
        if stopped.is_ok() && !ignored.is_empty() {
            stopped = Err(anyhow!("{board}: {}", ignored.join("\n")));
        }
        reports.push(report);
    }
    step("Twister's results");
    print!("{}", summary(&reports));
    stopped
}

/// Fails where twister did, a test case did, or none was executed.
fn verdict(report: &BoardReport, ended: Result<()>) -> Result<()> {
    let board = &report.board;
    ended.with_context(|| format!("{board}: twister failed"))?;
    ensure!(report.failed.is_empty(), "{board}: test cases failed");
    ensure!(
        report.executed + report.built > 0,
        "{board}: no test case was executed"
    );
    Ok(())
}

fn parse<'a>(args: &'a [&'a str]) -> Result<TwisterArguments<'a>> {
    let (args, rest) = match args.iter().position(|arg| *arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[][..]),
    };
    let mut arguments = TwisterArguments {
        boards: Vec::new(),
        zephyr: None,
        suites: Vec::new(),
        rest,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match *arg {
            "--board" => arguments.boards.push(value()?),
            "--zephyr" => arguments.zephyr = Some(value()?),
            other if other.starts_with('-') => bail!("no such option: {other}"),
            suite => arguments.suites.push(suite),
        }
    }
    if arguments.boards.is_empty() {
        arguments.boards.extend(BOARDS);
    }
    Ok(arguments)
}

/// Folders of suites and samples by their names; of all without a name.
fn folders(suites: &[&str]) -> Result<Vec<PathBuf>> {
    if suites.is_empty() {
        return Ok(SUITES.map(|folder| root().join(folder)).to_vec());
    }
    let find = |suite: &&str| {
        let inside = SUITES.iter().map(|folder| root().join(folder).join(suite));
        let mut folders = inside.chain([root().join(suite)]);
        folders
            .find(|folder| definition(folder).is_some())
            .with_context(|| format!("no suite or sample: {suite}"))
    };
    suites.iter().map(find).collect()
}

/// Options that select suites by the folders above them, where twister looks for the copies with old
/// names, and by the names of their configurations.
fn selection(folders: &[PathBuf]) -> Result<Vec<OsString>> {
    let mut options = Vec::new();
    for above in SUITES {
        options.extend(["-T".into(), root().join(above).into()]);
    }
    for folder in folders.iter().filter(|folder| definition(folder).is_some()) {
        let suite = folder.file_name().unwrap_or_default().to_string_lossy();
        for name in scenarios(slice::from_ref(folder))? {
            options.extend(["-s".into(), format!("{suite}/{name}").into()]);
        }
    }
    Ok(options)
}

/// File with the configurations of a suite or sample.
fn definition(folder: &Path) -> Option<PathBuf> {
    let files = ["testcase.yaml", "sample.yaml"].map(|file| folder.join(file));
    files.into_iter().find(|file| file.is_file())
}

/// Names of all configurations below folders.
fn scenarios(folders: &[PathBuf]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for folder in folders {
        let mut suites = vec![folder.clone()];
        for entry in fs::read_dir(folder)? {
            suites.push(entry?.path());
        }
        for file in suites.iter().filter_map(|suite| definition(suite)) {
            let text = fs::read_to_string(file)?;
            let keys = text.lines().filter_map(|line| line.strip_prefix("  "));
            let keys = keys.filter_map(|line| line.split_once(':'));
            let found = keys
                .map(|(key, _)| key)
                .filter(|key| key.starts_with("ocre.") || key.starts_with("sample.ocre."));
            names.extend(found.map(str::to_owned));
        }
    }
    Ok(names)
}

fn is_riscv(board: &str) -> bool {
    board.starts_with("qemu_riscv32")
}

/// Lets twister use the toolchains of the distribution.
fn choose_toolchain(command: &mut Command, board: &str) {
    command.arg("--force-toolchain");
    if board.starts_with("native_sim") {
        command.env("ZEPHYR_TOOLCHAIN_VARIANT", "host");
    } else if is_riscv(board) {
        command
            .env("ZEPHYR_TOOLCHAIN_VARIANT", "cross-compile")
            .env("CROSS_COMPILE", "/usr/bin/riscv64-unknown-elf-");
    } else {
        command
            .env("ZEPHYR_TOOLCHAIN_VARIANT", "gnuarmemb")
            .env("GNUARMEMB_TOOLCHAIN_PATH", "/usr");
    }
}

/// The `ocre` program that packs the images of all suites.
fn program() -> Result<PathBuf> {
    if let Some(program) = env::var_os("OCRE_PROGRAM") {
        return Ok(program.into());
    }
    step("Building ocre");
    run(cargo().args(["build", "--release", "--locked", "--package", "ocre-cli"]))?;
    let program = target_dir().join("release/ocre");
    ensure!(program.is_file(), "{} was not built", typed(&program));
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_a_tree_suites_and_options_are_arguments() {
        let args = [
            "--board", "a/b", "aot", "--zephyr", "v1", "--board", "c", "--", "-v",
        ];
        let wanted = TwisterArguments {
            boards: vec!["a/b", "c"],
            zephyr: Some("v1"),
            suites: vec!["aot"],
            rest: &["-v"],
        };
        assert_eq!(parse(&args).unwrap(), wanted);
        assert_eq!(parse(&[]).unwrap().boards, BOARDS);
        for wrong in [&["--board"][..], &["--zephyr"], &["--other"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_older_twister_gets_the_names_of_configurations() {
        let above = SUITES.map(|folder| root().join(folder));
        let options = selection(&folders(&["reboot", "samples/hello"]).unwrap()).unwrap();
        let [first, second] = above.map(PathBuf::into_os_string);
        let expected: [OsString; 8] = [
            "-T".into(),
            first,
            "-T".into(),
            second,
            "-s".into(),
            "reboot/ocre.reboot".into(),
            "-s".into(),
            "hello/sample.ocre.hello".into(),
        ];
        assert_eq!(options, expected);
        // All suites: none is named.
        let all = selection(&folders(&[]).unwrap()).unwrap();
        assert_eq!(all.len(), 4);
    }

    #[test]
    fn a_suite_is_a_folder_with_configurations() {
        let found = folders(&["aot", "samples/shell"]).unwrap();
        assert!(found.iter().all(|folder| folder.is_dir()), "{found:?}");
        assert!(folders(&["common"]).is_err());
        assert!(folders(&["nothing"]).is_err());
        let names = scenarios(&found).unwrap();
        assert!(
            names.iter().any(|name| name == "ocre.aot.denied"),
            "{names:?}"
        );
        let all = scenarios(&folders(&[]).unwrap()).unwrap();
        assert!(all.contains(&"sample.ocre.hello".to_owned()), "{all:?}");
        assert!(all.len() > 20, "{all:?}");
    }

    #[test]
    fn a_run_without_a_test_case_fails() {
        let mut report = BoardReport::default();
        assert!(verdict(&report, Ok(())).is_err());
        report.executed = 1;
        assert!(verdict(&report, Ok(())).is_ok());
        assert!(verdict(&report, Err(anyhow::anyhow!("it"))).is_err());
        report.failed.push("one".into());
        assert!(verdict(&report, Ok(())).is_err());
    }
}
