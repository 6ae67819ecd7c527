// SPDX-License-Identifier: Apache-2.0
//! Signatures and lists of referrers among the entries of an index: entries that belong to an image.

use ocre_oci::{Entry, Manifest, MediaType, Sha256};
use ocre_signature::{bundle, notary};

use crate::limits::SIGNATURES;

/// Values of `artifactType` of signatures.
pub const SIGNATURE_TYPES: [&str; 2] = [notary::ARTIFACT_TYPE, bundle::MEDIA_TYPE];

/// Returns the type of a signature; `None` for the type of anything else.
fn signature_type(artifact_type: MediaType<'_>) -> Option<&'static str> {
    SIGNATURE_TYPES
        .into_iter()
        .find(|known| artifact_type == **known)
}

/// Returns the type of a manifest that is a signature; the media type of the config counts where
/// there is no `artifactType`.
pub fn type_of_manifest(manifest: &Manifest<'_>) -> Option<&'static str> {
    let config_type = manifest.config().media_type;
    signature_type(manifest.artifact_type().unwrap_or(config_type))
}

/// True where `artifactType` of an entry is that of a signature. The rest of the entry may be
/// malformed. A build without signatures knows none.
pub fn is_signature(entry: &Entry<'_>) -> bool {
    if !SIGNATURES {
        return false;
    }
    let told = entry.value().get("artifactType");
    told.and_then(|told| MediaType::parse(told.text().ok()?).ok())
        .and_then(signature_type)
        .is_some()
}

/// Returns the subject of a list of referrers, by the name `sha256-HEX` of the list (distribution
/// specification, "Referrers Tag Schema").
pub fn subject_of_list(name: &str) -> Option<Sha256> {
    Sha256::from_hex(name.strip_prefix("sha256-")?).ok()
}

/// Returns the subject of a list of referrers, by the name of its entry.
pub fn listed_subject(entry: &Entry<'_>) -> Option<Sha256> {
    subject_of_list(entry.reference_name()?.as_plain()?)
}

/// True for an entry that belongs to an image. A selector without a name and a digest leaves the
/// entry out.
pub fn belongs_to_image(entry: &Entry<'_>) -> bool {
    SIGNATURES && (is_signature(entry) || listed_subject(entry).is_some())
}

#[cfg(test)]
mod tests {
    use ocre_oci::{Index, json};

    use super::*;

    #[test]
    fn entries_that_belong_to_an_image_are_known() {
        let hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[
                {{"artifactType":"application/vnd.cncf.notary.signature"}},
                {{"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json","digest":1}},
                {{"annotations":{{"org.opencontainers.image.ref.name":"sha256-{hex}"}}}},
                {{"annotations":{{"org.opencontainers.image.ref.name":"sha256-{hex}0"}}}},
                {{"annotations":{{"org.opencontainers.image.ref.name":"app:1"}}}},
                {{"artifactType":"application/vnd.cyclonedx+json"}},
                {{"artifactType":5}},
                {{}}]}}"#
        );
        let index = json::parse(text.as_bytes(), &json::Caps::default()).unwrap();
        let index = Index::parse(index).unwrap();
        let found: Vec<_> = index
            .manifests()
            .map(|entry| belongs_to_image(&entry))
            .collect();
        let expected = [true, true, true, false, false, false, false, false];
        assert_eq!(found, expected);
        let listed = index
            .manifests()
            .nth(2)
            .and_then(|entry| listed_subject(&entry));
        assert_eq!(
            listed.map(|digest| digest.hex().to_string()),
            Some(hex.to_owned())
        );
    }
}
