// SPDX-License-Identifier: Apache-2.0
//! Check of the records of containers, and of their files.

use ocre::atomic::TEMPORARY;
use ocre::container::{Name, Spec, data, record};
use ocre::image::Content;
use ocre::port::EntryKind;

use super::remedy::Remedy;
use super::structure::FlashTree;
use super::{FlashFault, kept};
use crate::partition::Partition;

/// Manifests that the containers need.
#[derive(Default)]
pub struct Records {
    /// Path of each container's record, and its manifest.
    pub manifests: Vec<(String, Content)>,
    /// True where a container's record can't be read, so that its needs are unknown.
    pub unknown: bool,
}

/// Checks every record.
pub fn look(partition: &Partition, tree: &FlashTree, findings: &mut Vec<FlashFault>) -> Records {
    let mut records = Records::default();
    let mut buffer = vec![0; record::MAX_BYTES];
    let coming = kept::lost_records(partition, tree, findings);
    for (file, kind) in tree.names(record::ROOT) {
        let path = format!("{}/{file}", record::ROOT);
        if tree.unreadable.contains(&path) {
            records.unknown |= file.ends_with(".spec");
            continue;
        }
        let owner = |suffix| Name::parse(file.strip_suffix(suffix)?).ok();
        if kind == EntryKind::Directory {
            findings.push(stray(path));
        } else if file.starts_with(TEMPORARY) {
            unfinished(record::ROOT, file, findings);
        } else if let Some(name) = owner(".spec") {
            let mut spec = Spec::blank();
            match record::read_spec(partition, &name, &mut buffer, &mut spec) {
                Ok(_) => records.manifests.push((path, spec.image.manifest)),
                Err(error) => {
                    records.unknown = true;
                    findings.push(FlashFault::new(error.code(), path));
                }
            }
            findings.extend(kept::missing_data(tree, &name));
        } else if let Some(name) = owner(".state") {
            let alone = !tree.has_record(&name) && !coming.contains(&*name);
            findings.extend(state(partition, path, &name, alone, &mut buffer));
        } else {
            findings.push(stray(path));
        }
    }
    for (name, kind) in tree.names(data::ROOT) {
        let path = format!("{}/{name}", data::ROOT);
        let owner = Name::parse(name).ok();
        match owner.filter(|_| kind == EntryKind::Directory) {
            None => findings.push(stray(path)),
            Some(name) if tree.has_record(&name) || coming.contains(&*name) => {}
            Some(name) => {
                let finding = if data::is_marked(partition, &name) {
                    FlashFault::new("removal-unfinished", path)
                } else {
                    FlashFault::new("data-orphan", path)
                        .because(format_args!("container {name} is not found"))
                };
                findings.push(finding.repaired_by(Remedy::PutAway(name)));
            }
        }
    }
    records
}

/// Checks the state of a container; it is `alone` where the container has no other record.
fn state(
    partition: &Partition,
    path: String,
    name: &Name,
    alone: bool,
    buffer: &mut [u8],
) -> Option<FlashFault> {
    if alone {
        return Some(if data::is_marked(partition, name) {
            FlashFault::new("removal-unfinished", &*path).repaired_by(Remedy::Remove(path))
        } else {
            FlashFault::new("record-orphan", &*path)
                .because(format_args!("container {name} is not found"))
                .repaired_by(Remedy::Keep(path))
        });
    }
    let error = record::read_state(partition, name, buffer).err()?;
    let finding = FlashFault::new(error.code(), &*path);
    Some(match error {
        // Without a state the container is as it was created.
        record::Error::Damaged => finding.repaired_by(Remedy::Keep(path)),
        _ => finding,
    })
}

/// Finding for an entry that the runtime did not put into its folder.
pub fn stray(path: String) -> FlashFault {
    FlashFault::new("file-stray", &*path).repaired_by(Remedy::Keep(path))
}

/// Reports a file of an interrupted write in a folder of the runtime.
pub fn unfinished(folder: &'static str, file: &str, findings: &mut Vec<FlashFault>) {
    let path = format!("{folder}/{file}");
    // A record of an earlier release: its content names the container.
    if findings.iter().any(|told| told.place == path) {
        return;
    }
    let name = file.strip_prefix(TEMPORARY).unwrap_or_default().to_owned();
    let remedy = Remedy::Recover { folder, name };
    findings.push(FlashFault::new("file-unfinished", path).repaired_by(remedy));
}
