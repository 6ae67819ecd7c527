// SPDX-License-Identifier: Apache-2.0
//! Threads of containers, and their waits.

use crate::limits::MAX_CONTAINERS;

/// Number of a thread: the containers have 0 … `MAX_CONTAINERS` - 1, and [`WATCHDOG`] is the
/// supervisor's own.
pub type Slot = u8;

/// The slot of the thread that ends runs at their time limit. The thread must run while guests
/// compute, so it is more urgent than any of them.
pub const WATCHDOG: Slot = MAX_CONTAINERS as Slot;

/// Requirements of a container's thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadSpec<'a> {
    /// The container's name; a platform may shorten it.
    pub name: &'a str,
    /// Native stack, in bytes; a platform may give more.
    pub stack_bytes: u32,
    /// Priority: 0 is the most urgent of the containers'. Means nothing for the [`WATCHDOG`].
    pub priority: u8,
}

/// Threads, and the two ways they wait.
///
/// Both waits are free of lost wake-ups: a notification that arrives before the wait ends it.
pub trait Threads {
    /// Starts a thread that calls [`Supervisor::thread_main`](crate::supervisor::Supervisor)
    /// with `slot` and then ends. `false` when there is no memory or no stack for one.
    ///
    /// The slot's earlier thread may still be on its way out of that call: where both would
    /// use one stack, this waits for it.
    fn spawn(&self, slot: Slot, spec: &ThreadSpec<'_>) -> bool;
    /// Waits until [`wake`](Self::wake) is called for `slot` or uptime reaches `until_us`; where
    /// that is now or past, lets other threads run first. Called by the slot's own thread only.
    /// `true` when woken.
    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool;
    /// Ends the present or next [`sleep`](Self::sleep) of `slot`.
    fn wake(&self, slot: Slot);
    /// Waits until [`announce`](Self::announce) was called more than `seen` times in all, or uptime
    /// reaches `until_us`. Returns the number of those calls.
    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32;
    /// Tells every [`await_change`](Self::await_change) that some container's state changed.
    fn announce(&self);
    /// Computing time of the present or last thread of `slot`, in microseconds; `None` where it is
    /// not counted. Called while the thread exists.
    fn computed_us(&self, slot: Slot) -> Option<u64> {
        let _ = slot;
        None
    }
    /// Feeds the platform's own watchdog. Returns the time until the next call is due, in
    /// microseconds; `None` where there is no such watchdog.
    fn beat(&self) -> Option<u32> {
        None
    }
}
