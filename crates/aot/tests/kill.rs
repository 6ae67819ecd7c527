// SPDX-License-Identifier: Apache-2.0
//! Guests that work for hours without end, each in another way: every one ends when it is
//! stopped, at each level of optimisation, and none is proven to without checks.
#![cfg(all(have_llvm, target_arch = "x86_64"))]

mod guest;

use std::fmt::Write as _;
use std::time::Duration;

use guest::{aot, aot_at, assemble, run, start, stop_after};
use ocre::port::{Exit, Trap};
use ocre_aot::{CompileOptions, Error, Target, compile};

/// A module of functions `$f0` to `$f{depth}`, each made by `body` from the next one's
/// number, and a `_start` that calls the first.
fn chain(depth: usize, prologue: &str, body: impl Fn(usize) -> String, last: &str) -> String {
    let mut text = format!("(module {prologue}\n");
    for i in 0..depth {
        let _ = writeln!(text, "(func $f{i} {})", body(i + 1));
    }
    let _ = writeln!(text, "(func $f{depth} {last})");
    text + r#"(func (export "_start") (drop (call $f0 (i32.const 1)))))"#
}

const UNARY: &str = "(param i32) (result i32)";
const COUNTED: &str = "(i32.add (local.get 0) (i32.const 1))";

/// Calls the next function twice, and uses both results.
fn twice(next: usize) -> String {
    format!("{UNARY} (i32.add (call $f{next} (local.get 0)) (call $f{next} {COUNTED}))")
}

/// Loops in each other, `depth` of them with `turns` each, around a body.
fn nested(depth: usize, turns: u32, body: &str) -> String {
    (0..depth).fold(body.to_owned(), |inner, level| {
        format!(
            "(local.set $l{level} (i32.const 0))
             (loop {inner}
               (br_if 0 (i32.lt_u (local.tee $l{level}
                 (i32.add (local.get $l{level}) (i32.const 1))) (i32.const {turns}))))"
        )
    })
}

fn locals(depth: usize) -> String {
    (0..depth)
        .map(|level| format!("(local $l{level} i32) "))
        .collect()
}

/// A `_start` that does the same for ever, in a module with this much memory and a table.
fn forever(prologue: &str, body: &str) -> String {
    format!(
        r#"(module
          (import "env" "param" (func $param (param i32) (result i32)))
          {prologue}
          (func (export "_start") (local $a i32) (local $b i32) (loop {body} (br 0))))"#
    )
}

const MEMORY: &str = "(memory 4)";
const TABLE: &str =
    "(table $t 90000 funcref) (table $u 9000 funcref) (elem declare func $g) (func $g)";

