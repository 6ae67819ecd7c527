// SPDX-License-Identifier: Apache-2.0
//! The watchdog: ends runs at their time limit, and starts containers that are due.

use super::{Platform, Supervisor, WATCHDOG_STACK};
use crate::container::state::{Cause, State};
use crate::container::table::{Handle, Table, Uptime, next_start};
use crate::port::{ThreadSpec, WATCHDOG};

impl<P: Platform> Supervisor<P> {
    /// Makes sure that a thread watches deadlines and due starts; `false` where there is no thread
    /// for it.
    pub(super) fn watch_over(&self, table: &mut Table) -> bool {
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

    /// Ends runs at their time limit and starts due containers, until there is nothing to wait for.
    pub(super) fn watch(&self) {
        while let Some(next) = self.look_after() {
            self.platform.threads().sleep(WATCHDOG, Some(next));
        }
    }

    /// Ends the runs and starts the containers that are due. Returns the time of the next deadline.
    pub(super) fn look_after(&self) -> Option<u64> {
        loop {
            let now = self.now();
            let (due, next) = {
                let mut table = self.table.lock();
                let mut next = Uptime::NEVER;
                for (slot, status) in table.statuses() {
                    if status.state.is_live() && status.alarm_us <= Uptime::at(now) {
                        status.alarm_us = Uptime::NEVER;
                        // Fails only for a slot that does not exist.
                        let _ = self.end_run(slot, status, Cause::TimeLimit);
                    } else {
                        next = next.min(status.alarm_us);
                    }
                }
                // This thread holds the lock that everything needs: the supervisor is well.
                let beat = self.platform.threads().beat();
                let beat = Uptime::new(beat.map(|soon| now.saturating_add(soon.into())));
                let next = next.min(beat).get();
                table.watched = next.is_some();
                (table.due(now), next)
            };
            match due {
                Some(handle) => self.start_again(handle, now),
                None => return next,
            }
        }
    }

    /// Starts a due container; if it can't be started now, it waits on.
    #[inline(never)] // its frame is large for the watchdog's stack
    fn start_again(&self, handle: Handle, now: u64) {
        if let Err(error) = self.launch(handle, true) {
            let mut table = self.table.lock();
            if let Ok((name, status)) = table.get(handle)
                && matches!(status.state, State::Restarting(_))
            {
                status.failures = status.failures.saturating_add(1);
                status.alarm_us = next_start(now, status.failures);
                say!(Warn, "container {name}: restart failed: {error}");
            }
        }
    }
}
