// SPDX-License-Identifier: Apache-2.0
//! Finds WAMR's source and, with the feature `bundled`, compiles it with a C compiler alone.
//!
//! The source is the directory named by `WAMR_ROOT_DIR`, or else in the package `wamrx-sys`, pinned
//! by Cargo.lock. Crates that depend on this one find it in `DEP_WAMR_ROOT`, the folder of the
//! lists below in `DEP_WAMR_LISTS`, and, where it is built, the library in `DEP_WAMR_LIBRARY`.
//!
//! `OCRE_WAMR_SANITIZE=address` (or another value of `-fsanitize=`) instruments the C code.
//! The program must then be linked with the sanitizer's runtime, for instance with
//! `RUSTFLAGS=-Zsanitizer=address`, a nightly compiler, `CC=clang` and an explicit
//! `--target`, and run with `ASAN_OPTIONS=detect_stack_use_after_return=0`: WAMR takes the
//! address of a local for the stack pointer.

use std::env;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

const SOURCE_PACKAGE: &str = "wamrx-sys";

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    for input in ["build.rs", "shim", "wamr"] {
        println!("cargo::rerun-if-changed={input}");
    }
    for variable in ["WAMR_ROOT_DIR", "OCRE_WAMR_SANITIZE"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }

    let root = match env::var_os("WAMR_ROOT_DIR") {
        Some(root) => PathBuf::from(root),
        None => packaged_source(&here),
    };
    assert!(
        root.join("core/version.h").is_file(),
        "no WAMR source in {}: unset WAMR_ROOT_DIR, or set it to WAMR's root folder",
        root.display()
    );
    println!("cargo::metadata=root={}", root.display());
    println!("cargo::metadata=lists={}", here.join("wamr").display());

    #[cfg(feature = "bundled")]
    bundled::build(&here, &root);
}

/// Folder of the package that carries WAMR; found without the network where cargo has it.
fn packaged_source(here: &Path) -> PathBuf {
    let manifest = here.join("Cargo.toml");
    let query = |options: &[&str]| {
        MetadataCommand::new()
            .manifest_path(&manifest)
            .other_options(
                options
                    .iter()
                    .map(|option| option.to_string())
                    .collect::<Vec<_>>(),
            )
            .exec()
    };
    let metadata = query(&["--offline", "--locked"])
        .or_else(|_| query(&["--locked"]))
        .unwrap_or_else(|error| panic!("cannot ask cargo for {SOURCE_PACKAGE}: {error}"));
    let package = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == SOURCE_PACKAGE)
        .unwrap_or_else(|| panic!("{SOURCE_PACKAGE} is not in Cargo.lock"));
    package
        .manifest_path
        .parent()
        .expect("a manifest has a folder")
        .join("wasm-micro-runtime")
        .into()
}

#[cfg(feature = "bundled")]
mod bundled {
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    /// Source file that maps memory for machine code.
    const CODE_LOADER: &str = "iwasm/aot/aot_loader.c";

    pub fn build(here: &Path, root: &Path) {
        let os = env::var("CARGO_CFG_TARGET_OS").expect("set by cargo");
        assert!(
            os == "linux",
            "WAMR is compiled here for Linux only, not for {os}: the firmware's build does \
             that, with the feature `bundled` of ocre-wamr-sys off"
        );
        let lists = here.join("wamr");
        let core = root.join("core");
        let mut build = cc::Build::new();
        // The engine is optimised in debug builds too. WAMR reads one and the same memory through
        // pointers of many types.
        build
            .std("gnu99")
            .opt_level(3)
            .flag("-fno-strict-aliasing")
            .flag("-include")
            .flag(here.join("shim/ocre_wamr_safe_point.h"))
            .warnings(false);

        for define in list(&lists.join("defines.txt")) {
            match define.split_once('=') {
                Some((name, value)) => build.define(name, value),
                None => build.define(&define, None),
            };
        }
        build.define("BH_PLATFORM_LINUX", None);
        build
            .define("_GNU_SOURCE", None)
            .define("WASM_HAVE_MREMAP", "1");
        for include in list(&lists.join("includes.txt")) {
            build.include(core.join(include));
        }
        build.include(core.join("shared/platform/linux"));

        build.define("OCRE_WAMR_LIMIT", None);
        let mut sources = list(&lists.join("sources.txt"));
        sources.retain(|source| source != CODE_LOADER);
        sources.extend(list(&lists.join("linux.txt")));
        let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("set by cargo");
        let row = list(&lists.join("arch.txt"))
            .into_iter()
            .find(|row| row.split_whitespace().next() == Some(arch.as_str()))
            .unwrap_or_else(|| panic!("wamr/arch.txt has no line for {arch}"));
        let mut columns = row.split_whitespace().skip(1);
        build.define(columns.next().expect("a definition"), None);
        sources.extend(columns.take(2).map(str::to_owned));

        if let Ok(sanitizer) = env::var("OCRE_WAMR_SANITIZE") {
            build
                .flag(format!("-fsanitize={sanitizer}"))
                .flag("-fno-omit-frame-pointer");
            build.flag("-g");
        }
        // Memory mapped for code counts, see `ocre_wamr_limit.h`.
        let mut loader = build.clone();
        loader
            .define("os_mmap", "ocre_wamr_code_map")
            .define("os_munmap", "ocre_wamr_code_unmap")
            .file(core.join(CODE_LOADER));
        build.objects(loader.compile_intermediates());
        build
            .files(sources.iter().map(|source| core.join(source)))
            .include(here.join("shim"))
            .file(here.join("shim/ocre_wamr.c"))
            .file(here.join("shim/ocre_wamr_keep.c"))
            .file(here.join("shim/ocre_wamr_limit.c"));
        build.compile("ocre_wamr");
        let library = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo"));
        let library = library.join("libocre_wamr.a");
        println!("cargo::metadata=library={}", library.display());
        println!("cargo::rustc-link-lib=m");
    }

    /// The lines of one of the lists in `wamr/`, without comments.
    fn list(path: &Path) -> Vec<String> {
        fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    }
}
