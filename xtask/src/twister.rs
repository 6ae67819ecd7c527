// SPDX-License-Identifier: Apache-2.0
//! Runs the suites and samples for Zephyr with twister, on simulators and emulators, and fails
//! where no test case was executed: twister itself ends with 0 where it skips every suite.
//!
//! A run uses the workspace around this repository, or makes one with a release of Zephyr. The
//! footprint suite is built in the same run, and fails by itself where a firmware is larger than
//! promised.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::process::{run, step};
use crate::setup;
use crate::workspace::{cargo, root, target_dir, typed};

/// Folders with suites and samples.
const SUITES: [&str; 2] = ["twister-tests", "samples"];

/// Manifest of a workspace for `--zephyr`, from the top folder: `west.yml` with another revision.
const MANIFEST: &str = "target/west.yml";

/// Lists of Python packages that a build and a run of tests need, in Zephyr's `scripts`.
const REQUIREMENTS: [&str; 3] = ["base", "build-test", "run-test"];

/// Boards of the suites, and their names before Zephyr 3.7. The suites have the new names; a tree
/// that does not know them gets copies of the suites' files with the old ones.
const OLD_NAMES: [(&str, &str); 2] = [
    ("native_sim/native/64", "native_sim_64"),
    ("mps2/an385", "mps2_an385"),
];

/// First version of Zephyr with the new names.
const NEW_NAMES_SINCE: (u32, u32) = (3, 7);

/// Arguments of the task.
#[derive(PartialEq, Eq, Debug)]
struct TwisterArguments<'a> {
    boards: Vec<&'a str>,
    /// Revision of Zephyr that a workspace is made with.
    zephyr: Option<&'a str>,
    /// Folder of the workspace.
    workspace: Option<&'a str>,
    /// Options of twister.
    rest: &'a [&'a str],
}

/// Counts of a run of twister.
#[derive(Default, PartialEq, Eq, Debug)]
struct TestCounts {
    /// Test cases that were executed.
    executed: usize,
    /// Executed test cases that did not pass.
    failed: usize,
    /// Configurations that were built, but not to be run.
    built: usize,
}

/// Runs the suites on each board of `args`, `--board BOARD… [--zephyr REVISION | --workspace DIR]
/// [-- OPTION…]`.
pub fn twister(args: &[&str]) -> Result<()> {
    let arguments = parse(args)?;
    setup::all()?;
    setup::emulators()?;
    let (workspace, path) = match arguments.zephyr {
        Some(revision) => make_workspace(revision)?,
        None => (find_workspace(arguments.workspace)?, None),
    };
    let program = program()?;
    let version = zephyr_version(&fs::read_to_string(workspace.join("zephyr/VERSION"))?)?;
    let old_names = (version < NEW_NAMES_SINCE)
        .then(with_old_names)
        .transpose()?;
    let mut lines = Vec::new();
    for board in &arguments.boards {
        let board = match old_names {
            Some(_) => &*old_name(board),
            None => *board,
        };
        step(&format!("Twister on {board}"));
        let results = target_dir().join("twister").join(board.replace('/', "_"));
        let mut command = west(path.as_ref(), &workspace);
        command.arg("twister");
        for folder in SUITES {
            command.arg("-T").arg(root().join(folder));
        }
        if let Some(folder) = &old_names {
            command.arg("--alt-config-root").arg(folder);
        }
        command.args(["-p", board, "--inline-logs", "--clobber-output", "--outdir"]);
        command.arg(&results).args(arguments.rest);
        if env::var_os("ZEPHYR_TOOLCHAIN_VARIANT").is_none() {
            choose_toolchain(&mut command, board);
        }
        command.env("OCRE_PROGRAM", &program);
        if env::var_os("OCRE_CARGO_DIR").is_none() {
            command.env("OCRE_CARGO_DIR", target_dir().join("zephyr-cargo"));
        }
        // A file of an earlier run would count for this one.
        let report = results.join("twister.json");
        let _ = fs::remove_file(&report);
        let ended = run(&mut command);
        let counts = match fs::read_to_string(&report) {
            Ok(text) => count(&serde_json::from_str(&text)?),
            Err(_) => TestCounts::default(),
        };
        lines.push(format!(
            "{board}: {} test cases executed, {} of them failed, {} configurations built only",
            counts.executed, counts.failed, counts.built
        ));
        eprintln!("{}", lines.last().map_or("", String::as_str));
        ended?;
        ensure!(counts.executed > 0, "{board}: no test case was executed");
        ensure!(counts.failed == 0, "{board}: test cases failed");
    }
    step("Twister has passed");
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

/// Major and minor version in Zephyr's file `VERSION`.
fn zephyr_version(text: &str) -> Result<(u32, u32)> {
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let found = lines.find(|(name, _)| name.trim() == key);
        found.and_then(|(_, value)| value.trim().parse().ok())
    };
    value("VERSION_MAJOR")
        .zip(value("VERSION_MINOR"))
        .context("the workspace's zephyr/VERSION has no version")
}

