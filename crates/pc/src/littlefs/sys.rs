// SPDX-License-Identifier: Apache-2.0
//! `crates/pc/shim/ocre_littlefs.h` in Rust, written by `cargo xtask generate`.
#![allow(missing_docs, dead_code, reason = "documented in the header")]

pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
pub const CREATE: u32 = 4;
pub const EXCLUSIVE: u32 = 8;
pub const TRUNCATE: u32 = 16;
pub const APPEND: u32 = 32;
pub const IS_FILE: u32 = 0;
pub const IS_DIR: u32 = 1;
pub const NAME_MAX: usize = 255;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct Fs {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct LfsFile {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct LfsDir {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct LfsDevice {
    pub context: *mut ::core::ffi::c_void,
    pub read: ::core::option::Option<
        unsafe extern "C" fn(
            context: *mut ::core::ffi::c_void,
            block: u32,
            offset: u32,
            buffer: *mut ::core::ffi::c_void,
            size: u32,
        ) -> i32,
    >,
    pub program: ::core::option::Option<
        unsafe extern "C" fn(
            context: *mut ::core::ffi::c_void,
            block: u32,
            offset: u32,
            bytes: *const ::core::ffi::c_void,
            size: u32,
        ) -> i32,
    >,
    pub erase: ::core::option::Option<
        unsafe extern "C" fn(context: *mut ::core::ffi::c_void, block: u32) -> i32,
    >,
    pub sync:
        ::core::option::Option<unsafe extern "C" fn(context: *mut ::core::ffi::c_void) -> i32>,
    pub read_size: u32,
    pub program_size: u32,
    pub block_size: u32,
    pub block_count: u32,
    pub cache_size: u32,
    pub inline_max: u32,
    pub lookahead_size: u32,
    pub block_cycles: i32,
}
unsafe extern "C" {
    pub fn ocre_lfs_format(device: *const LfsDevice) -> i32;
    pub fn ocre_lfs_mount(device: *const LfsDevice, fs: *mut *mut Fs) -> i32;
    pub fn ocre_lfs_unmount(fs: *mut Fs);
    pub fn ocre_lfs_used(fs: *mut Fs) -> i32;
    pub fn ocre_lfs_version(fs: *mut Fs, version: *mut u32) -> i32;
    pub fn ocre_lfs_recover(fs: *mut Fs) -> i32;
    pub fn ocre_lfs_blocks(
        fs: *mut Fs,
        block: ::core::option::Option<
            unsafe extern "C" fn(context: *mut ::core::ffi::c_void, number: u32) -> i32,
        >,
        context: *mut ::core::ffi::c_void,
    ) -> i32;
    pub fn ocre_lfs_stat(
        fs: *mut Fs,
        path: *const ::core::ffi::c_char,
        kind: *mut u32,
        size: *mut u32,
    ) -> i32;
    pub fn ocre_lfs_mkdir(fs: *mut Fs, path: *const ::core::ffi::c_char) -> i32;
    pub fn ocre_lfs_remove(fs: *mut Fs, path: *const ::core::ffi::c_char) -> i32;
    pub fn ocre_lfs_rename(
        fs: *mut Fs,
        from: *const ::core::ffi::c_char,
        to: *const ::core::ffi::c_char,
    ) -> i32;
    pub fn ocre_lfs_open(
        fs: *mut Fs,
        path: *const ::core::ffi::c_char,
        mode: u32,
        file: *mut *mut LfsFile,
    ) -> i32;
    pub fn ocre_lfs_close(fs: *mut Fs, file: *mut LfsFile, discard: i32) -> i32;
    pub fn ocre_lfs_read(
        fs: *mut Fs,
        file: *mut LfsFile,
        buffer: *mut ::core::ffi::c_void,
        size: u32,
    ) -> i32;
    pub fn ocre_lfs_skip(fs: *mut Fs, file: *mut LfsFile, block: *mut u32, offset: *mut u32)
    -> i32;
    pub fn ocre_lfs_write(
        fs: *mut Fs,
        file: *mut LfsFile,
        bytes: *const ::core::ffi::c_void,
        size: u32,
    ) -> i32;
    pub fn ocre_lfs_seek(fs: *mut Fs, file: *mut LfsFile, position: u32) -> i32;
    pub fn ocre_lfs_tell(fs: *mut Fs, file: *mut LfsFile) -> i32;
    pub fn ocre_lfs_size(fs: *mut Fs, file: *mut LfsFile) -> i32;
    pub fn ocre_lfs_truncate(fs: *mut Fs, file: *mut LfsFile, size: u32) -> i32;
    pub fn ocre_lfs_sync(fs: *mut Fs, file: *mut LfsFile) -> i32;
    pub fn ocre_lfs_dir_open(
        fs: *mut Fs,
        path: *const ::core::ffi::c_char,
        dir: *mut *mut LfsDir,
    ) -> i32;
    pub fn ocre_lfs_dir_read(
        fs: *mut Fs,
        dir: *mut LfsDir,
        name: *mut ::core::ffi::c_char,
        kind: *mut u32,
        size: *mut u32,
    ) -> i32;
    pub fn ocre_lfs_dir_close(fs: *mut Fs, dir: *mut LfsDir);
}
