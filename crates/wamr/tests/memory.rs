// SPDX-License-Identifier: Apache-2.0
//! A run gives its memory back. This is a separate program, because it measures the whole process.

mod common;

use common::{PROGRAM, assemble, run_with};
use ocre::port::{Exit, Trap};
use ocre_wamr::RunInterrupt;

#[test]
fn a_thousand_runs_leave_the_memory_flat() {
    let code = assemble(
        r#"(module
            (import "other" "add" (func $add (param i32 i32) (result i32)))
            (memory 2 4) (table 100 funcref) (elem (i32.const 0) $f $f)
            (func $f unreachable)
            (func (export "_start")
                (drop (memory.grow (i32.const 1)))
                (drop (call $add (i32.const 1) (i32.const 2)))
                (call_indirect (i32.const 0))))"#,
    );
    let cycle = || {
        let exit = run_with(&code, &PROGRAM, &RunInterrupt::default()).result;
        assert_eq!(exit, Ok(Exit::Trap(Trap::Unreachable)));
    };
    // Caches of the allocator and of the thread settle first.
    (0..100).for_each(|_| cycle());
    let before = resident_pages();
    (0..1000).for_each(|_| cycle());
    let after = resident_pages();
    // A leak of 270 bytes in each run would show; an instance alone takes kilobytes.
    assert!(after <= before + 64, "{before} pages before, {after} after");
}

/// Pages of this process that are in memory.
fn resident_pages() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    status
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("a number")
}
