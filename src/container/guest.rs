// SPDX-License-Identifier: Apache-2.0
//! A running container, as its host functions see it.

use super::{Name, Spec};
use crate::port::{ConsoleError, HostExit, Slot, Stream};

/// The container is being killed: its host call is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Killed;

impl From<Killed> for HostExit {
    fn from(_: Killed) -> Self {
        Self::Stopped
    }
}

/// A running container, as its host functions see it. The supervisor implements this trait; host
/// functions know nothing else of the runtime, so they can reach no other container.
pub trait Guest {
    /// Name of the container.
    fn name(&self) -> &Name;
    /// The slot that no other container has while it runs. Waking its thread ends its
    /// [`sleep`](Self::sleep).
    fn slot(&self) -> Slot;
    /// Shows the container's spec. A lock is held meanwhile: copy what is needed and return.
    fn spec(&self, show: &mut dyn FnMut(&Spec));
    /// Takes output for the log and, while the container is attached, for the console.
    ///
    /// # Errors
    /// Of the console; the log has the bytes nevertheless.
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError>;
    /// Reads typed input into `buffer`, without waiting: `None` when there is none yet, 0 at the
    /// end of input. A container that nobody is attached to is at the end of its input, and so is
    /// one with a stop request, so that the guest notices the request.
    fn read(&self, buffer: &mut [u8]) -> Option<usize>;
    /// Waits until uptime reaches `until_us`, in microseconds, or until something changes that host
    /// functions should check.
    ///
    /// # Errors
    /// The container is being killed, before the wait or during it.
    fn sleep(&self, until_us: Option<u64>) -> Result<(), Killed>;
    /// Checks that the container is not being killed.
    ///
    /// # Errors
    /// The container is being killed.
    fn check(&self) -> Result<(), Killed>;
}
