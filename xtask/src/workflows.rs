// SPDX-License-Identifier: Apache-2.0
//! Checks the hosted workflows and the other files in `.github`: their form by the schemas of the
//! host, and the workflows for known weaknesses.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::{read, run, step};
use crate::setup;
use crate::workspace::root;

/// Files, as a pattern of git, with the name of their schema.
const SCHEMAS: [(&str, &str); 5] = [
    (".github/workflows/*.yml", "vendor.github-workflows"),
    (".github/actions/*/action.yml", "vendor.github-actions"),
    (".github/dependabot.yml", "vendor.dependabot"),
    (".github/ISSUE_TEMPLATE/*.yml", "vendor.github-issue-forms"),
    (ISSUE_CONFIG, "vendor.github-issue-config"),
];

/// Settings beside the forms for issues.
const ISSUE_CONFIG: &str = ".github/ISSUE_TEMPLATE/config.yml";

/// Checks all files.
pub fn check() -> Result<()> {
    step("Workflows");
    let tools = setup::workflow_lints()?.join("bin");
    for (pattern, schema) in SCHEMAS {
        let mut list = Command::new("git");
        list.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        list.arg(pattern);
        let files = read(list.current_dir(root()))?;
        let files = files
            .lines()
            .filter(|file| (*file == ISSUE_CONFIG) == (pattern == ISSUE_CONFIG))
            .filter(|file| root().join(file).is_file());
        run(in_root(&tools.join("check-jsonschema"))
            .args(["--quiet", "--builtin-schema", schema])
            .args(files))?;
    }
    run(in_root(&tools.join("zizmor")).args([
        "--offline",
        "--quiet",
        "--persona=pedantic",
        ".github",
    ]))
}

fn in_root(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