/// Every guest, with a name.
fn endless() -> Vec<(&'static str, String)> {
    let global = "(global $f (mut f64) (f64.const 2))";
    let straight = "(global.set $f (f64.sqrt (global.get $f)))".repeat(2_500);
    let many_loops: String = (0..400)
        .map(|i| {
            format!(
                "(local.set 1 (i32.const 0))
                 (loop (local.set 0 (i32.xor (local.get 0) (i32.mul (local.get 1) (i32.const {i}))))
                   (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1)))
                     (local.get 0))))"
            )
        })
        .collect();
    let state_machine: String = (0..40).rev().fold(
        "(br_table 0 1 2 3 4 5 6 7 8 9 (local.get $a))".to_owned(),
        |inner, i| {
            format!(
                "(block {inner}) (local.set $a (i32.rem_u (i32.add (i32.mul (local.get $a)
                   (i32.const 5)) (i32.const {i})) (i32.const 10)))"
            )
        },
    );
    let indirect = |next: usize| {
        format!(
            "(type $unary) (i32.add
               (call_indirect (type $unary) (local.get 0) (i32.const {next}))
               (call_indirect (type $unary) {COUNTED} (i32.const {next})))"
        )
    };
    let listed: String = (0..=40).map(|i| format!(" $f{i}")).collect();
    let segment = "\\01".repeat(100_000);
    vec![
        ("a tree of calls that change nothing", {
            let calls = |next| {
                format!(
                    "{UNARY} (drop (call $f{next} (local.get 0))) (call $f{next} (local.get 0))"
                )
            };
            chain(60, "(memory 1)", calls, &format!("{UNARY} (local.get 0)"))
        }),
        ("a tree of calls whose results count", {
            chain(60, "", twice, &format!("{UNARY} {COUNTED}"))
        }),
        ("a tree of calls that give two results", {
            let pair = "(result i32 i32)";
            let mut text = String::from("(module (memory 1)\n");
            for i in 0..60 {
                let next = i + 1;
                let _ = writeln!(
                    text,
                    "(func $f{i} {pair} (local i32 i32) (call $f{next}) (local.set 0) (local.set 1)
                       (call $f{next}) (i32.add (local.get 0)) )"
                );
            }
            let _ = writeln!(
                text,
                "(func $f60 {pair} (i32.load (i32.const 8)) (i32.const 1))"
            );
            text + r#"(func (export "_start") (call $f0) (drop) (drop)))"#
        }),
        ("a tree of indirect calls", {
            let table = format!(
                "(type $unary (func {UNARY})) (table 41 funcref) (elem (i32.const 0) {listed})"
            );
            chain(40, &table, indirect, &format!("{UNARY} {COUNTED}"))
        }),
        ("a tree of calls of the host", {
            let import = r#"(import "env" "param" (func $param (param i32) (result i32)))"#;
            let calls = |next| {
                format!(
                    "{UNARY} (drop (call $param (i32.const 1))) (call $f{next} (local.get 0)) (drop) (call $f{next} (local.get 0))"
                )
            };
            chain(
                60,
                import,
                calls,
                &format!("{UNARY} (call $param (i32.const 0))"),
            )
        }),
        ("short loops over calls", {
            let calls = |next| {
                format!("{UNARY} (local i32) (loop (drop (call $f{next} (local.get 0)))
                   (br_if 0 (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 1))) (i32.const 16))))
                   (local.get 1)")
            };
            let last = format!(
                "{UNARY} (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)"
            );
            chain(
                14,
                "(memory 1) (global $g (mut i32) (i32.const 0))",
                calls,
                &last,
            )
        }),
        ("short loops in each other that call nothing", {
            forever("(global $g (mut i32) (i32.const 0))", "(call $deep)").replace(
                "(func (export",
                &format!(
                    "(func $deep {} {})\n(func (export",
                    locals(9),
                    nested(
                        9,
                        15,
                        "(global.set $g (i32.add (global.get $g) (local.get $l3)))"
                    )
                ),
            )
        }),
        ("a tree over straight code", {
            let last = format!("{UNARY} {straight} (local.get 0)");
            chain(40, global, twice, &last)
        }),
        ("a tree over many short loops", {
            let last = format!("{UNARY} (local i32) {many_loops} (local.get 0)");
            chain(40, "", twice, &last)
        }),
        ("a state machine", forever("", &state_machine)),
        ("recursion with loops", {
            let body = "(i32.store (i32.const 4) (i32.const 0))
                 (loop (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (i32.const 1)))
                   (br_if 0 (i32.lt_u (i32.load (i32.const 4)) (i32.const 3000))))";
            format!(
                r#"(module (memory 1)
                  (func $r (param i32) (result i32)
                    (if (result i32) (local.get 0) (then
                      {body}
                      (call $r (i32.sub (local.get 0) (i32.const 1)))
                      {body}
                      (drop) (call $r (i32.sub (local.get 0) (i32.const 1)))
                      {body})
                      (else (i32.const 1))))
                  (func (export "_start") (drop (call $r (i32.const 64)))))"#
            )
        }),
        ("a long way up from recursion", {
            format!(
                r#"(module {global}
                  (func $r (param i32) (result i32)
                    (if (result i32) (local.get 0) (then
                      (call $r (i32.sub (local.get 0) (i32.const 1)))
                      (local.set 0)
                      {straight}
                      (local.get 0))
                      (else (i32.const 1))))
                  (func (export "_start") (loop (drop (call $r (i32.const 500))) (br 0))))"#
            )
        }),
        (
            "a fill of constant length",
            forever(
                "(memory 3)",
                "(memory.fill (i32.const 0) (i32.const 1) (i32.const 190000))",
            ),
        ),
        ("a tree of fills of constant length", {
            let body = |next| {
                format!(
                    "{UNARY} (memory.fill (i32.const 0) (i32.const 1) (i32.const 190000)) (i32.add (call $f{next} (local.get 0)) (call $f{next} (local.get 0)))"
                )
            };
            chain(40, "(memory 3)", body, &format!("{UNARY} (local.get 0)"))
        }),
        (
            "fills of a length that is not known",
            forever(
                MEMORY,
                "(memory.fill (i32.const 0) (i32.const 1) (i32.mul (call $param (i32.const 0)) (i32.const 250000)))",
            ),
        ),
        (
            "a copy forward over itself",
            forever(
                MEMORY,
                "(memory.copy (i32.const 3) (i32.const 0) (i32.const 250000))",
            ),
        ),
        (
            "a copy backward over itself",
            forever(
                MEMORY,
                "(memory.copy (i32.const 0) (i32.mul (call $param (i32.const 0)) (i32.const 7)) (i32.const 250000))",
            ),
        ),
        (
            "a segment of data over and over",
            forever(
                &format!("(memory 4) (data $d \"{segment}\")"),
                "(memory.init $d (i32.const 5) (i32.const 0) (i32.const 100000))",
            ),
        ),
        (
            "a table filled",
            forever(
                TABLE,
                "(table.fill $t (i32.const 0) (ref.func $g) (i32.const 90000))",
            ),
        ),
        (
            "a table copied over itself",
            forever(
                TABLE,
                "(table.copy $t $t (i32.const 0) (call $param (i32.const 0)) (i32.const 89999))",
            ),
        ),
        (
            "a table copied to another",
            forever(
                TABLE,
                "(table.copy $u $t (i32.const 0) (call $param (i32.const 0)) (i32.const 8999))",
            ),
        ),
        ("a segment of elements over and over", {
            let elements = "$g ".repeat(9_000);
            forever(
                &format!("(table 9000 funcref) (elem $e func {elements}) (func $g)"),
                "(table.init $e (i32.const 0) (i32.const 0) (i32.const 9000))",
            )
        }),
        (
            "memory that grows by nothing",
            forever(
                "(memory 1 2)",
                "(drop (memory.grow (i32.const 0))) (drop (memory.grow (i32.const 1)))",
            ),
        ),
        (
            "floats",
            forever(
                "(global $f (mut f64) (f64.const 1.5))",
                "(global.set $f (f64.sqrt (f64.nearest (f64.div (f64.add (global.get $f)
               (f64.const 3.25)) (f64.const 0.7)))))",
            ),
        ),
        (
            "bits of floats",
            forever(
                "(global $f (mut f64) (f64.const 1.5))",
                "(global.set $f (f64.add (f64.reinterpret_i64 (i64.const 77)) (f64.reinterpret_i64
                   (i64.add (i64.reinterpret_f64 (global.get $f)) (i64.const 1)))))",
            ),
        ),
        (
            "divisions",
            forever(
                "(global $d (mut i64) (i64.const 12345678901))",
                "(global.set $d (i64.add (i64.div_s (global.get $d) (i64.const 7)) (i64.rem_u
               (global.get $d) (i64.const 1000003))))",
            ),
        ),
        ("a ring of tail calls", {
            r#"(module
              (func $a (param i32) (return_call $b (i32.add (local.get 0) (i32.const 1))))
              (func $b (param i32) (return_call $c (local.get 0)))
              (func $c (param i32) (return_call $a (local.get 0)))
              (func (export "_start") (call $a (i32.const 1))))"#
                .to_owned()
        }),
        ("a ring of indirect tail calls", {
            r#"(module
              (type $unary (func (param i32) (result i32)))
              (table 2 funcref) (elem (i32.const 0) $a $b)
              (func $a (type $unary)
                (return_call_indirect (type $unary) (local.get 0) (i32.const 1)))
              (func $b (type $unary)
                (return_call_indirect (type $unary) (local.get 0) (i32.const 0)))
              (func (export "_start") (drop (call $a (i32.const 1)))))"#
                .to_owned()
        }),
        ("a start function", {
            r#"(module (func $s (loop (br 0))) (start $s) (func (export "_start")))"#.to_owned()
        }),
        ("a start function over a tree", {
            chain(60, "", twice, &format!("{UNARY} {COUNTED}")).replace(
                r#"(func (export "_start")"#,
                r#"(start $s) (func (export "_start")) (func $s"#,
            )
        }),
    ]
}

