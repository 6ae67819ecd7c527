// SPDX-License-Identifier: Apache-2.0
//! Arbitrary and generated modules before the reader of modules: no panic, and nothing that is
//! valid is refused but by a limit.
#![no_main]

#[path = "modules/input.rs"]
mod input;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let module = input::module(data);
    input::compare(&module, input::read(&module));
});
