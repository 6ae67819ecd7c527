// SPDX-License-Identifier: Apache-2.0
//! Compiles a project's source to a module, with the compiler of its language.
//!
//! The same source gives the same module in any folder: no path of the PC gets into it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use ocre_files::MAX_CONTENT;

use crate::build_file::{HeapSize, Language, Ocrefile, Printf};
use crate::failure::Failure;

const TARGET: &str = "wasm32-wasip1";

/// Parts of the SDK for C that are linked before C's library.
const C_PARTS: [(&str, &str); 4] = [
    ("heap.c", include_str!("../../../sdk/c/heap.c")),
    ("small.c", include_str!("../../../sdk/c/small.c")),
    ("memory.c", include_str!("../../../sdk/c/memory.c")),
    ("folders.c", include_str!("../../../sdk/c/folders.c")),
];

/// Crate with the functions of C's malloc, which the standard library of Rust uses.
const RUST_HEAP: [(&str, &str); 4] = [
    ("heap.rs", include_str!("../../../sdk/rust/src/heap.rs")),
    (
        "libc_heap.rs",
        include_str!("../../../sdk/rust/src/libc_heap.rs"),
    ),
    (
        "lib.rs",
        "#![no_std]\nmod heap;\nmod libc_heap;\nuse heap::{FixedHeap, HEAP_BYTES};\n\
         crate::libc_heap!(HEAP_BYTES);\n\n#[panic_handler]\n\
         fn panicked(_: &core::panic::PanicInfo) -> ! {\n    core::arch::wasm32::unreachable()\n}\n",
    ),
    (
        "Cargo.toml",
        "[package]\nname = \"ocre-heap\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n\
         [lib]\npath = \"lib.rs\"\ncrate-type = [\"staticlib\"]\n\n\
         [profile.release]\nopt-level = \"s\"\ncodegen-units = 1\npanic = \"abort\"\n\n[workspace]\n",
    ),
];

/// Variable by which the SDK for Rust gets the bytes of the heap.
const HEAP_BYTES: &str = "OCRE_HEAP_BYTES";

/// Arguments of the linker: exports of the ends of data and heap, by which the engine gives a
/// guest only the memory that it uses, and the size of the stack in bytes.
fn link(stack: u32) -> [String; 3] {
    [
        "--export=__heap_base".to_owned(),
        "--export=__data_end".to_owned(),
        format!("-zstack-size={stack}"),
    ]
}

/// Compiles a project, and returns the module's file. Messages of the compiler go to stderr.
///
/// # Errors
/// `build-tool`, `build-compile`, `build-artifact`, `io`.
pub fn compile(
    folder: &Path,
    file: &Ocrefile,
    work: &Path,
    what: &str,
) -> Result<PathBuf, Failure> {
    fs::create_dir_all(work).map_err(|error| Failure::io(what, &error))?;
    match file.language {
        Language::Rust => rust(folder, file, work, what),
        Language::C => c(folder, file, work, what),
    }
}

fn cargo(folder: &Path, heap: HeapSize) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--release", "--target", TARGET])
        .current_dir(folder)
        // Flags for other builds are not meant for the guest.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    match heap {
        HeapSize::Fixed(bytes) => cargo.env(HEAP_BYTES, bytes.to_string()),
        HeapSize::Grow => cargo.env_remove(HEAP_BYTES),
    };
    cargo
}