#[test]
fn every_guest_ends_at_every_level() {
    let mut worst = Duration::ZERO;
    for (name, text) in endless() {
        let wasm = assemble(&text);
        for level in 0..=3 {
            let code = aot_at(&wasm, level)
                .unwrap_or_else(|error| panic!("{name} at level {level}: {error}"));
            let ended = stop_after(code, Duration::from_millis(30));
            let (exit, lived_on) =
                ended.unwrap_or_else(|| panic!("{name} at level {level} lives on"));
            let exit = exit.expect("it starts");
            // Code without an effect, which LLVM removes, may end at once.
            let idle = name.contains("change nothing") && level > 0;
            assert!(
                exit == Exit::Stopped || idle,
                "{name} at level {level}: {exit:?}"
            );
            worst = worst.max(lived_on);
        }
    }
    println!("longest life after a stop: {worst:?}");
}

#[test]
fn every_target_is_proven() {
    for (name, text) in endless() {
        let wasm = assemble(&text);
        for target in Target::ALL {
            for opt_level in [0, 3] {
                let mut options = CompileOptions::new(target);
                options.opt_level = opt_level;
                if let Err(error) = compile(&wasm, &options) {
                    panic!("{name} for {target} at level {opt_level}: {error}");
                }
            }
        }
    }
}

