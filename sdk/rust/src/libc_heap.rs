// SPDX-License-Identifier: Apache-2.0
//! malloc and its family of C's library, over a [`FixedHeap`]: parts of `libc_heap!`.
//!
//! `ocre build` compiles this file and `heap.rs` alone, too: it names nothing else of the crate.

use core::ffi::{c_int, c_void};
use core::ptr::{self, null_mut};

use crate::FixedHeap;

const ALIGNMENT: usize = 16;
const ENOMEM: c_int = 48;
const EINVAL: c_int = 28;

// Linux has the name, too, where nothing but the macro's guests calls this.
unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

fn set_errno(error: c_int) {
    // SAFETY: the address is that of errno.
    unsafe { *__errno_location() = error }
}

fn checked(memory: *mut u8) -> *mut c_void {
    if memory.is_null() {
        set_errno(ENOMEM);
    }
    memory.cast()
}

/// malloc.
pub fn malloc<const N: usize>(heap: &FixedHeap<N>, bytes: usize) -> *mut c_void {
    checked(heap.allocate(bytes, ALIGNMENT))
}

/// free.
///
/// # Safety
/// The memory is of this heap, or null.
pub unsafe fn free<const N: usize>(heap: &FixedHeap<N>, memory: *mut c_void) {
    if !memory.is_null() {
        // SAFETY: as the caller promises.
        unsafe { heap.free(memory.cast()) }
    }
}

/// calloc.
pub fn calloc<const N: usize>(heap: &FixedHeap<N>, count: usize, bytes: usize) -> *mut c_void {
    let all = count.saturating_mul(bytes);
    let memory = malloc(heap, all);
    if !memory.is_null() {
        // SAFETY: that much was allocated.
        unsafe { ptr::write_bytes(memory.cast::<u8>(), 0, all) }
    }
    memory
}

/// realloc.
///
/// # Safety
/// The memory is of this heap, or null. After a success only the returned one is used.
pub unsafe fn realloc<const N: usize>(
    heap: &FixedHeap<N>,
    memory: *mut c_void,
    bytes: usize,
) -> *mut c_void {
    if memory.is_null() {
        return malloc(heap, bytes);
    }
    // SAFETY: as the caller promises.
    checked(unsafe { heap.resize(memory.cast(), bytes, ALIGNMENT) })
}

/// aligned_alloc.
pub fn aligned_alloc<const N: usize>(
    heap: &FixedHeap<N>,
    alignment: usize,
    bytes: usize,
) -> *mut c_void {
    if alignment.is_power_of_two() {
        return checked(heap.allocate(bytes, alignment));
    }
    set_errno(EINVAL);
    null_mut()
}

/// posix_memalign.
///
/// # Safety
/// The address is one of a pointer.
pub unsafe fn posix_memalign<const N: usize>(
    heap: &FixedHeap<N>,
    to: *mut *mut c_void,
    alignment: usize,
    bytes: usize,
) -> c_int {
    if !alignment.is_power_of_two() || alignment < size_of::<*mut c_void>() {
        return EINVAL;
    }
    let memory = heap.allocate(bytes, alignment);
    if memory.is_null() {
        return ENOMEM;
    }
    // SAFETY: as the caller promises.
    unsafe { *to = memory.cast() }
    0
}

/// malloc_usable_size.
///
/// # Safety
/// The memory is of this heap, or null.
pub unsafe fn malloc_usable_size<const N: usize>(
    heap: &FixedHeap<N>,
    memory: *mut c_void,
) -> usize {
    if memory.is_null() {
        return 0;
    }
    // SAFETY: as the caller promises.
    unsafe { heap.usable(memory.cast()) }
}

/// Gives a guest with Rust's standard library a heap of fixed size: the standard library and C's
/// library allocate there, and the guest's memory never grows. `ocre build` does this for each
/// project.
///
/// ```
/// ocre_guest::libc_heap!(16 * 1024);
/// ```
#[macro_export]
macro_rules! libc_heap {
    (@functions $($name:ident = $function:ident($($parameter:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($parameter: $type),*) -> $result {
                #[allow(unused_unsafe)]
                // SAFETY: as the caller promises.
                unsafe { $crate::libc_heap::$function(&HEAP, $($parameter),*) }
            }
        )*
    };
    ($bytes:expr) => {
        #[cfg(target_os = "wasi")]
        const _: () = {
            static HEAP: $crate::FixedHeap<{ $bytes }> = $crate::FixedHeap::new();

            $crate::libc_heap! { @functions
                malloc = malloc(bytes: usize) -> *mut ::core::ffi::c_void;
                free = free(memory: *mut ::core::ffi::c_void) -> ();
                calloc = calloc(count: usize, bytes: usize) -> *mut ::core::ffi::c_void;
                realloc = realloc(memory: *mut ::core::ffi::c_void, bytes: usize)
                    -> *mut ::core::ffi::c_void;
                aligned_alloc = aligned_alloc(alignment: usize, bytes: usize)
                    -> *mut ::core::ffi::c_void;
                posix_memalign = posix_memalign(
                    to: *mut *mut ::core::ffi::c_void, alignment: usize, bytes: usize
                ) -> ::core::ffi::c_int;
                malloc_usable_size = malloc_usable_size(memory: *mut ::core::ffi::c_void) -> usize;
                // Names of the same functions within C's library.
                __libc_malloc = malloc(bytes: usize) -> *mut ::core::ffi::c_void;
                __libc_free = free(memory: *mut ::core::ffi::c_void) -> ();
                __libc_calloc = calloc(count: usize, bytes: usize) -> *mut ::core::ffi::c_void;
            }
        };
    };
}