/// Compiles malloc and its family over the guest's heap. Returns the folder of the archive.
fn rust_heap(folder: &Path, heap: HeapSize, work: &Path, what: &str) -> Result<PathBuf, Failure> {
    let source = work.join("heap");
    write_parts(&source, &RUST_HEAP, what)?;
    let target = source.join("target");
    let mut cargo = cargo(folder, heap);
    cargo
        .arg("--quiet")
        .arg("--manifest-path")
        .arg(source.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    run(&mut cargo, RUSTUP, what)?;
    Ok(target.join(TARGET).join("release"))
}

fn rust(folder: &Path, file: &Ocrefile, work: &Path, what: &str) -> Result<PathBuf, Failure> {
    let mut flags: Vec<String> = link(file.stack_bytes())
        .iter()
        .map(|argument| format!("-Clink-arg={argument}"))
        .collect();
    flags.push(format!("--remap-path-prefix={}=.", folder.display()));
    if let Some(home) = cargo_home() {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    if file.heap != HeapSize::Grow {
        let archive = rust_heap(folder, file.heap, work, what)?;
        flags.push(format!("-Lnative={}", archive.display()));
        // Not into each library of the project.
        flags.push("-lstatic:-bundle=ocre_heap".to_owned());
    }
    let quoted: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    let mut cargo = cargo(folder, file.heap);
    cargo
        .arg("--message-format=json-render-diagnostics")
        .arg("--config")
        .arg(format!("target.{TARGET}.rustflags=[{}]", quoted.join(",")));
    if let Some(bin) = &file.bin {
        cargo.args(["--bin", bin]);
    }
    let output = run(&mut cargo, RUSTUP, what)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut programs = text.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    let hints = "name one of the project's programs as `bin` in Ocrefile.toml";
    let refused = |detail: &str| Failure::new(what, "build-artifact", hints).because(detail);
    match (programs.next(), programs.next()) {
        (Some(program), None) => Ok(program),
        (None, _) => Err(refused("Cargo has built no program")),
        (Some(_), Some(_)) => Err(refused("Cargo has built several programs")),
    }
}

fn cargo_home() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    set("CARGO_HOME").or_else(|| Some(set("HOME")?.join(".cargo")))
}

/// Writes source files that are not there as they have to be, so that Cargo compiles them once.
fn write_parts(folder: &Path, parts: &[(&str, &str)], what: &str) -> Result<(), Failure> {
    let write = || {
        fs::create_dir_all(folder)?;
        for (name, text) in parts {
            let path = folder.join(name);
            if ocre_files::read_text(&path, MAX_CONTENT).ok().as_deref() != Some(*text) {
                fs::write(path, text)?;
            }
        }
        Ok(())
    };
    write().map_err(|error| Failure::io(what, &error))
}

/// Compiles and links in two steps, the second without a level of optimisation: otherwise clang
/// runs `wasm-opt` on the module where it is installed.
fn c(folder: &Path, file: &Ocrefile, work: &Path, what: &str) -> Result<PathBuf, Failure> {
    let missing = "install clang, lld, wasi-libc and libclang-rt-dev-wasm32";
    let module = work.join("guest.wasm");
    let clang = || {
        let mut clang = Command::new("clang");
        clang.arg("--target=wasm32-wasi").current_dir(folder);
        clang
    };
    let mut link = clang();
    // With this order an overflow of the stack traps instead of overwriting data.
    link.args(["-Wl,--stack-first", "-Wl,--strip-all"])
        .args(self::link(file.stack_bytes()).map(|argument| format!("-Wl,{argument}")))
        .arg("-Wno-unused-command-line-argument")
        .args(file.flags.iter().filter(|flag| !flag.starts_with("-O")));
    let sdk = work.join("sdk");
    write_parts(&sdk, &C_PARTS, what)?;
    for (name, _) in C_PARTS {
        let object = sdk.join(name).with_extension("o");
        let mut compile = clang();
        compile.args(["-Oz", "-std=c11", "-fno-builtin", "-D_GNU_SOURCE"]);
        match (name, file.heap) {
            ("heap.c", HeapSize::Grow) => continue,
            ("heap.c", HeapSize::Fixed(bytes)) => {
                compile.arg(format!("-DOCRE_HEAP_BYTES={bytes}"));
            }
            ("memory.c", _) => {
                compile.arg("-mbulk-memory");
            }
            _ => {}
        }
        if file.printf == Printf::Full {
            compile.arg("-DOCRE_FULL_PRINTF");
        }
        compile.arg("-c").arg("-o").arg(&object).arg(sdk.join(name));
        run(&mut compile, missing, what)?;
        link.arg(object);
    }
    for (number, source) in file.sources.iter().enumerate() {
        let object = work.join(format!("{number}.o"));
        let mut compile = clang();
        compile
            .args(["-Oz", "-Wall"])
            // clang refuses a standard of C for C++.
            .args(Some("-std=c11").filter(|_| is_c(source)))
            .arg(format!("-ffile-prefix-map={}=.", folder.display()))
            .arg("-Wno-unused-command-line-argument")
            .args(&file.flags)
            .arg("-c")
            .arg("-o")
            .arg(&object)
            .arg(source);
        run(&mut compile, missing, what)?;
        link.arg(object);
    }
    run(link.arg("-o").arg(&module), missing, what)?;
    Ok(module)
}

fn is_c(source: &Path) -> bool {
    source.extension().is_some_and(|extension| extension == "c")
}

/// Collects a compiler's output, and copies its stderr to ours while it runs.
fn heard(mut child: Child) -> io::Result<Output> {
    let words = child.stderr.take();
    let copy = thread::spawn(move || {
        let mut copy = Vec::new();
        let Some(mut words) = words else {
            return copy;
        };
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = words.read(&mut buffer) {
            let piece = buffer.get(..count).unwrap_or_default();
            // If stderr fails, only the exit code tells.
            let _ = io::stderr().write_all(piece);
            // The end is not needed: compilers report missing parts first.
            if copy.len() < MAX_WORDS {
                copy.extend_from_slice(piece);
            }
        }
        copy
    });
    let mut output = child.wait_with_output()?;
    output.stderr = copy.join().unwrap_or_default();
    Ok(output)
}

/// Hint for a compiler's message about a part that is not installed.
fn lacking(words: &str) -> Option<&'static str> {
    let tools = "install lld, wasi-libc and libclang-rt-dev-wasm32";
    [
        ("can't find crate for `core`", RUST_TARGET),
        ("can't find crate for `std`", RUST_TARGET),
        ("target may not be installed", RUST_TARGET),
        ("unable to execute command: Executable \"wasm-ld\"", tools),
        ("invalid linker name", tools),
        ("cannot open /usr/lib/llvm", tools),
        ("libclang_rt.builtins", tools),
        ("cannot open crt1", tools),
        ("unable to find library -lc", tools),
        ("'stdio.h' file not found", tools),
    ]
    .iter()
    .find(|(sign, _)| words.contains(sign))
    .map(|(_, hints)| *hints)
}

const RUSTUP: &str = "install Rust with rustup";

const RUST_TARGET: &str = "run `rustup target add wasm32-wasip1`";

/// Bytes of a compiler's messages that are searched.
const MAX_WORDS: usize = 1 << 20;

/// Runs a compiler; its messages go to stderr.
fn run(command: &mut Command, missing: &str, what: &str) -> Result<Output, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(heard);
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(what, "build-tool", missing)
            .at(&program)
            .because("there is no such program"),
        _ => Failure::io(what, &error),
    })?;
    if output.status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let hints = lacking(&text).unwrap_or("correct the errors that the compiler reports");
    Err(Failure::new(what, "build-compile", hints)
        .at(&program)
        .because(output.status))
}
