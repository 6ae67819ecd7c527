// SPDX-License-Identifier: Apache-2.0
//! Simulated platform: virtual time, threads that are coroutines, and guests with plans.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock, Weak};

use ocre::container::state::StartFailure;
use ocre::container::{Guest, record};
use ocre::image::JudgedImage;
use ocre::image::judge::{Policy, Workspace};
use ocre::image::trust::Trust;
use ocre::limits::MAX_CONTAINERS;
use ocre::port::{
    AotTarget, Clock, Console, ConsoleError, Engine, Entropy, Exit, External, Host, HostExit,
    HostModule, Interrupt, LoadError, Program, Slot, StartError, Stream, ThreadSpec, Threads, Trap,
    WATCHDOG,
};
use ocre::supervisor::{Platform, Supervisor};
use ocre_conformance::images::DOCUMENT;
use ocre_conformance::memory::MemoryStorage;
use ocre_conformance::numbers::PseudoRandom;
use parking_lot::Mutex;

use crate::SECOND;
use crate::coroutine::{self, Coroutine};

/// Time from a guest's start to its first instruction, in microseconds.
pub const LOADING_US: u64 = 100;
/// Time from a stop request or a kill to a guest's end, in microseconds.
const DYING_US: u64 = 50;

/// A guest with its plan.
struct SimGuest {
    /// `None` while it runs.
    thread: Option<Coroutine>,
    /// Requests of its run, once its first instruction is next.
    requests: Option<Arc<Requests>>,
    /// Time at which the thread was spawned.
    spawned_us: u64,
    /// True where the run fails to begin.
    fails: bool,
    /// Rest of the computing time; `None` for ever.
    left_us: Option<u64>,
    exit: Exit,
    /// True where the guest ends on a stop request.
    obeys: bool,
    /// True once the thread was woken.
    woken: bool,
    /// Time of the end, once the guest was told to end.
    dies_us: Option<u64>,
    /// Result of the engine; `None` where the run did not come so far.
    result: Option<Result<Exit, StartFailure>>,
}

/// The supervisor's own thread.
struct Watchdog {
    /// `None` while it runs.
    thread: Option<Coroutine>,
    wakes_us: u64,
    woken: bool,
}

/// Event of the guest in a slot.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Happening {
    /// A thread was asked for; true where there was one.
    Spawned(bool),
    /// The thread begins, and looks up the image of the tag.
    Followed,
    /// The thread has ended.
    Ended(Result<Exit, StartFailure>),
}

/// Platform in virtual time.
pub struct Sim {
    /// The partition, which outlives the platform.
    pub storage: Arc<MemoryStorage>,
    /// Source of all choices.
    pub numbers: Mutex<PseudoRandom>,
    /// Events: time, slot, and true where they are the watchdog's work.
    pub happened: Mutex<Vec<(u64, Slot, bool, Happening)>>,
    now: AtomicU64,
    announced: AtomicU32,
    guests: Mutex<[Option<SimGuest>; MAX_CONTAINERS]>,
    watchdog: Mutex<Option<Watchdog>>,
    documents: Mutex<([Vec<u8>; 2], JudgedImage)>,
    supervisor: OnceLock<Weak<Supervisor<Self>>>,
}

/// Requests to a run.
#[derive(Default)]
struct Requests {
    stopped: AtomicBool,
    held: AtomicBool,
}

impl Requests {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }
}

/// Requests that the simulation looks at, too.
pub struct Flags(LazyLock<Arc<Requests>>);

impl Interrupt for Flags {
    const NEW: Self = Self(LazyLock::new(Arc::default));

    fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
    }

    fn hold(&self) {
        self.0.held.store(true, Ordering::SeqCst);
    }

    fn release(&self) {
        self.0.held.store(false, Ordering::SeqCst);
    }

    fn memory_bytes(&self) -> u32 {
        0
    }

    fn reset(&self) {
        self.0.stopped.store(false, Ordering::SeqCst);
        self.0.held.store(false, Ordering::SeqCst);
    }
}

