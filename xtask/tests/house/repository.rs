// SPDX-License-Identifier: Apache-2.0
//! What the rules read: the files of this repository and cargo's metadata.

use std::fs;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use xtask::process::read;
use xtask::workspace::{cargo, root};

/// One text file.
pub struct File {
    /// From the top folder, with `/`.
    pub path: String,
    pub text: String,
}

/// Every text file that git keeps, or would keep were it added.
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
        // Not UTF-8, or removed but not committed: no text of ours.
        .filter_map(|path| {
            let text = fs::read_to_string(root().join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect()
});

/// What cargo says of the workspace and, in `packages`, of all that it needs.
pub static METADATA: LazyLock<Value> = LazyLock::new(|| {
    let text = read(cargo().args(["metadata", "--format-version=1", "--locked"]))
        .expect("cargo reads the workspace");
    serde_json::from_str(&text).expect("cargo prints JSON")
});

/// The packages of the workspace, out of cargo's metadata.
pub fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members = list(&metadata["workspace_members"]);
    list(&metadata["packages"])
        .iter()
        .filter(|package| members.contains(&package["id"]))
}

/// The text of a file of this repository.
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
