// SPDX-License-Identifier: Apache-2.0
//! Model test of the supervisor, in virtual time.
//!
//! Runs random operations on a few containers whose guests are simulated: each has a plan, and a
//! time of its end. A wait lets the virtual time pass, event by event. The model predicts, in
//! plainer code, the answer of each operation and the state of each container; of `state.rs` and
//! `restart.rs` it uses the names alone. The model also predicts the image of the tag that
//! containers follow, from update to update and back; and the files that are kept of a container
//! whose record is not found after a reboot.
//!
//! `OCRE_MODEL_SEQUENCES` is the number of sequences of operations.

extern crate std;

use core::cell::{Cell, OnceCell, RefCell};
use core::num::NonZeroU8;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::{Rc, Weak};
use std::string::String;
use std::vec::Vec;
use std::{assert_eq, format, println, vec};

use ocre_oci::write;

use super::{Platform, Supervisor};
use crate::container::state::{Cause, Failure, Refusal, RunResult, State};
use crate::container::table::Handle;
use crate::container::{Error, Follow, Guest, Limits, Options, Restart, Spec};
use crate::container::{data, record};
use crate::image::Image;
use crate::image::OciLayout;
use crate::image::judge::{self, AotPolicy, Policy, Workspace};
use crate::image::store::Store;
use crate::image::store::update::Tagged;
use crate::lost;
use crate::port::AotTarget;
use crate::port::{
    Clock, Console, ConsoleError, Engine, Entropy, EntryKind, Exit, External, Host, HostModule,
    Interrupt, LoadError, Program, Slot, StartError, Storage as _, Stream, ThreadSpec, Threads,
    Trap, WATCHDOG,
};

#[path = "../../crates/pc/tests/common/images.rs"]
#[allow(dead_code)]
mod images;
#[path = "../../fuzz/fuzz_targets/store/memory.rs"]
#[allow(dead_code)]
mod memory;
use Chance as Numbers; // source of noise for `images`
use images::{DOCUMENT, Layout, named, tag};
use memory::Memory;

const SECOND: u64 = 1_000_000;
/// Time from a guest's start to its first instruction, in microseconds.
const LOADING_US: u64 = 100;
/// Time from a stop request or a kill to a guest's end, in microseconds.
const DYING_US: u64 = 50;
const NAMES: [&str; 3] = ["a", "b", "c"];
/// Tag that containers follow, and number of its images.
const TAG: &str = "app";
const VERSIONS: usize = 3;

// ---------------------------------------------------------------- chance

#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

// ---------------------------------------------------------------- the simulated platform

/// Plan of a guest.
struct SimGuest {
    entered: bool,
    /// Time at which the thread was spawned.
    spawned_us: u64,
    /// Failure instead of a run.
    fails: Option<Failure>,
    /// Rest of the computing time; `None` for ever.
    left_us: Option<u64>,
    exit: Exit,
    /// True where the guest ends on a stop request.
    obeys: bool,
    /// Time of the end, once the guest was told to end.
    dies_us: Option<u64>,
    /// Mark of the tag, if that is on trial.
    trial: Option<u64>,
}

/// Event of the guest in a slot.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Happening {
    /// A thread was asked for; true where there was one.
    Spawned(bool),
    /// The image of the tag was looked up.
    Followed,
    Ended(Result<Exit, Failure>),
}

struct Sim {
    storage: Rc<Memory>,
    now: Cell<u64>,
    chance: RefCell<Chance>,
    announced: Cell<u32>,
    guests: RefCell<Vec<Option<SimGuest>>>,
    /// True while the supervisor's own thread exists; then the time at which it wakes.
    watch: Cell<bool>,
    watch_at: Cell<u64>,
    /// True while that thread runs.
    watching: Cell<bool>,
    happened: RefCell<Vec<(u64, Slot, bool, Happening)>>,
    documents: RefCell<([Vec<u8>; 2], Image)>,
    supervisor: OnceCell<Weak<Supervisor<Sim>>>,
}

#[derive(Default)]
struct Flags {
    stopped: AtomicBool,
    held: AtomicBool,
}

impl Interrupt for Flags {
    const NEW: Self = Self {
        stopped: AtomicBool::new(false),
        held: AtomicBool::new(false),
    };

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    fn release(&self) {
        self.held.store(false, Ordering::SeqCst);
    }

    fn memory_bytes(&self) -> u32 {
        0
    }

    fn reset(&self) {
        self.stopped.store(false, Ordering::SeqCst);
        self.held.store(false, Ordering::SeqCst);
    }
}

impl Sim {
    fn supervisor(&self) -> Rc<Supervisor<Self>> {
        self.supervisor.get().unwrap().upgrade().unwrap()
    }

    fn tell(&self, slot: Slot, what: Happening) {
        let entry = (self.now.get(), slot, self.watching.get(), what);
        self.happened.borrow_mut().push(entry);
    }

