// SPDX-License-Identifier: Apache-2.0
//! What is done about a finding.

use std::collections::BTreeSet;

use ocre::atomic;
use ocre::container::{Name, data};
use ocre::image::Content;
use ocre::image::content::{join, read_document};
use ocre::port::{Storage as _, StorageError};
use ocre_oci::write::{self, Descriptor};
use ocre_oci::{INDEX_MEDIA_TYPE, Index, Manifest, Sha256, json};

use super::super::device::Partition;
use super::images::{caps, source};
use super::{Finding, Mended};

/// Where what nobody knows is moved.
const LOST: &str = "/lost+found";

/// The media type of a manifest that does not say its own.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// What mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// A file goes that is of no use.
    Remove(String),
    /// A container's files go that nobody has.
    RemoveData(Name),
    /// Something is kept, elsewhere.
    MoveAway(String),
    /// The layout's marker is written.
    Marker,
    /// The index is made of the images that are there.
    Index,
}

/// Does what can be done; whether anything was.
pub fn all(partition: &Partition, findings: &[Finding], mended: &mut Mended) -> bool {
    let mut any = false;
    for finding in findings {
        let Some(remedy) = &finding.remedy else {
            continue;
        };
        if let Ok(did) = apply(partition, remedy) {
            mended.push((finding.clone(), did));
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
        Remedy::RemoveData(name) => {
            data::remove(partition, name)?;
            Ok("removed with all that was in it".to_owned())
        }
        Remedy::MoveAway(path) => {
            match partition.create_dir(LOST) {
                Ok(()) | Err(StorageError::Exists) => {}
                Err(error) => return Err(error),
            }
            let name = path.rsplit('/').next().unwrap_or_default();
            let to = (0_u32..)
                .map(|n| match n {
                    0 => format!("{LOST}/{name}"),
                    n => format!("{LOST}/{name}.{n}"),
                })
                .find(|to| partition.metadata(to) == Err(StorageError::NotFound));
            let to = to.ok_or(StorageError::NameTooLong)?;
            partition.rename(path, &to)?;
            Ok(format!("moved to {to}"))
        }
        Remedy::Marker => {
            atomic::replace(partition, "/oci-layout", &mut |output| {
                output.format(write::layout)
            })?;
            Ok("written anew".to_owned())
        }
        Remedy::Index => index(partition),
    }
}

/// Makes an index of every image that is there and that no other leads to. Their names are lost.
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
        if Manifest::parse(value, None).is_ok() {
            let said = value.get("mediaType").and_then(|said| said.text().ok());
            let media_type = said.map_or(MANIFEST.to_owned(), |said| said.to_string());
            documents.push((content, media_type));
        } else if let Ok(index) = Index::parse(value) {
            for entry in index.manifests() {
                let digest = entry.descriptor().map(|found| found.digest.sha256());
                led_to.extend(digest.ok().flatten());
            }
            documents.push((content, INDEX_MEDIA_TYPE.to_string()));
        }
    }
    documents.retain(|(content, _)| !led_to.contains(&content.digest));
    let path = join("/", "index.json")?;
    atomic::replace(partition, &path, &mut |output| {
        output.format(|text| {
            write::index(text, |entries| {
                documents.iter().try_for_each(|(content, media_type)| {
                    entries.descriptor(&Descriptor {
                        media_type,
                        digest: content.digest,
                        size: content.size,
                        annotations: &[],
                        platform: None,
                    })
                })
            })
        })
    })?;
    Ok(format!(
        "made of the {} images that are there, without their names: import one again to name it",
        documents.len()
    ))
}
