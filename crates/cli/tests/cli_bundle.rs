// SPDX-License-Identifier: Apache-2.0
//! `ocre run --bundle` and `ocre bundle`.

mod cli;

use std::fs;

use cli::{CliFixture, ProgramOutput, done, guest};
use serde_json::{Value, json};

/// A bundle with a guest as `/bin/hello`.
fn bundle(desk: &CliFixture, config: &Value) -> ProgramOutput {
    desk.write("b/rootfs/bin/hello", fs::read(guest("hello-c")).unwrap());
    run(desk, config)
}

fn run(desk: &CliFixture, config: &Value) -> ProgramOutput {
    desk.write("b/config.json", config.to_string());
    desk.ocre(["run", "--bundle", "b"])
}

fn today() -> Value {
    json!({
        "ociVersion": "1.0.2",
        "process": { "args": ["/bin/hello", "one"], "env": ["PLANET=Mars"], "cwd": "/" },
        "root": { "path": "rootfs" }
    })
}

fn early() -> Value {
    json!({
        "version": "1",
        "os": "wasip1",
        "arch": "wasm",
        "rootfs": "rootfs",
        "processes": [{ "args": ["hello", "one"], "env": ["PATH=/usr/bin:/bin", "PLANET=Mars"] }]
    })
}

/// Sets a member of a config by its JSON pointer; the member need not exist.
fn with(mut config: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    config.pointer_mut(parent).unwrap()[name] = value;
    config
}

#[test]
fn both_forms_run() {
    let desk = CliFixture::new();
    for config in [today(), early()] {
        let ran = bundle(&desk, &config);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(
            ran.out.starts_with("Hello from a C guest!\narg: one\n"),
            "{ran:?}"
        );
        assert!(ran.out.contains("env: PLANET=Mars\n"), "{ran:?}");
    }
}

#[test]
fn the_exit_code_is_the_guests_and_ends_the_row_of_processes() {
    let desk = CliFixture::new();
    let ran = bundle(
        &desk,
        &with(
            today(),
            "/process/args",
            json!(["/bin/hello", "--exit", "7"]),
        ),
    );
    assert_eq!(ran.code, 7, "{ran:?}");
    let process = |args: &[&str]| json!({ "args": args });
    let three = json!([
        process(&["/bin/hello", "first"]),
        process(&["/bin/hello", "--exit", "3"]),
        process(&["/bin/hello", "third"]),
    ]);
    let ran = bundle(&desk, &with(early(), "/processes", three));
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.out.contains("first") && !ran.out.contains("third"),
        "{ran:?}"
    );
}

#[test]
fn user_and_host_are_told_by_variables() {
    let desk = CliFixture::new();
    let config = with(today(), "/hostname", json!("moon"));
    let config = with(config, "/process/user", json!({ "uid": 5, "gid": 6 }));
    let out = bundle(&desk, &config).out;
    for line in ["env: HOSTNAME=moon\n", "env: UID=5\n", "env: GID=6\n"] {
        assert!(out.contains(line), "{out}");
    }
    let out = bundle(&desk, &with(early(), "/processes/0/user", json!("daemon"))).out;
    assert!(out.contains("env: USER=daemon\n"), "{out}");
}

/// A guest that opens `path` in the folder with descriptor `fd`. It exits with the errno of the
/// opening, else with the value that `act` leaves on the stack. `$file` is the descriptor; at 64 is
/// a buffer of 8 bytes of 0xaa, with its list at 16.
fn wat(fd: u32, path: &str, oflags: u32, rights: u32, act: &str) -> Vec<u8> {
    wat::parse_str(format!(
        r#"(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 128) "{path}")
  (data (i32.const 16) "\40\00\00\00\08\00\00\00")
  (data (i32.const 64) "\aa\aa\aa\aa\aa\aa\aa\aa")
  (func (export "_start") (local $file i32) (local $errno i32)
    (local.set $errno (call $open (i32.const {fd}) (i32.const 0) (i32.const 128) (i32.const {length})
      (i32.const {oflags}) (i64.const {rights}) (i64.const 0) (i32.const 0) (i32.const 8)))
    (if (local.get $errno) (then (call $exit (local.get $errno))))
    (local.set $file (i32.load (i32.const 8)))
    (call $exit {act})))"#,
        length = path.len(),
    ))
    .unwrap()
}

