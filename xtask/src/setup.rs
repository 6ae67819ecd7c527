// SPDX-License-Identifier: Apache-2.0
//! Finds missing tools and installs them, or tells what to install.
//!
//! Rust targets and components come through rustup, packages of Python through pip, mdBook through
//! cargo, everything else through apt where there is apt and we are root, or may become root on a
//! CI machine. Each tool is tried, not looked up in a package
//! list, so the way of its installation does not matter. Where all is there, nothing is installed,
//! the network is not used, and it takes less than a second.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::guests;
use crate::process::{read, run, step, succeeds};
use crate::workspace::{cargo, root, target_dir};

/// Tool that the tasks need, besides those of rustup.
struct RequiredTool {
    what: &'static str,
    met: fn() -> bool,
    /// Packages with the tool on Debian and Ubuntu.
    packages: &'static [&'static str],
}

const GUESTS_C: RequiredTool = RequiredTool {
    what: "clang with wasm-ld, wasi-libc and its run-time library for wasm32, for guests in C",
    met: guests::c_compiler_works,
    packages: &["clang", "lld", "wasi-libc", "libclang-rt-dev-wasm32"],
};

const C_COMPILER: RequiredTool = RequiredTool {
    what: "a C compiler, for WAMR and littlefs",
    met: || answers("cc"),
    packages: &["gcc", "libc6-dev"],
};

const LLVM: RequiredTool = RequiredTool {
    what: "LLVM 16 and a C++ compiler, for ahead-of-time compilation",
    // The library has to exist, not only the program that knows its place.
    met: || succeeds(&mut tool("llvm-config-16", &["--libs"])) && answers("c++"),
    packages: &["llvm-16-dev", "g++"],
};

const LIBCLANG: RequiredTool = RequiredTool {
    what: "libclang, to read C headers",
    met: || {
        // Not a program: the loader's list has it.
        let libraries = read(&mut tool("/sbin/ldconfig", &["-p"]));
        let named = std::env::var_os("LIBCLANG_PATH").is_some();
        let names = ["libclang-1", "libclang.so"];
        let is_one = |line: &str| names.iter().any(|name| line.trim().starts_with(name));
        let listed = |list: String| list.lines().any(is_one);
        named || libraries.is_ok_and(listed)
    },
    packages: &["libclang1"],
};

const PYTHON: RequiredTool = RequiredTool {
    what: "Python with its module venv, for a client of registries, for tests",
    met: || succeeds(&mut tool("python3", &["-c", "import venv, ensurepip"])),
    packages: &["python3", "python3-venv"],
};

