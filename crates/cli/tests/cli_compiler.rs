// SPDX-License-Identifier: Apache-2.0
//! The program `ocre-aot`, which `ocre` starts to compile: where it is looked for, and compilers
//! that are of another release, broken, or slow.

mod cli;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cli::{CliFixture, ProgramOutput, child, done};
use ocre_aot_client::protocol;

const OCRE: &str = env!("CARGO_BIN_EXE_ocre");
const COMPILER: &str = env!("CARGO_BIN_EXE_ocre-aot");

/// More time than any of these processes needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Folder with a small module, `guest.wasm`.
fn desk() -> CliFixture {
    let desk = CliFixture::new();
    let text = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    desk.write("guest.wasm", wat::parse_str(text).unwrap());
    desk
}

/// Command that compiles it.
fn aot(desk: &CliFixture) -> Command {
    desk.command("aot --target thumbv7m guest.wasm -o guest.aot".split(' '))
}

/// Compiles with another compiler, a script. The folder has no other file than before.
fn with_script(desk: &CliFixture, script: &str) -> ProgramOutput {
    desk.script("compiler", script);
    let before = names(desk);
    let mut command = aot(desk);
    command.env("OCRE_AOT", desk.path("compiler"));
    let output = child::ends(command);
    assert_eq!(names(desk), before, "{output:?}");
    output
}

fn names(desk: &CliFixture) -> Vec<String> {
    let entries = fs::read_dir(desk.path("")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Installs a copy of `ocre` alone. Another process writes it, as a script.
fn install(desk: &CliFixture, name: &str) -> PathBuf {
    let path = desk.path(name);
    let mut install = Command::new("install");
    install.args(["-D", "-m", "755", OCRE]).arg(&path);
    assert!(install.status().unwrap().success());
    path
}

/// The same command with another program.
fn of(program: &Path, command: &Command) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args()).stdin(Stdio::null());
    other.current_dir(command.get_current_dir().unwrap());
    other
}

/// Libraries that the dynamic linker loads for a program: it lists them, and runs nothing.
fn libraries(program: &str) -> String {
    let mut command = Command::new(program);
    let listed = done({
        command.arg("--version").env("LD_TRACE_LOADED_OBJECTS", "1");
        command
    });
    assert!(listed.out.contains("libc.so"), "{listed:?}");
    listed.out
}

#[test]
fn the_program_links_neither_llvm_nor_cpp() {
    let libraries = libraries(OCRE);
    for absent in ["LLVM", "stdc++"] {
        assert!(!libraries.contains(absent), "{libraries}");
    }
}

#[test]
fn the_compiler_links_llvm_unless_it_was_built_without() {
    let compiled = done(aot(&desk()));
    let built_without = compiled.err.contains("aot-no-llvm");
    assert_eq!(libraries(COMPILER).contains("LLVM"), !built_without);
}

