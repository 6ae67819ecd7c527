// SPDX-License-Identifier: Apache-2.0
//! WAMR as the core's [`Engine`](port::Engine).

use core::ptr;
use core::sync::atomic::{AtomicBool, Ordering};

use ocre::limits;
use ocre::port::AotTarget;
use ocre::port::{self, Exit, Host, HostExit, HostModule, LoadError, Program, StartError};
use ocre_wamr_sys as sys;

use crate::instance::{self, CallEnd, HostCalls, Instance, InstanceLimits};
use crate::{AlignedCode, EngineError, Module, RunInterrupt, natives};

/// Target of the AOT code that a PC runs.
pub const PC_TARGET: Option<&AotTarget> = if cfg!(target_arch = "x86_64") {
    Some(&AotTarget::X86_64)
} else if cfg!(target_arch = "x86") {
    Some(&AotTarget::I386)
} else {
    None
};

/// Settings of the engine.
#[derive(Default)]
pub struct EngineOptions {
    /// Memory for everything the engine allocates, linear memories included; the system's allocator
    /// if `None`.
    pub pool: Option<&'static mut [u8]>,
    /// Most bytes of the system's allocator, without linear memories, which have separate limits; 0
    /// for no limit.
    pub limit_bytes: u32,
    /// Bytes of each container thread's stack reserved for host functions: a guest that recurses
    /// deeper traps.
    pub host_stack_bytes: u32,
    /// Target of the AOT code that runs here, if any does.
    pub aot: Option<&'static AotTarget>,
    /// True where `aot` is the target of another machine, for which images are judged here.
    pub aot_elsewhere: bool,
}

/// The only WAMR runtime of the process.
///
/// ```standalone_crate
/// use ocre::port::{Engine as _, Exit, Host, HostExit, HostFunction, HostModule, Program};
/// use ocre_wamr::{EngineOptions, RunInterrupt, WamrEngine};
///
/// static FUNCTIONS: [HostModule; 1] = [HostModule {
///     name: c"env",
///     functions: &[HostFunction { name: c"double", signature: c"(i)i" }],
/// }];
///
/// struct Double;
///
/// impl Host for Double {
///     fn call(&mut self, _: usize, _: &mut [u8], arguments: &mut [u64]) -> Result<(), HostExit> {
///         arguments[0] *= 2;
///         Ok(())
///     }
/// }
///
/// let code = wat::parse_str(r#"(module
///     (import "env" "double" (func $double (param i32) (result i32)))
///     (func (export "_start") (result i32) (call $double (i32.const 21))))"#)?;
/// let engine = WamrEngine::start(&FUNCTIONS, EngineOptions::default()).unwrap();
/// let code = engine.code(&code).unwrap();
/// let module = engine.load(code, &mut |words| eprint!("{words}")).unwrap();
/// let program = Program {
///     entry: "_start",
///     memory_bytes: 65_536,
///     stack_bytes: 8192,
///     instructions: None,
/// };
/// let interrupt = RunInterrupt::default();
/// let exit = engine.run(module, &program, &mut Double, &interrupt, &mut || ());
/// assert_eq!(exit, Ok(Exit::Code(42)));
/// # Ok::<(), wat::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct WamrEngine {
    functions: &'static [HostModule],
    host_stack_bytes: u32,
    aot: Option<&'static AotTarget>,
    aot_elsewhere: bool,
}

static STARTED: AtomicBool = AtomicBool::new(false);

impl WamrEngine {
    /// Starts WAMR with the host functions of `functions`; once per process, even where it fails.
    pub fn start(
        functions: &'static [HostModule],
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(EngineError::AlreadyStarted);
        }
        let (pool, pool_bytes) = match options.pool {
            Some(pool) => {
                let bytes = u32::try_from(pool.len()).unwrap_or(u32::MAX);
                (pool.as_mut_ptr().cast(), bytes)
            }
            None => (ptr::null_mut(), options.limit_bytes),
        };
        // SAFETY: the first call, by the swap above; the pool is given away for good.
        match unsafe { sys::ocre_wamr_start(pool, pool_bytes, Some(instance::answer)) } {
            sys::OK => {}
            _ => return Err(EngineError::OutOfMemory),
        }
        natives::register(functions)?;
        Ok(Self {
            functions,
            host_stack_bytes: options.host_stack_bytes,
            aot: options.aot,
            aot_elsewhere: options.aot_elsewhere,
        })
    }
}

