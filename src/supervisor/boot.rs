// SPDX-License-Identifier: Apache-2.0
//! Boot: containers are restored from their records, and started where their policy says so.

use super::{Platform, Supervisor};
use crate::container::record::Dates;
use crate::container::state::{RunResult, State};
use crate::container::table::{Handle, Recorded, Uptime};
use crate::container::{Error, Name, data, record};
use crate::port::StorageError;

impl<P: Platform> Supervisor<P> {
    /// Restores the containers that have records, after [tidying up](record::tidy). To be called
    /// before anything else, until it succeeds. A container whose record can't be read is left
    /// alone and logged; a container without its folder is `failed`. `buffer` has
    /// [`record::MAX_BYTES`].
    ///
    /// # Errors
    /// The storage's own.
    pub fn boot(&self, buffer: &mut [u8]) -> Result<(), StorageError> {
        let storage = self.platform.storage();
        record::tidy(storage, &mut |path, kept| {
            say!(Error, "{path} has no container, moved to {kept}");
        })?;
        record::list(storage, &mut |name| {
            match self.table.lock().reserve(name, None) {
                // A boot that failed half way has taken the name.
                Ok(_) | Err(Error::NameTaken) => {}
                Err(error) => say!(Error, "container {name}: {error}; record and files stay"),
            }
        })?;
        let mut slot = 0;
        loop {
            let coming = self.table.lock().coming(slot);
            let Some((handle, name)) = coming else {
                return Ok(());
            };
            slot = handle.slot().saturating_add(1);
            if let Err(error) = self.restore(handle, &name, buffer) {
                say!(Error, "container {name}: {error}; record and files stay");
                self.table.lock().release(handle);
            }
        }
    }

    fn restore(&self, handle: Handle, name: &Name, buffer: &mut [u8]) -> Result<(), record::Error> {
        let storage = self.platform.storage();
        let (mut state, dates) = match record::read_state(storage, name, buffer) {
            Err(record::Error::Damaged) => {
                say!(Warn, "container {name}: the state of the last run is lost");
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
                .map(|created| (created, spec.restart, spec.limits.priority)),
            None => return Ok(()),
        };
        let (created, restart, order) = read.inspect_err(|_| place.clear())?;
        data::unmark(storage, name);
        if let Err(failure) = data::check(storage, name) {
            state = State::Ended(RunResult::Failed(failure));
            say!(Error, "container {name}: {state}");
        }
        // Reserved above, and nobody else has the handle.
        let _ = self.table.lock().commit(handle, |status| {
            status.state = state;
            status.dates = Dates { created, ..dates };
            status.recorded = Recorded::Present;
            status.restart = restart;
            status.order = order;
        });
        Ok(())
    }

    /// Starts the containers that their [policies](crate::container::Restart::at_boot) select, in
    /// the order of their priorities, and begins to feed the platform's own watchdog, if there is
    /// one. To be called once, after [`boot`](Self::boot), when containers can run.
    pub fn resume(&self) {
        let now = self.now();
        let mut table = self.table.lock();
        let mut waiting = false;
        for (_, status) in table.statuses() {
            if let State::Ended(outcome) = status.state
                && status.restart.at_boot(status.state)
            {
                status.state = State::Restarting(outcome);
                status.alarm_us = Uptime::at(now);
                waiting = true;
            }
        }
        waiting |= self.platform.threads().beat().is_some();
        if waiting && !self.watch_over(&mut table) {
            say!(Error, "no thread for the watchdog");
        }
    }
}
