// SPDX-License-Identifier: Apache-2.0
//! Needs of guests, permissions and memory, and the message of each front end where one is missing.

mod cli;

use cli::{CliFixture, done, guest};
use serde_json::json;

/// Packs a guest as `layout`, with these permissions. Returns the text on stderr.
fn pack(desk: &CliFixture, name: &str, permissions: &[&str]) -> String {
    let mut command = desk.command(["image", "pack", "--wasm"]);
    command.arg(guest(name)).args(["-t", name, "-o", "layout"]);
    for permission in permissions {
        command.args(["--permission", permission]);
    }
    let done = done(command);
    assert_eq!(done.code, 0, "{done:?}");
    done.err
}

fn wasm_run(
    desk: &CliFixture,
    options: &[&str],
    name: &str,
    arguments: &[&str],
) -> cli::ProgramOutput {
    let mut command = desk.command(["wasm", "run"]);
    command.args(options).arg(guest(name)).args(arguments);
    done(command)
}

#[test]
fn a_bare_module_gets_functions_that_need_a_permission_only_with_it() {
    let desk = CliFixture::new();
    let refused = wasm_run(&desk, &[], "blinky", &["1", "1"]);
    refused.failed(1, "(wasm-import)");
    for words in [
        "env.ocre_gpio_set_by_name",
        "gpio, timers",
        "--cap gpio --cap timers",
    ] {
        assert!(refused.err.contains(words), "{refused:?}");
    }
    assert_eq!(refused.out, "");
    // A single one of two permissions is not enough.
    let half = wasm_run(&desk, &["--cap", "gpio"], "blinky", &["1", "1"]);
    half.failed(1, "env.ocre_timer_create");
    assert!(half.err.contains("(wasm-import)"), "{half:?}");
    assert!(half.err.contains("with `--cap timers`"), "{half:?}");
    for options in [
        &["--cap", "gpio", "--cap", "timers"][..],
        &["--cap", "gpio,timers"],
        &["--cap=ocre:api"],
    ] {
        let ran = wasm_run(&desk, options, "blinky", &["1", "1"]);
        assert_eq!((ran.code, &*ran.out), (0, "led0 on\nled0 off\n"), "{ran:?}");
    }
    wasm_run(&desk, &["--cap", "fly"], "blinky", &[]).failed(2, "not gpio, messaging");
}

