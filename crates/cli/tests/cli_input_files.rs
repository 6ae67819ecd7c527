// SPDX-License-Identifier: Apache-2.0
//! Pipes, devices and endless files in the place of each file that a command reads.

mod cli;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cli::child::ends;
use cli::{CliFixture, guest};

/// Puts each kind of special file in a place, and calls `run` to read it.
fn try_each(desk: &CliFixture, place: &str, mut run: impl FnMut(&Path, &str)) {
    let path = desk.path(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pipe = desk.path("a pipe");
    if !pipe.exists() {
        assert!(
            Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
    }
    for (target, kind) in [
        (pipe, "file-not-regular"),
        (PathBuf::from("/dev/zero"), "file-not-regular"),
        (PathBuf::from("/dev/tty"), "file-not-regular"),
    ] {
        // It may be there, or a link that leads nowhere.
        let _ = fs::remove_file(&path);
        symlink(target, &path).unwrap();
        run(&path, kind);
    }
    fs::remove_file(&path).unwrap();
    fs::File::create(&path).unwrap().set_len(1 << 42).unwrap();
    run(&path, "file-too-large");
    fs::remove_file(&path).unwrap();
}

/// Each command with a file that it reads, and the path of that file.
const READERS: [(&str, &[&str]); 12] = [
    ("b/config.json", &["run", "--bundle", "b"]),
    ("p/Ocrefile.toml", &["build", "p"]),
    ("m.wasm", &["wasm", "run", "m.wasm"]),
    (
        "m.wasm",
        &["aot", "--target", "x86_64", "m.wasm", "-o", "out.aot"],
    ),
    (
        "m.wasm",
        &["image", "pack", "--wasm", "m.wasm", "-o", "o", "-t", "a:1"],
    ),
    (
        "m.aot",
        &["image", "pack", "--aot", "m.aot", "-o", "o", "-t", "a:1"],
    ),
    (
        "l/index.json",
        &[
            "image",
            "pack",
            "--wasm",
            "good.wasm",
            "-o",
            "l",
            "-t",
            "a:1",
        ],
    ),
    (
        "l/index.json",
        &["image", "copy", "oci:good:a:1", "oci:l:a:1"],
    ),
    (
        "data",
        &[
            "image",
            "pack",
            "--wasm",
            "good.wasm",
            "--blob",
            "data",
            "-o",
            "o",
            "-t",
            "a:1",
        ],
    ),
    (
        "z/zephyr/.config",
        &["flash", "create", "--zephyr-build", "z", "-o", "f.bin"],
    ),
    (
        "z/zephyr/zephyr.dts",
        &["flash", "create", "--zephyr-build", "z", "-o", "f.bin"],
    ),
    (
        "script",
        &[
            "flash",
            "create",
            "--size",
            "512K",
            "--containers",
            "script",
            "-o",
            "f.bin",
        ],
    ),
];

#[test]
fn only_regular_files_are_read() {
    let desk = CliFixture::new();
    desk.write("good.wasm", fs::read(guest("hello-c")).unwrap());
    desk.write("l/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    fs::create_dir_all(desk.path("b/rootfs")).unwrap();
    let packing = [
        "image",
        "pack",
        "--wasm",
        "good.wasm",
        "-o",
        "good",
        "-t",
        "a:1",
    ];
    desk.ok(packing);
    for (place, arguments) in READERS {
        if place.ends_with("zephyr.dts") {
            desk.write("z/zephyr/.config", "");
        }
        try_each(&desk, place, |_, kind| {
            let ended = ends(desk.command(arguments));
            assert_eq!(ended.code, 1, "{arguments:?}: {ended:?}");
            assert!(ended.err.contains(kind), "{arguments:?}: {ended:?}");
            assert!(ended.err.contains("\nhint: "), "{arguments:?}: {ended:?}");
        });
    }
}

#[test]
fn layouts_archives_and_flash_files_are_regular_files_too() {
    let desk = CliFixture::new();
    desk.write("good.wasm", fs::read(guest("hello-c")).unwrap());
    let packing = [
        "image",
        "pack",
        "--wasm",
        "good.wasm",
        "-o",
        "l",
        "-t",
        "a:1",
    ];
    desk.ok(packing);
    let blob = fs::read_dir(desk.path("l/blobs/sha256")).unwrap();
    let blob = blob.into_iter().next().unwrap().unwrap().file_name();
    let blob = format!("l/blobs/sha256/{}", blob.to_str().unwrap());
    let read: [(&str, &[&str]); 6] = [
        ("l.tar", &["image", "verify", "l.tar"]),
        ("f.bin", &["--flash", "f.bin", "image", "ls"]),
        ("f.bin", &["flash", "ls", "f.bin"]),
        ("f.bin", &["flash", "check", "--repair", "f.bin"]),
        ("l/index.json", &["image", "verify", "l"]),
        (&blob, &["image", "verify", "l"]),
    ];
    for (place, arguments) in read {
        let content = fs::read(desk.path(place)).ok();
        try_each(&desk, place, |_, _| {
            let ended = ends(desk.command(arguments));
            assert!(
                ended.code > 0 && ended.code < 100,
                "{arguments:?}: {ended:?}"
            );
            assert!(!ended.err.contains("panicked"), "{ended:?}");
        });
        if let Some(content) = content {
            desk.write(place, content);
        }
    }
}

#[test]
fn a_line_of_a_script_has_an_end() {
    let desk = CliFixture::new();
    let mut command = desk.command(["shell"]);
    command.stdin(Stdio::from(fs::File::open("/dev/zero").unwrap()));
    ends(command).failed(1, "file-too-large");
}