const REGISTRY: RequiredTool = RequiredTool {
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

const NODE: RequiredTool = RequiredTool {
    what: "Node and npm, for Sigstore's verifier, for tests",
    met: || answers("node") && answers("npm"),
    packages: &["nodejs", "npm"],
};

const EMULATORS: RequiredTool = RequiredTool {
    what: "Zephyr's build tools, a compiler for Arm and its emulator, for firmware",
    met: || {
        let mut tools = [
            "cmake",
            "ninja",
            "dtc",
            "arm-none-eabi-gcc",
            "qemu-system-arm",
        ]
        .iter();
        tools.all(|program| answers(program))
    },
    packages: &[
        "cmake",
        "ninja-build",
        "device-tree-compiler",
        "gcc-arm-none-eabi",
        "qemu-system-arm",
    ],
};

const RISCV: RequiredTool = RequiredTool {
    what: "a compiler for RISC-V with a C library, and its emulator, for firmware",
    met: || answers("riscv64-unknown-elf-gcc") && answers("qemu-system-riscv32"),
    packages: &[
        "gcc-riscv64-unknown-elf",
        "picolibc-riscv64-unknown-elf",
        "qemu-system-misc",
    ],
};

const SIMULATOR_32_BITS: RequiredTool = RequiredTool {
    what: "the PC's C library for 32 bits, for the simulator of such a machine",
    met: || {
        let script = "echo '#include <gnu/stubs.h>' | cc -m32 -E -";
        succeeds(&mut tool("sh", &["-c", script]))
    },
    packages: &["gcc-multilib"],
};

/// Tool that makes workspaces of Zephyr and starts builds in them.
const WEST: &str = "west==1.5.0";

/// Registry client in Python that ours is tested against, and its dependencies; an independent
/// reader of signatures.
const CLIENTS: [&str; 5] = [
    "oras==0.2.43",
    "requests",
    "jsonschema",
    "cbor2==6.3.0",
    "cryptography==50.0.2",
];

/// Installs Python's clients of registries, into a separate folder.
fn clients() -> Result<()> {
    python("clients", &CLIENTS).map(drop)
}

/// Sigstore's own verifier of bundles, of the last versions for the Node of Debian 12.
const SIGSTORE: [&str; 2] = ["@sigstore/bundle@3.1.0", "@sigstore/verify@2.1.1"];

/// Installs Sigstore's packages for Node into a folder of the build's folder, unless they are there.
fn sigstore() -> Result<()> {
    let folder = target_dir().join("sigstore");
    let path = folder.to_string_lossy();
    if succeeds(tool("npm", &["ls", "--prefix", &path]).args(SIGSTORE)) {
        return Ok(());
    }
    let install = [
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        &path,
    ];
    run(tool("npm", &install).args(SIGSTORE))
        .with_context(|| format!("packages of Node are needed: {}", SIGSTORE.join(", ")))
}

/// Installs west, into a separate folder, which is returned.
pub fn west() -> Result<PathBuf> {
    python("zephyr-python", &[WEST])
}

/// Checks of the workflows and of the other files in `.github`.
const WORKFLOW_LINTS: [&str; 2] = ["zizmor==1.32.0", "check-jsonschema==0.39.0"];

/// Installs the checks of the workflows, into a separate folder, which is returned.
pub fn workflow_lints() -> Result<PathBuf> {
    python("workflow-lints", &WORKFLOW_LINTS)
}

/// Program in Python that ends with 0 where each of its arguments, `NAME` or `NAME==VERSION`, is
/// installed.
const INSTALLED: &str = "\
import sys
from importlib.metadata import version
for package in sys.argv[1:]:
    name, _, wanted = package.partition('==')
    assert version(name) == wanted or not wanted
";

/// Installs packages of Python in a folder of the build's folder, unless they are there, and
/// returns the folder.
fn python(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = target_dir().join(name);
    let python = folder.join("bin/python");
    let python = python.to_string_lossy();
    if succeeds(tool(&python, &["-c", INSTALLED]).args(packages)) {
        return Ok(folder);
    }
    let needed = || format!("packages of Python are needed: {}", packages.join(", "));
    let path = folder.to_string_lossy();
    run(&mut tool("python3", &["-m", "venv", "--clear", &path])).with_context(needed)?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    run(tool(&python, &install).args(packages)).with_context(needed)?;
    Ok(folder)
}

/// Installs the tools to build the sample guests.
pub fn guests() -> Result<()> {
    targets(&[guests::TARGET])?;
    packages(&[GUESTS_C])
}

/// Installs the tools to build, lint and test everything.
pub fn all() -> Result<()> {
    step("Set-up");
    targets(&[guests::TARGET])?;
    components(&["rustfmt", "clippy"])?;
    packages(&[GUESTS_C, C_COMPILER, LLVM, LIBCLANG, REGISTRY, PYTHON, NODE])?;
    clients()?;
    sigstore()
}

/// Installs the library that reads C headers.
pub fn generator() -> Result<()> {
    packages(&[GUESTS_C, LIBCLANG])
}

/// Installs the tools to build firmware and to run it on simulators and emulators.
pub fn emulators() -> Result<()> {
    packages(&[EMULATORS])
}

/// Installs the tools to build firmware for the simulator of 32 bits.
pub fn simulator_32_bits() -> Result<()> {
    targets(&["i686-unknown-linux-gnu"])?;
    packages(&[SIMULATOR_32_BITS])
}

/// Installs the tools to build firmware for Arm, beside [`emulators`]: the sources of Rust's core
/// library, and the library for applications in Rust.
pub fn arm() -> Result<()> {
    targets(&["thumbv7m-none-eabi"])?;
    let sysroot = read(&mut tool("rustc", &["--print=sysroot"]))?;
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/core");
    if sources.is_dir() {
        return Ok(());
    }
    rustup("component", &["rust-src"])
}

/// Version of mdBook that builds the pages.
const MDBOOK: &str = "0.5.4";

/// Installs mdBook below the build's folder, and returns its program.
pub fn book() -> Result<PathBuf> {
    let folder = target_dir().join("tools");
    let program = folder.join("bin/mdbook");
    let version = read(&mut tool(&program.to_string_lossy(), &["--version"]));
    if version.is_ok_and(|version| version.trim() == format!("mdbook v{MDBOOK}")) {
        return Ok(program);
    }
    step("Installing mdBook");
    run(cargo()
        .args([
            "install",
            "--locked",
            "--force",
            "mdbook",
            "--version",
            MDBOOK,
        ])
        .args(["--no-default-features", "--features", "search", "--root"])
        .arg(&folder))
    .with_context(|| format!("mdBook {MDBOOK} is needed, for the pages"))?;
    Ok(program)
}

/// Installs the tools to build firmware for RISC-V and to run it on an emulator.
pub fn riscv() -> Result<()> {
    targets(&["riscv32imac-unknown-none-elf"])?;
    packages(&[RISCV])
}

/// Installs Rust's library for targets.
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

fn packages(needs: &[RequiredTool]) -> Result<()> {
    let missing: Vec<&RequiredTool> = needs.iter().filter(|need| !(need.met)()).collect();
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
    if !is_root() && !has_sudo() || !answers("apt-get") {
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
    let environment = "DEBIAN_FRONTEND=noninteractive";
    let mut command = if is_root() {
        tool("env", &[environment])
    } else {
        tool("sudo", &["-n", "env", environment])
    };
    // Another installation may be running: wait for it.
    command.args(["apt-get", "-o", "DPkg::Lock::Timeout=600"]);
    command.args(args);
    command
}

/// Program run in the top folder, where rustup finds the pinned toolchain.
fn tool(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    command
}

fn answers(program: &str) -> bool {
    succeeds(&mut tool(program, &["--version"]))
}

/// True on a CI machine whose user may become root without a password. A developer's machine is not
/// changed that way.
fn has_sudo() -> bool {
    let on_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    on_ci && succeeds(&mut tool("sudo", &["-n", "true"]))
}

fn is_root() -> bool {
    read(&mut tool("id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}
