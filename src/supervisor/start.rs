// SPDX-License-Identifier: Apache-2.0
//! Start of containers.

use core::sync::atomic::Ordering;

use lock_api::MutexGuard;

use super::{Platform, Supervisor};
use crate::container::Error;
use crate::container::mount::{self, Mounts};
use crate::container::state::{Action, LifecycleEvent, Refusal, RunResult, StartFailure, State};
use crate::container::table::{ContainerTimes, Handle, Recorded, Uptime};
use crate::port::{Interrupt as _, ThreadSpec};

impl<P: Platform> Supervisor<P> {
    /// Starts a container, also one that has run before, and returns when its guest's first
    /// instruction is next.
    ///
    /// # Errors
    /// `container-running`, `container-paused`; [`Error::MountInUse`]; [`Error::Start`] with the
    /// reason where its code is refused or can't be instantiated, and the container is then
    /// `failed`.
    pub fn start(&self, handle: Handle) -> Result<(), Error> {
        let started_us = self.launch(handle, false)?;
        let entered = self.await_entry(handle, started_us);
        // Written last, so that no guest waits for the flash.
        self.write_down(handle);
        entered
    }

    /// Gives a container a thread and returns at once, with the time of the start. With
    /// `by_itself`, the container must be waiting for its next run, and after an error it waits on.
    #[inline(never)] // its frame is large for the watchdog's stack
    pub(super) fn launch(&self, handle: Handle, by_itself: bool) -> Result<u64, Error> {
        let place = self.place(handle.slot())?;
        let mut mounts = Mounts::new();
        let (stack_bytes, priority, time_limit_ms) = self.with_spec(handle, |spec| {
            // Both have the same capacity.
            let _ = mounts.push_str(&spec.mounts);
            let limits = &spec.limits;
            (
                limits.thread_stack_bytes,
                limits.priority,
                limits.time_limit_ms,
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
                let (state, action) = status.state.on(LifecycleEvent::Start)?;
                status.state = state;
                if action == Action::Spawn {
                    break;
                }
            }
            status.killed = None;
            status.alarm_us = Uptime::new(deadline_us);
            status.times = ContainerTimes {
                created_us: status.times.created_us,
                started_us: Uptime::at(now),
                ..ContainerTimes::default()
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
            // No run uses these yet, and a kill comes later, because it needs the lock that is held
            // here.
            place.interrupt.reset();
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
        self.changed(&name, Some(State::Running));
        if !watched || !self.platform.threads().spawn(handle.slot(), &thread) {
            // The watchdog's stack is too small to write to the partition.
            self.ended(handle, RunResult::Failed(StartFailure::Thread), !by_itself);
        }
        Ok(now)
    }

    /// Checks that no other live container has a mount that excludes one of `mounts`. That is so
    /// until the returned lock is released.
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
            // Another start has come in between: the result of ours is not known any more.
            let superseded = status.times.started_us != Uptime::at(started_us);
            Ok(match status.state.outcome() {
                _ if superseded || status.times.entered_us != Uptime::NEVER => Some(Ok(())),
                Some(RunResult::Failed(failure)) => Some(Err(Error::Start(failure))),
                Some(_) => Some(Ok(())),
                None => None,
            })
        })?
    }

    /// Starts a container from its beginning; a live one is stopped first, as by
    /// [`stop`](Self::stop).
    ///
    /// # Errors
    /// The errors of [`stop`](Self::stop), except `container-not-running`, and of
    /// [`start`](Self::start).
    pub fn restart(&self, handle: Handle, grace_us: u64) -> Result<(), Error> {
        let (_, action) = self.status(handle)?.state.on(LifecycleEvent::Restart)?;
        if action == Action::StopFirst {
            match self.stop(handle, grace_us) {
                // The run has ended meanwhile.
                Ok(_) | Err(Error::State(Refusal::NotRunning)) => {}
                Err(error) => return Err(error),
            }
        }
        self.start(handle)
    }
}