#[test]
fn without_a_compiler_the_error_names_the_places() {
    let desk = desk();
    let program = install(&desk, "bin/ocre");
    let missing = done(of(&program, &aot(&desk)));
    missing.failed(1, "aot-no-compiler");
    let folder = fs::canonicalize(desk.path("")).unwrap();
    for place in ["bin/ocre-aot", "libexec/ocre/ocre-aot"] {
        let place = folder.join(place).display().to_string();
        assert!(missing.err.contains(&place), "{missing:?}");
    }
    assert!(missing.err.contains("OCRE_AOT"), "{missing:?}");

    let mut named = aot(&desk);
    let named = done({
        named.env("OCRE_AOT", "/no/such/compiler");
        named
    });
    named.failed(1, "aot-no-compiler");
    assert!(named.err.contains("/no/such/compiler"), "{named:?}");
    assert!(!desk.path("guest.aot").exists());

    // Everything else works.
    let version = done(of(&program, &desk.command(["--version"])));
    assert_eq!(version.code, 0, "{version:?}");
    let run = done(of(&program, &desk.command(["wasm", "run", "guest.wasm"])));
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_project_with_targets_needs_a_compiler_and_one_without_does_not() {
    let desk = CliFixture::new();
    desk.ok(["new", "c", "guest"]);
    let build = |arguments: &[&str]| {
        let mut command = desk.command(["build", "guest"].iter().chain(arguments));
        command.env("OCRE_AOT", "/no/such/compiler");
        done(command)
    };
    let portable = build(&[]);
    assert_eq!(portable.code, 0, "{portable:?}");
    build(&["--target", "thumbv7m"]).failed(1, "aot-no-compiler");
}

#[test]
fn the_compiler_may_be_in_a_folder_for_packages_and_behind_a_link() {
    let desk = desk();
    let program = install(&desk, "bin/ocre");
    fs::create_dir_all(desk.path("libexec/ocre")).unwrap();
    symlink(COMPILER, desk.path("libexec/ocre/ocre-aot")).unwrap();
    let link = desk.path("elsewhere");
    symlink(program, &link).unwrap();
    let compiled = done(of(&link, &aot(&desk)));
    assert!(
        compiled.code == 0 || compiled.err.contains("aot-no-llvm"),
        "{compiled:?}"
    );
}

#[test]
fn another_release_is_refused_by_both_programs() {
    let desk = desk();
    let other = "ocre-aot 9.9.9 for WAMR 2.4.3";
    let refused = with_script(&desk, &format!("echo '{other}'"));
    refused.failed(1, "aot-compiler-release");
    for release in [other, protocol::RELEASE] {
        assert!(refused.err.contains(release), "{refused:?}");
    }

    let mut asked = Command::new(COMPILER);
    let answer = done({
        asked
            .args([other, "a", "b", "c", "d", "e"])
            .stdin(Stdio::null());
        asked
    });
    assert_eq!(answer.code, 2, "{answer:?}");
    assert_eq!(answer.out, format!("{}\n", protocol::RELEASE));
}

#[test]
fn the_compiler_tells_users_of_the_program() {
    let mut version = Command::new(COMPILER);
    let version = done({
        version.arg("--version");
        version
    });
    assert_eq!(version.out, format!("{}\n", protocol::RELEASE));
    for arguments in [&[][..], &["guest.wasm"], &["--help"]] {
        let mut command = Command::new(COMPILER);
        let used = done({
            command.args(arguments).stdin(Stdio::null());
            command
        });
        used.failed(2, "ocre aot");
    }
}

#[test]
fn a_broken_compiler_is_an_error_with_the_reason() {
    let desk = desk();
    let release = protocol::RELEASE;
    for (script, words) in [
        ("kill -SEGV $$", "signal 11"),
        (
            "echo 'LLVM ERROR: out of luck' >&2; kill -ABRT $$",
            "LLVM ERROR: out of luck",
        ),
        ("exit 3", "exit code 3"),
        ("exit 0", "incomplete"),
        ("echo hello", "not one of a compiler"),
        ("cat /dev/zero", "not one of a compiler"),
        ("yes", "not one of a compiler"),
        (
            "exec >&-; exec yes >&2",
            "it did not end, and was killed; it printed: y",
        ),
        ("exec sleep 1000 >&-", "it did not end"),
        ("sleep 1000 & exit 4", "exit code 4"),
        (&format!("echo '{release}'"), "incomplete"),
        (
            &format!("echo '{release}'; echo compiled 9; echo short"),
            "incomplete",
        ),
        (
            &format!("echo '{release}'; echo compiled 99999999999999"),
            "not one of a compiler",
        ),
    ] {
        let failed = with_script(&desk, script);
        failed.failed(1, "aot-compiler-failed");
        assert!(failed.err.contains(words), "{script}: {failed:?}");
        assert!(failed.err.len() < 2000, "{script}");
    }
}

#[test]
fn a_file_that_is_no_program_is_an_error() {
    let desk = desk();
    let mut command = aot(&desk);
    command.env("OCRE_AOT", desk.path("guest.wasm"));
    done(command).failed(1, "can't be started");
}

#[test]
fn a_compiler_without_its_library_is_explained() {
    let desk = desk();
    let words = "ocre-aot: error while loading shared libraries: libLLVM-16.so.1: cannot open";
    let failed = with_script(&desk, &format!("echo '{words}' >&2; exit 127"));
    failed.failed(1, "aot-compiler-failed");
    assert!(failed.err.contains("libllvm16"), "{failed:?}");
}

/// Waits for a process, which must end.
#[track_caller]
fn ended(child: &mut Child) -> std::process::ExitStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < until, "it hangs");
        thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn until(mut come: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !come() {
        assert!(Instant::now() < until, "it never comes");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn ctrl_c_ends_the_program_and_closes_the_compilers_input() {
    let desk = desk();
    // As the real one: ends with its input.
    desk.script(
        "compiler",
        "echo $$ > id.part; mv id.part id; exec cat > sent",
    );
    let mut command = aot(&desk);
    command.env("OCRE_AOT", desk.path("compiler"));
    let heed_interrupts = || {
        // SAFETY: may be called in a new process before it starts a program.
        unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
        Ok(())
    };
    // A shell starts commands in the background without interrupts.
    // SAFETY: the function only calls signal().
    unsafe { command.pre_exec(heed_interrupts) };
    let mut program = command.spawn().unwrap();
    let sent = fs::metadata(desk.path("guest.wasm")).unwrap().len() + 8;
    until(|| fs::metadata(desk.path("sent")).is_ok_and(|file| file.len() == sent));
    // SAFETY: takes numbers alone; the process is not waited for yet.
    assert_eq!(unsafe { libc::kill(program.id() as i32, libc::SIGINT) }, 0);
    assert_eq!(ended(&mut program).signal(), Some(libc::SIGINT));
    let id = fs::read_to_string(desk.path("id")).unwrap();
    let process = Path::new("/proc").join(id.trim());
    // Another process may have the number by now, but not this command.
    until(|| !fs::read_to_string(process.join("comm")).is_ok_and(|name| name == "cat\n"));
    assert_eq!(
        names(&desk),
        ["compiler", "compiler.sh", "guest.wasm", "id", "sent"]
    );
}

/// Module with functions that take a compiler many seconds.
fn large_module() -> Vec<u8> {
    let step = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 31))
        (i32.load (i32.and (local.get 0) (i32.const 0xfffc)))))";
    let body = format!("(loop {} (br_if 0 (local.get 0)))", step.repeat(400));
    let function = format!("(func (export \"NAME\") (param i32) {body})");
    let functions: String = (0..200)
        .map(|number| function.replace("NAME", &number.to_string()))
        .collect();
    wat::parse_str(format!("(module (memory 1) {functions})")).unwrap()
}

