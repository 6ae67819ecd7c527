// SPDX-License-Identifier: Apache-2.0
//! Messages about mistakes of users: the sentence, the code, and a hint that helps.

mod cli;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use cli::{CliFixture, ProgramOutput, done};

fn ocre(desk: &CliFixture, words: &str) -> ProgramOutput {
    desk.ocre(words.split(' '))
}

#[track_caller]
fn says(done: &ProgramOutput, code: i32, all: &[&str]) {
    assert_eq!(done.code, code, "{done:?}");
    for text in all {
        assert!(done.err.contains(text), "{text:?}: {done:?}");
    }
    assert!(!done.err.contains("panicked"), "{done:?}");
}

#[test]
fn the_first_command_on_a_new_device_says_how_to_get_an_image() {
    let ways = [
        "`ocre build --import`",
        "`ocre image pull`",
        "`ocre image import`",
    ];
    let desk = CliFixture::new();
    for command in ["run hello", "create hello"] {
        let done = ocre(&desk, command);
        says(&done, 1, &ways);
        says(
            &done,
            1,
            &[&format!("can't {command}: there is no image"), "flash.bin"],
        );
    }
    assert!(
        !desk.path("flash.bin").exists(),
        "nothing is made to find that out"
    );
    let desk = self::CliFixture::with_hello();
    says(&ocre(&desk, "run nope"), 1, &ways);
    let words = ["can't run nope: no image has this name or digest (reference-not-found"];
    says(&ocre(&desk, "run nope"), 1, &words);
    let words = ["image rm nope failed: no image has this name or digest (reference-not-found)"];
    says(&ocre(&desk, "image rm nope"), 1, &words);
}

#[test]
fn a_flash_file_that_is_not_there_is_made_only_by_what_brings_something() {
    let desk = self::CliFixture::with_hello();
    for command in [
        "ps",
        "ps -a",
        "image ls",
        "image inspect hello",
        "image rm hello",
        "image prune",
        "info",
        "inspect c",
        "rm c",
        "flash info",
        "flash ls",
        "flash ls nope.bin",
        "flash info nope.bin",
        "flash check nope.bin",
        "flash extract nope.bin hello out",
        "flash rm nope.bin /a",
    ] {
        let done = ocre(&desk, &format!("--flash nope.bin {command}"));
        says(
            &done,
            1,
            &["nope.bin", "flash-io (No such file", "`ocre flash create`"],
        );
        assert!(!desk.path("nope.bin").exists(), "{command}");
    }
    for command in ["run hello", "create hello", "image verify hello"] {
        let done = ocre(&desk, &format!("--flash nope.bin {command}"));
        assert_eq!(done.code, 1, "{command}: {done:?}");
        assert!(!desk.path("nope.bin").exists(), "{command}");
    }
    for command in [
        "image push hello oci:out",
        "image extract hello out",
        "bundle hello out",
    ] {
        let done = ocre(&desk, &format!("--flash nope.bin {command}"));
        says(
            &done,
            1,
            &[
                "there is no flash file nope.bin",
                "(reference-not-found at hello)",
            ],
        );
        assert!(!desk.path("nope.bin").exists(), "{command}");
    }
    // Help needs none.
    assert!(
        ocre(&desk, "--flash nope.bin ps --help")
            .out
            .contains("List running")
    );
    let made = ocre(&desk, "--flash new.bin image import layout");
    says(
        &made,
        0,
        &["note: made the flash file new.bin: 8388608 bytes"],
    );
    let again = ocre(&desk, "--flash new.bin image import layout");
    assert!(!again.err.contains("note:"), "{again:?}");
    let shell = desk.shell_on("shell.bin", "ps\n");
    says(&shell, 0, &["note: made the flash file shell.bin"]);
    // The folders of a path that is given are not.
    for command in ["image import layout", "shell", "ps"] {
        let done = ocre(&desk, &format!("--flash no/folder/f.bin {command}"));
        says(&done, 1, &["no/folder/f.bin"]);
        assert!(!desk.path("no").exists(), "{command}");
    }
    let mut unset = desk.command(["ps"]);
    unset
        .env("OCRE_FLASH", "")
        .env("XDG_DATA_HOME", desk.path("data"));
    says(&done(unset), 1, &["data/ocre/flash.bin", "flash-io"]);
    assert!(!desk.path("data").exists());
    let mut first = desk.command(["image", "import", "layout"]);
    first
        .env_remove("OCRE_FLASH")
        .env("XDG_DATA_HOME", desk.path("data"));
    says(&done(first), 0, &["note: made the flash file"]);
}

