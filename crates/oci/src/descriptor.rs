// SPDX-License-Identifier: Apache-2.0
//! Content descriptors (OCI descriptor.md).

use core::ops::ControlFlow;

use crate::base64::{BadBase64, Groups};
use crate::error::{first, report as hand_over};
use crate::json::{Elements, Kind, Members, Value};
use crate::{DigestRef, Error, ErrorKind, ErrorReport, Hasher, MediaType, Text, uri};

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

    /// Reports, in this order: `field-type` for anything but an object; the errors of `mediaType`,
    /// `digest`, `size` (each `field-missing`, `field-type` or its own syntax); of `data`
    /// (`data-mismatch` unless it is canonical base64 of `size` bytes that have the digest, where
    /// the digest is sha256); `urls` (`url-syntax`); `annotations` (`annotation-type`);
    /// `artifactType`; and `platform`, which needs `architecture` and `os`.
    pub fn check(value: Value<'a>, report: ErrorReport<'_>) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        let [
            type_,
            digest_,
            size,
            data,
            urls,
            annotations,
            artifact_type,
            platform,
        ] = value.fields([
            "mediaType",
            "digest",
            "size",
            "data",
            "urls",
            "annotations",
            "artifactType",
            "platform",
        ]);
        hand_over(value.present(type_).and_then(media_type), report)?;
        let digest = hand_over(value.present(digest_).and_then(digest), report)?;
        let size = hand_over(value.present(size).and_then(Value::unsigned), report)?;
        if let Some(data) = data {
            hand_over(check_data(data, digest, size), report)?;
        }
        if let Some(urls) = urls {
            check_strings(urls, report, Some((uri::is_absolute, ErrorKind::UrlSyntax)))?;
        }
        if let Some(annotations) = annotations {
            check_annotations(annotations, report)?;
        }
        if let Some(artifact_type) = artifact_type {
            hand_over(media_type(artifact_type), report)?;
        }
        if let Some(platform) = platform {
            ImagePlatform::check(platform, report)?;
        }
        ControlFlow::Continue(())
    }

    /// The required members alone, of a descriptor that has been checked.
    pub(crate) fn required(value: Value<'a>) -> Result<Self, Error> {
        let [type_, digest_, size] = value.fields(["mediaType", "digest", "size"]);
        Ok(Self {
            value,
            media_type: value.present(type_).and_then(media_type)?,
            digest: value.present(digest_).and_then(digest)?,
            size: value.present(size).and_then(Value::unsigned)?,
        })
    }

    /// JSON value that the descriptor was read from, with its place and spelling.
    pub fn value(&self) -> Value<'a> {
        self.value
    }

    /// Content embedded in the descriptor. It has `size` bytes, and the digest if that is sha256.
    pub fn data(&self) -> Option<Data<'a>> {
        Some(Data(self.value.get("data")?.text().ok()?))
    }

    /// Absolute URIs to fetch the content from.
    pub fn urls(&self) -> impl Iterator<Item = Text<'a>> + Clone {
        strings(self.value.get("urls"))
    }

    /// Annotations; none if the member is absent.
    pub fn annotations(&self) -> Annotations<'a> {
        Annotations::of(self.value)
    }

    /// `artifactType`
    pub fn artifact_type(&self) -> Option<MediaType<'a>> {
        media_type(self.value.get("artifactType")?).ok()
    }

    /// `platform`
    pub fn platform(&self) -> Option<ImagePlatform<'a>> {
        ImagePlatform::required(self.value.get("platform")?).ok()
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

/// Machine and system that the content was built for (OCI image-index.md, `platform`).
#[derive(Clone, Copy, Debug)]
pub struct ImagePlatform<'a> {
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