#[test]
fn the_compiler_ends_with_its_input() {
    let options = ocre_aot_client::CompileOptions::new(ocre_aot_client::Target::Thumbv7m);
    let mut compiler = Command::new(COMPILER);
    child::tied(&mut compiler);
    let mut compiler = compiler
        .args(protocol::arguments(&options))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = compiler.stdin.take().unwrap();
    // The module is read to its last byte; it compiles, unless it was built without LLVM.
    protocol::write_module(&mut stdin, &large_module()).unwrap();
    stdin.flush().unwrap();
    thread::sleep(Duration::from_millis(300));
    drop(stdin);
    let status = ended(&mut compiler);
    let mut answer = Vec::new();
    compiler
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut answer)
        .unwrap();
    let answer = String::from_utf8_lossy(&answer);
    if !answer.contains("aot-no-llvm") {
        assert_eq!(status.signal(), Some(libc::SIGKILL), "{answer:.200}");
        assert_eq!(answer, format!("{}\n", protocol::RELEASE));
    }
}

#[test]
fn a_module_larger_than_a_pipe_is_compiled_to_the_same_bytes_each_time() {
    let desk = desk();
    let mut text = String::from(r#"(module (memory (export "memory") 8) (func (export "_start"))"#);
    for page in 0..8 {
        let data = "x".repeat(60_000);
        text += &format!(r#"(data (i32.const {}) "{data}")"#, page * 65536);
    }
    desk.write("guest.wasm", wat::parse_str(text + ")").unwrap());
    let mut files = Vec::new();
    for _ in 0..2 {
        let compiled = done(aot(&desk));
        if compiled.err.contains("aot-no-llvm") {
            return compiled.failed(1, "llvm-16-dev");
        }
        assert_eq!(compiled.code, 0, "{compiled:?}");
        files.push(fs::read(desk.path("guest.aot")).unwrap());
    }
    assert!(files[0].len() > 8 * 60_000);
    assert_eq!(files[0], files[1]);
}