const READ: u32 = 2;
const WRITE: u32 = 64;

/// Reads: 100 plus the number of bytes, or the errno.
const HOW_MANY: &str = "(if (result i32) (local.tee $errno (call $read (local.get $file) (i32.const 16) (i32.const 1) (i32.const 32)))
      (then (local.get $errno)) (else (i32.add (i32.const 100) (i32.load (i32.const 32)))))";

/// Reads, and gives the errno plus 1 where all 8 bytes are zero.
const ZEROS: &str =
    "(i32.add (call $read (local.get $file) (i32.const 16) (i32.const 1) (i32.const 32))
      (i64.eqz (i64.load (i32.const 64))))";

/// Writes: the errno.
const WRITING: &str = "(call $write (local.get $file) (i32.const 16) (i32.const 1) (i32.const 32))";

fn device(desk: &CliFixture, config: &Value, name: &str, rights: u32, act: &str) -> ProgramOutput {
    desk.write("b/rootfs/guest", wat(4, name, 0, rights, act));
    run(desk, config)
}

#[test]
fn devices_do_what_their_names_say() {
    let desk = CliFixture::new();
    let config = with(today(), "/process/args", json!(["/guest"]));
    let code = |name, rights, act| {
        let ran = device(&desk, &config, name, rights, act);
        assert_eq!(ran.err, "", "{name}");
        ran.code
    };
    const NOSPC: i32 = 51;
    assert_eq!(code("null", READ, HOW_MANY), 100);
    assert_eq!(code("null", WRITE, WRITING), 0);
    for name in ["zero", "full"] {
        assert_eq!(code(name, READ, HOW_MANY), 108, "{name}");
        assert_eq!(code(name, READ, ZEROS), 1, "{name}");
    }
    assert_eq!(code("zero", WRITE, WRITING), 0);
    assert_eq!(code("full", WRITE, WRITING), NOSPC);
    for name in ["random", "urandom"] {
        assert_eq!(code(name, READ, HOW_MANY), 108, "{name}");
        assert_eq!(code(name, READ, ZEROS), 0, "{name}");
        assert_eq!(code(name, WRITE, WRITING), 0, "{name}");
    }
    // Standard input is at its end.
    assert_eq!(code("tty", READ, HOW_MANY), 100);
    desk.write("b/rootfs/guest", wat(4, "tty", 0, WRITE, WRITING));
    desk.write("b/config.json", config.to_string());
    let shown = desk.command(["run", "--bundle", "b"]).output().unwrap();
    assert_eq!(shown.stdout, [0xaa; 8]);
}

#[test]
fn only_devices_that_are_named_are_there_and_no_others_can_be_made() {
    let desk = CliFixture::new();
    const NOENT: i32 = 44;
    const INVAL: i32 = 28;
    let config = with(early(), "/processes/0/args", json!(["guest"]));
    let config = with(config, "/devices", json!(["null"]));
    assert_eq!(device(&desk, &config, "null", WRITE, WRITING).code, 0);
    assert_eq!(device(&desk, &config, "zero", READ, HOW_MANY).code, NOENT);
    desk.write("b/rootfs/guest", wat(4, "new", 1, WRITE, WRITING));
    assert_eq!(run(&desk, &config).code, INVAL);
}

#[test]
fn the_root_folder_can_be_changed_unless_it_is_to_be_read_only() {
    let desk = CliFixture::new();
    const ROFS: i32 = 69;
    desk.write("b/rootfs/guest", wat(3, "made", 1, WRITE, WRITING));
    let args = json!(["/guest"]);
    let config = with(today(), "/process/args", args.clone());
    assert_eq!(
        run(
            &desk,
            &with(
                config.clone(),
                "/root",
                json!({ "path": "rootfs", "readonly": true })
            )
        )
        .code,
        ROFS
    );
    let older = with(early(), "/processes/0/args", args);
    assert_eq!(
        run(&desk, &with(older, "/readonlyRootfs", json!(true))).code,
        ROFS
    );
    assert!(!desk.path("b/rootfs/made").exists());
    assert_eq!(run(&desk, &config).code, 0);
    assert_eq!(fs::read(desk.path("b/rootfs/made")).unwrap(), [0xaa; 8]);
}

