// SPDX-License-Identifier: Apache-2.0
//! `crates/wamr-sys/shim/ocre_wamr.h` in Rust, written by `cargo xtask generate`.
#![allow(missing_docs, dead_code, reason = "documented in the header")]

pub const OK: i32 = 0;
pub const REFUSED: i32 = 1;
pub const NO_MEMORY: i32 = 2;
pub const NO_STACK: i32 = 3;
pub const EXCEPTION: i32 = 4;
pub const INTERRUPTED: i32 = 5;
pub const NO_FUNCTION: i32 = 6;
pub const FUNCTION: u32 = 0;
pub const TABLE: u32 = 1;
pub const MEMORY: u32 = 2;
pub const GLOBAL: u32 = 3;
pub const HALTED: &::core::ffi::CStr = c"halted by the host";
pub const STOPPED: &::core::ffi::CStr = c"stopped by the host";
pub const KILLED: &::core::ffi::CStr = c"unknown exception";
pub const TEXT_BYTES: usize = 160;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct Native {
    pub name: *const ::core::ffi::c_char,
    pub signature: *const ::core::ffi::c_char,
    pub index: u32,
    pub parameters: u32,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct WamrExternal {
    pub module: *const ::core::ffi::c_char,
    pub name: *const ::core::ffi::c_char,
    pub kind: u32,
    pub function: u32,
    pub linked: u32,
    pub types: *const u8,
    pub parameters: u32,
    pub results: u32,
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct Demand {
    pub memory_bytes: u64,
    pub page_bytes: u32,
    pub table_elements: u64,
}
pub type CallHandler = ::core::option::Option<
    unsafe extern "C" fn(
        context: *mut ::core::ffi::c_void,
        index: u32,
        memory: *mut u8,
        memory_bytes: usize,
        arguments: *mut u64,
        count: u32,
    ) -> i32,
>;
unsafe extern "C" {
    pub fn ocre_wamr_start(
        pool: *mut ::core::ffi::c_void,
        pool_bytes: u32,
        handler: CallHandler,
    ) -> i32;
    pub fn ocre_wamr_register(
        module: *const ::core::ffi::c_char,
        natives: *const Native,
        count: u32,
    ) -> i32;
    pub fn ocre_wamr_allocate(bytes: u32) -> *mut ::core::ffi::c_void;
    pub fn ocre_wamr_take(bytes: u32) -> *mut ::core::ffi::c_void;
    pub fn ocre_wamr_free(memory: *mut ::core::ffi::c_void);
    pub fn ocre_wamr_load(
        code: *mut u8,
        bytes: u32,
        module: *mut *mut ::core::ffi::c_void,
        text: *mut ::core::ffi::c_char,
        text_bytes: u32,
    ) -> i32;
    pub fn ocre_wamr_unload(module: *mut ::core::ffi::c_void);
    pub fn ocre_wamr_imports(module: *const ::core::ffi::c_void) -> u32;
    pub fn ocre_wamr_import(
        module: *const ::core::ffi::c_void,
        index: u32,
        external: *mut WamrExternal,
    );
    pub fn ocre_wamr_exports(module: *const ::core::ffi::c_void) -> u32;
    pub fn ocre_wamr_export(
        module: *const ::core::ffi::c_void,
        index: u32,
        external: *mut WamrExternal,
    );
    pub fn ocre_wamr_demand(module: *const ::core::ffi::c_void, demand: *mut Demand);
    pub fn ocre_wamr_add_room(
        module: *mut ::core::ffi::c_void,
        bytes: u32,
        address: *mut u32,
    ) -> i32;
    pub fn ocre_wamr_instantiate(
        module: *mut ::core::ffi::c_void,
        maximum_pages: u32,
        stack_bytes: u32,
        reserve_bytes: u32,
        context: *mut ::core::ffi::c_void,
        instance: *mut *mut ::core::ffi::c_void,
        text: *mut ::core::ffi::c_char,
        text_bytes: u32,
    ) -> i32;
    pub fn ocre_wamr_deinstantiate(instance: *mut ::core::ffi::c_void);
    pub fn ocre_wamr_free_data(instance: *mut ::core::ffi::c_void);
    pub fn ocre_wamr_run_start(instance: *mut ::core::ffi::c_void, budget: i32) -> i32;
    pub fn ocre_wamr_call(
        instance: *mut ::core::ffi::c_void,
        function: u32,
        budget: i32,
        results: *mut u32,
        result_cells: u32,
    ) -> i32;
    pub fn ocre_wamr_exception(instance: *const ::core::ffi::c_void) -> *const ::core::ffi::c_char;
    pub fn ocre_wamr_interrupt(instance: *mut ::core::ffi::c_void);
    pub fn ocre_wamr_suspend(instance: *mut ::core::ffi::c_void, held: i32);
    pub fn ocre_wamr_memory_bytes(instance: *const ::core::ffi::c_void) -> u32;
    pub fn ocre_wamr_lock();
    pub fn ocre_wamr_unlock();
}
