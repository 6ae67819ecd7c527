// SPDX-License-Identifier: Apache-2.0
//! Ends or holds a run from another thread.
//!
//! Promised: a stop that comes before, at, or after any moment of a run ends it or finds it
//! ended, and a hold holds it; neither touches an instance that is gone. The request is
//! remembered first and the instance looked for second, while a run shows its instance first and
//! looks for a request second, so one of the two sees the other. The instance is shown,
//! interrupted and hidden under one mutex that is held for an instant, never while a guest runs.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

use ocre::port::Interrupt;
use ocre_wamr_sys as sys;

/// Ends or holds the run that it is given to.
///
/// ```standalone_crate
/// use std::thread;
/// use std::time::Duration;
///
/// use ocre::port::{Engine as _, Exit, Host, HostExit, Interrupt as _, Program};
/// use ocre_wamr::{EngineOptions, RunInterrupt, WamrEngine};
///
/// # struct Nothing;
/// # impl Host for Nothing {
/// #     fn call(&mut self, _: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
/// #         Ok(())
/// #     }
/// # }
/// # let program = Program {
/// #     entry: "_start",
/// #     memory_bytes: 65_536,
/// #     stack_bytes: 8192,
/// #     instructions: None,
/// # };
/// let code = wat::parse_str(r#"(module (func (export "_start") (loop (br 0))))"#)?;
/// let engine = WamrEngine::start(&[], EngineOptions::default()).unwrap();
/// let module = engine.load(engine.code(&code).unwrap(), &mut |_| ()).unwrap();
/// let interrupt = RunInterrupt::default();
/// let exit = thread::scope(|threads| {
///     threads.spawn(|| {
///         thread::sleep(Duration::from_millis(10));
///         interrupt.stop();
///     });
///     engine.run(module, &program, &mut Nothing, &interrupt, &mut || ())
/// });
/// assert_eq!(exit, Ok(Exit::Stopped));
/// # Ok::<(), wat::Error>(())
/// ```
pub struct RunInterrupt {
    requested: AtomicBool,
    held: AtomicBool,
    /// The running instance, or null. Written under the mutex only.
    instance: AtomicPtr<c_void>,
    /// Bytes of linear memory that the last instance had at its end.
    memory_bytes: AtomicU32,
}

impl RunInterrupt {
    pub(crate) fn is_requested(&self) -> bool {
        self.requested.load(Ordering::SeqCst)
    }

    /// Lets the instance be interrupted.
    ///
    /// # Safety
    /// `instance` is alive until [`disarm`](Self::disarm).
    pub(crate) unsafe fn arm(&self, instance: *mut c_void) {
        locked(|| {
            self.instance.store(instance, Ordering::SeqCst);
            if self.held.load(Ordering::SeqCst) {
                // SAFETY: alive, says the caller.
                unsafe { sys::ocre_wamr_suspend(instance, 1) };
            }
            if self.is_requested() {
                // SAFETY: alive, says the caller.
                unsafe { sys::ocre_wamr_interrupt(instance) };
            }
        });
    }

    /// Makes sure that the instance is not, and will not be, interrupted any more.
    pub(crate) fn disarm(&self, instance: *mut c_void) {
        locked(|| {
            // SAFETY: alive, because only who disarms it ends it.
            let bytes = unsafe { sys::ocre_wamr_memory_bytes(instance) };
            self.memory_bytes.store(bytes, Ordering::SeqCst);
            // Fails only where the interrupt was given to a second run meanwhile.
            let _ = self.instance.compare_exchange(
                instance,
                ptr::null_mut(),
                Ordering::SeqCst,
                Ordering::SeqCst,
            );
        });
    }
}

impl RunInterrupt {
    /// Does something with the running instance, if there is one.
    fn with_instance(&self, action: impl FnOnce(*mut c_void)) {
        // Without an instance there may be no runtime yet, hence no mutex.
        if self.instance.load(Ordering::SeqCst).is_null() {
            return;
        }
        locked(|| {
            let instance = self.instance.load(Ordering::SeqCst);
            if !instance.is_null() {
                action(instance);
            }
        });
    }

    fn suspend(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
        // SAFETY: alive, because `disarm` hides it under this mutex before it goes.
        self.with_instance(|instance| unsafe { sys::ocre_wamr_suspend(instance, held.into()) });
    }
}

impl Interrupt for RunInterrupt {
    const NEW: Self = Self {
        requested: AtomicBool::new(false),
        held: AtomicBool::new(false),
        instance: AtomicPtr::new(ptr::null_mut()),
        memory_bytes: AtomicU32::new(0),
    };

    fn stop(&self) {
        self.requested.store(true, Ordering::SeqCst);
        // SAFETY: alive, because `disarm` hides it under this mutex before it goes.
        self.with_instance(|instance| unsafe { sys::ocre_wamr_interrupt(instance) });
    }

    fn hold(&self) {
        self.suspend(true);
    }

    fn release(&self) {
        self.suspend(false);
    }

    fn memory_bytes(&self) -> u32 {
        let mut bytes = self.memory_bytes.load(Ordering::SeqCst);
        self.with_instance(|instance| {
            // SAFETY: alive, because `disarm` hides it under this mutex before it goes.
            bytes = unsafe { sys::ocre_wamr_memory_bytes(instance) };
        });
        bytes
    }

    fn reset(&self) {
        self.requested.store(false, Ordering::SeqCst);
        self.held.store(false, Ordering::SeqCst);
        self.memory_bytes.store(0, Ordering::SeqCst);
    }
}

impl Default for RunInterrupt {
    fn default() -> Self {
        Self::NEW
    }
}

fn locked(action: impl FnOnce()) {
    // SAFETY: an instance was there, so the runtime has been started and the mutex made.
    unsafe { sys::ocre_wamr_lock() };
    action();
    // SAFETY: locked above by this thread; `action` does not panic.
    unsafe { sys::ocre_wamr_unlock() };
}
