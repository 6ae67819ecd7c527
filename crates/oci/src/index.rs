// SPDX-License-Identifier: Apache-2.0
//! Image indexes (OCI image-index.md), `index.json` among them.

use core::ops::ControlFlow;

use crate::descriptor::{check_annotations, media_type};
use crate::error::{first, report as hand_over};
use crate::json::{Elements, Kind, Members, Value};
use crate::{Annotations, Descriptor, Error, ErrorKind, ErrorReport, MediaType, Text};

/// Media type of an index, in its own `mediaType` and in the descriptor of a nested one.
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// The annotation that names an entry of a layout's index.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// A list of manifests and nested indexes.
///
/// ```
/// use ocre_oci::{Index, json};
///
/// let text = br#"{
///     "schemaVersion": 2,
///     "manifests": [{
///         "mediaType": "application/vnd.oci.image.manifest.v1+json",
///         "digest": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
///         "size": 5,
///         "annotations": {"org.opencontainers.image.ref.name": "app:1"}
///     }]
/// }"#;
/// let index = Index::parse(json::parse(text, &json::Caps::default())?)?;
/// for entry in index.manifests() {
///     assert_eq!(entry.reference_name().unwrap(), "app:1");
///     assert_eq!(entry.descriptor()?.size, 5);
/// }
/// # Ok::<(), ocre_oci::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Index<'a>(Value<'a>);

impl<'a> Index<'a> {
    /// # Errors
    /// The first that [`check`](Self::check) finds.
    pub fn parse(value: Value<'a>) -> Result<Self, Error> {
        first(|report| Self::check(value, report))?;
        Ok(Self(value))
    }

    /// Reports, in this order, the errors of `schemaVersion`, `mediaType` (which may be absent),
    /// `manifests` (an array of objects, which may be empty), `artifactType`, `subject` and
    /// `annotations`.
    ///
    /// The entries' own members are left to [`Entry::descriptor`]: one bad entry
    /// must not hide its neighbours.
    pub fn check(value: Value<'a>, report: ErrorReport<'_>) -> ControlFlow<()> {
        if let Err(error) = value.expect(Kind::Object) {
            return report(error);
        }
        check_schema_version(value.require("schemaVersion"), report)?;
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

    /// Entries, in order.
    pub fn manifests(&self) -> impl Iterator<Item = Entry<'a>> + Clone {
        Elements::of(self.0.get("manifests")).map(Entry)
    }

    /// Annotations; none if the member is absent.
    pub fn annotations(&self) -> Annotations<'a> {
        Annotations::of(self.0)
    }
}

/// Unchecked entry of an index.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a>(Value<'a>);

impl<'a> Entry<'a> {
    /// Parses and checks the whole descriptor.
    ///
    /// # Errors
    /// The first that [`Descriptor::check`] finds.
    pub fn descriptor(&self) -> Result<Descriptor<'a>, Error> {
        Descriptor::parse(self.0)
    }

    /// Text of the annotation `org.opencontainers.image.ref.name`.
    pub fn reference_name(&self) -> Option<Text<'a>> {
        self.annotation(REF_NAME)
    }

    /// Text of the annotation with a name.
    pub fn annotation(&self, name: &str) -> Option<Text<'a>> {
        Annotations::of(self.0).get(name)
    }

    /// Annotations, unchecked: their values may be other than strings.
    pub(crate) fn annotations(&self) -> Members<'a> {
        Members::of(self.0.get("annotations"))
    }

    /// JSON value of the entry.
    pub fn value(&self) -> Value<'a> {
        self.0
    }
}

/// Checks that `schemaVersion` is 2, in indexes and manifests alike.
pub(crate) fn check_schema_version(
    version: Result<Value<'_>, Error>,
    report: ErrorReport<'_>,
) -> ControlFlow<()> {
    let checked = version.and_then(|value| match value.unsigned() {
        Ok(2) => Ok(()),
        Err(error) if error.kind == ErrorKind::FieldType => Err(error),
        _ => Err(value.error(ErrorKind::SchemaVersion)),
    });
    hand_over(checked, report).map_continue(drop)
}

