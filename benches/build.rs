// SPDX-License-Identifier: Apache-2.0
//! Gives the program the paths of WAMR's headers and compiled library: it compares with a C program
//! over that same library.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["DEP_WAMR_ROOT", "DEP_WAMR_LIBRARY"] {
        let value = env::var(name).expect("ocre-wamr-sys tells it");
        println!("cargo::rustc-env={name}={value}");
    }
}
