// SPDX-License-Identifier: Apache-2.0
//! Modules whose linker put `__heap_base`, `__data_end` and the stack at unusual places:
//! compiled code starts and ends as it does interpreted.
#![cfg(all(have_llvm, target_arch = "x86_64"))]

use std::sync::OnceLock;

use ocre::port::{Engine as _, Exit, Host, HostExit, Program, StartError, Trap};
use ocre_aot::{CompileOptions, Target, compile};
use ocre_wamr::{PC_TARGET, RunInterrupt, WamrEngine};

/// Most of linear memory.
const MEMORY_BYTES: u32 = 4 << 16;

struct UncalledHost;

impl Host for UncalledHost {
    fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
        unreachable!("nothing is imported")
    }
}

fn engine() -> &'static WamrEngine {
    static ENGINE: OnceLock<WamrEngine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let options = ocre_wamr::EngineOptions {
            pool: None,
            limit_bytes: 0,
            host_stack_bytes: 64 * 1024,
            aot: PC_TARGET,
            aot_elsewhere: false,
        };
        WamrEngine::start(&[], options).expect("the first start")
    })
}

fn run(code: &[u8]) -> Result<Exit, StartError> {
    let memory = engine().code(code).expect("memory for the code");
    let module = engine()
        .load(memory, &mut |words| panic!("{words}"))
        .expect("it loads");
    let program = Program {
        entry: "_start",
        memory_bytes: MEMORY_BYTES,
        stack_bytes: 256 * 1024,
        instructions: None,
    };
    engine().run(
        module,
        &program,
        &mut UncalledHost,
        &RunInterrupt::default(),
        &mut || (),
    )
}

/// Runs a module interpreted and compiled at each level: one result.
fn both(text: &str) -> Result<Exit, StartError> {
    let wasm = wat::parse_str(text).expect("the test's own text");
    let interpreted = run(&wasm);
    for level in 0..=3 {
        let mut options = CompileOptions::new(Target::X86_64);
        options.opt_level = level;
        let code = compile(&wasm, &options).expect("it compiles");
        assert_eq!(run(&code), interpreted, "level {level}: {text}");
    }
    interpreted
}

/// A module with these globals, of which `$sp` is the stack pointer, and this `_start`.
fn module(globals: &str, body: &str) -> String {
    format!(
        r#"(module (memory (export "memory") 1) {globals}
             (func (export "_start") (result i32) (local i32) {body}))"#
    )
}

fn globals(stack: &str, heap_base: &str, data_end: &str) -> String {
    format!(
        r#"(global $sp (mut i32) (i32.const {stack}))
           (global (export "__heap_base") i32 (i32.const {heap_base}))
           (global (export "__data_end") i32 (i32.const {data_end}))"#
    )
}

/// Takes 64 bytes of the stack, writes to both ends of them, and gives the pointer.
const USE_STACK: &str = "(local.set 0 (i32.sub (global.get $sp) (i32.const 64)))
    (global.set $sp (local.get 0))
    (i32.store (local.get 0) (i32.const 7))
    (i32.store offset=60 (local.get 0) (i32.const 7))
    (global.set $sp (i32.add (local.get 0) (i32.const 64)))
    (local.get 0)";

#[test]
fn a_stack_that_ends_where_no_data_are_is_one() {
    let globals = globals("4096", "4096", "4096");
    assert_eq!(both(&module(&globals, USE_STACK)), Ok(Exit::Code(4032)));
}

#[test]
fn a_stack_has_its_whole_size_wherever_it_is() {
    for (stack, heap_base, data_end) in [
        ("4096", "4096", "4096"),    // first, no data
        ("4096", "8192", "8192"),    // first, data behind
        ("4096", "65536", "4096"),   // first, the heap to the end
        ("4096", "4112", "4097"),    // first, a byte of data
        ("8192", "8192", "1024"),    // behind data
        ("8192", "8192", "0"),       // behind no data
        ("65536", "65536", "65536"), // the whole page
        ("65536", "65536", "1024"),
        ("16", "65536", "65536"),
    ] {
        // Down by 16 bytes at a time: the last one that fits, then the trap.
        let body = "(loop $more
                (local.set 0 (i32.sub (global.get $sp) (i32.const 16)))
                (global.set $sp (local.get 0))
                (i32.store (local.get 0) (i32.const 1))
                (br $more))
            (i32.const 0)";
        let text = module(&globals(stack, heap_base, data_end), body);
        assert_eq!(
            both(&text),
            Ok(Exit::Trap(Trap::StackOverflow)),
            "{stack} {heap_base} {data_end}"
        );
    }
}

#[test]
fn stacks_at_the_edges_of_memory_are_as_for_the_interpreter() {
    let addresses = ["0", "8", "64", "4096", "65528", "65536", "131072", "-1"];
    for stack in ["0", "64", "4096", "65552"] {
        for heap_base in addresses {
            for data_end in addresses {
                let globals = globals(stack, heap_base, data_end);
                let _ = both(&module(&globals, USE_STACK));
            }
        }
    }
}

#[test]
fn the_end_of_memory_is_where_the_interpreters_is() {
    for heap_base in ["0", "8", "4096", "5000", "65528", "65536", "131072"] {
        let globals = globals("0", heap_base, "0");
        for address in ["0", "7", "4092", "4096", "8188", "65532", "65533"] {
            let load = format!("(i32.load (i32.const {address}))");
            let _ = both(&module(&globals, &load));
            let size = format!("(drop (i32.load (i32.const {address}))) (memory.size)");
            let _ = both(&module(&globals, &size));
        }
    }
}

#[test]
fn globals_that_no_linker_makes_are_only_globals() {
    for others in [
        // mutable
        r#"(global (export "__heap_base") (mut i32) (i32.const 4096))
           (global (export "__data_end") (mut i32) (i32.const 4096))"#,
        // only one of the two
        r#"(global (export "__heap_base") i32 (i32.const 4096))"#,
        r#"(global (export "__data_end") i32 (i32.const 4096))"#,
        // neither
        "",
        // another type
        r#"(global (export "__heap_base") i64 (i64.const 4096))
           (global (export "__data_end") i64 (i64.const 4096))"#,
        // the other order
        r#"(global (export "__data_end") i32 (i32.const 4096))
           (global (export "__heap_base") i32 (i32.const 4096))"#,
        // data behind the heap
        r#"(global (export "__heap_base") i32 (i32.const 1024))
           (global (export "__data_end") i32 (i32.const 4096))"#,
    ] {
        let globals = format!("(global $sp (mut i32) (i32.const 4096)) {others}");
        assert_eq!(
            both(&module(&globals, USE_STACK)),
            Ok(Exit::Code(4032)),
            "{others}"
        );
    }
}

#[test]
fn a_module_without_a_stack_pointer_starts() {
    let text = r#"(module (memory (export "memory") 1)
        (global (export "__heap_base") i32 (i32.const 4096))
        (global (export "__data_end") i32 (i32.const 4096))
        (func (export "_start") (result i32) (i32.load8_u (i32.const 4095))))"#;
    assert_eq!(both(text), Ok(Exit::Code(0)));
}

#[test]
fn a_memory_that_grows_keeps_its_pages() {
    let globals = globals("4096", "4096", "4096");
    let grow = "(drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 131068) (i32.const 5))
        (memory.size)";
    let text = module(&globals, grow).replace("\"memory\") 1", "\"memory\") 1 2");
    assert_eq!(both(&text), Ok(Exit::Code(2)));
}
