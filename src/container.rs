// SPDX-License-Identifier: Apache-2.0
//! Containers: their specs, states, records, files and logs. The [supervisor](crate::supervisor)
//! gives them threads.

pub mod data;
mod error;
pub mod events;
mod guest;
mod limits;
pub mod log;
pub mod mount;
mod name;
pub mod record;
pub mod restart;
mod spec;
pub mod state;
pub mod table;
mod texts;
mod zeroed_option;

pub use error::Error;
pub use guest::{Guest, Killed};
pub use limits::Limits;
pub use name::Name;
pub use restart::Restart;
pub use spec::{Follow, Options, Spec};
pub use zeroed_option::ZeroedOption;

/// Memory of a container besides its log, in bytes.
const SIZE: usize = size_of::<Spec>() + size_of::<table::TableEntry>();
const _: () = assert!(SIZE <= 1816);
