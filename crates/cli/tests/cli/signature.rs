// SPDX-License-Identifier: Apache-2.0
//! Signatures of images in layouts, with an envelope that nobody can verify.

use std::fs;
use std::path::Path;

use ocre_oci::Sha256;
use serde_json::{Value, json};

use super::CliFixture;

/// Type of a signature of the Notary Project.
pub const NOTARY: &str = "application/vnd.cncf.notary.signature";
/// Type of a signature of Sigstore.
pub const SIGSTORE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Adds a blob to a layout. Returns its descriptor.
pub fn blob(desk: &CliFixture, layout: &str, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Sha256::of(bytes);
    let path = format!("{layout}/blobs/sha256/{}", digest.hex());
    desk.write(&path, bytes);
    json!({ "mediaType": media_type, "digest": digest.to_string(), "size": bytes.len() })
}

/// Adds a manifest to a layout, with this type, about the manifest `subject` of the layout. Returns
/// its descriptor, with its type.
pub fn referrer(desk: &CliFixture, layout: &str, subject: &str, artifact_type: &str) -> Value {
    let about = fs::read(desk.path(&blob_path(layout, subject))).unwrap();
    let envelope = format!("envelope of {subject} as {artifact_type}");
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": blob(desk, layout, "application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [blob(desk, layout, "application/cose", envelope.as_bytes())],
        "subject": { "mediaType": MANIFEST, "digest": subject, "size": about.len() },
    });
    let mut entry = blob(desk, layout, MANIFEST, manifest.to_string().as_bytes());
    entry["artifactType"] = artifact_type.into();
    entry
}

/// Adds an entry to the index of a layout.
pub fn add_entry(desk: &CliFixture, layout: &str, entry: Value) {
    let mut index = index(&desk.path(layout));
    index["manifests"].as_array_mut().unwrap().push(entry);
    desk.write(&format!("{layout}/index.json"), index.to_string());
}

/// Signs an image of a layout. Returns the digest of the signature.
pub fn sign(desk: &CliFixture, layout: &str, subject: &str, artifact_type: &str) -> String {
    let entry = referrer(desk, layout, subject, artifact_type);
    let digest = entry["digest"].as_str().unwrap().to_owned();
    add_entry(desk, layout, entry);
    digest
}

/// Reads the index of a layout.
pub fn index(layout: &Path) -> Value {
    serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap()
}

/// Path of a blob from the desk's folder.
pub fn blob_path(layout: &str, digest: &str) -> String {
    format!("{layout}/blobs/sha256/{}", &digest[7..])
}
