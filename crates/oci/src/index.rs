// SPDX-License-Identifier: Apache-2.0
//! Image indexes (OCI image-index.md), `index.json` among them.

use core::ops::ControlFlow;

use crate::descriptor::{check_annotations, media_type};
use crate::error::{first, report as hand_over};
use crate::json::{Kind, Value};
use crate::{Annotations, Descriptor, Error, ErrorKind, MediaType, Report, Text};

/// What an index calls itself, and what a descriptor of a nested one says.
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// The annotation that names an entry of a layout's index.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A list of manifests and nested indexes.
#[derive(Clone, Copy, Debug)]
pub struct Index<'a>(Value<'a>);

impl<'a> Index<'a> {
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(value: Value<'a>) -> Result<Self, Error> {
        first(|report| Self::check(value, report))?;
        Ok(Self(value))
    }

    /// Reports, in this order, what is wrong with `schemaVersion`, `mediaType`
    /// (which may be absent), `manifests` (an array of objects, which may be empty),
    /// `artifactType`, `subject` and `annotations`.
    ///
    /// The entries' own members are left to [`Entry::descriptor`]: one bad entry
    /// must not hide its neighbours.
    pub fn check(value: Value<'a>, report: Report<'_>) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        check_schema_version(value, report)?;
        if let Some(value) = value.get("mediaType") {
            let checked = media_type(value).and_then(|found| {
                if found == INDEX_MEDIA_TYPE {
                    Ok(())
                } else {
                    Err(value.error(ErrorKind::MediaTypeUnsupported))
                }
            });
            hand_over(checked, report)?;
        }
        let manifests = value
            .require("manifests")
            .and_then(|value| value.expect(Kind::Array));
        if let Some(manifests) = hand_over(manifests, report)? {
            for entry in manifests.elements() {
                hand_over(entry.expect(Kind::Object), report)?;
            }
        }
        check_tail(value, report)
    }

    /// Its entries, in order.
    pub fn manifests(&self) -> impl Iterator<Item = Entry<'a>> + Clone {
        self.0
            .get("manifests")
            .into_iter()
            .flat_map(Value::elements)
            .map(Entry)
    }

    /// Its annotations; none if the member is absent.
    pub fn annotations(&self) -> Annotations<'a> {
        Annotations::of(self.0)
    }
}

/// One entry of an index, not checked yet.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a>(Value<'a>);

impl<'a> Entry<'a> {
    /// Its descriptor, checked whole.
    ///
    /// # Errors
    /// The first that [`Descriptor::check`] finds.
    pub fn descriptor(&self) -> Result<Descriptor<'a>, Error> {
        Descriptor::parse(self.0)
    }

    /// The text of its annotation `org.opencontainers.image.ref.name`.
    pub fn reference_name(&self) -> Option<Text<'a>> {
        Annotations::of(self.0).get(REF_NAME)
    }

    /// Its annotations as they are; nobody has checked that they are strings.
    pub(crate) fn annotations(&self) -> impl Iterator<Item = (Text<'a>, Value<'a>)> + Clone {
        self.0
            .get("annotations")
            .into_iter()
            .flat_map(Value::members)
    }

    /// Where it stands.
    pub fn value(&self) -> Value<'a> {
        self.0
    }
}

/// `schemaVersion` is 2: in indexes and manifests alike.
pub(crate) fn check_schema_version(object: Value<'_>, report: Report<'_>) -> ControlFlow<()> {
    let checked = object
        .require("schemaVersion")
        .and_then(|value| match value.unsigned() {
            Ok(2) => Ok(()),
            Err(error) if error.kind == ErrorKind::FieldType => Err(error),
            _ => Err(value.error(ErrorKind::SchemaVersion)),
        });
    hand_over(checked, report).map_continue(drop)
}

/// The optional members that end indexes and manifests alike.
pub(crate) fn check_tail(object: Value<'_>, report: Report<'_>) -> ControlFlow<()> {
    if let Some(artifact_type) = object.get("artifactType") {
        hand_over(media_type(artifact_type), report)?;
    }
    if let Some(subject) = object.get("subject") {
        Descriptor::check(subject, report)?;
    }
    check_annotations(object, report)
}

/// The `artifactType` of a checked document.
pub(crate) fn artifact_type(object: Value<'_>) -> Option<MediaType<'_>> {
    media_type(object.get("artifactType")?).ok()
}