    /// Lets the next event until `until_us` happen; without one, time goes on to `until_us`.
    fn step(&self, until_us: u64) -> bool {
        let supervisor = self.supervisor();
        let now = self.now.get();
        // Time of the next event of each guest.
        let mut next = (self.watch.get()).then(|| (self.watch_at.get().max(now), WATCHDOG));
        for (slot, guest) in (0..).zip(self.guests.borrow_mut().iter_mut()) {
            let Some(guest) = guest else { continue };
            let place = &supervisor.places[usize::from(slot)];
            let stopped = place.interrupt.stopped.load(Ordering::SeqCst);
            let held = place.interrupt.held.load(Ordering::SeqCst);
            let asked = place.asked.load(Ordering::SeqCst);
            let at = if !guest.entered {
                Some(guest.spawned_us + LOADING_US)
            } else if stopped || (guest.obeys && asked && !held) {
                Some(*guest.dies_us.get_or_insert(now + DYING_US))
            } else if held {
                None
            } else {
                guest.left_us.map(|left| now + left)
            };
            if let Some(at) = at
                && next.is_none_or(|(other, _)| at < other)
            {
                next = Some((at, slot));
            }
        }
        let due = next.filter(|(at, _)| *at <= until_us);
        let then = due.map_or(until_us, |(at, _)| at).max(now);
        for (slot, guest) in self.guests.borrow_mut().iter_mut().enumerate() {
            let held = supervisor.places[slot]
                .interrupt
                .held
                .load(Ordering::SeqCst);
            if let Some(guest) = guest
                && guest.entered
                && !held
            {
                guest.left_us = guest.left_us.map(|left| left.saturating_sub(then - now));
            }
        }
        self.now.set(then);
        match due {
            None => return false,
            Some((_, WATCHDOG)) => {
                self.watching.set(true);
                match supervisor.look_after() {
                    Some(next) => self.watch_at.set(next),
                    None => self.watch.set(false),
                }
                self.watching.set(false);
            }
            Some((_, slot)) => self.advance(&supervisor, slot),
        }
        true
    }

    /// Lets the next event of a guest happen.
    fn advance(&self, supervisor: &Supervisor<Self>, slot: Slot) {
        let handle = supervisor.table.lock().at(slot).unwrap();
        let place = &supervisor.places[usize::from(slot)];
        let stopped = place.killed.load(Ordering::SeqCst);
        assert_eq!(stopped, place.interrupt.stopped.load(Ordering::SeqCst));
        let entered = |guest: &Option<SimGuest>| guest.as_ref().unwrap().entered;
        let mut trial = None;
        if !entered(&self.guests.borrow()[usize::from(slot)]) {
            let followed = supervisor.follow(handle, &mut trial);
            assert_eq!(followed, Ok(()));
            self.tell(slot, Happening::Followed);
        }
        let mut guests = self.guests.borrow_mut();
        let guest = guests[usize::from(slot)].as_mut().unwrap();
        guest.trial = guest.trial.or(trial);
        let trial = guest.trial;
        let result = match guest {
            guest if stopped => {
                let _ = guest;
                Ok(Exit::Stopped)
            }
            SimGuest {
                entered: false,
                fails: Some(failure),
                ..
            } => Err(*failure),
            SimGuest { entered: false, .. } => {
                guest.entered = true;
                drop(guests);
                supervisor.stamp(handle, |times, now| times.entered_us = now);
                self.announce();
                return;
            }
            guest if guest.dies_us.is_some() => Ok(Exit::Code(9)),
            guest => Ok(guest.exit),
        };
        guests[usize::from(slot)] = None;
        drop(guests);
        self.tell(slot, Happening::Ended(result));
        supervisor.finish(handle, result, trial);
    }
}

impl Threads for Sim {
    fn spawn(&self, slot: Slot, _: &ThreadSpec<'_>) -> bool {
        if slot == WATCHDOG {
            assert!(!self.watch.replace(true), "there are two watchdogs");
            self.watch_at.set(self.now.get());
            return true;
        }
        let mut chance = self.chance.borrow_mut();
        let there = chance.below(40) != 0;
        if there {
            let guest = SimGuest {
                entered: false,
                spawned_us: self.now.get(),
                fails: (chance.below(8) == 0).then_some(Failure::Instantiate),
                left_us: chance.one_of(&[
                    None,
                    None,
                    Some(0),
                    Some(1000),
                    Some(SECOND / 2),
                    Some(3 * SECOND),
                    Some(12 * SECOND),
                ]),
                exit: chance.one_of(&[
                    Exit::Code(0),
                    Exit::Code(0),
                    Exit::Code(7),
                    Exit::Code(-1),
                    Exit::Trap(Trap::Unreachable),
                ]),
                obeys: chance.below(2) == 0,
                dies_us: None,
                trial: None,
            };
            let place = &mut self.guests.borrow_mut()[usize::from(slot)];
            assert!(place.is_none(), "it has a thread");
            *place = Some(guest);
        }
        drop(chance);
        self.tell(slot, Happening::Spawned(there));
        there
    }

