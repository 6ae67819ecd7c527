// SPDX-License-Identifier: Apache-2.0
//! Drives containers through the ports.
//!
//! Promised:
//!
//! - Whatever the guests do, [`kill`](Supervisor::kill), the time limit and every question about
//!   a container are served at once: no lock is held while a guest runs, and what a guest's host
//!   calls lock (its log, what it was created with) is not needed to kill it.
//! - A start whose code is refused or can't be instantiated says so to whoever asked for it.
//! - How a run ended is what happened: a guest that ends by itself while it is being killed has
//!   exited, with its own code.
//! - A container that is not live has no thread and holds nothing but its slot, its log, its
//!   record and its folder.
//! - A guest that is paused runs no more than to its next safe point, until it is let go on; it
//!   can be killed meanwhile like any other.
//! - What its restart policy says of a container is done by itself, also after a reboot, once
//!   [`resume`](Supervisor::resume) was called.
//! - A container that follows a tag is started with what the tag leads to then, and an update of the
//!   tag that fails is taken back, so that the next start is with what worked.
//! - What a container was created with, its files, and how its last run ended are there after a
//!   reboot, unless it is temporary: what [`start`](Supervisor::start),
//!   [`wait`](Supervisor::wait) and the others have told survives a power cut, as far as the
//!   partition has room for it.
//!
//! How: the [table](crate::container::table) says what containers there are and in what state,
//! under one lock that is never held over anything slow. What a container was created with, its
//! log and its [`Stop`] lie beside the table, one `Place` for each slot, each with its own
//! lock. [Records](crate::container::record) are written by whoever starts a container and by its
//! own thread at its end, under one lock that nothing else needs; not when it is started again by
//! itself, so that a crash loop does not wear the flash out.
//! [`thread_main`](Supervisor::thread_main) is a run from beginning to end. A thread of the
//! supervisor's own, which is there only while some run has a time limit or some container is to
//! be started again, watches over the limits and starts what is due.
//!
//! Each file in the folder has one part of that.

/// Logs a line of a level.
macro_rules! say {
    ($level:ident, $($words:tt)*) => {
        $crate::supervisor::say(log::Level::$level, format_args!($($words)*))
    };
}

mod boot;
mod follow;
mod lifetime;
mod look;
#[cfg(test)]
mod model;
mod output;
mod recording;
mod run;
mod start;
mod stop;
mod watch;

use core::fmt;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicBool, AtomicU32};

use lock_api::{Mutex, RawMutex as _};

pub use self::look::{Stats, Summary};
pub use self::output::Follow;
use crate::container::events::{Change, Events};
use crate::container::log::Log;
use crate::container::state::State;
use crate::container::table::{Entry, Handle, Table};
use crate::container::{Error, Held, Name, Spec};
use crate::limits::{LOG_BYTES, MAX_CONTAINERS, MAX_EVENTS};
use crate::port::{Engine, Platform, Slot, Stop, WATCHDOG};

/// Longest wait for the end of a run that was killed, in microseconds. Only code that can't be
/// stopped takes longer.
const KILL_PATIENCE_US: u64 = 10_000_000;

/// Stack of the watchdog's thread, in bytes.
const WATCHDOG_STACK: u32 = 2048;

/// Logs a line. What the log's own macros are made of is much code, and so in one place.
#[inline(never)]
fn say(level: log::Level, words: fmt::Arguments<'_>) {
    log::log!(level, "{words}");
}

/// Runs containers on a platform.
#[repr(C)] // the largest last: what is near is reached with less code
pub struct Supervisor<P: Platform> {
    platform: P,
    /// Waits for output that are going on.
    followers: AtomicU32,
    /// Held while records are written or removed.
    records: Mutex<P::RawMutex, ()>,
    /// Held by a start from its look at the others' mounts until it is live itself.
    mounting: Mutex<P::RawMutex, ()>,
    table: Mutex<P::RawMutex, Table>,
    events: Mutex<P::RawMutex, Events<MAX_EVENTS>>,
    places: [Place<P>; MAX_CONTAINERS],
}

