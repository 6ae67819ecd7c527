// SPDX-License-Identifier: Apache-2.0
//! Removal of containers.

use super::{KILL_PATIENCE_US, Platform, Supervisor};
use crate::container::state::{Action, Cause, LifecycleEvent};
use crate::container::table::Handle;
use crate::container::{Error, Name, data, record};
use crate::lost;
use crate::port::{StorageError, path};

impl<P: Platform> Supervisor<P> {
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
            Ok(true) => self.delete(&name).map_err(Error::from),
            Ok(false) => Err(Error::NotFound),
            Err(error) => Err(error.into()),
        };
        self.table.lock().release(handle);
        discarded
    }

    /// Removes a container's record, and then its files. Before, marks the files for removal; if
    /// that fails, the files that a power cut leaves are kept.
    fn delete(&self, name: &Name) -> Result<(), StorageError> {
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
            LifecycleEvent::RemoveByForce
        } else {
            LifecycleEvent::Remove
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
        if let Err(error) = self.delete(&name) {
            self.table.lock().restore(handle)?;
            return Err(error.into());
        }
        self.place(handle.slot())?.clear();
        self.table.lock().release(handle);
        self.changed(&name, None);
        Ok(())
    }
}
