// SPDX-License-Identifier: Apache-2.0
//! Media types: their grammar, and the meaning of the known ones.
//!
//! Ocre has published two sets of names and both are accepted. A name is compared
//! exactly, as every OCI tool does.

use core::fmt;

use crate::{ErrorKind, Text};

/// `type/subtype` after RFC 6838 section 4.2, without parameters: each half one of
/// `[A-Za-z0-9]`, then up to 126 of `[A-Za-z0-9!#$&^_.+-]`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a>(Text<'a>);

impl<'a> MediaType<'a> {
    /// # Errors
    /// `media-type-syntax`.
    pub fn parse(text: impl Into<Text<'a>>) -> Result<Self, ErrorKind> {
        let text = text.into();
        let mut slashes = 0_u32;
        let mut length = 0_u32;
        for character in text.chars() {
            match character {
                '/' if length > 0 && slashes == 0 => (slashes, length) = (1, 0),
                'A'..='Z' | 'a'..='z' | '0'..='9' if length < 127 => {
                    length = length.saturating_add(1);
                }
                '!' | '#' | '$' | '&' | '^' | '_' | '.' | '+' | '-'
                    if length > 0 && length < 127 =>
                {
                    length = length.saturating_add(1);
                }
                _ => return Err(ErrorKind::MediaTypeSyntax),
            }
        }
        if slashes == 1 && length > 0 {
            Ok(Self(text))
        } else {
            Err(ErrorKind::MediaTypeSyntax)
        }
    }

    /// As text.
    pub fn text(self) -> Text<'a> {
        self.0
    }

    fn find<T: Copy>(self, table: &[(&str, T)]) -> Option<T> {
        table
            .iter()
            .find(|(name, _)| self == *name)
            .map(|&(_, meaning)| meaning)
    }
}

impl PartialEq<str> for MediaType<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for MediaType<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Set of names that a media type belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Naming {
    /// In both sets.
    Shared,
    /// Ocre's documents since 2024-12.
    Current,
    /// Ocre's Container Image Manifest page.
    Ocre,
    /// Example on that page, which differs from its own rules.
    Alias,
    /// Older tools' name for a type of the current set.
    CurrentAlias,
}

/// Type of a manifest, by its media type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ManifestType {
    /// `application/vnd.oci.image.manifest.v1+json`
    Oci,
    /// `application/vnd.ocre.image.manifest.v1+json`
    Ocre,
}

impl ManifestType {
    const TABLE: &'static [(&'static str, Self)] = &[
        (Self::Oci.name(), Self::Oci),
        (Self::Ocre.name(), Self::Ocre),
    ];

    /// `None` for a media type that is no image manifest's.
    pub fn of(media_type: MediaType<'_>) -> Option<Self> {
        media_type.find(Self::TABLE)
    }

    /// Media type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Oci => "application/vnd.oci.image.manifest.v1+json",
            Self::Ocre => "application/vnd.ocre.image.manifest.v1+json",
        }
    }

    pub(crate) fn naming(self) -> Naming {
        match self {
            Self::Oci => Naming::Shared,
            Self::Ocre => Naming::Ocre,
        }
    }
}

/// Type of a config, by the media type of its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigType {
    /// `application/vnd.wasm.config.v0+json`, the current dialect.
    Wasm,
    /// `application/vnd.ocre.image.config.v1+json`, the Ocre dialect.
    Ocre,
    /// `application/vnd.wasm.config.v1+json`: the current dialect, as wasm-to-oci writes it, of
    /// which every member may be absent.
    WasmToOci,
    /// `application/vnd.oci.empty.v1+json`: never parsed, needs an `artifactType`.
    Empty,
    /// Any other: never parsed.
    Unsupported,
}

impl ConfigType {
    const TABLE: &'static [(&'static str, Self)] = &[
        ("application/vnd.wasm.config.v0+json", Self::Wasm),
        ("application/vnd.ocre.image.config.v1+json", Self::Ocre),
        ("application/vnd.wasm.config.v1+json", Self::WasmToOci),
        ("application/vnd.oci.empty.v1+json", Self::Empty),
    ];

    /// Type for a media type; each well-formed one has a type.
    pub fn of(media_type: MediaType<'_>) -> Self {
        media_type.find(Self::TABLE).unwrap_or(Self::Unsupported)
    }

    pub(crate) fn naming(self) -> Naming {
        match self {
            Self::Wasm | Self::WasmToOci => Naming::Current,
            Self::Ocre => Naming::Ocre,
            Self::Empty | Self::Unsupported => Naming::Shared,
        }
    }
}

/// Encoding of an executable layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A WebAssembly module.
    Wasm,
    /// A module compiled ahead of time for one target.
    Aot,
}

/// Kind of a layer, by the media type of its descriptor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayerKind {
    /// Code to run.
    Executable {
        /// Encoding of the code.
        format: Format,
        /// Set of names that the media type belongs to.
        naming: Naming,
    },
    /// Content that the container may read, but not execute.
    Blob,
}

