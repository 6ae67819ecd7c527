// SPDX-License-Identifier: Apache-2.0
//! Memory in use, as the address sanitizer's allocator counts it.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::Once;

type AllocationHook = extern "C" fn(*const c_void, usize);
type ReleaseHook = extern "C" fn(*const c_void);

unsafe extern "C" {
    fn __sanitizer_install_malloc_and_free_hooks(
        allocated: AllocationHook,
        released: ReleaseHook,
    ) -> c_int;
    fn __sanitizer_get_allocated_size(block: *const c_void) -> usize;
}

thread_local! {
    /// Bytes in use, less those at the start; and the most of them so far.
    static IN_USE: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn add(bytes: isize) {
    let (now, most) = IN_USE.get();
    IN_USE.set((now + bytes, most.max(now + bytes)));
}

extern "C" fn allocated(_: *const c_void, bytes: usize) {
    add(bytes as isize);
}

extern "C" fn released(block: *const c_void) {
    if !block.is_null() {
        // SAFETY: the block is about to be released, says the caller.
        add(-(unsafe { __sanitizer_get_allocated_size(block) } as isize));
    }
}

/// Most bytes that `task` has in use at once.
pub fn peak(task: impl FnOnce()) -> usize {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: both hooks only count.
        let installed = unsafe { __sanitizer_install_malloc_and_free_hooks(allocated, released) };
        assert!(installed > 0);
    });
    IN_USE.set((0, 0));
    task();
    IN_USE.get().1 as usize
}
