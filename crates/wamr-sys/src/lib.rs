// SPDX-License-Identifier: Apache-2.0
//! Declarations of `shim/ocre_wamr.h` for Rust. The header documents each item;
//! [`ocre-wamr`](https://docs.rs/ocre-wamr) is the safe way to use it.
#![no_std]

mod bindings;

pub use bindings::*;