/// Checks the optional members that end indexes and manifests alike.
pub(crate) fn check_tail(object: Value<'_>, report: ErrorReport<'_>) -> ControlFlow<()> {
    let [artifact_type, subject, annotations] =
        object.fields(["artifactType", "subject", "annotations"]);
    if let Some(artifact_type) = artifact_type {
        hand_over(media_type(artifact_type), report)?;
    }
    if let Some(subject) = subject {
        Descriptor::check(subject, report)?;
    }
    if let Some(annotations) = annotations {
        check_annotations(annotations, report)?;
    }
    ControlFlow::Continue(())
}

/// `artifactType` of a checked document.
pub(crate) fn artifact_type(object: Value<'_>) -> Option<MediaType<'_>> {
    media_type(object.get("artifactType")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIGEST, errors, place, value};
    use std::format;
    use std::string::ToString;
    use std::vec::Vec;

    #[test]
    fn an_index_may_be_empty_and_need_not_name_its_type() {
        let index = Index::parse(value(r#"{"schemaVersion":2,"manifests":[]}"#)).unwrap();
        assert_eq!(index.manifests().count(), 0);
        let typed = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX_MEDIA_TYPE}","manifests":[],"x":[]}}"#
        );
        assert!(Index::parse(value(&typed)).is_ok());
    }

    #[test]
    fn each_member_has_its_rule() {
        for (members, error) in [
            (r#""manifests":[]"#, "field-missing "),
            (
                r#""schemaVersion":"2","manifests":[]"#,
                "field-type /schemaVersion",
            ),
            (
                r#""schemaVersion":2.0,"manifests":[]"#,
                "field-type /schemaVersion",
            ),
            (
                r#""schemaVersion":1,"manifests":[]"#,
                "schema-version /schemaVersion",
            ),
            (
                r#""schemaVersion":-2,"manifests":[]"#,
                "schema-version /schemaVersion",
            ),
            (r#""schemaVersion":2"#, "field-missing "),
            (
                r#""schemaVersion":2,"manifests":null"#,
                "field-type /manifests",
            ),
            (
                r#""schemaVersion":2,"manifests":[{},1]"#,
                "field-type /manifests/1",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"mediaType":2"#,
                "field-type /mediaType",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"mediaType":"x""#,
                "media-type-syntax /mediaType",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"mediaType":"x/y""#,
                "media-type-unsupported /mediaType",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"artifactType":"x""#,
                "media-type-syntax /artifactType",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"subject":[]"#,
                "field-type /subject",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"annotations":[]"#,
                "field-type /annotations",
            ),
            (
                r#""schemaVersion":2,"manifests":[],"annotations":{"a":1}"#,
                "annotation-type /annotations/a",
            ),
        ] {
            let document = format!("{{{members}}}");
            assert_eq!(errors(&document, Index::check), [error], "{document}");
            let first = Index::parse(value(&document)).unwrap_err();
            assert_eq!(place(&document, first), error);
        }
        assert_eq!(errors("[]", Index::check), ["field-type "]);
    }

    #[test]
    fn every_error_is_reported_in_order() {
        let document = r#"{"annotations":{"a":1},"manifests":[1],"mediaType":1}"#;
        let expected = [
            "field-missing ",
            "field-type /mediaType",
            "field-type /manifests/0",
            "annotation-type /annotations/a",
        ];
        assert_eq!(errors(document, Index::check), expected);
    }

    #[test]
    fn a_bad_entry_does_not_hide_its_neighbours() {
        let document = format!(
            r#"{{"schemaVersion":2,"manifests":[
                {{"mediaType":"a/b","digest":"x","size":0,"annotations":{{"{REF_NAME}":"bad"}}}},
                {{"mediaType":"a/b","digest":"{DIGEST}","size":1}},
                {{"mediaType":"a/b","digest":"{DIGEST}","size":1,
                  "annotations":{{"{REF_NAME}":"v1"}}}}]}}"#
        );
        let index = Index::parse(value(&document)).unwrap();
        let names: Vec<_> = index
            .manifests()
            .map(|entry| entry.reference_name().map(|name| name.to_string()))
            .collect();
        assert_eq!(names, [Some("bad".into()), None, Some("v1".into())]);
        let bad = index.manifests().next().unwrap().descriptor().unwrap_err();
        assert_eq!(place(&document, bad), "digest-syntax /manifests/0/digest");
        assert!(
            index
                .manifests()
                .skip(1)
                .all(|entry| entry.descriptor().is_ok())
        );
    }
}
