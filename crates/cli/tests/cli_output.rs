// SPDX-License-Identifier: Apache-2.0
//! Output that can't be written: a closed pipe, a full disk, a stream that was closed from the
//! start. The guest gets the error, and the program ends with an exit code for it.

mod cli;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use cli::{CliFixture, guest};

/// Writes a line for ever, and ignores errors.
const FOREVER: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\02\00\00\00")
  (data (i32.const 16) "y\n")
  (func (export "_start")
    (loop $again
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again))))"#;

/// Writes a line until a write fails, and exits with the errno.
const ERRNO: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\02\00\00\00")
  (data (i32.const 16) "y\n")
  (data (i32.const 32) "\40\00\00\00\03\00\00\00")
  (data (i32.const 64) "00\n")
  (func (export "_start") (local $errno i32)
    (loop $again
      (local.set $errno (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $again (i32.eqz (local.get $errno))))
    (i32.store8 (i32.const 64)
      (i32.add (i32.const 48) (i32.div_u (local.get $errno) (i32.const 10))))
    (i32.store8 (i32.const 65)
      (i32.add (i32.const 48) (i32.rem_u (local.get $errno) (i32.const 10))))
    (drop (call $write (i32.const 2) (i32.const 32) (i32.const 1) (i32.const 8)))
    (call $exit (local.get $errno))))"#;

/// Writes one line, ignores errors, and exits with 0; with `goes_on`, computes for ever instead.
fn once(goes_on: bool) -> String {
    let rest = if goes_on { "(loop $on (br $on))" } else { "" };
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\02\00\00\00")
  (data (i32.const 16) "y\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    {rest}))"#
    )
}

/// Command lines that run a module: alone, as an image, and in a bundle.
fn ways(desk: &CliFixture, wat: &str) -> Vec<Vec<String>> {
    desk.write("m.wasm", wat::parse_str(wat).unwrap());
    desk.ok([
        "image", "pack", "--wasm", "m.wasm", "-t", "m", "-o", "layout",
    ]);
    desk.ok(["image", "import", "layout"]);
    desk.ok(["bundle", "m", "bundle"]);
    ["wasm run m.wasm", "run m", "run --bundle bundle"]
        .iter()
        .map(|way| way.split(' ').map(str::to_owned).collect())
        .collect()
}

/// Runs the program with that stdout. Returns the exit code, and the text on stderr.
fn run(mut command: Command, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let child = command.stdout(stdout).stderr(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    // The test's own end of a pipe goes with this.
    drop(command);
    let mut said = String::new();
    let stderr = child.stderr.take();
    stderr.unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe without a reader.
fn closed() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn a_guest_that_writes_for_ever_ends_with_its_reader() {
    let desk = CliFixture::new();
    for way in ways(&desk, FOREVER) {
        let mut command = desk.command(&way);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut first = String::new();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        reader.read_line(&mut first).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(first, "y\n");
        assert_eq!(output.status.code(), Some(141), "{way:?}: {output:?}");
        assert_eq!(output.stderr, b"", "{way:?}");
    }
}

#[test]
fn a_guest_that_writes_for_ever_to_a_full_disk_is_ended_with_an_error() {
    let desk = CliFixture::new();
    for way in ways(&desk, FOREVER) {
        let (code, said) = run(desk.command(&way), full());
        assert_eq!(code, Some(1), "{way:?}: {said}");
        assert!(said.contains("No space left on device"), "{way:?}: {said}");
        assert_eq!(said.matches("error:").count(), 1, "{way:?}: {said}");
    }
}

#[test]
fn the_guest_learns_why_its_output_is_not_taken() {
    let desk = CliFixture::new();
    for way in ways(&desk, ERRNO) {
        let (code, said) = run(desk.command(&way), closed());
        assert_eq!((code, &*said), (Some(141), "64\n"), "{way:?}");
        let (code, said) = run(desk.command(&way), full());
        assert_eq!(code, Some(1), "{way:?}: {said}");
        assert!(
            said.starts_with("51\nerror: can't print"),
            "{way:?}: {said}"
        );
    }
}

#[test]
fn a_little_output_is_not_lost_either_though_the_guest_ends_well() {
    for goes_on in [false, true] {
        let desk = CliFixture::new();
        for way in ways(&desk, &once(goes_on)) {
            let (code, said) = run(desk.command(&way), full());
            assert_eq!(code, Some(1), "{way:?}: {said}");
            assert!(said.contains("No space left"), "{way:?}: {said}");
            let (code, said) = run(desk.command(&way), closed());
            assert_eq!((code, &*said), (Some(141), ""), "{way:?}");
        }
    }
}

/// A shell closes the stream before the program starts.
fn with_closed_stdout(desk: &CliFixture, words: &[String]) -> (Option<i32>, String) {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$@\" >&-", "sh", env!("CARGO_BIN_EXE_ocre")])
        .args(words)
        .current_dir(desk.path(""))
        .env("OCRE_FLASH", desk.path("flash.bin"))
        .stdin(Stdio::null());
    run(command, Stdio::null())
}

