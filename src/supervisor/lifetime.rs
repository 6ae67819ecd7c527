// SPDX-License-Identifier: Apache-2.0
//! Creation and removal of containers.

use core::num::NonZeroU32;

use super::{KILL_PATIENCE_US, Supervisor};
use crate::container::record::Origin;
use crate::container::state::{Action, Cause, Event, State};
use crate::container::table::{Handle, Recorded};
use crate::container::{Error, Name, Options, Spec, data, mount, record};
use crate::image::Image;
use crate::lost;
use crate::port::{Platform, Storage as _, StorageError, path};

impl<P: Platform> Supervisor<P> {
    /// Creates a container of a judged image, under `name` or a generated name.
    ///
    /// # Errors
    /// Errors of the name, arguments, environment, mounts or storage; [`Error::TableFull`];
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
        // Only loops over all slots can ask for this lock yet.
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

    /// Makes a container's folder and record on the partition, or neither, and the missing folders
    /// of its mounts.
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
        data::create(storage, name, spec.temporary)?;
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
            // The folder is empty; if it can't be removed now, the next boot removes it.
            let _ = storage.remove(&data::folder(name));
            error.into()
        })
    }

    /// Removes the files of a container whose record can't be read, or a [kept](lost) file or
    /// folder, if `name` is its path.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is neither; [`Error::NameTaken`] where a container has that
    /// name; the storage's own.
    pub fn discard(&self, name: &str) -> Result<(), Error> {
        let storage = self.platform.storage();
        if path::is_within(name, lost::ROOT) {
            return match lost::remove(storage, name) {
                Err(StorageError::NotFound | StorageError::Invalid) => Err(Error::NotFound),
                removed => Ok(removed?),
            };
        }
        let name = Name::parse(name).map_err(|_| Error::NotFound)?;
        let handle = self.table.lock().reserve(&name, None)?;
        let discarded = match record::exists(storage, &name) {
            Ok(true) => self.strip(&name).map_err(Error::from),
            Ok(false) => Err(Error::NotFound),
            Err(error) => Err(error.into()),
        };
        self.table.lock().release(handle);
        discarded
    }

    /// Removes a container's record, and then its files. Before, marks the files for removal; if
    /// that fails, the files that a power cut leaves are kept.
    fn strip(&self, name: &Name) -> Result<(), StorageError> {
        let storage = self.platform.storage();
        {
            let _alone = self.records.lock();
            let _ = data::mark_removal(storage, name);
            record::remove(storage, name)?;
        }
        data::remove(storage, name)
    }

    /// Removes a container with its log and its files; a live one only with `force`, which kills it
    /// first.
    ///
    /// # Errors
    /// `container-running`, `container-paused`; [`Error::TimedOut`] where it does not end although
    /// killed; the storage's own: then the container still exists, and can be removed again.
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
