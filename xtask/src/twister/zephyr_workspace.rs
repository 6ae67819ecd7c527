// SPDX-License-Identifier: Apache-2.0
//! Workspace of west with Zephyr: found, made and checked.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{read, run, step};
use crate::setup;
use crate::workspace::root;

/// Manifest of a workspace that is made, from the top folder: `west.yml` with another revision.
const MANIFEST: &str = "target/west.yml";

/// Lists of Python packages that a build and a run of tests need, in Zephyr's `scripts`.
const REQUIREMENTS: [&str; 3] = ["base", "build-test", "run-test"];

/// Workspace, and the way to its west.
pub struct ZephyrWorkspace {
    folder: PathBuf,
    /// `PATH` with west and Zephyr's packages; `None` where the caller's has them.
    path: Option<OsString>,
    /// Major and minor version of Zephyr.
    pub version: (u32, u32),
}

impl ZephyrWorkspace {
    /// Finds the workspace of `zephyr`, which names a workspace, the tree of Zephyr in one, or a
    /// revision to make one with in the folder above this repository. Without a name, takes the
    /// workspace around this repository.
    pub fn find(zephyr: Option<&str>) -> Result<Self> {
        let folder = match zephyr {
            Some(name) if !Path::new(name).is_dir() => {
                ensure!(
                    !name.contains('/'),
                    "{name} is neither a folder nor a revision"
                );
                return make(name);
            }
            Some(dir) => around(&fs::canonicalize(dir)?)
                .with_context(|| format!("{dir} is in no workspace of west"))?,
            None => around(root()).context(
                "no workspace of west is around this repository: name one with --zephyr DIR, \
                 or make one with --zephyr REVISION",
            )?,
        };
        let path = match read(Command::new("west").arg("--version")) {
            Ok(_) => None,
            Err(_) => Some(with_packages(&setup::west()?, &folder)?),
        };
        let found = Self {
            version: version_of(&folder)?,
            folder,
            path,
        };
        found.check()?;
        Ok(found)
    }

    /// Command of west in the workspace.
    pub fn west(&self) -> Command {
        west(self.path.as_ref(), &self.folder)
    }

    /// Fails with a list of what the workspace lacks.
    fn check(&self) -> Result<()> {
        let list = read(self.west().args(["list", "-f", "{name} {abspath}"]))?;
        let missing = lacking(&list, |path| Path::new(path).is_dir());
        if missing.is_empty() {
            return Ok(());
        }
        bail!(
            "the workspace {} lacks {}: see `west.yml` of this repository, and run `west update`",
            self.folder.display(),
            missing.join(", ")
        )
    }
}

/// Projects that a build needs and the workspace does not have, by the list of west.
fn lacking(list: &str, is_dir: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let has = |wanted: &str| {
        list.lines()
            .filter_map(|line| line.split_once(' '))
            .any(|(name, path)| name == wanted && is_dir(path.trim()))
    };
    ["zephyr", "littlefs", "cmsis"]
        .into_iter()
        .filter(|project| !has(project))
        .collect()
}

/// Innermost workspace around a folder.
fn around(folder: &Path) -> Option<PathBuf> {
    let is_workspace = |folder: &&Path| folder.join(".west").is_dir();
    folder.ancestors().find(is_workspace).map(Path::to_owned)
}

fn version_of(workspace: &Path) -> Result<(u32, u32)> {
    let file = workspace.join("zephyr/VERSION");
    let text = fs::read_to_string(&file)
        .with_context(|| format!("the workspace has no {}", file.display()))?;
    zephyr_version(&text)
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

/// Makes a workspace in the folder above this repository, with a revision of Zephyr.
fn make(revision: &str) -> Result<ZephyrWorkspace> {
    let workspace = root().parent().context("there is no folder above")?;
    let python = setup::west()?;
    let path = path_with(&python)?;
    step(&format!("Workspace with Zephyr {revision}"));
    let manifest = fs::read_to_string(root().join("west.yml"))?;
    let file = root().join(MANIFEST);
    fs::create_dir_all(file.parent().unwrap_or(root()))?;
    fs::write(&file, with_revision(&manifest, revision)?)?;
    let west = || west(Some(&path), workspace);
    if workspace.join(".west").is_dir() {
        run(west().args(["config", "manifest.file", MANIFEST]))?;
    } else {
        run(west()
            .args(["init", "--local", "--manifest-file", MANIFEST])
            .arg(root()))?;
    }
    run(west().args(["update", "--narrow", "--fetch-opt=--depth=1"]))?;
    Ok(ZephyrWorkspace {
        version: version_of(workspace)?,
        path: Some(with_packages(&python, workspace)?),
        folder: workspace.to_owned(),
    })
}

/// `PATH` with the programs of a folder of Python's first.
fn path_with(python: &Path) -> Result<OsString> {
    let mut paths = vec![python.join("bin")];
    paths.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    Ok(env::join_paths(paths)?)
}

/// Installs the packages that a workspace's Zephyr needs beside west, and returns the `PATH`.
fn with_packages(python: &Path, workspace: &Path) -> Result<OsString> {
    let mut install = Command::new(python.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet"]);
    install.arg("--disable-pip-version-check");
    for list in REQUIREMENTS {
        let list = format!("zephyr/scripts/requirements-{list}.txt");
        install.arg("-r").arg(workspace.join(list));
    }
    run(&mut install)?;
    path_with(python)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        let version = "VERSION_MAJOR = 3\nVERSION_MINOR = 4\nPATCHLEVEL = 99\n";
        assert_eq!(zephyr_version(version).unwrap(), (3, 4));
        assert!(zephyr_version("").is_err());
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
    fn missing_projects_are_named() {
        let list = "manifest /w/m\nzephyr /w/zephyr\nlittlefs /w/littlefs\ncmsis /w/cmsis\n";
        assert!(lacking(list, |_| true).is_empty());
        assert_eq!(lacking(list, |path| path != "/w/littlefs"), ["littlefs"]);
        assert_eq!(lacking("", |_| true), ["zephyr", "littlefs", "cmsis"]);
    }

    #[test]
    fn a_folder_without_west_is_in_no_workspace() {
        assert!(around(Path::new("/")).is_none());
        assert!(ZephyrWorkspace::find(Some("no/folder")).is_err());
    }
}