impl<'a> ImagePlatform<'a> {
    fn check(value: Value<'a>, report: ErrorReport<'_>) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        for (name, required) in [
            ("architecture", true),
            ("os", true),
            ("os.version", false),
            ("variant", false),
        ] {
            let found = value.get(name);
            if required || found.is_some() {
                hand_over(value.present(found).and_then(Value::text), report)?;
            }
        }
        for optional in ["os.features", "features"] {
            if let Some(value) = value.get(optional) {
                check_strings(value, report, None)?;
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

/// Annotations, by name (OCI annotations.md).
#[derive(Clone, Copy, Debug)]
pub struct Annotations<'a>(Option<Value<'a>>);

impl<'a> Annotations<'a> {
    pub(crate) fn of(object: Value<'a>) -> Self {
        Self(object.get("annotations"))
    }

    /// Each annotation, in document order.
    pub fn iter(self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> + Clone {
        Members::of(self.0).filter_map(|(name, value)| Some((name, value.text().ok()?)))
    }

    /// The annotation of that name.
    pub fn get(self, name: &str) -> Option<Text<'a>> {
        self.0?.get(name)?.text().ok()
    }
}

/// Checks that `annotations` is an object of strings.
pub(crate) fn check_annotations(
    annotations: Value<'_>,
    report: ErrorReport<'_>,
) -> ControlFlow<()> {
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

/// A property of a string, and the error of one that lacks it.
type Rule = (fn(Text<'_>) -> bool, ErrorKind);

/// Checks that `value` is an array of strings, and each string by the rule if there is one.
// A device has this once, for all arrays.
#[inline(never)]
pub(crate) fn check_strings(
    value: Value<'_>,
    report: ErrorReport<'_>,
    rule: Option<Rule>,
) -> ControlFlow<()> {
    if let Err(error) = value.expect(Kind::Array) {
        return report(error);
    }
    for element in value.elements() {
        let checked = element.text().and_then(|text| match rule {
            Some((holds, kind)) if !holds(text) => Err(element.error(kind)),
            _ => Ok(()),
        });
        hand_over(checked, report)?;
    }
    ControlFlow::Continue(())
}

/// The strings of an array; none if there is no array.
pub(crate) fn strings<'a>(array: Option<Value<'a>>) -> impl Iterator<Item = Text<'a>> + Clone {
    Elements::of(array).filter_map(|value| value.text().ok())
}

/// A string that is a media type.
pub(crate) fn media_type(value: Value<'_>) -> Result<MediaType<'_>, Error> {
    MediaType::parse(value.text()?).map_err(|kind| value.error(kind))
}

/// A string that is a digest.
pub(crate) fn digest(value: Value<'_>) -> Result<DigestRef<'_>, Error> {
    DigestRef::parse(value.text()?).map_err(|kind| value.error(kind))
}

/// Compares embedded content with the digest and the size. A member with an error (`None`) is not
/// compared.
fn check_data(
    value: Value<'_>,
    digest: Option<DigestRef<'_>>,
    size: Option<u64>,
) -> Result<(), Error> {
    let mismatch = value.error(ErrorKind::DataMismatch);
    let expected = digest.and_then(DigestRef::sha256);
    let mut hasher = Hasher::default();
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
    let found = hasher.finish();
    if expected.is_some_and(|expected| expected != found) {
        return Err(mismatch);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sha256;
    use crate::testing::{DIGEST, errors, place, value};
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// A descriptor of the five bytes `hello` with more members.
    fn hello(members: &str) -> String {
        let digest = Sha256::of(b"hello");
        format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":5{members}}}"#)
    }

    #[track_caller]
    fn refused(document: &str, expected: &str) {
        assert_eq!(
            errors(document, Descriptor::check),
            [expected],
            "{document}"
        );
        let first = Descriptor::parse(value(document)).unwrap_err();
        assert_eq!(place(document, first), expected);
    }

    #[test]
    fn type_digest_and_size_are_enough() {
        let document = hello("");
        let descriptor = Descriptor::parse(value(&document)).unwrap();
        assert_eq!(descriptor.media_type, "a/b");
        assert_eq!(descriptor.digest, Sha256::of(b"hello"));
        assert_eq!(descriptor.size, 5);
        assert!(descriptor.data().is_none());
        assert!(descriptor.artifact_type().is_none());
        assert!(descriptor.platform().is_none());
        assert_eq!(descriptor.urls().count(), 0);
        assert_eq!(descriptor.annotations().iter().count(), 0);
    }

    #[test]
    fn media_type_is_required_and_well_formed() {
        refused("[]", "field-type ");
        let rest = format!(r#""digest":"{DIGEST}","size":0"#);
        refused(&format!("{{{rest}}}"), "field-missing ");
        refused(
            &format!(r#"{{{rest},"mediaType":null}}"#),
            "field-type /mediaType",
        );
        refused(
            &format!(r#"{{{rest},"mediaType":"a"}}"#),
            "media-type-syntax /mediaType",
        );
    }

    #[test]
    fn digest_is_required_and_well_formed() {
        refused(r#"{"mediaType":"a/b","size":0}"#, "field-missing ");
        refused(
            r#"{"mediaType":"a/b","size":0,"digest":0}"#,
            "field-type /digest",
        );
        refused(
            r#"{"mediaType":"a/b","size":0,"digest":"sha256:0"}"#,
            "digest-syntax /digest",
        );
    }

    #[test]
    fn size_is_a_json_integer_below_2_to_the_63() {
        let sized = |size: &str| format!(r#"{{"mediaType":"a/b","digest":"a:b"{size}}}"#);
        refused(&sized(""), "field-missing ");
        for size in [r#""1""#, "1.0", "1e3", "null"] {
            refused(&sized(&format!(r#","size":{size}"#)), "field-type /size");
        }
        for size in ["-1", "9223372036854775808"] {
            refused(&sized(&format!(r#","size":{size}"#)), "size-range /size");
        }
        let largest = sized(r#","size":9223372036854775807"#);
        assert_eq!(
            Descriptor::parse(value(&largest)).unwrap().size,
            9_223_372_036_854_775_807
        );
    }

    #[test]
    fn data_is_the_content_in_base64() {
        let document = hello(r#","data":"aGVsbG8=""#);
        let descriptor = Descriptor::parse(value(&document)).unwrap();
        assert_eq!(
            descriptor.data().unwrap().bytes().collect::<Vec<_>>(),
            b"hello"
        );
        for data in [
            "aGVsbG8",
            "aGVsbG8h",
            "aGVsbA==",
            "aGVscG8=",
            "",
            "aGVsbG9=",
            "aGVs bG8=",
        ] {
            refused(
                &hello(&format!(r#","data":"{data}""#)),
                "data-mismatch /data",
            );
        }
        refused(&hello(r#","data":5"#), "field-type /data");
    }

    #[test]
    fn data_of_an_unverifiable_digest_still_has_its_size() {
        let with =
            |data| format!(r#"{{"mediaType":"a/b","digest":"a:b","size":5,"data":"{data}"}}"#);
        assert!(Descriptor::parse(value(&with("aGVscG8="))).is_ok());
        refused(&with("aGVscA=="), "data-mismatch /data");
    }

    #[test]
    fn data_is_not_held_against_members_that_are_wrong_themselves() {
        let document = r#"{"mediaType":"a/b","digest":"x","size":-5,"data":"aGVsbG8="}"#;
        let expected = ["digest-syntax /digest", "size-range /size"];
        assert_eq!(errors(document, Descriptor::check), expected);
    }

    #[test]
    fn urls_are_absolute_uris() {
        let document = hello(r#","urls":["https://example.com/a","urn:b"]"#);
        let descriptor = Descriptor::parse(value(&document)).unwrap();
        let urls: Vec<_> = descriptor.urls().map(|url| url.to_string()).collect();
        assert_eq!(urls, ["https://example.com/a", "urn:b"]);
        refused(&hello(r#","urls":["a:b","/a"]"#), "url-syntax /urls/1");
        refused(&hello(r#","urls":[1]"#), "field-type /urls/0");
        refused(&hello(r#","urls":"a:b""#), "field-type /urls");
    }

    #[test]
    fn annotations_are_strings() {
        let document = hello(r#","annotations":{"a":"1","":"2"}"#);
        let annotations = Descriptor::parse(value(&document)).unwrap().annotations();
        assert_eq!(annotations.get("a"), Some(Text::from("1")));
        assert_eq!(annotations.get(""), Some(Text::from("2")));
        assert_eq!(annotations.get("b"), None);
        assert_eq!(annotations.iter().count(), 2);
        refused(
            &hello(r#","annotations":{"a":null}"#),
            "annotation-type /annotations/a",
        );
        refused(&hello(r#","annotations":null"#), "field-type /annotations");
    }

    #[test]
    fn artifact_type_is_a_media_type() {
        let document = hello(r#","artifactType":"x/y""#);
        assert_eq!(
            Descriptor::parse(value(&document))
                .unwrap()
                .artifact_type()
                .unwrap(),
            "x/y"
        );
        refused(
            &hello(r#","artifactType":"x""#),
            "media-type-syntax /artifactType",
        );
    }

    #[test]
    fn platform_needs_architecture_and_os() {
        let document = hello(
            r#","platform":{"architecture":"arm","os":"zephyr","variant":"v7","os.features":["a"]}"#,
        );
        let platform = Descriptor::parse(value(&document))
            .unwrap()
            .platform()
            .unwrap();
        assert_eq!(platform.architecture, "arm");
        assert_eq!(platform.os, "zephyr");
        assert_eq!(platform.variant, Some(Text::from("v7")));
        assert_eq!(platform.os_version, None);
        assert_eq!(platform.os_features().count(), 1);
        for (platform, error) in [
            ("[]", "field-type /platform"),
            (r#"{"os":"a"}"#, "field-missing /platform"),
            (r#"{"architecture":"a"}"#, "field-missing /platform"),
            (
                r#"{"architecture":1,"os":"a"}"#,
                "field-type /platform/architecture",
            ),
            (r#"{"architecture":"a","os":1}"#, "field-type /platform/os"),
            (
                r#"{"architecture":"a","os":"a","variant":1}"#,
                "field-type /platform/variant",
            ),
            (
                r#"{"architecture":"a","os":"a","os.version":1}"#,
                "field-type /platform/os.version",
            ),
            (
                r#"{"architecture":"a","os":"a","os.features":[1]}"#,
                "field-type /platform/os.features/0",
            ),
            (
                r#"{"architecture":"a","os":"a","features":1}"#,
                "field-type /platform/features",
            ),
        ] {
            refused(&hello(&format!(r#","platform":{platform}"#)), error);
        }
    }

    #[test]
    fn every_error_is_reported_in_order() {
        let document = r#"{"platform":1,"artifactType":1,"annotations":1,"urls":1,"data":1}"#;
        let expected = [
            "field-missing ",
            "field-missing ",
            "field-missing ",
            "field-type /data",
            "field-type /urls",
            "field-type /annotations",
            "field-type /artifactType",
            "field-type /platform",
        ];
        assert_eq!(errors(document, Descriptor::check), expected);
    }
}