#[test]
fn a_stdout_that_is_closed_from_the_start_is_an_error() {
    let desk = CliFixture::new();
    for way in ways(&desk, ERRNO) {
        let (code, said) = with_closed_stdout(&desk, &way);
        assert_eq!(code, Some(1), "{way:?}: {said}");
        assert!(
            said.starts_with("29\nerror: can't print"),
            "{way:?}: {said}"
        );
    }
    for words in [
        "image ls",
        "--help",
        "--version",
        "help run",
        "completion bash",
    ] {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let (code, said) = with_closed_stdout(&desk, &words);
        assert_eq!(code, Some(1), "{words:?}: {said}");
        assert!(said.contains("error: can't print"), "{words:?}: {said}");
    }
    // A command that prints nothing needs no stdout.
    let words = ["aot", "m.wasm", "--bogus"].map(str::to_owned);
    assert_eq!(with_closed_stdout(&desk, &words).0, Some(2));
}

#[test]
fn a_stderr_that_is_closed_from_the_start_is_not_missed() {
    let desk = CliFixture::new();
    fs::copy(guest("hello"), desk.path("hello.wasm")).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$@\" 2>&-", "sh", env!("CARGO_BIN_EXE_ocre")])
        .args(["wasm", "run", "hello.wasm", "--exit", "3"])
        .current_dir(desk.path(""))
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(output.stdout.starts_with(b"Hello"), "{output:?}");
}

#[test]
fn every_command_ends_quietly_when_nobody_reads_it() {
    let desk = CliFixture::new();
    ways(&desk, FOREVER);
    for words in [
        "--help",
        "help",
        "help run",
        "run --help",
        "version",
        "--version",
        "image ls",
        "ps -a",
        "info",
        "image inspect m",
        "image verify m",
        "image verify layout",
        "flash ls flash.bin",
        "flash info flash.bin",
        "flash check flash.bin",
        "completion fish",
        "image --help",
    ] {
        let (code, said) = run(desk.command(words.split(' ')), closed());
        assert_eq!((code, &*said), (Some(141), ""), "{words}");
        let (code, said) = run(desk.command(words.split(' ')), full());
        assert_eq!(code, Some(1), "{words}: {said}");
        assert!(said.contains("No space left"), "{words}: {said}");
    }
}

#[test]
fn the_shell_ends_with_its_reader() {
    let desk = CliFixture::new();
    ways(&desk, FOREVER);
    for script in [
        "run m\nps\n",
        "run -d --name f m\nlogs -f f\n",
        "ps -a\n",
        "events -f\n",
    ] {
        let mut command = desk.command(["shell"]);
        command.stdin(File::open(desk.write("script", script)).unwrap());
        let (code, said) = run(command, closed());
        assert_eq!(code, Some(141), "{script}: {said}");
        assert!(!said.contains("panicked"), "{script}: {said}");
    }
}

#[test]
fn the_log_has_what_the_console_does_not_take() {
    let desk = CliFixture::new();
    ways(&desk, &once(false));
    let script = "run --name o m\n";
    let mut command = desk.command(["shell"]);
    command.stdin(File::open(desk.write("script", script)).unwrap());
    let (code, said) = run(command, full());
    assert_eq!(code, Some(1), "{said}");
}
