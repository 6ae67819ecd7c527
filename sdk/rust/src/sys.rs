// SPDX-License-Identifier: Apache-2.0
//! Imports from the runtime. `sdk/c/ocre.h` documents each.

use core::ffi::c_char;

/// Result where no runtime has the function: ENOSYS, negated.
#[cfg(not(target_family = "wasm"))]
const NO_RUNTIME: i32 = -38;

macro_rules! imports {
    ($(fn $name:ident($($parameter:ident: $type:ty),*) -> $result:ty;)*) => {
        #[cfg(target_family = "wasm")]
        #[link(wasm_import_module = "env")]
        unsafe extern "C" {
            $(pub(crate) fn $name($($parameter: $type),*) -> $result;)*
        }

        $(
            #[cfg(not(target_family = "wasm"))]
            pub(crate) unsafe fn $name($(_: $type),*) -> $result {
                NO_RUNTIME.into()
            }
        )*
    };
}

imports! {
    fn uname(names: *mut u8) -> i32;
    fn ocre_sleep(milliseconds: i32) -> i32;
    fn ocre_get_event(kind: *mut u32, id: *mut u32, port: *mut u32, state: *mut u32, extra: *mut u32, payload_len: *mut u32) -> i32;
    fn ocre_wait_event(milliseconds: i32) -> i32;
    fn ocre_lost_events() -> i32;

    fn ocre_timer_create(id: i32) -> i32;
    fn ocre_timer_start(id: i32, milliseconds: i32, periodic: i32) -> i32;
    fn ocre_timer_stop(id: i32) -> i32;
    fn ocre_timer_delete(id: i32) -> i32;
    fn ocre_timer_get_remaining(id: i32) -> i32;

    fn ocre_publish_message(topic: *const c_char, content_type: *const c_char, payload: *const u8, payload_len: i32) -> i32;
    fn ocre_subscribe_message(topic: *const c_char) -> i32;
    fn ocre_messaging_free_module_event_data(topic: u32, content_type: u32, payload: u32) -> i32;

    fn ocre_gpio_init() -> i32;
    fn ocre_gpio_configure(port: i32, pin: i32, direction: i32) -> i32;
    fn ocre_gpio_pin_set(port: i32, pin: i32, state: i32) -> i32;
    fn ocre_gpio_pin_get(port: i32, pin: i32) -> i32;
    fn ocre_gpio_pin_toggle(port: i32, pin: i32) -> i32;
    fn ocre_gpio_register_callback(port: i32, pin: i32) -> i32;
    fn ocre_gpio_unregister_callback(port: i32, pin: i32) -> i32;
    fn ocre_gpio_configure_by_name(name: *const c_char, direction: i32) -> i32;
    fn ocre_gpio_set_by_name(name: *const c_char, state: i32) -> i32;
    fn ocre_gpio_get_by_name(name: *const c_char) -> i32;
    fn ocre_gpio_toggle_by_name(name: *const c_char) -> i32;
    fn ocre_gpio_register_callback_by_name(name: *const c_char) -> i32;
    fn ocre_gpio_unregister_callback_by_name(name: *const c_char) -> i32;

    fn ocre_sensors_init() -> i32;
    fn ocre_sensors_discover() -> i32;
    fn ocre_sensors_open(sensor: i32) -> i32;
    fn ocre_sensors_get_handle_by_name(name: *const c_char) -> i32;
    fn ocre_sensors_get_channel_count(sensor: i32) -> i32;
    fn ocre_sensors_get_channel_type(sensor: i32, index: i32) -> i32;
    fn ocre_sensors_read(sensor: i32, channel: i32) -> f64;
}