impl WamrEngine {
    /// Copies code into memory for [`load`](port::Engine::load); `None` when there is none.
    pub fn code(&self, bytes: &[u8]) -> Option<AlignedCode> {
        let mut code = AlignedCode::allocate(bytes.len())?;
        code.copy_from_slice(bytes);
        Some(code)
    }

    /// Gives the host the largest buffer that a function imported by the module asks for.
    fn lay_room(&self, module: &mut Module, host: &mut dyn Host) {
        let mut wanted = None;
        module.imports(&mut |module, name, _| {
            let found = HostModule::find(self.functions, module, name);
            let asked = found.map(|(index, _)| (host.host_buffer_len(index), index));
            wanted = wanted.max(asked);
        });
        if let Some((bytes @ 1.., function)) = wanted
            && let Some((bytes, address)) = module.add_room(bytes)
        {
            host.attach_host_buffer(function, address, bytes);
        }
    }
}

impl port::Engine for WamrEngine {
    type Code = AlignedCode;
    type Module = Module;
    type Interrupt = RunInterrupt;

    fn allocate(&self, bytes: usize) -> Option<AlignedCode> {
        AlignedCode::allocate(bytes)
    }

    fn aot_target(&self) -> Option<&'static AotTarget> {
        if limits::AOT { self.aot } else { None }
    }

    fn loads_aot(&self) -> bool {
        // Firmware judges for itself alone, and has no code for the other case.
        cfg!(target_os = "none") || !self.aot_elsewhere
    }

    fn interprets(&self) -> bool {
        limits::INTERPRETER
    }

    fn host_functions(&self) -> &'static [HostModule] {
        self.functions
    }

    fn load(&self, code: AlignedCode, explain: &mut dyn FnMut(&str)) -> Result<Module, LoadError> {
        Module::load(code, explain)
    }

    fn imports(&self, module: &Module, import: &mut dyn FnMut(&str, &str, port::External<'_>)) {
        module.imports(import);
    }

    fn exports(&self, module: &Module, export: &mut dyn FnMut(&str, port::External<'_>)) {
        module.exports(export);
    }

    fn minimum_pages(&self, module: &Module) -> u32 {
        module.minimum_pages()
    }

    fn run(
        &self,
        mut module: Module,
        program: &Program<'_>,
        host: &mut dyn Host,
        interrupt: &RunInterrupt,
        started: &mut dyn FnMut(),
    ) -> Result<Exit, StartError> {
        let entry = module
            .function(program.entry, true)
            .ok_or(StartError::Entry)?;
        // Function that prepares a module without a `_start`: WASI's reactors export `_initialize`,
        // freestanding C may export its constructors.
        let prepare = ["_initialize", "__wasm_call_ctors"]
            .iter()
            .filter(|_| program.entry != "_start")
            .find_map(|name| module.function(name, false))
            .filter(|function| function.index != entry.index);
        let limits = InstanceLimits {
            memory_bytes: program.memory_bytes,
            stack_bytes: program.stack_bytes,
            reserve_bytes: self.host_stack_bytes,
            instructions: program.instructions,
        };
        self.lay_room(&mut module, host);
        let mut calls = HostCalls::new(host);
        let mut instance = Instance::new(&mut module, &limits, &mut calls, interrupt)?;
        instance.free_data();
        started();
        let ending = instance.start().and_then(|()| {
            if let Some(prepare) = prepare {
                instance.call(prepare)?;
            }
            instance.call(entry)
        });
        Ok(match ending {
            Ok(code) => Exit::Code(code.unwrap_or(0)),
            Err(CallEnd::Trap(trap) | CallEnd::Halted(HostExit::Trap(trap))) => Exit::Trap(trap),
            Err(CallEnd::Halted(HostExit::Exit(code))) => Exit::Code(code),
            Err(CallEnd::Halted(HostExit::Stopped) | CallEnd::Stopped) => Exit::Stopped,
        })
    }
}
