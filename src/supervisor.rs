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

use core::num::NonZeroU32;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use heapless::String;
use lock_api::{Mutex, MutexGuard, RawMutex as _};
use ocre_oci::Sha256;

use crate::container::events::{Change, Events};
use crate::container::log::{Cursor, Log, Record};
use crate::container::record::{self, Dates};
use crate::container::restart::delay_us;
use crate::container::state::{Action, Cause, Event, Failure, Outcome, Refusal, State, Then};
use crate::container::table::{Handle, Recorded, Status, Table, Times};
use crate::container::{Error, Guest, Held, Name, Options, Spec, Stopped, data, mount};
use crate::image::judge::{self, Policy, Source};
use crate::image::verdict::{Code, write_cut};
use crate::image::{EntryPoint, Image};
use crate::limits::{LOG_BYTES, MAX_CONTAINERS, MAX_EVENTS, MAX_LOG_RECORD};
use crate::port::{
    Engine, Exit, Halt, Host, Platform, Program, Slot, StartError, Stop, StorageError, Stream,
    ThreadSpec, WATCHDOG,
};

#[cfg(test)]
mod model;

/// Longest wait for the end of a run that was killed, in microseconds. Only code that can't be
/// stopped takes longer.
const KILL_PATIENCE_US: u64 = 10_000_000;

/// Stack of the watchdog's thread, in bytes.
const WATCHDOG_STACK: u32 = 2048;

/// Runs containers on a platform.
pub struct Supervisor<P: Platform> {
    platform: P,
    table: Mutex<P::RawMutex, Table>,
    places: [Place<P>; MAX_CONTAINERS],
    events: Mutex<P::RawMutex, Events<MAX_EVENTS>>,
    /// Held while records are written or removed.
    records: Mutex<P::RawMutex, ()>,
    /// Waits for output that are going on.
    followers: AtomicU32,
    /// Held by a start from its look at the others' mounts until it is live itself.
    mounting: Mutex<P::RawMutex, ()>,
}

/// What belongs to the container in a slot, outside of the table.
struct Place<P: Platform> {
    spec: Mutex<P::RawMutex, Held<(Handle, Spec)>>,
    log: Mutex<P::RawMutex, (Option<Handle>, Log<LOG_BYTES>)>,
    stopper: <P::Engine as Engine>::Stopper,
    /// Somebody wants the run to end, and no other to follow; the guest is to see it.
    asked: AtomicBool,
    /// No host call is to go on.
    killed: AtomicBool,
    /// How often the present or last run has called the host.
    host_calls: AtomicU32,
}

impl<P: Platform> Place<P> {
    const fn new() -> Self {
        Self {
            spec: Mutex::const_new(P::RawMutex::INIT, Held::Nothing),
            log: Mutex::const_new(P::RawMutex::INIT, (None, Log::new())),
            stopper: <P::Engine as Engine>::Stopper::NEW,
            asked: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            host_calls: AtomicU32::new(0),
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

/// One line of a list of containers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Leads to the container.
    pub handle: Handle,
    /// Its name.
    pub name: Name,
    /// Its state and times.
    pub status: Status,
}

/// What a container's present or last run has taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stats {
    /// How long it has computed, in microseconds, where somebody counts that.
    pub computed_us: Option<u64>,
    /// How long it has taken, or takes until now, in microseconds.
    pub ran_us: Option<u64>,
    /// Bytes of linear memory at the moment.
    pub memory_bytes: u32,
    /// The most that there were.
    pub memory_peak_bytes: u32,
    /// How often it has called the host; it stops at the largest number.
    pub host_calls: u32,
}

/// What [`Supervisor::await_log`] has waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Follow {
    /// There is more to read.
    More,
    /// All is read, and the container is not running.
    Ended,
    /// The time is over.
    TimedOut,
}

impl<P: Platform> Supervisor<P> {
    /// No containers yet. Constant, so that it can be a static.
    pub const fn new(platform: P) -> Self {
        Self {
            platform,
            table: Mutex::const_new(P::RawMutex::INIT, Table::new()),
            places: [const { Place::new() }; MAX_CONTAINERS],
            events: Mutex::const_new(P::RawMutex::INIT, Events::new()),
            records: Mutex::const_new(P::RawMutex::INIT, ()),
            followers: AtomicU32::new(0),
            mounting: Mutex::const_new(P::RawMutex::INIT, ()),
        }
    }

