// SPDX-License-Identifier: Apache-2.0
//! The engine of the process, a host that records the calls of guests, and guests from text.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::ffi::CStr;
use std::sync::OnceLock;

use ocre::port::{
    Engine as _, Exit, Host, HostExit, HostFunction, HostModule, LoadError, Program, StartError,
    Trap,
};
use ocre_wamr::{EngineOptions, PC_TARGET, RunInterrupt, WamrEngine};

pub const PAGE: u32 = 64 * 1024;

const fn function(name: &'static CStr, signature: &'static CStr) -> HostFunction {
    HostFunction { name, signature }
}

const ENV: &[HostFunction] = &[
    function(c"write", c"(ii)"),
    function(c"exit", c"(i)"),
    function(c"trap", c"()"),
    function(c"blocked", c"()"),
    function(c"memory_bytes", c"()i"),
];
const OTHER: &[HostFunction] = &[
    function(c"mix", c"(iIfF)I"),
    function(c"fill", c"(iii)i"),
    function(c"add", c"(ii)i"),
];

/// Two import modules, out of alphabetical order, so that a mix-up of indices shows.
pub static MODULES: &[HostModule] = &[
    HostModule {
        name: c"env",
        functions: ENV,
    },
    HostModule {
        name: c"other",
        functions: OTHER,
    },
];

fn name_of(function: usize) -> &'static str {
    let mut functions = ENV.iter().chain(OTHER);
    functions.nth(function).expect("in the table").name()
}

pub fn engine() -> &'static WamrEngine {
    static ENGINE: OnceLock<WamrEngine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let options = EngineOptions {
            pool: None,
            limit_bytes: 0,
            host_stack_bytes: 64 * 1024,
            aot: PC_TARGET,
            aot_elsewhere: false,
        };
        WamrEngine::start(MODULES, options).expect("the first start")
    })
}

#[derive(Default)]
pub struct Recorder {
    pub written: Vec<u8>,
    pub calls: u32,
    pub arguments: Vec<u64>,
    /// Bytes of the host buffer for `fill`.
    pub wanted: u32,
    /// Address and size of the host buffer.
    pub room: Option<(u32, u32)>,
}

impl Host for Recorder {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit> {
        self.calls += 1;
        self.arguments = arguments.to_vec();
        match name_of(function) {
            "write" => {
                let (start, bytes) = (arguments[0] as usize, arguments[1] as usize);
                match memory.get(start..start + bytes) {
                    Some(text) => self.written.extend_from_slice(text),
                    None => return Err(HostExit::Trap(Trap::Host)),
                }
            }
            "exit" => return Err(HostExit::Exit(arguments[0] as u32 as i32)),
            "trap" => return Err(HostExit::Trap(Trap::Host)),
            "blocked" => return Err(HostExit::Stopped),
            "memory_bytes" => arguments[0] = memory.len() as u64,
            "mix" => arguments[0] = arguments[1].wrapping_add(arguments[0]),
            "fill" => {
                let (start, bytes) = (arguments[0] as usize, arguments[1] as usize);
                match memory.get_mut(start..start + bytes) {
                    Some(text) => text.fill(arguments[2] as u8),
                    None => return Err(HostExit::Trap(Trap::Host)),
                }
                arguments[0] = 0;
            }
            "add" => {
                arguments[0] = (arguments[0] as u32)
                    .wrapping_add(arguments[1] as u32)
                    .into()
            }
            name => unreachable!("{name} is not in the table"),
        }
        Ok(())
    }

    fn host_buffer_len(&self, function: usize) -> u32 {
        match name_of(function) {
            "fill" => self.wanted,
            _ => 0,
        }
    }

    fn attach_host_buffer(&mut self, function: usize, address: u32, bytes: u32) {
        assert_eq!(name_of(function), "fill");
        self.room = Some((address, bytes));
    }
}

pub fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the test's own text")
}

pub const PROGRAM: Program<'static> = Program {
    entry: "_start",
    memory_bytes: 4 * PAGE,
    stack_bytes: 16 * 1024,
    instructions: None,
};

pub struct Ran {
    pub result: Result<Exit, StartError>,
    pub started: bool,
    pub host: Recorder,
}

/// Loads and runs code on this thread.
pub fn run_with(code: &[u8], program: &Program<'_>, interrupt: &RunInterrupt) -> Ran {
    run_for(code, program, interrupt, Recorder::default())
}

/// Loads and runs code with a given host.
pub fn run_for(
    code: &[u8],
    program: &Program<'_>,
    interrupt: &RunInterrupt,
    mut host: Recorder,
) -> Ran {
    let memory = engine().code(code).expect("memory for the code");
    let mut words = String::new();
    let module = engine()
        .load(memory, &mut |text| words.push_str(text))
        .unwrap_or_else(|error| panic!("{error:?}: {words}"));
    let mut started = false;
    let result = engine().run(module, program, &mut host, interrupt, &mut || {
        started = true
    });
    Ran {
        result,
        started,
        host,
    }
}

pub fn run(text: &str) -> Ran {
    run_with(&assemble(text), &PROGRAM, &RunInterrupt::default())
}

/// Load error of code, and the engine's message.
pub fn refused(code: &[u8]) -> (LoadError, String) {
    let memory = engine().code(code).expect("memory for the code");
    let mut words = String::new();
    match engine().load(memory, &mut |text| words.push_str(text)) {
        Err(error) => (error, words),
        Ok(_) => panic!("the module is accepted"),
    }
}
