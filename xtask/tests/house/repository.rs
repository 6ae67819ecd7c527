// SPDX-License-Identifier: Apache-2.0
//! Input of the rules: the files of this repository and cargo's metadata.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use xtask::process::read;
use xtask::workspace::{cargo, root};

/// Text file.
pub struct File {
    /// Path from the top folder, with `/`.
    pub path: String,
    pub text: String,
}

/// Text files that git tracks, or would track after `git add`.
pub static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])
    .current_dir(root());
    let paths = read(&mut list).expect("the rules are read from a git work tree");
    paths
        .split_terminator('\0')
        // A file that is not UTF-8, or is removed but not committed, is no text of ours.
        .filter_map(|path| {
            let text = fs::read_to_string(root().join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect()
});

/// Cargo's metadata of the workspace and, in `packages`, of all its dependencies.
pub static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let text = read(cargo().args(["metadata", "--format-version=1", "--locked"]))
        .expect("cargo reads the workspace");
    serde_json::from_str(&text).expect("cargo prints JSON")
});

/// Packages of the workspace, from cargo's metadata.
pub fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members = list(&metadata["workspace_members"]);
    list(&metadata["packages"])
        .iter()
        .filter(|package| members.contains(&package["id"]))
}

/// Text of a file of this repository.
pub fn text(path: &str) -> &'static str {
    let file = FILES.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("there is no {path}")).text
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