    /// What it runs on.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    fn now(&self) -> u64 {
        self.platform.clock().uptime_us()
    }

    fn place(&self, slot: Slot) -> Result<&Place<P>, Error> {
        self.places.get(usize::from(slot)).ok_or(Error::NotFound)
    }

    /// The time by the calendar, where the platform knows it.
    fn date(&self) -> Option<NonZeroU32> {
        let ns = self.platform.clock().wall_ns()?;
        NonZeroU32::new(u32::try_from(ns / 1_000_000_000).ok()?)
    }

    // ------------------------------------------------------------ to boot

    /// Takes up the containers that there are records of, after removing what a power cut left.
    /// To be called before anything else, until it succeeds. A container whose record can't be read is left
    /// alone and logged. `buffer` has [`record::MAX_BYTES`].
    ///
    /// # Errors
    /// The storage's own.
    pub fn boot(&self, buffer: &mut [u8]) -> Result<(), StorageError> {
        let storage = self.platform.storage();
        record::tidy(storage, &mut |path| {
            log::warn!("removed {path}, which no container has");
        })?;
        record::list(storage, &mut |name| {
            match self.table.lock().reserve(name, None) {
                // Taken: by a boot that failed half way.
                Ok(_) | Err(Error::NameTaken) => {}
                Err(error) => log::error!("container {name}: {error}; it stays on the partition"),
            }
        })?;
        let mut slot = 0;
        loop {
            let coming = self.table.lock().coming(slot);
            let Some((handle, name)) = coming else {
                return Ok(());
            };
            slot = handle.slot().saturating_add(1);
            if let Err(error) = self.take_up(handle, &name, buffer) {
                log::error!("container {name}: {error}; it stays on the partition");
                self.table.lock().release(handle);
            }
        }
    }

    fn take_up(&self, handle: Handle, name: &Name, buffer: &mut [u8]) -> Result<(), record::Error> {
        let storage = self.platform.storage();
        let (state, dates) = match record::read_state(storage, name, buffer) {
            Err(record::Error::Damaged) => {
                log::warn!("container {name}: how its last run ended is not known any more");
                (State::Created, Dates::default())
            }
            read => read?,
        };
        let Ok(place) = self.place(handle.slot()) else {
            return Ok(());
        };
        place.take(handle);
        let read = match place.spec.lock().as_mut() {
            Some((_, spec)) => record::read_spec(storage, name, buffer, spec)
                .map(|created| (created, spec.restart, spec.priority)),
            None => return Ok(()),
        };
        let kept =
            read.and_then(|read| data::keep(storage, name).map(|()| read).map_err(Into::into));
        let (created, restart, order) = kept.inspect_err(|_| place.clear())?;
        // Reserved above, and nobody else has the handle.
        let _ = self.table.lock().settle(handle, |status| {
            status.state = state;
            status.dates = Dates { created, ..dates };
            status.recorded = Recorded::Present;
            status.restart = restart;
            status.order = order;
        });
        Ok(())
    }

    /// Starts what ran before the reboot, or is to run always, in the order of their priorities;
    /// and from now on tells the platform's own watchdog, if there is one, that it is well.
    /// To be called once, after [`boot`](Self::boot), when containers can run.
    pub fn resume(&self) {
        let now = self.now();
        let mut table = self.table.lock();
        let mut waiting = false;
        for (_, status) in table.statuses() {
            if let State::Ended(outcome) = status.state
                && status.restart.at_boot(status.state)
            {
                status.state = State::Restarting(outcome);
                status.alarm_us = Some(now);
                waiting = true;
            }
        }
        waiting |= self.platform.threads().beat().is_some();
        if waiting && !self.watch_over(&mut table) {
            log::error!("there is no thread to watch over containers");
        }
    }

    // ------------------------------------------------------------ to come and to go

    /// Creates a container of a judged image, under a name that is made up where none is given.
    ///
    /// # Errors
    /// About the name, arguments, environment, mounts or storage; [`Error::TableFull`];
    /// [`Error::RecordUnreadable`].
    pub fn create(
        &self,
        name: Option<&str>,
        image: &Image,
        options: &Options<'_>,
    ) -> Result<Handle, Error> {
        let name = match name {
            Some(name) => Name::parse(name)?,
            None => Name::generate(self.platform.entropy())?,
        };
        let recorded = if options.temporary {
            Recorded::Never
        } else {
            Recorded::Present
        };
        let created = self.date();
        let handle = self.table.lock().reserve(&name, Some(self.now()))?;
        let place = self.place(handle.slot())?;
        place.take(handle);
        // Nobody asks for the lock yet but who looks through all places.
        let made = match place.spec.lock().as_mut() {
            Some((_, spec)) => spec
                .settle(&name, image, options)
                .and_then(|()| self.furnish(&name, spec, created)),
            None => Err(Error::NotFound),
        };
        if let Err(error) = made {
            place.clear();
            self.table.lock().release(handle);
            return Err(error);
        }
        self.table.lock().settle(handle, |status| {
            status.dates.created = created;
            status.recorded = recorded;
            status.restart = options.restart;
            status.order = options.priority;
        })?;
        self.changed(name, Some(State::Created));
        Ok(handle)
    }

    /// Makes what a container has on the partition, or nothing.
    fn furnish(&self, name: &Name, spec: &Spec, created: Option<NonZeroU32>) -> Result<(), Error> {
        let storage = self.platform.storage();
        if record::exists(storage, name)? {
            return Err(Error::RecordUnreadable);
        }
        mount::create(storage, &spec.mounts)?;
        data::create(storage, name)?;
        if spec.temporary {
            return Ok(());
        }
        let _alone = self.records.lock();
        record::write_spec(storage, name, spec, created).map_err(|error| {
            // What can't be removed now is removed at the next boot.
            let _ = data::remove(storage, name);
            error.into()
        })
    }

    /// Removes what is left of a container whose record can't be read.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such record; [`Error::NameTaken`] where there is
    /// a container of that name; the storage's own.
    pub fn discard(&self, name: &str) -> Result<(), Error> {
        let name = Name::parse(name).map_err(|_| Error::NotFound)?;
        let storage = self.platform.storage();
        let handle = self.table.lock().reserve(&name, None)?;
        let discarded = match record::exists(storage, &name) {
            Ok(true) => self.strip(&name).map_err(Error::from),
            Ok(false) => Err(Error::NotFound),
            Err(error) => Err(error.into()),
        };
        self.table.lock().release(handle);
        discarded
    }

    /// Removes what a container has on the partition, the record first.
    fn strip(&self, name: &Name) -> Result<(), StorageError> {
        let storage = self.platform.storage();
        {
            let _alone = self.records.lock();
            record::remove(storage, name)?;
        }
        data::remove(storage, name)
    }

    /// Removes a container with its log and its files; one that is live only with `force`,
    /// which kills it first.
    ///
    /// # Errors
    /// `container-running`, `container-paused`; [`Error::TimedOut`] where it does not end
    /// although killed; the storage's own, and it is still there, to be removed again.
    pub fn remove(&self, handle: Handle, force: bool) -> Result<(), Error> {
        let event = if force {
            Event::RemoveByForce
        } else {
            Event::Remove
        };
        let name = loop {
            let mut table = self.table.lock();
            let (name, status) = table.get(handle)?;
            let (_, action) = status.state.on(event)?;
            if action == Action::Remove {
                let name = name.clone();
                table.withdraw(handle)?;
                break name;
            }
            self.end_run(handle.slot(), status, Cause::Kill)?;
            drop(table);
            self.await_end(handle, self.now().saturating_add(KILL_PATIENCE_US))?;
        };
        if let Err(error) = self.strip(&name) {
            self.table.lock().restore(handle)?;
            return Err(error.into());
        }
        self.place(handle.slot())?.clear();
        self.table.lock().release(handle);
        self.changed(name, None);
        Ok(())
    }

    /// Tells everybody of a change.
    fn changed(&self, name: Name, state: Option<State>) {
        match state {
            Some(state) => log::info!("container {name}: {state}"),
            None => log::info!("container {name}: removed"),
        }
        self.events.lock().push(Change {
            at_us: self.now(),
            name,
            state,
        });
        self.platform.threads().announce();
    }

    // ------------------------------------------------------------ to run

    /// Starts a container, also one that has run before, and returns when its guest's first
    /// instruction is next.
    ///
    /// # Errors
    /// `container-running`, `container-paused`; [`Error::MountInUse`]; [`Error::Start`] with the reason where its code
    /// is refused or can't be instantiated, and the container is then `failed`.
    pub fn start(&self, handle: Handle) -> Result<(), Error> {
        let started_us = self.launch(handle, false)?;
        let entered = self.await_entry(handle, started_us);
        // Not before, so that no guest waits for the flash.
        self.write_down(handle);
        entered
    }

    /// Gives a container a thread and returns at once: when it was started. `by_itself`: it must
    /// be waiting for that, and where it can't be done it waits on.
    #[inline(never)] // its frame is large for the watchdog's stack
    fn launch(&self, handle: Handle, by_itself: bool) -> Result<u64, Error> {
        let place = self.place(handle.slot())?;
        let (stack_bytes, priority, time_limit_ms, mounts) = self.with_spec(handle, |spec| {
            (
                spec.thread_stack_bytes,
                spec.priority,
                spec.time_limit_ms,
                spec.mounts.clone(),
            )
        })?;
        let (now, date) = (self.now(), self.date());
        let deadline_us =
            time_limit_ms.map(|ms| now.saturating_add(u64::from(ms).saturating_mul(1000)));
        let (name, watched) = {
            let _mounting = self.mount(handle, &mounts)?;
            let mut table = self.table.lock();
            let (name, status) = table.get(handle)?;
            if by_itself && !matches!(status.state, State::Restarting(_)) {
                return Err(Error::State(Refusal::NotRunning));
            }
            loop {
                let (state, action) = status.state.on(Event::Start)?;
                status.state = state;
                if action == Action::Spawn {
                    break;
                }
            }
            status.killed = None;
            status.alarm_us = deadline_us;
            status.times = Times {
                created_us: status.times.created_us,
                started_us: Some(now),
                ..Times::default()
            };
            status.dates.started = date;
            status.dates.ended = None;
            if by_itself {
                status.restarts = status.restarts.saturating_add(1);
            } else {
                status.restarts = 0;
                status.failures = 0;
            }
            if status.recorded == Recorded::Present {
                status.recorded = Recorded::Earlier;
            }
            // No run uses these yet, and whoever kills this one comes after us: the lock is ours.
            place.stopper.reset();
            place.killed.store(false, Ordering::SeqCst);
            place.asked.store(false, Ordering::SeqCst);
            place.host_calls.store(0, Ordering::SeqCst);
            let name = name.clone();
            (name, deadline_us.is_none() || self.watch_over(&mut table))
        };
        let thread = ThreadSpec {
            name: &name,
            stack_bytes,
            priority,
        };
        self.changed(name.clone(), Some(State::Running));
        if !watched || !self.platform.threads().spawn(handle.slot(), &thread) {
            // The watchdog's stack is too small to write to the partition.
            self.ended(handle, Outcome::Failed(Failure::Thread), !by_itself);
        }
        Ok(now)
    }

    /// Starts a container from its beginning; stops it before, as [`stop`](Self::stop) does, where
    /// it is live.
    ///
    /// # Errors
    /// Those of [`stop`](Self::stop), but that it is not running, and of [`start`](Self::start).
    pub fn restart(&self, handle: Handle, grace_us: u64) -> Result<(), Error> {
        let (_, action) = self.status(handle)?.state.on(Event::Restart)?;
        if action == Action::StopFirst {
            match self.stop(handle, grace_us) {
                // It has ended by itself meanwhile.
                Ok(_) | Err(Error::State(Refusal::NotRunning)) => {}
                Err(error) => return Err(error),
            }
        }
        self.start(handle)
    }

    /// Holds a container's guest at its next safe point: a loop or a call, and where it waits in a
    /// host call, its end. Returns at once. Its time limit does not wait.
    ///
    /// # Errors
    /// `container-not-running`, `container-paused`.
    pub fn pause(&self, handle: Handle) -> Result<(), Error> {
        self.hold(handle, Event::Pause)
    }

    /// Lets a paused container's guest go on.
    ///
    /// # Errors
    /// `container-not-paused`.
    pub fn unpause(&self, handle: Handle) -> Result<(), Error> {
        self.hold(handle, Event::Unpause)
    }

    fn hold(&self, handle: Handle, event: Event) -> Result<(), Error> {
        let name = {
            let mut table = self.table.lock();
            let (name, status) = table.get(handle)?;
            let (state, action) = status.state.on(event)?;
            let stopper = &self.place(handle.slot())?.stopper;
            status.state = state;
            if action == Action::Hold {
                stopper.hold();
            } else {
                stopper.release();
            }
            (name.clone(), state)
        };
        self.changed(name.0, Some(name.1));
        Ok(())
    }

    /// Brings a container's record up to its state.
    fn write_down(&self, handle: Handle) {
        let _alone = self.records.lock();
        let (name, state, dates) = {
            let mut table = self.table.lock();
            match table.get(handle) {
                Ok((name, status)) if status.recorded == Recorded::Earlier => {
                    (name.clone(), status.state, status.dates)
                }
                _ => return,
            }
        };
        if self.write_state(&name, state, &dates)
            && let Ok((_, status)) = self.table.lock().get(handle)
            && status.state == state
        {
            status.recorded = Recorded::Present;
        }
    }

    /// Writes a state into a record; says so where there is no room for it.
    fn write_state(&self, name: &Name, state: State, dates: &Dates) -> bool {
        let written = record::write_state(self.platform.storage(), name, state, dates);
        if let Err(error) = written {
            log::warn!("container {name}: {state} is not in its record: {error}");
        }
        written.is_ok()
    }

    /// Makes sure that no other live container has what is to be mounted, for as long as what
    /// is returned is held.
    fn mount(
        &self,
        handle: Handle,
        mounts: &str,
    ) -> Result<Option<MutexGuard<'_, P::RawMutex, ()>>, Error> {
        if mounts.is_empty() {
            return Ok(None);
        }
        let mounting = self.mounting.lock();
        for place in &self.places {
            let other = match place.spec.lock().as_ref() {
                Some((other, spec)) if mount::exclude(mounts, &spec.mounts) => *other,
                _ => continue,
            };
            if other != handle && self.status(other).is_ok_and(|other| other.state.is_live()) {
                return Err(Error::MountInUse);
            }
        }
        Ok(Some(mounting))
    }

    /// Waits until the run that was started at `started_us` is past its instantiation.
    fn await_entry(&self, handle: Handle, started_us: u64) -> Result<(), Error> {
        self.await_change(None, || {
            let status = self.status(handle)?;
            // Another start has come in between: ours is over, and how is not known any more.
            let superseded = status.times.started_us != Some(started_us);
            Ok(match status.state.outcome() {
                _ if superseded || status.times.entered_us.is_some() => Some(Ok(())),
                Some(Outcome::Failed(failure)) => Some(Err(Error::Start(failure))),
                Some(_) => Some(Ok(())),
                None => None,
            })
        })?
    }

    /// Kills a container: returns at once, and its run ends soon. One that waits for its next run
    /// has none.
    ///
    /// # Errors
    /// `container-not-running`.
    pub fn kill(&self, handle: Handle) -> Result<(), Error> {
        let mut table = self.table.lock();
        let (name, status) = table.get(handle)?;
        let (state, action) = status.state.on(Event::Kill)?;
        if action == Action::Rest {
            let name = name.clone();
            return self.rest(handle, name, state, table);
        }
        self.end_run(handle.slot(), status, Cause::Kill)
    }

    /// Takes back that a container is to be started again.
    fn rest(
        &self,
        handle: Handle,
        name: Name,
        state: State,
        mut table: MutexGuard<'_, P::RawMutex, Table>,
    ) -> Result<(), Error> {
        let (_, status) = table.get(handle)?;
        status.state = state;
        status.alarm_us = None;
        if status.recorded == Recorded::Present {
            status.recorded = Recorded::Earlier;
        }
        drop(table);
        self.write_down(handle);
        self.changed(name, Some(state));
        Ok(())
    }

    /// Asks a container to end, waits for `grace_us`, kills it if it has not, and waits for that.
    /// One that waits for its next run has none.
    ///
    /// # Errors
    /// `container-not-running`; [`Error::TimedOut`] where it does not end although killed.
    pub fn stop(&self, handle: Handle, grace_us: u64) -> Result<Outcome, Error> {
        let asked = {
            let mut table = self.table.lock();
            let (name, status) = table.get(handle)?;
            let (state, action) = status.state.on(Event::Stop)?;
            if let (Action::Rest, State::Ended(outcome)) = (action, state) {
                let name = name.clone();
                self.rest(handle, name, state, table)?;
                return Ok(outcome);
            }
            let place = self.place(handle.slot())?;
            place.asked.store(true, Ordering::SeqCst);
            action == Action::AskToStop
        };
        if asked {
            self.platform.threads().wake(handle.slot());
            match self.await_end(handle, self.now().saturating_add(grace_us)) {
                Err(Error::TimedOut) => {}
                ended => return ended,
            }
        }
        {
            let mut table = self.table.lock();
            let (_, status) = table.get(handle)?;
            if status.state.is_live() {
                self.end_run(handle.slot(), status, Cause::Stop)?;
            }
        }
        self.await_end(handle, self.now().saturating_add(KILL_PATIENCE_US))
    }

    /// Ends the run of a live container, from under the table's lock.
    fn end_run(&self, slot: Slot, status: &mut Status, cause: Cause) -> Result<(), Error> {
        let place = self.place(slot)?;
        status.killed.get_or_insert(cause);
        // Even where its time is over already: somebody wants it to rest.
        if cause != Cause::TimeLimit {
            place.asked.store(true, Ordering::SeqCst);
        }
        place.killed.store(true, Ordering::SeqCst);
        place.stopper.stop();
        self.platform.threads().wake(slot);
        Ok(())
    }

    /// Waits for the end of a container's run, and of those that follow by themselves, at most
    /// until uptime reaches `until_us`; where it rests, tells at once how its last run ended.
    ///
    /// # Errors
    /// `container-not-started`; [`Error::TimedOut`]; [`Error::NotFound`], also where it is
    /// removed meanwhile.
    pub fn wait(&self, handle: Handle, until_us: Option<u64>) -> Result<Outcome, Error> {
        self.await_change(until_us, || {
            let state = self.status(handle)?.state;
            let (_, action) = state.on(Event::Wait)?;
            Ok(state.outcome().filter(|_| action == Action::Report))
        })
    }

    fn await_end(&self, handle: Handle, until_us: u64) -> Result<Outcome, Error> {
        self.wait(handle, Some(until_us))
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

    // ------------------------------------------------------------ to look

    /// The container of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn find(&self, name: &str) -> Result<Handle, Error> {
        self.table.lock().find(name)
    }

    /// Where a container is in its life.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn status(&self, handle: Handle) -> Result<Status, Error> {
        self.table.lock().get(handle).map(|(_, status)| *status)
    }

    /// What a container's present or last run has taken.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn stats(&self, handle: Handle) -> Result<Stats, Error> {
        let status = self.status(handle)?;
        let place = self.place(handle.slot())?;
        let live = status.state.is_live();
        let memory_bytes = place.stopper.memory_bytes();
        let until = if live {
            Some(self.now())
        } else {
            status.times.ended_us
        };
        let computed_us = if live {
            self.platform.threads().computed_us(handle.slot())
        } else {
            status.computed_us
        };
        Ok(Stats {
            computed_us,
            ran_us: status
                .times
                .started_us
                .zip(until)
                .map(|(from, to)| to.saturating_sub(from)),
            memory_bytes: if live { memory_bytes } else { 0 },
            memory_peak_bytes: memory_bytes,
            host_calls: place.host_calls.load(Ordering::SeqCst),
        })
    }

    /// Shows every container, in the order of their slots.
    pub fn list(&self, show: &mut dyn FnMut(&Summary)) {
        for slot in (0..).take(MAX_CONTAINERS) {
            let summary = {
                let mut table = self.table.lock();
                let Some(handle) = table.at(slot) else {
                    continue;
                };
                let Ok((name, status)) = table.get(handle) else {
                    continue;
                };
                Summary {
                    handle,
                    name: name.clone(),
                    status: *status,
                }
            };
            show(&summary);
        }
    }

    /// Shows what a container was created with. A lock is held meanwhile that the container's
    /// own host calls need.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn with_spec<T>(&self, handle: Handle, show: impl FnOnce(&Spec) -> T) -> Result<T, Error> {
        match self.place(handle.slot())?.spec.lock().as_ref() {
            Some((owner, spec)) if *owner == handle => Ok(show(spec)),
            _ => Err(Error::NotFound),
        }
    }

    /// Whether some container is made from the image with that manifest.
    pub fn uses(&self, manifest: &Sha256) -> bool {
        self.places.iter().any(|place| {
            let spec = place.spec.lock();
            spec.as_ref()
                .is_some_and(|(_, spec)| spec.image.manifest.digest == *manifest)
        })
    }

    /// The number of the oldest change of a container's state that is kept, and whether there is
    /// any from `number` on.
    pub fn events_from(&self, number: u64) -> (u64, bool) {
        let events = self.events.lock();
        (events.oldest(), events.has_more(number))
    }

    /// The first change from that number on, which becomes the number behind it.
    pub fn read_event(&self, number: &mut u64) -> Option<Change> {
        self.events.lock().read(number)
    }

    /// Waits until there is a change from `number` on, at most until uptime reaches `until_us`;
    /// whether there is.
    pub fn await_event(&self, number: u64, until_us: u64) -> bool {
        let look = || Ok(self.events_from(number).1.then_some(()));
        self.await_change(Some(until_us), look).is_ok()
    }

    // ------------------------------------------------------------ to listen

    fn with_log<T>(
        &self,
        handle: Handle,
        look: impl FnOnce(&Log<LOG_BYTES>) -> T,
    ) -> Result<T, Error> {
        match &*self.place(handle.slot())?.log.lock() {
            (Some(owner), log) if *owner == handle => Ok(look(log)),
            _ => Err(Error::NotFound),
        }
    }

    /// Where to read a container's output from: its last `lines` lines, or all that is there.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn log_cursor(&self, handle: Handle, lines: Option<usize>) -> Result<Cursor, Error> {
        self.with_log(handle, |log| {
            lines.map_or_else(|| log.oldest(), |lines| log.tail(lines))
        })
    }

    /// Reads the next line, or part of one, of a container's output; `None` where all is read.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn read_log(
        &self,
        handle: Handle,
        cursor: &mut Cursor,
        buffer: &mut [u8; MAX_LOG_RECORD],
    ) -> Result<Option<Record>, Error> {
        self.with_log(handle, |log| log.read(cursor, buffer))
    }

    /// How many lines of a container's output are lost, because the log keeps only so many.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn log_dropped(&self, handle: Handle) -> Result<u64, Error> {
        self.with_log(handle, Log::dropped)
    }

    /// Waits until there is more output to read, at most until uptime reaches `until_us`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn await_log(
        &self,
        handle: Handle,
        cursor: Cursor,
        until_us: Option<u64>,
    ) -> Result<Follow, Error> {
        // Guests announce their output only while this says that somebody cares. It is raised
        // before the log is looked at, and guests look at it after they have written.
        self.followers.fetch_add(1, Ordering::SeqCst);
        let found = self.await_change(until_us, || {
            // In this order: what is written before the end must not be missed.
            let live = self.status(handle)?.state.is_live();
            let more = self.with_log(handle, |log| log.has_more(cursor))?;
            Ok(match (more, live) {
                (true, _) => Some(Follow::More),
                (false, false) => Some(Follow::Ended),
                (false, true) => None,
            })
        });
        self.followers.fetch_sub(1, Ordering::SeqCst);
        match found {
            Err(Error::TimedOut) => Ok(Follow::TimedOut),
            found => found,
        }
    }

    // ------------------------------------------------------------ threads

    /// What the platform's thread for a slot does, from beginning to end.
    pub fn thread_main(&self, slot: Slot) {
        if slot == WATCHDOG {
            self.watch();
        } else {
            self.serve(slot);
        }
    }

    /// What a container's thread does. It is not in line: the watchdog, whose stack is small,
    /// comes the same way.
    #[inline(never)]
    fn serve(&self, slot: Slot) {
        let Some(handle) = self.table.lock().at(slot) else {
            return;
        };
        let result = self.run(handle);
        self.finish(handle, result);
    }

    /// Tells how a run ended that has given back everything.
    fn finish(&self, handle: Handle, result: Result<Exit, Failure>) {
        let outcome = match result {
            Ok(Exit::Code(code)) => Outcome::Exited(code),
            Ok(Exit::Trap(trap)) => Outcome::Trapped(trap),
            Ok(Exit::Stopped) => {
                let cause = self.status(handle).ok().and_then(|status| status.killed);
                Outcome::Killed(cause.unwrap_or(Cause::Kill))
            }
            Err(failure) => Outcome::Failed(failure),
        };
        self.ended(handle, outcome, true);
    }

    /// Writes down the end of a run that has given back everything.
    fn ended(&self, handle: Handle, outcome: Outcome, recording: bool) {
        let (now, date) = (self.now(), self.date());
        // It is recorded before anybody is told of it.
        let alone = self.records.lock();
        let Some((name, status)) = self.end(handle, outcome, now, date) else {
            return;
        };
        let state = status.state;
        if !matches!(state, State::Restarting(_)) {
            let recorded = match status.recorded {
                Recorded::Never => Recorded::Never,
                _ if recording && self.write_state(&name, state, &status.dates) => {
                    Recorded::Present
                }
                _ => Recorded::Earlier,
            };
            if let Ok((_, kept)) = self.table.lock().get(handle) {
                // The watchdog may sleep for this one alone.
                if kept.alarm_us.is_some() {
                    self.platform.threads().wake(WATCHDOG);
                }
                *kept = Status { recorded, ..status };
            }
        }
        drop(alone);
        self.changed(name, Some(state));
    }

    /// What becomes of a container whose run ends. Where that is another run, which is not
    /// recorded, it has become that.
    fn end(
        &self,
        handle: Handle,
        outcome: Outcome,
        now: u64,
        date: Option<NonZeroU32>,
    ) -> Option<(Name, Status)> {
        let place = self.place(handle.slot()).ok()?;
        let mut table = self.table.lock();
        let (name, kept) = table.get(handle).ok()?;
        let mut status = *kept;
        let ran_us = now.saturating_sub(status.times.started_us.unwrap_or(now));
        // Whoever was told to end has done so, in whatever way.
        let told = place.asked.load(Ordering::SeqCst);
        let then = if told {
            Then::Rest
        } else {
            let failures = &mut status.failures;
            status.restart.after(outcome, ran_us, failures)
        };
        status.state = status.state.on(Event::End(outcome, then)).ok()?.0;
        status.dates.ended = date;
        status.times.ended_us = Some(now);
        status.computed_us = self.platform.threads().computed_us(handle.slot());
        status.alarm_us = None;
        let name = name.clone();
        if then == Then::Again {
            status.alarm_us = Some(now.saturating_add(delay_us(status.failures)));
            *kept = status;
            if !self.watch_over(&mut table) {
                log::error!("container {name}: there is no thread to start it again");
            }
        }
        Some((name, status))
    }

    /// A run: from the partition to the guest's end. What is taken here is given back here.
    fn run(&self, handle: Handle) -> Result<Exit, Failure> {
        let engine = self.platform.engine();
        let place = self.place(handle.slot()).map_err(|_| Failure::Thread)?;
        let name = self.name(handle)?;

        let mut code = self.read(handle)?;
        self.mark(handle, |times, now| times.read_us = Some(now));
        if place.killed.load(Ordering::SeqCst) {
            return Ok(Exit::Stopped);
        }
        let (mut module, entry, settings) = self.load(handle, &name, &mut code)?;
        self.mark(handle, |times, now| times.loaded_us = Some(now));

        let program = Program {
            entry: &entry,
            memory_bytes: settings.memory_bytes,
            stack_bytes: settings.stack_bytes,
            instructions: settings.instructions.map(u64::from),
        };
        let guest = Running {
            supervisor: self,
            place,
            handle,
            name: &name,
            attached: settings.attached,
        };
        let mut result = Err(StartError::OutOfMemory);
        self.platform.with_host(&guest, &mut |host| {
            let mut counted = Counted {
                host,
                calls: &place.host_calls,
            };
            result = engine.run(
                &mut module,
                &program,
                &mut counted,
                &place.stopper,
                &mut || {
                    self.mark(handle, |times, now| times.entered_us = Some(now));
                    self.platform.threads().announce();
                },
            );
        });
        result.map_err(|error| match error {
            StartError::Link => Failure::Image(Code::WasmImport),
            StartError::MemoryLimit => Failure::Image(Code::LimitMemory),
            StartError::OutOfMemory => Failure::Image(Code::OutOfMemory),
            StartError::Entry => Failure::Image(Code::WasmEntrySignature),
            StartError::Stack => Failure::Image(Code::LimitStack),
            StartError::Instantiate => Failure::Instantiate,
        })
    }

    // The next two are not in line, so that what they have on the stack does not stay there under
    // the guest. They copy what they need, so that no lock is held meanwhile.

    #[inline(never)]
    fn read(&self, handle: Handle) -> Result<<P::Engine as Engine>::Code, Failure> {
        let executable = self.spec(handle, |spec| spec.image.executable)?;
        judge::read_executable(self.source(), self.platform.engine(), &executable)
            .map_err(Failure::Image)
    }

    #[inline(never)]
    fn load<'code>(
        &self,
        handle: Handle,
        name: &Name,
        code: &'code mut [u8],
    ) -> Result<(<P::Engine as Engine>::Module<'code>, EntryPoint, Settings), Failure> {
        let (image, settings) = self.spec(handle, |spec| {
            let settings = Settings {
                memory_bytes: spec.memory_bytes,
                stack_bytes: spec.stack_bytes,
                instructions: spec.instructions,
                attached: spec.attached,
            };
            (spec.image.loadable(), settings)
        })?;
        let policy = Policy {
            memory_bytes: settings.memory_bytes,
            ..self.platform.policy()
        };
        let mut words: String<96> = String::new();
        let mut explain = |more: &str| write_cut(&mut words, format_args!("{more}"));
        let engine = self.platform.engine();
        let module = judge::load(engine, code, &image, &policy, &mut explain);
        let module = module.map_err(|code| {
            log::error!(
                "container {name}: {code}{}{words}",
                if words.is_empty() { "" } else { ": " }
            );
            Failure::Image(code)
        })?;
        Ok((module, image.entry_point, settings))
    }

    fn source(&self) -> Source<'_, P::Storage> {
        Source {
            storage: self.platform.storage(),
            root: "/",
        }
    }

    // A live container is not removed, so its thread always finds it.

    fn spec<T>(&self, handle: Handle, take: impl FnOnce(&Spec) -> T) -> Result<T, Failure> {
        self.with_spec(handle, take).map_err(|_| Failure::Thread)
    }

    fn name(&self, handle: Handle) -> Result<Name, Failure> {
        let mut table = self.table.lock();
        let (name, _) = table.get(handle).map_err(|_| Failure::Thread)?;
        Ok(name.clone())
    }

    fn mark(&self, handle: Handle, set: impl FnOnce(&mut Times, u64)) {
        let now = self.now();
        if let Ok((_, status)) = self.table.lock().get(handle) {
            set(&mut status.times, now);
        }
    }

    // ------------------------------------------------------------ what happens by itself

    /// Makes sure that somebody watches over the deadlines, and over what is due; `false` where
    /// there is no thread for it.
    fn watch_over(&self, table: &mut Table) -> bool {
        let threads = self.platform.threads();
        if table.watched {
            threads.wake(WATCHDOG);
        } else {
            let thread = ThreadSpec {
                name: "watchdog",
                stack_bytes: WATCHDOG_STACK,
                priority: 0,
            };
            table.watched = threads.spawn(WATCHDOG, &thread);
        }
        table.watched
    }

    /// Ends the runs whose time is over and starts what is due, until there is nothing to wait
    /// for.
    fn watch(&self) {
        while let Some(next) = self.look_after() {
            self.platform.threads().sleep(WATCHDOG, Some(next));
        }
    }

    /// Does what is to be done by now; when there is something again, if ever.
    fn look_after(&self) -> Option<u64> {
        loop {
            let now = self.now();
            let (due, next) = {
                let mut table = self.table.lock();
                let mut next: Option<u64> = None;
                for (slot, status) in table.statuses() {
                    match status.alarm_us {
                        // Fails only for a slot that is not there, and this one is.
                        Some(alarm) if status.state.is_live() && alarm <= now => {
                            status.alarm_us = None;
                            let _ = self.end_run(slot, status, Cause::TimeLimit);
                        }
                        alarm => next = next.into_iter().chain(alarm).min(),
                    }
                }
                // It has come here through the lock that everything needs: it is well.
                let beat = self.platform.threads().beat();
                let beat = beat.map(|soon| now.saturating_add(soon.into()));
                next = next.into_iter().chain(beat).min();
                table.watched = next.is_some();
                (table.due(now), next)
            };
            match due {
                Some(handle) => self.start_again(handle, now),
                None => return next,
            }
        }
    }

    /// Starts what is due; what can't be started now waits on.
    #[inline(never)] // as above
    fn start_again(&self, handle: Handle, now: u64) {
        if let Err(error) = self.launch(handle, true) {
            let mut table = self.table.lock();
            if let Ok((name, status)) = table.get(handle)
                && matches!(status.state, State::Restarting(_))
            {
                status.failures = status.failures.saturating_add(1);
                status.alarm_us = Some(now.saturating_add(delay_us(status.failures)));
                log::warn!("container {name} is not started again now: {error}");
            }
        }
    }
}

