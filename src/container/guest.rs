// SPDX-License-Identifier: Apache-2.0
//! A running container, as its host functions see it.

use super::{Name, Spec};
use crate::port::{ConsoleError, Halt, Slot, Stream};

/// A container is being killed: what it called is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped;

impl From<Stopped> for Halt {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A running container, as its host functions see it. The supervisor implements it; host
/// functions know nothing else of the runtime, so they can reach no other container.
pub trait Guest {
    /// Its name.
    fn name(&self) -> &Name;
    /// The slot that no other container has while it runs. Waking its thread ends its
    /// [`sleep`](Self::sleep).
    fn slot(&self) -> Slot;
    /// Shows what it was created with. A lock is held meanwhile: copy what is needed and return.
    fn spec(&self, show: &mut dyn FnMut(&Spec));
    /// Takes output for the log and, while the container is attached, for the console.
    ///
    /// # Errors
    /// Of the console; the log has the bytes nevertheless.
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError>;
    /// Gives what was typed for it, without waiting: `None` when nothing is there yet, 0 at the
    /// end of input. A container that nobody is attached to is at the end of its input, and so
    /// is one that is asked to stop: that is how it can see it.
    fn read(&self, buffer: &mut [u8]) -> Option<usize>;
    /// Waits until uptime reaches `until_us`, or something happens that its host functions
    /// should look at again.
    ///
    /// # Errors
    /// It is being killed, before the wait or during it.
    fn sleep(&self, until_us: Option<u64>) -> Result<(), Stopped>;
    /// Lets it go on, unless it is being killed.
    ///
    /// # Errors
    /// It is.
    fn check(&self) -> Result<(), Stopped>;
}
