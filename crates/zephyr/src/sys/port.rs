// SPDX-License-Identifier: Apache-2.0
//! `crates/zephyr/shim/port.h` in Rust, written by `cargo xtask generate`.
#![allow(missing_docs, dead_code, reason = "documented in the header")]

pub const NOT_FOUND: i32 = -1;
pub const EXISTS: i32 = -2;
pub const NOT_DIRECTORY: i32 = -3;
pub const IS_DIRECTORY: i32 = -4;
pub const NOT_EMPTY: i32 = -5;
pub const NO_SPACE: i32 = -6;
pub const NAME_TOO_LONG: i32 = -7;
pub const INVALID: i32 = -8;
pub const NO_MEMORY: i32 = -9;
pub const CORRUPT: i32 = -10;
pub const IO: i32 = -11;
pub const READ: u32 = 1;
pub const WRITE: u32 = 2;
pub const CREATE: u32 = 4;
pub const EXCLUSIVE: u32 = 8;
pub const TRUNCATE: u32 = 16;
pub const APPEND: u32 = 32;
pub const SEEK_START: u32 = 0;
pub const SEEK_CURRENT: u32 = 1;
pub const SEEK_END: u32 = 2;
pub const LOCK_WORDS: usize = 8;
pub const NEVER: u64 = 18446744073709551615;
pub const SHELL_NOTHING: i32 = 0;
pub const SHELL_IMAGE: i32 = 1;
pub const SHELL_CONTAINER: i32 = 2;
pub const SHELL_GROUP: i32 = 3;
pub const ABSENT: i32 = -1;
pub const UNSUPPORTED: i32 = -2;
pub const FAILED: i32 = -3;
pub const GPIO_OFF: u32 = 0;
pub const GPIO_INPUT: u32 = 1;
pub const GPIO_OUTPUT: u32 = 2;
pub type EntryVisitor = ::core::option::Option<
    unsafe extern "C" fn(
        context: *mut ::core::ffi::c_void,
        name: *const u8,
        name_bytes: u32,
        directory: u32,
        size: u64,
    ) -> i32,
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct ShellWord {
    pub word: [::core::ffi::c_char; 16usize],
    pub help: [::core::ffi::c_char; 80usize],
}
unsafe extern "C" {
    pub fn ocre_port_mount() -> i32;
    pub fn ocre_port_unmount() -> i32;
    pub fn ocre_port_format() -> i32;
    pub fn ocre_port_formatted() -> i32;
    pub fn ocre_port_mount_failure() -> i32;
    pub fn ocre_port_open(
        path: *const u8,
        path_bytes: u32,
        mode: u32,
        file: *mut *mut ::core::ffi::c_void,
    ) -> i32;
    pub fn ocre_port_read(file: *mut ::core::ffi::c_void, buffer: *mut u8, bytes: u32) -> i32;
    pub fn ocre_port_write(file: *mut ::core::ffi::c_void, bytes: *const u8, count: u32) -> i32;
    pub fn ocre_port_seek(
        file: *mut ::core::ffi::c_void,
        offset: i64,
        from: u32,
        position: *mut u64,
    ) -> i32;
    pub fn ocre_port_size(file: *mut ::core::ffi::c_void, size: *mut u64) -> i32;
    pub fn ocre_port_truncate(file: *mut ::core::ffi::c_void, size: u64) -> i32;
    pub fn ocre_port_sync(file: *mut ::core::ffi::c_void) -> i32;
    pub fn ocre_port_close(file: *mut ::core::ffi::c_void) -> i32;
    pub fn ocre_port_discard(file: *mut ::core::ffi::c_void);
    pub fn ocre_port_metadata(
        path: *const u8,
        path_bytes: u32,
        directory: *mut u32,
        size: *mut u64,
    ) -> i32;
    pub fn ocre_port_create_dir(path: *const u8, path_bytes: u32) -> i32;
    pub fn ocre_port_remove(path: *const u8, path_bytes: u32) -> i32;
    pub fn ocre_port_rename(from: *const u8, from_bytes: u32, to: *const u8, to_bytes: u32) -> i32;
    pub fn ocre_port_read_dir(
        path: *const u8,
        path_bytes: u32,
        entry: EntryVisitor,
        context: *mut ::core::ffi::c_void,
    ) -> i32;
    pub fn ocre_port_space(total: *mut u64, free: *mut u64, block: *mut u32) -> i32;
    pub fn ocre_port_uptime_us() -> u64;
    pub fn ocre_port_wall_ns() -> u64;
    pub fn ocre_port_set_wall_ns(now: u64);
    pub fn ocre_port_random(buffer: *mut u8, bytes: u32) -> i32;
    pub fn ocre_port_verify_ecdsa(point: *const u8, digest: *const u8, signature: *const u8)
    -> i32;
    pub fn ocre_port_counter_read(name: *const u8, number: *mut u64) -> i32;
    pub fn ocre_port_counter_raise(name: *const u8, number: u64) -> i32;
    pub fn ocre_port_lock(lock: *mut usize);
    pub fn ocre_port_try_lock(lock: *mut usize) -> i32;
    pub fn ocre_port_unlock(lock: *mut usize);
    pub fn ocre_port_spawn(
        slot: u32,
        name: *const u8,
        name_bytes: u32,
        stack_bytes: u32,
        priority: u32,
    ) -> i32;
    pub fn ocre_port_sleep(slot: u32, until_us: u64) -> i32;
    pub fn ocre_port_wake(slot: u32);
    pub fn ocre_port_await_change(seen: u32, until_us: u64) -> u32;
    pub fn ocre_port_announce();
    pub fn ocre_port_computed_us(slot: u32) -> u64;
    pub fn ocre_port_beat() -> u32;
    pub fn ocre_thread_main(slot: u32);
    pub fn ocre_port_stack_boundary() -> *mut u8;
    pub fn ocre_port_console_write(stream: u32, bytes: *const u8, count: u32);
    pub fn ocre_port_console_read(buffer: *mut u8, bytes: u32) -> i32;
    pub fn ocre_shell_word(on_images: u32, place: u32, word: *mut ShellWord) -> i32;
    pub fn ocre_port_gpio_find(name: *const u8, name_bytes: u32) -> i32;
    pub fn ocre_port_gpio_configure(port: u32, line: u32, direction: u32) -> i32;
    pub fn ocre_port_gpio_write(port: u32, line: u32, active: u32) -> i32;
    pub fn ocre_port_gpio_read(port: u32, line: u32) -> i32;
    pub fn ocre_port_gpio_watch(port: u32, line: u32, watcher: u32) -> i32;
    pub fn ocre_port_gpio_take(watcher: u32) -> i32;
    pub fn ocre_port_gpio_lost(watcher: u32) -> u32;
    pub fn ocre_port_gpio_forget(watcher: u32);
    pub fn ocre_port_sensors() -> u32;
    pub fn ocre_port_sensor_name(sensor: u32) -> *const ::core::ffi::c_char;
    pub fn ocre_port_sensor_channel(sensor: u32, index: u32) -> i32;
    pub fn ocre_port_sensor_read(sensor: u32, channel: u32, millionths: *mut i64) -> i32;
    pub fn ocre_port_log(level: u32, text: *const u8, bytes: u32);
    pub fn ocre_port_panic(file: *const u8, bytes: u32, line: u32);
}