/// The proof finds code without checks, independently of how checks are placed.
#[test]
fn nothing_endless_is_proven_without_checks() {
    for (name, text) in endless() {
        let mut options = CompileOptions::new(Target::X86_64);
        options.opt_level = 0;
        options.kill_checks = false;
        let answer = compile(&assemble(&text), &options);
        // Each call of the host is a look.
        if name.contains("of the host")
            || name.contains("not known")
            || name.contains("backward")
            || name.contains("table copied")
        {
            continue;
        }
        assert!(
            matches!(answer, Err(Error::Uninterruptible(_))),
            "{name}: {:?}",
            answer.map(|_| "proven")
        );
    }
}

#[test]
fn what_needs_no_check_is_proven_without() {
    let text = start("(i32.add (call $param (i32.const 0)) (i32.const 1))");
    let mut options = CompileOptions::new(Target::X86_64);
    options.kill_checks = false;
    let code = compile(&assemble(&text), &options).expect("it is proven");
    assert_eq!(run(&code, &[41]), Exit::Code(42));
}

/// Runs interpreted and compiled at each level, and gives the one result.
fn same(text: &str, params: &[i32]) -> Exit {
    let wasm = assemble(text);
    let interpreted = run(&wasm, params);
    for level in 0..=3 {
        let code = aot_at(&wasm, level).expect("it compiles");
        assert_eq!(run(&code, params), interpreted, "level {level}: {text}");
    }
    assert_eq!(run(&aot(&wasm), params), interpreted, "{text}");
    interpreted
}

/// Bytes that tell where they are from, copied over themselves, and summed up.
fn copied(to: u32, from: u32, length: u32) -> String {
    format!(
        r#"(module
          (import "env" "param" (func $param (param i32) (result i32)))
          (memory 4)
          (func (export "_start") (result i32) (local $i i32) (local $sum i32)
            (loop
              (i32.store8 (local.get $i) (i32.mul (local.get $i) (i32.const 7)))
              (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 200000))))
            (memory.copy (i32.const {to}) (i32.const {from})
              (i32.mul (call $param (i32.const 0)) (i32.const {length})))
            (local.set $i (i32.const 0))
            (loop
              (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                (i32.load8_u (local.get $i))))
              (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 262144))))
            (i32.and (local.get $sum) (i32.const 0x7fffffff))))"#
    )
}

