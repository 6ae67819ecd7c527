// SPDX-License-Identifier: Apache-2.0
//! The records of containers, and their files.

use ocre::container::{Name, Spec, data, record};
use ocre::image::Content;
use ocre::port::EntryKind;

use super::super::device::Partition;
use super::Finding;
use super::mend::Remedy;
use super::structure::Tree;

/// What the containers need of the images.
#[derive(Default)]
pub struct Records {
    /// The manifest of each container, and the path of its record.
    pub manifests: Vec<(String, Content)>,
    /// Whether there is a container of which nobody knows what it needs.
    pub unknown: bool,
}

/// Reads every record.
pub fn look(partition: &Partition, tree: &Tree, findings: &mut Vec<Finding>) -> Records {
    let mut records = Records::default();
    let mut buffer = vec![0; record::MAX_BYTES];
    for (file, kind) in tree.names(record::ROOT) {
        let path = format!("{}/{file}", record::ROOT);
        if tree.unreadable.contains(&path) {
            records.unknown |= file.ends_with(".spec");
            continue;
        }
        let owner = |suffix| Name::parse(file.strip_suffix(suffix)?).ok();
        if kind == EntryKind::Directory {
            findings.push(stray(path));
        } else if file == ocre::atomic::TEMPORARY {
            findings.push(unfinished(path));
        } else if let Some(name) = owner(".spec") {
            let mut spec = Spec::blank();
            match record::read_spec(partition, &name, &mut buffer, &mut spec) {
                Ok(_) => records.manifests.push((path, spec.image.manifest)),
                Err(error) => {
                    records.unknown = true;
                    findings.push(Finding::new(error.code(), path));
                }
            }
        } else if let Some(name) = owner(".state") {
            if !tree.has(&format!("{}/{name}.spec", record::ROOT)) {
                findings
                    .push(Finding::new("record-orphan", &*path).mended_by(Remedy::Remove(path)));
            } else if let Err(error) = record::read_state(partition, &name, &mut buffer) {
                let finding = Finding::new(error.code(), &*path);
                findings.push(match error {
                    // What it says is lost; without it the container is as it was created.
                    record::Error::Damaged => finding.mended_by(Remedy::Remove(path)),
                    _ => finding,
                });
            }
        } else {
            findings.push(stray(path));
        }
    }
    for (name, kind) in tree.names(data::ROOT) {
        let path = format!("{}/{name}", data::ROOT);
        let owner = Name::parse(name).ok();
        match owner.filter(|_| kind == EntryKind::Directory) {
            None => findings.push(stray(path)),
            Some(name) if !tree.has(&format!("{}/{name}.spec", record::ROOT)) => {
                findings
                    .push(Finding::new("data-orphan", path).mended_by(Remedy::RemoveData(name)));
            }
            Some(_) => {}
        }
    }
    records
}

/// Something in a folder of the runtime's own that it did not put there.
pub fn stray(path: String) -> Finding {
    Finding::new("file-stray", &*path).mended_by(Remedy::MoveAway(path))
}

/// What a power cut left of a file that was to be replaced.
pub fn unfinished(path: String) -> Finding {
    Finding::new("file-unfinished", &*path).mended_by(Remedy::Remove(path))
}
