// SPDX-License-Identifier: Apache-2.0
//! `twister-tests/common/testing.h` in Rust, written by `cargo xtask generate`.
#![allow(missing_docs, dead_code, reason = "documented in the header")]

pub const STORAGE: u32 = 0;
pub const BEFORE_RESTART: u32 = 1;
pub const AFTER_RESTART: u32 = 2;
pub const CLOCK: u32 = 3;
pub const ENTROPY: u32 = 4;
pub const THREADS: u32 = 5;
pub const GPIO: u32 = 6;
pub const SENSORS: u32 = 7;
unsafe extern "C" {
    pub fn ocre_test_conformance(
        part: u32,
        failure: *mut ::core::ffi::c_char,
    ) -> ::core::ffi::c_int;
    pub fn ocre_test_sha256(bytes: *const u8, count: u32, hex: *mut ::core::ffi::c_char);
}