#[test]
fn a_flash_that_could_not_be_made_is_not_there() {
    let desk = self::CliFixture::with_hello();
    let words = "flash create --size 16K -o small.bin --image layout";
    let done = ocre(&desk, words);
    says(
        &done,
        1,
        &["(storage-full", "enlarge the flash with --size"],
    );
    assert!(!done.err.contains("image rm"), "{done:?}");
    assert!(!desk.path("small.bin").exists());
    says(&ocre(&desk, "--flash small.bin image ls"), 1, &["flash-io"]);
    assert!(!desk.path("small.bin").exists());
    let done = ocre(&desk, "flash create --size 1M -o flash.bin");
    says(
        &done,
        1,
        &["flash-io", "choose another name, or remove the file first"],
    );
}

#[test]
fn an_image_that_does_not_fit_is_told_with_sizes() {
    let desk = self::CliFixture::with_hello();
    desk.write("big", vec![7; 2 << 20]);
    desk.ok([
        "image",
        "pack",
        "--wasm",
        "hello.wasm",
        "--blob",
        "big",
        "-t",
        "big",
        "-o",
        "large",
    ]);
    desk.ok(["flash", "create", "--size", "1M", "-o", "one.bin"]);
    let done = ocre(&desk, "--flash one.bin image import large");
    says(
        &done,
        1,
        &["(storage-full)", "the flash has 1048576 bytes", "--size"],
    );
}

#[test]
fn a_full_disk_of_the_pc_is_no_reason_to_remove_images() {
    let desk = self::CliFixture::with_hello();
    // A file system of 64 KiB, where this user may mount one.
    let small = desk.path("small");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "none"])
        .arg(&small)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("no file system can be mounted here");
        return;
    }
    let packed = ocre(&desk, "image pack --wasm hello.wasm -o small/layout");
    let compiled = ocre(&desk, "aot hello.wasm --target x86_64 -o small/hello.aot");
    let manual = ocre(&desk, "man small/man");
    let left: Vec<_> = fs::read_dir(&small).unwrap().collect();
    let unmounted = Command::new("umount").arg(&small).status().unwrap();
    assert!(unmounted.success());
    says(&packed, 1, &["storage-full", "free space on this disk"]);
    assert!(!packed.err.contains("image rm"), "{packed:?}");
    says(&compiled, 1, &["No space left"]);
    says(&manual, 1, &["No space left"]);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_command_that_is_not_there_leads_to_the_one_that_is_meant() {
    let desk = CliFixture::new();
    for (typed, meant) in [
        ("pull x", Some("image pull")),
        ("image imprt x", Some("import")),
        ("image list", Some("ls")),
        ("images", Some("image ls")),
        ("container ls", Some("ps")),
        ("rnu x", Some("run")),
        ("clear", None),
        ("login", None),
    ] {
        let done = ocre(&desk, typed);
        says(&done, 2, &["error: there is no command"]);
        let question = meant.map(|meant| format!("did you mean \"{meant}\"?"));
        match question {
            Some(question) => says(&done, 2, &[&question]),
            None => assert!(!done.err.contains("did you mean"), "{done:?}"),
        }
    }
    let done = desk.shell("image pull x\n");
    says(
        &done,
        2,
        &["`image pull` is a command of the PC", "leave the shell"],
    );
    assert_eq!(desk.shell("exit 5\n").code, 5);
    assert_eq!(desk.shell("quit 0\nps\n").code, 0);
    assert!(ocre(&desk, "help device").out.contains("device gpio"));
}

