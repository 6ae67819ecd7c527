// SPDX-License-Identifier: Apache-2.0
//! Modules that would make the engine's loader allocate, loop or write beyond bounds, through the
//! program: each is refused with its code, or runs, within memory that the loader alone would
//! exceed by far.

mod cli;

use std::process::Stdio;

use cli::encode::{NOTHING, leb, list, module};
use cli::{CliFixture, ProgramOutput, done};

/// Address space of the program, in KiB: enough for a small guest, and a fraction of what the
/// refused modules claim. The address sanitizer takes terabytes of it for itself.
fn address_space() -> &'static str {
    match std::env::var_os("ASAN_OPTIONS") {
        Some(_) => "unlimited",
        None => "400000",
    }
}

/// Runs a module with bounded memory.
fn run(desk: &CliFixture, module: &[u8]) -> ProgramOutput {
    desk.write("module.wasm", module);
    let program = desk.command([] as [&str; 0]);
    let mut command = desk.command([] as [&str; 0]);
    let mut shell = std::process::Command::new("sh");
    shell
        .arg("-c")
        .arg(format!(
            "ulimit -v {}; exec \"$0\" wasm run module.wasm",
            address_space()
        ))
        .arg(program.get_program())
        .current_dir(desk.path("."))
        .stdin(Stdio::null());
    for (name, value) in command.env("RUST_BACKTRACE", "0").get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    done(shell)
}

fn refused(desk: &CliFixture, name: &str, module: &[u8], words: &str) {
    let ran = run(desk, module);
    assert!(
        ran.code == 1 && ran.err.contains(words),
        "{name}: {words}: {ran:?}"
    );
}

/// Functions of types, each with a body, of which `_start` is the first.
fn functions(types: &[u8], extra: &[(u8, Vec<u8>)], bodies: &[Vec<u8>]) -> Vec<u8> {
    let indices = list(&vec![vec![0]; bodies.len()]);
    let code: Vec<Vec<u8>> = bodies
        .iter()
        .map(|body| [leb(body.len() as u32), body.clone()].concat())
        .collect();
    let mut sections = vec![
        (1, types.to_vec()),
        (3, indices),
        (7, b"\x01\x06_start\0\0".to_vec()),
        (10, list(&code)),
    ];
    sections.extend(extra.iter().cloned());
    sections.sort_by_key(|(id, _)| *id);
    module(&sections)
}

#[test]
fn claimed_counts_are_refused_whatever_they_claim() {
    let desk = CliFixture::new();
    let nothing = || vec![b"\0\x0b".to_vec()];
    let table = (4, b"\x01\x70\0\x01".to_vec());
    for count in [1_000_000, 400_000_000, u32::MAX] {
        let counted = |id: u8, before: &[u8], item: &[u8]| {
            let body = [before, &leb(count), item].concat();
            let extra = [(id, body), table.clone()];
            let extra = if id == 4 { &extra[..1] } else { &extra[..] };
            functions(NOTHING, extra, &nothing())
        };
        let with_body = |before: &[u8], after: &[u8]| {
            functions(NOTHING, &[], &[[before, &leb(count), after].concat()])
        };
        let in_place_of = |id: u8, body: Vec<u8>| {
            let sections = [
                (1, NOTHING.to_vec()),
                (3, b"\x01\0".to_vec()),
                (7, b"\x01\x06_start\0\0".to_vec()),
                (10, b"\x01\x02\0\x0b".to_vec()),
            ];
            module(&sections.map(|(own, old)| (own, if own == id { body.clone() } else { old })))
        };
        let listed = |item: &[u8]| [&leb(count)[..], item].concat();
        for (name, module) in [
            ("types", in_place_of(1, listed(b"\x60\0\0"))),
            ("functions", in_place_of(3, listed(b"\0"))),
            ("exports", in_place_of(7, listed(b"\x06_start\0\0"))),
            ("bodies", in_place_of(10, listed(b"\x02\0\x0b"))),
            (
                "parameters",
                in_place_of(1, [&b"\x01\x60"[..], &listed(b"\x7f\0")].concat()),
            ),
            (
                "results",
                in_place_of(1, [&b"\x01\x60\0"[..], &listed(b"\x7f")].concat()),
            ),
            ("imports", counted(2, b"", b"\x01a\x01b\0\0")),
            ("tables", counted(4, b"", b"\x70\0\x01")),
            ("memories", counted(5, b"", b"\0\x01")),
            ("globals", counted(6, b"", b"\x7f\0\x41\0\x0b")),
            ("segments", counted(9, b"", b"\0\x41\0\x0b\x01\0")),
            ("elements", counted(9, b"\x01\0\x41\0\x0b", b"\0")),
            (
                "expressions",
                counted(9, b"\x01\x04\x41\0\x0b", b"\xd2\0\x0b"),
            ),
            ("passive elements", counted(9, b"\x01\x01\0", b"\0")),
            ("data", counted(11, b"", b"\x01\x01x")),
            ("bytes of data", counted(11, b"\x01\x01", b"x")),
            ("name", counted(0, b"", b"x")),
            ("targets", with_body(b"\0\x41\0\x0e", b"\0\x0b")),
            ("groups of locals", with_body(b"", b"\x01\x7f\x0b")),
        ] {
            refused(&desk, name, &module, "wasm-invalid");
        }
        let elements = counted(4, b"\x01\x70\0", b"");
        refused(&desk, "table", &elements, "table elements");
        let locals = with_body(b"\x01", b"\x7e\x0b");
        refused(&desk, "locals", &locals, "cells of locals");
        let memory = counted(5, b"\x01\0", b"");
        refused(&desk, "memory", &memory, "wasm-invalid");
    }
}

