// SPDX-License-Identifier: Apache-2.0
//! Builds the sample guests, from `samples/containers` to
//! `target/guests/NAME.wasm`.
//!
//! The Rust ones with cargo, whose settings are in that folder's own
//! `Cargo.toml` and `.cargo/config.toml`; the C ones with clang, wasm-ld and
//! wasi-libc, whose settings are here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{read, run, step};
use crate::workspace::{cargo, root, target_dir};

/// Variable with the folder of the guests, for tests.
pub const VARIABLE: &str = "OCRE_GUESTS";

/// Rust target of guests.
pub const TARGET: &str = "wasm32-wasip1";

const RUST: [&str; 6] = [
    "hello",
    "reader",
    "stdlib",
    "blinky",
    "subscriber",
    "sensor-logger",
];

struct CGuest {
    name: &'static str,
    sources: &'static [&'static str],
    optimisation: &'static str,
}

const C: [CGuest; 5] = [
    CGuest {
        name: "hello-c",
        sources: &["hello-c/hello.c"],
        optimisation: "-Oz",
    },
    CGuest {
        name: "kernel",
        sources: &["kernel/main.c", "../../benches/kernels/sha256.c"],
        optimisation: "-O2",
    },
    CGuest {
        name: "hostile",
        sources: &["hostile/hostile.c"],
        optimisation: "-Oz",
    },
    CGuest {
        name: "publisher",
        sources: &["publisher/publisher.c"],
        optimisation: "-Oz",
    },
    CGuest {
        name: "knock",
        sources: &["knock/knock.c"],
        optimisation: "-Oz",
    },
];

/// As for the Rust guests (`.cargo/config.toml` there): say where data and heap
/// lie, and keep the stack small. `--stack-first` puts it below the data, where
/// an overflow is a trap rather than a silent overwriting.
const C_LINK: &str =
    "-Wl,--export=__heap_base,--export=__data_end,--stack-first,-zstack-size=2048,--strip-all";

/// Parts of `sdk/c` that come before those of wasi-libc, and their arguments.
const C_PARTS: [(&str, &[&str]); 4] = [
    ("heap", &["-DOCRE_HEAP_BYTES=4096"]),
    ("small", &[]),
    ("memory", &["-mbulk-memory"]),
    ("folders", &[]),
];

/// Folder that the guests are built into.
pub fn dir() -> PathBuf {
    target_dir().join("guests")
}

/// Names of all guests, without `.wasm`.
pub fn names() -> impl Iterator<Item = &'static str> {
    RUST.into_iter().chain(C.iter().map(|guest| guest.name))
}

/// Builds every guest, and prints the size of each.
pub fn build() -> Result<()> {
    step("Guests");
    let sources = root().join("samples/containers");
    let out = dir();
    fs::create_dir_all(&out).with_context(|| format!("can't create {}", out.display()))?;
    build_rust(&sources, &out)?;
    let parts = build_parts()?;
    for guest in &C {
        build_c(guest, &sources, &parts, &out)?;
    }
    for name in names() {
        let size = fs::metadata(out.join(name).with_extension("wasm"))?.len();
        println!("{name:13} {size:6} bytes");
    }
    Ok(())
}

fn build_rust(sources: &Path, out: &Path) -> Result<()> {
    let built = target_dir().join("guests-build");
    run(cargo()
        .args(["build", "--release", "--locked", "--quiet", "--target-dir"])
        .arg(&built)
        .current_dir(sources)
        // These settings are for the host's build, not for the guests.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    for name in RUST {
        let from = built
            .join(TARGET)
            .join("release")
            .join(name)
            .with_extension("wasm");
        fs::copy(&from, out.join(name).with_extension("wasm"))
            .with_context(|| format!("can't copy {}", from.display()))?;
    }
    Ok(())
}

/// Compiles the parts of the SDK, and returns their objects.
fn build_parts() -> Result<Vec<PathBuf>> {
    let objects = target_dir().join("guests-build/sdk-c");
    fs::create_dir_all(&objects).with_context(|| format!("can't create {}", objects.display()))?;
    let mut built = Vec::new();
    for (part, arguments) in C_PARTS {
        let object = objects.join(part).with_extension("o");
        run(clang()
            .args(["-Oz", "-std=c11", "-Wall", "-Wextra", "-Werror"])
            .args(["-fno-builtin", "-D_GNU_SOURCE"])
            .args(arguments)
            .arg("-c")
            .arg("-o")
            .arg(&object)
            .arg(root().join("sdk/c").join(part).with_extension("c")))?;
        built.push(object);
    }
    Ok(built)
}

/// Compiles and links in two steps: in one step, clang would have an installed `wasm-opt` change
/// the module, so that it would not be the same everywhere.
fn build_c(guest: &CGuest, sources: &Path, parts: &[PathBuf], out: &Path) -> Result<()> {
    let objects = target_dir().join("guests-build").join(guest.name);
    fs::create_dir_all(&objects).with_context(|| format!("can't create {}", objects.display()))?;
    let mut link = clang();
    link.arg(C_LINK);
    for (number, source) in guest.sources.iter().enumerate() {
        let object = objects.join(format!("{number}.o"));
        run(clang()
            .args([
                guest.optimisation,
                "-std=c11",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-c",
                "-o",
            ])
            .arg(&object)
            .arg(sources.join(source)))?;
        link.arg(object);
    }
    run(link
        .args(parts)
        .arg("-o")
        .arg(out.join(guest.name).with_extension("wasm")))
}

/// True where clang, its linker, its run-time library and wasi-libc work: a minimal program is
/// built.
pub fn c_compiler_works() -> bool {
    let out = target_dir().join("guests");
    let source = out.join("probe.c");
    let object = out.join("probe.wasm");
    let ready = fs::create_dir_all(&out)
        .and_then(|()| fs::write(&source, "int main(void) { return 0; }\n"));
    let works = ready.is_ok() && read(clang().arg(&source).arg("-o").arg(&object)).is_ok();
    // Nothing is there to remove where the build has failed.
    let _ = fs::remove_file(source);
    let _ = fs::remove_file(object);
    works
}

fn clang() -> Command {
    let mut command = Command::new("clang");
    command.arg("--target=wasm32-wasi");
    command
}
