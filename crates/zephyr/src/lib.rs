// SPDX-License-Identifier: Apache-2.0
//! Ocre on Zephyr.
//!
//! Promised: the core's ports over Zephyr's own file system, threads, clock, randomness and log;
//! all memory of guests from a separate heap; the C API of `include/ocre/ocre.h`.
//!
//! Design: all that Zephyr offers as inline functions, macros and structures is behind the C
//! functions of `shim/port.h`. [`ZephyrDevice`] is the core's platform over these, and [`runtime`] the
//! one supervisor on it.
#![no_std]

mod api;
mod config;
mod device;
mod devices;
mod lock;
mod log;
mod platform;
mod shell_words;
mod storage;
mod sys;
mod target;
#[cfg(ocre_test)]
mod testing;
mod text;
mod trust;

pub use device::ZephyrDevice;
pub use lock::Lock;
pub use log::halt;
pub use platform::{InitError, Runtime, create, init, runtime};
pub use storage::ZephyrFile;
