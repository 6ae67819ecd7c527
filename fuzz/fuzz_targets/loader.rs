// SPDX-License-Identifier: Apache-2.0
//! What the reader of modules accepts before WAMR's loader: it neither misuses memory, where the
//! address sanitizer watches it (`OCRE_WAMR_SANITIZE=address`, `CC=clang`), nor takes more of it
//! than a multiple of the module.
#![no_main]

#[path = "modules/input.rs"]
mod input;
#[path = "loader/memory.rs"]
mod memory;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use ocre::port::Engine as _;
use ocre_wamr::{Engine, Options};

/// Most bytes that loading takes at once, for each byte of the module and for any module.
const PER_BYTE: usize = 100;
const ALWAYS: usize = 256 * 1024;

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::start(&[], Options::default()).expect("the first start"))
}

fuzz_target!(|data: &[u8]| {
    let mut module = input::module(data);
    if module.starts_with(b"\0aot") || input::read(&module).is_err() {
        return;
    }
    let engine = engine();
    let bytes = module.len();
    let peak = memory::peak(|| {
        let _ = engine.load(&mut module, &mut |_| ());
    });
    assert!(
        peak <= ALWAYS + PER_BYTE * bytes,
        "{peak} bytes for a module of {bytes}"
    );
});
