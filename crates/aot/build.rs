// SPDX-License-Identifier: Apache-2.0
//! Builds WAMR's AOT compiler over LLVM into one archive whose only global
//! symbols are those of `src/c/shim.h`.
//!
//! The archive has to be closed like that because the compiler contains WAMR's
//! loader built with other options than the runtime that the same program
//! links. So: compile everything, join it with `ld -r`, make all other symbols
//! local with `objcopy`.
//!
//! LLVM is optional. Without it the crate builds with `cfg(have_llvm)` unset
//! and its `compile` says what to install.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The LLVM that this code was built and tested with. WAMR's compiler and
/// `src/c/*.cpp` use its C++ interface, which changes with every release.
const LLVM_MAJOR: &str = "16";

/// Everything the rest of the program may see of the archive.
const GLOBAL_SYMBOLS: [&str; 2] = ["ocre_aot_compile", "ocre_aot_free"];

/// Source of the runtime that the compiler leaves out: a compiler runs no wasm and
/// relocates no code.
const RUNTIME_ONLY: &str = "iwasm/interpreter/wasm_interp_fast.c";
const COMPILER_ONLY: [&str; 4] = [
    "iwasm/interpreter/wasm_interp_classic.c",
    "iwasm/aot/arch/aot_reloc_dummy.c",
    "iwasm/common/arch/invokeNative_general.c",
    "shared/utils/runtime_timer.c",
];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(have_llvm)");
    println!("cargo::rerun-if-changed=src/c");
    println!("cargo::rerun-if-env-changed=LLVM_CONFIG");

    let llvm = match Llvm::find() {
        Ok(llvm) => llvm,
        Err(reason) => {
            println!("cargo::warning=the AOT compiler is left out: {reason}");
            return;
        }
    };
    let wamr = folder("DEP_WAMR_ROOT");
    let lists = folder("DEP_WAMR_LISTS");
    let out = folder("OUT_DIR");

    let objects = compile(&wamr, &lists, &llvm);
    let joined = out.join("ocre_aot_joined.o");
    run(Command::new("ld")
        .arg("-r")
        .arg("--force-group-allocation")
        .arg("--wrap=getenv")
        .arg("-o")
        .arg(&joined)
        .args(&objects));
    let closed = out.join("ocre_aot.o");
    let mut objcopy = Command::new("objcopy");
    for symbol in GLOBAL_SYMBOLS {
        objcopy.arg(format!("--keep-global-symbol={symbol}"));
    }
    run(objcopy.arg(&joined).arg(&closed));
    let archive = out.join("libocre_aot.a");
    // `ar` adds to an existing archive.
    let _ = std::fs::remove_file(&archive);
    run(Command::new("ar").arg("crs").arg(&archive).arg(&closed));

    println!("cargo::rustc-cfg=have_llvm");
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=static=ocre_aot");
    println!("cargo::rustc-link-search=native={}", llvm.lib_dir);
    for library in &llvm.libraries {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
    println!("cargo::rustc-link-lib=dylib=stdc++");
    println!("cargo::rustc-link-lib=dylib=m");
}

/// A folder that cargo, or the build of `ocre-wamr-sys`, names.
fn folder(variable: &str) -> PathBuf {
    env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set"))
        .into()
}

/// Answers of `llvm-config`.
struct Llvm {
    include_dir: String,
    lib_dir: String,
    libraries: Vec<String>,
}

impl Llvm {
    fn find() -> Result<Self, String> {
        if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
            return Err("it is built on Linux only".into());
        }
        let candidates = match env::var("LLVM_CONFIG") {
            Ok(path) => vec![path],
            Err(_) => vec![
                format!("llvm-config-{LLVM_MAJOR}"),
                format!("/usr/bin/llvm-config-{LLVM_MAJOR}"),
                "llvm-config".into(),
            ],
        };
        for config in &candidates {
            let ask = |arguments: &[&str]| -> Option<String> {
                let output = Command::new(config).args(arguments).output().ok()?;
                let text = String::from_utf8(output.stdout).ok()?;
                output.status.success().then(|| text.trim().to_owned())
            };
            let Some(version) = ask(&["--version"]) else {
                continue;
            };
            if version.split('.').next() != Some(LLVM_MAJOR) {
                continue;
            }
            let (Some(include_dir), Some(lib_dir), Some(names)) = (
                ask(&["--includedir"]),
                ask(&["--libdir"]),
                ask(&["--link-shared", "--libs"]),
            ) else {
                continue;
            };
            let libraries: Vec<String> = names
                .split_whitespace()
                .filter_map(|name| name.strip_prefix("-l").map(str::to_owned))
                .collect();
            return Ok(Self {
                include_dir,
                lib_dir,
                libraries,
            });
        }
        Err(format!(
            "LLVM {LLVM_MAJOR} was not found (tried {}): apt-get install llvm-{LLVM_MAJOR}-dev, \
             or point LLVM_CONFIG at its llvm-config",
            candidates.join(", ")
        ))
    }
}

