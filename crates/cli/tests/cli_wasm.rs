// SPDX-License-Identifier: Apache-2.0
//! `ocre wasm run`: a bare module over folders of the PC.

mod cli;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use cli::{CliFixture, done, guest};

fn run(desk: &CliFixture, options: &[&str], name: &str, arguments: &[&str]) -> cli::ProgramOutput {
    let mut command = desk.command(["wasm", "run"]);
    command.args(options).arg(guest(name)).args(arguments);
    done(command)
}

#[test]
fn a_module_has_its_arguments_variables_and_folders_and_the_exit_code_is_its_own() {
    let desk = CliFixture::new();
    desk.write("folder/file.txt", "what is in it\n");
    let options = ["--dir", "folder::/", "-e", "PLANET=Mars", "--env=A=b=c"];
    let arguments = ["one", "--read", "/file.txt", "--exit", "7"];
    let ran = run(&desk, &options, "hello", &arguments);
    assert_eq!(ran.code, 7, "{ran:?}");
    for line in [
        "arg: one\n",
        "env: PLANET=Mars\n",
        "env: A=b=c\n",
        "what is in it\n",
    ] {
        assert!(ran.out.contains(line), "{line:?} {ran:?}");
    }
    assert!(!desk.path("flash.bin").exists());
}

#[test]
fn the_standard_library_works_over_a_folder() {
    let desk = CliFixture::new();
    fs::create_dir(desk.path("folder")).unwrap();
    let mut command = desk.command(["wasm", "run", "--dir", "folder::/", "-e", "POSIX=1"]);
    let mut child = command
        .arg(guest("stdlib"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"1\n21\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(
        output
            .stdout
            .ends_with(b"chance: ok\n2\n42\nto stdout\nstreams: ok\n")
    );
    assert_eq!(fs::read_dir(desk.path("folder")).unwrap().count(), 0);
}

#[test]
fn no_path_leaves_the_folders() {
    let desk = CliFixture::new();
    desk.write("other/secret", "a secret");
    desk.write("a/image.txt", "");
    fs::create_dir(desk.path("b")).unwrap();
    let options = ["--dir", "b::/", "--dir", "a::/image"];
    let ran = run(&desk, &options, "hostile", &["trespass"]);
    assert_eq!(ran.out, "hostile: trespass\ntried: 320\nrefused: 320\n");
    assert_eq!(fs::read(desk.path("other/secret")).unwrap(), b"a secret");
    assert_eq!(fs::read_dir(desk.path("a")).unwrap().count(), 1);
    // Nor through a link that is there already.
    symlink(desk.path("other"), desk.path("a/link")).unwrap();
    symlink(desk.path("other/secret"), desk.path("a/file")).unwrap();
    for path in [
        "/image/link/secret",
        "/image/file",
        "/image/link/../image.txt",
    ] {
        let ran = run(&desk, &options, "hello", &["--read", path]);
        assert_ne!(ran.code, 0, "{path}: {ran:?}");
        assert!(!ran.out.contains("a secret"), "{path}: {ran:?}");
    }
}

#[test]
fn links_in_a_folder_lead_to_what_is_in_it() {
    let desk = CliFixture::new();
    desk.write("folder/in/file.txt", "what is in it\n");
    desk.write("secret", "a secret");
    for (target, link) in [
        ("in/file.txt", "to-file"),
        ("in", "to-folder"),
        ("to-folder/../to-file", "chain"),
        ("../secret", "out"),
        ("self", "self"),
    ] {
        symlink(target, desk.path("folder").join(link)).unwrap();
    }
    let options = ["--dir", "folder::/"];
    for path in ["/to-file", "/to-folder/file.txt", "/chain"] {
        let ran = run(&desk, &options, "hello", &["--read", path]);
        assert_eq!(ran.code, 0, "{path}: {ran:?}");
        assert!(ran.out.contains("what is in it\n"), "{path}: {ran:?}");
    }
    for path in ["/out", "/self", "/to-folder/../out"] {
        let ran = run(&desk, &options, "hello", &["--read", path]);
        assert_ne!(ran.code, 0, "{path}: {ran:?}");
        assert!(!ran.out.contains("a secret"), "{path}: {ran:?}");
    }
}

#[test]
fn what_is_no_module_no_folder_or_no_variable_is_refused() {
    let desk = CliFixture::new();
    desk.write("text.wasm", "no module");
    desk.write("file", "");
    desk.ocre(["wasm", "run", "text.wasm"])
        .failed(1, "layer-magic");
    desk.ocre(["wasm", "run", "none.wasm"]).failed(1, "io");
    desk.ocre(["wasm", "run"]).failed(2, "FILE.wasm");
    run(&desk, &["--dir", "none::/"], "hello", &[]).failed(1, "storage-not-found");
    run(&desk, &["--dir", "file::/"], "hello", &[]).failed(1, "storage-not-directory");
    run(&desk, &["--dir", "/"], "hello", &[]).failed(2, "HOST::GUEST");
    run(&desk, &["--dir", ".::a:b"], "hello", &[]).failed(1, "mount-syntax");
    run(&desk, &["-e", "A"], "hello", &[]).failed(1, "container-environment-syntax");
    run(&desk, &[], "hostile", &["unreachable"]).failed(134, "trap-unreachable");
}
