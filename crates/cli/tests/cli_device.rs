// SPDX-License-Identifier: Apache-2.0
//! The simulated device: images on the flash file, and containers of them.

mod cli;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use cli::{CliFixture, ProgramOutput, done, guest};
use serde_json::{Value, json};

/// Packs a guest and imports it under its name.
fn install(desk: &CliFixture, name: &str, more: &[&str]) {
    let mut command = desk.command(["image", "pack", "-t", name, "-o", name, "--wasm"]);
    command.arg(guest(name)).args(more);
    let packed = done(command);
    assert_eq!(packed.code, 0, "{packed:?}");
    desk.ok(["image", "import", name]);
}

/// Compiles a guest for this machine. `None`, with a note, where the program was built without the
/// compiler.
fn compiled(desk: &CliFixture, name: &str) -> Option<PathBuf> {
    let path = desk.path(&format!("{name}.aot"));
    let mut command = desk.command(["aot", "--target", std::env::consts::ARCH, "-o"]);
    command.arg(&path).arg(guest(name));
    let compiled = done(command);
    if compiled.err.contains("aot-no-llvm") {
        compiled.failed(1, "llvm-16-dev");
        return None;
    }
    assert_eq!(compiled.code, 0, "{compiled:?}");
    Some(path)
}

// ---------------------------------------------------------------- images

#[test]
fn an_image_goes_from_files_to_a_run_and_away_again() {
    let desk = CliFixture::new();
    desk.write("data.txt", "some data");
    install(
        &desk,
        "reader",
        &["--blob", "data.txt=text", "--env", "A=1"],
    );

    let images = desk.json(["image", "ls"]);
    assert_eq!(images["images"][0]["name"], "reader:latest");
    let digest = images["images"][0]["digest"].as_str().unwrap().to_owned();
    assert!(desk.ok(["image", "ls"]).contains(&digest[..19]));

    let inspected = desk.json(["image", "inspect", "reader"]);
    assert_eq!(inspected["digest"], digest);
    assert_eq!(inspected["verdict"], "ok");
    assert_eq!(inspected["image"]["environment"], json!(["A=1"]));
    assert_eq!(inspected["image"]["blobs"][0]["title"], "text");
    assert_eq!(inspected["layers"].as_array().unwrap().len(), 2);

    let ran = desk.ocre(["run", "reader"]);
    assert_eq!(
        (ran.code, &*ran.out),
        (0, "text: 9 bytes, crc32 d9c2e91e\n"),
        "{ran:?}"
    );
    let by_digest = desk.ok(["run", &format!("reader@{digest}")]);
    assert_eq!(by_digest, ran.out);
    assert_eq!(desk.ok(["run", &digest]), ran.out);

    let freed = desk.ok(["image", "rm", "reader"]);
    assert!(freed.starts_with("freed 4 blobs, "), "{freed}");
    assert_eq!(desk.json(["image", "ls"]), json!({ "images": [] }));
    assert_eq!(desk.ok(["image", "prune"]), "freed 0 blobs, 0 bytes\n");
    desk.ocre(["run", "reader"]).failed(1, "index-empty");
}

#[test]
fn an_image_that_is_refused_is_not_imported() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let before = desk.json(["image", "ls"]);
    let wasm = fs::read(guest("hello-c")).unwrap();
    let blob = format!("hello-c/blobs/sha256/{}", ocre_oci::Sha256::of(&wasm).hex());
    let mut damaged = wasm.clone();
    damaged[5000] ^= 0x10;
    desk.write(&blob, damaged);
    desk.ocre(["image", "import", "hello-c", "other"])
        .failed(1, "digest-mismatch at manifest/layers/0");
    desk.ocre(["image", "import", "nowhere"])
        .failed(1, "layout-missing");
    desk.ocre(["image", "import", "hello-c:nix"])
        .failed(1, "reference-not-found");
    desk.ocre(["image", "import", "hello-c", "Bad"])
        .failed(2, "NAME");
    assert_eq!(desk.json(["image", "ls"]), before);
}

#[test]
fn an_image_that_only_can_not_run_here_is_kept_and_says_why() {
    let desk = CliFixture::new();
    let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[{"mediaType":"text/plain","digest":"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","size":3},{"mediaType":"application/wasm","digest":"sha256:93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476","size":8}]}"#;
    desk.layout("generic", manifest, &[b"{}", b"foo", b"\0asm\x01\0\0\0"]);
    let imported = desk.ocre(["image", "import", "generic"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.err.contains("config-unsupported"), "{imported:?}");
    let inspected = desk.json(["image", "inspect", "generic"]);
    assert_eq!(inspected["code"], "config-unsupported");
    assert_eq!(inspected["image"], Value::Null);
    assert_eq!(inspected["layers"].as_array().unwrap().len(), 2);
    desk.ocre(["run", "generic"])
        .failed(1, "config-unsupported");
    desk.ocre(["image", "verify", "generic"]);
}