#[test]
fn what_is_named_is_what_was_typed() {
    let desk = self::CliFixture::with_hello();
    let many: Vec<String> = (0..40).map(|number| number.to_string()).collect();
    let done = desk.ocre(
        ["run", "hello"]
            .into_iter()
            .chain(many.iter().map(String::as_str)),
    );
    says(
        &done,
        1,
        &[
            "can't run hello: the arguments exceed",
            "(container-arguments-too-long)",
        ],
    );
    desk.write(
        "trap.wasm",
        wat::parse_str(
            r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#,
        )
        .unwrap(),
    );
    desk.ok([
        "image",
        "pack",
        "--wasm",
        "trap.wasm",
        "-t",
        "trap:1",
        "-o",
        "t",
    ]);
    desk.ok(["image", "import", "t"]);
    let done = ocre(&desk, "run trap:1");
    says(
        &done,
        134,
        &[
            "error: trap:1 trapped: reached `unreachable`",
            "(trap-unreachable)",
        ],
    );
    assert!(!done.err.contains("logs"), "{done:?}");
    let done = ocre(&desk, "wasm run trap.wasm");
    says(
        &done,
        134,
        &["error: trap.wasm trapped: reached `unreachable`"],
    );
    assert!(!done.err.contains("\n\n"), "{done:?}");
    for words in ["run trap.wasm", "create ./trap.wasm"] {
        says(
            &ocre(&desk, words),
            1,
            &["`ocre wasm run", "`ocre image pack --wasm"],
        );
    }
    let done = desk.shell("device sensor nope ambient_temp 21.5\n");
    says(
        &done,
        2,
        &["SENSOR \"nope\" is not a sensor of this device"],
    );
}

#[test]
fn a_folder_of_the_pc_is_not_mounted_in_silence() {
    let desk = self::CliFixture::with_hello();
    fs::create_dir(desk.path("dir")).unwrap();
    let here = desk.path("dir").display().to_string();
    let done = desk.ocre(["run", "-v", &format!("{here}:/host"), "hello"]);
    let note = format!("note: {here} is made as a new folder of the flash");
    says(
        &done,
        0,
        &[&note, "`ocre flash cp`", "`ocre wasm run --dir`"],
    );
    let again = desk.ocre(["run", "-v", &format!("{here}:/host:ro"), "hello"]);
    assert!(!again.err.contains("note:"), "it is there now: {again:?}");
    let done = desk.ocre(["run", "-v", "/on-the-flash:/x:rw", "hello"]);
    assert_eq!((done.code, &*done.err), (0, ""));
    let done = desk.ocre(["run", "-v", "name:/x", "hello"]);
    says(&done, 1, &["(mount-syntax)", "absolute"]);
    // Its new folder on the flash can be listed and removed.
    assert!(
        desk.ok(["flash", "ls", "flash.bin"])
            .contains("/on-the-flash/\n")
    );
    desk.ok(["flash", "rm", "flash.bin", "/on-the-flash"]);
    assert!(
        !desk
            .ok(["flash", "ls", "flash.bin"])
            .contains("on-the-flash")
    );
}

#[test]
fn files_are_brought_into_folders_and_removed() {
    let desk = self::CliFixture::with_hello();
    desk.write("a.txt", "a");
    let words = ["flash", "cp", "a.txt", "flash.bin:/shared/deep/a.txt"];
    says(
        &desk.ocre(words),
        1,
        &["storage-not-found at /shared/deep", "--parents"],
    );
    desk.ok(words.into_iter().chain(["--parents"]));
    assert!(
        desk.ok(["flash", "ls", "flash.bin", "shared"])
            .contains("1 /shared/deep/a.txt\n")
    );
    assert!(
        ocre(&desk, "--flash flash.bin flash ls")
            .out
            .contains("/shared/deep/a.txt")
    );
    assert!(
        ocre(&desk, "--flash flash.bin flash info")
            .out
            .contains("hello:latest")
    );
    says(
        &ocre(&desk, "flash rm flash.bin /shared"),
        1,
        &["storage-not-empty", "--recursive"],
    );
    let done = ocre(&desk, "flash rm -r flash.bin /shared");
    assert_eq!((done.code, &*done.out), (0, "removed 3\n"));
    for path in [
        "/",
        "/blobs",
        "/blobs/sha256",
        "/index.json",
        "/oci-layout",
        "/containers/x",
    ] {
        let done = ocre(&desk, &format!("flash rm -r flash.bin {path}"));
        says(&done, 1, &["flash-reserved at", "`ocre image rm`"]);
    }
    says(
        &ocre(&desk, "flash rm flash.bin /gone"),
        1,
        &["storage-not-found at /gone"],
    );
    says(
        &ocre(&desk, "flash rm flash.bin /../x"),
        1,
        &["storage-invalid"],
    );
    assert!(ocre(&desk, "run hello").out.starts_with("Hello"));
}