#[test]
fn pieces_of_a_copy_are_the_whole_copy() {
    for (to, from, length) in [
        (0, 1, 150_000),
        (1, 0, 150_000),
        (40_000, 0, 150_000),
        (0, 40_000, 150_000),
        (0, 0, 150_000),
        (100_000, 0, 32_769),
        (0, 100_000, 65_536),
        (32_768, 0, 32_768),
    ] {
        let end = same(&copied(to, from, length), &[1]);
        assert!(
            matches!(end, Exit::Code(_)),
            "{to} {from} {length}: {end:?}"
        );
    }
    let beyond = same(&copied(200_000, 0, 62_145), &[1]);
    assert_eq!(beyond, Exit::Trap(Trap::MemoryOutOfBounds));
}

#[test]
fn pieces_of_a_segment_are_the_whole_segment() {
    let data: String = (0..100_000u32)
        .map(|i| format!("\\{:02x}", i * 3 % 251))
        .collect();
    let text = |to: u32, from: u32, length: u32| {
        format!(
            r#"(module
              (import "env" "param" (func $param (param i32) (result i32)))
              (memory 4) (data $d "{data}")
              (func (export "_start") (result i32) (local $i i32) (local $sum i32)
                (memory.init $d (i32.const {to}) (i32.const {from})
                  (i32.mul (call $param (i32.const 0)) (i32.const {length})))
                (loop
                  (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                    (i32.load8_u (local.get $i))))
                  (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                    (i32.const 262144))))
                (i32.and (local.get $sum) (i32.const 0x7fffffff))))"#
        )
    };
    for (to, from, length) in [(5, 0, 100_000), (0, 1, 99_999), (7, 7, 65_537)] {
        let end = same(&text(to, from, length), &[1]);
        assert!(matches!(end, Exit::Code(_)), "{end:?}");
    }
    for (to, from, length) in [(0, 1, 100_000), (200_000, 0, 70_000), (0, 0, -1i32 as u32)] {
        let end = same(&text(to, from, length), &[1]);
        assert_eq!(
            end,
            Exit::Trap(Trap::MemoryOutOfBounds),
            "{to} {from} {length}"
        );
    }
}

/// Guest that puts references in every third place of a table, does an operation, and exits with a
/// hash of the places of its references.
fn table(operation: &str) -> String {
    format!(
        r#"(module
          (import "env" "param" (func $param (param i32) (result i32)))
          (table $t 9000 funcref) (elem declare func $g) (func $g)
          (elem $e funcref {})
          (func (export "_start") (result i32) (local $i i32) (local $sum i32)
            (loop
              (table.set $t (i32.mul (local.get $i) (i32.const 3)) (ref.func $g))
              (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 2000))))
            {operation}
            (local.set $i (i32.const 0))
            (loop
              (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31))
                (ref.is_null (table.get $t (local.get $i)))))
              (br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                (i32.const 9000))))
            (i32.and (local.get $sum) (i32.const 0x7fffffff))))"#,
        "(ref.func $g) (ref.null func) ".repeat(3_000)
    )
}

#[test]
fn pieces_of_a_table_are_the_whole_table() {
    for operation in [
        "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 7000))",
        "(table.copy $t $t (i32.const 0) (call $param (i32.const 0)) (i32.const 7000))",
        "(table.copy $t $t (i32.const 3000) (call $param (i32.const 0)) (i32.const 5999))",
        "(table.fill $t (i32.const 100) (ref.func $g) (i32.mul (call $param (i32.const 0)) (i32.const 8000)))",
        "(table.init $t $e (i32.const 1000) (call $param (i32.const 0)) (i32.const 5999))",
    ] {
        let end = same(&table(operation), &[1]);
        assert!(matches!(end, Exit::Code(_)), "{operation}: {end:?}");
    }
}

/// No call follows that would find the exception.
#[test]
fn a_table_operation_out_of_bounds_traps_at_once() {
    for operation in [
        "(table.copy $t $t (i32.const 2000) (i32.const 0) (i32.const 7001))",
        "(table.copy $t $t (i32.const 0) (i32.const 8999) (i32.const 2))",
        "(table.fill $t (i32.const 1000) (ref.func $g) (i32.const 8001))",
        "(table.fill $t (i32.const 0xffffff00) (ref.func $g) (i32.const 0x2000))",
        "(table.init $t $e (i32.const 0) (i32.const 1) (i32.const 6000))",
        "(table.init $t $e (i32.const 8999) (i32.const 0) (i32.const 2))",
    ] {
        let end = same(&table(&format!("{operation} (loop (br 0))")), &[1]);
        assert_eq!(end, Exit::Trap(Trap::TableOutOfBounds), "{operation}");
    }
}

