// SPDX-License-Identifier: Apache-2.0
//! A device whose time passes only on request: a PC with another clock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use ocre::container::Guest;
use ocre::image::JudgedImage;
use ocre::image::judge::{Policy, Workspace};
use ocre::limits::MAX_CONTAINERS;
use ocre::port::host_functions::Pair;
use ocre::port::{Clock, Console, Entropy, Host, Slot, ThreadSpec, Threads};
use ocre::supervisor::Platform;
use ocre::supervisor::Supervisor;
use ocre_guest_api::{Bus, GuestApi, Ports};
use ocre_pc::platform::{Devices, POLICY, engine};
use ocre_wamr::WamrEngine;
use ocre_wasi::Wasi;

use crate::device::{FakeConsole, RamPartition};

/// Limit of a wait, longer than any that succeeds.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of each thread's stack, besides the container's.
const STACK: usize = 1 << 20;

/// Time, and the state of the waiting threads.
#[derive(Default)]
struct Held {
    now_us: u64,
    rung: [bool; MAX_CONTAINERS + 1],
    asleep: [bool; MAX_CONTAINERS + 1],
    announced: u32,
}

#[derive(Default)]
pub struct Time {
    held: Mutex<Held>,
    changed: Condvar,
}

impl Time {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    /// Waits until `come` returns true, or until a time: `false`.
    fn wait(
        &self,
        until_us: Option<u64>,
        come: impl Fn(&Held) -> bool,
    ) -> (bool, MutexGuard<'_, Held>) {
        let mut held = self.lock();
        let begun = Instant::now();
        loop {
            if come(&held) {
                return (true, held);
            }
            if until_us.is_some_and(|until| until <= held.now_us) {
                return (false, held);
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "nothing ends this wait but time"
            );
            held = self.changed.wait_timeout(held, PATIENCE).unwrap().0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Held)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// Waits until the thread of a slot sleeps.
    pub fn await_sleep(&self, slot: Slot) {
        let (_, held) = self.wait(None, |held| held.asleep[usize::from(slot)]);
        drop(held);
    }

    /// Lets time pass.
    pub fn pass(&self, us: u64) {
        self.change(|held| held.now_us += us);
    }
}

impl Clock for Time {
    fn uptime_us(&self) -> u64 {
        self.lock().now_us
    }

    fn wall_ns(&self) -> Option<u64> {
        None
    }
}

/// The device.
pub struct Still {
    storage: RamPartition,
    engine: WamrEngine,
    pub time: Time,
    supervisor: Weak<Supervisor<Still>>,
    console: FakeConsole,
    pub devices: Devices,
    bus: Bus<parking_lot::RawMutex>,
}

impl Threads for Still {
    fn spawn(&self, slot: Slot, spec: &ThreadSpec<'_>) -> bool {
        let Some(supervisor) = self.supervisor.upgrade() else {
            return false;
        };
        thread::Builder::new()
            .stack_size(STACK + spec.stack_bytes as usize)
            .spawn(move || supervisor.thread_main(slot))
            .is_ok()
    }

    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool {
        let index = usize::from(slot);
        self.time.change(|held| held.asleep[index] = true);
        let (rung, mut held) = self.time.wait(until_us, |held| held.rung[index]);
        held.rung[index] = false;
        held.asleep[index] = false;
        rung
    }

    fn wake(&self, slot: Slot) {
        self.time.change(|held| held.rung[usize::from(slot)] = true);
    }

    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32 {
        let changed = self.time.wait(until_us, |held| held.announced != seen);
        changed.1.announced
    }

    fn announce(&self) {
        self.time
            .change(|held| held.announced = held.announced.wrapping_add(1));
    }
}

impl Entropy for Still {
    fn fill(&self, _: &mut [u8]) -> bool {
        false
    }
}

impl Platform for Still {
    type RawMutex = parking_lot::RawMutex;
    type Storage = RamPartition;
    type Engine = WamrEngine;

    fn storage(&self) -> &RamPartition {
        &self.storage
    }

    fn engine(&self) -> &WamrEngine {
        &self.engine
    }

    fn clock(&self) -> &dyn Clock {
        &self.time
    }

    fn entropy(&self) -> &dyn Entropy {
        self
    }

    fn console(&self) -> &dyn Console {
        &self.console
    }

    fn threads(&self) -> &dyn Threads {
        self
    }

    fn policy(&self) -> Policy<'_> {
        POLICY
    }

    fn with_host(&self, guest: &dyn Guest, run: &mut dyn FnMut(&mut dyn Host)) {
        let mut wasi = Wasi::new(&self.storage, &self.time, self, guest);
        let ports = Ports {
            clock: &self.time,
            threads: self,
            gpio: Some(&self.devices),
            sensors: Some(&self.devices),
            machine: "still",
        };
        let mut api = GuestApi::new(&self.bus, ports, guest);
        run(&mut Pair {
            first: &mut wasi,
            split: ocre_wasi::FUNCTIONS.len(),
            second: &mut api,
        });
        api.close();
        wasi.close();
    }

    fn with_documents(&self, _: &mut dyn FnMut(Workspace<'_>, &mut JudgedImage)) {
        unreachable!("no container follows a tag here");
    }
}

pub fn boot(storage: RamPartition) -> Arc<Supervisor<Still>> {
    Arc::new_cyclic(|supervisor| {
        Supervisor::new(Still {
            storage,
            engine: engine().expect("an engine"),
            time: Time::default(),
            supervisor: supervisor.clone(),
            console: FakeConsole::default(),
            devices: Devices::new(),
            bus: Bus::new(),
        })
    })
}