#[test]
fn a_flash_without_room_says_so_and_keeps_what_it_has() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let before = desk.json(["image", "ls"]);
    // Larger than the whole flash.
    let large: Vec<u8> = (0..2_500_000_u32).flat_map(u32::to_le_bytes).collect();
    desk.write("large.bin", large);
    let mut command = desk.command([
        "image",
        "pack",
        "-o",
        "large",
        "--blob",
        "large.bin",
        "--wasm",
    ]);
    command.arg(guest("hello-c"));
    assert_eq!(done(command).code, 0);
    desk.ocre(["image", "import", "large"])
        .failed(1, "storage-full");
    assert_eq!(desk.json(["image", "ls"]), before);
    desk.ok(["run", "hello-c"]);
}

// ---------------------------------------------------------------- permissions

#[test]
fn a_guest_gets_what_its_image_asks_for_and_the_operator_grants() {
    let desk = CliFixture::new();
    let all = ["gpio", "messaging", "sensors", "timers"];
    let asked: Vec<&str> = all.iter().flat_map(|one| ["--permission", *one]).collect();
    install(&desk, "knock", &asked);
    for part in all {
        let granted = desk.ocre(["run", "--cap", part, "knock", part, "light"]);
        assert_eq!(granted.code, 0, "{part}: {granted:?}");
        assert!(!granted.out.contains(" -1\n"), "{part}: {granted:?}");
        let mut others = vec!["run"];
        for other in all.iter().filter(|other| **other != part) {
            others.extend(["--cap", other]);
        }
        others.extend(["knock", part, "light"]);
        let refused = desk.ocre(&others);
        let refusals = refused.out.matches(" -1\n").count();
        assert!(refusals >= 3, "{part}: {refused:?}");
        assert_eq!(refused.code as usize, refusals, "{part}: {refused:?}");
    }
    // A permission that the image does not ask for can't be granted.
    install(&desk, "knock", &["--permission", "timers"]);
    let timers = desk.ocre(["run", "--cap", "timers", "knock", "timers"]);
    assert_eq!(timers.code, 0, "{timers:?}");
    let pins = desk.ocre(["run", "--cap", "gpio", "knock", "gpio"]);
    assert_eq!(pins.code, 17, "{pins:?}");
}

#[test]
fn an_image_made_for_ocre_asks_by_ocres_names() {
    let desk = CliFixture::new();
    let asked = ["--permission", "filesystem", "--permission", "ocre:api"];
    install(&desk, "knock", &asked);
    assert_eq!(
        desk.json(["image", "inspect", "knock"])["image"]["permissions"],
        json!(["gpio", "messaging", "sensors", "timers"])
    );
    assert_eq!(
        desk.ocre(["run", "--cap", "timers", "knock", "timers"])
            .code,
        0
    );
    assert_eq!(
        desk.ocre(["run", "--cap", "ocre:api", "knock", "gpio"])
            .code,
        0
    );
    assert_eq!(
        desk.ocre(["run", "--cap", "networking", "knock", "gpio"])
            .code,
        17
    );
    desk.ocre(["run", "--cap", "http", "knock", "gpio"])
        .failed(2, "--cap \"http\" is not");
    let mut command = desk.command([
        "image",
        "pack",
        "-o",
        "bad",
        "--permission",
        "i2c",
        "--wasm",
    ]);
    command.arg(guest("knock"));
    done(command).failed(1, "config-permission");
}

