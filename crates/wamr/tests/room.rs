// SPDX-License-Identifier: Apache-2.0
//! Memory that host functions want behind the guest's own, and memory that a guest imports.

mod common;

use common::{PAGE, PROGRAM, Ran, Recorder, assemble, run, run_for, run_with};
use ocre::port::{Exit, Program, StartError};
use ocre_wamr::RunInterrupt;

const WANTED: u32 = 1000;

fn run_wanting(text: &str, memory_bytes: u32) -> Ran {
    let host = Recorder {
        wanted: WANTED,
        ..Recorder::default()
    };
    let program = Program {
        memory_bytes,
        ..PROGRAM
    };
    run_for(&assemble(text), &program, &RunInterrupt::default(), host)
}

/// Guest that fills the first byte of the host buffer, and returns the bytes of its memory.
fn guest(memory: &str, address: u32, more: &str) -> String {
    format!(
        r#"(module
            (import "env" "memory_bytes" (func $bytes (result i32)))
            (import "other" "fill" (func $fill (param i32 i32 i32) (result i32)))
            {memory}
            (func (export "_start") (result i32)
                {more}
                (drop (call $fill (i32.const {address}) (i32.const 1) (i32.const 7)))
                (if (i32.ne (i32.load8_u (i32.const {address})) (i32.const 7))
                    (then unreachable))
                (call $bytes)))"#
    )
}

#[test]
fn memory_that_cannot_grow_gets_just_the_room() {
    for (memory, pages) in [("(memory 1)", 1), ("(memory 2 3)", 2)] {
        let ran = run_wanting(&guest(memory, pages * PAGE, ""), 4 * PAGE);
        assert_eq!(ran.host.room, Some((pages * PAGE, WANTED)), "{memory}");
        // The engine rounds up to pages of the machine's.
        let bytes = (pages * PAGE + WANTED).next_multiple_of(4096) as i32;
        assert_eq!(ran.result, Ok(Exit::Code(bytes)), "{memory}");
    }
}

#[test]
fn memory_that_gives_its_layout_away_takes_less_than_a_page_with_the_room() {
    let memory = r#"(memory 1)
        (global $stack (mut i32) (i32.const 2048))
        (global (export "__data_end") i32 (i32.const 1024))
        (global (export "__heap_base") i32 (i32.const 2048))"#;
    let ran = run_wanting(&guest(memory, 2048, ""), 8 * 1024);
    assert_eq!(ran.host.room.map(|(_, bytes)| bytes), Some(WANTED));
    assert!(
        matches!(ran.result, Ok(Exit::Code(..=4096))),
        "{:?}",
        ran.result
    );
}

#[test]
fn memory_that_can_grow_gets_pages_more_and_grows_behind_them() {
    let grow = "(if (i32.ne (memory.grow (i32.const 1)) (i32.const 2)) (then unreachable))";
    let ran = run_wanting(&guest("(memory 1 8)", PAGE, grow), 3 * PAGE);
    assert_eq!(ran.host.room, Some((PAGE, WANTED)));
    assert_eq!(ran.result, Ok(Exit::Code(3 * PAGE as i32)));
}

#[test]
fn the_room_counts_against_the_limit() {
    let ran = run_wanting(&guest("(memory 1)", PAGE, ""), PAGE + WANTED - 1);
    assert_eq!(ran.result, Err(StartError::MemoryLimit));
}

#[test]
fn who_does_not_import_the_function_or_has_no_memory_gets_no_room() {
    let without = r#"(module
        (import "env" "memory_bytes" (func $bytes (result i32)))
        (memory 1) (func (export "_start") (result i32) (call $bytes)))"#;
    let ran = run_wanting(without, 4 * PAGE);
    assert_eq!(
        (ran.host.room, ran.result),
        (None, Ok(Exit::Code(PAGE as i32)))
    );
    let none = r#"(module
        (import "other" "fill" (func (param i32 i32 i32) (result i32)))
        (func (export "_start")))"#;
    let ran = run_wanting(none, 4 * PAGE);
    assert_eq!((ran.host.room, ran.result), (None, Ok(Exit::Code(0))));
}

#[test]
fn a_memory_that_is_imported_is_the_guests_own() {
    let importing = |more: &str| {
        format!(
            r#"(module
                (import "env" "memory" (memory {more}))
                (import "env" "memory_bytes" (func $bytes (result i32)))
                (import "other" "fill" (func $fill (param i32 i32 i32) (result i32)))
                (data (i32.const 8) "\05")
                (func (export "_start") (result i32)
                    (drop (call $fill (i32.const 0) (i32.const 4) (i32.const 1)))
                    (if (i32.ne (i32.load8_u (i32.const 8)) (i32.const 5)) (then unreachable))
                    (drop (memory.grow (i32.const 1)))
                    (if (i32.ne (i32.load (i32.const 0)) (i32.const 0x1010101))
                        (then unreachable))
                    (call $bytes)))"#
        )
    };
    assert_eq!(
        run(&importing("2 64")).result,
        Ok(Exit::Code(3 * PAGE as i32))
    );
    assert_eq!(
        run(&importing("4 64")).result,
        Ok(Exit::Code(4 * PAGE as i32))
    );
    assert_eq!(run(&importing("5 64")).result, Err(StartError::MemoryLimit));
    let ran = run_wanting(&importing("2 64"), 4 * PAGE);
    assert_eq!(ran.host.room, Some((2 * PAGE, WANTED)));
    assert_eq!(ran.result, Ok(Exit::Code(4 * PAGE as i32)));
}

#[test]
fn no_other_memory_can_be_imported() {
    for names in [r#""env" "other""#, r#""other" "memory""#] {
        let code = assemble(&format!(
            r#"(module (import {names} (memory 1)) (func (export "_start")))"#
        ));
        let ran = run_with(&code, &PROGRAM, &RunInterrupt::default());
        assert_eq!(ran.result, Err(StartError::Link), "{names}");
    }
}
