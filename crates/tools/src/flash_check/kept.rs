// SPDX-License-Identifier: Apache-2.0
//! Files that nothing leads to: those in `/lost+found`, and their owners.

use std::collections::BTreeSet;

use ocre::atomic::TEMPORARY;
use ocre::container::{Name, Spec, data, record};
use ocre::image::blob::read_file;
use ocre::lost;
use ocre::port::EntryKind;

use super::remedy::Remedy;
use super::structure::FlashTree;
use super::{CheckReport, FlashFault};
use crate::partition::Partition;

/// Lists everything in `/lost+found`.
pub fn look(partition: &Partition, tree: &FlashTree, report: &mut CheckReport) {
    for (file, kind) in tree.names(lost::ROOT) {
        let path = format!("{}/{file}", lost::ROOT);
        let detail = match kind {
            EntryKind::Directory => format!("files, as of container {}", origin(file)),
            EntryKind::File | EntryKind::Symlink => match record_owner(partition, tree, &path) {
                Some(name) => format!("a record of container {name}"),
                None => match origin(file).strip_suffix(".state") {
                    Some(name) => format!("how the last run of container {name} ended"),
                    None => format!("a file that was named {}", origin(file)),
                },
            },
        };
        report
            .kept
            .push(FlashFault::new("kept", path).because(detail));
    }
}

/// Name of a file before it was kept: without the number that makes it unique.
fn origin(kept: &str) -> &str {
    match kept.rsplit_once('.') {
        Some((name, number)) if number.parse::<u32>().is_ok() => name,
        _ => kept,
    }
}

/// Finds misplaced records of containers, and reports each whose container has no other. Returns
/// the containers.
pub fn lost_records(
    partition: &Partition,
    tree: &FlashTree,
    findings: &mut Vec<FlashFault>,
) -> BTreeSet<String> {
    let mut containers = BTreeSet::new();
    let unfinished = tree
        .names(record::ROOT)
        .map(|(file, _)| (file, record::ROOT));
    let unfinished = unfinished.filter(|(file, _)| file.starts_with(TEMPORARY));
    let kept = tree.names(lost::ROOT).map(|(file, _)| (file, lost::ROOT));
    for (file, folder) in unfinished.chain(kept) {
        let from = format!("{folder}/{file}");
        let Some(name) = record_owner(partition, tree, &from) else {
            continue;
        };
        if tree.has_record(&name) || !containers.insert(name.to_string()) {
            continue;
        }
        if folder == record::ROOT && file != TEMPORARY {
            // The repair of the unfinished write puts it there.
            continue;
        }
        let to = format!("{}/{name}.spec", record::ROOT);
        let finding = FlashFault::new("record-lost", &*from)
            .because(format_args!("the record of container {name}"));
        findings.push(finding.repaired_by(Remedy::Restore { from, to }));
    }
    containers
}

/// Container whose record a file is: the first argument of a container is its own name.
fn record_owner(partition: &Partition, tree: &FlashTree, path: &str) -> Option<Name> {
    if tree.entries.get(path) != Some(&EntryKind::File) || tree.unreadable.contains(path) {
        return None;
    }
    let mut bytes = vec![0; record::MAX_BYTES];
    let count = read_file(partition, path, &mut bytes).ok()?;
    let mut spec = Spec::blank();
    record::codec::read_spec(bytes.get(..count)?, &mut spec).ok()?;
    Name::parse(spec.arguments.split('\0').next()?).ok()
}

/// Reports a container with a record but without its files.
pub fn missing_data(tree: &FlashTree, name: &Name) -> Option<FlashFault> {
    let to = data::folder(name).to_string();
    if tree.has(&to) {
        return None;
    }
    let finding = FlashFault::new("data-missing", &*to);
    let kept = tree
        .names(lost::ROOT)
        .filter(|(file, kind)| *kind == EntryKind::Directory && origin(file) == &**name);
    let kept: Vec<String> = kept
        .map(|(file, _)| format!("{}/{file}", lost::ROOT))
        .collect();
    Some(match &*kept {
        [] => finding.because(format_args!("of container {name}")),
        [from] => {
            let from = from.clone();
            let finding = finding.because(format_args!("of container {name}, kept at {from}"));
            finding.repaired_by(Remedy::Restore { from, to })
        }
        several => finding.because(format_args!(
            "of container {name}: one of {} may be it",
            several.join(", ")
        )),
    })
}