#[test]
fn names_that_command_a_terminal_are_shown_not_obeyed() {
    let desk = self::CliFixture::with_hello();
    let name = "\u{1b}[31mred\n\u{202e}\u{9b}";
    let shown = "\\u{1b}[31mred\\n\\u{202e}\\u{9b}";
    desk.write(&format!("d/{name}/x"), "x");
    desk.ok(["flash", "cp", "d", "flash.bin:/"]);
    let listed = desk.ok(["flash", "ls", "flash.bin"]);
    assert!(listed.contains(&format!("/d/{shown}/x\n")), "{listed:?}");
    assert!(
        !listed.contains('\u{1b}') && !listed.contains('\u{9b}'),
        "{listed:?}"
    );
    let inside = format!("flash.bin:/d/{name}");
    let nowhere = format!("/d/{name}/none");
    for words in [
        vec!["flash", "cp", "gone", &inside],
        vec!["flash", "ls", "flash.bin", &nowhere],
        vec!["flash", "rm", "flash.bin", &nowhere],
        vec!["run", name],
        vec!["image", "verify", name],
        vec!["image", "import", name],
        vec!["wasm", "run", name],
        vec!["create", "--name", name, "hello"],
    ] {
        let done = desk.ocre(&words);
        assert_ne!(done.code, 0, "{words:?}");
        let text = done.err.clone() + &done.out;
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{9b}'),
            "{words:?}: {done:?}"
        );
    }
    let lines = listed.lines().count();
    let json = desk.json(["flash", "ls", "flash.bin"]);
    assert_eq!(json["entries"].as_array().unwrap().len(), lines);
}

#[test]
fn the_lists_fit_a_terminal_and_short_digests_are_taken() {
    let desk = self::CliFixture::with_hello();
    desk.ok(["create", "--name", "c", "hello"]);
    let listed = desk.ok(["image", "ls"]);
    assert!(listed.lines().all(|line| line.len() <= 80), "{listed}");
    assert!(
        listed.contains("NAME") && listed.contains("hello:latest"),
        "{listed}"
    );
    let containers = desk.ok(["ps", "-a"]);
    assert!(
        containers.lines().all(|line| line.len() <= 80),
        "{containers}"
    );
    assert!(
        containers.lines().nth(1).unwrap().ends_with(" hello"),
        "{containers}"
    );
    let digest = desk.json(["image", "ls"])["images"][0]["digest"].clone();
    let digest = digest.as_str().unwrap();
    for short in [&digest[..19], &digest[7..19], &digest[7..14], digest] {
        assert!(desk.ok(["run", short]).starts_with("Hello"), "{short}");
        assert!(
            desk.ok(["image", "verify", short]).contains("verdict: ok"),
            "{short}"
        );
        desk.json(["image", "inspect", short]);
    }
    says(
        &desk.ocre(["run", "0000000"]),
        1,
        &["can't run 0000000", "reference-not-found"],
    );
    desk.ok(["create", "--name", "d", &digest[..19]]);
    let containers = desk.ok(["ps", "-a"]);
    assert!(containers.contains(&digest[..19]), "{containers}");
}

#[test]
fn projects_are_named_as_cargo_takes_them() {
    let desk = CliFixture::new();
    assert!(
        desk.ok(["new", "c", "here"])
            .contains("ocre build --import here && ocre run here")
    );
    fs::create_dir(desk.path("dir")).unwrap();
    let made = desk.ok(["new", "c", "dir/inner"]);
    assert!(
        made.contains("ocre build --import dir/inner && ocre run inner"),
        "{made}"
    );
    fs::create_dir(desk.path("dir/inner/src")).unwrap();
    for named in ["dir/inner", "dir/inner/Ocrefile.toml", "dir/inner/src"] {
        let built = desk.ok(["build", named]);
        assert!(
            built.contains("packed inner:latest into"),
            "{named}: {built}"
        );
    }
    let mut inside = desk.command(["build"]);
    inside.current_dir(desk.path("dir/inner/src"));
    assert_eq!(done(inside).code, 0);
    let mut inside = desk.command(["build", "Ocrefile.toml"]);
    inside.current_dir(desk.path("dir/inner"));
    assert_eq!(done(inside).code, 0);
    desk.write("dir/inner/main.c", "int main(void) { return x; }\n");
    let done = desk.ocre(["build", "dir/inner"]);
    says(
        &done,
        1,
        &[
            "use of undeclared identifier",
            "hint: correct the errors that the compiler reports\n",
        ],
    );
}

