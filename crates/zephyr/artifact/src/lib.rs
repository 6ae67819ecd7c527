// SPDX-License-Identifier: Apache-2.0
//! Panic handler, which a program has once.
//!
//! Everything else of the firmware's Rust part is a library, so that a firmware written in Rust can
//! use it without this. On a PC, where panics unwind, this is an ordinary crate over std, which is
//! checked but never run.
#![cfg_attr(panic = "abort", no_std)]

// Nothing here is called from Rust: C calls the C API.
use ocre_zephyr as _;

#[cfg(panic = "abort")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    ocre_zephyr::halt(info)
}
