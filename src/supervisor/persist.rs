// SPDX-License-Identifier: Apache-2.0
//! Writing of containers' states to their records.

use core::sync::atomic::Ordering;

use super::{Platform, Supervisor};
use crate::container::record::Dates;
use crate::container::state::{LifecycleEvent, RestartDecision, RunResult, State};
use crate::container::table::{Handle, Recorded, Status, Uptime, next_start};
use crate::container::{Name, record};
use crate::port::WATCHDOG;

impl<P: Platform> Supervisor<P> {
    /// Updates a container's record to its present state.
    pub(super) fn write_down(&self, handle: Handle) {
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

    /// Writes a state to a record, and logs an error. Returns true where the state is written.
    fn write_state(&self, name: &Name, state: State, dates: &Dates) -> bool {
        let written = record::write_state(self.platform.storage(), name, state, dates);
        if let Err(error) = written {
            say!(Warn, "container {name}: can't record {state}: {error}");
        }
        written.is_ok()
    }

    /// Ends a run that has given back everything, and records the result, unless another run
    /// follows.
    pub(super) fn ended(&self, handle: Handle, outcome: RunResult, recording: bool) {
        let (now, date) = (self.now(), self.date());
        // The end is recorded before it is announced.
        let alone = self.records.lock();
        let (name, mut status) = {
            let mut table = self.table.lock();
            let Ok((name, kept)) = table.get(handle) else {
                return;
            };
            let (name, mut status) = (name.clone(), *kept);
            status.times.ended_us = Uptime::at(now);
            status.dates.ended = date;
            if self.end(handle, outcome, now, &mut status).is_none() {
                return;
            }
            if matches!(status.state, State::Restarting(_)) {
                *kept = status;
                if !self.watch_over(&mut table) {
                    say!(Error, "container {name}: no thread for a restart");
                }
            }
            (name, status)
        };
        if !matches!(status.state, State::Restarting(_)) {
            if status.recorded != Recorded::Never {
                status.recorded = Recorded::Earlier;
                if recording && self.write_state(&name, status.state, &status.dates) {
                    status.recorded = Recorded::Present;
                }
            }
            if let Ok((_, kept)) = self.table.lock().get(handle) {
                // The watchdog may sleep for this deadline alone.
                if kept.alarm_us != Uptime::NEVER {
                    self.platform.threads().wake(WATCHDOG);
                }
                *kept = status;
            }
        }
        drop(alone);
        self.changed(&name, Some(status.state));
    }

    /// Changes `status` as the end of a run and the restart policy ask; `None` where there is no
    /// run.
    #[inline(never)] // works on the status where it lies, instead of on a copy of each member
    fn end(&self, handle: Handle, outcome: RunResult, now: u64, status: &mut Status) -> Option<()> {
        // A container that was told to end rests, however its run ended.
        let told = self.place(handle.slot()).ok()?.asked.load(Ordering::SeqCst);
        let then = if told {
            RestartDecision::Stop
        } else {
            let ran_us = status.times.ran_us(now);
            let failures = &mut status.failures;
            status.restart.after(outcome, ran_us, failures)
        };
        status.state = status.state.on(LifecycleEvent::End(outcome, then)).ok()?.0;
        status.computed_us = Uptime::new(self.platform.threads().computed_us(handle.slot()));
        status.alarm_us = match then {
            RestartDecision::Restart => next_start(now, status.failures),
            RestartDecision::Stop | RestartDecision::CrashLoop => Uptime::NEVER,
        };
        Some(())
    }
}
