// SPDX-License-Identifier: Apache-2.0
//! Check of the image store: its marker and index, every blob against its digest, and every image
//! down to its last layer.

use std::collections::BTreeSet;

use ocre::atomic::TEMPORARY;
use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::blob::{self, read_document, read_named};
use ocre::image::verdict::Code;
use ocre::limits::MAX_INDEX_DEPTH;
use ocre::port::{EntryKind, Storage as _};
use ocre_oci::json::{self, Caps};
use ocre_oci::{Descriptor, INDEX_MEDIA_TYPE, Index, Layout, Manifest, Sha256};

use super::containers::{Records, stray, unfinished};
use super::remedy::Remedy;
use super::structure::FlashTree;
use super::{CheckReport, FlashFault};
use crate::partition::Partition;

/// Largest document that is read, in bytes.
const MAX_DOCUMENT: usize = 4 << 20;

const BLOBS: &str = "/blobs/sha256";
/// Index of an interrupted write.
const NEW_INDEX: &str = "/.newindex.json";

/// Limits for documents of any device.
pub fn caps() -> Caps {
    Caps {
        bytes: MAX_DOCUMENT as u32,
        entries: u16::MAX,
        ..Caps::default()
    }
}

/// Source for the store of a partition.
pub fn source(partition: &Partition) -> OciLayout<'_, Partition> {
    OciLayout {
        storage: partition,
        root: "/",
    }
}

/// Checks the whole store, if there is one.
pub fn look(partition: &Partition, tree: &FlashTree, records: &Records, report: &mut CheckReport) {
    let parts = ["/oci-layout", "/index.json", "/blobs"];
    for file in ["", "index.json", "oci-layout"].map(|file| format!("{TEMPORARY}{file}")) {
        if tree.has(&format!("/{file}")) {
            unfinished("", &file, &mut report.damaged);
        }
    }
    if !parts.iter().any(|part| tree.has(part)) && records.manifests.is_empty() {
        return;
    }
    let mut store = StoreCheck {
        partition,
        findings: &mut report.damaged,
        kept: &mut report.kept,
        whole: BTreeSet::new(),
        present: BTreeSet::new(),
        used: BTreeSet::new(),
        sure: !records.unknown,
    };
    store.marker();
    store.blobs(tree);
    store.index();
    for (path, manifest) in &records.manifests {
        store.container(path, manifest);
    }
    store.unused();
}

struct StoreCheck<'a> {
    partition: &'a Partition,
    findings: &'a mut Vec<FlashFault>,
    kept: &'a mut Vec<FlashFault>,
    /// Blobs whose content has the digest in their name.
    whole: BTreeSet<Sha256>,
    present: BTreeSet<Sha256>,
    used: BTreeSet<Sha256>,
    /// True where all users of blobs are known.
    sure: bool,
}

