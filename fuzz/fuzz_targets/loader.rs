// SPDX-License-Identifier: Apache-2.0
//! Code that the reader of modules accepts, in WAMR's loader: it neither misuses memory, where the
//! address sanitizer watches it (`OCRE_WAMR_SANITIZE=address`, `CC=clang`), nor takes much of it at
//! once (`-malloc_limit_mb=16`).
#![no_main]

#[path = "modules/input.rs"]
mod input;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use ocre::port::Engine as _;
use ocre_wamr::{EngineOptions, WamrEngine};

fn engine() -> &'static WamrEngine {
    static ENGINE: OnceLock<WamrEngine> = OnceLock::new();
    ENGINE
        .get_or_init(|| WamrEngine::start(&[], EngineOptions::default()).expect("the first start"))
}

fuzz_target!(|data: &[u8]| {
    let module = input::module(data);
    if module.starts_with(b"\0aot") || input::read(&module).is_err() {
        return;
    }
    let code = engine().code(&module).expect("no memory");
    let _ = engine().load(code, &mut |_| ());
});
