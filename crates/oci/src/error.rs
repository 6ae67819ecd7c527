// SPDX-License-Identifier: Apache-2.0
//! Errors of documents: the broken rule and its place.

use core::fmt;
use core::ops::ControlFlow;

crate::coded_enum! {
    /// The rule that was broken. All of them are the image's fault.
    pub enum ErrorKind {
        /// Not the grammar of RFC 8259.
        JsonSyntax = "json-syntax",
        /// Not UTF-8, or a string whose escapes spell half of a surrogate pair.
        JsonUtf8 = "json-utf8",
        /// Two members of one object have the same name once escapes are resolved.
        JsonDuplicateKey = "json-duplicate-key",
        /// Something other than white space follows the document.
        JsonTrailingData = "json-trailing-data",
        /// More bytes than [`Caps::bytes`](crate::json::Caps::bytes).
        DocumentTooLarge = "document-too-large",
        /// Deeper than [`Caps::depth`](crate::json::Caps::depth).
        DocumentTooDeep = "document-too-deep",
        /// More members or elements than [`Caps::entries`](crate::json::Caps::entries).
        TooManyEntries = "too-many-entries",
        /// A required member is absent; the offset is that of the object.
        FieldMissing = "field-missing",
        /// A value has the wrong JSON type.
        FieldType = "field-type",
        /// `schemaVersion` is not 2.
        SchemaVersion = "schema-version",
        /// `imageLayoutVersion` is not 1.0.0.
        LayoutVersion = "layout-version",
        /// Not `type/subtype` as RFC 6838 section 4.2 spells it.
        MediaTypeSyntax = "media-type-syntax",
        /// A well-formed media type that is not accepted at this place.
        MediaTypeUnsupported = "media-type-unsupported",
        /// A document's `mediaType` differs from its descriptor's.
        MediaTypeMismatch = "media-type-mismatch",
        /// Not `algorithm:encoded`, or the wrong length or alphabet for its algorithm.
        DigestSyntax = "digest-syntax",
        /// An integer outside 0 … 2^63−1.
        SizeRange = "size-range",
        /// `data` is not base64, or is not the content that size and digest describe.
        DataMismatch = "data-mismatch",
        /// Not an absolute URI.
        UrlSyntax = "url-syntax",
        /// An annotation's value is not a string.
        AnnotationType = "annotation-type",
        /// The config's media type is none that can be run.
        ConfigUnsupported = "config-unsupported",
        /// `architecture` is not `wasm`.
        ConfigArchitecture = "config-architecture",
        /// `os` is none that this engine offers.
        ConfigOs = "config-os",
        /// `layerDigests` is not the manifest's list of layers.
        ConfigLayerDigests = "config-layer-digests",
        /// The entry point is empty, or none is named.
        ConfigEntryPoint = "config-entry-point",
        /// Two spellings of one setting have different values.
        ConfigConflict = "config-conflict",
        /// An environment entry is not `NAME=value`.
        ConfigEnv = "config-env",
        /// A permission that is not known.
        ConfigPermission = "config-permission",
        /// No layer is executable.
        LayerNone = "layer-none",
        /// More than one layer is executable.
        LayerMany = "layer-many",
        /// An empty config, and no `artifactType` that gives the type of the image.
        ArtifactTypeMissing = "artifact-type-missing",
        /// Not `name`, `name:tag`, `name@digest` or `name:tag@digest`.
        ReferenceSyntax = "reference-syntax",
    }
}

/// A broken rule and its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
    /// The rule.
    pub kind: ErrorKind,
    /// Offset in bytes, from the start of the document, of the offending value;
    /// for a missing member, of the object that lacks it.
    /// [`json::pointer`](crate::json::pointer) turns it into a JSON pointer.
    pub offset: u32,
}

// Errors travel through every call of the judge; they stay in two registers.
const _: () = assert!(size_of::<Error>() == 8);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.offset)
    }
}

impl core::error::Error for Error {}

/// Callback for each error that a `check` finds; `Break` ends the check.
pub type ErrorReport<'r> = &'r mut dyn FnMut(Error) -> ControlFlow<()>;

/// Turns a check into a parser: runs it up to its first error.
pub(crate) fn first(check: impl FnOnce(ErrorReport<'_>) -> ControlFlow<()>) -> Result<(), Error> {
    let mut found = Ok(());
    let _ = check(&mut |error| {
        found = Err(error);
        ControlFlow::Break(())
    });
    found
}

/// Reports the error of a result, or returns its value.
pub(crate) fn report<T>(
    result: Result<T, Error>,
    report: ErrorReport<'_>,
) -> ControlFlow<(), Option<T>> {
    match result {
        Ok(value) => ControlFlow::Continue(Some(value)),
        Err(error) => report(error).map_continue(|()| None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_kebab_case() {
        let codes: BTreeSet<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        // The last variant counts them, so that ALL can't fall behind.
        assert_eq!(
            ErrorKind::ALL.len(),
            ErrorKind::ReferenceSyntax as usize + 1
        );
        let kebab = |code: &str| {
            code.bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        assert!(codes.iter().all(|code| kebab(code)));
    }
}