/// The type of `_start`, and one with so many results.
fn with_results(count: u32) -> Vec<u8> {
    list(&[
        b"\x60\0\0".to_vec(),
        [&b"\x60\0"[..], &leb(count), &b"\x7f".repeat(count as usize)].concat(),
    ])
}

#[test]
fn wide_and_deep_code_runs_or_is_refused_by_a_limit() {
    let desk = CliFixture::new();
    let body = |code: &[&[u8]]| vec![code.concat()];
    let wide = |targets: u32, results: u32| {
        let pushed = b"\x41\0".repeat(results as usize);
        let dropped = b"\x1a".repeat(results as usize);
        let code = body(&[
            b"\0\x02\x01",
            &pushed,
            b"\x41\0\x0e",
            &leb(targets),
            &vec![0; targets as usize + 1],
            b"\x0b",
            &dropped,
            b"\x0b",
        ]);
        functions(&with_results(results), &[], &code)
    };
    assert_eq!(run(&desk, &wide(100, 40)).code, 0);
    assert_eq!(run(&desk, &wide(50_000, 1)).code, 0);
    let limit = "values of blocks and calls";
    refused(&desk, "targets", &wide(100_000, 900), "wasm-limit");
    refused(&desk, "targets", &wide(50_000, 900), limit);
    refused(&desk, "targets", &wide(3_000, 900), limit);

    let deep = |depth: usize| {
        let code = body(&[
            b"\0",
            &b"\x02\x40".repeat(depth),
            &b"\x0b".repeat(depth + 1),
        ]);
        functions(NOTHING, &[], &code)
    };
    assert_eq!(run(&desk, &deep(1_500)).code, 0);
    refused(
        &desk,
        "blocks",
        &deep(60_000),
        "more than 2000 nested blocks",
    );

    let locals = |count: u32| functions(NOTHING, &[], &body(&[b"\x01", &leb(count), b"\x7e\x0b"]));
    assert_eq!(run(&desk, &locals(4_000)).code, 0);
    refused(&desk, "locals", &locals(16_000), "cells of locals");

    let names: Vec<Vec<u8>> = (0..20_000_u32)
        .map(|index| {
            let name = format!("same-long-prefix-{index:08x}");
            [&leb(name.len() as u32)[..], name.as_bytes(), b"\0\0"].concat()
        })
        .chain([b"\x06_start\0\0".to_vec()])
        .collect();
    let exports = module(&[
        (1, NOTHING.to_vec()),
        (3, b"\x01\0".to_vec()),
        (7, list(&names)),
        (10, b"\x01\x02\0\x0b".to_vec()),
    ]);
    assert_eq!(run(&desk, &exports).code, 0);

    let types: Vec<Vec<u8>> = (0..20_000_u32)
        .map(|index| {
            let parameters =
                (0..60).map(|bit| 0x7e | (index.checked_shr(bit).unwrap_or(0) & 1) as u8);
            [&b"\x60\x3c"[..], &parameters.collect::<Vec<u8>>(), b"\0"].concat()
        })
        .collect();
    let types = functions(
        &list(&[vec![b"\x60\0\0".to_vec()], types].concat()),
        &[],
        &body(&[b"\0\x0b"]),
    );
    refused(&desk, "types", &types, "more than 8000 types");
}

#[test]
fn a_full_table_of_constants_is_refused_and_less_of_them_run() {
    let desk = CliFixture::new();
    // As published: i64s and an i32 that fill the table, then results of a block, the first of
    // which is in it.
    let published = |i64s: usize, results: u32| {
        let mut code = vec![0];
        for number in 1..12_u8 {
            code.extend([0x42, number, 0x1a]);
        }
        code.extend(b"\x42\0\x1a".repeat(i64s));
        code.extend(b"\x41\x01\x1a\x02\x01\x41\x01");
        for number in 2..=results {
            code.push(0x41);
            code.extend(leb(number + 100_000));
        }
        code.push(0x0b);
        code.extend(b"\x1a".repeat(results as usize));
        code.push(0x0b);
        functions(&with_results(results), &[], &[code])
    };
    for results in [21, 500, 900] {
        refused(
            &desk,
            "constants",
            &published(16_373, results),
            "more than 32000 cells of constants",
        );
        assert_eq!(run(&desk, &published(15_000, results)).code, 0, "{results}");
    }
    // The whole way of an image: it is not packed, and not verified in a layout of others.
    desk.write("module.wasm", published(16_373, 500));
    desk.ocre(["image", "pack", "--wasm", "module.wasm", "-o", "layout"])
        .failed(1, "wasm-limit");
}

#[test]
fn features_are_named_with_their_place() {
    let desk = CliFixture::new();
    for (text, words) in [
        (
            "(module (tag) (func (export \"_start\")))",
            "exception handling, at byte 18",
        ),
        (
            "(module (func (export \"_start\") (local v128)))",
            "SIMD, at byte",
        ),
        (
            "(module (memory 1 1 shared) (func (export \"_start\")))",
            "threads, at byte",
        ),
    ] {
        desk.write("module.wasm", wat::parse_str(text).unwrap());
        let ran = desk.ocre(["wasm", "run", "module.wasm"]);
        ran.failed(1, "wasm-feature");
        ran.failed(1, words);
    }
}
