// SPDX-License-Identifier: Apache-2.0
//! Content descriptors (OCI descriptor.md).

use core::ops::ControlFlow;

use sha2::Digest as _;

use crate::base64::{BadBase64, Groups};
use crate::error::{first, report as hand_over};
use crate::json::{Kind, Value};
use crate::{DigestRef, Error, ErrorKind, MediaType, Report, Sha256, Text, uri};

/// Type, digest and size of a content that is stored elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    value: Value<'a>,
    /// `mediaType`
    pub media_type: MediaType<'a>,
    /// `digest`
    pub digest: DigestRef<'a>,
    /// `size` of the content in bytes; at most 2^63−1.
    pub size: u64,
}

impl<'a> Descriptor<'a> {
    /// Reads and checks a whole descriptor, optional members included.
    ///
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(value: Value<'a>) -> Result<Self, Error> {
        first(|report| Self::check(value, report))?;
        Self::required(value)
    }

    /// Reports, in this order: `field-type` for what is no object; what is wrong
    /// with `mediaType`, `digest`, `size` (each `field-missing`, `field-type` or its
    /// own syntax); with `data` (`data-mismatch` unless it is canonical base64 of
    /// `size` bytes that have the digest, as far as the digest is sha256); `urls`
    /// (`url-syntax`); `annotations` (`annotation-type`); `artifactType`; and
    /// `platform`, which needs `architecture` and `os`.
    pub fn check(value: Value<'a>, report: Report<'_>) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        hand_over(value.require("mediaType").and_then(media_type), report)?;
        let digest = hand_over(value.require("digest").and_then(digest), report)?;
        let size = hand_over(value.require("size").and_then(Value::unsigned), report)?;
        if let Some(data) = value.get("data") {
            hand_over(check_data(data, digest, size), report)?;
        }
        if let Some(urls) = value.get("urls") {
            check_strings(urls, report, |url| {
                if uri::is_absolute(url) {
                    Ok(())
                } else {
                    Err(ErrorKind::UrlSyntax)
                }
            })?;
        }
        check_annotations(value, report)?;
        if let Some(artifact_type) = value.get("artifactType") {
            hand_over(media_type(artifact_type), report)?;
        }
        if let Some(platform) = value.get("platform") {
            Platform::check(platform, report)?;
        }
        ControlFlow::Continue(())
    }

    /// The required members alone, of a descriptor that has been checked.
    pub(crate) fn required(value: Value<'a>) -> Result<Self, Error> {
        Ok(Self {
            value,
            media_type: value.require("mediaType").and_then(media_type)?,
            digest: value.require("digest").and_then(digest)?,
            size: value.require("size").and_then(Value::unsigned)?,
        })
    }

    /// The value it was read from: where it stands and how it is spelt.
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// The content itself, if it is embedded. It has `size` bytes, and the digest
    /// if that is sha256.
    pub fn data(&self) -> Option<Data<'a>> {
        Some(Data(self.value.get("data")?.text().ok()?))
    }

    /// Where the content may be had; absolute URIs.
    pub fn urls(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.value.get("urls"))
    }

    /// Its annotations; none if the member is absent.
    pub fn annotations(&self) -> Annotations<'a> {
        Annotations::of(self.value)
    }

    /// `artifactType`
    pub fn artifact_type(&self) -> Option<MediaType<'a>> {
        media_type(self.value.get("artifactType")?).ok()
    }

    /// `platform`
    pub fn platform(&self) -> Option<Platform<'a>> {
        Platform::required(self.value.get("platform")?).ok()
    }
}

/// Content embedded in a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a>(Text<'a>);

impl<'a> Data<'a> {
    /// The decoded bytes, one after the other.
    pub fn bytes(self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        Groups::new(self.0.chars()).filter_map(Result::ok).flatten()
    }
}

/// What the content was built for (OCI image-index.md, `platform`).
#[derive(Clone, Copy, Debug)]
pub struct Platform<'a> {
    /// `architecture`
    pub architecture: Text<'a>,
    /// `os`
    pub os: Text<'a>,
    /// `os.version`
    pub os_version: Option<Text<'a>>,
    /// `variant` of the architecture.
    pub variant: Option<Text<'a>>,
    value: Value<'a>,
}

