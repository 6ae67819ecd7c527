// SPDX-License-Identifier: Apache-2.0
//! Pause, stop, kill and wait.

use core::sync::atomic::Ordering;

use lock_api::MutexGuard;

use super::{KILL_PATIENCE_US, Platform, Supervisor};
use crate::container::Error;
use crate::container::state::{Action, Cause, LifecycleEvent, RunResult, State};
use crate::container::table::{Handle, Recorded, Status, Table, Uptime};
use crate::port::{Interrupt as _, Slot};

impl<P: Platform> Supervisor<P> {
    /// Holds a container's guest at its next safe point: a loop, a call, or the end of the host
    /// call that it waits in. Returns at once. Its time limit does not wait.
    ///
    /// # Errors
    /// `container-not-running`, `container-paused`.
    pub fn pause(&self, handle: Handle) -> Result<(), Error> {
        self.hold(handle, LifecycleEvent::Pause)
    }

    /// Lets a paused container's guest go on.
    ///
    /// # Errors
    /// `container-not-paused`.
    pub fn unpause(&self, handle: Handle) -> Result<(), Error> {
        self.hold(handle, LifecycleEvent::Unpause)
    }

    fn hold(&self, handle: Handle, event: LifecycleEvent) -> Result<(), Error> {
        let (name, state) = {
            let mut table = self.table.lock();
            let (name, status) = table.get(handle)?;
            let (state, action) = status.state.on(event)?;
            let interrupt = &self.place(handle.slot())?.interrupt;
            status.state = state;
            if action == Action::Hold {
                interrupt.hold();
            } else {
                interrupt.release();
            }
            (name.clone(), state)
        };
        self.changed(&name, Some(state));
        Ok(())
    }

    /// Kills a container: returns at once, and its run ends soon. A next run that it waits for is
    /// cancelled.
    ///
    /// # Errors
    /// `container-not-running`.
    pub fn kill(&self, handle: Handle) -> Result<(), Error> {
        let mut table = self.table.lock();
        let (_, status) = table.get(handle)?;
        let (state, action) = status.state.on(LifecycleEvent::Kill)?;
        if action == Action::Rest {
            return self.rest(handle, state, table);
        }
        self.end_run(handle.slot(), status, Cause::Kill)
    }

    /// Cancels the next run of a container that waits for it.
    fn rest(
        &self,
        handle: Handle,
        state: State,
        mut table: MutexGuard<'_, P::RawMutex, Table>,
    ) -> Result<(), Error> {
        let (name, status) = table.get(handle)?;
        let name = name.clone();
        status.state = state;
        status.alarm_us = Uptime::NEVER;
        if status.recorded == Recorded::Present {
            status.recorded = Recorded::Earlier;
        }
        drop(table);
        self.write_down(handle);
        self.changed(&name, Some(state));
        Ok(())
    }

    /// Sends a container a stop request, waits for `grace_us` microseconds, kills it if it still
    /// runs, and waits for its end. A next run that it waits for is cancelled.
    ///
    /// # Errors
    /// `container-not-running`; [`Error::TimedOut`] where it does not end although killed.
    pub fn stop(&self, handle: Handle, grace_us: u64) -> Result<RunResult, Error> {
        let asked = {
            let mut table = self.table.lock();
            let (_, status) = table.get(handle)?;
            let (state, action) = status.state.on(LifecycleEvent::Stop)?;
            if let (Action::Rest, State::Ended(outcome)) = (action, state) {
                self.rest(handle, state, table)?;
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

    /// Ends the run of a live container. The caller holds the table's lock.
    pub(super) fn end_run(
        &self,
        slot: Slot,
        status: &mut Status,
        cause: Cause,
    ) -> Result<(), Error> {
        let place = self.place(slot)?;
        status.killed.get_or_insert(cause);
        // Also after a kill by the time limit: the container is to rest.
        if cause != Cause::TimeLimit {
            place.asked.store(true, Ordering::SeqCst);
        }
        place.killed.store(true, Ordering::SeqCst);
        place.interrupt.stop();
        self.platform.threads().wake(slot);
        Ok(())
    }

    /// Waits until a container rests, at most until uptime reaches `until_us`: for the end of its
    /// run, and of the restarts that follow. Returns the result of the last run.
    ///
    /// # Errors
    /// `container-not-started`; [`Error::TimedOut`]; [`Error::NotFound`], also where it is
    /// removed meanwhile.
    pub fn wait(&self, handle: Handle, until_us: Option<u64>) -> Result<RunResult, Error> {
        self.await_change(until_us, || {
            let state = self.status(handle)?.state;
            let (_, action) = state.on(LifecycleEvent::Wait)?;
            Ok(state.outcome().filter(|_| action == Action::Report))
        })
    }

    pub(super) fn await_end(&self, handle: Handle, until_us: u64) -> Result<RunResult, Error> {
        self.wait(handle, Some(until_us))
    }
}
