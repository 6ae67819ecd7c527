// SPDX-License-Identifier: Apache-2.0
//! Allocators that count the test program's memory, and fail on request.
//!
//! C code gets its memory from the functions here, which replace libc's and those of the engine's
//! platform. The engine's allocations can fail, and the zeroed ones of libc and the file system.
//! Rust's do not: std ends a program that is out of memory.
//!
//! The address sanitizer has an allocator of its own: under it nothing is counted, and only the
//! engine's allocations fail.
#![allow(dead_code, reason = "each test program uses its own part")]

#[cfg(not(address_sanitizer))]
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

#[cfg(not(address_sanitizer))]
unsafe extern "C" {
    fn __libc_malloc(bytes: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, bytes: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, bytes: usize) -> *mut c_void;
    fn __libc_memalign(align: usize, bytes: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

/// Number of C's blocks in use.
static BLOCKS: AtomicI64 = AtomicI64::new(0);
/// Number of Rust's bytes in use.
static BYTES: AtomicI64 = AtomicI64::new(0);
/// Allocations until one fails; negative where none does.
static LEFT: AtomicI64 = AtomicI64::new(-1);

/// Memory in use: C's blocks and Rust's bytes.
pub fn in_use() -> (i64, i64) {
    (BLOCKS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst))
}

/// Makes C's next allocation after `allocations` others fail, once.
pub fn fail_after(allocations: i64) {
    LEFT.store(allocations, Ordering::SeqCst);
}

/// Makes no further allocation fail. True where one has failed.
pub fn fail_none() -> bool {
    LEFT.swap(-1, Ordering::SeqCst) < 0
}

fn fails() -> bool {
    LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
        (left >= 0).then(|| left - 1)
    }) == Ok(0)
}

#[cfg(not(address_sanitizer))]
fn counted(block: *mut c_void) -> *mut c_void {
    if !block.is_null() {
        BLOCKS.fetch_add(1, Ordering::SeqCst);
    }
    block
}

#[cfg(not(address_sanitizer))]
#[unsafe(no_mangle)]
extern "C" fn malloc(bytes: usize) -> *mut c_void {
    // SAFETY: takes any number.
    counted(unsafe { __libc_malloc(bytes) })
}

#[cfg(not(address_sanitizer))]
#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, bytes: usize) -> *mut c_void {
    // A small one is libc's own, which crashes without it when a thread begins.
    if bytes > 64 && fails() {
        return ptr::null_mut();
    }
    // SAFETY: takes any numbers.
    counted(unsafe { __libc_calloc(count, bytes) })
}

/// # Safety
/// As C's.
#[cfg(not(address_sanitizer))]
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: the caller's promise.
    let grown = unsafe { __libc_realloc(block, bytes) };
    if block.is_null() {
        counted(grown);
    } else if bytes == 0 {
        BLOCKS.fetch_sub(1, Ordering::SeqCst);
    }
    grown
}

/// # Safety
/// As C's.
#[cfg(not(address_sanitizer))]
#[unsafe(no_mangle)]
unsafe extern "C" fn free(block: *mut c_void) {
    if !block.is_null() {
        BLOCKS.fetch_sub(1, Ordering::SeqCst);
    }
    // SAFETY: the caller's promise.
    unsafe { __libc_free(block) };
}

#[cfg(address_sanitizer)]
use libc::{free, realloc};

#[cfg(address_sanitizer)]
fn malloc(bytes: usize) -> *mut c_void {
    // SAFETY: takes any number.
    unsafe { libc::malloc(bytes) }
}

// ---------------------------------------------------------------- the engine's platform

#[unsafe(no_mangle)]
extern "C" fn os_malloc(bytes: u32) -> *mut c_void {
    if fails() {
        return ptr::null_mut();
    }
    malloc(bytes as usize)
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn os_realloc(block: *mut c_void, bytes: u32) -> *mut c_void {
    if fails() {
        return ptr::null_mut();
    }
    // SAFETY: the caller's promise.
    unsafe { realloc(block, bytes as usize) }
}

/// # Safety
/// As C's.
#[unsafe(no_mangle)]
unsafe extern "C" fn os_free(block: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { free(block) };
}

/// Not used; replaced because it is in the same object file.
#[unsafe(no_mangle)]
extern "C" fn os_dumps_proc_mem_info(_: *mut u8, _: u32) -> i32 {
    -1
}

/// Rust's allocator.
#[cfg(not(address_sanitizer))]
struct Own;

#[cfg(not(address_sanitizer))]
#[global_allocator]
static OWN: Own = Own;

// SAFETY: libc's allocator keeps the contract; `memalign` takes each alignment there is.
#[cfg(not(address_sanitizer))]
unsafe impl GlobalAlloc for Own {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as i64, Ordering::SeqCst);
        // SAFETY: a layout's alignment is a power of two.
        unsafe { __libc_memalign(layout.align(), layout.size()).cast() }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as i64, Ordering::SeqCst);
        // SAFETY: comes from `alloc`.
        unsafe { __libc_free(block.cast()) };
    }
}
