// SPDX-License-Identifier: Apache-2.0
//! Compiles littlefs and the shim in front of it, with a C compiler alone.
//!
//! The source is the directory named by `LITTLEFS_ROOT_DIR`, or else the copy in the package
//! `littlefs2-sys`, pinned by Cargo.lock.
//!
//! `OCRE_LITTLEFS_SANITIZE=address` (or another value of `-fsanitize=`) instruments the C
//! code; the program must then be linked with the sanitizer's runtime.

use std::env;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

const SOURCE_PACKAGE: &str = "littlefs2-sys";

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    for input in ["build.rs", "shim"] {
        println!("cargo::rerun-if-changed={input}");
    }
    for variable in ["LITTLEFS_ROOT_DIR", "OCRE_LITTLEFS_SANITIZE"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let root = match env::var_os("LITTLEFS_ROOT_DIR") {
        Some(root) => PathBuf::from(root),
        None => packaged_source(&here),
    };
    assert!(
        root.join("lfs.c").is_file(),
        "no littlefs source in {}: unset LITTLEFS_ROOT_DIR, or set it to littlefs's root folder",
        root.display()
    );

    let shim = here.join("shim");
    let mut build = cc::Build::new();
    // The simulated device is fast in debug builds too: power-cut sweeps remount thousands
    // of times.
    build.std("gnu11").opt_level(2).warnings(false);
    build.include(&shim).include(&root);
    // Ahead of everything, so that a failed assertion comes back as an error.
    build.flag("-include").flag("ocre_littlefs_assert.h");
    for file in ["lfs.c", "lfs_util.c"] {
        build.file(root.join(file));
    }
    build.file(shim.join("ocre_littlefs.c"));
    println!("cargo::rustc-check-cfg=cfg(address_sanitizer)");
    if let Ok(sanitizer) = env::var("OCRE_LITTLEFS_SANITIZE") {
        // Tests that bring an allocator leave it to the sanitizer.
        if sanitizer == "address" {
            println!("cargo::rustc-cfg=address_sanitizer");
        }
        build
            .flag(format!("-fsanitize={sanitizer}"))
            .flag("-fno-omit-frame-pointer")
            .flag("-g");
    }
    build.compile("ocre_littlefs");
}

/// Folder of littlefs in cargo's copy of the package; the network is used only if it is missing.
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
    let folder = package
        .manifest_path
        .parent()
        .expect("a manifest has a folder");
    folder.join("littlefs").into()
}
