// SPDX-License-Identifier: Apache-2.0
//! What is wrong with a document, and where.

use core::fmt;
use core::ops::ControlFlow;

/// The rule that was broken. All of them are the image's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ErrorKind {
    /// Not the grammar of RFC 8259.
    JsonSyntax,
    /// Not UTF-8, or a string whose escapes spell half of a surrogate pair.
    JsonUtf8,
    /// Two members of one object have the same name once escapes are resolved.
    JsonDuplicateKey,
    /// Something other than white space follows the document.
    JsonTrailingData,
    /// More bytes than [`Caps::bytes`](crate::json::Caps::bytes).
    DocumentTooLarge,
    /// Deeper than [`Caps::depth`](crate::json::Caps::depth).
    DocumentTooDeep,
    /// More members or elements than [`Caps::entries`](crate::json::Caps::entries).
    TooManyEntries,
    /// A required member is absent; the offset is that of the object.
    FieldMissing,
    /// A value has the wrong JSON type.
    FieldType,
    /// `schemaVersion` is not 2.
    SchemaVersion,
    /// `imageLayoutVersion` is not 1.0.0.
    LayoutVersion,
    /// Not `type/subtype` as RFC 6838 section 4.2 spells it.
    MediaTypeSyntax,
    /// A well-formed media type that is not accepted at this place.
    MediaTypeUnsupported,
    /// A document's `mediaType` differs from its descriptor's.
    MediaTypeMismatch,
    /// Not `algorithm:encoded`, or the wrong length or alphabet for its algorithm.
    DigestSyntax,
    /// An integer outside 0 … 2^63−1.
    SizeRange,
    /// `data` is not base64, or is not the content that size and digest describe.
    DataMismatch,
    /// Not an absolute URI.
    UrlSyntax,
    /// An annotation's value is not a string.
    AnnotationType,
    /// The config's media type is none that can be run.
    ConfigUnsupported,
    /// `architecture` is not `wasm`.
    ConfigArchitecture,
    /// `os` is none that this engine offers.
    ConfigOs,
    /// `layerDigests` is not the manifest's list of layers.
    ConfigLayerDigests,
    /// The entry point is empty, or none is named.
    ConfigEntryPoint,
    /// Two spellings of one setting have different values.
    ConfigConflict,
    /// An environment entry is not `NAME=value`.
    ConfigEnv,
    /// A permission that nobody knows.
    ConfigPermission,
    /// No layer is executable.
    LayerNone,
    /// More than one layer is executable.
    LayerMany,
    /// An empty config, and no `artifactType` that says what the image is.
    ArtifactTypeMissing,
    /// Not `name`, `name:tag`, `name@digest` or `name:tag@digest`.
    ReferenceSyntax,
}

impl ErrorKind {
    /// Every kind, in order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::JsonSyntax,
        Self::JsonUtf8,
        Self::JsonDuplicateKey,
        Self::JsonTrailingData,
        Self::DocumentTooLarge,
        Self::DocumentTooDeep,
        Self::TooManyEntries,
        Self::FieldMissing,
        Self::FieldType,
        Self::SchemaVersion,
        Self::LayoutVersion,
        Self::MediaTypeSyntax,
        Self::MediaTypeUnsupported,
        Self::MediaTypeMismatch,
        Self::DigestSyntax,
        Self::SizeRange,
        Self::DataMismatch,
        Self::UrlSyntax,
        Self::AnnotationType,
        Self::ConfigUnsupported,
        Self::ConfigArchitecture,
        Self::ConfigOs,
        Self::ConfigLayerDigests,
        Self::ConfigEntryPoint,
        Self::ConfigConflict,
        Self::ConfigEnv,
        Self::ConfigPermission,
        Self::LayerNone,
        Self::LayerMany,
        Self::ArtifactTypeMissing,
        Self::ReferenceSyntax,
    ];

    /// The stable name that users, scripts and `docs/errors.md` know it by.
    pub const fn code(self) -> &'static str {
        match self {
            Self::JsonSyntax => "json-syntax",
            Self::JsonUtf8 => "json-utf8",
            Self::JsonDuplicateKey => "json-duplicate-key",
            Self::JsonTrailingData => "json-trailing-data",
            Self::DocumentTooLarge => "document-too-large",
            Self::DocumentTooDeep => "document-too-deep",
            Self::TooManyEntries => "too-many-entries",
            Self::FieldMissing => "field-missing",
            Self::FieldType => "field-type",
            Self::SchemaVersion => "schema-version",
            Self::LayoutVersion => "layout-version",
            Self::MediaTypeSyntax => "media-type-syntax",
            Self::MediaTypeUnsupported => "media-type-unsupported",
            Self::MediaTypeMismatch => "media-type-mismatch",
            Self::DigestSyntax => "digest-syntax",
            Self::SizeRange => "size-range",
            Self::DataMismatch => "data-mismatch",
            Self::UrlSyntax => "url-syntax",
            Self::AnnotationType => "annotation-type",
            Self::ConfigUnsupported => "config-unsupported",
            Self::ConfigArchitecture => "config-architecture",
            Self::ConfigOs => "config-os",
            Self::ConfigLayerDigests => "config-layer-digests",
            Self::ConfigEntryPoint => "config-entry-point",
            Self::ConfigConflict => "config-conflict",
            Self::ConfigEnv => "config-env",
            Self::ConfigPermission => "config-permission",
            Self::LayerNone => "layer-none",
            Self::LayerMany => "layer-many",
            Self::ArtifactTypeMissing => "artifact-type-missing",
            Self::ReferenceSyntax => "reference-syntax",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
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

/// Where a `check` puts each error it finds; `Break` ends the check.
pub type Report<'r> = &'r mut dyn FnMut(Error) -> ControlFlow<()>;

/// Turns a check into a parser: runs it up to its first error.
pub(crate) fn first(check: impl FnOnce(Report<'_>) -> ControlFlow<()>) -> Result<(), Error> {
    let mut found = Ok(());
    let _ = check(&mut |error| {
        found = Err(error);
        ControlFlow::Break(())
    });
    found
}

/// Hands an error over, if there is one, and gives back the value otherwise.
pub(crate) fn report<T>(
    result: Result<T, Error>,
    report: Report<'_>,
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
