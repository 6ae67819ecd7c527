// SPDX-License-Identifier: Apache-2.0
//! Suites for implementations of the core's ports, on a PC and on a device.
//!
//! Each function checks one trait and returns at the first promise that is not kept. None needs an
//! allocator, and none panics. The feature `fixtures` adds what tests on a PC share.
#![cfg_attr(not(feature = "fixtures"), no_std)]
#![cfg_attr(
    not(feature = "fixtures"),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

mod clock;
mod devices;
mod entropy;
#[cfg(feature = "fixtures")]
pub mod images;
#[cfg(feature = "fixtures")]
pub mod memory;
#[cfg(feature = "fixtures")]
pub mod numbers;
mod promise;
mod storage;
mod threads;

pub use clock::clock;
pub use devices::{gpio, sensors};
pub use entropy::entropy;
pub use promise::BrokenPromise;
pub use storage::{after_restart, before_restart, storage};
pub use threads::threads;

/// Examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
