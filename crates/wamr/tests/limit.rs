// SPDX-License-Identifier: Apache-2.0
//! An engine with little of the system's memory refuses allocations that do not fit, and can
//! allocate again after a release.

use ocre::port::{Engine as _, Exit, Host, HostExit, Interrupt as _, LoadError, Program};
use ocre_wamr::{EngineOptions, PC_TARGET, RunInterrupt, WamrEngine};

const LIMIT: u32 = 1 << 20;

struct Nothing;

impl Host for Nothing {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        Ok(())
    }
}

/// Module with a number of functions, each of some instructions.
fn module(functions: usize) -> Vec<u8> {
    let body = "(drop (i32.add (i32.const 1) (i32.const 2)))".repeat(20);
    let all = format!("(func {body})").repeat(functions);
    let text = format!(r#"(module (memory (export "memory") 256) (func (export "_start")) {all})"#);
    wat::parse_str(text).unwrap()
}

fn run(engine: &WamrEngine, wasm: &[u8]) -> Result<Exit, LoadError> {
    let code = engine.code(wasm).ok_or(LoadError::OutOfMemory)?;
    let module = engine.load(code, &mut |_| {})?;
    let program = Program {
        entry: "_start",
        // Linear memory does not count.
        memory_bytes: 64 << 20,
        stack_bytes: 64 * 1024,
        instructions: None,
    };
    let interrupt = RunInterrupt::NEW;
    let ended = engine.run(module, &program, &mut Nothing, &interrupt, &mut || {});
    Ok(ended.expect("it starts"))
}

#[test]
fn what_does_not_fit_is_out_of_memory_and_takes_nothing_away() {
    let options = EngineOptions {
        limit_bytes: LIMIT,
        host_stack_bytes: 64 * 1024,
        aot: PC_TARGET,
        ..EngineOptions::default()
    };
    let engine = WamrEngine::start(&[], options).unwrap();
    assert!(engine.allocate(LIMIT as usize).is_none());
    let (small, large) = (module(10), module(4_000));
    assert!(large.len() < LIMIT as usize);
    // What leaks would add up to the limit long before the end.
    for _ in 0..200 {
        assert_eq!(run(&engine, &small), Ok(Exit::Code(0)));
    }
    for _ in 0..5 {
        assert_eq!(run(&engine, &large), Err(LoadError::OutOfMemory));
        assert_eq!(run(&engine, &small), Ok(Exit::Code(0)));
    }
}