impl<'a> Platform<'a> {
    fn check(value: Value<'a>, report: Report<'_>) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        for required in ["architecture", "os"] {
            hand_over(value.require(required).and_then(Value::text), report)?;
        }
        for optional in ["os.version", "variant"] {
            if let Some(value) = value.get(optional) {
                hand_over(value.text(), report)?;
            }
        }
        for optional in ["os.features", "features"] {
            if let Some(value) = value.get(optional) {
                check_strings(value, report, |_| Ok(()))?;
            }
        }
        ControlFlow::Continue(())
    }

    fn required(value: Value<'a>) -> Result<Self, Error> {
        let optional = |name| value.get(name).and_then(|value| value.text().ok());
        Ok(Self {
            architecture: value.require("architecture")?.text()?,
            os: value.require("os")?.text()?,
            os_version: optional("os.version"),
            variant: optional("variant"),
            value,
        })
    }

    /// `os.features`
    pub fn os_features(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.value.get("os.features"))
    }
}

/// Names and texts that somebody attached (OCI annotations.md).
#[derive(Clone, Copy, Debug)]
pub struct Annotations<'a>(Option<Value<'a>>);

impl<'a> Annotations<'a> {
    pub(crate) fn of(object: Value<'a>) -> Self {
        Self(object.get("annotations"))
    }

    /// Each annotation, in document order.
    pub fn iter(self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + Clone {
        let members = self.0.into_iter().flat_map(Value::members);
        members.filter_map(|(name, value)| Some((name, value.text().ok()?)))
    }

    /// The annotation of that name.
    pub fn get(self, name: &str) -> Option<Text<'a>> {
        self.0?.get(name)?.text().ok()
    }
}

/// Checks the member `annotations` of `object`, if there is one.
pub(crate) fn check_annotations(object: Value<'_>, report: Report<'_>) -> ControlFlow<()> {
    let Some(annotations) = object.get("annotations") else {
        return ControlFlow::Continue(());
    };
    if let Err(error) = annotations.expect(Kind::Object) {
        return report(error);
    }
    for (_, value) in annotations.members() {
        if value.kind() != Kind::String {
            report(value.error(ErrorKind::AnnotationType))?;
        }
    }
    ControlFlow::Continue(())
}

/// Checks that `value` is an array of strings, and each string.
pub(crate) fn check_strings(
    value: Value<'_>,
    report: Report<'_>,
    check: impl Fn(Text<'_>) -> Result<(), ErrorKind>,
) -> ControlFlow<()> {
    if let Err(error) = value.expect(Kind::Array) {
        return report(error);
    }
    for element in value.elements() {
        let checked = element
            .text()
            .and_then(|text| check(text).map_err(|kind| element.error(kind)));
        hand_over(checked, report)?;
    }
    ControlFlow::Continue(())
}

/// The strings of an array; none if there is no array.
pub(crate) fn strings<'a>(array: Option<Value<'a>>) -> impl Iterator<Item = Text<'a>> + Clone {
    array
        .into_iter()
        .flat_map(Value::elements)
        .filter_map(|value| value.text().ok())
}

/// A string that is a media type.
pub(crate) fn media_type(value: Value<'_>) -> Result<MediaType<'_>, Error> {
    MediaType::parse(value.text()?).map_err(|kind| value.error(kind))
}

/// A string that is a digest.
pub(crate) fn digest(value: Value<'_>) -> Result<DigestRef<'_>, Error> {
    DigestRef::parse(value.text()?).map_err(|kind| value.error(kind))
}

/// Compares embedded content with what is known of it; what has an error of its
/// own (`None`) is not held against the content too.
fn check_data(
    value: Value<'_>,
    digest: Option<DigestRef<'_>>,
    size: Option<u64>,
) -> Result<(), Error> {
    let mismatch = value.error(ErrorKind::DataMismatch);
    let expected = digest.and_then(DigestRef::sha256);
    let mut hasher = sha2::Sha256::new();
    let mut length = 0_u64;
    for group in Groups::new(value.text()?.chars()) {
        let group = group.map_err(|BadBase64| mismatch)?;
        let bytes = group.bytes();
        length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        hasher.update(bytes);
    }
    if size.is_some_and(|size| size != length) {
        return Err(mismatch);
    }
    let found = Sha256(hasher.finalize().into());
    if expected.is_some_and(|expected| expected != found) {
        return Err(mismatch);
    }
    Ok(())
}