    fn sleep(&self, _: Slot, _: Option<u64>) -> bool {
        panic!("no thread of the simulation sleeps");
    }

    fn wake(&self, slot: Slot) {
        if slot == WATCHDOG {
            self.watch_at.set(self.now.get());
        }
    }

    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32 {
        let until = until_us.unwrap_or(u64::MAX);
        while self.announced.get() == seen && self.now.get() < until {
            if !self.step(until) {
                assert!(until < u64::MAX, "a wait without an end");
            }
        }
        self.announced.get()
    }

    fn announce(&self) {
        self.announced.set(self.announced.get().wrapping_add(1));
    }
}

impl Clock for Sim {
    fn uptime_us(&self) -> u64 {
        self.now.get()
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
        Some(0)
    }
}

/// Runs nothing: guests are simulated beside the engine.
impl Engine for Sim {
    type Code = std::boxed::Box<[u8]>;
    type Module<'code> = ();
    type Interrupt = Flags;

    fn allocate(&self, _: usize) -> Option<Self::Code> {
        None
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

    fn load<'code>(&self, _: &'code mut [u8], _: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
        Err(LoadError::Unsupported)
    }

    fn imports(&self, (): &(), _: &mut dyn FnMut(&str, &str, External<'_>)) {}

    fn exports(&self, (): &(), _: &mut dyn FnMut(&str, External<'_>)) {}

    fn minimum_pages(&self, (): &()) -> u32 {
        0
    }

    fn run(
        &self,
        (): &mut (),
        _: &Program<'_>,
        _: &mut dyn Host,
        _: &Flags,
        _: &mut dyn FnMut(),
    ) -> Result<Exit, StartError> {
        Err(StartError::Instantiate)
    }
}

impl Platform for Sim {
    type RawMutex = parking_lot::RawMutex;
    type Storage = Memory;
    type Engine = Self;

    fn storage(&self) -> &Memory {
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
            aot: AotPolicy::Deny,
            uninterruptible: false,
            prefer_portable: false,
            image_bytes: 1 << 16,
            memory_bytes: u32::MAX,
        }
    }

    fn with_host(&self, _: &dyn Guest, _: &mut dyn FnMut(&mut dyn Host)) {}

    fn with_documents(&self, run: &mut dyn FnMut(Workspace<'_>, &mut Image)) {
        let ([document, config], image) = &mut *self.documents.borrow_mut();
        run(Workspace { document, config }, image);
    }
}

// ---------------------------------------------------------------- the model

/// Model of a container.
#[derive(Clone, Debug)]
struct Model {
    slot: Slot,
    handle: Handle,
    policy: Restart,
    order: u8,
    limit_us: Option<u64>,
    temporary: bool,
    /// True where the container follows the tag; then the version of its image.
    follows: bool,
    version: usize,
    /// True where the run counts in the trial of the tag.
    tries: bool,
    life: Life,
    /// Failures in a row, and restarts by the policy.
    failures: u8,
    restarts: u32,
    /// Resting state in the record; `None` where the record says live.
    recorded: Option<Life>,
    started_us: u64,
    asked: bool,
    /// Times and causes of kills, in any order.
    kills: Vec<(u64, Cause)>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Life {
    New,
    Live { paused: bool },
    Waiting { last: RunResult, due_us: u64 },
    Resting(RunResult),
    Hopeless(RunResult),
}

impl Model {
    fn shown(&self) -> State {
        match self.life {
            Life::New => State::Created,
            Life::Live { paused: false } => State::Running,
            Life::Live { paused: true } => State::Paused,
            Life::Waiting { last, .. } => State::Restarting(last),
            Life::Resting(last) => State::Ended(last),
            Life::Hopeless(last) => State::CrashLoop(last),
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.life, Life::Live { .. })
    }

    /// Result of the last run, if no other is to follow.
    fn rests(&self) -> Option<RunResult> {
        match self.life {
            Life::Resting(last) | Life::Hopeless(last) => Some(last),
            _ => None,
        }
    }

    fn refusal_of_a_change(&self) -> Refusal {
        match self.life {
            Life::Live { paused: true } => Refusal::Paused,
            _ => Refusal::Running,
        }
    }

    fn spawned(&mut self, now: u64, by_itself: bool) {
        assert!(!self.is_live(), "it was live");
        if by_itself {
            let Life::Waiting { due_us, .. } = self.life else {
                panic!("nobody has asked for it");
            };
            assert_eq!(due_us, now, "it is started when it is due");
            self.restarts += 1;
        } else {
            self.restarts = 0;
            self.failures = 0;
        }
        self.life = Life::Live { paused: false };
        self.started_us = now;
        self.asked = false;
        self.tries = false;
        self.kills.clear();
        if let Some(limit) = self.limit_us {
            self.kills.push((now + limit, Cause::TimeLimit));
        }
    }

    /// Kills up to now, in any order.
    fn told(&self, now: u64) -> impl Iterator<Item = &(u64, Cause)> {
        self.kills.iter().filter(move |(at, _)| *at <= now)
    }

    fn outcome(&self, now: u64, result: Result<Exit, Failure>) -> RunResult {
        let first = self.told(now).min_by_key(|(at, _)| *at);
        match result {
            Ok(Exit::Code(code)) => RunResult::Exited(code),
            Ok(Exit::Trap(trap)) => RunResult::Trapped(trap),
            Err(failure) => RunResult::Failed(failure),
            Ok(Exit::Stopped) => RunResult::Killed(first.expect("nobody has told it to end").1),
        }
    }

    fn told_by_hand(&self, now: u64) -> bool {
        self.asked || self.told(now).any(|(_, cause)| *cause != Cause::TimeLimit)
    }

    /// True where the run, which is over, shows that its image works; `None` where it shows
    /// nothing.
    fn works(&self, now: u64, outcome: RunResult) -> Option<bool> {
        let works = outcome == RunResult::Exited(0) || now - self.started_us >= 10 * SECOND;
        (works || !self.told_by_hand(now)).then_some(works)
    }

    fn ended(&mut self, now: u64, result: Result<Exit, Failure>, recording: bool) {
        assert!(self.is_live(), "it was not live");
        let outcome = self.outcome(now, result);
        let told = self.told_by_hand(now);
        if now - self.started_us >= 10 * SECOND && !told {
            self.failures = 0;
        }
        let well = outcome == RunResult::Exited(0);
        let most = match self.policy {
            Restart::OnFailure(Some(most)) => most.get(),
            _ => 10,
        };
        let again = match self.policy {
            Restart::No => false,
            Restart::OnFailure(_) => !well,
            Restart::Always => true,
        };
        self.life = if !again || told {
            Life::Resting(outcome)
        } else if !well && self.failures == most {
            Life::Hopeless(outcome)
        } else {
            self.failures = if well { 0 } else { self.failures + 1 };
            let doubled = SECOND << (self.failures.max(1) - 1);
            Life::Waiting {
                last: outcome,
                due_us: now + doubled.min(300 * SECOND),
            }
        };
        if self.rests().is_some() && recording {
            self.recorded = Some(self.life);
        }
    }
}

/// Image of the tag.
#[derive(Clone, Copy, Debug, Default)]
struct Lead {
    version: usize,
    /// Previous version, and number of failures of the present one.
    before: Option<(usize, u32)>,
}

impl Lead {
    fn update(&mut self, to: usize) {
        if to == self.version {
            return;
        }
        self.before = match self.before {
            Some((before, _)) if before == to => None,
            Some((before, _)) => Some((before, 0)),
            None => Some((self.version, 0)),
        };
        self.version = to;
    }

    /// Counts that a version works, or has failed once more. Returns true where that counts.
    fn tried(&mut self, version: usize, works: bool) -> bool {
        let Some((before, failures)) = self.before.filter(|_| version == self.version) else {
            return false;
        };
        *self = match failures + 1 {
            _ if works => Self {
                version,
                before: None,
            },
            3 => Self {
                version: before,
                before: None,
            },
            failures => Self {
                version,
                before: Some((before, failures)),
            },
        };
        true
    }
}

/// Images, each in a separate layout, and a flash that the first was imported to.
struct Images {
    layouts: [Memory; VERSIONS],
    /// Judged images, with their marks.
    judged: [(Image, u64); VERSIONS],
    flash: Memory,
}

impl Images {
    fn new() -> Self {
        let layouts = core::array::from_fn(|version| {
            let layout = Memory::new(1 << 20);
            let source = Layout::new(&layout, "/");
            let code = b"\0asm\x01\0\0\0";
            let mut config = String::new();
            let variable = format!("V={version}");
            write::config(
                &mut config,
                &write::Config {
                    layer_digests: &[ocre_oci::Sha256::of(code)],
                    entry_point: "_start",
                    env: &[&variable],
                    permissions: &[],
                },
            )
            .unwrap();
            let manifest = source.image(&config, &[code]);
            source.index(&[(TAG, manifest, false)]);
            layout
        });
        let imported: [Memory; VERSIONS] = layouts.each_ref().map(|layout| {
            let flash = Memory::new(1 << 20);
            import(&flash, layout);
            flash
        });
        let judged = imported
            .each_ref()
            .map(|flash| (judged(flash), tagged(flash).fingerprint));
        let [flash, ..] = imported;
        Self {
            layouts,
            judged,
            flash,
        }
    }
}

fn judged(flash: &Memory) -> Image {
    let [mut document, mut config] = [[0; DOCUMENT]; 2];
    let mut image = Image::blank();
    let device = boot(Rc::new(flash.clone()), Chance(1), 0);
    let workspace = Workspace {
        document: &mut document,
        config: &mut config,
    };
    let accepted = judge::judge(
        device.images(),
        named(TAG),
        &device.platform,
        &device.platform.policy(),
        workspace,
        &mut |finding, at, _| panic!("{finding:?} at {at}"),
        &mut image,
    );
    assert!(accepted);
    image
}

fn import(flash: &Memory, layout: &Memory) {
    let source = OciLayout {
        storage: layout,
        root: "/",
    };
    let mut document = [0; DOCUMENT];
    // The store opens whole, whatever has been done.
    let mut store = Store::open(flash, "/", &mut document).unwrap();
    let imported = store.import(source, named(TAG), &tag(TAG), &mut |_| {});
    assert_eq!(imported, Ok(()));
}

fn tagged(flash: &Memory) -> Tagged {
    let mut document = [0; DOCUMENT];
    let mut store = Store::opened(flash, "/", &mut document);
    store.tagged(TAG).unwrap().expect("the tag is there")
}

/// A device and the model of its containers.
struct World<'a> {
    supervisor: Rc<Supervisor<Sim>>,
    models: Vec<Option<Model>>,
    images: &'a Images,
    lead: Lead,
    /// Handles of containers that are gone.
    stale: Vec<Handle>,
    /// Contents of `/lost+found`: of a folder's only file, or of a file.
    kept: BTreeMap<String, Vec<u8>>,
    /// Number of containers that were lost.
    lost: u32,
}

fn boot(storage: Rc<Memory>, chance: Chance, now: u64) -> Rc<Supervisor<Sim>> {
    let supervisor = Rc::new(Supervisor::new(Sim {
        storage,
        now: Cell::new(now),
        chance: RefCell::new(chance),
        announced: Cell::new(0),
        guests: RefCell::new((0..crate::limits::MAX_CONTAINERS).map(|_| None).collect()),
        watch: Cell::new(false),
        watch_at: Cell::new(0),
        watching: Cell::new(false),
        happened: RefCell::new(Vec::new()),
        documents: RefCell::new((
            [vec![0; record::MAX_BYTES], vec![0; DOCUMENT]],
            Image::blank(),
        )),
        supervisor: OnceCell::new(),
    }));
    let weak = Rc::downgrade(&supervisor);
    assert!(supervisor.platform.supervisor.set(weak).is_ok());
    let mut buffer = vec![0; record::MAX_BYTES];
    supervisor.boot(&mut buffer).unwrap();
    supervisor
}

impl World<'_> {
    fn sim(&self) -> &Sim {
        &self.supervisor.platform
    }

    fn now(&self) -> u64 {
        self.sim().now.get()
    }

    fn below(&self, most: u64) -> u64 {
        self.sim().chance.borrow_mut().below(most)
    }

    fn one_of<T: Copy>(&self, choices: &[T]) -> T {
        self.sim().chance.borrow_mut().one_of(choices)
    }

    /// Tells the model what has happened. Returns the failure of a start of the container `of` that
    /// did not get as far as its guest.
    fn follow(&mut self, of: usize) -> Option<Failure> {
        let mut failed = None;
        let happened = self.sim().happened.take();
        for (now, slot, watching, what) in happened {
            let index = self
                .models
                .iter()
                .position(|model| model.as_ref().is_some_and(|model| model.slot == slot))
                .expect("a container that is there");
            if let Happening::Spawned(_) = what
                && watching
            {
                // Of the due containers, the first in the order.
                let rank = |model: &Model| match model.life {
                    Life::Waiting { due_us, .. } if due_us <= now => Some((model.order, due_us)),
                    _ => None,
                };
                let least = self.models.iter().flatten().filter_map(rank).min();
                assert_eq!(
                    self.models[index].as_ref().and_then(rank),
                    least,
                    "the order"
                );
            }
            let model = self.models[index].as_mut().unwrap();
            let mut end = None;
            match what {
                Happening::Spawned(there) => {
                    model.spawned(now, watching);
                    failed = failed.filter(|_| index != of);
                    if !there {
                        end = Some(Err(Failure::Thread));
                    }
                }
                Happening::Followed => {
                    if model.follows {
                        model.version = self.lead.version;
                        model.tries = self.lead.before.is_some();
                    }
                }
                Happening::Ended(result) => {
                    let outcome = model.outcome(now, result);
                    if model.tries
                        && let Some(works) = model.works(now, outcome)
                        && self.lead.tried(model.version, works)
                        && !works
                    {
                        // The trial counts the failure.
                        model.failures = 0;
                    }
                    end = Some(result);
                }
            }
            if let Some(result) = end {
                model.ended(now, result, !(watching && result == Err(Failure::Thread)));
                if let (Err(failure), true) = (result, index == of) {
                    failed = Some(failure);
                }
            }
        }
        failed
    }

    /// Compares the visible state with the model.
    fn compare(&self, after: &str) {
        let leads_to = Tagged {
            fingerprint: self.images.judged[self.lead.version].1,
            on_trial: self.lead.before.is_some(),
        };
        assert_eq!(
            tagged(&self.sim().storage),
            leads_to,
            "{after}: {:?}",
            self.lead
        );
        let mut count = 0;
        self.supervisor.list(&mut |_| count += 1);
        assert_eq!(count, self.models.iter().flatten().count(), "{after}");
        for (name, model) in NAMES.iter().zip(&self.models) {
            let found = self.supervisor.find(name);
            let Some(model) = model else {
                assert_eq!(found, Err(Error::NotFound), "{after}");
                continue;
            };
            assert_eq!(found, Ok(model.handle), "{after}");
            let status = self.supervisor.status(model.handle).unwrap();
            assert_eq!(
                status.state,
                model.shown(),
                "{name} after {after}: {model:?}"
            );
            assert_eq!(
                (status.restarts, status.failures),
                (model.restarts, model.failures),
                "{name} after {after}: {model:?}"
            );
            let environment = |spec: &Spec| spec.image.environment.to_string();
            assert_eq!(
                self.supervisor.with_spec(model.handle, environment),
                Ok(format!("V={}\0", model.version)),
                "{name} after {after}: {model:?}"
            );
            let guest = &self.sim().guests.borrow()[usize::from(model.slot)];
            assert_eq!(guest.is_some(), model.is_live(), "{name} after {after}");
            // A guest that is told to end does so.
            let told = model
                .kills
                .iter()
                .any(|(at, _)| at + 2 * LOADING_US < self.now());
            assert!(
                !model.is_live() || !told,
                "{name} after {after}: it lives on"
            );
        }
    }

    /// Compares `/lost+found` with the model.
    fn compare_kept(&self, after: &str) {
        let storage = &*self.sim().storage;
        let count = lost::count(storage).unwrap();
        assert_eq!(count as usize, self.kept.len(), "{after}: {:?}", self.kept);
        for (name, content) in &self.kept {
            let path = format!("{}/{name}", lost::ROOT);
            let path = match storage.metadata(&path).unwrap().kind {
                EntryKind::Directory => format!("{path}/file"),
                EntryKind::File | EntryKind::Symlink => path,
            };
            assert_eq!(&images::get(storage, &path), content, "{after}: {path}");
        }
    }

    /// Hides the record of a container, as a flipped bit does; the container has a file, or none.
    fn hide_record(&mut self, index: usize) {
        if self.models[index]
            .take_if(|model| !model.temporary)
            .is_none()
        {
            return;
        }
        let storage = Rc::clone(&self.sim().storage);
        let storage = &*storage;
        let name = NAMES[index];
        if self.below(2) == 0 {
            self.lost += 1;
            let content = self.lost.to_be_bytes().to_vec();
            images::put(storage, &format!("{}/{name}/file", data::ROOT), &content);
            self.keep(name.into(), content);
        }
        let record = |kind| format!("{}/{name}.{kind}", record::ROOT);
        storage.remove(&record("spec")).unwrap();
        if storage.metadata(&record("state")).is_ok() {
            let state = images::get(storage, &record("state"));
            self.keep(format!("{name}.state"), state);
        }
    }

    fn keep(&mut self, name: String, content: Vec<u8>) {
        let numbered = (1..).map(|number| format!("{name}.{number}"));
        let mut names = core::iter::once(name.clone()).chain(numbered);
        let vacant = names.find(|name| !self.kept.contains_key(name)).unwrap();
        self.kept.insert(vacant, content);
    }

    /// Removes a kept file or folder.
    fn discard(&mut self, index: usize) {
        let path = format!("{}/{}", lost::ROOT, NAMES[index]);
        let answer = self.supervisor.discard(&path);
        let expected = self.kept.remove(NAMES[index]).map(drop);
        assert_eq!(answer, expected.ok_or(Error::NotFound));
    }

    fn create(&mut self, index: usize) {
        let (image, fingerprint) = &self.images.judged[self.lead.version];
        let follow = Follow {
            tag: TAG,
            fingerprint: *fingerprint,
        };
        let follow = (self.below(2) == 0).then_some(follow);
        let options = Options {
            follow,
            restart: self.one_of(&[
                Restart::No,
                Restart::Always,
                Restart::OnFailure(None),
                Restart::OnFailure(NonZeroU8::new(1)),
                Restart::OnFailure(NonZeroU8::new(3)),
            ]),
            limits: Limits {
                priority: self.below(3) as u8,
                time_limit_ms: self.one_of(&[None, None, Some(1), Some(700), Some(15_000)]),
                ..Limits::default()
            },
            temporary: self.below(2) == 0,
            ..Options::default()
        };
        let created = self.supervisor.create(Some(NAMES[index]), image, &options);
        if self.models[index].is_some() {
            assert_eq!(created, Err(Error::NameTaken));
            return;
        }
        let handle = created.unwrap();
        self.models[index] = Some(Model {
            slot: handle.slot(),
            handle,
            policy: options.restart,
            order: options.limits.priority,
            limit_us: options.limits.time_limit_ms.map(|ms| u64::from(ms) * 1000),
            temporary: options.temporary,
            follows: follow.is_some() && !options.temporary,
            version: self.lead.version,
            tries: false,
            life: Life::New,
            failures: 0,
            restarts: 0,
            recorded: Some(Life::New),
            started_us: 0,
            asked: false,
            kills: Vec::new(),
        });
    }

    /// Checks the answer of a start by hand against the events.
    fn started(&mut self, index: usize, answer: Result<(), Error>) {
        let failed = self.follow(index);
        assert_eq!(
            answer,
            failed.map_or(Ok(()), |failure| Err(Error::Start(failure)))
        );
        let model = self.models[index].as_mut().unwrap();
        // The record is brought up to the present state.
        model.recorded = model.rests().map(|_| model.life);
    }

    /// Changes the model as a stop request does.
    fn told_to_stop(&mut self, index: usize, grace_us: u64) {
        let now = self.now();
        let model = self.models[index].as_mut().unwrap();
        match model.life {
            Life::Live { paused } => {
                model.asked = true;
                let wait = if paused { 0 } else { grace_us };
                model.kills.push((now + wait, Cause::Stop));
            }
            Life::Waiting { last, .. } => self.rests(index, last),
            _ => {}
        }
    }

    fn rests(&mut self, index: usize, last: RunResult) {
        let model = self.models[index].as_mut().unwrap();
        model.life = Life::Resting(last);
        model.recorded = Some(model.life);
    }

    /// Does a random operation on a container. Returns its description.
    fn operate(&mut self, index: usize) -> String {
        let supervisor = Rc::clone(&self.supervisor);
        let choice = self.below(22);
        let grace_us = self.one_of(&[0, 30, 1000, 2 * SECOND]);
        let Some(model) = self.models[index].clone() else {
            match choice {
                0..14 => self.create(index),
                14 => self.discard(index),
                15 => self.reboot(),
                16 | 17 => self.update(),
                _ => {
                    let by = self.one_of(&[10, 5000, SECOND, 20 * SECOND]);
                    self.pass(by);
                }
            }
            return format!("create, discard, reboot or time for {}", NAMES[index]);
        };
        let handle = model.handle;
        let not_running = Err(Error::State(Refusal::NotRunning));
        let busy = Err(Error::State(model.refusal_of_a_change()));
        match choice {
            0 => self.create(index),
            1..5 => {
                let answer = supervisor.start(handle);
                if model.is_live() {
                    assert_eq!(answer, busy);
                } else {
                    self.started(index, answer);
                }
            }
            5 => {
                if model.is_live() {
                    self.told_to_stop(index, grace_us);
                }
                let answer = supervisor.restart(handle, grace_us);
                self.started(index, answer);
            }
            6 => {
                let was_there = model.is_live() || matches!(model.life, Life::Waiting { .. });
                self.told_to_stop(index, grace_us);
                let answer = supervisor.stop(handle, grace_us);
                self.follow(index);
                let rests = self.models[index].as_ref().unwrap().rests();
                let expected = if was_there {
                    Ok(rests.expect("it has stopped"))
                } else {
                    Err(Error::State(Refusal::NotRunning))
                };
                assert_eq!(answer, expected);
            }
            7 | 8 => {
                let answer = supervisor.kill(handle);
                match model.life {
                    Life::Live { .. } => {
                        let now = self.now();
                        let model = self.models[index].as_mut().unwrap();
                        model.kills.push((now, Cause::Kill));
                        assert_eq!(answer, Ok(()));
                    }
                    Life::Waiting { last, .. } => {
                        self.rests(index, last);
                        assert_eq!(answer, Ok(()));
                    }
                    _ => assert_eq!(answer, not_running),
                }
            }
            9 | 10 => {
                let answer = supervisor.pause(handle);
                match model.life {
                    Life::Live { paused: false } => {
                        assert_eq!(answer, Ok(()));
                        let model = self.models[index].as_mut().unwrap();
                        model.life = Life::Live { paused: true };
                    }
                    Life::Live { paused: true } => assert_eq!(answer, busy),
                    _ => assert_eq!(answer, not_running),
                }
            }
            11 | 12 => {
                let answer = supervisor.unpause(handle);
                if model.life == (Life::Live { paused: true }) {
                    assert_eq!(answer, Ok(()));
                    let model = self.models[index].as_mut().unwrap();
                    model.life = Life::Live { paused: false };
                } else {
                    assert_eq!(answer, Err(Error::State(Refusal::NotPaused)));
                }
            }
            13 => {
                let until = self.now() + grace_us;
                let answer = supervisor.wait(handle, Some(until));
                self.follow(index);
                let expected = match self.models[index].as_ref().unwrap() {
                    model if model.life == Life::New => Err(Error::State(Refusal::NotStarted)),
                    model => model.rests().ok_or(Error::TimedOut),
                };
                assert_eq!(answer, expected);
            }
            14 | 15 => {
                let force = choice == 15;
                if force && model.is_live() {
                    let now = self.now();
                    let model = self.models[index].as_mut().unwrap();
                    model.kills.push((now, Cause::Kill));
                }
                let answer = supervisor.remove(handle, force);
                self.follow(index);
                if !force && model.is_live() {
                    assert_eq!(answer, busy);
                } else {
                    assert_eq!(answer, Ok(()));
                    self.models[index] = None;
                    self.stale.push(handle);
                }
            }
            16 => self.reboot(),
            17 | 18 => self.update(),
            _ => {
                let by = self.one_of(&[10, 200, 5000, SECOND, 20 * SECOND, 400 * SECOND]);
                self.pass(by);
            }
        }
        if let Some(stale) = self.stale.last() {
            assert_eq!(supervisor.status(*stale).err(), Some(Error::NotFound));
            assert_eq!(supervisor.kill(*stale), Err(Error::NotFound));
        }
        format!("{choice} on {}", NAMES[index])
    }

    fn update(&mut self) {
        let to = self.below(VERSIONS as u64) as usize;
        import(&self.sim().storage, &self.images.layouts[to]);
        self.lead.update(to);
    }

    fn pass(&mut self, by_us: u64) {
        let until = self.now() + by_us;
        while self.sim().step(until) {}
    }

    /// Turns the power off and on.
    fn reboot(&mut self) {
        self.follow(0);
        if self.below(4) == 0 {
            self.hide_record(self.below(NAMES.len() as u64) as usize);
        }
        let sim = self.sim();
        let storage = Rc::clone(&sim.storage);
        let chance = sim.chance.borrow().clone();
        let now = self.now();
        self.supervisor = boot(storage, chance, now);
        self.stale.clear();
        for (name, place) in NAMES.iter().zip(&mut self.models) {
            let Some(model) = place.as_mut().filter(|model| !model.temporary) else {
                *place = None;
                continue;
            };
            model.handle = self.supervisor.find(name).unwrap();
            model.slot = model.handle.slot();
            let reset = Life::Resting(RunResult::Killed(Cause::Reset));
            model.life = model.recorded.unwrap_or(reset);
            model.failures = 0;
            model.restarts = 0;
        }
        self.compare("boot");
        self.compare_kept("boot");
        self.supervisor.resume();
        for model in self.models.iter_mut().flatten() {
            let reset = model.recorded.is_none();
            if let Life::Resting(last) = model.life
                && match model.policy {
                    Restart::No => false,
                    Restart::OnFailure(_) => reset,
                    Restart::Always => true,
                }
            {
                model.life = Life::Waiting { last, due_us: now };
            }
        }
        self.compare("resume");
        // Else the moment of a due start, before or after the next operation, would be a matter of
        // luck.
        while self.sim().step(now) {}
    }
}

fn sequence(images: &Images, seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        chance.next();
    }
    let storage = Rc::new(images.flash.clone());
    let mut world = World {
        supervisor: boot(storage, chance, SECOND),
        models: vec![None; NAMES.len()],
        images,
        lead: Lead::default(),
        stale: Vec::new(),
        kept: BTreeMap::new(),
        lost: 0,
    };
    for _ in 0..16 {
        let index = world.below(NAMES.len() as u64) as usize;
        let what = world.operate(index);
        world.follow(index);
        world.compare(&what);
    }
}

#[test]
fn whatever_is_done_to_containers_the_model_and_the_supervisor_agree() {
    let count = match std::env::var("OCRE_MODEL_SEQUENCES") {
        Ok(count) => count.parse().expect("a number"),
        // A sequence takes long under Miri.
        Err(_) if cfg!(miri) => 10,
        Err(_) => 2000,
    };
    let images = Images::new();
    let first = std::env::var("OCRE_MODEL_FIRST").map_or(0, |first| first.parse().unwrap());
    for seed in first..first + count {
        let tried = std::panic::catch_unwind(AssertUnwindSafe(|| sequence(&images, seed)));
        if let Err(panic) = tried {
            println!("sequence {seed}");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{count} sequences");
}
