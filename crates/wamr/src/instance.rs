// SPDX-License-Identifier: Apache-2.0
//! Running module: memory and stacks of its own, and the way to its host functions.

use core::ffi::{CStr, c_void};
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;

use ocre::port::{Host, HostExit, StartError, Trap};
use ocre_wamr_sys as sys;

use crate::interrupt::RunInterrupt;
use crate::module::{Function, Module};
use crate::text::{self, WamrMessage};

/// Limits of an instance.
#[derive(Clone, Copy, Debug)]
pub struct InstanceLimits {
    /// Most bytes of linear memory.
    pub memory_bytes: u32,
    /// Bytes of stack for interpreted frames.
    pub stack_bytes: u32,
    /// Bytes of the calling thread's stack reserved for host functions.
    pub reserve_bytes: u32,
    /// Most instructions of each call, where code is interpreted. WAMR counts in 31 bits: larger
    /// values become 2³¹ - 1.
    pub instructions: Option<u64>,
}

/// End of a call that did not return.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallEnd {
    /// The guest trapped.
    Trap(Trap),
    /// A host function halted the guest.
    Halted(HostExit),
    /// The interrupt ended the call.
    Stopped,
}

/// Host that an instance's calls go to.
pub struct HostCalls<'h> {
    host: &'h mut dyn Host,
    halt: Option<HostExit>,
}

impl<'h> HostCalls<'h> {
    /// Sends host calls to `host`.
    pub fn new(host: &'h mut dyn Host) -> Self {
        Self { host, halt: None }
    }
}

/// Instantiated module, on the thread that made it.
pub struct Instance<'m> {
    handle: NonNull<c_void>,
    interrupt: &'m RunInterrupt,
    calls: *mut c_void,
    budget: i32,
    // The module, its code and the host calls are not used by anyone else meanwhile.
    borrows: PhantomData<&'m mut ()>,
}

impl<'m> Instance<'m> {
    /// Instantiates the module, without running guest code. `interrupt` can end calls from now on.
    pub fn new(
        module: &'m mut Module,
        limits: &InstanceLimits,
        calls: &'m mut HostCalls<'_>,
        interrupt: &'m RunInterrupt,
    ) -> Result<Self, StartError> {
        module.check_links()?;
        let pages = module.fit_memory(limits.memory_bytes)?;
        let calls: *mut c_void = ptr::from_mut(calls).cast();
        let mut words = WamrMessage::new();
        let mut handle = ptr::null_mut();
        // SAFETY: the module is loaded and, like `calls`, borrowed for `'m`, which the instance
        // does not outlive.
        let status = unsafe {
            sys::ocre_wamr_instantiate(
                module.as_ptr(),
                pages,
                limits.stack_bytes,
                limits.reserve_bytes,
                calls,
                &mut handle,
                words.as_mut_ptr(),
                words.bytes(),
            )
        };
        match (status, NonNull::new(handle)) {
            (sys::OK, Some(handle)) => {
                // SAFETY: alive until `drop`, which disarms.
                unsafe { interrupt.arm(handle.as_ptr()) };
                let budget = budget(limits.instructions);
                Ok(Self {
                    handle,
                    interrupt,
                    calls,
                    budget,
                    borrows: PhantomData,
                })
            }
            (sys::NO_MEMORY, _) => Err(StartError::OutOfMemory),
            (sys::NO_STACK, _) => Err(StartError::Stack),
            _ => Err(text::start_error(words.as_str())),
        }
    }

    /// Frees the module's copy of the data that the memory began with. The caller makes no other
    /// instance of the module.
    pub(crate) fn free_data(&mut self) {
        // SAFETY: the instance is alive, and the last one of its module, says the caller.
        unsafe { sys::ocre_wamr_free_data(self.handle.as_ptr()) };
    }

    /// Runs the module's start function, if it has one.
    pub fn start(&mut self) -> Result<(), CallEnd> {
        // SAFETY: the instance is alive and on its own thread, which it can't leave.
        let status = unsafe { sys::ocre_wamr_run_start(self.handle.as_ptr(), self.budget) };
        self.end(status)
    }

    /// Calls a function, and returns its result if it has one.
    pub fn call(&mut self, function: Function) -> Result<Option<i32>, CallEnd> {
        let mut cells = [0_u32; 1];
        // SAFETY: as in `start`; the function comes from this module, and `cells` has the room.
        let status = unsafe {
            sys::ocre_wamr_call(
                self.handle.as_ptr(),
                function.index,
                self.budget,
                cells.as_mut_ptr(),
                1,
            )
        };
        self.end(status)?;
        Ok(function.returns.then_some(cells[0].cast_signed()))
    }

    fn end(&mut self, status: i32) -> Result<(), CallEnd> {
        match status {
            sys::OK => Ok(()),
            sys::INTERRUPTED => Err(CallEnd::Stopped),
            sys::EXCEPTION => {
                // SAFETY: made from a `&mut HostCalls` that is ours for `'m`; no guest runs now.
                let calls = unsafe { &mut *self.calls.cast::<HostCalls<'_>>() };
                if let Some(halt) = calls.halt.take() {
                    return Err(CallEnd::Halted(halt));
                }
                // SAFETY: alive; the text is left alone until the next call.
                let words = unsafe { text::name(sys::ocre_wamr_exception(self.handle.as_ptr())) };
                // AOT code may raise these words too: they mean an interrupt only after a stop.
                if [sys::STOPPED, sys::KILLED]
                    .map(CStr::to_bytes)
                    .contains(&words.as_bytes())
                    && self.interrupt.is_requested()
                {
                    return Err(CallEnd::Stopped);
                }
                Err(CallEnd::Trap(text::trap(words)))
            }
            _ => Err(CallEnd::Trap(Trap::Other)),
        }
    }
}

impl Drop for Instance<'_> {
    fn drop(&mut self) {
        self.interrupt.disarm(self.handle.as_ptr());
        // SAFETY: alive, on its own thread, and not used after this.
        unsafe { sys::ocre_wamr_deinstantiate(self.handle.as_ptr()) };
    }
}

fn budget(instructions: Option<u64>) -> i32 {
    instructions.map_or(-1, |count| i32::try_from(count).unwrap_or(i32::MAX))
}

/// Answers a guest's call of a host function.
///
/// # Safety
/// Called by the shim: `context` is the instance's [`HostCalls`], the other pointers are as
/// `ocre_wamr_call_handler` in the shim's header says, and nothing else uses any of them now.
pub(crate) unsafe extern "C" fn answer(
    context: *mut c_void,
    index: u32,
    memory: *mut u8,
    memory_bytes: usize,
    arguments: *mut u64,
    count: u32,
) -> i32 {
    // SAFETY: see above.
    let calls = unsafe { &mut *context.cast::<HostCalls<'_>>() };
    let memory = if memory.is_null() {
        &mut []
    } else {
        // SAFETY: see above; `fit_memory` keeps the size below `isize::MAX`.
        unsafe { slice::from_raw_parts_mut(memory, memory_bytes) }
    };
    // SAFETY: see above.
    let arguments = unsafe { slice::from_raw_parts_mut(arguments, count as usize) };
    match calls.host.call(index as usize, memory, arguments) {
        Ok(()) => 0,
        Err(halt) => {
            calls.halt = Some(halt);
            1
        }
    }
}
