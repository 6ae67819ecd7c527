// SPDX-License-Identifier: Apache-2.0
//! Where a container is in its life is written down.

use core::num::NonZeroU32;
use core::sync::atomic::Ordering;

use super::Supervisor;
use crate::container::record::Dates;
use crate::container::restart::delay_us;
use crate::container::state::{Event, Outcome, State, Then};
use crate::container::table::{Handle, Moment, Recorded, Status};
use crate::container::{Name, record};
use crate::port::{Platform, WATCHDOG};

impl<P: Platform> Supervisor<P> {
    /// Brings a container's record up to its state.
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

    /// Writes a state into a record; says so where there is no room for it.
    fn write_state(&self, name: &Name, state: State, dates: &Dates) -> bool {
        let written = record::write_state(self.platform.storage(), name, state, dates);
        if let Err(error) = written {
            log::warn!("container {name}: {state} is not in its record: {error}");
        }
        written.is_ok()
    }

    /// Writes down the end of a run that has given back everything.
    pub(super) fn ended(&self, handle: Handle, outcome: Outcome, recording: bool) {
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
                if kept.alarm_us != Moment::NEVER {
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
        let ran_us = now.saturating_sub(status.times.started_us.get().unwrap_or(now));
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
        status.times.ended_us = Moment::at(now);
        status.computed_us = Moment::new(self.platform.threads().computed_us(handle.slot()));
        status.alarm_us = Moment::NEVER;
        let name = name.clone();
        if then == Then::Again {
            status.alarm_us = Moment::at(now.saturating_add(delay_us(status.failures)));
            *kept = status;
            if !self.watch_over(&mut table) {
                log::error!("container {name}: there is no thread to start it again");
            }
        }
        Some((name, status))
    }
}