#[test]
fn a_regular_folder_is_mounted() {
    let desk = CliFixture::new();
    desk.write("b/shared/text", "shared words");
    let args = json!(["/bin/hello", "--read", "/in/text"]);
    let mount = |options: Value| json!([{ "type": "bind", "source": "shared", "destination": "/in", "options": options }]);
    let config = with(today(), "/process/args", args.clone());
    let ran = bundle(
        &desk,
        &with(config, "/mounts", mount(json!(["rbind", "ro"]))),
    );
    assert!(ran.out.contains("shared words"), "{ran:?}");
    let config = with(early(), "/processes/0/args", args);
    let ran = bundle(&desk, &with(config, "/mounts", mount(json!("nosuid,ro"))));
    assert!(ran.out.contains("shared words"), "{ran:?}");
}

/// Requests that a guest can't have, with the message after the code and the place.
#[test]
fn what_a_guest_can_not_be_given_is_refused_by_name() {
    let desk = CliFixture::new();
    let refused = |config: Value, message: &str| {
        let ran = bundle(&desk, &config);
        let (_, rest) = ran
            .err
            .split_once("error: can't run the bundle b: ")
            .expect(&ran.err);
        let (first, hint) = rest.split_once("\nhint: ").expect(&ran.err);
        assert_eq!((ran.code, &*ran.out, first), (1, "", message));
        assert!(hint.len() > 5);
    };
    let changed = |config: Value, pointer: &str, value: Value, message: &str| {
        refused(with(config, pointer, value), message);
    };
    // The early form.
    changed(
        early(),
        "/cpu",
        json!(1.1),
        "bundle-cpu at cpu (NOT_ENOUGH_CPU: 1.1 CPUs, of 1 that a guest runs on)",
    );
    changed(
        early(),
        "/cpus",
        json!(2),
        "bundle-cpu at cpus (NOT_ENOUGH_CPU: 2 CPUs, of 1 that a guest runs on)",
    );
    changed(
        early(),
        "/memory",
        json!(1024),
        "bundle-memory at memory (NOT_ENOUGH_MEM: 1073741824 bytes, of 268435456 that a guest can have)",
    );
    let tty = json!({ "args": ["hello"], "tty": true });
    changed(
        early(),
        "/processes",
        json!([tty, tty]),
        "bundle-tty at processes (THERE_CAN_BE_ONLY_ONE_TTY: more than one process asks for it)",
    );
    changed(
        early(),
        "/devices",
        json!(["null", "fuse"]),
        "bundle-device at devices (unknown device: fuse)",
    );
    changed(
        early(),
        "/mounts",
        json!([{ "type": "proc", "source": "proc", "destination": "/proc", "options": "" }]),
        "bundle-file-system at mounts/0/type (unsupported file-system type: proc)",
    );
    changed(
        early(),
        "/os",
        json!("linux"),
        "bundle-os at os (wrong os: it is linux, and here is wasip1)",
    );
    changed(
        early(),
        "/arch",
        json!("amd64"),
        "bundle-architecture at arch (wrong architecture: it is amd64, and here is wasm)",
    );
    changed(
        early(),
        "/version",
        json!("2"),
        "bundle-version at version (newer or unknown version: 2)",
    );
    changed(
        early(),
        "/rootfs",
        json!("gone"),
        "bundle-root at root (no root folder: gone: No such file or directory (os error 2))",
    );
    changed(
        early(),
        "/rootfs",
        json!("../b/../.."),
        "bundle-root at root (no root folder: ../b/../..: the path leads out of the bundle)",
    );
    changed(
        early(),
        "/processes",
        json!([]),
        "bundle-process at processes (no program: there is none)",
    );
    changed(
        early(),
        "/processes/0/cwd",
        json!("/bin"),
        "bundle-cwd at processes/0/cwd (unsupported working folder: it is /bin, and every guest begins at /)",
    );
    changed(
        early(),
        "/namespaces",
        json!(["network"]),
        "bundle-unsupported at namespaces (unsupported: no guest can be given that)",
    );

    // Today's.
    let resources = |value: Value| json!({ "resources": value });
    changed(
        today(),
        "/linux",
        resources(json!({ "cpu": { "quota": 150_000, "period": 100_000 } })),
        "bundle-cpu at linux/resources/cpu (NOT_ENOUGH_CPU: 1.5 CPUs, of 1 that a guest runs on)",
    );
    changed(
        today(),
        "/linux",
        resources(json!({ "memory": { "limit": 300_000_000 } })),
        "bundle-memory at memory (NOT_ENOUGH_MEM: 300000000 bytes, of 268435456 that a guest can have)",
    );
    changed(
        today(),
        "/linux",
        json!({ "devices": [{ "path": "/dev/fuse", "type": "c", "major": 10, "minor": 229 }] }),
        "bundle-device at linux/devices (unknown device: fuse)",
    );
    changed(
        today(),
        "/mounts",
        json!([{ "destination": "/tmp", "type": "tmpfs", "source": "tmpfs" }]),
        "bundle-file-system at mounts/0/type (unsupported file-system type: tmpfs)",
    );
    changed(
        today(),
        "/mounts",
        json!([{ "destination": "/in", "type": "bind", "source": "gone" }]),
        "bundle-mount at mounts (no such mount: b/gone: storage-not-found)",
    );
    changed(
        today(),
        "/mounts",
        json!([{ "destination": "/in", "type": "bind", "source": ".", "options": ["idmap"] }]),
        "bundle-mount-option at mounts/0/options (unsupported mount option: idmap)",
    );
    changed(
        today(),
        "/mounts",
        json!([{ "destination": "/dev/x", "type": "bind", "source": "." }]),
        "bundle-mount at mounts/0/destination (no such mount: \"/dev/x\" is no place for it)",
    );
    changed(
        today(),
        "/ociVersion",
        json!("2.0.0"),
        "bundle-version at ociVersion (newer or unknown version: 2.0.0)",
    );
    changed(
        today(),
        "/ociVersion",
        json!("1.9.0"),
        "bundle-version at ociVersion (newer or unknown version: 1.9.0)",
    );
    changed(
        today(),
        "/windows",
        json!({ "layerFolders": [] }),
        "bundle-os at windows (wrong os: here is wasip1)",
    );
    changed(
        today(),
        "/platform",
        json!({ "os": "wasip1", "arch": "arm" }),
        "bundle-architecture at arch (wrong architecture: it is arm, and here is wasm)",
    );
    changed(
        today(),
        "/process/args",
        json!(["/bin/none"]),
        "bundle-process at args (no program: /bin/none is not in the root folder)",
    );
    changed(
        today(),
        "/process/rlimits",
        json!([{ "type": "RLIMIT_FSIZE", "soft": 1, "hard": 1 }]),
        "bundle-unsupported at process/rlimits (unsupported: RLIMIT_FSIZE of 1)",
    );
    changed(
        today(),
        "/linux",
        json!({ "seccomp": { "defaultAction": "SCMP_ACT_ERRNO" } }),
        "bundle-unsupported at linux/seccomp (unsupported: no guest can be given that)",
    );
    changed(
        today(),
        "/hooks",
        json!({ "prestart": [{ "path": "/bin/x" }] }),
        "bundle-unsupported at hooks (unsupported: no guest can be given that)",
    );
    changed(
        today(),
        "/process/args",
        json!("hello"),
        "bundle-syntax at process/args (wrong config.json: it is not an array)",
    );
    refused(
        json!({}),
        "bundle-syntax at config.json (wrong config.json: there is neither ociVersion nor version)",
    );
    refused(
        json!([]),
        "bundle-syntax at config.json (wrong config.json: it is not an object)",
    );
}

