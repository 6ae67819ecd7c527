// SPDX-License-Identifier: Apache-2.0
//! Repair: applies the remedies of findings.

use std::collections::BTreeSet;

use ocre::container::data;
use ocre::image::Content;
use ocre::image::blob::read_document;
use ocre::image::signature_entry::type_of_manifest;
use ocre::port::{Storage as _, StorageError};
use ocre::{atomic, lost};
use ocre_oci::write;
use ocre_oci::{INDEX_MEDIA_TYPE, Index, Manifest, Sha256, json};

use super::images::{caps, source};
use super::remedy::Remedy;
use super::{FlashFault, Repaired};
use crate::partition::Partition;

/// Media type of a manifest that does not state one.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Applies all remedies. True where one succeeded.
pub fn all(partition: &Partition, findings: &[FlashFault], repaired: &mut Repaired) -> bool {
    let mut any = false;
    for finding in findings {
        let Some(remedy) = &finding.remedy else {
            continue;
        };
        if let Ok(did) = apply(partition, remedy) {
            repaired.push((finding.clone(), did));
            any = true;
        }
    }
    any
}

fn apply(partition: &Partition, remedy: &Remedy) -> Result<String, StorageError> {
    match remedy {
        Remedy::Remove(path) => {
            partition.remove(path)?;
            Ok("removed".to_owned())
        }
        Remedy::PutAway(name) => Ok(match data::put_away(partition, name)? {
            false => "removed with all that was in it".to_owned(),
            true => format!("moved to {}", lost::ROOT),
        }),
        Remedy::Keep(path) => keep(partition, path),
        Remedy::Restore { from, to } => {
            if let Some((folder, _)) = to.rsplit_once('/') {
                match partition.create_dir(folder) {
                    Ok(()) | Err(StorageError::Exists) => {}
                    Err(error) => return Err(error),
                }
            }
            partition.rename(from, to)?;
            Ok(format!("moved back to {to}"))
        }
        // Earlier releases left the name out: the owner is unknown.
        Remedy::Recover { folder, name } if name.is_empty() => {
            let path = format!("{folder}/{}", atomic::TEMPORARY);
            if partition.metadata(&path)?.size > 0 {
                return keep(partition, &path);
            }
            partition.remove(&path)?;
            Ok("removed: it was empty".to_owned())
        }
        Remedy::Recover { folder, name } => {
            atomic::recover(partition, folder, name);
            Ok("ended: a whole file took its place, an empty one is removed".to_owned())
        }
        Remedy::Marker => {
            keep_if_there(partition, "/oci-layout")?;
            atomic::replace(partition, "/oci-layout", &mut |output| {
                output.format(write::layout)
            })?;
            Ok("written anew".to_owned())
        }
        Remedy::Index => index(partition),
    }
}

fn keep(partition: &Partition, path: &str) -> Result<String, StorageError> {
    let name = path.rsplit('/').next().unwrap_or_default();
    lost::keep(partition, path, name.trim_start_matches('.'))?;
    Ok(format!("moved to {}", lost::ROOT))
}

/// Keeps a file before it is written anew.
fn keep_if_there(partition: &Partition, path: &str) -> Result<(), StorageError> {
    match partition.metadata(path) {
        Err(StorageError::NotFound) => Ok(()),
        _ => keep(partition, path).map(drop),
    }
}

/// Makes an index of every image that no other leads to, and of the signatures. Names are lost.
fn index(partition: &Partition) -> Result<String, StorageError> {
    let mut documents = Vec::new();
    let mut led_to = BTreeSet::new();
    let mut blobs = Vec::new();
    let listed = partition.read_dir("/blobs/sha256", &mut |name, metadata| {
        if let Ok(digest) = Sha256::from_hex(name) {
            blobs.push(Content {
                digest,
                size: metadata.size,
            });
        }
        true
    });
    match listed {
        Ok(()) | Err(StorageError::NotFound) => {}
        Err(error) => return Err(error),
    }
    blobs.sort_by_key(|content| content.digest);
    let mut buffer = vec![0; caps().bytes as usize];
    for content in blobs {
        // Layers are no documents, and so are damaged ones.
        let Ok(bytes) = read_document(source(partition), &content, &mut buffer) else {
            continue;
        };
        let Ok(value) = json::parse(bytes, &caps()) else {
            continue;
        };
        if let Ok(manifest) = Manifest::parse(value, None) {
            let said = value.get("mediaType").and_then(|said| said.text().ok());
            let media_type = said.map_or(MANIFEST.to_owned(), |said| said.to_string());
            documents.push((content, media_type, type_of_manifest(&manifest)));
        } else if let Ok(index) = Index::parse(value) {
            for entry in index.manifests() {
                let digest = entry.descriptor().map(|found| found.digest.sha256());
                led_to.extend(digest.ok().flatten());
            }
            documents.push((content, INDEX_MEDIA_TYPE.to_string(), None));
        }
    }
    documents.retain(|(content, ..)| !led_to.contains(&content.digest));
    keep_if_there(partition, "/index.json")?;
    atomic::replace(partition, "/index.json", &mut |output| {
        output.format(|text| {
            write::index(text, |entries| {
                for (content, media_type, signature_type) in &documents {
                    entries.object(|out| {
                        out.string("mediaType", media_type);
                        out.display("digest", &content.digest);
                        out.unsigned("size", content.size);
                        if let Some(signature_type) = signature_type {
                            out.string("artifactType", signature_type);
                        }
                    });
                }
                Ok(())
            })
        })
    })?;
    let images = documents
        .iter()
        .filter(|(.., signature)| signature.is_none());
    Ok(format!(
        "made of the {} images that are there, without their names: import one again to name it",
        images.count()
    ))
}
