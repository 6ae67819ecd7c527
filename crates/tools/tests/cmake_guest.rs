// SPDX-License-Identifier: Apache-2.0
//! The CMake function `ocre_guest()`, in a project without Zephyr.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const MALLOC: &str = "#include <stdlib.h>\n#include <string.h>\n\
    int main(void) { void *volatile all = malloc(8192); return all == NULL || malloc(1) != NULL; }\n";

/// Runs CMake on a project with these calls of the function. `None` where there is no CMake.
fn cmake(calls: &str) -> Option<(TempDir, Output)> {
    let folder = tempfile::tempdir().unwrap();
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cmake/ocre_preload.cmake");
    let project = format!(
        "cmake_minimum_required(VERSION 3.20.0)\nproject(guests NONE)\n\
         include({})\n{calls}\n\
         add_custom_target(guest ALL DEPENDS ${{CMAKE_CURRENT_BINARY_DIR}}/ocre/one.wasm)\n",
        functions.display()
    );
    fs::write(folder.path().join("CMakeLists.txt"), project).unwrap();
    fs::write(folder.path().join("main.c"), MALLOC).unwrap();
    let configured = Command::new("cmake")
        .args(["-S", ".", "-B", "build"])
        .current_dir(&folder)
        .output();
    if configured.is_err() {
        println!("not tested: no cmake");
        return None;
    }
    Some((folder, configured.unwrap()))
}

/// Builds a guest; `None` where there is no CMake.
fn build(call: &str) -> Option<Vec<u8>> {
    let (folder, configured) = cmake(call)?;
    assert!(configured.status.success(), "{configured:?}");
    let built = Command::new("cmake")
        .args(["--build", "build"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    Some(fs::read(folder.path().join("build/ocre/one.wasm")).unwrap())
}

/// Value of the exported `__heap_base`, by WAMR's rules a constant: the bytes of linear memory.
fn memory_bytes(call: &str) -> Option<u64> {
    let module = build(call)?;
    let text = String::from_utf8_lossy(&module);
    assert!(text.contains("__heap_base") && text.contains("__data_end"));
    // The globals are `i32.const` of numbers in LEB128: the largest is `__heap_base`.
    let (mut at, mut most) = (8, 0);
    let leb = |at: &mut usize| {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let byte = module[*at];
            *at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return number;
            }
        }
    };
    while at < module.len() {
        let section = module[at];
        at += 1;
        let bytes = leb(&mut at);
        let end = at + usize::try_from(bytes).unwrap();
        if section == 6 {
            for _ in 0..leb(&mut at) {
                // Type, mutability, i32.const.
                assert_eq!((module[at], module[at + 2]), (0x7f, 0x41));
                at += 3;
                most = most.max(leb(&mut at));
                assert_eq!(module[at], 0x0b);
                at += 1;
            }
        }
        at = end;
    }
    Some(most)
}

#[test]
fn a_guest_has_the_heap_that_the_project_names() {
    let Some(bytes) = memory_bytes("ocre_guest(one main.c HEAP 8K)") else {
        return;
    };
    assert!((8192..8192 + 4096).contains(&bytes), "{bytes}");
    assert_eq!(memory_bytes("ocre_guest(one main.c)"), Some(bytes));
    assert_eq!(
        memory_bytes("ocre_guest(one main.c STACK 1024 HEAP 8192)"),
        Some(bytes - 1024)
    );
    assert_eq!(
        memory_bytes("ocre_guest(one main.c HEAP 1M MEMORY 2000000)"),
        Some(bytes - 8192 + (1 << 20))
    );
}

#[test]
fn the_memory_grows_and_printf_is_full_on_request() {
    let Some(fixed) = build("ocre_guest(one main.c)") else {
        return;
    };
    let grown = build("ocre_guest(one main.c HEAP grow FULL_PRINTF)").unwrap();
    // wasi-libc's malloc.
    assert!(grown.len() > fixed.len() + 4096);
}

#[test]
fn bad_heaps_end_the_configuration() {
    for (heap, said) in [
        ("0", "0"),
        ("8k", "8k"),
        ("-1", "-1"),
        ("1025M", "1025M"),
        ("99999999999", "99999999999"),
        ("8KB", "8KB"),
        ("Grow", "Grow"),
        ("", ""),
    ] {
        let Some((_folder, done)) = cmake(&format!("ocre_guest(one main.c HEAP {heap})")) else {
            return;
        };
        assert!(!done.status.success(), "{heap}");
        let error = String::from_utf8_lossy(&done.stderr);
        let error: Vec<&str> = error.split_whitespace().collect();
        let error = error.join(" ");
        assert!(error.contains("ocre: ocre_guest(one): HEAP is 1 to 1073741824 bytes"));
        assert!(error.contains(&format!("it is \"{said}\"")), "{error}");
    }
}
