// SPDX-License-Identifier: Apache-2.0
//! Containers come and go.

use core::num::NonZeroU32;

use super::{KILL_PATIENCE_US, Supervisor};
use crate::container::record::Origin;
use crate::container::state::{Action, Cause, Event, State};
use crate::container::table::{Handle, Recorded};
use crate::container::{Error, Name, Options, Spec, data, mount, record};
use crate::image::Image;
use crate::port::{Platform, StorageError};

impl<P: Platform> Supervisor<P> {
    /// Creates a container of a judged image, under a name that is made up where none is given.
    ///
    /// # Errors
    /// About the name, arguments, environment, mounts or storage; [`Error::TableFull`];
    /// [`Error::RecordUnreadable`].
    pub fn create(
        &self,
        name: Option<&str>,
        image: &Image,
        options: &Options<'_>,
    ) -> Result<Handle, Error> {
        let name = match name {
            Some(name) => Name::parse(name)?,
            None => Name::generate(self.platform.entropy())?,
        };
        let recorded = if options.temporary {
            Recorded::Never
        } else {
            Recorded::Present
        };
        let created = self.date();
        let handle = self.table.lock().reserve(&name, Some(self.now()))?;
        let place = self.place(handle.slot())?;
        place.take(handle);
        // Nobody asks for the lock yet but who looks through all places.
        let made = match place.spec.lock().as_mut() {
            Some((_, spec)) => spec
                .settle(&name, image, options)
                .and_then(|()| self.furnish(&name, spec, created, options)),
            None => Err(Error::NotFound),
        };
        if let Err(error) = made {
            place.clear();
            self.table.lock().release(handle);
            return Err(error);
        }
        self.table.lock().settle(handle, |status| {
            status.dates.created = created;
            status.recorded = recorded;
            status.restart = options.restart;
            status.order = options.priority;
        })?;
        self.changed(&name, Some(State::Created));
        Ok(handle)
    }

    /// Makes what a container has on the partition, or nothing.
    fn furnish(
        &self,
        name: &Name,
        spec: &Spec,
        created: Option<NonZeroU32>,
        options: &Options<'_>,
    ) -> Result<(), Error> {
        let storage = self.platform.storage();
        if record::exists(storage, name)? {
            return Err(Error::RecordUnreadable);
        }
        mount::create(storage, &spec.mounts)?;
        data::create(storage, name)?;
        if spec.temporary {
            return Ok(());
        }
        let _alone = self.records.lock();
        let origin = options.follow.map(|follow| Origin {
            tag: follow.tag,
            environment: options.environment,
            granted: options.granted,
        });
        record::write_spec(storage, name, spec, created, origin.as_ref()).map_err(|error| {
            // What can't be removed now is removed at the next boot.
            let _ = data::remove(storage, name);
            error.into()
        })
    }

    /// Removes what is left of a container whose record can't be read.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such record; [`Error::NameTaken`] where there is
    /// a container of that name; the storage's own.
    pub fn discard(&self, name: &str) -> Result<(), Error> {
        let name = Name::parse(name).map_err(|_| Error::NotFound)?;
        let storage = self.platform.storage();
        let handle = self.table.lock().reserve(&name, None)?;
        let discarded = match record::exists(storage, &name) {
            Ok(true) => self.strip(&name).map_err(Error::from),
            Ok(false) => Err(Error::NotFound),
            Err(error) => Err(error.into()),
        };
        self.table.lock().release(handle);
        discarded
    }

    /// Removes what a container has on the partition, the record first.
    fn strip(&self, name: &Name) -> Result<(), StorageError> {
        let storage = self.platform.storage();
        {
            let _alone = self.records.lock();
            record::remove(storage, name)?;
        }
        data::remove(storage, name)
    }

    /// Removes a container with its log and its files; one that is live only with `force`,
    /// which kills it first.
    ///
    /// # Errors
    /// `container-running`, `container-paused`; [`Error::TimedOut`] where it does not end
    /// although killed; the storage's own, and it is still there, to be removed again.
    pub fn remove(&self, handle: Handle, force: bool) -> Result<(), Error> {
        let event = if force {
            Event::RemoveByForce
        } else {
            Event::Remove
        };
        let name = loop {
            let mut table = self.table.lock();
            let (name, status) = table.get(handle)?;
            let (_, action) = status.state.on(event)?;
            if action == Action::Remove {
                let name = name.clone();
                table.withdraw(handle)?;
                break name;
            }
            self.end_run(handle.slot(), status, Cause::Kill)?;
            drop(table);
            self.await_end(handle, self.now().saturating_add(KILL_PATIENCE_US))?;
        };
        if let Err(error) = self.strip(&name) {
            self.table.lock().restore(handle)?;
            return Err(error.into());
        }
        self.place(handle.slot())?.clear();
        self.table.lock().release(handle);
        self.changed(&name, None);
        Ok(())
    }
}
