// SPDX-License-Identifier: Apache-2.0
//! Every word after a module or an image is the guest's, even one like an option.

mod cli;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use cli::{CliFixture, done};

/// Words that look like options of the program.
const WORDS: &[&[&str]] = &[
    &["--help"],
    &["-h"],
    &["--version"],
    &["-V"],
    &["-e", "A=1"],
    &["-eA=1"],
    &["--env=A=1"],
    &["--dir=/etc::/e"],
    &["--dir", "/etc::/e"],
    &["--color", "always"],
    &["--flash", "z"],
    &["--format", "json"],
    &["--format=json"],
    &["--policy", "signed-aot"],
    &["--name", "n"],
    &["--rm"],
    &["--bundle", "b"],
    &["--"],
    &["--", "--"],
    &["--", "--help"],
    &["-"],
    &["---"],
    &["-x"],
    &["--bogus"],
    &["--bogus=x"],
    &["", "a b", "é", "\t"],
    &["one", "--help", "--", "-e"],
    &["wasm", "run", "--help"],
];

/// Lines that the guest prints for its arguments.
fn printed(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("arg: {word}")).collect()
}

fn arguments(out: &str) -> Vec<String> {
    let lines = out.lines().filter(|line| line.starts_with("arg: "));
    lines.map(str::to_owned).collect()
}

#[test]
fn every_word_after_the_module_or_the_image_reaches_the_guest() {
    let desk = CliFixture::with_hello();
    for command in [
        &["wasm", "run", "hello.wasm"] as &[_],
        &["wasm", "run", "--", "hello.wasm"],
        &["wasm", "run", "-e", "X=1", "--env=Y=2", "hello.wasm"],
        &["--color", "never", "wasm", "--flash=f", "run", "hello.wasm"],
        &["run", "hello"],
        &["run", "--", "hello"],
        &["run", "-e", "X=1", "--flash", "flash.bin", "hello"],
        &["--format", "text", "run", "hello"],
    ] {
        for words in WORDS {
            let done = desk.ocre(command.iter().chain(*words));
            assert_eq!(done.code, 0, "{command:?} {words:?}: {done:?}");
            assert_eq!(
                arguments(&done.out),
                printed(words),
                "{command:?} {words:?}"
            );
            assert!(!done.out.contains("env: A=1"), "{command:?} {words:?}");
        }
    }
    assert!(!desk.path("z").exists());
}

#[test]
fn a_container_is_created_with_every_word_after_its_image() {
    let desk = CliFixture::with_hello();
    for command in [
        &["create", "--name", "c", "hello"] as &[_],
        &["create", "--name=c", "--", "hello"],
    ] {
        let step = if command.contains(&"--") { 5 } else { 1 };
        for words in WORDS.iter().step_by(step) {
            let made = desk.ocre(command.iter().chain(*words));
            assert_eq!((made.code, &*made.out), (0, "c\n"), "{words:?}: {made:?}");
            let found = desk.json(["inspect", "c"]);
            let mut expected = vec!["c"];
            expected.extend_from_slice(words);
            assert_eq!(found["arguments"], serde_json::json!(expected), "{words:?}");
            desk.ok(["rm", "c"]);
        }
    }
}

#[test]
fn the_shell_passes_them_on_too() {
    let desk = CliFixture::with_hello();
    for words in WORDS {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        let done = desk.shell(&format!("run --rm hello {}\n", quoted.join(" ")));
        assert_eq!(done.code, 0, "{words:?}: {done:?}");
        assert_eq!(arguments(&done.out), printed(words), "{words:?}");
    }
}

#[test]
fn a_word_that_is_no_text_is_refused_and_named() {
    let desk = CliFixture::with_hello();
    for command in [&["wasm", "run", "hello.wasm"] as &[_], &["run", "hello"]] {
        let mut command = desk.command(command);
        command.arg(OsStr::from_bytes(b"a\xff\x1b"));
        let done = done(command);
        done.failed(2, "is not UTF-8");
        assert!(done.err.contains("\"a\\xFF\\u{1b}\""), "{done:?}");
        assert_eq!(done.out, "");
    }
}

#[test]
fn the_words_in_front_are_the_programs() {
    let desk = CliFixture::with_hello();
    assert!(desk.ok(["wasm", "run", "--help"]).contains("--dir"));
    assert!(
        desk.ok(["wasm", "run", "--help", "hello.wasm"])
            .contains("--dir")
    );
    assert!(desk.ok(["run", "--help", "hello"]).contains("--volume"));
    desk.ocre(["wasm", "run", "--bogus", "hello.wasm"])
        .failed(2, "--bogus");
    desk.ocre(["run", "--bogus", "hello"]).failed(2, "--bogus");
    let done = desk.ocre(["wasm", "run", "-e", "A=1", "hello.wasm", "x"]);
    assert!(done.out.contains("env: A=1"), "{done:?}");
    let done = desk.ocre([
        "wasm",
        "run",
        "--timeout",
        "0.2",
        "--memory=1",
        "hello.wasm",
    ]);
    done.failed(1, "limit-memory");
}

#[test]
fn a_bundle_has_its_own_words() {
    let desk = CliFixture::with_hello();
    desk.ok(["bundle", "hello", "b"]);
    for words in [
        "run --bundle b",
        "run --bundle=b",
        "run --flash=f --bundle b",
    ] {
        let done = desk.ocre(words.split(' '));
        assert_eq!(done.code, 0, "{words}: {done:?}");
        assert!(done.out.starts_with("Hello"), "{words}: {done:?}");
    }
    for words in [
        "run --bundle b x",
        "run --bundle b --help",
        "run -e A=1 --bundle b",
    ] {
        let done = desk.ocre(words.split(' '));
        if words.ends_with("--help") {
            assert!(done.out.contains("--bundle DIR"), "{words}: {done:?}");
        } else {
            done.failed(2, "can't be used with --bundle");
        }
    }
    assert!(desk.ok(["help", "run"]).contains("--bundle DIR"));
}
