// SPDX-License-Identifier: Apache-2.0
//! Creation of containers.

use core::num::NonZeroU32;

use super::{Platform, Supervisor};
use crate::container::record::Origin;
use crate::container::state::State;
use crate::container::table::{Handle, Recorded};
use crate::container::{Error, Name, Options, Spec, data, mount, record};
use crate::image::Image;
use crate::port::Storage as _;

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
                .resolve(&name, image, options)
                .and_then(|()| self.allocate(&name, spec, created, options)),
            None => Err(Error::NotFound),
        };
        if let Err(error) = made {
            place.clear();
            self.table.lock().release(handle);
            return Err(error);
        }
        self.table.lock().commit(handle, |status| {
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
    fn allocate(
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
}