/// Boots a device.
pub fn boot(storage: Arc<MemoryStorage>, numbers: PseudoRandom, now: u64) -> Arc<Supervisor<Sim>> {
    let supervisor = Arc::new(Supervisor::new(Sim {
        storage,
        numbers: Mutex::new(numbers),
        happened: Mutex::default(),
        now: AtomicU64::new(now),
        announced: AtomicU32::new(0),
        guests: Mutex::default(),
        watchdog: Mutex::default(),
        documents: Mutex::new((
            [vec![0; record::MAX_BYTES], vec![0; DOCUMENT]],
            JudgedImage::blank(),
        )),
        supervisor: OnceLock::new(),
    }));
    let weak = Arc::downgrade(&supervisor);
    assert!(supervisor.platform().supervisor.set(weak).is_ok());
    let mut buffer = vec![0; record::MAX_BYTES];
    supervisor.boot(&mut buffer).unwrap();
    supervisor
}

impl Sim {
    /// Present time, in microseconds.
    pub fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    /// True where a container has a thread.
    pub fn has_thread(&self, slot: Slot) -> bool {
        self.guests.lock()[usize::from(slot)].is_some()
    }

    /// Ends all threads where they wait, as the end of the power does.
    pub fn power_off(&self) {
        let guests = mem::take(&mut *self.guests.lock());
        let watchdog = self.watchdog.lock().take();
        drop((guests, watchdog));
    }

    fn tell(&self, slot: Slot, what: Happening) {
        let watching = coroutine::slot() == Some(WATCHDOG);
        let mut happened = self.happened.lock();
        happened.push((self.now(), slot, watching, what));
    }

    /// Makes a thread of the supervisor.
    fn thread(&self, slot: Slot) -> Coroutine {
        let supervisor = self.supervisor.get().unwrap().upgrade().unwrap();
        Coroutine::new(slot, move || supervisor.thread_main(slot))
    }

    /// Time of the next event until `until_us`, and its slot.
    fn next(&self, until_us: u64) -> Option<(u64, Slot)> {
        let now = self.now();
        let watchdog = self.watchdog.lock();
        let mut next = (watchdog.as_ref()).map(|own| (own.wakes_us.max(now), WATCHDOG));
        for (slot, guest) in (0..).zip(self.guests.lock().iter_mut()) {
            let Some(guest) = guest else { continue };
            let at = match &guest.requests {
                None => Some(guest.spawned_us + LOADING_US),
                Some(requests) => {
                    let held = requests.is_held();
                    if requests.is_stopped() || (guest.obeys && guest.woken && !held) {
                        Some(*guest.dies_us.get_or_insert(now + DYING_US))
                    } else if held {
                        None
                    } else {
                        guest.left_us.map(|left| now + left)
                    }
                }
            };
            if let Some(at) = at
                && next.is_none_or(|(other, _)| at < other)
            {
                next = Some((at, slot));
            }
        }
        next.filter(|(at, _)| *at <= until_us)
    }

    /// Lets the next event until `until_us` happen; without one, time goes on to `until_us`.
    pub fn step(&self, until_us: u64) -> bool {
        let now = self.now();
        let next = self.next(until_us);
        let then = next.map_or(until_us, |(at, _)| at).max(now);
        for guest in self.guests.lock().iter_mut().flatten() {
            if let Some(requests) = &guest.requests
                && !requests.is_held()
            {
                guest.left_us = guest.left_us.map(|left| left.saturating_sub(then - now));
            }
        }
        self.now.store(then, Ordering::SeqCst);
        match next {
            None => return false,
            Some((_, WATCHDOG)) => self.resume_watchdog(),
            Some((_, slot)) => self.resume_guest(slot),
        }
        true
    }

    fn resume_watchdog(&self) {
        let thread = (self.watchdog.lock().as_mut()).and_then(|own| own.thread.take());
        let mut thread = thread.expect("it waits");
        if thread.resume() {
            self.watchdog.lock().as_mut().expect("it is there").thread = Some(thread);
        } else {
            *self.watchdog.lock() = None;
        }
    }

