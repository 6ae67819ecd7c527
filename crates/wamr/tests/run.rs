// SPDX-License-Identifier: Apache-2.0
//! Runs of guests: exit codes, traps, limits, imports.

mod common;

use common::{PAGE, PROGRAM, Recorder, assemble, engine, refused, run, run_with};
use ocre::port::{Engine as _, Exit, Interrupt, LoadError, Program, StartError, Trap};
use ocre_wamr::{EngineError, EngineOptions, RunInterrupt, WamrEngine};

/// A module whose `_start` is `body`.
fn guest(body: &str) -> String {
    format!("(module (memory 1 2) (table 2 funcref) (func (export \"_start\") {body}))")
}

#[test]
fn an_entry_without_result_ends_with_code_0() {
    let ran = run(&guest("nop"));
    assert_eq!(ran.result, Ok(Exit::Code(0)));
    assert!(ran.started);
}

#[test]
fn an_entry_with_an_i32_ends_with_that_code() {
    let ran = run("(module (func (export \"_start\") (result i32) i32.const -7))");
    assert_eq!(ran.result, Ok(Exit::Code(-7)));
}

#[test]
fn a_host_function_reads_memory_and_gets_the_guests_arguments() {
    let ran = run(r#"(module
        (import "env" "write" (func $write (param i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 16) "hello")
        (func (export "_start") (call $write (i32.const 16) (i32.const 5))))"#);
    assert_eq!(ran.result, Ok(Exit::Code(0)));
    assert_eq!(ran.host.written, b"hello");
    assert_eq!(ran.host.arguments, [16, 5]);
}

#[test]
fn a_host_function_writes_memory_and_gives_a_result() {
    let ran = run(r#"(module
        (import "other" "fill" (func $fill (param i32 i32 i32) (result i32)))
        (memory 1)
        (func (export "_start") (result i32)
            (i32.add
                (call $fill (i32.const 8) (i32.const 4) (i32.const 3))
                (i32.load (i32.const 8)))))"#);
    assert_eq!(ran.result, Ok(Exit::Code(0x0303_0303)));
}

#[test]
fn every_value_type_reaches_a_host_function_in_one_element() {
    let ran = run(r#"(module
        (import "other" "mix" (func $mix (param i32 i64 f32 f64) (result i64)))
        (func (export "_start") (result i32)
            (i64.eq
                (call $mix (i32.const -1) (i64.const 1) (f32.const 1.5) (f64.const -2))
                (i64.const 0x1_0000_0000))))"#);
    assert_eq!(ran.result, Ok(Exit::Code(1)));
    let expected = [
        u64::from(u32::MAX),
        1,
        u64::from(1.5_f32.to_bits()),
        (-2.0_f64).to_bits(),
    ];
    assert_eq!(ran.host.arguments, expected);
}

#[test]
fn a_host_function_sees_memory_as_it_has_grown() {
    let ran = run(r#"(module
        (import "env" "memory_bytes" (func $bytes (result i32)))
        (memory 1 4)
        (func (export "_start") (result i32)
            (drop (memory.grow (i32.const 2)))
            (call $bytes)))"#);
    assert_eq!(ran.result, Ok(Exit::Code(3 * PAGE as i32)));
}

#[test]
fn a_guest_without_memory_calls_host_functions_with_none() {
    let ran = run(r#"(module
        (import "env" "memory_bytes" (func $bytes (result i32)))
        (func (export "_start") (result i32) (call $bytes)))"#);
    assert_eq!(ran.result, Ok(Exit::Code(0)));
}

#[test]
fn a_halt_ends_the_guest_at_once_from_any_depth() {
    let halted = |name: &str, call: &str| {
        let ran = run(&format!(
            r#"(module
                (import "env" "{name}" (func $halt {call}))
                (import "env" "write" (func $write (param i32 i32)))
                (memory 1)
                (func $deep (param i32)
                    (if (local.get 0)
                        (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
                        (else {} (call $halt)))
                    (call $write (i32.const 0) (i32.const 1)))
                (func (export "_start") (call $deep (i32.const 20))))"#,
            if call.is_empty() {
                ""
            } else {
                "(i32.const 42)"
            }
        ));
        assert_eq!(ran.host.calls, 1, "{name}");
        ran.result
    };
    assert_eq!(halted("exit", "(param i32)"), Ok(Exit::Code(42)));
    assert_eq!(halted("trap", ""), Ok(Exit::Trap(Trap::Host)));
    assert_eq!(halted("blocked", ""), Ok(Exit::Stopped));
}

#[test]
fn each_trap_has_its_kind() {
    let cases = [
        ("unreachable", Trap::Unreachable),
        (
            "(drop (i32.load (i32.const 65533)))",
            Trap::MemoryOutOfBounds,
        ),
        (
            "(i64.store offset=4294967295 (i32.const -1) (i64.const 0))",
            Trap::MemoryOutOfBounds,
        ),
        (
            "(memory.fill (i32.const 65000) (i32.const 0) (i32.const 1000))",
            Trap::MemoryOutOfBounds,
        ),
        (
            "(drop (i32.div_s (i32.const 1) (i32.const 0)))",
            Trap::DivideByZero,
        ),
        (
            "(drop (i64.rem_u (i64.const 1) (i64.const 0)))",
            Trap::DivideByZero,
        ),
        (
            "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
            Trap::IntegerOverflow,
        ),
        (
            "(drop (i32.trunc_f32_s (f32.const nan)))",
            Trap::InvalidConversion,
        ),
        (
            "(drop (i32.trunc_f64_s (f64.const 1e30)))",
            Trap::IntegerOverflow,
        ),
        ("(call_indirect (i32.const 5))", Trap::TableOutOfBounds),
        ("(call_indirect (i32.const 1))", Trap::TableOutOfBounds),
        ("(drop (table.get 0 (i32.const 2)))", Trap::TableOutOfBounds),
    ];
    for (body, trap) in cases {
        assert_eq!(run(&guest(body)).result, Ok(Exit::Trap(trap)), "{body}");
    }
    let ran = run("(module (table funcref (elem $f)) (func $f (param i64))
        (func (export \"_start\") (call_indirect (i32.const 0))))");
    assert_eq!(ran.result, Ok(Exit::Trap(Trap::IndirectCallType)));
}

#[test]
fn endless_recursion_is_a_stack_overflow_and_the_thread_lives_on() {
    let text = "(module (func $f (export \"_start\") (call $f)))";
    for stack_bytes in [0, 100, 4096, 1024 * 1024] {
        let program = Program {
            stack_bytes,
            ..PROGRAM
        };
        let ran = run_with(&assemble(text), &program, &RunInterrupt::default());
        assert_eq!(
            ran.result,
            Ok(Exit::Trap(Trap::StackOverflow)),
            "{stack_bytes}"
        );
    }
}

#[test]
fn memory_grows_to_the_limit_and_no_further() {
    let grow = |memory: &str, pages: i32, memory_bytes: u32| {
        let text = format!(
            "(module (memory {memory}) (func (export \"_start\") (result i32)
                (memory.grow (i32.const {pages}))))"
        );
        let program = Program {
            memory_bytes,
            ..PROGRAM
        };
        run_with(&assemble(&text), &program, &RunInterrupt::default()).result
    };
    assert_eq!(grow("1", 3, 4 * PAGE), Ok(Exit::Code(1)));
    assert_eq!(grow("1", 4, 4 * PAGE), Ok(Exit::Code(-1)));
    assert_eq!(grow("1", 3, 4 * PAGE - 1), Ok(Exit::Code(-1)));
    assert_eq!(grow("1 2", 2, 4 * PAGE), Ok(Exit::Code(-1)));
    assert_eq!(grow("0", 1, PAGE - 1), Ok(Exit::Code(-1)));
    assert_eq!(grow("0", 65536, u32::MAX), Ok(Exit::Code(-1)));
    assert_eq!(grow("1", -1, 4 * PAGE), Ok(Exit::Code(-1)));
    assert_eq!(grow("5", 0, 4 * PAGE), Err(StartError::MemoryLimit));
    assert_eq!(grow("1", 0, PAGE - 1), Err(StartError::MemoryLimit));
    assert_eq!(grow("65536", 0, u32::MAX), Err(StartError::MemoryLimit));
}

#[test]
fn a_guest_that_gives_its_layout_away_takes_less_than_a_page() {
    let ran = run_with(
        &assemble(
            r#"(module
                (import "env" "memory_bytes" (func $bytes (result i32)))
                (memory 1)
                (global $stack (mut i32) (i32.const 2048))
                (global (export "__data_end") i32 (i32.const 1024))
                (global (export "__heap_base") i32 (i32.const 2048))
                (func (export "_start") (result i32) (call $bytes)))"#,
        ),
        &Program {
            memory_bytes: 8 * 1024,
            ..PROGRAM
        },
        &RunInterrupt::default(),
    );
    assert_eq!(ran.result, Ok(Exit::Code(4096)));
}