#[test]
fn the_shell_drives_what_is_around_a_container() {
    let desk = CliFixture::new();
    let asked = ["--permission", "gpio", "--permission", "timers"];
    install(&desk, "blinky", &asked);
    let asked = ["--permission", "sensors", "--permission", "timers"];
    install(&desk, "sensor-logger", &asked);
    // Pressed as often as it takes until the guest watches, and released in between.
    let presses = "device gpio sw0 on\ndevice gpio 0.8 off\nrun --rm hello-c\n".repeat(40);
    install(&desk, "hello-c", &[]);
    let script = format!(
        "device gpio\n\
         run -d --name b --cap gpio --cap timers blinky 1000 60000\n\
         {presses}\
         wait b\nlogs b\n\
         device sensor climate temperature -5.25\ndevice sensor\n\
         run --rm --cap sensors --cap timers sensor-logger 1 1\n"
    );
    let done = desk.shell(&script);
    assert_eq!((done.code, &*done.err), (0, ""), "{done:?}");
    for expected in [
        "PIN    NAME    DIRECTION  LEVEL\n0.0    led0    off        off\n",
        "0.8    sw0     off        off\n",
        "\nb\n",
        "\n0\nsw0 pressed\n",
        "SENSOR    CHANNEL       VALUE\nclimate   temperature   -5.250000\n",
        "light     light         300.000000\n",
        "\n0.13=-5.250 0.14=101.325 0.16=40.000 1.17=300.000\n",
    ] {
        assert!(done.out.contains(expected), "{expected}: {done:?}");
    }
}

#[test]
fn what_is_around_a_device_is_told_as_json_too() {
    let desk = CliFixture::new();
    let done = desk.shell("device gpio 1.3 on\ndevice gpio --format json\n");
    let pins = &done.json()["pins"];
    assert_eq!(pins.as_array().unwrap().len(), 8);
    assert_eq!(
        pins[4],
        json!({"name": "sw0", "port": 0, "line": 8, "direction": "off", "active": false})
    );
    let done = desk.shell("device gpio sw1 on\ndevice gpio --format=json\n");
    assert_eq!(done.json()["pins"][5]["active"], true);
    let done = desk.shell("device sensor light light 0.5\ndevice sensor --format json\n");
    assert_eq!(
        done.json()["channels"][3],
        json!({"sensor": "light", "channel": "light", "value": "0.500000"})
    );
}

#[test]
fn what_is_not_around_a_device_is_bad_usage() {
    let desk = CliFixture::new();
    for (line, words) in [
        ("device", "second word"),
        ("device led", "there is no command \"led\""),
        ("device gpio sw0", "on or off is missing"),
        ("device gpio sw0 up", "level \"up\" is not on or off"),
        (
            "device gpio sw9 on",
            "PIN \"sw9\" is not a pin of this device",
        ),
        ("device gpio 2.0 on", "PIN \"2.0\" is not"),
        ("device gpio 0.256 on", "PIN \"0.256\" is not"),
        ("device gpio sw0 on on", "one argument too many"),
        ("device sensor climate", "CHANNEL is missing"),
        (
            "device sensor climate light 1",
            "CHANNEL \"light\" is not a channel",
        ),
        (
            "device sensor dark light 1",
            "SENSOR \"dark\" is not a sensor",
        ),
        (
            "device sensor light light much",
            "VALUE \"much\" is not a number",
        ),
    ] {
        desk.shell(&format!("{line}\n")).failed(2, words);
    }
    // Alone it would be about a device that is gone at once.
    desk.ocre(["device", "gpio"]).failed(2, "ocre shell");
}

// ---------------------------------------------------------------- runs

#[test]
fn a_guest_gets_its_arguments_and_environment_and_its_exit_code_is_the_programs() {
    let desk = CliFixture::new();
    for (name, greeting) in [
        ("hello", "Hello from a Rust guest!"),
        ("hello-c", "Hello from a C guest!"),
    ] {
        install(&desk, name, &["--env", "A=image", "--env", "B=image"]);
        let ran = desk.ocre([
            "run",
            "-e",
            "B=user",
            "--env=C=",
            name,
            "--exit",
            "42",
            "-e",
            "two words",
        ]);
        assert_eq!(ran.code, 42, "{ran:?}");
        let expected =
            format!("{greeting}\narg: -e\narg: two words\nenv: A=image\nenv: B=user\nenv: C=\n");
        assert_eq!(ran.out, expected, "{name}");
        assert_eq!(ran.err, "");
    }
}

#[test]
fn an_exit_code_that_does_not_fit_in_a_byte_is_no_success() {
    let desk = CliFixture::new();
    let exit = |code: &str| {
        let module = format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1)
                (func (export "_start") (call $exit (i32.const {code}))))"#
        );
        desk.write("exit.wasm", wat::parse_str(module).unwrap());
        desk.ok(["image", "pack", "--wasm", "exit.wasm", "-o", "exit"]);
        desk.ok(["image", "import", "exit"]);
        desk.ocre(["run", "exit"]).code
    };
    assert_eq!([exit("255"), exit("256"), exit("-1")], [255; 3]);
}