    fn resume_guest(&self, slot: Slot) {
        let index = usize::from(slot);
        let (thread, begins) = match &mut self.guests.lock()[index] {
            Some(guest) => (guest.thread.take(), guest.requests.is_none()),
            None => (None, false),
        };
        let mut thread = thread.expect("it waits");
        if begins {
            self.tell(slot, Happening::Followed);
        }
        let waits = thread.resume();
        let mut guests = self.guests.lock();
        if waits {
            guests[index].as_mut().expect("it is there").thread = Some(thread);
            return;
        }
        let guest = guests[index].take().expect("it is there");
        drop(guests);
        // A run that is killed while its code is read does not get to the engine.
        let result = guest.result.unwrap_or(Ok(Exit::Stopped));
        self.tell(slot, Happening::Ended(result));
    }

    /// Changes the plan of the guest whose thread this is.
    fn own<T>(&self, change: impl FnOnce(&mut SimGuest) -> T) -> T {
        let slot = coroutine::slot().expect("a container's thread");
        change(self.guests.lock()[usize::from(slot)].as_mut().unwrap())
    }
}

impl Threads for Sim {
    fn spawn(&self, slot: Slot, _: &ThreadSpec<'_>) -> bool {
        if slot == WATCHDOG {
            let watchdog = Watchdog {
                thread: Some(self.thread(slot)),
                wakes_us: self.now(),
                woken: false,
            };
            let earlier = self.watchdog.lock().replace(watchdog);
            assert!(earlier.is_none(), "there are two watchdogs");
            return true;
        }
        let mut numbers = self.numbers.lock();
        let there = numbers.below(40) != 0;
        if there {
            let guest = SimGuest {
                thread: Some(self.thread(slot)),
                requests: None,
                spawned_us: self.now(),
                fails: numbers.below(8) == 0,
                left_us: numbers.one_of(&[
                    None,
                    None,
                    Some(0),
                    Some(1000),
                    Some(SECOND / 2),
                    Some(3 * SECOND),
                    Some(12 * SECOND),
                ]),
                exit: numbers.one_of(&[
                    Exit::Code(0),
                    Exit::Code(0),
                    Exit::Code(7),
                    Exit::Code(-1),
                    Exit::Trap(Trap::Unreachable),
                ]),
                obeys: numbers.below(2) == 0,
                woken: false,
                dies_us: None,
                result: None,
            };
            let earlier = self.guests.lock()[usize::from(slot)].replace(guest);
            assert!(earlier.is_none(), "it has a thread");
        }
        drop(numbers);
        self.tell(slot, Happening::Spawned(there));
        there
    }

    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool {
        assert_eq!(slot, WATCHDOG, "no guest of the simulation sleeps");
        let woken = |at_us: Option<u64>| {
            let mut watchdog = self.watchdog.lock();
            let own = watchdog.as_mut().expect("it is there");
            own.wakes_us = at_us.unwrap_or(u64::MAX);
            mem::take(&mut own.woken)
        };
        woken(until_us) || {
            coroutine::wait();
            woken(None)
        }
    }

    fn wake(&self, slot: Slot) {
        if slot == WATCHDOG {
            if let Some(own) = &mut *self.watchdog.lock() {
                own.woken = true;
                own.wakes_us = self.now();
            }
        } else if let Some(guest) = &mut self.guests.lock()[usize::from(slot)] {
            guest.woken = true;
        }
    }

    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32 {
        let until = until_us.unwrap_or(u64::MAX);
        while self.announced.load(Ordering::SeqCst) == seen && self.now() < until {
            if !self.step(until) {
                assert!(until < u64::MAX, "a wait without an end");
            }
        }
        self.announced.load(Ordering::SeqCst)
    }

    fn announce(&self) {
        self.announced.fetch_add(1, Ordering::SeqCst);
    }
}

impl Clock for Sim {
    fn uptime_us(&self) -> u64 {
        self.now()
    }

    fn wall_ns(&self) -> Option<u64> {
        None
    }
}

impl Entropy for Sim {
    fn fill(&self, _: &mut [u8]) -> bool {
        false
    }
}