#[test]
fn an_import_that_is_no_host_function_is_a_link_error() {
    for import in [
        r#"(import "env" "nothing" (func))"#,
        r#"(import "nowhere" "write" (func (param i32 i32)))"#,
        r#"(import "env" "write" (func (param i32 i64)))"#,
        r#"(import "env" "write" (func (param i32 i32) (result i32)))"#,
        r#"(import "env" "memory_bytes" (func))"#,
        r#"(import "env" "g" (global i32))"#,
    ] {
        let ran = run(&format!("(module {import} (func (export \"_start\")))"));
        assert_eq!(ran.result, Err(StartError::Link), "{import}");
        assert!(!ran.started);
    }
}

#[test]
fn the_entry_must_be_a_function_of_the_module_that_takes_nothing() {
    for export in [
        "(func (export \"other\"))",
        "(func (export \"_start\") (param i32))",
        "(func (export \"_start\") (result i64) (i64.const 0))",
        "(func (export \"_start\") (result i32 i32) (i32.const 0) (i32.const 0))",
        "(global (export \"_start\") i32 (i32.const 0))",
        "(import \"env\" \"trap\" (func $t)) (export \"_start\" (func $t))",
    ] {
        let ran = run(&format!("(module {export})"));
        assert_eq!(ran.result, Err(StartError::Entry), "{export}");
        assert!(!ran.started);
    }
}

