// SPDX-License-Identifier: Apache-2.0
//! Origin of a container's image at a start: verified once since the boot, or each time.

use core::ops::ControlFlow;

use super::{Platform, Supervisor};
use crate::container::state::StartFailure;
use crate::container::table::Handle;
use crate::image::judge::judge_manifest;
use crate::image::verdict::{Code, Finding};
use crate::limits::SIGNATURES;

impl<P: Platform> Supervisor<P> {
    /// Judges the manifest of a container again, with its signatures, where the policy asks for its
    /// origin: a container from a record proves nothing.
    #[inline(never)] // its frame is not to stay under the guest
    pub(super) fn verify_provenance(&self, handle: Handle) -> Result<(), StartFailure> {
        // Without signatures the check before the load refuses.
        if !SIGNATURES {
            return Ok(());
        }
        let policy = self.platform.policy();
        let (manifest, executable, wanted) = self.spec(handle, |spec| {
            let image = &spec.image;
            let wanted = policy.trust.wants_judgement(image.identity());
            (image.manifest, image.executable.digest, wanted)
        })?;
        if !wanted {
            return self.check_sequence(handle);
        }
        let name = self.name(handle)?;
        let mut verified = Err(Code::SignatureMissing);
        self.platform.with_documents(&mut |workspace, judged| {
            let image = judged.reset();
            let mut refusal = None;
            let mut report = |finding, at: crate::image::verdict::Location<'_>, _: &str| {
                let Finding::Refusal(code) = finding else {
                    return ControlFlow::Continue(());
                };
                say!(Error, "container {name}: {code} at {at}");
                refusal = Some(code);
                ControlFlow::Break(())
            };
            judge_manifest(
                self.images(),
                manifest,
                self.platform.engine(),
                &policy,
                workspace,
                &mut report,
                image,
            );
            verified = match refusal {
                Some(code) => Err(code),
                // A record with the code of another image.
                None if image.executable.digest != executable => Err(Code::DigestMismatch),
                None => Ok((image.admission, image.sequence)),
            };
        });
        let (admission, sequence) = verified.map_err(StartFailure::Image)?;
        let place = self.place(handle.slot());
        let place = place.map_err(|_| StartFailure::Thread)?;
        if let Some((_, spec)) = place.spec.lock().as_mut() {
            spec.image.admission = admission;
            spec.image.sequence = sequence;
        }
        self.check_sequence(handle)
    }
}
