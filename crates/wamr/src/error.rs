// SPDX-License-Identifier: Apache-2.0
//! Failures of the start.

/// Reason why the engine can't be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EngineError {
    /// This process has, or had, an engine already.
    AlreadyStarted,
    /// No memory.
    OutOfMemory,
    /// A host function has more than 16 parameters or more than one result, or a type or a
    /// name that WAMR can't take.
    HostFunctions,
}