#[test]
fn a_data_segment_outside_the_memory_fails_instantiation() {
    let ran = run("(module (memory 1) (data (i32.const 65535) \"ab\")
        (func (export \"_start\")))");
    assert_eq!(ran.result, Err(StartError::Instantiate));
    assert!(!ran.started);
}

#[test]
fn tables_too_large_for_any_guest_are_refused() {
    let large = assemble("(module (table 10000000 funcref) (func (export \"_start\")))");
    let (error, words) = refused(&large);
    assert_eq!(error, LoadError::Limit);
    assert!(
        words.starts_with("more than 100000 table elements"),
        "{words}"
    );
}

#[test]
fn start_function_then_initialiser_then_entry() {
    let order = |entry: &str| {
        let text = format!(
            r#"(module
                (import "env" "write" (func $write (param i32 i32)))
                (memory 1) (data (i32.const 0) "sice")
                (start $s)
                (func $s (call $write (i32.const 0) (i32.const 1)))
                (func (export "_initialize") (call $write (i32.const 1) (i32.const 1)))
                (func (export "__wasm_call_ctors") (call $write (i32.const 2) (i32.const 1)))
                (func (export "__post_instantiate") unreachable)
                (func (export "{entry}") (call $write (i32.const 3) (i32.const 1))))"#
        );
        let ran = run_with(
            &assemble(&text),
            &Program { entry, ..PROGRAM },
            &RunInterrupt::default(),
        );
        assert_eq!(ran.result, Ok(Exit::Code(0)));
        String::from_utf8(ran.host.written).expect("letters")
    };
    assert_eq!(order("_start"), "se");
    assert_eq!(order("tick"), "sie");
}

#[test]
fn a_trap_or_halt_in_the_start_function_ends_the_run() {
    let ran = run("(module (start $s) (func $s unreachable) (func (export \"_start\")))");
    assert_eq!(ran.result, Ok(Exit::Trap(Trap::Unreachable)));
    let ran = run(r#"(module (import "env" "exit" (func $exit (param i32)))
        (start $s) (func $s (call $exit (i32.const 3))) (func (export "_start")))"#);
    assert_eq!(ran.result, Ok(Exit::Code(3)));
}

#[test]
fn the_instruction_budget_is_kept() {
    let limited = |body: &str, instructions| {
        let program = Program {
            instructions: Some(instructions),
            ..PROGRAM
        };
        run_with(&assemble(&guest(body)), &program, &RunInterrupt::default()).result
    };
    let limit = Ok(Exit::Trap(Trap::InstructionLimit));
    assert_eq!(limited("(loop (br 0))", 100_000), limit);
    assert_eq!(limited("(loop (br 0))", 0), limit);
    assert_eq!(limited("nop", 100_000), Ok(Exit::Code(0)));
    assert_eq!(limited("nop", u64::MAX), Ok(Exit::Code(0)));
}

#[test]
fn what_is_no_module_is_refused_with_words() {
    let good = assemble(&guest("nop"));
    for length in 0..good.len() {
        // A cut at the end of a section leaves a module, if a smaller one.
        let cut = engine().code(&good[..length]).expect("memory");
        if engine().load(cut, &mut |_| ()).is_err() {
            let (error, words) = refused(&good[..length]);
            assert_eq!(error, LoadError::Invalid, "{length}");
            assert!(!words.is_empty(), "{length}");
        }
    }
    assert_eq!(refused(b"").0, LoadError::Invalid);
    assert_eq!(refused(b"\x7fELF\x02\x01\x01\0").0, LoadError::Invalid);
    let untyped = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x05\x01\x03\0\x6a\x0b";
    assert_eq!(refused(untyped).0, LoadError::Invalid);
}

#[test]
fn imports_and_exports_are_shown_as_declared() {
    let code = assemble(
        r#"(module
            (import "env" "write" (func (param i32 i32)))
            (import "no" "such" (func (param f32 f64 i64) (result i64)))
            (memory (export "memory") 3)
            (table (export "table") 1 funcref)
            (global (export "global") i32 (i32.const 0))
            (func (export "many") (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
                i32 i32 i32 i32))
            (func (export "__wasm_call_ctors")))"#,
    );
    let code = engine().code(&code).expect("memory");
    let module = engine().load(code, &mut |_| ()).expect("valid");
    let mut seen = Vec::new();
    engine().imports(&module, &mut |module, name, what| {
        seen.push(format!("{module}.{name} {what:?}"))
    });
    engine().exports(&module, &mut |name, what| {
        seen.push(format!("{name} {what:?}"));
    });
    assert_eq!(
        seen,
        [
            r#"env.write Function { signature: "(ii)" }"#,
            r#"no.such Function { signature: "(fFI)I" }"#,
            "memory Memory { minimum_pages: 3 }",
            "table Table",
            "global Global",
            // A function with 17 parameters.
            r#"many Function { signature: "(iiiiiiiiiiiiiii?)" }"#,
            r#"__wasm_call_ctors Function { signature: "()" }"#,
        ]
    );
    assert_eq!(engine().minimum_pages(&module), 3);
}

