// SPDX-License-Identifier: Apache-2.0
//! `ocre-aot`: the AOT compiler, which `ocre` starts to compile. A program of its own, so that
//! `ocre` starts without LLVM's library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ocre_aot::program::main()
}