/// Old name of a board, or the name itself.
fn old_name(board: &str) -> String {
    let listed = OLD_NAMES.iter().find(|(new, _)| *new == board);
    listed.map_or(board, |(_, old)| old).to_owned()
}

/// Replaces the boards' names in a file of a suite.
fn in_old_names(text: &str) -> String {
    let replace = |text: String, (new, old): &(&str, &str)| text.replace(new, old);
    OLD_NAMES.iter().fold(text.to_owned(), replace)
}

/// Writes the files of the suites with old names, and returns their folder.
fn with_old_names() -> Result<PathBuf> {
    let into = target_dir().join("twister/old-names");
    for folder in SUITES {
        for suite in fs::read_dir(root().join(folder))? {
            let suite = suite?;
            for file in ["testcase.yaml", "sample.yaml"] {
                let Ok(text) = fs::read_to_string(suite.path().join(file)) else {
                    continue;
                };
                let copy = into.join(suite.file_name());
                fs::create_dir_all(&copy)?;
                fs::write(copy.join(file), in_old_names(&text))?;
            }
        }
    }
    Ok(into)
}

fn parse<'a>(args: &'a [&'a str]) -> Result<TwisterArguments<'a>> {
    let (args, rest) = match args.iter().position(|arg| *arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[][..]),
    };
    let mut arguments = TwisterArguments {
        boards: Vec::new(),
        zephyr: None,
        workspace: None,
        rest,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match *arg {
            "--board" => arguments.boards.push(value()?),
            "--zephyr" => arguments.zephyr = Some(value()?),
            "--workspace" => arguments.workspace = Some(value()?),
            other => bail!("no such option: {other}"),
        }
    }
    ensure!(!arguments.boards.is_empty(), "name a board: --board BOARD");
    ensure!(
        arguments.zephyr.is_none() || arguments.workspace.is_none(),
        "--zephyr makes the workspace in the folder above this repository"
    );
    Ok(arguments)
}

/// Finds the workspace that `dir` names, or else the one around this repository.
fn find_workspace(dir: Option<&str>) -> Result<PathBuf> {
    let is_workspace = |folder: &&Path| folder.join(".west").is_dir();
    match dir {
        Some(dir) => {
            let folder = Path::new(dir);
            ensure!(is_workspace(&folder), "{dir} is no workspace of west");
            Ok(fs::canonicalize(folder)?)
        }
        None => root()
            .ancestors()
            .find(is_workspace)
            .map(Path::to_owned)
            .context("no workspace of west is around this repository: --zephyr makes one"),
    }
}

