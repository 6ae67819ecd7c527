// SPDX-License-Identifier: Apache-2.0
//! Containers follow the tags that they were created from, and an update that fails is taken back.
//!
//! Each change is one replacement of one file: the store's index, which has the image of each tag
//! and [its trial](crate::image::store::update), or a container's record, which has the container's
//! image. So whenever the power goes, a start finds the tag's image, and the container's image from
//! before or after the change.

use core::ops::ControlFlow;
use core::sync::atomic::Ordering;

use ocre_oci::Format;

use super::{Platform, Supervisor};
use crate::container::record::{Origin, TagName};
use crate::container::state::{RunResult, StartFailure};
use crate::container::table::Handle;
use crate::container::{Name, record, restart};
use crate::image::judge::{Policy, Selector, Workspace};
use crate::image::store::Store;
use crate::image::store::update::TrialResult;
use crate::image::verdict::{Code, Finding};
use crate::image::{Image, judge};
use crate::limits::{MAX_UPDATE_FAILURES, SIGNATURES};

impl<P: Platform> Supervisor<P> {
    /// Gives a container the present image of its tag. If the tag is on trial, `trial` becomes its
    /// fingerprint.
    #[inline(never)] // its frame is not to stay under the guest
    pub(super) fn follow(
        &self,
        handle: Handle,
        trial: &mut Option<u64>,
    ) -> Result<(), StartFailure> {
        let fingerprint = self.spec(handle, |spec| spec.followed)?;
        if fingerprint == 0 {
            return Ok(());
        }
        let name = self.name(handle)?;
        let mut followed = Ok(());
        self.platform.with_documents(&mut |workspace, judged| {
            let Some(tag) = self.tag(&name, workspace.document) else {
                return;
            };
            let source = self.images();
            let mut store = Store::opened(source.storage, source.root, workspace.document);
            match store.tagged(&tag) {
                Ok(Some(tagged)) => {
                    *trial = tagged.on_trial.then_some(tagged.fingerprint);
                    if tagged.fingerprint != fingerprint {
                        let image = judged.reset();
                        followed =
                            self.adopt(handle, &name, &tag, tagged.fingerprint, workspace, image);
                    }
                }
                // The container keeps its image.
                Ok(None) => {}
                Err(error) => say!(Warn, "container {name}: {tag}: {error}"),
            }
        });
        followed
    }

    /// Reads the tag that a container follows from its record. `buffer` has [`record::MAX_BYTES`].
    pub fn tag(&self, name: &Name, buffer: &mut [u8]) -> Option<TagName> {
        let mut tag = None;
        let mut show = |origin: &Origin<'_>| tag = origin.tag.try_into().ok();
        let read = record::read_origin(self.platform.storage(), name, buffer, &mut show);
        if let Err(error) = read {
            say!(Warn, "container {name}: can't read the tag: {error}");
        }
        tag
    }

    /// Judges the image of a tag and makes it a container's image.
    #[inline(never)]
    fn adopt(
        &self,
        handle: Handle,
        name: &Name,
        tag: &TagName,
        fingerprint: u64,
        mut workspace: Workspace<'_>,
        image: &mut Image,
    ) -> Result<(), StartFailure> {
        let (format, limits) = self.spec(handle, |spec| (spec.image.format, spec.limits))?;
        let policy = Policy {
            // The same format as before, where there is a choice.
            prefer_portable: format == Format::Wasm,
            ..self.platform.policy()
        };
        let selector = Selector {
            name: Some(tag),
            digest: None,
        };
        let mut refusal = None;
        judge::judge(
            self.images(),
            selector,
            self.platform.engine(),
            &policy,
            workspace.lend(),
            &mut |finding, at, _| {
                let Finding::Refusal(code) = finding else {
                    return ControlFlow::Continue(());
                };
                say!(Error, "container {name}: {tag}: {code} at {at}");
                refusal = Some(code);
                ControlFlow::Break(())
            },
            image,
        );
        let refusal = refusal.or(limits.check_format(image.format).err());
        if let Some(code) = refusal {
            return Err(StartFailure::Image(code));
        }
        say!(
            Info,
            "container {name}: {tag} leads to {}",
            image.manifest.digest
        );
        let created = match self.status(handle) {
            Ok(status) => status.dates.created,
            Err(_) => None,
        };
        let storage = self.platform.storage();
        let mut adopted = Ok(());
        let read = record::read_origin(storage, name, workspace.document, &mut |origin| {
            let Ok(place) = self.place(handle.slot()) else {
                return;
            };
            let mut held = place.spec.lock();
            let Some((_, spec)) = held.as_mut() else {
                return;
            };
            adopted = spec.adopt(image, origin.environment, origin.granted, fingerprint);
            if adopted.is_ok() {
                let _alone = self.records.lock();
                let written = record::write_spec(storage, name, spec, created, Some(origin));
                if let Err(error) = written {
                    say!(Warn, "container {name}: can't record the image: {error}");
                }
            }
        });
        match (read, adopted) {
            (Ok(()), Ok(())) => Ok(()),
            _ => Err(StartFailure::Image(Code::LimitCapacity)),
        }
    }

    /// Judges the image of a run by the result. `trial` is the fingerprint of its tag, if that is on
    /// trial.
    #[inline(never)]
    pub(super) fn judge_run(&self, handle: Handle, outcome: RunResult, trial: Option<u64>) {
        let (Ok(status), Ok(place)) = (self.status(handle), self.place(handle.slot())) else {
            return;
        };
        let Some(works) = restart::works(outcome, status.times.ran_us(self.now())) else {
            return;
        };
        if !works && place.asked.load(Ordering::SeqCst) {
            // The run was ended on request, so that it does not show that the image fails.
            return;
        }
        self.worked(handle, works, trial);
    }

    /// Counts that an image works, or does not: in the trial of its tag, and in the sequences that
    /// have worked.
    pub(super) fn worked(&self, handle: Handle, works: bool, trial: Option<u64>) {
        if let Some(fingerprint) = trial {
            self.tried(handle, works, fingerprint);
        }
        if SIGNATURES && works {
            self.raise_sequence(handle);
        }
    }

    fn tried(&self, handle: Handle, works: bool, fingerprint: u64) {
        let Ok(name) = self.name(handle) else {
            return;
        };
        self.platform.with_documents(&mut |workspace, _| {
            let Some(tag) = self.tag(&name, workspace.document) else {
                return;
            };
            let source = self.images();
            let mut store = Store::opened(source.storage, source.root, workspace.document);
            let most = MAX_UPDATE_FAILURES;
            match store.tried(&tag, fingerprint, works) {
                Ok(TrialResult::Nothing) => {}
                Ok(TrialResult::Works) => say!(Info, "image {tag}: the update works"),
                Ok(TrialResult::Failed(failures)) => {
                    say!(
                        Warn,
                        "image {tag}: the update failed {failures} of {most} times"
                    );
                    self.reset_failure_count(handle);
                }
                Ok(TrialResult::TakenBack) => {
                    say!(
                        Error,
                        "image {tag}: the update failed {most} times, rolled back"
                    );
                    self.reset_failure_count(handle);
                }
                Err(error) => say!(Error, "image {tag}: {error}"),
            }
        });
    }

    /// Resets the failures in a row: the trial counts the failures of an update.
    fn reset_failure_count(&self, handle: Handle) {
        if let Ok((_, status)) = self.table.lock().get(handle) {
            status.failures = 0;
        }
    }
}
