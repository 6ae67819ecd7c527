// SPDX-License-Identifier: Apache-2.0
//! Rollback protection of a simulated device: an image that is older than one of its name that has
//! worked does not run again.

mod cli;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use cli::{CliFixture, guest};

const KEY: &str = "--trusted-key=release.pem";

/// Fixture with a key.
fn with_key() -> CliFixture {
    let desk = CliFixture::new();
    desk.ok(["key", "new", "release.pem"]);
    fs::copy(guest("hello"), desk.path("hello.wasm")).unwrap();
    desk
}

/// Makes an image and puts it on the flash; with a sequence, signed.
fn import(desk: &CliFixture, module: &str, tag: &str, sequence: Option<&str>) {
    let layout = format!("layout.{}", tag.replace([':', '/'], "."));
    let layout = format!("{layout}.{}", sequence.unwrap_or("none"));
    let release = format!("RELEASE={}", sequence.unwrap_or("none"));
    let pack = ["image", "pack", "--wasm", module, "-t", tag, "--env"];
    desk.ok(pack.iter().copied().chain([&*release, "-o", &layout]));
    let image = format!("oci:{layout}:{tag}");
    let sign = ["image", "sign", "--key=release.pem", &image];
    match sequence {
        Some("") | None => desk.ok(sign),
        Some(number) => desk.ok(sign.iter().copied().chain(["--sequence", number])),
    };
    desk.ok([KEY, "image", "import", &format!("{layout}:{tag}")]);
}

/// Runs an image in a container that stays, and returns the code of a refusal.
fn run(desk: &CliFixture, name: &str, image: &str) -> String {
    let done = desk.ocre([KEY, "run", "--name", name, image]);
    match done.err.contains("rollback") {
        true => "rollback".to_owned(),
        false => format!("{}", done.code),
    }
}

#[test]
fn an_older_image_is_refused_once_a_newer_one_has_worked() {
    let desk = with_key();
    import(&desk, "hello.wasm", "app:1", Some("1"));
    import(&desk, "hello.wasm", "app:2", Some("2"));
    import(&desk, "hello.wasm", "app:none", None);
    import(&desk, "hello.wasm", "other:1", Some("1"));
    // Nothing has worked yet, and a container that is not kept proves nothing.
    desk.ok([KEY, "run", "app:2"]);
    assert_eq!(run(&desk, "old", "app:1"), "0");
    assert_eq!(run(&desk, "new", "app:2"), "0");
    for (name, image, result) in [
        ("a", "app:1", "rollback"),
        ("b", "app:none", "rollback"),
        ("c", "app:2", "0"),
        ("d", "other:1", "0"),
    ] {
        assert_eq!(run(&desk, name, image), result, "{image}");
    }
    // The container that was there before is no way back either.
    let said = desk.shell_with(&[KEY], "start old\n");
    assert!(said.err.contains("rollback"), "{said:?}");
    let verdict = desk.json([KEY, "image", "inspect", "app:1"]);
    assert_eq!(verdict["code"], "rollback");
    assert_eq!(verdict["at"], "signature/dev.ocre.sequence");
    let inspected = desk.json([KEY, "image", "inspect", "app:2"]);
    assert_eq!(inspected["image"]["signedBy"], "release");
    assert_eq!(inspected["image"]["sequence"], 2);
    // Another device, or another policy of this one, knows no sequences.
    desk.ok(["image", "verify", "app:1"]);
}

#[test]
fn a_removal_a_new_import_and_a_repair_are_no_way_back() {
    let desk = with_key();
    import(&desk, "hello.wasm", "app:1", Some("9"));
    assert_eq!(run(&desk, "a", "app:1"), "0");
    desk.ok([KEY, "rm", "a"]);
    desk.ok([KEY, "image", "rm", "app:1"]);
    desk.ok([KEY, "image", "prune", "--previous"]);
    desk.ok(["flash", "check", "--repair", "flash.bin"]);
    let listed = desk.ok([KEY, "image", "ls"]);
    assert!(!listed.contains("app"), "{listed}");
    let layout = "layout.app.1.8";
    let pack = [
        "image",
        "pack",
        "--wasm",
        "hello.wasm",
        "-t",
        "app:1",
        "-o",
        layout,
    ];
    desk.ok(pack);
    let sign = "image sign --key release.pem --sequence 8 oci:layout.app.1.8:app:1";
    desk.ok(sign.split(' '));
    desk.ok([KEY, "image", "import", "layout.app.1.8:app:1"]);
    assert_eq!(run(&desk, "a", "app:1"), "rollback");
    // The operator's own command, which the device logs.
    let reset = desk.ocre([KEY, "image", "reset", "app"]);
    assert_eq!(reset.out, "app: sequence 9 is reset\n", "{reset:?}");
    assert_eq!(
        desk.ok([KEY, "image", "reset", "app"]),
        "app: no sequence is recorded\n"
    );
    assert_eq!(run(&desk, "a", "app:1"), "0");
}

