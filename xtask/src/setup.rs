// SPDX-License-Identifier: Apache-2.0
//! Finds out what the machine lacks and installs it, or says what to install.
//!
//! Rust targets and components come through rustup, a client in Python through
//! pip, everything else through apt where there is apt and we are root. Each need is tried, not looked up in
//! a package list, so any way of having met it will do. Where all is there,
//! nothing is installed, nothing is asked of the network, and it takes less
//! than a second.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guests;
use crate::process::{read, run, step, succeeds};
use crate::workspace::{root, target_dir};

/// One thing to have, besides what rustup gives.
struct Need {
    what: &'static str,
    met: fn() -> bool,
    /// What gives it on Debian and Ubuntu.
    packages: &'static [&'static str],
}

const GUESTS_C: Need = Need {
    what: "clang with wasm-ld, wasi-libc and its run-time library for wasm32, for guests in C",
    met: guests::c_compiler_works,
    packages: &["clang", "lld", "wasi-libc", "libclang-rt-dev-wasm32"],
};

const C_COMPILER: Need = Need {
    what: "a C compiler, for WAMR and littlefs",
    met: || answers("cc"),
    packages: &["gcc", "libc6-dev"],
};

const LLVM: Need = Need {
    what: "LLVM 16 and a C++ compiler, for ahead-of-time compilation",
    // The library has to be there, not only the program that knows where.
    met: || succeeds(&mut tool("llvm-config-16", &["--libs"])) && answers("c++"),
    packages: &["llvm-16-dev", "g++"],
};

const PYTHON: Need = Need {
    what: "Python with its module venv, for a client of registries, for tests",
    met: || succeeds(&mut tool("python3", &["-c", "import venv, ensurepip"])),
    packages: &["python3", "python3-venv"],
};

const REGISTRY: Need = Need {
    what: "a registry, other clients of registries and layouts, and openssl, for tests",
    met: || {
        let answer = |program, version| succeeds(&mut tool(program, &[version]));
        answer("docker-registry", "--version")
            && answer("skopeo", "--version")
            && answer("umoci", "--version")
            && answer("openssl", "version")
    },
    packages: &["docker-registry", "skopeo", "umoci", "openssl"],
};

/// The registry client in Python that ours is tried against, with what it needs.
const CLIENTS: [&str; 3] = ["oras==0.2.43", "requests", "jsonschema"];

/// Python's clients of registries, in a folder of their own.
fn clients() -> Result<()> {
    let folder = target_dir().join("clients");
    let python = folder.join("bin/python");
    let python = python.to_string_lossy();
    if succeeds(&mut tool(&python, &["-c", "import oras.client"])) {
        return Ok(());
    }
    let needed = || format!("{} are needed, for tests", CLIENTS.join(", "));
    let path = folder.to_string_lossy();
    run(&mut tool("python3", &["-m", "venv", "--clear", &path])).with_context(needed)?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    run(tool(&python, &install).args(CLIENTS)).with_context(needed)
}

/// What it takes to build the sample guests.
pub fn guests() -> Result<()> {
    targets(&[guests::TARGET])?;
    packages(&[GUESTS_C])
}

/// What it takes to build, lint and test everything.
pub fn all() -> Result<()> {
    step("Set-up");
    targets(&[guests::TARGET])?;
    components(&["rustfmt", "clippy"])?;
    packages(&[GUESTS_C, C_COMPILER, LLVM, REGISTRY, PYTHON])?;
    clients()
}

/// Rust's library for these targets.
pub fn targets(names: &[&str]) -> Result<()> {
    let mut missing = Vec::new();
    for name in names {
        let libraries = read(&mut tool(
            "rustc",
            &["--print=target-libdir", "--target", name],
        ))?;
        if !Path::new(libraries.trim()).is_dir() {
            missing.push(*name);
        }
    }
    rustup("target", &missing)
}

fn components(names: &[&str]) -> Result<()> {
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| {
            let subcommand = if *name == "rustfmt" { "fmt" } else { name };
            !succeeds(&mut tool("cargo", &[subcommand, "--version"]))
        })
        .collect();
    rustup("component", &missing)
}

fn rustup(what: &str, names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    run(tool("rustup", &[what, "add"]).args(names)).with_context(|| {
        format!(
            "the Rust {what}s {} are needed; rustup would install them",
            names.join(" ")
        )
    })
}

fn packages(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !(need.met)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing
        .iter()
        .flat_map(|need| need.packages.iter().copied())
        .collect();
    for need in &missing {
        eprintln!("missing: {}", need.what);
    }
    if !is_root() || !answers("apt-get") {
        bail!(
            "install what is missing, on Debian or Ubuntu with\n  \
             sudo apt-get install {}",
            packages.join(" ")
        );
    }
    run(&mut apt(&["update", "-q"]))?;
    run(apt(&["install", "-q", "-y", "--no-install-recommends"]).args(&packages))?;
    for need in missing {
        if !(need.met)() {
            bail!(
                "{} was installed, and still there is no {}",
                need.packages.join(" "),
                need.what
            );
        }
    }
    Ok(())
}

fn apt(args: &[&str]) -> Command {
    // Somebody else may be installing something: wait for them.
    let mut command = tool("apt-get", &["-o", "DPkg::Lock::Timeout=600"]);
    command.args(args);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// A program run in the top folder, where rustup finds the pinned toolchain.
fn tool(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    command
}

fn answers(program: &str) -> bool {
    succeeds(&mut tool(program, &["--version"]))
}

fn is_root() -> bool {
    read(&mut tool("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}
