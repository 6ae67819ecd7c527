// SPDX-License-Identifier: Apache-2.0
//! `shim/ocre_littlefs.h` in Rust; that file documents each function.

use std::ffi::{c_char, c_void};

/// A mounted file system.
#[repr(C)]
pub struct Fs {
    _opaque: [u8; 0],
}

/// An open file.
#[repr(C)]
pub struct LfsFile {
    _opaque: [u8; 0],
}

/// An open folder.
#[repr(C)]
pub struct LfsDir {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct LfsDevice {
    pub context: *mut c_void,
    pub read: unsafe extern "C" fn(*mut c_void, u32, u32, *mut c_void, u32) -> i32,
    pub program: unsafe extern "C" fn(*mut c_void, u32, u32, *const c_void, u32) -> i32,
    pub erase: unsafe extern "C" fn(*mut c_void, u32) -> i32,
    pub sync: unsafe extern "C" fn(*mut c_void) -> i32,
    pub read_size: u32,
    pub program_size: u32,
    pub block_size: u32,
    pub block_count: u32,
    pub cache_size: u32,
    pub inline_max: u32,
    pub lookahead_size: u32,
    pub block_cycles: i32,
}

pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
pub const CREATE: u32 = 4;
pub const EXCLUSIVE: u32 = 8;
pub const TRUNCATE: u32 = 16;
pub const APPEND: u32 = 32;

pub const IS_DIR: u32 = 1;

pub const NAME_MAX: usize = 255;

unsafe extern "C" {
    pub fn ocre_lfs_format(device: *const LfsDevice) -> i32;
    pub fn ocre_lfs_mount(device: *const LfsDevice, fs: *mut *mut Fs) -> i32;
    pub fn ocre_lfs_unmount(fs: *mut Fs);
    pub fn ocre_lfs_used(fs: *mut Fs) -> i32;
    pub fn ocre_lfs_version(fs: *mut Fs, version: *mut u32) -> i32;
    pub fn ocre_lfs_recover(fs: *mut Fs) -> i32;
    pub fn ocre_lfs_blocks(
        fs: *mut Fs,
        block: unsafe extern "C" fn(*mut c_void, u32) -> i32,
        context: *mut c_void,
    ) -> i32;
    pub fn ocre_lfs_stat(fs: *mut Fs, path: *const c_char, kind: *mut u32, size: *mut u32) -> i32;
    pub fn ocre_lfs_mkdir(fs: *mut Fs, path: *const c_char) -> i32;
    pub fn ocre_lfs_remove(fs: *mut Fs, path: *const c_char) -> i32;
    pub fn ocre_lfs_rename(fs: *mut Fs, from: *const c_char, to: *const c_char) -> i32;
    pub fn ocre_lfs_open(
        fs: *mut Fs,
        path: *const c_char,
        mode: u32,
        file: *mut *mut LfsFile,
    ) -> i32;
    pub fn ocre_lfs_close(fs: *mut Fs, file: *mut LfsFile, discard: i32) -> i32;
    pub fn ocre_lfs_read(fs: *mut Fs, file: *mut LfsFile, buffer: *mut c_void, size: u32) -> i32;
    pub fn ocre_lfs_skip(fs: *mut Fs, file: *mut LfsFile, block: *mut u32, offset: *mut u32)
    -> i32;
    pub fn ocre_lfs_write(fs: *mut Fs, file: *mut LfsFile, bytes: *const c_void, size: u32) -> i32;
    pub fn ocre_lfs_seek(fs: *mut Fs, file: *mut LfsFile, position: u32) -> i32;
    pub fn ocre_lfs_tell(fs: *mut Fs, file: *mut LfsFile) -> i32;
    pub fn ocre_lfs_size(fs: *mut Fs, file: *mut LfsFile) -> i32;
    pub fn ocre_lfs_truncate(fs: *mut Fs, file: *mut LfsFile, size: u32) -> i32;
    pub fn ocre_lfs_sync(fs: *mut Fs, file: *mut LfsFile) -> i32;
    pub fn ocre_lfs_dir_open(fs: *mut Fs, path: *const c_char, dir: *mut *mut LfsDir) -> i32;
    pub fn ocre_lfs_dir_read(
        fs: *mut Fs,
        dir: *mut LfsDir,
        name: *mut c_char,
        kind: *mut u32,
        size: *mut u32,
    ) -> i32;
    pub fn ocre_lfs_dir_close(fs: *mut Fs, dir: *mut LfsDir);
}