/// Makes a workspace in the folder above this repository, with a revision of Zephyr, and returns
/// its folder and the `PATH` with west and the packages that Zephyr needs.
fn make_workspace(revision: &str) -> Result<(PathBuf, Option<OsString>)> {
    let workspace = root().parent().context("there is no folder above")?;
    let python = setup::west()?;
    let mut paths = vec![python.join("bin")];
    paths.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let path = Some(env::join_paths(paths)?);
    step(&format!("Workspace with Zephyr {revision}"));
    let manifest = fs::read_to_string(root().join("west.yml"))?;
    let file = root().join(MANIFEST);
    fs::create_dir_all(file.parent().unwrap_or(root()))?;
    fs::write(&file, with_revision(&manifest, revision)?)?;
    if workspace.join(".west").is_dir() {
        run(west(path.as_ref(), workspace).args(["config", "manifest.file", MANIFEST]))?;
    } else {
        run(west(path.as_ref(), workspace)
            .args(["init", "--local", "--manifest-file", MANIFEST])
            .arg(root()))?;
    }
    run(west(path.as_ref(), workspace).args(["update", "--narrow", "--fetch-opt=--depth=1"]))?;
    let mut install = Command::new(python.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet"]);
    install.arg("--disable-pip-version-check");
    for list in REQUIREMENTS {
        let list = format!("zephyr/scripts/requirements-{list}.txt");
        install.arg("-r").arg(workspace.join(list));
    }
    run(&mut install)?;
    Ok((workspace.to_owned(), path))
}

/// Manifest with another revision of Zephyr.
fn with_revision(manifest: &str, revision: &str) -> Result<String> {
    let project = "- name: zephyr\n";
    let key = "revision: ";
    let (head, rest) = manifest
        .split_once(project)
        .context("west.yml has no project zephyr")?;
    let (middle, rest) = rest
        .split_once(key)
        .context("west.yml has no revision of Zephyr")?;
    let (_, tail) = rest.split_once('\n').context("west.yml ends early")?;
    Ok(format!("{head}{project}{middle}{key}{revision}\n{tail}"))
}

fn west(path: Option<&OsString>, workspace: &Path) -> Command {
    let mut command = match path {
        // The program is looked up before the new PATH holds.
        Some(path) => {
            let first = env::split_paths(path).next().unwrap_or_default();
            let mut command = Command::new(first.join("west"));
            command.env("PATH", path);
            command
        }
        None => Command::new("west"),
    };
    // The workspace says which Zephyr is used.
    command.current_dir(workspace).env_remove("ZEPHYR_BASE");
    command
}

/// Lets twister use the toolchains of the distribution.
fn choose_toolchain(command: &mut Command, board: &str) {
    command.arg("--force-toolchain");
    if board.starts_with("native_sim") {
        command.env("ZEPHYR_TOOLCHAIN_VARIANT", "host");
    } else {
        command
            .env("ZEPHYR_TOOLCHAIN_VARIANT", "cross-compile")
            .env("CROSS_COMPILE", "/usr/bin/arm-none-eabi-");
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

/// Counts the test cases in twister's report.
fn count(report: &Value) -> TestCounts {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut counts = TestCounts::default();
    for suite in list(&report["testsuites"]) {
        let status = suite["status"].as_str().unwrap_or_default();
        if matches!(status, "filtered" | "skipped") {
            continue;
        }
        // A suite that is built only has passed, by the reports of Zephyr 3.
        if suite["runnable"] == false {
            counts.built += usize::from(matches!(status, "passed" | "not run"));
            continue;
        }
        for case in list(&suite["testcases"]) {
            match case["status"].as_str().unwrap_or_default() {
                "passed" => counts.executed += 1,
                "failed" | "error" | "blocked" => {
                    counts.executed += 1;
                    counts.failed += 1;
                }
                _ => {}
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn boards_a_revision_and_options_are_arguments() {
        let args = [
            "--board", "a/b", "--zephyr", "v1", "--board", "c", "--", "-v",
        ];
        let wanted = TwisterArguments {
            boards: vec!["a/b", "c"],
            zephyr: Some("v1"),
            workspace: None,
            rest: &["-v"],
        };
        assert_eq!(parse(&args).unwrap(), wanted);
        for wrong in [
            &[][..],
            &["--board"],
            &["a"],
            &["--workspace", "a"],
            &["--board", "a", "--zephyr", "v1", "--workspace", "b"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_tree_before_3_7_gets_the_old_names() {
        let version = "VERSION_MAJOR = 3\nVERSION_MINOR = 4\nPATCHLEVEL = 99\n";
        assert!(zephyr_version(version).unwrap() < NEW_NAMES_SINCE);
        let version = "VERSION_MAJOR = 4\nVERSION_MINOR = 1\n";
        assert!(zephyr_version(version).unwrap() > NEW_NAMES_SINCE);
        assert!(zephyr_version("").is_err());
        assert_eq!(old_name("mps2/an385"), "mps2_an385");
        assert_eq!(old_name("qemu_cortex_m3"), "qemu_cortex_m3");
        let folder = with_old_names().unwrap();
        let suite = fs::read_to_string(folder.join("aot/testcase.yaml")).unwrap();
        assert!(
            suite.contains("- native_sim_64\n") && !suite.contains('/'),
            "{suite}"
        );
    }

    #[test]
    fn the_manifest_takes_another_zephyr_and_no_other_change() {
        let manifest = fs::read_to_string(root().join("west.yml")).unwrap();
        let changed = with_revision(&manifest, "v9.8.7").unwrap();
        let mut differing = manifest
            .lines()
            .zip(changed.lines())
            .filter(|(old, new)| old != new);
        let (old, new) = differing.next().unwrap();
        assert!(old.contains("revision: v"), "{old}");
        assert_eq!(new.trim(), "revision: v9.8.7");
        assert_eq!(differing.next(), None);
        assert!(with_revision("projects:\n", "v1").is_err());
    }

    #[test]
    fn executed_cases_are_counted_and_skipped_ones_are_not() {
        let suite = |status: &str, runnable: bool, cases: &[&str]| {
            let cases: Vec<Value> = cases.iter().map(|case| json!({ "status": case })).collect();
            json!({ "status": status, "runnable": runnable, "testcases": cases })
        };
        let report = json!({ "testsuites": [
            suite("passed", true, &["passed", "skipped", "passed"]),
            suite("failed", true, &["failed", "passed", "blocked"]),
            suite("passed", false, &["passed"]),
            suite("not run", false, &["not run"]),
            suite("error", false, &["blocked"]),
            suite("filtered", true, &["filtered"]),
            suite("skipped", true, &["passed"]),
        ] });
        let wanted = TestCounts {
            executed: 5,
            failed: 2,
            built: 2,
        };
        assert_eq!(count(&report), wanted);
        assert_eq!(count(&json!({ "testsuites": [] })), TestCounts::default());
    }

    #[test]
    fn a_folder_without_west_is_no_workspace() {
        assert!(find_workspace(root().join("xtask").to_str()).is_err());
    }
}