#[test]
fn a_bare_module_has_the_functions_that_need_no_permission() {
    let desk = CliFixture::new();
    // Errors are Linux's, negated: there is no event, and the kind of the last is none.
    let code = wat::parse_str(
        r#"(module
        (import "env" "ocre_sleep" (func $sleep (param i32) (result i32)))
        (import "env" "ocre_get_event"
            (func $event (param i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "ocre_register_dispatcher" (func $dispatch (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start")
            (if (i32.ne (call $sleep (i32.const 1)) (i32.const 0)) (then (call $exit (i32.const 2))))
            (if (i32.ne (call $event (i32.const 0) (i32.const 4) (i32.const 8) (i32.const 12)
                    (i32.const 16) (i32.const 20)) (i32.const -42))
                (then (call $exit (i32.const 3))))
            (if (i32.ne (call $dispatch (i32.const 1) (i32.const 64)) (i32.const -1))
                (then (call $exit (i32.const 4))))))"#,
    );
    desk.write("app.wasm", code.unwrap());
    let ran = desk.ocre(["wasm", "run", "app.wasm"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn a_bundle_is_refused_whose_module_needs_a_permission() {
    let desk = CliFixture::new();
    pack(&desk, "blinky", &["gpio", "timers"]);
    desk.ok(["image", "import", "layout"]);
    desk.ok(["bundle", "blinky", "bundle"]);
    let ran = desk.ocre(["run", "--bundle", "bundle"]);
    ran.failed(1, "(wasm-import)");
    assert!(
        ran.err.contains("ocre run --cap gpio --cap timers"),
        "{ran:?}"
    );
    assert_eq!(ran.out, "");
}

#[test]
fn packing_warns_of_imports_without_a_permission() {
    let desk = CliFixture::new();
    assert_eq!(pack(&desk, "hello-c", &[]), "");
    assert_eq!(pack(&desk, "blinky", &["gpio", "timers"]), "");
    assert_eq!(pack(&desk, "blinky", &["gpio,timers"]), "");
    let warned = pack(&desk, "blinky", &["gpio"]);
    assert!(
        warned.starts_with("warning: permission-absent (env.ocre_timer"),
        "{warned}"
    );
    assert!(warned.contains("without timers"), "{warned}");
    assert!(
        warned.contains("hint: pack with `--permission timers`"),
        "{warned}"
    );
}

#[test]
fn building_warns_and_names_the_line_of_the_ocrefile() {
    let desk = CliFixture::new();
    let main = "__attribute__((import_module(\"env\"), import_name(\"ocre_timer_create\")))\n\
                int timer_create(int id);\nint main(void) { return timer_create(1) == -1; }\n";
    desk.write("app/main.c", main);
    let file = "name = \"app\"\nlanguage = \"c\"\nsources = [\"main.c\"]\n";
    desk.write("app/Ocrefile.toml", file);
    let built = desk.ocre(["build", "--import", "app"]);
    assert_eq!(built.code, 0, "{built:?}");
    assert!(
        built
            .err
            .contains("warning: permission-absent (env.ocre_timer_create"),
        "{built:?}"
    );
    assert!(
        built.err.contains("write `permissions = [\"timers\"]`"),
        "{built:?}"
    );
    // The guest fails by it, and the program says which permission it was.
    let run = desk.ocre(["run", "app"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.err.matches("hint: ").count(), 1, "{run:?}");
    assert!(
        run.err.contains("timers") && run.err.contains("`--cap timers`"),
        "{run:?}"
    );
    // Not without effect any more.
    desk.write(
        "app/Ocrefile.toml",
        format!("{file}permissions = [\"timers\"]\n"),
    );
    let built = desk.ocre(["build", "--import", "app"]);
    assert_eq!((built.code, &*built.err), (0, ""), "{built:?}");
    let run = desk.ocre(["run", "--cap", "timers", "app"]);
    assert_eq!((run.code, &*run.err), (0, ""), "{run:?}");
}

#[test]
fn making_a_container_notes_permissions_that_only_one_side_names() {
    let desk = CliFixture::new();
    pack(&desk, "blinky", &["gpio", "timers"]);
    desk.ok(["image", "import", "layout"]);
    let run = |options: &[&str]| {
        let mut command = desk.command(["run"]);
        done({
            command.args(options).args(["blinky", "1", "1"]);
            command
        })
    };
    let missing = "note: the image asks for more permissions: --cap gpio --cap timers\n";
    let ran = run(&[]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.starts_with(missing), "{ran:?}");
    assert_eq!(ran.err.matches("hint: ").count(), 1, "{ran:?}");
    assert!(ran.err.contains("lack of permissions: gpio;"), "{ran:?}");
    let vain = "note: no effect, as the image does not ask for: --cap sensors\n";
    for options in [
        &["--cap", "gpio,timers,sensors"][..],
        &["--cap=gpio", "--cap", "sensors,timers"],
    ] {
        let ran = run(options);
        assert_eq!((ran.code, &*ran.err), (0, vain), "{ran:?}");
        assert_eq!(ran.out, "led0 on\nled0 off\n");
    }
    let ran = run(&["--cap", "gpio,timers"]);
    assert_eq!((ran.code, &*ran.err), (0, ""), "{ran:?}");
    for wrong in ["gpio,", ",gpio", "gpio,fly", ""] {
        run(&["--cap", wrong]).failed(2, "is not gpio, messaging");
    }
    let created = desk.ocre(["create", "--name", "c", "blinky"]);
    assert_eq!((created.code, &*created.err), (0, missing), "{created:?}");
    // A guest that ends well gets no hint.
    desk.ok(["rm", "c"]);
}

#[test]
fn memory_that_compilers_give_by_default_is_there() {
    let desk = CliFixture::new();
    // Rust's is 17 pages, Zig's 17 MiB.
    for pages in [17, 272] {
        let text =
            format!(r#"(module (memory (export "memory") {pages}) (func (export "_start")))"#);
        desk.write("app.wasm", wat::parse_str(text).unwrap());
        let pack = [
            "image", "pack", "--wasm", "app.wasm", "-t", "app", "-o", "layout",
        ];
        desk.ok(pack);
        desk.ok(["image", "import", "layout:app:latest"]);
        assert_eq!(desk.ocre(["run", "app"]).code, 0);
        assert_eq!(desk.ocre(["wasm", "run", "app.wasm"]).code, 0);
        let needs = desk.ok(["image", "verify", "layout"]);
        let bytes = pages * 65_536;
        assert!(
            needs.contains(&format!("memory at start: {bytes} bytes\n")),
            "{needs}"
        );
    }
    let said = desk.shell("run app\ncreate --name kept app\ninspect kept\n");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("\"memoryBytes\":67108864"), "{said:?}");
    let refused = desk.ocre(["run", "--memory", "1M", "app"]);
    refused.failed(1, "limit-memory");
    let numbers = "17825792 bytes wanted, 1048576 allowed: --memory 17M";
    assert!(refused.err.contains(numbers), "{refused:?}");
    assert_eq!(desk.ocre(["run", "--memory", "17M", "app"]).code, 0);
}

#[test]
fn a_plain_cargo_build_of_hello_runs() {
    let desk = CliFixture::new();
    desk.write(
        "src/main.rs",
        "fn main() { println!(\"Hello, plain!\"); }\n",
    );
    let manifest = "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
                    [workspace]\n";
    desk.write("Cargo.toml", manifest);
    let mut cargo = std::process::Command::new("cargo");
    cargo
        .args(["build", "--offline", "--quiet", "--target", "wasm32-wasip1"])
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(desk.path("."));
    let built = done(cargo);
    assert_eq!(built.code, 0, "{built:?}");
    let wasm = "target/wasm32-wasip1/debug/plain.wasm";
    assert_eq!(desk.ok(["wasm", "run", wasm]), "Hello, plain!\n");
    desk.ok([
        "image", "pack", "--wasm", wasm, "-t", "plain", "-o", "layout",
    ]);
    desk.ok(["image", "import", "layout"]);
    assert_eq!(desk.ok(["run", "plain"]), "Hello, plain!\n");
}

#[test]
fn verify_and_inspect_show_what_a_module_needs() {
    let desk = CliFixture::new();
    pack(&desk, "blinky", &["gpio"]);
    let text = desk.ok(["image", "verify", "layout"]);
    for line in [
        "entry point: _start\n",
        " of WASI preview 1, env.ocre_",
        "\npermissions: gpio (not asked for: timers, for env.ocre_timer",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    desk.ok(["image", "import", "layout"]);
    let inspected = desk.json(["image", "inspect", "blinky"]);
    let needs = &inspected["needs"];
    assert_eq!(needs["entryPoint"], "_start");
    assert_eq!(needs["permissions"], json!(["gpio", "timers"]));
    assert!(
        needs["memoryBytes"]
            .as_u64()
            .unwrap()
            .is_multiple_of(65_536)
    );
    let imports = needs["imports"].as_array().unwrap();
    assert!(
        imports.contains(&json!("env.ocre_gpio_set_by_name")),
        "{needs}"
    );
    assert!(
        imports.contains(&json!("wasi_snapshot_preview1.fd_write")),
        "{needs}"
    );
    assert_eq!(inspected["image"]["permissions"], json!(["gpio"]));
    let digest = inspected["digest"].as_str().unwrap();
    let by_digest = desk.json(["image", "inspect", &digest[..19]]);
    assert_eq!(by_digest["needs"], *needs);
    // A refused image has no needs.
    let code = wat::parse_str(r#"(module (import "x" "y" (func)) (func (export "_start")))"#);
    desk.write("odd.wasm", code.unwrap());
    desk.ocre(["image", "pack", "--wasm", "odd.wasm", "-o", "odd"])
        .failed(1, "wasm-import");
    let verdict = desk.json(["image", "verify", "layout"]);
    assert_eq!(
        verdict,
        json!({ "verdict": "ok", "code": null, "at": null, "warnings": [] })
    );
}

/// A module that sleeps for a second.
const NAP: &str = r#"(module
    (import "env" "ocre_sleep" (func $sleep (param i32) (result i32)))
    (func (export "_start") (drop (call $sleep (i32.const 1000)))))"#;

#[test]
fn the_documented_containers_run() {
    let desk = CliFixture::new();
    let text = include_str!("../../../docs/flash-files.md");
    let (_, block) = text.split_once("```text file=containers\n").unwrap();
    let (block, _) = block.split_once("```\n").unwrap();
    desk.write("containers", block);
    for (name, permissions) in [
        ("blinky", ["gpio", "timers"]),
        ("sensor-logger", ["sensors", "timers"]),
    ] {
        let mut command = desk.command(["image", "pack", "--wasm"]);
        let tag = format!("{name}:1.0");
        command.arg(guest(name)).args([
            "-t",
            &tag,
            "-o",
            "layout",
            "--permission",
            &permissions.join(","),
        ]);
        assert_eq!(done(command).code, 0);
    }
    desk.write("nap.wasm", wat::parse_str(NAP).unwrap());
    desk.ok([
        "image", "pack", "--wasm", "nap.wasm", "-t", "nap", "-o", "layout",
    ]);
    desk.ok([
        "flash",
        "create",
        "--size",
        "1M",
        "-o",
        "flash.bin",
        "--image",
        "layout:blinky:1.0",
        "--image",
        "layout:sensor-logger:1.0",
        "--image",
        "layout:nap:latest",
        "--containers",
        "containers",
    ]);
    let script = "start probe\nrun nap\nrun nap\nrun nap\nps\nlogs blinker\nwait probe\n";
    let said = desk.shell(script);
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    assert!(said.out.contains("led0 on"), "{said:?}");
    let running = said
        .out
        .lines()
        .any(|line| line.starts_with("blinker ") && line.contains(" running "));
    assert!(running, "{said:?}");
    assert!(said.out.ends_with("0\n"), "{said:?}");
}