impl StoreCheck<'_> {
    fn marker(&mut self) {
        let mut buffer = vec![0; MAX_DOCUMENT];
        let read = read_named(
            source(self.partition),
            "oci-layout",
            Code::LayoutMissing,
            &mut buffer,
        );
        let parsed = read.and_then(|bytes| Ok(Layout::parse(json::parse(bytes, &caps())?)?));
        if let Err(code) = parsed {
            let finding = FlashFault::new("layout-damaged", "/oci-layout").because(code.as_str());
            self.findings.push(finding.repaired_by(Remedy::Marker));
        }
    }

    fn blobs(&mut self, tree: &FlashTree) {
        for (name, kind) in tree.names(BLOBS) {
            let path = format!("{BLOBS}/{name}");
            let digest = Sha256::from_hex(name).ok();
            let digest = digest.filter(|_| kind == EntryKind::File);
            match digest {
                None if name.starts_with(TEMPORARY) => unfinished(BLOBS, name, self.findings),
                None => self.findings.push(stray(path)),
                Some(digest) => {
                    self.present.insert(digest);
                    // An unreadable file is reported already.
                    if tree.unreadable.contains(&path) {
                        continue;
                    }
                    match self.hash(&path, digest) {
                        Ok(()) => {
                            self.whole.insert(digest);
                        }
                        Err(code) => self.findings.push(FlashFault::new(code.as_str(), path)),
                    }
                }
            }
        }
        for (name, _) in tree.names("/blobs").filter(|(name, _)| *name != "sha256") {
            self.findings.push(stray(format!("/blobs/{name}")));
        }
    }

    fn hash(&self, path: &str, digest: Sha256) -> Result<(), Code> {
        let size = self.partition.metadata(path)?.size;
        let content = Content { digest, size };
        blob::verify(self.partition, "/", &content, &mut vec![0; 64 * 1024])
    }

    fn index(&mut self) {
        let mut buffer = vec![0; MAX_DOCUMENT];
        let source = source(self.partition);
        let read = read_named(source, "index.json", Code::IndexMissing, &mut buffer);
        let parsed = read.and_then(|bytes| Ok(Index::parse(json::parse(bytes, &caps())?)?));
        let index = match parsed {
            Ok(index) => index,
            Err(code) => {
                self.sure = false;
                let mut finding =
                    FlashFault::new("index-damaged", "/index.json").because(code.as_str());
                // An unfinished whole index takes its place first.
                let unfinished =
                    |told: &FlashFault| told.code == "file-unfinished" && told.place == NEW_INDEX;
                if !self.findings.iter().any(unfinished) {
                    finding = finding.repaired_by(Remedy::Index);
                }
                self.findings.push(finding);
                return;
            }
        };
        for (place, entry) in index.manifests().enumerate() {
            let name = match entry.reference_name() {
                Some(name) => format!("image {name}"),
                None => format!("/index.json#/manifests/{place}"),
            };
            match entry.descriptor() {
                Ok(descriptor) => self.follow(&name, &descriptor, 1),
                Err(error) => self.broken(&name, error.kind.code()),
            }
        }
    }

    /// Checks content of an image, and the content that it leads to.
    fn follow(&mut self, name: &str, descriptor: &Descriptor<'_>, depth: u8) {
        let is_index = descriptor.media_type == *INDEX_MEDIA_TYPE;
        let Some(content) = self.part(name, descriptor) else {
            return;
        };
        self.document(name, &content, is_index, depth);
    }

    fn document(&mut self, name: &str, content: &Content, is_index: bool, depth: u8) {
        if !self.whole.contains(&content.digest) {
            self.sure = false;
            return;
        }
        if depth > MAX_INDEX_DEPTH {
            return self.broken(name, Code::IndexNestedTooDeep.as_str());
        }
        let mut buffer = vec![0; MAX_DOCUMENT];
        let read = read_document(source(self.partition), content, &mut buffer);
        let value = read.and_then(|bytes| Ok(json::parse(bytes, &caps())?));
        let value = match value {
            Ok(value) => value,
            Err(code) => return self.broken(name, code.as_str()),
        };
        if is_index {
            match Index::parse(value) {
                Ok(index) => {
                    for entry in index.manifests() {
                        match entry.descriptor() {
                            Ok(descriptor) => self.follow(name, &descriptor, depth + 1),
                            Err(error) => self.broken(name, error.kind.code()),
                        }
                    }
                }
                Err(error) => self.broken(name, error.kind.code()),
            }
        } else {
            match Manifest::parse(value, None) {
                Ok(manifest) => {
                    self.part(name, &manifest.config());
                    for layer in manifest.layers() {
                        self.part(name, &layer.descriptor);
                    }
                }
                Err(error) => self.broken(name, error.kind.code()),
            }
        }
    }

    /// Finds content that an image needs; `None` where it can't be read.
    fn part(&mut self, name: &str, descriptor: &Descriptor<'_>) -> Option<Content> {
        let Some(digest) = descriptor.digest.sha256() else {
            self.broken(name, Code::DigestUnsupported.as_str());
            return None;
        };
        self.used.insert(digest);
        let size = descriptor.size;
        let content = Content { digest, size };
        match blob::stat(self.partition, "/", &content) {
            Ok(()) => Some(content),
            Err(code) => {
                let place = format!("{BLOBS}/{}", digest.hex());
                let finding =
                    FlashFault::new(code.as_str(), place).because(format_args!("of {name}"));
                if !self.findings.contains(&finding) {
                    self.findings.push(finding);
                }
                self.sure = false;
                None
            }
        }
    }

    /// Reports an image whose documents are whole but make no sense.
    fn broken(&mut self, name: &str, code: &str) {
        self.sure = false;
        self.findings
            .push(FlashFault::new("image-damaged", name).because(code));
    }

    fn container(&mut self, path: &str, manifest: &Content) {
        self.used.insert(manifest.digest);
        if self.whole.contains(&manifest.digest) {
            self.document(path, manifest, false, 1);
        } else if !self.present.contains(&manifest.digest) {
            self.sure = false;
            let finding = FlashFault::new("container-image-missing", path);
            self.findings.push(finding.because(manifest.digest));
        }
    }

    fn unused(&mut self) {
        for digest in self.present.difference(&self.used) {
            let path = format!("{BLOBS}/{}", digest.hex());
            let damaged = !self.whole.contains(digest);
            let told = self.findings.iter_mut().find(|told| told.place == path);
            match told {
                Some(told) if damaged && self.sure => told.remedy = Some(Remedy::Keep(path)),
                Some(_) => {}
                // Its user may be unreadable.
                None if !self.sure => {}
                None => self.kept.push(FlashFault::new("blob-unused", path)),
            }
        }
    }
}
