// SPDX-License-Identifier: Apache-2.0
//! The engine, which loads and runs WebAssembly.

use core::ops::DerefMut;

use super::host_functions::{Host, HostModule};
use super::target::AotTarget;
use super::trap::Trap;

/// Type of an import or export of a loaded module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum External<'a> {
    /// A function.
    Function {
        /// Type, with the letters of [`signature`](super::host_functions::signature), and `?` for a vector or a reference.
        /// Parameters and results behind the 16th are cut off, and a `?` takes their place.
        signature: &'a str,
    },
    /// A linear memory.
    Memory {
        /// Pages of 64 KiB at the start.
        minimum_pages: u32,
    },
    /// A table.
    Table,
    /// A global.
    Global,
}

/// Names of the one memory that a module may import, as compilers give them; the engine makes that
/// memory for the instance, like a memory of the module.
pub const IMPORTED_MEMORY: (&str, &str) = ("env", "memory");

/// Reason why the engine did not accept code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// The engine's validator or loader rejects the bytes.
    Invalid,
    /// No memory to load it.
    OutOfMemory,
    /// This build of the engine has no support for that kind of code.
    Unsupported,
    /// The module uses a feature of WebAssembly that the engine lacks.
    Feature,
    /// The module exceeds a limit of the engine.
    Limit,
}

/// Reason why a loaded module did not get as far as its entry point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartError {
    /// An import is no host function of this build, or has another signature.
    Link,
    /// The module's memory does not fit the container's limit.
    MemoryLimit,
    /// No memory left on the machine.
    OutOfMemory,
    /// The entry point is not exported, or its signature is not `() -> ()` or `() -> i32`.
    Entry,
    /// Instantiation failed otherwise (a data segment outside the memory, say).
    Instantiate,
    /// The thread's stack is smaller than the engine needs.
    Stack,
}

/// End of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The entry point returned (code 0, or its i32 result) or the guest called `proc_exit`.
    Code(i32),
    /// The guest trapped.
    Trap(Trap),
    /// [`Interrupt::stop`] ended the run.
    Stopped,
}

/// Entry point and limits of a run.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// Exported function to call.
    pub entry: &'a str,
    /// Most bytes of linear memory; at least one page of 64 KiB is counted for a guest
    /// that does not let its memory shrink.
    pub memory_bytes: u32,
    /// Bytes of the engine's stack for interpreted frames (operands and locals).
    pub stack_bytes: u32,
    /// Most instructions an interpreted guest may execute.
    pub instructions: Option<u64>,
}

/// Ends or holds a run from another thread. No method blocks on anything that a guest can hold.
pub trait Interrupt: Send + Sync {
    /// Initial value, without requests. A constant, so that the supervisor can be a static.
    const NEW: Self;

    /// Makes the run that uses this end soon with [`Exit::Stopped`], even if it has yet to begin,
    /// or is held.
    fn stop(&self);
    /// Holds the run that uses this at its guest's next safe point: a loop, a call, a host call
    /// from before its beginning to after its end, or its first instruction where it has yet
    /// to begin.
    fn hold(&self);
    /// Lets the run go on.
    fn release(&self);
    /// Bytes of the run's linear memory, also after its end; the most that it had, because a memory
    /// only grows. 0 before there is an instance.
    fn memory_bytes(&self) -> u32;
    /// Forgets all requests so far. Called only while no run uses this.
    fn reset(&self);
}

/// Runs WebAssembly.
pub trait Engine {
    /// Memory for one executable layer, from the heap that containers live in.
    type Code: DerefMut<Target = [u8]> + Send;
    /// Loaded code.
    type Module;
    /// Object that ends or holds a run.
    type Interrupt: Interrupt;

    /// Allocates memory for `bytes` of code, zeroed; `None` when there is none.
    fn allocate(&self, bytes: usize) -> Option<Self::Code>;
    /// Target of the AOT code that this build runs; `None` where AOT is left out.
    fn aot_target(&self) -> Option<&'static AotTarget>;
    /// True where this machine can load code of [`aot_target`](Self::aot_target); false on a PC
    /// that judges images for another device.
    fn loads_aot(&self) -> bool {
        true
    }
    /// True where this build has the interpreter.
    fn interprets(&self) -> bool;
    /// The host functions that guests can import.
    fn host_functions(&self) -> &'static [HostModule];

    /// Loads and validates wasm or AOT code, whose memory is given back as far as the module does
    /// not need it. `explain` gets the engine's message on failure.
    fn load(
        &self,
        code: Self::Code,
        explain: &mut dyn FnMut(&str),
    ) -> Result<Self::Module, LoadError>;
    /// Shows each import as (module, name, type).
    fn imports(&self, module: &Self::Module, import: &mut dyn FnMut(&str, &str, External<'_>));
    /// Shows each export as (name, type).
    fn exports(&self, module: &Self::Module, export: &mut dyn FnMut(&str, External<'_>));
    /// Pages of 64 KiB that the module's memory starts with; 0 without one.
    fn minimum_pages(&self, module: &Self::Module) -> u32;
    /// Instantiates the module, with the host's buffers, calls `started`, and only then runs guest
    /// code on this thread: the start function, if there is one, and the entry point to its end.
    /// Everything the run took is given back before this returns.
    fn run(
        &self,
        module: Self::Module,
        program: &Program<'_>,
        host: &mut dyn Host,
        interrupt: &Self::Interrupt,
        started: &mut dyn FnMut(),
    ) -> Result<Exit, StartError>;
}