/// What belongs to the container in a slot, outside of the table.
#[repr(C)] // the largest last: see `Supervisor`
struct Place<P: Platform> {
    /// How often the present or last run has called the host.
    host_calls: AtomicU32,
    /// Somebody wants the run to end, and no other to follow; the guest is to see it.
    asked: AtomicBool,
    /// No host call is to go on.
    killed: AtomicBool,
    stopper: <P::Engine as Engine>::Stopper,
    spec: Mutex<P::RawMutex, Held<(Handle, Spec)>>,
    log: Mutex<P::RawMutex, (Option<Handle>, Log<LOG_BYTES>)>,
}

impl<P: Platform> Place<P> {
    const fn new() -> Self {
        Self {
            host_calls: AtomicU32::new(0),
            asked: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            stopper: <P::Engine as Engine>::Stopper::NEW,
            spec: Mutex::const_new(P::RawMutex::INIT, Held::Nothing),
            log: Mutex::const_new(P::RawMutex::INIT, (None, Log::new())),
        }
    }

    /// Belongs to that container from now on. What it is created with is made here, because it
    /// is large for a device's stack.
    #[inline(never)]
    fn take(&self, handle: Handle) {
        *self.spec.lock() = Held::This((handle, Spec::blank()));
        let mut log = self.log.lock();
        log.0 = Some(handle);
        log.1.clear();
    }

    /// Belongs to no container.
    fn clear(&self) {
        *self.spec.lock() = Held::Nothing;
        let mut log = self.log.lock();
        log.0 = None;
        log.1.clear();
    }
}

impl<P: Platform> Supervisor<P> {
    /// No containers yet. Constant, so that it can be a static.
    pub const fn new(platform: P) -> Self {
        // What a container takes all the time, besides its log.
        const { assert!(size_of::<Place<P>>() + size_of::<Entry>() - LOG_BYTES < 2048) }
        Self {
            platform,
            followers: AtomicU32::new(0),
            records: Mutex::const_new(P::RawMutex::INIT, ()),
            mounting: Mutex::const_new(P::RawMutex::INIT, ()),
            table: Mutex::const_new(P::RawMutex::INIT, Table::new()),
            events: Mutex::const_new(P::RawMutex::INIT, Events::new()),
            places: [const { Place::new() }; MAX_CONTAINERS],
        }
    }

    /// What it runs on.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    fn now(&self) -> u64 {
        self.platform.clock().uptime_us()
    }

    #[inline(never)]
    fn place(&self, slot: Slot) -> Result<&Place<P>, Error> {
        self.places.get(usize::from(slot)).ok_or(Error::NotFound)
    }

    /// The time by the calendar, where the platform knows it.
    #[inline(never)] // for the division
    fn date(&self) -> Option<NonZeroU32> {
        let ns = self.platform.clock().wall_ns()?;
        NonZeroU32::new(u32::try_from(ns / 1_000_000_000).ok()?)
    }

    /// Tells everybody of a change.
    fn changed(&self, name: &Name, state: Option<State>) {
        let word: &dyn fmt::Display = match &state {
            Some(state) => state,
            None => &"removed",
        };
        say!(Info, "container {name}: {word}");
        self.events.lock().push(Change {
            at_us: self.now(),
            name: name.clone(),
            state,
        });
        self.platform.threads().announce();
    }

    /// Looks, and looks again after each announcement, until there is something.
    fn await_change<T>(
        &self,
        until_us: Option<u64>,
        mut look: impl FnMut() -> Result<Option<T>, Error>,
    ) -> Result<T, Error> {
        let threads = self.platform.threads();
        // Counted before looking, so that no announcement falls in between.
        let mut seen = threads.await_change(0, Some(0));
        loop {
            if let Some(found) = look()? {
                return Ok(found);
            }
            if until_us.is_some_and(|until| self.now() >= until) {
                return Err(Error::TimedOut);
            }
            seen = threads.await_change(seen, until_us);
        }
    }

    /// What the platform's thread for a slot does, from beginning to end.
    pub fn thread_main(&self, slot: Slot) {
        if slot == WATCHDOG {
            self.watch();
        } else {
            self.serve(slot);
        }
    }
}