#[test]
fn an_update_on_trial_may_fall_back() {
    let desk = with_key();
    let fails = r#"(module (func (export "_start") unreachable))"#;
    desk.write("fails.wasm", wat::parse_str(fails).unwrap());
    import(&desk, "hello.wasm", "app:1", Some("1"));
    assert_eq!(run(&desk, "app", "app:1"), "0");
    import(&desk, "fails.wasm", "app:1", Some("2"));
    let start = || desk.shell_with(&[KEY], "start app\nwait app\nlogs app\n");
    for _ in 0..3 {
        let said = start();
        assert!(!said.out.contains("Hello"), "{said:?}");
    }
    let said = start();
    assert!(said.out.contains("Hello"), "{said:?}");
    // The next update works.
    import(&desk, "hello.wasm", "app:1", Some("3"));
    assert!(start().out.contains("Hello"));
    let inspected = desk.json([KEY, "image", "inspect", "app:1"]);
    assert_eq!(inspected["image"]["sequence"], 3);
    import(&desk, "hello.wasm", "app:2", Some("2"));
    assert_eq!(run(&desk, "second", "app:2"), "rollback");
}

/// Portable code needs no signature under that policy, but must not be older.
#[test]
fn a_container_of_portable_code_is_checked_after_a_reboot_too() {
    let desk = with_key();
    let options = &["--policy=signed-aot", KEY];
    import(&desk, "hello.wasm", "app:1", Some("1"));
    import(&desk, "hello.wasm", "app:2", Some("2"));
    for line in ["create --name old app:1", "create --name new app:2"] {
        desk.ok(options.iter().copied().chain(line.split(' ')));
    }
    let start = |name: &str| desk.shell_with(options, &format!("start {name}\nwait {name}\n"));
    for (name, is_older) in [
        ("old", false),
        ("new", false),
        ("old", true),
        ("new", false),
    ] {
        let said = start(name);
        assert_eq!(said.err.contains("rollback"), is_older, "{name}: {said:?}");
    }
}

#[test]
fn a_counter_stays_when_the_flash_file_is_made_anew() {
    let desk = with_key();
    let run = |name: &str, image: &str| {
        let options = [KEY, "--counters=element", "run", "--name", name, image];
        desk.ocre(options)
    };
    import(&desk, "hello.wasm", "app:1", Some("1"));
    import(&desk, "hello.wasm", "app:2", Some("2"));
    assert_eq!(run("a", "app:2").code, 0);
    fs::remove_file(desk.path("flash.bin")).unwrap();
    desk.ok([KEY, "image", "import", "layout.app.1.1:app:1"]);
    desk.ok([KEY, "image", "import", "layout.app.2.2:app:2"]);
    run("b", "app:1").failed(1, "rollback");
    assert_eq!(run("c", "app:2").code, 0);
    let reset = desk.ocre([KEY, "--counters=element", "image", "reset", "app"]);
    assert!(reset.err.contains("stays at 2"), "{reset:?}");
    run("d", "app:1").failed(1, "rollback");
    // A damaged counter refuses every image of its name.
    for entry in fs::read_dir(desk.path("element")).unwrap() {
        fs::write(entry.unwrap().path(), "?").unwrap();
    }
    run("e", "app:2").failed(1, "rollback");
}

/// A service is ended by a power cut, if at all: it has worked once it has run for ten seconds.
#[test]
fn a_service_that_never_ends_counts_after_a_while() {
    let desk = with_key();
    let ticks = r#"(module
        (import "wasi_snapshot_preview1" "poll_oneoff"
            (func $poll (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 256) "\08\01\00\00\05\00\00\00tick\0a")
        (func (export "_start")
            ;; A clock, relative, half a second.
            (i64.store (i32.const 24) (i64.const 500000000))
            (i32.store (i32.const 16) (i32.const 1))
            (loop $again
                (drop (call $poll (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 192)))
                (drop (call $write (i32.const 1) (i32.const 256) (i32.const 1) (i32.const 200)))
                (br $again))))"#;
    desk.write("ticks.wasm", wat::parse_str(ticks).unwrap());
    import(&desk, "ticks.wasm", "app:1", Some("1"));
    import(&desk, "ticks.wasm", "app:2", Some("2"));
    let mut child = desk
        .command([KEY, "run", "--name", "service", "app:2"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Ten seconds and a little more.
    assert_eq!(lines.take(23).filter(|line| line.is_ok()).count(), 23);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(run(&desk, "old", "app:1"), "rollback");
}