#[test]
fn rings_of_tail_calls_take_no_stack() {
    let ring = |types: &str, call: fn(&str) -> String| {
        let function = |name: &str, next: &str, code: i32| {
            format!(
                "(func ${name} (param i32) (result i32)
                   (if (i32.eqz (local.get 0)) (then (return (i32.const {code}))))
                   (i32.sub (local.get 0) (i32.const 1)) {})",
                call(next)
            )
        };
        format!(
            r#"(module {types} {} {} {}
              (func (export "_start") (result i32) (call $a (i32.const 3000001))))"#,
            function("a", "b", 5),
            function("b", "c", 6),
            function("c", "a", 7),
        )
    };
    assert_eq!(
        same(&ring("", |next| format!("(return_call ${next})")), &[]),
        Exit::Code(6)
    );
    let table = "(type $unary (func (param i32) (result i32)))
        (table 3 funcref) (elem (i32.const 0) $a $b $c)";
    let indirect = |next: &str| {
        let index = next.as_bytes()[0] - b'a';
        format!("(i32.const {index}) (return_call_indirect (type $unary))")
    };
    assert_eq!(same(&ring(table, indirect), &[]), Exit::Code(6));
}

/// Tail calls that can be no jumps take stack like plain calls, and give the same.
#[test]
fn tail_calls_with_many_values_give_what_calls_give() {
    let results = r#"(module
      (func $count (param i32 i32) (result i32 i64 f64)
        (if (i32.eqz (local.get 0)) (then
          (return (local.get 1) (i64.const 5) (f64.const 2.5))))
        (return_call $count (i32.sub (local.get 0) (i32.const 1))
          (i32.add (local.get 1) (i32.const 2))))
      (func (export "_start") (result i32) (local i64 f64)
        (call $count (i32.const 100) (i32.const 1)) (local.set 1) (local.set 0)
        (i32.add (i32.wrap_i64 (local.get 0)))
        (i32.add (i32.trunc_f64_s (local.get 1)))))"#;
    assert_eq!(same(results, &[]), Exit::Code(201 + 5 + 2));

    let parameters = "i32 ".repeat(12);
    let swapped: String = (0..12).rev().map(|i| format!("(local.get {i})")).collect();
    let sum: String = (2..12)
        .map(|i| format!("(i32.add (i32.mul (i32.const {i}) (local.get {i})))"))
        .collect();
    let arguments: String = (0..12).map(|i| format!("(i32.const {})", i + 40)).collect();
    let many = format!(
        r#"(module
          (global $left (mut i32) (i32.const 31))
          (func $many (param {parameters}) (result i32)
            (if (i32.eqz (global.get $left)) (then
              (return (i32.add (local.get 0) (local.get 1)) {sum})))
            (global.set $left (i32.sub (global.get $left) (i32.const 1)))
            {swapped} (return_call $many))
          (func (export "_start") (result i32) {arguments} (call $many)))"#
    );
    let expected = (51 + 50) + (2..12).map(|i| i * (51 - i)).sum::<i32>();
    assert_eq!(same(&many, &[]), Exit::Code(expected));
}

#[test]
fn extended_constant_expressions_give_what_the_interpreter_has() {
    let text = r#"(module
      (global $base i32 (i32.const 30))
      (global $sum i32 (i32.add (i32.mul (i32.const 3) (i32.const 4)) (i32.sub (i32.const 9)
        (i32.const 1))))
      (memory 1)
      (data (i32.add (i32.const 16) (i32.const 4)) "\07")
      (func (export "_start") (result i32)
        (i32.add (global.get $sum) (i32.load8_u (i32.const 20)))))"#;
    assert_eq!(same(text, &[]), Exit::Code(27));
}
