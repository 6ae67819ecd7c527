// SPDX-License-Identifier: Apache-2.0
//! Creation of containers.

use core::num::NonZeroU32;

use super::{Platform, Supervisor};
use crate::container::record::Origin;
use crate::container::state::State;
use crate::container::table::{Handle, Recorded};
use crate::container::{Error, Follow, Name, Options, Spec, data, mount, record};
use crate::image::judge::{Selector, Workspace, judge_again};
use crate::image::verdict::{Code, Report};
use crate::image::{Image, JudgedImage};
use crate::port::Storage as _;

/// Request for a container of an image on the partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct CreateRequest<'a> {
    /// Image, as a user types it: `name`, `name:tag`, either with `@` and a digest, or a digest.
    pub image: &'a str,
    /// Name of the container; a generated one where none is given.
    pub name: Option<&'a str>,
    /// True where portable code is preferred to AOT code; the device's policy where not given.
    pub prefer_portable: Option<bool>,
    /// Options. [`Supervisor::create_from`] sets the tag to follow.
    pub options: Options<'a>,
}

/// Reason why no container was created.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CreateError {
    /// The image's name is malformed.
    Reference(Code),
    /// The image is refused; the report had the reason.
    Refused,
    /// Error of the container.
    Container(Error),
}

impl From<Error> for CreateError {
    fn from(error: Error) -> Self {
        Self::Container(error)
    }
}

impl<P: Platform> Supervisor<P> {
    /// Judges an image on the partition, and creates a container of it. The container follows the
    /// image's tag, unless the image is named by a digest. `judged` gets the image, also where an
    /// error comes after the verdict. The image that is there already is not judged again where the
    /// tag leads to it.
    ///
    /// ```
    /// use ocre::image::JudgedImage;
    /// use ocre::image::judge::Workspace;
    /// use ocre::image::verdict::Verdict;
    /// use ocre::supervisor::CreateRequest;
    ///
    /// # mod device { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/device.rs")); }
    /// // A supervisor on a PC, whose partition has the image `seven:1`.
    /// # let (supervisor, _) = device::boot();
    /// let mut request = CreateRequest { image: "seven:1", ..CreateRequest::default() };
    /// let mut verdict = Verdict::new(false);
    /// let mut judged = JudgedImage::blank();
    /// let created = supervisor.create_from(
    ///     &mut request,
    ///     Workspace { document: &mut [0; 4096], config: &mut [0; 4096] },
    ///     &mut |finding, at, detail| verdict.note(finding, at, detail),
    ///     &mut judged,
    /// );
    /// assert!(created.is_ok(), "{:?} at {}", verdict.code(), verdict.at());
    /// ```
    ///
    /// # Errors
    /// [`CreateError`].
    pub fn create_from(
        &self,
        request: &mut CreateRequest<'_>,
        workspace: Workspace<'_>,
        report: Report<'_>,
        judged: &mut JudgedImage,
    ) -> Result<Handle, CreateError> {
        let mut policy = self.platform.policy();
        let portable = request.prefer_portable.unwrap_or(policy.prefer_portable);
        policy.prefer_portable = portable || request.options.limits.instructions.is_some();
        let selector = Selector::parse(request.image).map_err(CreateError::Reference)?;
        let (source, engine) = (self.images(), self.platform.engine());
        if !judge_again(source, selector, engine, &policy, workspace, report, judged) {
            return Err(CreateError::Refused);
        }
        request.options.follow = judged.fingerprint().map(|fingerprint| Follow {
            tag: request.image,
            fingerprint,
        });
        Ok(self.create(request.name, judged.image(), &request.options)?)
    }

    /// Creates a container of a judged image, under `name` or a generated name.
    ///
    /// # Errors
    /// [`Error::LimitTooLarge`]; [`Error::Image`]; errors of the name, arguments, environment,
    /// mounts or storage; [`Error::TableFull`]; [`Error::RecordUnreadable`].
    pub fn create(
        &self,
        name: Option<&str>,
        image: &Image,
        options: &Options<'_>,
    ) -> Result<Handle, Error> {
        options.limits.check(&self.platform.policy())?;
        let kept = options.limits.check_format(image.format);
        kept.map_err(Error::Image)?;
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
            status.order = options.limits.priority;
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
