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
    /// Judges the manifest of a container again, with its signatures, where the policy asks for an
    /// origin and none is known: the container comes from a record, which proves nothing.
    #[inline(never)] // its frame is not to stay under the guest
    pub(super) fn verify_provenance(&self, handle: Handle) -> Result<(), StartFailure> {
        let policy = self.platform.policy();
        let (manifest, identity) =
            self.spec(handle, |spec| (spec.image.manifest, spec.image.identity()))?;
        // Without signatures the check before the load refuses.
        if !SIGNATURES || !policy.trust.wants_signature(&identity) {
            return Ok(());
        }
        let name = self.name(handle)?;
        let mut verified = Ok(identity.admission);
        self.platform.with_documents(&mut |workspace, image| {
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
                None if image.executable.digest != identity.executable => Err(Code::DigestMismatch),
                None => Ok(image.admission),
            };
        });
        let admission = verified.map_err(StartFailure::Image)?;
        let place = self.place(handle.slot());
        let place = place.map_err(|_| StartFailure::Thread)?;
        if let Some((_, spec)) = place.spec.lock().as_mut() {
            spec.image.admission = admission;
        }
        Ok(())
    }
}
