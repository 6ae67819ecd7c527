// SPDX-License-Identifier: Apache-2.0
//! Queries about containers.

use core::sync::atomic::Ordering;

use lock_api::{MappedMutexGuard, MutexGuard};
use ocre_oci::Sha256;

use super::{Platform, Supervisor};
use crate::container::events::StateChange;
use crate::container::table::{Handle, Status};
use crate::container::{Error, Name, Spec, data};
use crate::folders;
use crate::limits::MAX_CONTAINERS;
use crate::port::{Interrupt as _, Storage as _};

/// Entry in a list of containers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Handle of the container.
    pub handle: Handle,
    /// Name of the container.
    pub name: Name,
    /// State and times of the container.
    pub status: Status,
}

/// Resources of a container's present or last run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Computing time, in microseconds, where it is counted.
    pub computed_us: Option<u64>,
    /// Time since the start, until the end or until now, in microseconds.
    pub ran_us: Option<u64>,
    /// Bytes of linear memory at the moment.
    pub memory_bytes: u32,
    /// Most bytes of linear memory so far.
    pub memory_peak_bytes: u32,
    /// Number of host calls; it stops at the largest number.
    pub host_calls: u32,
}

impl<P: Platform> Supervisor<P> {
    /// Finds the container of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn find(&self, name: &str) -> Result<Handle, Error> {
        self.table.lock().find(name)
    }

    /// Returns a container's status.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn status(&self, handle: Handle) -> Result<Status, Error> {
        self.table.lock().get(handle).map(|(_, status)| *status)
    }

    /// Returns the resources of a container's present or last run.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn stats(&self, handle: Handle) -> Result<Stats, Error> {
        let status = self.status(handle)?;
        let place = self.place(handle.slot())?;
        let memory_peak_bytes = place.interrupt.memory_bytes();
        let (mut until, mut computed_us) = (status.times.ended_us.get(), status.computed_us.get());
        let mut memory_bytes = 0;
        if status.state.is_live() {
            until = Some(self.now());
            computed_us = self.platform.threads().computed_us(handle.slot());
            memory_bytes = memory_peak_bytes;
        }
        Ok(Stats {
            computed_us,
            ran_us: status
                .times
                .started_us
                .get()
                .zip(until)
                .map(|(from, to)| to.saturating_sub(from)),
            memory_bytes,
            memory_peak_bytes,
            host_calls: place.host_calls.load(Ordering::SeqCst),
        })
    }

    /// Counts the space of a container's own folder on the partition, in bytes, as [its
    /// limit](crate::container::Limits::disk_bytes) does. Takes as long as the partition takes to be read.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the storage's own, also where its guest changes its folders meanwhile.
    pub fn disk_bytes(&self, handle: Handle) -> Result<u64, Error> {
        let name = self.table.lock().get(handle)?.0.clone();
        let storage = self.platform.storage();
        let folder = data::folder(&name);
        Ok(folders::used(storage, &folder, storage.block_bytes())?)
    }

    /// Shows every container, in the order of their slots.
    pub fn list(&self, show: &mut dyn FnMut(&Summary)) {
        for slot in (0..).take(MAX_CONTAINERS) {
            let summary = {
                let mut table = self.table.lock();
                let Some(handle) = table.at(slot) else {
                    continue;
                };
                let Ok((name, status)) = table.get(handle) else {
                    continue;
                };
                Summary {
                    handle,
                    name: name.clone(),
                    status: *status,
                }
            };
            show(&summary);
        }
    }

    /// Shows a container's spec. A lock is held meanwhile that the container's own host calls need.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn with_spec<T>(&self, handle: Handle, show: impl FnOnce(&Spec) -> T) -> Result<T, Error> {
        Ok(show(&*self.spec_of(handle)?))
    }

    /// Returns a container's spec, locked.
    #[inline(never)]
    pub(super) fn spec_of(
        &self,
        handle: Handle,
    ) -> Result<MappedMutexGuard<'_, P::RawMutex, Spec>, Error> {
        let held = self.place(handle.slot())?.spec.lock();
        MutexGuard::try_map(held, |held| match held.as_mut() {
            Some((owner, spec)) if *owner == handle => Some(spec),
            _ => None,
        })
        .map_err(|_| Error::NotFound)
    }

    /// True where a container has the image with that manifest.
    pub fn uses(&self, manifest: &Sha256) -> bool {
        self.places.iter().any(|place| {
            let spec = place.spec.lock();
            spec.as_ref()
                .is_some_and(|(_, spec)| spec.image.manifest.digest == *manifest)
        })
    }

    /// Returns the number of the oldest change of a container's state that is kept, and true where
    /// there is a change from `number` on.
    pub fn events_from(&self, number: u64) -> (u64, bool) {
        let events = self.events.lock();
        (events.oldest(), events.has_more(number))
    }

    /// Returns the first change from `number` on, and sets `number` to the one behind it.
    pub fn read_event(&self, number: &mut u64) -> Option<StateChange> {
        self.events.lock().read(number)
    }

    /// Waits until there is a change from `number` on, at most until uptime reaches `until_us`.
    /// Returns true where there is one.
    pub fn await_event(&self, number: u64, until_us: u64) -> bool {
        let look = || Ok(self.events_from(number).1.then_some(()));
        self.await_change(Some(until_us), look).is_ok()
    }
}
