// SPDX-License-Identifier: Apache-2.0
//! Functions of ocre for containers in Rust, besides WASI.
//!
//! Promised: all of `sdk/c/ocre.h` is available without `unsafe`; a failed call returns an
//! [`Error`], never panics; a timer and a message are given back when they are dropped; nothing
//! here allocates or needs `std`.
//!
//! Design: texts are C's (`c"led0"`), because the runtime reads those. Everything happens as
//! [`events`], one after the other:
//!
//! ```no_run
//! use core::time::Duration;
//! use ocre_guest::{Event, Output, Timer, events};
//!
//! fn main() -> Result<(), ocre_guest::Error> {
//!     let led = Output::named(c"led0")?;
//!     let timer = Timer::new(1)?;
//!     timer.every(Duration::from_millis(500))?;
//!     for event in events() {
//!         if let Event::Timer(1) = event? {
//!             led.toggle()?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Outside of WebAssembly there is no runtime: every call returns [`Error::ENOSYS`] there, so that
//! the rest of a guest can be tested on a PC.
#![no_std]

mod error;
mod event;
mod heap;
#[doc(hidden)]
pub mod libc_heap;
mod message;
mod pin;
mod sensor;
#[doc(hidden)]
pub mod start;
mod sys;
mod system;
mod text;
mod timer;
mod wasi;

pub use error::{Error, Result};
pub use event::{Event, Events, events, lost_events, next_event, wait_event};
pub use heap::{FixedHeap, HEAP_BYTES};
pub use message::{Message, publish, subscribe};
pub use pin::{Input, Output};
pub use sensor::{Channel, Sensor, sensors};
pub use system::{Names, names, sleep};
pub use text::{GuestArguments, TextOutput};
pub use timer::Timer;

/// Examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct SdkReadme;
