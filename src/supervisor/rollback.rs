// SPDX-License-Identifier: Apache-2.0
//! Rollback protection of containers that follow a tag.

use super::{Platform, Supervisor};
use crate::container::state::StartFailure;
use crate::container::table::Handle;
use crate::image::sequence::{Sequence, SequenceRecords};
use crate::port::StorageError;

/// Use of the records, with the tag and the sequence of a container's image.
type SequenceAct<'a, S> = &'a mut dyn FnMut(SequenceRecords<'_, S>, &str, Sequence);

impl<P: Platform> Supervisor<P> {
    /// Records of the sequences that have worked.
    pub fn sequences(&self) -> SequenceRecords<'_, P::Storage> {
        SequenceRecords {
            layout: self.images(),
            counter: self.platform.policy().trust.counter,
        }
    }

    /// Forgets the highest sequence of a name, and logs that. Returns the number, or `None` for a
    /// record that can't be read.
    ///
    /// # Errors
    /// The storage's own.
    pub fn reset_sequence(&self, tag: &str) -> Result<Option<u64>, StorageError> {
        let number = self.sequences().reset(tag)?;
        match number {
            Some(0) => {}
            Some(number) => say!(Warn, "image {tag}: sequence {number} is reset"),
            None => say!(Warn, "image {tag}: a damaged sequence is reset"),
        }
        Ok(number)
    }

    /// Calls `act` with the records, the tag that a container follows, and the sequence of its
    /// image, where the policy guards that.
    #[inline(never)] // its frame is not to stay under the guest
    fn with_sequence(
        &self,
        handle: Handle,
        act: SequenceAct<'_, P::Storage>,
    ) -> Result<(), StartFailure> {
        let trust = self.platform.policy().trust;
        let guarded = self.spec(handle, |spec| {
            let is_guarded = spec.followed != 0 && trust.guards_sequence(spec.image.identity());
            is_guarded.then_some(spec.image.sequence)
        })?;
        let Some(sequence) = guarded else {
            return Ok(());
        };
        let name = self.name(handle)?;
        self.platform.with_documents(&mut |workspace, _| {
            if let Some(tag) = self.tag(&name, workspace.document) {
                act(self.sequences(), &tag, sequence);
            }
        });
        Ok(())
    }

    /// Checks at a start that no newer image of that name has worked meanwhile.
    pub(super) fn check_sequence(&self, handle: Handle) -> Result<(), StartFailure> {
        let mut checked = Ok(());
        self.with_sequence(handle, &mut |records, tag, sequence| {
            checked = records.check(tag, sequence);
            if let Err(code) = checked {
                say!(Error, "image {tag}: {code}");
            }
        })?;
        checked.map_err(StartFailure::Image)
    }

    /// Records that a container's image has worked.
    pub(super) fn raise_sequence(&self, handle: Handle) {
        // A container that is gone has no image.
        let _ = self.with_sequence(handle, &mut |records, tag, sequence| {
            let number = sequence.get();
            match records.raise(tag, sequence) {
                Ok(true) => say!(Info, "image {tag}: sequence {number} works"),
                Ok(false) => {}
                Err(code) => say!(Error, "image {tag}: can't record sequence {number}: {code}"),
            }
        });
    }
}
