// SPDX-License-Identifier: Apache-2.0
//! Settings of a compilation.

use crate::{Target, WAMR_VERSION};

/// Settings of a compilation. [`CompileOptions::new`] gives those that a container needs;
/// each check can be left out to measure its cost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileOptions {
    /// The machine the file will run on.
    pub target: Target,
    /// An LLVM CPU name in place of [`Target::cpu`]. The file then needs that
    /// CPU or a better one.
    pub cpu: Option<String>,
    /// Optimisation, 0 to 3.
    pub opt_level: u8,
    /// Checks every linear memory access against the memory's size.
    pub bounds_checks: bool,
    /// Checks the native stack on every call.
    pub stack_checks: bool,
    /// Inserts checks for termination.
    pub kill_checks: bool,
    /// Refuses code that is not proven to end soon after termination.
    pub kill_proof: bool,
}

impl CompileOptions {
    /// All checks on, full optimisation.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            cpu: None,
            opt_level: 3,
            bounds_checks: true,
            stack_checks: true,
            kill_checks: true,
            kill_proof: true,
        }
    }

    /// The CPU that the file will need.
    #[must_use]
    pub fn cpu(&self) -> &str {
        self.cpu.as_deref().unwrap_or(self.target.cpu())
    }

    /// Annotations for the image layer that holds the file: facts that the AOT header
    /// leaves out and that a runtime must know before it executes the code.
    #[must_use]
    pub fn annotations(&self) -> [(&'static str, String); 5] {
        // Without bounds checks WAMR emits no test of the exception after a
        // call either, and that test is what ends a recursion.
        let interruptible = self.kill_proof && self.bounds_checks;
        [
            ("dev.ocre.aot.target", self.target.name().to_owned()),
            ("dev.ocre.aot.cpu", self.cpu().to_owned()),
            ("dev.ocre.aot.abi", self.target.abi().to_owned()),
            ("dev.ocre.aot.wamr", WAMR_VERSION.to_owned()),
            ("dev.ocre.aot.interruptible", interruptible.to_string()),
        ]
    }
}
