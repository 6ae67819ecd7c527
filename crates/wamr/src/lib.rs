// SPDX-License-Identifier: Apache-2.0
//! Runs WebAssembly, interpreted or compiled ahead of time, on WAMR.
//!
//! Promises, whatever bytes a guest is made of:
//!
//! - A guest touches its own linear memory, its own stacks, and nothing else but through its host
//!   functions; past any limit it traps or its `memory.grow` fails.
//! - A guest ends soon after [`RunInterrupt::stop`](ocre::port::Interrupt::stop), also in its start
//!   function. AOT code must have been made interruptible for that.
//! - Of an AOT file all but the machine code is checked (`ocre_module_reader::aot`); the
//!   machine code is trusted.
//! - A run gives back all of its memory.
//!
//! Design: one [`WamrEngine`] per process, because WAMR's runtime and its host functions are global. A
//! [`Module`] keeps nothing of its bytes, which WAMR rewrites. An [`Instance`] borrows its module, stays on the thread that made it, and hands host functions nothing but the checked slice
//! of its linear memory. All of C is behind `ocre-wamr-sys`.
#![no_std]

mod code;
mod engine;
mod error;
mod instance;
mod interrupt;
mod module;
mod natives;
mod text;

pub use code::AlignedCode;
pub use engine::{EngineOptions, PC_TARGET, WamrEngine};
pub use error::EngineError;
pub use instance::{CallEnd, HostCalls, Instance, InstanceLimits};
pub use interrupt::RunInterrupt;
pub use module::{Function, Module};
