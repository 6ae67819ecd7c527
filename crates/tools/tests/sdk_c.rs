// SPDX-License-Identifier: Apache-2.0
//! Parts of the SDK for C that guests are linked with, as programs of this machine, with the
//! sanitizers for addresses and undefined behaviour.

use std::path::Path;
use std::process::Command;

/// Compiles a test in C, runs it, and returns its output.
fn run(test: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(test);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/c/tests");
    let compiled = Command::new("cc")
        .args(["-g", "-O1", "-std=c11", "-Wall", "-Wextra", "-Werror"])
        // The formats are made at run time.
        .args(["-Wno-format", "-Wno-format-security", "-D_GNU_SOURCE"])
        .args(["-fsanitize=address,undefined", "-fno-sanitize-recover=all"])
        .arg("-o")
        .arg(&program)
        .arg(sources.join(test).with_extension("c"))
        .status()
        .unwrap();
    assert!(compiled.success());
    let output = Command::new(&program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_heap_agrees_with_its_model() {
    assert_eq!(run("heap_test"), "heap: ok\n");
}

#[test]
fn the_small_printf_agrees_with_that_of_this_machine() {
    assert_eq!(run("printf_test"), "printf: ok\n");
}
