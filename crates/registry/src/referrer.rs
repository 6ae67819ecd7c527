// SPDX-License-Identifier: Apache-2.0
//! Referrers of an image, such as its signatures, and the choice of those to copy.

use ocre_oci::json::Value;
use ocre_oci::{Descriptor, Entry, Error, Text};

use crate::blob::Blob;

/// Referrer of a document, as a list of referrers describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Referrer {
    /// Media type of the referrer's document.
    pub media_type: String,
    /// The referrer's document.
    pub content: Blob,
    /// `artifactType` of the referrer; `None` where the list lacks it.
    pub artifact_type: Option<String>,
}

impl Referrer {
    /// Reads an entry of a list; `None` where its digest is of an unknown kind.
    ///
    /// # Errors
    /// Errors of the entry.
    pub fn of_entry(entry: &Entry<'_>) -> Result<Option<Self>, Error> {
        let descriptor: Descriptor<'_> = entry.descriptor()?;
        let artifact_type = descriptor.artifact_type();
        Ok(descriptor.digest.sha256().map(|digest| Self {
            media_type: descriptor.media_type.to_string(),
            content: Blob {
                digest,
                size: descriptor.size,
            },
            artifact_type: artifact_type.map(|found| found.to_string()),
        }))
    }
}

/// Choice of the referrers that are copied with an image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopiedReferrers<'a> {
    /// Referrers of the image with one of these artifact types. No types: none.
    OfTypes(&'a [&'a str]),
    /// All referrers, and their own.
    All,
}

impl CopiedReferrers<'_> {
    /// True where nothing is copied.
    pub(crate) fn is_none(self) -> bool {
        self == Self::OfTypes(&[])
    }

    /// True for a referrer of a type that is copied.
    pub(crate) fn takes(self, artifact_type: &str) -> bool {
        match self {
            Self::OfTypes(types) => types.contains(&artifact_type),
            Self::All => true,
        }
    }
}

/// Artifact type of a manifest: its own, else the media type of its config.
pub(crate) fn artifact_type(manifest: Value<'_>) -> Option<Text<'_>> {
    let own = manifest.get("artifactType");
    let own = own.and_then(|value| value.text().ok());
    own.or_else(|| manifest.get("config")?.get("mediaType")?.text().ok())
}
