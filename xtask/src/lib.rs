// SPDX-License-Identifier: Apache-2.0
//! The tasks of the project. Each module is one of them, or one thing that
//! several of them need; `main.rs` only picks one.

pub mod bench;
pub mod ci;
pub mod demo;
pub mod firmware;
pub mod flash_sweep;
pub mod footprint;
pub mod fuzz;
pub mod generate;
pub mod guests;
pub mod help_texts;
pub mod process;
pub mod sanitizers;
pub mod setup;
pub mod site;
pub mod test;
pub mod twister;
pub mod wamr_regressions;
pub mod wasi_testsuite;
pub mod words;
pub mod workflows;
pub mod workspace;
