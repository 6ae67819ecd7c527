// SPDX-License-Identifier: Apache-2.0
//! All fast checks before a change goes in, which take minutes: format, lints, documentation,
//! packages that may be built in, and all tests, with the examples in the documentation. The output
//! ends with cargo's own result lines.

use anyhow::Result;

use crate::process::{run, step, succeeds};
use crate::workspace::{cargo, root, target_dir};
use crate::{firmware, generate, guests, setup, workflows};

/// Runs all checks, and stops at the first failure.
pub fn test() -> Result<()> {
    setup::all()?;
    step("Generated files");
    generate::generate(&["--check"])?;
    lint()?;
    workflows::check()?;
    firmware::check()?;
    guests::build()?;
    step("Tests");
    run(cargo()
        .args(["test", "--workspace", "--locked"])
        .env(guests::VARIABLE, guests::dir()))
}

fn lint() -> Result<()> {
    step("Format and lints");
    let guests = root().join("samples/containers");
    for workspace in [root(), &guests, &root().join("fuzz")] {
        run(cargo()
            .args(["fmt", "--all", "--check"])
            .current_dir(workspace))?;
    }
    let clippy = ["clippy", "--workspace", "--locked", "--quiet"];
    let deny_warnings = ["--", "-D", "warnings"];
    run(cargo()
        .args(clippy)
        .arg("--all-targets")
        .args(deny_warnings))?;
    run(cargo()
        .args(clippy)
        .args(deny_warnings)
        .current_dir(&guests))?;
    run(cargo()
        .args(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    // Neither the fuzzer itself nor the AOT compiler, which are C++ and which no target's code
    // depends on, is built for that.
    run(cargo()
        .args(clippy)
        .arg("--target-dir")
        .arg(target_dir())
        .args(deny_warnings)
        .env("CUSTOM_LIBFUZZER_PATH", target_dir().join("libfuzzer.a"))
        .env("LLVM_CONFIG", "none")
        .current_dir(root().join("fuzz")))?;
    // A test of xtask keeps the same policy without it.
    if succeeds(cargo().args(["deny", "--version"])) {
        run(cargo().args([
            "deny",
            "--workspace",
            "--locked",
            "check",
            "bans",
            "licenses",
            "sources",
        ]))?;
    }
    Ok(())
}