#[test]
fn a_limit_of_memory_holds() {
    let desk = CliFixture::new();
    let config = with(
        today(),
        "/linux",
        json!({ "resources": { "memory": { "limit": 1000 } } }),
    );
    bundle(&desk, &config).failed(1, "limit-memory");
}

#[test]
fn what_is_no_bundle_is_refused() {
    let desk = CliFixture::new();
    desk.ocre(["run", "--bundle", "none"])
        .failed(1, "io at none/config.json");
    desk.write("b/config.json", "{");
    desk.ocre(["run", "--bundle", "b"])
        .failed(1, "bundle-syntax at config.json");
}

#[test]
fn an_image_becomes_a_bundle_that_runs() {
    let desk = CliFixture::new();
    desk.write("data.txt", "some data");
    let mut command = desk.command([
        "image",
        "pack",
        "-t",
        "reader:2",
        "-o",
        "layout",
        "-e",
        "A=1",
        "--blob",
        "data.txt=text",
        "--wasm",
    ]);
    command.arg(guest("reader"));
    assert_eq!(done(command).code, 0);
    desk.ok(["image", "import", "layout"]);
    desk.ok(["bundle", "reader:2", "made"]);
    assert_eq!(
        desk.ok(["run", "--bundle", "made"]),
        desk.ok(["run", "reader:2"])
    );
    let config: Value =
        serde_json::from_slice(&fs::read(desk.path("made/config.json")).unwrap()).unwrap();
    assert_eq!(config["process"]["env"], json!(["A=1"]));
    desk.ocre(["bundle", "reader:2", "made"]).failed(1, "io");
    desk.ocre(["bundle", "none", "other"])
        .failed(1, "reference-not-found");
    assert!(!desk.path("other").exists());
}

