// SPDX-License-Identifier: Apache-2.0
//! Guests of the tests: assembled, compiled, and run on the real runtime.
// No test file uses all of it.
#![allow(dead_code)]

use std::sync::{Arc, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ocre::port::{
    Engine as _, Exit, Host, HostExit, HostFunction, HostModule, Interrupt as _, Program,
    StartError,
};
use ocre_aot::{CompileOptions, Error, Target, compile};
use ocre_wamr::{PC_TARGET, RunInterrupt, WamrEngine};

/// `param(i)` gives a number that the compiler cannot know.
static MODULES: &[HostModule] = &[HostModule {
    name: c"env",
    functions: &[HostFunction {
        name: c"param",
        signature: c"(i)i",
    }],
}];

pub struct Params<'a>(pub &'a [i32]);

impl Host for Params<'_> {
    fn call(&mut self, _: usize, _: &mut [u8], arguments: &mut [u64]) -> Result<(), HostExit> {
        let index = arguments[0] as usize;
        arguments[0] = u64::from(self.0[index].cast_unsigned());
        Ok(())
    }
}

pub fn engine() -> &'static WamrEngine {
    static ENGINE: OnceLock<WamrEngine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let options = ocre_wamr::EngineOptions {
            pool: None,
            limit_bytes: 0,
            host_stack_bytes: 64 * 1024,
            aot: PC_TARGET,
            aot_elsewhere: false,
        };
        WamrEngine::start(MODULES, options).expect("the first start")
    })
}

pub const PROGRAM: Program<'static> = Program {
    entry: "_start",
    memory_bytes: 4 << 16,
    stack_bytes: 256 * 1024,
    instructions: None,
};

pub fn run(code: &[u8], params: &[i32]) -> Exit {
    let memory = engine().code(code).expect("memory for the code");
    let module = engine()
        .load(memory, &mut |words| panic!("{words}"))
        .expect("it loads");
    engine()
        .run(
            module,
            &PROGRAM,
            &mut Params(params),
            &RunInterrupt::default(),
            &mut || (),
        )
        .expect("it starts")
}

pub fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own text")
}

pub fn aot(wasm: &[u8]) -> Vec<u8> {
    compile(wasm, &CompileOptions::new(Target::X86_64)).expect("it compiles")
}

/// A module whose `_start` has these locals and this body.
pub fn start(body: &str) -> String {
    format!(
        r#"(module
          (import "env" "param" (func $param (param i32) (result i32)))
          (memory (export "memory") 1 2)
          (func (export "_start") (result i32)
            (local $a i32) (local $b i32) (local $c i32) (local $d i32)
            {body}))"#
    )
}

/// Compiles at a level of optimisation.
pub fn aot_at(wasm: &[u8], opt_level: u8) -> Result<Vec<u8>, Error> {
    let mut options = CompileOptions::new(Target::X86_64);
    options.opt_level = opt_level;
    compile(wasm, &options)
}

/// Runs code on a new thread, stops it after `run_for`, and measures the time until
/// its end. `None` after a minute, which only a guest without a kill takes.
pub fn stop_after(
    code: Vec<u8>,
    run_for: Duration,
) -> Option<(Result<Exit, StartError>, Duration)> {
    let interrupt = Arc::new(RunInterrupt::default());
    let (tell, news) = mpsc::channel();
    thread::spawn({
        let interrupt = Arc::clone(&interrupt);
        move || {
            let code = engine().code(&code).expect("memory for the code");
            let module = engine().load(code, &mut |_| ()).expect("it loads");
            let mut host = Params(&[1, 1]);
            let exit = engine().run(module, &PROGRAM, &mut host, &*interrupt, &mut || ());
            tell.send(exit).expect("the test waits");
        }
    });
    if let Ok(exit) = news.recv_timeout(run_for) {
        return Some((exit, Duration::ZERO));
    }
    let told = Instant::now();
    interrupt.stop();
    let exit = news.recv_timeout(Duration::from_secs(60)).ok()?;
    Some((exit, told.elapsed()))
}
