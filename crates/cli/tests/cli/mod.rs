// SPDX-License-Identifier: Apache-2.0
//! The `ocre` program, as its users run it.
#![allow(dead_code)] // each test file uses a part of it

pub mod child;
pub mod encode;
pub mod registry;
pub mod signature;
pub mod tls;

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ocre_oci::Sha256;
use serde_json::Value;

/// A new folder for each test, and the program.
pub struct CliFixture {
    folder: tempfile::TempDir,
}

/// Exit code and output of a run of the program.
#[derive(Debug)]
pub struct ProgramOutput {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl CliFixture {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Fixture with the guest `hello`, which prints its arguments, as a file and as an image on the
    /// flash.
    pub fn with_hello() -> Self {
        let desk = Self::new();
        fs::copy(guest("hello"), desk.path("hello.wasm")).unwrap();
        desk.ok("image pack --wasm hello.wasm -t hello -o layout".split(' '));
        desk.ok(["image", "import", "layout"]);
        desk
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a shell script that can be run. Another process writes it: a descriptor of this
    /// one, copied by a child that another test starts, would make it a busy file.
    pub fn script(&self, name: &str, text: &str) {
        let source = self.write(&format!("{name}.sh"), format!("#!/bin/sh\n{text}\n"));
        let mut install = Command::new("install");
        install.args(["-m", "755"]).arg(source).arg(self.path(name));
        assert!(install.status().unwrap().success());
    }

    /// Command for the program in this folder, with a flash file there.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocre"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("OCRE_FLASH", self.path("flash.bin"))
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        // It ends with the test.
        child::tied(&mut command);
        command
    }

    /// Runs the program to its end.
    pub fn ocre<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> ProgramOutput {
        done(self.command(arguments))
    }

    /// Runs the program, which must succeed. Returns its output.
    pub fn ok<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let done = self.ocre(arguments);
        assert_eq!(done.code, 0, "{done:?}");
        done.out
    }

    /// The same with `--format json`. Returns the line of JSON.
    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        let mut command = self.command(["--format", "json"]);
        command.args(arguments);
        done(command).json()
    }

    /// Runs a script in `ocre shell`.
    pub fn shell(&self, script: &str) -> ProgramOutput {
        self.shell_on("flash.bin", script)
    }

    /// The same, on another flash file.
    pub fn shell_on(&self, flash: &str, script: &str) -> ProgramOutput {
        self.shell_with(&["--flash", flash], script)
    }

    /// The same, with options.
    pub fn shell_with(&self, options: &[&str], script: &str) -> ProgramOutput {
        let mut child = self
            .command(options.iter().chain(&["shell"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that refuses its flash file does not wait for the script.
        let _ = stdin.write_all(script.as_bytes());
        drop(stdin);
        output(child.wait_with_output().unwrap())
    }

    /// A layout with one manifest of that text, and those blobs.
    pub fn layout(&self, name: &str, manifest: &[u8], blobs: &[&[u8]]) -> PathBuf {
        self.write(
            &format!("{name}/oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        );
        for blob in blobs.iter().chain([&manifest]) {
            let digest = Sha256::of(blob);
            self.write(&format!("{name}/blobs/sha256/{}", digest.hex()), blob);
        }
        let index = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{}}}]}}"#,
            Sha256::of(manifest),
            manifest.len()
        );
        self.write(&format!("{name}/index.json"), index);
        self.path(name)
    }
}

impl ProgramOutput {
    /// Parses the output, which is one line of JSON.
    pub fn json(&self) -> Value {
        assert_eq!(self.out.matches('\n').count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks that the run failed with that exit code and these words.
    #[track_caller]
    pub fn failed(&self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.contains(words), "{self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
    }
}

pub fn done(mut command: Command) -> ProgramOutput {
    output(command.output().unwrap())
}

fn output(output: std::process::Output) -> ProgramOutput {
    ProgramOutput {
        code: output.status.code().expect("no signal ends it"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The Python with other tools' clients, as `cargo xtask setup` makes it.
pub fn python() -> Command {
    // The target folder is further up where a build names its target or another folder.
    let folders = Path::new(env!("CARGO_BIN_EXE_ocre")).ancestors();
    let path = folders
        .map(|folder| folder.join("clients/bin/python"))
        .find(|path| path.exists());
    Command::new(path.expect("there are no clients: run cargo xtask setup"))
}

/// A script for Node with the packages of Sigstore, as `cargo xtask setup` installs them.
pub fn node(script: &str) -> Command {
    let folders = Path::new(env!("CARGO_BIN_EXE_ocre")).ancestors();
    let folder = folders
        .map(|folder| folder.join("sigstore"))
        .find(|path| path.exists())
        .expect("there is no package of Sigstore: run cargo xtask setup");
    let mut command = Command::new("node");
    command.arg(script).env("PACKAGES", folder);
    command
}

/// A sample guest, as `cargo xtask guests` builds them.
pub fn guest(name: &str) -> PathBuf {
    let folder = match std::env::var_os("OCRE_GUESTS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/guests"),
    };
    let path = folder.join(name).with_extension("wasm");
    assert!(path.exists(), "{}: run cargo xtask guests", path.display());
    path
}
