// SPDX-License-Identifier: Apache-2.0
//! Zephyr's mutex, which lends its holder the priority of the waiting threads, as the core's lock.

use core::cell::UnsafeCell;

use lock_api::GuardNoSend;

use crate::sys;

/// Lock. Its first use initialises it, so that it can be a constant.
#[repr(transparent)]
#[derive(Debug)]
pub struct Lock(UnsafeCell<sys::LockMemory>);

// SAFETY: the functions behind it are made for use from any thread.
unsafe impl Send for Lock {}
// SAFETY: see above.
unsafe impl Sync for Lock {}

// SAFETY: one thread at a time holds a k_mutex; the shim halts a thread that takes it twice.
unsafe impl lock_api::RawMutex for Lock {
    #[allow(
        clippy::declare_interior_mutable_const,
        reason = "lock_api wants it so"
    )]
    const INIT: Self = Self(UnsafeCell::new([0; sys::LOCK_WORDS]));

    type GuardMarker = GuardNoSend;

    fn lock(&self) {
        // SAFETY: the memory is the lock's own, zeroed before its first use.
        unsafe { sys::ocre_port_lock(self.0.get().cast()) };
    }

    fn try_lock(&self) -> bool {
        // SAFETY: see above.
        unsafe { sys::ocre_port_try_lock(self.0.get().cast()) != 0 }
    }

    unsafe fn unlock(&self) {
        // SAFETY: see above; held, says the caller.
        unsafe { sys::ocre_port_unlock(self.0.get().cast()) };
    }
}
