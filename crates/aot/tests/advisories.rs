// SPDX-License-Identifier: Apache-2.0
//! Modules that reach the faults of WAMR's published advisories in its compiler, as
//! `docs/engine-advisories.md` lists them.
#![cfg(all(have_llvm, target_arch = "x86_64"))]

use ocre::port::{Engine as _, Exit, Host, HostExit, Program, Trap};
use ocre_aot::{CompileOptions, Target, compile};
use ocre_wamr::{PC_TARGET, RunInterrupt, WamrEngine};

struct TrappingHost;

impl Host for TrappingHost {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        Err(HostExit::Trap(Trap::Host))
    }
}

#[test]
fn cve_2025_58749_a_constant_offset_beyond_two_gib() {
    let options = ocre_wamr::EngineOptions {
        pool: None,
        limit_bytes: 0,
        host_stack_bytes: 64 * 1024,
        aot: PC_TARGET,
        aot_elsewhere: false,
    };
    let engine = WamrEngine::start(&[], options).expect("the first start");
    let program = Program {
        entry: "_start",
        memory_bytes: 4 << 16,
        stack_bytes: 64 * 1024,
        instructions: None,
    };
    for (offset, bytes) in [(0x8000_0000_u32, 1), (0xffff_0000, 0x10000), (u32::MAX, 1)] {
        for body in [
            format!("(memory.fill (i32.const {offset}) (i32.const 1) (i32.const {bytes}))"),
            format!("(memory.copy (i32.const {offset}) (i32.const 0) (i32.const {bytes}))"),
            format!("(memory.copy (i32.const 0) (i32.const {offset}) (i32.const {bytes}))"),
        ] {
            // A memory that may be as large as that, and is not.
            let text = format!(
                r#"(module (memory (export "memory") 1 65536) (func (export "_start") {body}))"#
            );
            let wasm = wat::parse_str(&text).expect("the test's own text");
            let code = compile(&wasm, &CompileOptions::new(Target::X86_64)).expect("it compiles");
            let code = engine.code(&code).expect("memory");
            let module = engine
                .load(code, &mut |words| panic!("{words}"))
                .expect("it loads");
            let ended = engine.run(
                module,
                &program,
                &mut TrappingHost,
                &RunInterrupt::default(),
                &mut || (),
            );
            assert_eq!(ended, Ok(Exit::Trap(Trap::MemoryOutOfBounds)), "{text}");
        }
    }
}
