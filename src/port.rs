// SPDX-License-Identifier: Apache-2.0
//! Contracts with the platform: all that the core asks of the outside.
//!
//! A platform (a PC, Zephyr) implements these traits once; nothing above them knows which one it
//! runs on. Every method takes `&self` and may be called from any thread, and takes the locks that
//! it needs inside. No method may panic, whatever its arguments.

mod console;
pub mod devices;
mod engine;
pub mod host_functions;
pub mod memory;
pub mod path;
mod sequence_counter;
mod storage;
mod target;
mod threads;
mod time;
mod trap;

pub use console::{Console, ConsoleError, Stream};
pub use engine::{
    Engine, Exit, External, IMPORTED_MEMORY, Interrupt, LoadError, Program, StartError,
};
pub use host_functions::{Host, HostExit, HostFunction, HostModule};
pub use sequence_counter::SequenceCounter;
pub use storage::{
    Attributes, EntryKind, Metadata, OpenMode, SeekFrom, SetTime, Space, Storage, StorageError,
    Times, exists, stream_through,
};
pub use target::{AotTarget, WAMR};
pub use threads::{Slot, ThreadSpec, Threads, WATCHDOG};
pub use time::{Clock, Entropy};
pub use trap::Trap;
