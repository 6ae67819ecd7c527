// SPDX-License-Identifier: Apache-2.0
//! Supervisor: drives containers through the ports.
//!
//! Promised:
//!
//! - Whatever the guests do, [`kill`](Supervisor::kill), the time limit and every query about a
//!   container are served at once: no lock is held while a guest runs, and the locks of a guest's
//!   host calls (its log, its spec) are not needed to kill it.
//! - A start whose code is refused or can't be instantiated returns the reason to its caller.
//! - The result of a run is true: a guest that exits while it is being killed has exited, with its
//!   own code.
//! - A container that is not live has no thread and holds nothing but its slot, its log, its
//!   record and its folder.
//! - A paused guest runs no further than to its next safe point, until it is unpaused; it can be
//!   killed meanwhile like any other.
//! - Restart policies are followed without a command, also after a reboot, once
//!   [`resume`](Supervisor::resume) was called.
//! - A container that follows a tag is started with the present image of the tag, and an update of
//!   the tag that fails is taken back, so that the next start has the image that worked.
//! - The spec of a container, its files, and the result of its last run survive a reboot, unless
//!   the container is temporary: the answers of [`start`](Supervisor::start),
//!   [`wait`](Supervisor::wait) and the others survive a power cut, as far as the partition has
//!   room for them.
//!
//! Design: the [table](crate::container::table) holds the containers and their states, under one
//! lock that is never held over anything slow. The spec of a container, its log and its [`Interrupt`]
//! lie beside the table, one `SlotData` for each slot, each with its own lock.
//! [Records](crate::container::record) are written by the caller that starts a container and by the
//! container's thread at its end, under one lock that nothing else needs; not at a restart by the
//! policy, so that a crash loop does not wear the flash out.
//! [`thread_main`](Supervisor::thread_main) is a run from beginning to end. A thread of the
//! supervisor watches the time limits, starts containers that are due, and feeds the platform's own
//! watchdog; it ends when it has nothing to wait for.
//!
//! Each file in the folder has one part of that.

/// Logs a line of a level.
macro_rules! say {
    ($level:ident, $($words:tt)*) => {
        $crate::supervisor::say(log::Level::$level, format_args!($($words)*))
    };
}

mod boot;
mod create;
mod deadlines;
mod output;
mod persist;
mod platform;
mod provenance;
mod query;
mod remove;
mod rollback;
mod run;
mod start;
mod stop;
mod update;

use core::fmt;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicBool, AtomicU32};

use lock_api::{Mutex, RawMutex as _};

pub use self::create::{CreateError, CreateRequest};
pub use self::output::LogWait;
pub use self::platform::Platform;
pub use self::query::{Stats, Summary};
use crate::container::events::{RecentChanges, StateChange};
use crate::container::log::Log;
use crate::container::state::State;
use crate::container::table::{Handle, Table, TableEntry};
use crate::container::{Error, Name, Spec, ZeroedOption};
use crate::limits::{LOG_BYTES, MAX_CONTAINERS, MAX_EVENTS};
use crate::port::{Engine, Interrupt, Slot, WATCHDOG};

/// Longest wait for the end of a run that was killed, in microseconds. Only code that can't be
/// interrupted takes longer.
const KILL_PATIENCE_US: u64 = 10_000_000;

/// Stack of the watchdog's thread, in bytes.
const WATCHDOG_STACK: u32 = 2048;

/// Logs a line. The log's macros expand to much code, which is here in one place.
#[inline(never)]
fn say(level: log::Level, words: fmt::Arguments<'_>) {
    log::log!(level, "{words}");
}

/// Runs containers on a platform.
///
/// ```
/// use ocre::container::{Limits, Options};
/// use ocre::container::state::RunResult;
///
/// # mod device { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/device.rs")); }
/// // A supervisor on a PC, and an image that the judge has accepted.
/// # let (supervisor, image) = device::boot();
/// let limits = Limits { memory_bytes: 65_536, ..Limits::default() };
/// let options = Options { limits, ..Options::default() };
/// let container = supervisor.create(Some("seven"), &image, &options)?;
/// supervisor.start(container)?;
/// assert_eq!(supervisor.wait(container, None)?, RunResult::Exited(7));
/// supervisor.remove(container, false)?;
/// # Ok::<(), ocre::container::Error>(())
/// ```
#[repr(C)] // the largest last: near fields take less code
pub struct Supervisor<P: Platform> {
    platform: P,
    /// Number of waits for output.
    followers: AtomicU32,
    /// Held while records are written or removed.
    records: Mutex<P::RawMutex, ()>,
    /// Held by a start from its check of the other mounts until the container is live.
    mounting: Mutex<P::RawMutex, ()>,
    table: Mutex<P::RawMutex, Table>,
    events: Mutex<P::RawMutex, RecentChanges<MAX_EVENTS>>,
    places: [SlotData<P>; MAX_CONTAINERS],
}