#[test]
fn a_guest_does_not_change_the_host_unless_that_is_allowed() {
    use std::os::unix::fs::symlink;

    let desk = CliFixture::new();
    symlink("/", desk.path("all")).unwrap();
    symlink("/etc", desk.path("etc")).unwrap();
    fs::create_dir_all(desk.path("home/.ssh")).unwrap();
    fs::create_dir_all(desk.path("data")).unwrap();
    desk.write("b/rootfs/bin/hello", fs::read(guest("hello-c")).unwrap());
    let mount = |source: &str, options: Value| {
        let mount =
            json!([{ "type": "bind", "source": source, "destination": "/m", "options": options }]);
        with(today(), "/mounts", mount)
    };
    let try_with = |config: &Value, arguments: &[&str]| {
        desk.write("b/config.json", config.to_string());
        let mut command = desk.command(arguments);
        command.env("HOME", desk.path("home"));
        done(command)
    };
    let run = ["run", "--bundle", "b"];
    for source in [
        "/",
        "/etc",
        "/proc/self/root",
        "/usr",
        "../all",
        "../etc",
        "../all/etc",
        "../home",
        "../home/.ssh",
        "..",
    ] {
        let config = mount(source, json!([]));
        let refused = try_with(&config, &run);
        refused.failed(1, "bundle-host-folder at mounts");
        refused.failed(1, "--allow-host-root");
        let read_only = try_with(&mount(source, json!(["ro"])), &run);
        assert_eq!(read_only.code, 0, "{source}: {read_only:?}");
    }
    for allowed in [
        &["run", "--allow-host-root", "--bundle", "b"][..],
        &["run", "--bundle", "b", "--allow-host-root"],
        &["run", "--bundle=b", "--allow-host-root"],
    ] {
        let ran = try_with(&mount("../home", json!([])), allowed);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let ran = try_with(&mount("../data", json!([])), &run);
    assert_eq!(ran.code, 0, "{ran:?}");
    // The same for the root folder, in both forms.
    let root = |path: &str| {
        let mut config = today();
        config["root"]["path"] = json!(path);
        config
    };
    for config in [
        root("/"),
        with(early(), "/rootfs", json!("/")),
        root("/proc/self/root/etc"),
    ] {
        try_with(&config, &run).failed(1, "bundle-host-folder at root");
    }
}
