// SPDX-License-Identifier: Apache-2.0
//! AOT code from `ocre aot` over packing and judging to a run, whole and changed.

mod cli;

use std::fs;

use cli::{CliFixture, ProgramOutput, done, guest};
use ocre_module_reader::aot::{SEAL_BYTES, seal, without_seal};
use ocre_oci::Sha256;

/// Compiles a text at a level; `None` where the program was built without the compiler.
fn compile(desk: &CliFixture, text: &str, level: u8) -> Option<ProgramOutput> {
    desk.write(
        "guest.wasm",
        wat::parse_str(text).expect("the test's own text"),
    );
    let mut command = desk.command(["aot", "--target", std::env::consts::ARCH, "--opt"]);
    command.arg(level.to_string());
    let compiled = done({
        command.args(["guest.wasm", "-o", "guest.aot"]);
        command
    });
    if compiled.err.contains("aot-no-llvm") {
        compiled.failed(1, "llvm-16-dev");
        return None;
    }
    Some(compiled)
}

/// Packs `guest.aot` under a name. Returns the verdict on it.
fn pack(desk: &CliFixture, name: &str) -> serde_json::Value {
    let packed = desk.ocre([
        "image",
        "pack",
        "-t",
        name,
        "-o",
        name,
        "--aot",
        "guest.aot",
    ]);
    assert_eq!(packed.code, 0, "{packed:?}");
    desk.json(["image", "verify", name])
}

/// As `wasm-ld --stack-first` links a Fibonacci function without data.
const STACK_FIRST: &str = r#"(module
    (memory (export "memory") 2)
    (global $__stack_pointer (mut i32) (i32.const 65536))
    (global (export "__data_end") i32 (i32.const 65536))
    (global (export "__heap_base") i32 (i32.const 65536))
    (func $fib (param $n i32) (result i32)
        (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
            (then (local.get $n))
            (else (i32.add
                (call $fib (i32.sub (local.get $n) (i32.const 1)))
                (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
    (func (export "_start") (result i32) (local $frame i32)
        (local.set $frame (i32.sub (global.get $__stack_pointer) (i32.const 16)))
        (global.set $__stack_pointer (local.get $frame))
        (i32.store offset=12 (local.get $frame) (call $fib (i32.const 12)))
        (global.set $__stack_pointer (i32.add (local.get $frame) (i32.const 16)))
        (i32.load offset=12 (local.get $frame))))"#;

/// The smallest of these modules: only a stack.
const NO_DATA: &str = r#"(module
    (memory (export "memory") 1)
    (global (mut i32) (i32.const 4096))
    (global (export "__heap_base") i32 (i32.const 4096))
    (global (export "__data_end") i32 (i32.const 4096))
    (func (export "_start")))"#;

#[test]
fn a_stack_in_front_of_no_data_runs_at_each_level() {
    for (text, code) in [(STACK_FIRST, 144), (NO_DATA, 0)] {
        let desk = CliFixture::new();
        for level in 0..=3 {
            let Some(compiled) = compile(&desk, text, level) else {
                return;
            };
            assert_eq!(compiled.code, 0, "{compiled:?}");
            assert_eq!(pack(&desk, &format!("level{level}"))["verdict"], "ok");
            desk.ok(["image", "import", &format!("level{level}")]);
            let ran = desk.ocre(["run", &format!("level{level}")]);
            assert_eq!(ran.code, code, "{level}: {ran:?}");
        }
        let ran = desk.ocre(["wasm", "run", "guest.wasm"]);
        assert_eq!(ran.code, code, "{ran:?}");
    }
}

/// Sixteen nested short loops over calls: no loop and no function is long, but all together
/// practically never end.
fn short_calls() -> String {
    let mut text = String::from("(module (global $count (mut i32) (i32.const 0))");
    for depth in 0..15 {
        text += &format!(
            "(func $f{depth} (local $turn i32) (loop (call $f{next}) (br_if 0 (i32.lt_u
                (local.tee $turn (i32.add (local.get $turn) (i32.const 1))) (i32.const 16)))))",
            next = depth + 1
        );
    }
    text + "(func $f15 (global.set $count (i32.add (global.get $count) (i32.const 1))))
        (func (export \"_start\") (call $f0)))"
}

/// Fills of a constant length, one after the other.
const LONG_FILLS: &str = r#"(module (memory 1600) (func (export "_start")
    (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 100000000)) (br 0))))"#;

#[test]
fn code_without_an_end_is_killed_in_each_way_at_each_level() {
    for text in [&*short_calls(), LONG_FILLS] {
        for level in 0..=3 {
            let desk = CliFixture::new();
            let Some(compiled) = compile(&desk, text, level) else {
                return;
            };
            assert_eq!(compiled.code, 0, "{compiled:?}");
            assert_eq!(pack(&desk, "endless")["verdict"], "ok");
            desk.ok(["image", "import", "endless"]);
            desk.ocre(["run", "--memory", "128M", "--timeout", "0.2", "endless"])
                .failed(137, "time-limit");
            let ended = desk.shell(
                "run -d --name a --memory 128M endless\nkill a\nwait a\n\
                 run -d --name b --memory 128M endless\nstop -t 0 b\n\
                 run -d --name c --memory 128M endless\nrm -f c\nps -a\n",
            );
            assert_eq!(ended.code, 0, "{ended:?}");
            for words in ["killed(kill)", "killed(stop)"] {
                assert!(ended.out.contains(words), "{words}: {ended:?}");
            }
        }
    }
}

