// SPDX-License-Identifier: Apache-2.0
//! Readers that check executable layers before the engine loads them.
//!
//! WAMR's loaders trust counts and offsets of the files that they read. [`wasm`] and [`aot`]
//! walk a file once, without an allocator, and refuse what would make a loader allocate more
//! than a small multiple of the file or reach one of its known faults.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

pub mod aot;
pub mod wasm;

/// Examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ModuleReaderReadme;
