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
/// `passes.cpp` use its C++ interface, which changes with every release.
const LLVM_MAJOR: &str = "16";

/// Everything the rest of the program may see of the archive.
const GLOBAL_SYMBOLS: [&str; 2] = ["ocre_aot_compile", "ocre_aot_free"];

fn main() {
    println!("cargo::rustc-check-cfg=cfg(have_llvm)");
    println!("cargo::rerun-if-changed=src/c");
    println!("cargo::rerun-if-env-changed=LLVM_CONFIG");
    println!("cargo::rerun-if-env-changed=WAMR_ROOT_DIR");

    let llvm = match Llvm::find() {
        Ok(llvm) => llvm,
        Err(reason) => {
            println!("cargo::warning=the AOT compiler is left out: {reason}");
            return;
        }
    };
    let Some(wamr) = env::var_os("WAMR_ROOT_DIR").map(PathBuf::from) else {
        println!("cargo::warning=the AOT compiler is left out: WAMR_ROOT_DIR is not set");
        return;
    };
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    let objects = compile(&wamr, &llvm);
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
    // `ar` adds to an archive that is there.
    let _ = std::fs::remove_file(&archive);
    run(Command::new("ar").arg("crs").arg(&archive).arg(&closed));

    println!("cargo::rustc-cfg=have_llvm");
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=static=ocre_aot");
    println!("cargo::rustc-link-search=native={}", llvm.library_dir);
    for library in &llvm.libraries {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
    println!("cargo::rustc-link-lib=dylib=stdc++");
    println!("cargo::rustc-link-lib=dylib=m");
}

/// What `llvm-config` says.
struct Llvm {
    include_dir: String,
    library_dir: String,
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
            let (Some(include_dir), Some(library_dir), Some(names)) = (
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
                library_dir,
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
fn compile(wamr: &Path, llvm: &Llvm) -> Vec<PathBuf> {
    let core = wamr.join("core");
    let iwasm = core.join("iwasm");
    let shared = core.join("shared");
    let mut c = Vec::new();
    for folder in [
        iwasm.join("common"),
        iwasm.join("compilation"),
        iwasm.join("compilation/simd"),
        iwasm.join("libraries/thread-mgr"),
        shared.join("mem-alloc"),
        shared.join("mem-alloc/ems"),
        shared.join("utils"),
        shared.join("platform/linux"),
        shared.join("platform/common/memory"),
        shared.join("platform/common/libc-util"),
    ] {
        c.extend(sources(&folder, "c"));
    }
    c.extend(
        ["wasm_loader.c", "wasm_runtime.c", "wasm_interp_classic.c"]
            .map(|name| iwasm.join("interpreter").join(name)),
    );
    c.extend(
        [
            "aot_intrinsic.c",
            "aot_loader.c",
            "aot_runtime.c",
            "arch/aot_reloc_dummy.c",
        ]
        .map(|name| iwasm.join("aot").join(name)),
    );
    c.push(iwasm.join("common/arch/invokeNative_general.c"));
    c.extend(
        [
            "posix_blocking_op.c",
            "posix_malloc.c",
            "posix_memmap.c",
            "posix_sleep.c",
            "posix_thread.c",
            "posix_time.c",
        ]
        .map(|name| shared.join("platform/common/posix").join(name)),
    );
    c.push("src/c/shim.c".into());

    let mut cpp: Vec<PathBuf> = sources(&iwasm.join("compilation"), "cpp")
        .into_iter()
        // src/c/passes.cpp takes its place.
        .filter(|path| !path.ends_with("aot_llvm_extra.cpp"))
        .collect();
    cpp.push("src/c/passes.cpp".into());

    let mut build = cc::Build::new();
    // Fixed: the compiler's own speed matters in every profile.
    build.opt_level(2).debug(false).warnings(false).pic(true);
    build.include("src/c").include(&llvm.include_dir);
    for folder in [
        "iwasm/include",
        "iwasm/common",
        "iwasm/interpreter",
        "iwasm/aot",
        "iwasm/compilation",
        "iwasm/libraries/thread-mgr",
        "shared/include",
        "shared/utils",
        "shared/mem-alloc",
        "shared/platform/include",
        "shared/platform/linux",
        "shared/platform/common/libc-util",
    ] {
        build.include(core.join(folder));
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
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
        ("WASM_ENABLE_INTERP", "1"),
        ("WASM_ENABLE_AOT", "1"),
        ("WASM_ENABLE_THREAD_MGR", "1"),
        ("WASM_ENABLE_BULK_MEMORY", "1"),
        ("WASM_ENABLE_BULK_MEMORY_OPT", "1"),
        ("WASM_ENABLE_REF_TYPES", "1"),
        ("WASM_ENABLE_CALL_INDIRECT_OVERLONG", "1"),
        ("WASM_ENABLE_TAIL_CALL", "1"),
        ("WASM_ENABLE_EXTENDED_CONST_EXPR", "1"),
        ("WASM_ENABLE_SIMD", "1"),
        ("WASM_ENABLE_MODULE_INST_CONTEXT", "1"),
        ("WASM_DISABLE_HW_BOUND_CHECK", "1"),
        ("BH_MALLOC", "wasm_runtime_malloc"),
        ("BH_FREE", "wasm_runtime_free"),
        ("BH_VPRINTF", "ocre_aot_discard"),
        ("_GNU_SOURCE", "1"),
        ("__STDC_CONSTANT_MACROS", "1"),
        ("__STDC_FORMAT_MACROS", "1"),
        ("__STDC_LIMIT_MACROS", "1"),
    ] {
        build.define(name, value);
    }
    let mut objects = build.clone().files(&c).std("gnu11").compile_intermediates();
    objects.extend(
        build
            .cpp(true)
            .files(&cpp)
            .std("c++17")
            .flag("-fno-rtti")
            .flag("-fno-exceptions")
            .compile_intermediates(),
    );
    objects
}

/// The files of `folder` with that extension, in a fixed order.
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