#[test]
fn the_times_of_each_step_are_told_when_asked_for() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let ran = desk.ocre(["run", "--timing", "hello-c"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let steps: Vec<&str> = ran.err.trim_end().split(", ").collect();
    assert_eq!(&steps[..2], ["timing: verdict ok", "code wasm"]);
    for (step, name) in steps[2..]
        .iter()
        .zip(["judge ", "read ", "load ", "start ", "run "])
    {
        let microseconds = step
            .strip_prefix(name)
            .and_then(|step| step.strip_suffix(" us"));
        assert!(microseconds.unwrap().parse::<u64>().is_ok(), "{ran:?}");
    }
    assert_eq!(steps.len(), 7);
}

/// Checks the end of a hostile guest in each way, interpreted or compiled.
fn hostile_ends(desk: &CliFixture, prefer: &str) {
    for (way, code, words) in [
        ("unreachable", 134, "trap-unreachable"),
        ("divide", 134, "trap-divide-by-zero"),
        ("overflow", 134, "trap-integer-overflow"),
        ("bounds", 134, "trap-memory-out-of-bounds"),
        ("indirect", 134, "trap-indirect-call-type"),
        ("recurse", 134, "trap-stack-overflow"),
        ("loop", 137, "time-limit"),
        ("arithmetic", 137, "time-limit"),
        ("memory", 137, "time-limit"),
        ("calls", 137, "time-limit"),
        ("host", 137, "time-limit"),
        ("print", 137, "time-limit"),
        ("sleep", 137, "time-limit"),
        ("grow", 0, ""),
        ("pointers", 0, ""),
        ("escape", 0, ""),
    ] {
        let limit = if code == 137 { "0.3" } else { "20" };
        let ran = desk.ocre([
            "run",
            "--prefer",
            prefer,
            "--timeout",
            limit,
            "hostile",
            way,
        ]);
        ran.failed(code, words);
        assert!(ran.out.starts_with(&format!("hostile: {way}\n")), "{ran:?}");
        if code == 0 {
            assert!(ran.out.contains("\nrefused "), "{ran:?}");
        }
    }
    let grown = |memory: &str| {
        let out = desk.ok([
            "run", "--prefer", prefer, "--memory", memory, "hostile", "grow",
        ]);
        out.trim_end()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    // It begins with one page of 64 KiB.
    assert_eq!((grown("128K"), grown("1M")), (1, 15));
}

#[test]
fn a_hostile_guest_is_ended_when_it_is_interpreted() {
    let desk = CliFixture::new();
    install(&desk, "hostile", &[]);
    hostile_ends(&desk, "wasm");
    desk.ocre(["run", "--memory", "1K", "hostile", "grow"])
        .failed(1, "limit-memory");
}

#[test]
fn a_hostile_guest_is_ended_when_it_is_compiled() {
    let desk = CliFixture::new();
    let Some(aot) = compiled(&desk, "hostile") else {
        return;
    };
    let mut command = desk.command(["image", "pack", "-t", "hostile", "-o", "layout", "--aot"]);
    command.arg(aot);
    assert_eq!(done(command).code, 0);
    desk.ok(["image", "import", "layout"]);
    hostile_ends(&desk, "aot");
}

#[test]
fn both_kinds_of_code_of_one_image_do_the_same() {
    let desk = CliFixture::new();
    let Some(aot) = compiled(&desk, "kernel") else {
        return;
    };
    install(&desk, "kernel", &["--aot", aot.to_str().unwrap()]);
    let run = |prefer: &str| {
        let ran = desk.ocre(["run", "--timing", "--prefer", prefer, "kernel"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.err.contains(&format!("code {prefer}")), "{ran:?}");
        ran.out
    };
    let interpreted = run("wasm");
    assert!(interpreted.starts_with("sha256 "), "{interpreted}");
    assert_eq!(run("aot"), interpreted);

    // Without a word on it the compiled code is taken, unless the policy is against it.
    let code = |policy: &[&str]| {
        let run = ["run", "--timing", "kernel", "1"];
        let ran = desk.ocre(policy.iter().chain(&run));
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.err.contains("code aot")
    };
    assert!(code(&[]));
    assert!(!code(&["--policy=signed-aot"]));
    let inspected = desk.json(["image", "inspect", "kernel"]);
    assert_eq!(inspected["manifests"].as_array().unwrap().len(), 2);
    let layer = ocre_oci::Sha256::of(&fs::read(aot).unwrap()).to_string();
    assert!(code(&["--policy=signed-aot", "--pin", &layer]));
}

#[test]
fn code_for_another_machine_is_packed_and_kept_and_not_run() {
    let desk = CliFixture::new();
    let wasm = guest("hello-c");
    let mut command = desk.command(["aot", "--target", "thumbv7m", "-o", "m3.aot"]);
    command.arg(&wasm);
    let compiled = done(command);
    if compiled.err.contains("aot-no-llvm") {
        return compiled.failed(1, "llvm-16-dev");
    }
    assert_eq!(compiled.code, 0, "{compiled:?}");
    let packed = desk.json(["image", "pack", "--aot", "m3.aot", "-t", "m3", "-o", "m3"]);
    assert_eq!(packed["manifests"][0]["architecture"], "thumbv7m");
    assert_eq!(packed["manifests"][0]["verdict"], "aot-target");
    let imported = desk.ocre(["image", "import", "m3"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.err.contains("aot-target"), "{imported:?}");
    desk.ocre(["run", "m3"]).failed(1, "aot-target");
}

#[test]
fn a_named_container_is_there_at_the_next_boot_and_others_go() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let free = || desk.json(["info"])["storage"]["freeBytes"].clone();
    desk.ok(["run", "hello-c"]);
    let before = free();
    for _ in 0..3 {
        desk.ok(["run", "hello-c"]);
    }
    assert_eq!(free(), before);

    assert_eq!(
        desk.ok(["create", "--name", "one", "hello-c", "x"]),
        "one\n"
    );
    let ended = desk.ocre(["run", "--name", "two", "hello-c", "--exit", "3"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let listed = desk.json(["ps", "-a"]);
    let states: Vec<_> = listed["containers"].as_array().unwrap().iter().collect();
    assert_eq!(states.len(), 2, "{listed}");
    assert_eq!(
        (&states[0]["name"], &states[0]["state"]),
        (&json!("one"), &json!("created"))
    );
    assert_eq!(
        (&states[1]["name"], &states[1]["exitCode"]),
        (&json!("two"), &json!(3))
    );
    assert_eq!(
        desk.json(["inspect", "one"])["arguments"],
        json!(["one", "x"])
    );
    desk.ocre(["image", "rm", "hello-c"])
        .failed(1, "image-in-use");
    desk.ocre(["run", "--name", "two", "hello-c"])
        .failed(1, "container-name-taken");
    let ended = desk.shell("start one\nwait one\nlogs one\n");
    assert_eq!(ended.out, "0\nHello from a C guest!\narg: x\n", "{ended:?}");
    desk.ok(["rm", "one"]);
    desk.ok(["rm", "two"]);
    assert_eq!(desk.json(["ps", "-a"])["containers"], json!([]));
    desk.ok(["image", "rm", "hello-c"]);
}

#[test]
fn an_interrupt_kills_the_container() {
    let desk = CliFixture::new();
    install(&desk, "hostile", &[]);
    let mut child = desk
        .command(["run", "hostile", "sleep"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "hostile: sleep\n");
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(137), "{ended:?}");
    assert!(
        String::from_utf8(ended.stderr)
            .unwrap()
            .contains("was killed: kill")
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_program_without_a_word() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let mut child = desk
        .command(["info"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(141), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

/// A shell that has answered once, and whose output has no reader any more.
fn open_shell(desk: &CliFixture) -> (Child, ChildStdin) {
    let mut child = desk
        .command(["shell"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"version\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("ocre "), "{line}");
    (child, stdin)
}

#[test]
fn what_is_followed_ends_when_its_reader_goes_away() {
    let desk = CliFixture::new();
    install(&desk, "hostile", &[]);
    let create = ["create", "--name", "p", "--timeout", "30"];
    desk.ok(create.into_iter().chain(["hostile", "print"]));
    for follow in ["logs -f p", "events -f"] {
        let (mut child, mut stdin) = open_shell(&desk);
        let script = format!("start p\n{follow}\n");
        std::io::Write::write_all(&mut stdin, script.as_bytes()).unwrap();
        // The shell's input stays open, so that it is the output that ends it.
        assert_eq!(child.wait().unwrap().code(), Some(141), "{follow}");
        drop(stdin);
    }
}

#[test]
fn limits_that_the_device_or_the_code_cannot_keep_are_refused_by_every_command() {
    let desk = CliFixture::new();
    install(&desk, "hello", &[]);
    for command in ["run", "create"] {
        for limit in ["--memory=3G", "--instructions=2147483648"] {
            desk.ocre([command, limit, "hello"])
                .failed(1, "container-limit-too-large");
        }
    }
    assert_eq!(desk.ocre(["ps", "-a"]).out.lines().count(), 1);
    let Some(aot) = compiled(&desk, "kernel") else {
        return;
    };
    let mut command = desk.command(["image", "pack", "-t", "kernel", "-o", "layout", "--aot"]);
    command.arg(aot);
    assert_eq!(done(command).code, 0);
    desk.ok(["image", "import", "layout"]);
    for command in ["run", "create"] {
        desk.ocre([command, "--instructions", "1000", "kernel"])
            .failed(1, "aot-instructions");
    }
    // With portable code beside it, that is what runs.
    install(
        &desk,
        "kernel",
        &["--aot", desk.path("kernel.aot").to_str().unwrap()],
    );
    let ran = desk.ocre([
        "run",
        "--timing",
        "--instructions=2000000000",
        "kernel",
        "1",
    ]);
    assert!(ran.err.contains("code wasm"), "{ran:?}");
}

#[test]
fn bad_usage_exits_with_2_and_says_what_is_wrong() {
    let desk = CliFixture::new();
    for (arguments, words) in [
        (&["rnu", "hello"] as &[&str], "did you mean \"run\"?"),
        (&["image", "lss"], "did you mean \"ls\"?"),
        (&["run"], "IMAGE is missing"),
        (&["run", "--bogus", "x"], "there is no option \"--bogus\""),
        (
            &["run", "--memory", "many", "x"],
            "--memory \"many\" is not bytes",
        ),
        (
            &["run", "--timeout", "-1", "x"],
            "--timeout \"-1\" is not seconds",
        ),
        (&["run", "--cap", "root", "x"], "--cap \"root\" is not gpio"),
        (
            &["run", "--prefer", "jit", "x"],
            "--prefer \"jit\" is not aot or wasm",
        ),
        (&["run", "-d", "x"], "ocre shell"),
        (&["wait", "x"], "ocre shell"),
        (&["image", "ls", "x"], "one argument too many"),
        (&["image", "rm"], "IMAGE is missing"),
        (&["image", "ls", "--format", "xml"], "--format"),
        (&["run", "--color", "pink", "x"], "--color"),
        (&["help", "nix"], "nix"),
        (&["aot", "--target", "z80", "x", "-o", "y"], "z80"),
        (
            &["aot", "--target", "x86_64", "--opt", "4", "x", "-o", "y"],
            "--opt",
        ),
    ] {
        desk.ocre(arguments).failed(2, words);
    }
    assert!(!desk.path("flash.bin").exists());
    desk.ok(["flash", "create", "--size", "1M", "-o", "flash.bin"]);
    for (arguments, code) in [
        (&["run", "Bad"] as &[&str], "reference-syntax"),
        (&["run", "x@sha256:12"], "digest-syntax"),
        (&["run", "x"], "index-empty"),
        (&["image", "inspect", "x"], "reference-not-found"),
        (
            &["aot", "--target", "x86_64", "nix.wasm", "-o", "y"],
            "nix.wasm: io",
        ),
    ] {
        desk.ocre(arguments).failed(1, code);
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused_not_cut() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let long = "x".repeat(300);
    desk.ocre(["run", "hello-c", &long])
        .failed(1, "container-arguments-too-long");
    let many = vec!["x"; 100];
    let mut command = desk.command(["run", "hello-c"]);
    command.args(many);
    done(command).failed(1, "container-arguments-too-long");
    let variable = format!("A={}", "x".repeat(600));
    desk.ocre(["run", "-e", &variable, "hello-c"])
        .failed(1, "container-environment-too-long");
    desk.ocre(["run", "-e", "A", "hello-c"])
        .failed(1, "container-environment-syntax");
    desk.ocre(["run", "--name", "Bad", "hello-c"])
        .failed(1, "container-name-syntax");
}

#[test]
fn help_names_every_command() {
    let desk = CliFixture::new();
    for arguments in [&["--help"] as &[&str], &["help"]] {
        let text = desk.ok(arguments);
        for name in ["image", "aot", "shell", "run", "image ls", "info"] {
            assert!(text.contains(&format!("  {name} ")), "{name}: {text}");
        }
    }
    assert!(desk.ok(["help", "image", "pack"]).contains("--blob"));
    assert!(desk.ok(["help", "run"]).contains("--timeout SECONDS"));
    assert_eq!(desk.ok(["run", "--help"]), desk.ok(["help", "run"]));
    assert!(desk.ok(["ps", "--help"]).contains("--all"));
    assert_eq!(desk.ok(["version"]), desk.ok(["--version"]));
}

// ---------------------------------------------------------------- flash files

#[test]
fn a_flash_file_that_can_not_be_used_is_named_and_left_alone() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let whole = fs::read(desk.path("flash.bin")).unwrap();
    let mut headless = whole.clone();
    headless[..16 * 1024].fill(0);
    for (name, content, code) in [
        ("empty", Vec::new(), "flash-empty"),
        (
            "noise",
            b"no flash at all".repeat(1000),
            "flash-no-file-system",
        ),
        ("cut", whole[..whole.len() / 2].to_vec(), "flash-size"),
        ("odd", whole[..whole.len() - 100].to_vec(), "flash-size"),
        ("headless", headless, "flash-no-file-system"),
    ] {
        let path = desk.write(name, &content);
        for arguments in [&["image", "ls"] as &[&str], &["run", "hello-c"], &["shell"]] {
            let mut command = desk.command(["--flash", name]);
            command.args(arguments);
            let ended = done(command);
            ended.failed(1, code);
            assert!(ended.err.contains("hint: "), "{ended:?}");
        }
        assert!(fs::read(path).unwrap() == content, "{name} was changed");
    }
    desk.ocre(["--flash", ".", "image", "ls"])
        .failed(1, "flash-io");
}

#[test]
fn one_process_at_a_time_uses_a_flash_file() {
    let desk = CliFixture::new();
    let (mut child, stdin) = open_shell(&desk);
    desk.ocre(["image", "ls"]).failed(1, "flash-locked");
    drop(stdin);
    assert!(child.wait().unwrap().success());
    desk.ok(["image", "ls"]);
}

/// The program reports any damage with one of its exit codes.
#[test]
fn a_flipped_bit_anywhere_on_the_flash_is_no_reason_to_panic() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let whole = fs::read(desk.path("flash.bin")).unwrap();
    let used: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0xff).collect();
    let mut seen = [0; 2];
    for nth in 0..24 {
        let at = used[used.len() / 24 * nth + nth];
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (nth % 8);
        desk.write("flipped.bin", &flipped);
        for arguments in [
            &["image", "verify", "hello-c"] as &[&str],
            &["run", "hello-c"],
        ] {
            let script = format!("{}\n", arguments.join(" "));
            let ProgramOutput { code, err, out } = desk.shell_on("flipped.bin", &script);
            assert!(code == 0 || code == 1, "byte {at}: {code} {err} {out}");
            assert!(!err.contains("panicked"), "byte {at}: {err}");
            assert!(code == 0 || (err + &out).contains("hint: "), "byte {at}");
            seen[code as usize] += 1;
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}

// ---------------------------------------------------------------- shell

#[test]
fn a_script_in_the_shell_drives_containers_through_their_lives() {
    let desk = CliFixture::new();
    install(&desk, "hostile", &[]);
    install(&desk, "hello-c", &[]);
    let ended = desk.shell(
        "# a comment, and an empty line\n\
         \n\
         run -d --name sleeper hostile sleep\n\
         ps\n\
         start sleeper\n\
         image rm hostile\n\
         rm sleeper\n\
         kill sleeper\n\
         wait sleeper\n\
         ps\n\
         ps -a\n\
         rm sleeper\n\
         ps -a\n\
         ocre create --name second -e 'A=b c' hello-c \"two words\"\n\
         wait second\n\
         start second\n\
         wait second\n\
         logs --tail 2 second\n\
         run --name third hello-c --exit 3\n\
         logs -f third\n\
         exit\n\
         ps\n",
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let row = |name: &str, state: &str, image: &str| format!("{name:32}  {state:18}  {image}\n");
    let head = row("NAME", "STATE", "IMAGE");
    let expected = [
        "sleeper\n",
        &head,
        &row("sleeper", "running", "hostile"),
        "137\n",
        &head,
        &head,
        &row("sleeper", "killed(kill)", "hostile"),
        &head,
        "second\n",
        "0\n",
        "arg: two words\nenv: A=b c\n",
        "Hello from a C guest!\n",
        "Hello from a C guest!\n",
    ];
    assert_eq!(ended.out, expected.concat());
    let codes: Vec<&str> = ended
        .err
        .lines()
        .filter_map(|line| line.strip_prefix("error: ")?.rsplit(" (").next())
        .collect();
    let expected = [
        "container-running)",
        "image-in-use)",
        "container-running)",
        "container-not-started)",
    ];
    assert_eq!(codes, expected, "{}", ended.err);
}

#[test]
fn the_shell_says_what_is_wrong_with_a_line_and_goes_on() {
    let desk = CliFixture::new();
    let ended = desk.shell("run 'x\nbogus\nversion\nrun nix\n");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(ended.out, format!("ocre {}\n", env!("CARGO_PKG_VERSION")));
    for words in [
        "a quote is not closed",
        "no command \"bogus\"",
        "index-empty",
    ] {
        assert!(ended.err.contains(words), "{ended:?}");
    }
    let many = "x ".repeat(1000);
    assert_eq!(desk.shell(&many).code, 2);
}

#[test]
fn a_container_that_runs_on_is_ended_with_the_shell() {
    let desk = CliFixture::new();
    install(&desk, "hostile", &[]);
    let ended = desk.shell("run -d --name one hostile loop\nrun -d --name two hostile print\n");
    assert_eq!((ended.code, &*ended.out), (0, "one\ntwo\n"), "{ended:?}");
}

#[test]
fn a_container_is_inspected_as_json() {
    let desk = CliFixture::new();
    install(
        &desk,
        "hello-c",
        &["--permission", "timers", "--permission", "gpio"],
    );
    let ended = desk.shell(
        "create --name one --cap timers --memory 128K --disk 64K --timeout 2.5 -e A=1 \
         -v /shared:/s -v /fixed/in:/in:ro hello-c x y\n\
         start one\n\
         wait one\n\
         inspect one\n",
    );
    assert_eq!(ended.code, 0, "{ended:?}");
    let inspected: Value = serde_json::from_str(ended.out.lines().last().unwrap()).unwrap();
    assert_eq!(inspected["state"], "exited");
    assert_eq!(inspected["exitCode"], 0);
    assert_eq!(inspected["arguments"], json!(["one", "x", "y"]));
    assert_eq!(inspected["environment"], json!(["A=1"]));
    assert_eq!(inspected["permissions"], json!(["timers"]));
    assert_eq!(inspected["limits"]["memoryBytes"], 128 * 1024);
    assert_eq!(inspected["limits"]["diskBytes"], 64 * 1024);
    assert_eq!(inspected["limits"]["timeMs"], 2500);
    assert_eq!(
        inspected["mounts"],
        json!(["/shared:/s", "/fixed/in:/in:ro"])
    );
    for step in ["readingUs", "loadingUs", "instantiatingUs", "runningUs"] {
        assert!(inspected["times"][step].is_u64(), "{inspected}");
    }
}

#[test]
fn what_can_not_be_mounted_is_refused_with_its_code() {
    let desk = CliFixture::new();
    install(&desk, "hello", &[]);
    for (mounts, code) in [
        (&["/shared"][..], "mount-syntax"),
        (&["/data/other:/a"], "mount-source"),
        (&["/shared:/"], "mount-target"),
        (
            &["/a:/a", "/b:/b", "/c:/c", "/d:/d", "/e:/e"],
            "mount-too-many",
        ),
    ] {
        let options = mounts.iter().flat_map(|mount| ["-v", mount]);
        let words = ["run"].into_iter().chain(options).chain(["hello"]);
        desk.ocre(words).failed(1, code);
    }
    desk.ocre(["run", "--disk", "much", "hello"])
        .failed(2, "--disk");
}

#[test]
fn logs_are_followed_to_the_end() {
    let desk = CliFixture::new();
    install(&desk, "hello-c", &[]);
    let ended = desk.shell("run -d --name k hello-c x\nlogs -f k\nwait k\n");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(ended.out, "k\nHello from a C guest!\narg: x\n0\n");
    // A guest that writes without end is followed until it is killed.
    install(&desk, "hostile", &[]);
    let ended = desk.shell("run -d --timeout 0.3 --name p hostile print\nlogs -f p\nwait p\n");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.ends_with("137\n"), "{} bytes", ended.out.len());
    // A log that overflowed says so, but for its last lines.
    let script = "run -d --timeout 0.3 --name q hostile print\nwait q\nlogs q\nlogs -n 1 q\n";
    let ended = desk.shell(script);
    let dropped = ended.err.strip_prefix("warning: the log dropped its ");
    let dropped = dropped.and_then(|rest| rest.strip_suffix(" oldest records\n"));
    let dropped: Option<u64> = dropped.and_then(|count| count.parse().ok());
    assert!(dropped.is_some_and(|count| count > 0), "{:?}", ended.err);
}