impl Console for Sim {
    fn write(&self, _: Stream, _: &[u8]) -> Result<(), ConsoleError> {
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> Option<usize> {
        None
    }
}

/// Host functions of a simulated guest.
struct Calls<'a>(&'a dyn Guest);

/// Function that ends a run that is killed.
const CHECK: usize = 0;
/// Function that tells by its first argument whether the input has ended.
const INPUT: usize = 1;

impl Host for Calls<'_> {
    fn call(
        &mut self,
        function: usize,
        _: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit> {
        match function {
            CHECK => self.0.check()?,
            _ => arguments[0] = u64::from(self.0.read(&mut [0]) == Some(0)),
        }
        Ok(())
    }
}

/// Takes all code for an empty `_start`, and runs the plan of a guest.
impl Engine for Sim {
    type Code = Box<[u8]>;
    type Module = ();
    type Interrupt = Flags;

    fn allocate(&self, bytes: usize) -> Option<Self::Code> {
        Some(vec![0; bytes].into())
    }

    fn aot_target(&self) -> Option<&'static AotTarget> {
        None
    }

    fn interprets(&self) -> bool {
        true
    }

    fn host_functions(&self) -> &'static [HostModule] {
        &[]
    }

    fn load(&self, _: Self::Code, _: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
        Ok(())
    }

    fn imports(&self, (): &(), _: &mut dyn FnMut(&str, &str, External<'_>)) {}

    fn exports(&self, (): &(), export: &mut dyn FnMut(&str, External<'_>)) {
        export("_start", External::Function { signature: "()" });
    }

    fn minimum_pages(&self, (): &()) -> u32 {
        0
    }

    fn run(
        &self,
        (): (),
        _: &Program<'_>,
        host: &mut dyn Host,
        interrupt: &Flags,
        started: &mut dyn FnMut(),
    ) -> Result<Exit, StartError> {
        let fails = self.own(|guest| {
            if guest.fails {
                guest.result = Some(Err(StartFailure::Instantiate));
            } else {
                guest.requests = Some(Arc::clone(&interrupt.0));
            }
            guest.fails
        });
        if fails {
            return Err(StartError::Instantiate);
        }
        started();
        // The guest computes until its end.
        coroutine::wait();
        let stopped = interrupt.0.is_stopped();
        let killed = host.call(CHECK, &mut [], &mut []);
        assert_eq!(
            killed,
            if stopped {
                Err(HostExit::Stopped)
            } else {
                Ok(())
            }
        );
        let mut input_ended = [0];
        assert_eq!(host.call(INPUT, &mut [], &mut input_ended), Ok(()));
        Ok(self.own(|guest| {
            let exit = if stopped {
                Exit::Stopped
            } else if guest.dies_us.is_some() {
                assert_eq!(input_ended, [1], "it was not asked to stop");
                Exit::Code(9)
            } else {
                guest.exit
            };
            guest.result = Some(Ok(exit));
            exit
        }))
    }
}

impl Platform for Sim {
    type RawMutex = parking_lot::RawMutex;
    type Storage = MemoryStorage;
    type Engine = Self;

    fn storage(&self) -> &MemoryStorage {
        &self.storage
    }

    fn engine(&self) -> &Self {
        self
    }

    fn clock(&self) -> &dyn Clock {
        self
    }

    fn entropy(&self) -> &dyn Entropy {
        self
    }

    fn console(&self) -> &dyn Console {
        self
    }

    fn threads(&self) -> &dyn Threads {
        self
    }

    fn policy(&self) -> Policy<'_> {
        Policy {
            trust: &Trust::PORTABLE,
            uninterruptible: false,
            prefer_portable: false,
            image_bytes: 1 << 16,
            memory_bytes: u32::MAX,
        }
    }

    fn with_host(&self, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host)) {
        run(&mut Calls(guest));
    }

    fn with_documents(&self, run: &mut dyn FnMut(Workspace<'_>, &mut JudgedImage)) {
        let ([document, config], judged) = &mut *self.documents.lock();
        run(Workspace { document, config }, judged);
    }
}
