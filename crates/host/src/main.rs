// SPDX-License-Identifier: Apache-2.0
//! `ocre`: the container runtime on a PC. It packs and judges images, compiles them ahead of
//! time, and is a simulated device with a flash file, on which they run.
//!
//! Exit codes: 0; 1 refused or failed; 2 wrong command line; `run` ends with the guest's exit code,
//! 134 after a trap and 137 after a kill.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