/// What a run needs to know once its code is loaded.
struct Settings {
    memory_bytes: u32,
    stack_bytes: u32,
    instructions: Option<u32>,
    attached: bool,
}

/// Host functions whose calls are counted.
struct Counted<'a> {
    host: &'a mut dyn Host,
    calls: &'a AtomicU32,
}

impl Host for Counted<'_> {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), Halt> {
        // Only this thread writes it.
        let calls = self.calls.load(Ordering::Relaxed).saturating_add(1);
        self.calls.store(calls, Ordering::Relaxed);
        self.host.call(function, memory, arguments)
    }

    fn room_for(&self, function: usize) -> u32 {
        self.host.room_for(function)
    }

    fn give_room(&mut self, function: usize, address: u32, bytes: u32) {
        self.host.give_room(function, address, bytes);
    }
}

/// A running container.
struct Running<'a, P: Platform> {
    supervisor: &'a Supervisor<P>,
    place: &'a Place<P>,
    handle: Handle,
    name: &'a Name,
    attached: bool,
}

impl<P: Platform> Guest for Running<'_, P> {
    fn name(&self) -> &Name {
        self.name
    }

    fn slot(&self) -> Slot {
        self.handle.slot()
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        // Its own thread is running, so it is there.
        let _ = self.supervisor.with_spec(self.handle, |spec| show(spec));
    }

    fn write(&self, stream: Stream, bytes: &[u8]) {
        let now = self.supervisor.now();
        self.place.log.lock().1.write(stream, now, bytes);
        if self.attached {
            self.supervisor.platform.console().write(stream, bytes);
        }
        if self.supervisor.followers.load(Ordering::SeqCst) > 0 {
            self.supervisor.platform.threads().announce();
        }
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        if self.attached && !self.place.asked.load(Ordering::SeqCst) {
            self.supervisor.platform.console().read(buffer)
        } else {
            Some(0)
        }
    }

    fn sleep(&self, until_us: Option<u64>) -> Result<(), Stopped> {
        self.check()?;
        let threads = self.supervisor.platform.threads();
        threads.sleep(self.handle.slot(), until_us);
        self.check()
    }

    fn check(&self) -> Result<(), Stopped> {
        if self.place.killed.load(Ordering::SeqCst) {
            Err(Stopped)
        } else {
            Ok(())
        }
    }
}
