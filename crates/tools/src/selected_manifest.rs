// SPDX-License-Identifier: Apache-2.0
//! Manifest of a selected image of any kind, as plain JSON: for notes and explanations, not for
//! judging.

use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::blob::{read_document, read_named};
use ocre::image::judge::Selector;
use ocre::image::signature_entry::{SIGNATURE_TYPES, subject_of_list};
use ocre::image::verdict::Code;
use ocre::port::Storage;
use ocre_oci::Sha256;
use serde_json::Value;

/// Largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;

/// Most levels of an index in another.
const MAX_DEPTH: usize = 4;

/// Reads the manifest of the first selected image, or the first one in its index.
pub fn read<S: Storage>(source: OciLayout<'_, S>, selector: Selector<'_>) -> Option<Value> {
    let mut buffer = vec![0; MAX_DOCUMENT];
    let bytes = read_named(source, "index.json", Code::IndexMissing, &mut buffer).ok()?;
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    let mut wanted = Some(selector);
    for _ in 0..MAX_DEPTH {
        let entries = document["manifests"].as_array()?;
        let entry = match wanted.take() {
            Some(selector) => entries.iter().find(|entry| is_meant(entry, selector))?,
            None => entries.first()?,
        };
        document = blob(source, entry)?;
        if document["manifests"].is_null() {
            return Some(document);
        }
    }
    None
}

/// Reads the document of a descriptor.
pub fn blob<S: Storage>(source: OciLayout<'_, S>, descriptor: &Value) -> Option<Value> {
    let digest: Sha256 = descriptor["digest"].as_str()?.parse().ok()?;
    let size = descriptor["size"].as_u64()?;
    let room = usize::try_from(size)
        .ok()
        .filter(|size| *size <= MAX_DOCUMENT)?;
    let mut buffer = vec![0; room];
    let bytes = read_document(source, &Content { digest, size }, &mut buffer).ok()?;
    serde_json::from_slice(bytes).ok()
}

fn is_meant(entry: &Value, selector: Selector<'_>) -> bool {
    let name = entry["annotations"][ocre_oci::REF_NAME].as_str();
    let digest = selector.digest.map(|digest| digest.to_string());
    let latest = selector.name.map(|name| format!("{name}:latest"));
    let artifact_type = entry["artifactType"].as_str();
    let belongs_to_image = artifact_type.is_some_and(|told| SIGNATURE_TYPES.contains(&told))
        || name.and_then(subject_of_list).is_some();
    if selector == Selector::default() && belongs_to_image {
        return false;
    }
    let has_name = selector.name.is_none() || name == selector.name || name == latest.as_deref();
    // An entry without a platform may be an index: the digest may be in it.
    let has_digest =
        digest.is_none_or(|digest| entry["digest"] == digest || entry["platform"].is_null());
    has_name && has_digest
}
