// SPDX-License-Identifier: Apache-2.0
//! Threads of std's, and condition variables to wait on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{array, fs};

use ocre::limits::MAX_CONTAINERS;
use ocre::port::{Slot, ThreadSpec, Threads};
use ocre_files::MAX_CONFIG;

use super::HOST_STACK;

/// Bytes of a thread's stack, besides the container's stack and the engine's part for host
/// functions: for the frames below the guest, and for slots that run no guest.
const BASE_STACK: u32 = 256 * 1024;

/// Work of a thread, which keeps all that it needs alive.
pub type ThreadBody = Box<dyn FnOnce() + Send>;

/// Threads of a PC's containers, and of its watchdog.
pub struct PcThreads {
    body: Box<dyn Fn(Slot) -> Option<ThreadBody> + Send + Sync>,
    slots: [Bell; MAX_CONTAINERS + 1],
    /// Folder in `/proc` of each slot's thread.
    folders: Arc<[Mutex<Option<PathBuf>>; MAX_CONTAINERS + 1]>,
    changes: Counter,
    /// Uptime's zero.
    boot: Instant,
}

/// A bell for one waiting thread.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    waiting: Condvar,
}

/// A counter for any number of waiting threads.
#[derive(Default)]
struct Counter {
    count: Mutex<u32>,
    waiting: Condvar,
}

impl PcThreads {
    /// Makes the threads of a device that boots at `boot`. `body` returns the work of a slot's
    /// thread, or `None` once the device is gone.
    pub fn new(
        boot: Instant,
        body: impl Fn(Slot) -> Option<ThreadBody> + Send + Sync + 'static,
    ) -> Self {
        Self {
            body: Box::new(body),
            slots: array::from_fn(|_| Bell::default()),
            folders: Arc::new(array::from_fn(|_| Mutex::default())),
            changes: Counter::default(),
            boot,
        }
    }

    /// Time left until an uptime: `None` where it is past, [`Duration::MAX`] without one.
    fn left(&self, until_us: Option<u64>) -> Option<Duration> {
        match until_us {
            None => Some(Duration::MAX),
            Some(until) => Duration::from_micros(until)
                .checked_sub(self.boot.elapsed())
                .filter(|left| !left.is_zero()),
        }
    }

    /// Waits until `come` returns true for the mutex's value, or until the time is over: `false`.
    fn wait<'m, T>(
        &self,
        mutex: &'m Mutex<T>,
        waiting: &Condvar,
        until_us: Option<u64>,
        come: impl Fn(&T) -> bool,
    ) -> (bool, MutexGuard<'m, T>) {
        // No holder of these mutexes can panic.
        let mut held = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if come(&held) {
                return (true, held);
            }
            let Some(left) = self.left(until_us) else {
                return (false, held);
            };
            let woken = waiting.wait_timeout(held, left);
            held = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Threads for PcThreads {
    fn spawn(&self, slot: Slot, spec: &ThreadSpec<'_>) -> bool {
        let Some(body) = (self.body)(slot) else {
            return false;
        };
        let stack = u64::from(spec.stack_bytes) + u64::from(HOST_STACK) + u64::from(BASE_STACK);
        let Ok(stack) = usize::try_from(stack) else {
            return false;
        };
        thread::Builder::new()
            .name(spec.name.to_owned())
            .stack_size(stack)
            .spawn({
                let folders = Arc::clone(&self.folders);
                move || {
                    if let Some(folder) = folders.get(usize::from(slot)) {
                        let own = fs::read_link("/proc/thread-self").ok();
                        *folder.lock().unwrap_or_else(PoisonError::into_inner) = own;
                    }
                    body();
                }
            })
            .is_ok()
    }

    fn computed_us(&self, slot: Slot) -> Option<u64> {
        let folder = self.folders.get(usize::from(slot))?;
        let folder = folder.lock().unwrap_or_else(PoisonError::into_inner);
        let file = Path::new("/proc").join(folder.as_ref()?).join("schedstat");
        let text = ocre_files::read_text(&file, MAX_CONFIG).ok()?;
        let ns: u64 = text.split(' ').next()?.parse().ok()?;
        Some(ns / 1000)
    }

    fn sleep(&self, slot: Slot, until_us: Option<u64>) -> bool {
        let Some(bell) = self.slots.get(usize::from(slot)) else {
            return false;
        };
        let (rung, mut held) = self.wait(&bell.rung, &bell.waiting, until_us, |rung| *rung);
        *held = false;
        drop(held);
        if !rung {
            thread::yield_now();
        }
        rung
    }

    fn wake(&self, slot: Slot) {
        if let Some(bell) = self.slots.get(usize::from(slot)) {
            *bell.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
            bell.waiting.notify_one();
        }
    }

    fn await_change(&self, seen: u32, until_us: Option<u64>) -> u32 {
        let Counter { count, waiting } = &self.changes;
        *self
            .wait(count, waiting, until_us, |count| *count != seen)
            .1
    }

    fn announce(&self) {
        let Counter { count, waiting } = &self.changes;
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.wrapping_add(1);
        drop(count);
        waiting.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn threads() -> PcThreads {
        PcThreads::new(Instant::now(), |_| None)
    }

    #[test]
    fn the_waits_keep_their_promises() {
        ocre_conformance::threads(&threads(), 0).unwrap();
    }

    #[test]
    fn no_wake_and_no_announcement_is_lost_between_threads() {
        const ROUNDS: u32 = 20_000;
        let threads = Arc::new(threads());
        let other = Arc::clone(&threads);
        let ringing = thread::spawn(move || {
            for round in 0..ROUNDS {
                other.wake(1);
                other.await_change(round, None);
            }
        });
        for _ in 0..ROUNDS {
            assert!(threads.sleep(1, None));
            threads.announce();
        }
        ringing.join().unwrap();
    }

    #[test]
    fn a_sleep_without_a_wake_lasts_until_its_time() {
        let threads = threads();
        assert!(!threads.sleep(0, Some(20_000)));
        assert!(threads.boot.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_device_that_is_gone_gets_no_threads() {
        let spec = ThreadSpec {
            name: "none",
            stack_bytes: 0,
            priority: 0,
        };
        assert!(!threads().spawn(0, &spec));
    }
}
