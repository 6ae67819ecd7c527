// SPDX-License-Identifier: Apache-2.0
//! Parts of the language beyond the first version that guests may use: tail calls and extended
//! constant expressions.

mod common;

use std::thread;
use std::time::Duration;

use common::{PROGRAM, Ran, assemble, run, run_with};
use ocre::port::{Exit, Interrupt as _, Program, Trap};
use ocre_wamr::RunInterrupt;

/// Runs a guest whose entry point returns a number.
#[track_caller]
fn returns(text: &str, code: i32) {
    assert_eq!(run(text).result, Ok(Exit::Code(code)), "{text}");
}

#[test]
fn tail_calls_need_no_stack() {
    returns(
        r#"(module
        (func $sum (param $left i32) (param $sum i64) (result i64)
            (if (i32.eqz (local.get $left)) (then (return (local.get $sum))))
            (return_call $sum (i32.sub (local.get $left) (i32.const 1))
                (i64.add (local.get $sum) (i64.extend_i32_u (local.get $left)))))
        (func (export "_start") (result i32)
            (i64.eq (call $sum (i32.const 1000000) (i64.const 0)) (i64.const 500000500000))))"#,
        1,
    );
    returns(
        r#"(module (type $step (func (param i32) (result i32)))
        (table funcref (elem $even $odd))
        (func $even (type $step)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 2))))
            (return_call_indirect (type $step)
                (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
        (func $odd (type $step)
            (if (i32.eqz (local.get 0)) (then (return (i32.const 3))))
            (return_call_indirect (type $step)
                (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
        (func (export "_start") (result i32) (call $even (i32.const 300001))))"#,
        3,
    );
}

#[test]
fn tail_calls_take_and_give_what_calls_do() {
    returns(
        r#"(module
        (func $many (param i64 f32 i32 f64) (result i32)
            (local i64 i64 i64 i64)
            (i32.add (i32.wrap_i64 (local.get 0)) (i32.add (local.get 2)
                (i32.add (i32.trunc_f32_s (local.get 1)) (i32.trunc_f64_s (local.get 3))))))
        (func $few (result i32)
            (return_call $many (i64.const 1) (f32.const 2) (i32.const 3) (f64.const 4)))
        (func (export "_start") (result i32) (i32.mul (call $few) (call $few))))"#,
        100,
    );
}

#[test]
fn host_functions_can_be_tail_called() {
    for (body, first) in [
        // By the entry point, which nothing of the guest's called.
        (
            r#"(func (export "_start") (result i32)
                (return_call $add (i32.const 20) (i32.const 22)))"#,
            42,
        ),
        (
            r#"(func $sum (result i32) (return_call $add (i32.const 20) (i32.const 22)))
            (func (export "_start") (result i32) (i32.mul (call $sum) (i32.const 2)))"#,
            84,
        ),
        (
            r#"(table funcref (elem $add))
            (func (export "_start") (result i32) (return_call_indirect
                (param i32 i32) (result i32) (i32.const 1) (i32.const 2) (i32.const 0)))"#,
            3,
        ),
    ] {
        let text = format!(
            r#"(module (import "other" "add" (func $add (param i32 i32) (result i32))) {body})"#
        );
        returns(&text, first);
    }
    let ended = run(r#"(module (import "env" "exit" (func $exit (param i32)))
        (func (export "_start") (return_call $exit (i32.const 7))))"#);
    assert_eq!(ended.result, Ok(Exit::Code(7)));
    let trapped = run(r#"(module (import "env" "trap" (func $trap))
        (func (export "_start") (return_call $trap)))"#);
    assert_eq!(trapped.result, Ok(Exit::Trap(Trap::Host)));
}

#[test]
fn traps_of_tail_calls_are_told_apart() {
    let indirect = |index: u32| {
        run(&format!(
            r#"(module (table 3 3 funcref) (elem (i32.const 0) $other) (func $other (param i32))
            (func (export "_start") (return_call_indirect (i32.const {index}))))"#
        ))
        .result
    };
    assert_eq!(indirect(0), Ok(Exit::Trap(Trap::IndirectCallType)));
    assert_eq!(indirect(1), Ok(Exit::Trap(Trap::TableOutOfBounds)));
    assert_eq!(indirect(9), Ok(Exit::Trap(Trap::TableOutOfBounds)));
}

/// Tail calls without an end: of itself, of each other, through a table.
const ENDLESS: [&str; 3] = [
    r#"(module (func $f (export "_start") (return_call $f)))"#,
    r#"(module (func $f (export "_start") (return_call $g)) (func $g (return_call $f)))"#,
    r#"(module (table funcref (elem $f))
        (func $f (export "_start") (return_call_indirect (i32.const 0))))"#,
];

#[test]
fn endless_tail_calls_are_stopped() {
    for text in ENDLESS {
        let interrupt = RunInterrupt::default();
        let ran = thread::scope(|scope| {
            let interrupt = &interrupt;
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(20));
                interrupt.stop();
            });
            run_with(&assemble(text), &PROGRAM, interrupt).result
        });
        assert_eq!(ran, Ok(Exit::Stopped), "{text}");
    }
}

#[test]
fn tail_calls_are_counted_as_instructions() {
    for text in ENDLESS {
        let program = Program {
            instructions: Some(100_000),
            ..PROGRAM
        };
        let Ran { result, .. } = run_with(&assemble(text), &program, &RunInterrupt::default());
        assert_eq!(result, Ok(Exit::Trap(Trap::InstructionLimit)), "{text}");
    }
}

#[test]
fn extended_constants_are_evaluated() {
    returns(
        r#"(module (memory 1) (table 4 funcref)
        (global $a i32 (i32.add (i32.const 5) (i32.mul (i32.const 2) (i32.const 3))))
        (global $b (mut i64) (i64.sub (i64.const 1) (i64.const 1000000000000)))
        (global $c i32 (i32.sub (i32.mul (i32.const -2147483648) (i32.const 3)) (i32.const 1)))
        (data (offset (i32.add (i32.const 8) (i32.const 8))) "\2a")
        (elem (offset (i32.sub (i32.const 3) (i32.const 1))) $f)
        (func $f (result i32) (i32.load8_u (i32.const 16)))
        (func (export "_start") (result i32)
            (i32.and (i32.and (i32.eq (global.get $a) (i32.const 11))
                (i64.eq (global.get $b) (i64.const -999999999999)))
                (i32.and (i32.eq (global.get $c) (i32.const 2147483647))
                (i32.eq (call_indirect (result i32) (i32.const 2)) (i32.const 42))))))"#,
        1,
    );
    // As long as an expression may be, in both directions.
    let left = "(i32.add ".repeat(16) + "(i32.const 1)" + &" (i32.const 1))".repeat(16);
    let right = "(i32.add (i32.const 1) ".repeat(16) + "(i32.const 1)" + &")".repeat(16);
    for value in [left, right] {
        let text = format!(
            r#"(module (global i32 {value})
            (func (export "_start") (result i32) (global.get 0)))"#
        );
        returns(&text, 17);
    }
}
