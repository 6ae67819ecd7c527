// SPDX-License-Identifier: Apache-2.0
//! The core of ocre-rs: judges OCI images, keeps them on flash, and runs their WebAssembly
//! as containers. It knows no platform: everything outside is behind [`port`].
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
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

pub mod atomic;
pub mod command;
pub mod container;
pub mod folders;
pub mod image;
pub mod limits;
pub mod lost;
pub mod port;
pub mod supervisor;