#[test]
fn a_module_keeps_nothing_of_its_bytes() {
    let text = r#"(module
        (import "env" "write" (func $write (param i32 i32)))
        (memory (export "memory") 1)
        (data (i32.const 8) "active ")
        (data $passive "passive")
        (func (export "_start")
            (memory.init $passive (i32.const 15) (i32.const 0) (i32.const 7))
            (data.drop $passive)
            (call $write (i32.const 8) (i32.const 14))))"#;
    let bytes = assemble(text);
    let code = engine().code(&bytes).expect("memory");
    let module = engine().load(code, &mut |_| ()).expect("valid");
    // Memory that was freed is taken again, and written to.
    let scribble = || {
        let sizes = [8, 16, 32, 64, 96, 128, 160, bytes.len()];
        let mut taken = Vec::new();
        for size in sizes.into_iter().cycle().take(64) {
            taken.push(engine().code(&vec![0xff; size]).expect("memory"));
        }
        taken
    };
    let kept = scribble();
    let mut host = Recorder::default();
    let interrupt = RunInterrupt::default();
    let mut more = Vec::new();
    let exit = engine().run(module, &PROGRAM, &mut host, &interrupt, &mut || {
        more = scribble();
    });
    assert_eq!(exit, Ok(Exit::Code(0)));
    assert_eq!(str::from_utf8(&host.written), Ok("active passive"));
    assert!(
        kept.iter()
            .chain(&more)
            .all(|memory| memory.iter().all(|byte| *byte == 0xff))
    );
}

#[test]
fn a_small_native_stack_is_an_error_not_a_crash() {
    let run = || run(&guest("nop")).result;
    let result = std::thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no panic");
    assert_eq!(result, Err(StartError::Stack));
}

#[test]
fn a_second_engine_is_refused() {
    engine();
    let second = WamrEngine::start(&[], EngineOptions::default());
    assert_eq!(second.err(), Some(EngineError::AlreadyStarted));
}

#[test]
fn a_stop_before_the_run_ends_it_before_any_guest_code() {
    let interrupt = RunInterrupt::default();
    interrupt.stop();
    let ran = run_with(&assemble(&guest("unreachable")), &PROGRAM, &interrupt);
    assert_eq!(ran.result, Ok(Exit::Stopped));
}