/// Compiles WAMR's loader and compiler and this crate's C and C++.
///
/// Definitions decide which wasm the loader takes, and the layout of the runtime's
/// structures. They must be the runtime's, so they come from the lists that the
/// runtime is built from.
fn compile(wamr: &Path, lists: &Path, llvm: &Llvm) -> Vec<PathBuf> {
    let core = wamr.join("core");
    let compilation = core.join("iwasm/compilation");

    let mut c: Vec<PathBuf> = ["sources.txt", "linux.txt"]
        .iter()
        .flat_map(|name| list(&lists.join(name)))
        .filter(|source| source != RUNTIME_ONLY)
        .map(|source| core.join(source))
        .collect();
    c.extend(COMPILER_ONLY.map(|source| core.join(source)));
    c.extend(sources(&compilation, "c"));
    c.extend(sources(&compilation.join("simd"), "c"));
    let mut cpp = sources(&compilation, "cpp");
    // src/c/optimise.cpp replaces it.
    cpp.retain(|path| !path.ends_with("aot_llvm_extra.cpp"));
    c.extend(sources("src/c".as_ref(), "c"));
    cpp.extend(sources("src/c".as_ref(), "cpp"));

    let mut build = cc::Build::new();
    // Fixed: the compiler's own speed matters in every profile. WAMR reads one
    // and the same memory through pointers of many types.
    build
        .opt_level(2)
        .debug(false)
        .warnings(false)
        .pic(true)
        .flag("-fno-strict-aliasing");
    build.include("src/c").include(&llvm.include_dir);
    for include in list(&lists.join("includes.txt")) {
        build.include(core.join(include));
    }
    build
        .include(core.join("shared/platform/linux"))
        .include(compilation);
    for define in list(&lists.join("defines.txt")) {
        let (name, value) = define.split_once('=').unwrap_or((&define, "1"));
        let value = if name == "WASM_ENABLE_FAST_INTERP" {
            "0"
        } else {
            value
        };
        build.define(name, value);
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it");
    build.define(
        match arch.as_str() {
            "x86_64" => "BUILD_TARGET_X86_64",
            "aarch64" => "BUILD_TARGET_AARCH64",
            _ => "BUILD_TARGET_X86_32",
        },
        None,
    );
    for (name, value) in [
        ("WASM_ENABLE_WAMR_COMPILER", "1"),
        ("WASM_ENABLE_TAIL_CALL", "1"),
        ("BH_VPRINTF", "ocre_aot_discard"),
        ("BH_PLATFORM_LINUX", "1"),
        ("WASM_HAVE_MREMAP", "1"),
        ("_GNU_SOURCE", "1"),
        ("__STDC_CONSTANT_MACROS", "1"),
        ("__STDC_FORMAT_MACROS", "1"),
        ("__STDC_LIMIT_MACROS", "1"),
    ] {
        build.define(name, value);
    }
    let mut objects = build.clone().files(&c).std("gnu99").compile_intermediates();
    build
        .cpp(true)
        .files(&cpp)
        .std("c++17")
        .flag("-fno-rtti")
        .flag("-fno-exceptions");
    objects.extend(build.compile_intermediates());
    objects
}

/// Lines of one of the runtime's lists, without comments.
fn list(path: &Path) -> Vec<String> {
    println!("cargo::rerun-if-changed={}", path.display());
    std::fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// Files of `folder` with that extension, in a fixed order.
fn sources(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(
        status.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?}: {status:?}"
    );
}