/// Makes another file the layer of a layout, with digests that are right for it.
fn exchange_layer(desk: &CliFixture, layout: &str, layer: &[u8], other: &[u8]) {
    let path = |hex: &str| desk.path(&format!("{layout}/blobs/sha256/{hex}"));
    let index = desk.path(&format!("{layout}/index.json"));
    let hex = |bytes: &[u8]| Sha256::of(bytes).hex().to_string();
    let mut changes = vec![(hex(layer), hex(other))];
    fs::write(path(&changes[0].1), other).unwrap();
    let manifest = |text: &str| text.contains("\"layers\"");
    let blobs = fs::read_dir(path("")).unwrap();
    let texts = blobs.filter_map(|blob| fs::read_to_string(blob.unwrap().path()).ok());
    let mut documents: Vec<String> = texts.filter(|text| text.starts_with('{')).collect();
    documents.sort_by_key(|text| manifest(text));
    documents.push(fs::read_to_string(&index).unwrap());
    for document in documents {
        let change = |text: String, (from, to): &(String, String)| text.replace(from, to);
        let changed = changes.iter().fold(document.clone(), change);
        let name = hex(changed.as_bytes());
        fs::write(path(&name), &changed).unwrap();
        changes.push((hex(document.as_bytes()), name));
        fs::write(&index, changed).unwrap();
    }
}

/// Checks that a file is refused everywhere: at a run, a pack, in a layout, and at an import.
fn refused_everywhere(desk: &CliFixture, file: &[u8], changed: &[u8], words: &str) {
    desk.write("guest.aot", file);
    // The flash is there before, and has no image after.
    desk.shell("info\n");
    assert_eq!(pack(desk, "layout")["verdict"], "ok");
    exchange_layer(desk, "layout", file, changed);
    let verdict = desk.json(["image", "verify", "layout"]);
    assert_eq!(verdict["code"], "wasm-invalid", "{verdict}");
    assert_eq!(verdict["at"], "manifest/layers/0");
    desk.write("changed.aot", changed);
    for arguments in [
        &["image", "import", "layout"][..],
        &["image", "pack", "--aot", "changed.aot", "-o", "other"],
        &["wasm", "run", "changed.aot"],
    ] {
        let done = desk.ocre(arguments);
        done.failed(1, "wasm-invalid");
        assert!(done.err.contains(words), "{words}: {done:?}");
    }
    assert_eq!(
        desk.json(["image", "ls"])["images"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    fs::remove_dir_all(desk.path("layout")).unwrap();
}

#[test]
fn a_changed_file_is_refused_everywhere() {
    let desk = CliFixture::new();
    let Some(_) = compile(&desk, STACK_FIRST, 3) else {
        return;
    };
    let file = fs::read(desk.path("guest.aot")).unwrap();
    for at in [100, file.len() / 2, file.len() - 1] {
        let mut changed = file.clone();
        changed[at] ^= 0x40;
        refused_everywhere(&desk, &file, &changed, "AOT file: ");
    }
}

#[test]
fn a_changed_file_with_a_checksum_of_its_own_is_refused_by_its_place() {
    let desk = CliFixture::new();
    let Some(_) = compile(&desk, STACK_FIRST, 3) else {
        return;
    };
    let file = fs::read(desk.path("guest.aot")).unwrap();
    let mut changed = without_seal(&file).unwrap().to_vec();
    assert_eq!(changed.len(), file.len() - SEAL_BYTES);
    // The number of memories, behind the target's section and the next one's header.
    let memories = 8 + 8 + 48 + 8 + 4;
    assert_eq!(changed[memories..memories + 4], [1, 0, 0, 0]);
    changed[memories] = 2;
    changed.extend(seal(&changed));
    let words = "unsupported feature, in the init data before byte 84";
    refused_everywhere(&desk, &file, &changed, words);
}

#[test]
fn what_no_engine_offers_is_refused_by_the_compiler_as_by_the_judge() {
    for (import, name) in [
        (
            r#"(import "env" "t" (table 1 funcref)) (memory 1)"#,
            "env.t",
        ),
        (r#"(import "x" "y" (memory 1))"#, "x.y"),
    ] {
        let desk = CliFixture::new();
        let text = format!(r#"(module {import} (func (export "_start")))"#);
        let Some(compiled) = compile(&desk, &text, 3) else {
            return;
        };
        let interpreted = desk.ocre(["wasm", "run", "guest.wasm"]);
        for refused in [compiled, interpreted] {
            refused.failed(1, "wasm-import");
            assert!(refused.err.contains(name), "{refused:?}");
        }
        assert!(!desk.path("guest.aot").exists());
    }
    let desk = CliFixture::new();
    let offered = r#"(module (import "env" "memory" (memory 1))
        (func (export "_start") (result i32) (i32.load8_u (i32.const 65535))))"#;
    let Some(compiled) = compile(&desk, offered, 3) else {
        return;
    };
    assert_eq!(compiled.code, 0, "{compiled:?}");
    for file in ["guest.wasm", "guest.aot"] {
        assert_eq!(desk.ocre(["wasm", "run", file]).code, 0, "{file}");
    }
}

/// The compiler checks its file as the engine of the target does. `blinky` has a table of jumps on
/// x86-64 that is referred to by a place before its section.
#[test]
fn guests_are_compiled_to_files_that_engines_take() {
    let desk = CliFixture::new();
    for name in ["blinky", "hello-c"] {
        for target in ["x86_64", "i386", "thumbv7m", "thumbv8m-eabihf", "riscv32"] {
            let mut command = desk.command(["aot", "--target", target, "-o", "guest.aot"]);
            command.arg(guest(name));
            let compiled = done(command);
            if compiled.err.contains("aot-no-llvm") {
                return;
            }
            assert_eq!(compiled.code, 0, "{name} for {target}: {compiled:?}");
        }
    }
}