/// Data of the container in a slot, outside of the table.
#[repr(C)] // the largest last: see `Supervisor`
struct SlotData<P: Platform> {
    /// Number of host calls of the present or last run.
    host_calls: AtomicU32,
    /// True where the run is to end, and no other to follow; the guest sees the request.
    asked: AtomicBool,
    /// True where host calls are to end.
    killed: AtomicBool,
    interrupt: <P::Engine as Engine>::Interrupt,
    spec: Mutex<P::RawMutex, ZeroedOption<(Handle, Spec)>>,
    log: Mutex<P::RawMutex, (Option<Handle>, Log<LOG_BYTES>)>,
}

impl<P: Platform> SlotData<P> {
    const fn new() -> Self {
        Self {
            host_calls: AtomicU32::new(0),
            asked: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            interrupt: <P::Engine as Engine>::Interrupt::NEW,
            spec: Mutex::const_new(P::RawMutex::INIT, ZeroedOption::None),
            log: Mutex::const_new(P::RawMutex::INIT, (None, Log::new())),
        }
    }

    /// Gives the slot's data to a container. The spec is made here, because it is large for a
    /// device's stack.
    #[inline(never)]
    fn take(&self, handle: Handle) {
        *self.spec.lock() = ZeroedOption::Some((handle, Spec::blank()));
        let mut log = self.log.lock();
        log.0 = Some(handle);
        log.1.clear();
    }

    /// Takes the slot's data from its container.
    fn clear(&self) {
        *self.spec.lock() = ZeroedOption::None;
        let mut log = self.log.lock();
        log.0 = None;
        log.1.clear();
    }
}

impl<P: Platform> Supervisor<P> {
    /// Creates a supervisor without containers. Constant, so that it can be a static.
    pub const fn new(platform: P) -> Self {
        // Memory that a container takes all the time, besides its log.
        const { assert!(size_of::<SlotData<P>>() + size_of::<TableEntry>() - LOG_BYTES < 2048) }
        Self {
            platform,
            followers: AtomicU32::new(0),
            records: Mutex::const_new(P::RawMutex::INIT, ()),
            mounting: Mutex::const_new(P::RawMutex::INIT, ()),
            table: Mutex::const_new(P::RawMutex::INIT, Table::new()),
            events: Mutex::const_new(P::RawMutex::INIT, RecentChanges::new()),
            places: [const { SlotData::new() }; MAX_CONTAINERS],
        }
    }

    /// Platform of the supervisor.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    fn now(&self) -> u64 {
        self.platform.clock().uptime_us()
    }

    #[inline(never)]
    fn place(&self, slot: Slot) -> Result<&SlotData<P>, Error> {
        self.places.get(usize::from(slot)).ok_or(Error::NotFound)
    }

    /// Date in seconds since 1970, where the platform knows it.
    #[inline(never)] // for the division
    fn date(&self) -> Option<NonZeroU32> {
        let ns = self.platform.clock().wall_ns()?;
        NonZeroU32::new(u32::try_from(ns / 1_000_000_000).ok()?)
    }

    /// Announces a change of a container's state.
    fn changed(&self, name: &Name, state: Option<State>) {
        let word: &dyn fmt::Display = match &state {
            Some(state) => state,
            None => &"removed",
        };
        say!(Info, "container {name}: {word}");
        self.events.lock().push(StateChange {
            at_us: self.now(),
            name: name.clone(),
            state,
        });
        self.platform.threads().announce();
    }

    /// Calls `look`, and again after each announcement, until it finds something or `until_us` is
    /// over.
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

    /// Runs the platform's thread for a slot, from beginning to end.
    pub fn thread_main(&self, slot: Slot) {
        if slot == WATCHDOG {
            self.watch();
        } else {
            self.serve(slot);
        }
    }
}
