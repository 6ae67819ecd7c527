// SPDX-License-Identifier: Apache-2.0
//! `crates/aot/src/c/shim.h` in Rust, written by `cargo xtask generate`.
#![allow(missing_docs, dead_code, reason = "documented in the header")]

pub const OK: i32 = 0;
pub const BAD_WASM: i32 = 1;
pub const TARGET: i32 = 2;
pub const CODEGEN: i32 = 3;
pub const MEMORY: i32 = 4;
pub const UNPROVEN: i32 = 5;
pub const IMPORT: i32 = 6;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct RawOptions {
    pub arch: *const ::core::ffi::c_char,
    pub abi: *const ::core::ffi::c_char,
    pub cpu: *const ::core::ffi::c_char,
    pub features: *const ::core::ffi::c_char,
    pub opt_level: u32,
    pub code_model: u32,
    pub bounds_checks: u32,
    pub stack_checks: u32,
    pub kill_checks: u32,
    pub kill_proof: u32,
}
unsafe extern "C" {
    pub fn ocre_aot_compile(
        wasm: *const u8,
        wasm_len: u32,
        options: *const RawOptions,
        out: *mut *mut u8,
        out_len: *mut u32,
        message: *mut ::core::ffi::c_char,
        message_len: u32,
    ) -> i32;
    pub fn ocre_aot_free(out: *mut u8);
}