impl LayerKind {
    const TABLE: &'static [(&'static str, (Format, Naming))] = &[
        ("application/wasm", (Format::Wasm, Naming::Current)),
        (
            "application/vnd.ocre.image.layer.v1.wasm",
            (Format::Wasm, Naming::Ocre),
        ),
        // AOT has no current name, so the Ocre one serves both.
        (
            "application/vnd.ocre.image.layer.v1.wasm+aot",
            (Format::Aot, Naming::Shared),
        ),
        (
            "application/vnd.ocre.image.v1.wasm",
            (Format::Wasm, Naming::Alias),
        ),
        (
            "application/vnd.ocre.image.v1.wasm+aot",
            (Format::Aot, Naming::Alias),
        ),
        (
            "application/vnd.wasm.content.layer.v1+wasm",
            (Format::Wasm, Naming::CurrentAlias),
        ),
    ];

    /// Kind for a media type: everything but code is a blob.
    pub fn of(media_type: MediaType<'_>) -> Self {
        match media_type.find(Self::TABLE) {
            Some((format, naming)) => Self::Executable { format, naming },
            None => Self::Blob,
        }
    }

    pub(crate) fn naming(self) -> Naming {
        match self {
            Self::Executable { naming, .. } => naming,
            Self::Blob => Naming::Shared,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;

    #[test]
    fn a_media_type_is_type_slash_subtype() {
        let longest = format!("{0}/{0}", "a".repeat(127));
        for good in [
            "a/b",
            "application/vnd.oci.image.manifest.v1+json",
            "1/2",
            "a!#$&^_.+-/b-",
        ] {
            assert_eq!(
                MediaType::parse(good).map(|found| found.to_string()),
                Ok(good.to_string())
            );
        }
        assert!(MediaType::parse(&*longest).is_ok());
        let long_type = format!("{}/b", "a".repeat(128));
        let long_subtype = format!("a/{}", "b".repeat(128));
        for bad in [
            "",
            "/",
            "a",
            "a/",
            "/b",
            "a/b/c",
            "a//b",
            "+a/b",
            "a/.b",
            "a/b;c=d",
            "a/b ",
            " a/b",
            "a/b*",
            "ä/b",
            "a/\0",
            &long_type,
            &long_subtype,
        ] {
            assert_eq!(
                MediaType::parse(bad),
                Err(ErrorKind::MediaTypeSyntax),
                "{bad}"
            );
        }
    }

    #[test]
    fn the_two_dialects_have_their_names() {
        let manifest = |name| ManifestType::of(MediaType::parse(name).unwrap());
        let oci = "application/vnd.oci.image.manifest.v1+json";
        assert_eq!(manifest(oci), Some(ManifestType::Oci));
        let ocre = "application/vnd.ocre.image.manifest.v1+json";
        assert_eq!(manifest(ocre), Some(ManifestType::Ocre));
        assert_eq!(manifest("application/vnd.oci.image.index.v1+json"), None);

        let config = |name| ConfigType::of(MediaType::parse(name).unwrap());
        assert_eq!(
            config("application/vnd.wasm.config.v0+json"),
            ConfigType::Wasm
        );
        assert_eq!(
            config("application/vnd.ocre.image.config.v1+json"),
            ConfigType::Ocre
        );
        assert_eq!(
            config("application/vnd.wasm.config.v1+json"),
            ConfigType::WasmToOci
        );
        assert_eq!(
            config("application/vnd.oci.empty.v1+json"),
            ConfigType::Empty
        );
        assert_eq!(
            config("application/vnd.oci.image.config.v1+json"),
            ConfigType::Unsupported
        );
        assert_eq!(
            config("application/vnd.unknown.config.v1+json"),
            ConfigType::Unsupported
        );

        let layer = |name| LayerKind::of(MediaType::parse(name).unwrap());
        let executable = |format, naming| LayerKind::Executable { format, naming };
        for (name, kind) in [
            (
                "application/wasm",
                executable(Format::Wasm, Naming::Current),
            ),
            (
                "application/vnd.ocre.image.layer.v1.wasm",
                executable(Format::Wasm, Naming::Ocre),
            ),
            (
                "application/vnd.ocre.image.layer.v1.wasm+aot",
                executable(Format::Aot, Naming::Shared),
            ),
            (
                "application/vnd.ocre.image.v1.wasm",
                executable(Format::Wasm, Naming::Alias),
            ),
            (
                "application/vnd.ocre.image.v1.wasm+aot",
                executable(Format::Aot, Naming::Alias),
            ),
            (
                "application/vnd.wasm.content.layer.v1+wasm",
                executable(Format::Wasm, Naming::CurrentAlias),
            ),
            ("application/vnd.ocre.image.v1.blob", LayerKind::Blob),
            ("application/vnd.w3c.wasm.module.v1+wasm", LayerKind::Blob),
            ("Application/wasm", LayerKind::Blob),
        ] {
            assert_eq!(layer(name), kind, "{name}");
        }
    }
}
