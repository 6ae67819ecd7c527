// SPDX-License-Identifier: Apache-2.0
//! Modules that reach the faults of WAMR's published advisories, as `docs/engine-advisories.md`
//! lists them. Each is refused, traps or runs; under the address sanitizer none is reported.

mod common;

use common::{PROGRAM, assemble, engine, refused, run_with};
use ocre::port::{Engine as _, Exit, LoadError, Program, Trap};
use ocre_wamr::RunInterrupt;

/// Slots of the fast interpreter's table of constants, of which an i64 takes two.
const CONSTANT_SLOTS: usize = 32_767;

/// A function with `different` i64 constants, each of them once, and then the first `again`
/// times more.
fn constants(different: usize, again: usize) -> Vec<u8> {
    let mut body = String::new();
    for value in 0..different {
        body += &format!("(drop (i64.const {value}))");
    }
    for _ in 0..again {
        body += "(drop (i64.const 1))";
    }
    assemble(&format!(
        r#"(module (func (export "_start") (result i32) {body} (i32.const 7)))"#
    ))
}

#[test]
fn cve_2026_54912_a_full_table_of_constants() {
    for (different, again) in [
        (CONSTANT_SLOTS / 2 - 1, 0),
        (CONSTANT_SLOTS / 2, 3000),
        (CONSTANT_SLOTS / 2 + 1, 3000),
        (CONSTANT_SLOTS, 1),
        (12, CONSTANT_SLOTS),
    ] {
        let code = constants(different, again);
        let memory = engine().code(&code).expect("memory");
        let loaded = engine().load(memory, &mut |_| ()).map(drop);
        match loaded {
            Ok(()) => {
                let ran = run_with(&code, &PROGRAM, &RunInterrupt::default());
                assert_eq!(ran.result, Ok(Exit::Code(7)), "{different} and {again}");
            }
            Err(error) => assert_ne!(error, LoadError::OutOfMemory, "{different} and {again}"),
        }
    }
}

#[test]
fn cve_2026_54912_a_function_of_a_usual_size_runs() {
    let code = constants(5000, 500);
    // The constants are in the function's frame.
    let program = Program {
        stack_bytes: 256 * 1024,
        ..PROGRAM
    };
    let ran = run_with(&code, &program, &RunInterrupt::default());
    assert_eq!(ran.result, Ok(Exit::Code(7)));
}

#[test]
fn cve_2026_54913_a_null_reference_of_no_reference_type() {
    let code = assemble(r#"(module (global funcref (ref.null func)) (func (export "_start")))"#);
    let null = [0xd0, 0x70, 0x0b];
    let at = code
        .windows(null.len())
        .position(|bytes| bytes == null)
        .expect("the constant expression");
    for reference_type in (0..=u8::MAX).filter(|byte| ![0x6f, 0x70].contains(byte)) {
        let mut wrong = code.clone();
        wrong[at + 1] = reference_type;
        let (error, words) = refused(&wrong);
        assert_ne!(
            error,
            LoadError::OutOfMemory,
            "{reference_type:#x}: {words}"
        );
    }
}

#[test]
fn cve_2025_64713_parameters_of_blocks_in_unreachable_code() {
    for block in ["block", "loop", "if"] {
        for parameter in ["i32", "i64", "f64", "funcref", "externref"] {
            let condition = if block == "if" { "(i32.const 1)" } else { "" };
            // An if without an else must return its parameters.
            let other = if block == "if" { "else drop" } else { "" };
            let one = format!("{condition} {block} (param {parameter}) drop {other} end");
            let filled = "(global.get $g)".repeat(40);
            let dropped = "drop ".repeat(40);
            let code = assemble(&format!(
                r#"(module
                  (global $g (mut i32) (i32.const 0))
                  (func (export "_start") (local i32)
                    {filled}
                    unreachable
                    {}
                    {dropped}))"#,
                one.repeat(60)
            ));
            let ran = run_with(&code, &PROGRAM, &RunInterrupt::default());
            assert_eq!(
                ran.result,
                Ok(Exit::Trap(Trap::Unreachable)),
                "{block} {parameter}"
            );
        }
    }
}

#[test]
fn cve_2025_64704_instructions_of_simd() {
    let code = assemble(
        r#"(module (memory 1) (func (export "_start")
          (v128.store (i32.const 0) (v128.const i64x2 1 2))))"#,
    );
    let (error, words) = refused(&code);
    assert_ne!(error, LoadError::OutOfMemory, "{words}");
}