#[test]
fn values_may_have_the_units_that_people_write() {
    let desk = self::CliFixture::with_hello();
    for (option, value) in [
        ("--memory", "2MB"),
        ("--memory", "2MiB"),
        ("--memory", "2048K"),
        ("--timeout", "500ms"),
        ("--timeout", "20s"),
        ("--timeout", "1h"),
        ("--timeout", "0.5m"),
    ] {
        let done = desk.ocre(["run", option, value, "hello"]);
        assert_eq!(done.code, 0, "{option} {value}: {done:?}");
        let done = desk.ocre(["wasm", "run", option, value, "hello.wasm"]);
        assert_eq!(done.code, 0, "{option} {value}: {done:?}");
    }
    for (option, value) in [
        ("--memory", "2X"),
        ("--memory", "B"),
        ("--timeout", "m"),
        ("--timeout", "1d"),
    ] {
        says(
            &desk.ocre(["run", option, value, "hello"]),
            2,
            &[option, value],
        );
    }
    desk.write(
        "loop.wasm",
        wat::parse_str(
            r#"(module (memory (export "memory") 1) (func (export "_start") (loop $l (br $l))))"#,
        )
        .unwrap(),
    );
    let done = desk.ocre(["wasm", "run", "--timeout", "200ms", "loop.wasm"]);
    says(
        &done,
        137,
        &["loop.wasm was killed", "time-limit", "--timeout"],
    );
}

#[test]
fn completion_and_colours_do_as_they_are_told() {
    let desk = CliFixture::new();
    let done = ocre(&desk, "completion");
    assert!(!done.err.contains("--flash"), "{done:?}");
    for words in [
        "--color never --bogus",
        "--color=never --bogus",
        "--bogus --color never",
    ] {
        let done = ocre(&desk, words);
        assert!(!done.err.contains('\u{1b}'), "{done:?}");
    }
    assert!(ocre(&desk, "--color always --bogus").err.contains('\u{1b}'));
}

#[test]
fn a_folder_is_given_under_its_own_name() {
    let desk = self::CliFixture::with_hello();
    desk.write("folder/file.txt", "in it\n");
    let done = ocre(
        &desk,
        "wasm run --dir folder hello.wasm --read folder/file.txt",
    );
    assert!(done.out.contains("in it"), "{done:?}");
    let done = ocre(
        &desk,
        "wasm run --dir . hello.wasm --read ./folder/file.txt",
    );
    assert!(done.out.contains("in it"), "{done:?}");
}

#[test]
fn what_is_interrupted_is_not_called_a_failure() {
    let desk = self::CliFixture::with_hello();
    desk.write(
        "loop.wasm",
        wat::parse_str(
            r#"(module
              (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\10\00\00\00\02\00\00\00")
              (data (i32.const 16) "y\n")
              (func (export "_start")
                (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                (loop $l (br $l))))"#,
        )
        .unwrap(),
    );
    desk.ok([
        "image",
        "pack",
        "--wasm",
        "loop.wasm",
        "-t",
        "loop",
        "-o",
        "l",
    ]);
    desk.ok(["image", "import", "l"]);
    let mut command = desk.command(["run", "loop"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 2];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    interrupt(child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(137), "{output:?}");
    assert_eq!(output.stderr, b"error: loop was killed: kill\n");
    let mut command = desk.command(["shell"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"run -d --name b loop\nwait b\n").unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    assert_eq!(&first, b"b\n");
    // The wait has begun soon; an interrupt before it would be forgotten.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    interrupt(child.id());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(output.stderr, b"", "{output:?}");
}

fn interrupt(process: u32) {
    let sent = Command::new("kill")
        .args(["-INT", &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}
