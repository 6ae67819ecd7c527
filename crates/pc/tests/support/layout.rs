// SPDX-License-Identifier: Apache-2.0
//! OCI layouts for tests: a small valid image, changed in one place.
//!
//! The documents are made from the inside out, each with the right digests of its parts, so that
//! a change shows only in its place. To break a digest, [`Sample::damage`] changes the written
//! file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ocre_oci::Sha256;

/// A module that exports an empty `_start`.
pub const WASM: &str = r#"(module (memory 1) (func (export "_start")))"#;

/// A layer: media type, content, and further members of its descriptor.
pub struct LayerFields {
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    pub members: String,
}

impl LayerFields {
    pub fn wasm(text: &str) -> Self {
        Self {
            media_type: "application/wasm",
            bytes: wat::parse_str(text).unwrap(),
            members: String::new(),
        }
    }

    pub fn blob(bytes: &[u8]) -> Self {
        Self {
            media_type: "application/octet-stream",
            bytes: bytes.to_vec(),
            members: String::new(),
        }
    }
}

/// Change of the written files.
type Corruption = Box<dyn Fn(&ImagePaths)>;

/// Text to find, and its replacement.
type Edits = Vec<(String, String)>;

/// An image to write.
pub struct Sample {
    pub marker: Option<Vec<u8>>,
    pub layers: Vec<LayerFields>,
    pub config_type: &'static str,
    /// Bytes of the config, in the place of the usual one.
    pub config_bytes: Option<Vec<u8>>,
    pub manifest_type: &'static str,
    pub index: bool,
    config_edits: Edits,
    manifest_edits: Edits,
    index_edits: Edits,
    damages: Vec<Corruption>,
}

/// Paths of an image's files.
pub struct ImagePaths {
    pub root: PathBuf,
    pub manifest: PathBuf,
    pub config: PathBuf,
    pub layers: Vec<PathBuf>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            marker: Some(br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
            layers: vec![LayerFields::wasm(WASM)],
            config_type: "application/vnd.wasm.config.v0+json",
            config_bytes: None,
            manifest_type: "application/vnd.oci.image.manifest.v1+json",
            index: true,
            config_edits: Edits::new(),
            manifest_edits: Edits::new(),
            index_edits: Edits::new(),
            damages: Vec::new(),
        }
    }
}

impl Sample {
    pub fn config(&mut self, from: &str, to: &str) {
        self.config_edits.push((from.into(), to.into()));
    }

    pub fn manifest(&mut self, from: &str, to: &str) {
        self.manifest_edits.push((from.into(), to.into()));
    }

    pub fn index(&mut self, from: &str, to: &str) {
        self.index_edits.push((from.into(), to.into()));
    }

    pub fn damage(&mut self, damage: impl Fn(&ImagePaths) + 'static) {
        self.damages.push(Box::new(damage));
    }

    /// Writes the layout into `root`.
    pub fn write(&self, root: &Path) -> ImagePaths {
        let blobs = root.join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let put = |bytes: &[u8]| {
            let digest = Sha256::of(bytes);
            fs::write(blobs.join(digest.hex().to_string()), bytes).unwrap();
            digest
        };
        let layers: Vec<_> = self.layers.iter().map(|layer| put(&layer.bytes)).collect();
        let digests: Vec<_> = layers
            .iter()
            .map(|digest| format!(r#""{digest}""#))
            .collect();
        let config = self.config_bytes.clone().unwrap_or_else(|| {
            let digests = digests.join(",");
            let config = format!(
                r#"{{"architecture":"wasm","os":"wasip1","layerDigests":[{digests}],"module":{{"entryPoint":"_start"}},"config":{{}}}}"#
            );
            edited(config, &self.config_edits)
        });
        let config_digest = put(&config);
        let described: Vec<_> = (self.layers.iter().zip(&layers))
            .map(|(layer, digest)| {
                descriptor(layer.media_type, digest, layer.bytes.len(), &layer.members)
            })
            .collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]}}"#,
            self.manifest_type,
            descriptor(self.config_type, &config_digest, config.len(), ""),
            described.join(","),
        );
        let manifest = edited(manifest, &self.manifest_edits);
        let manifest_digest = put(&manifest);
        let entry = descriptor(
            self.manifest_type,
            &manifest_digest,
            manifest.len(),
            r#","annotations":{"org.opencontainers.image.ref.name":"sample:1"}"#,
        );
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
        if self.index {
            fs::write(root.join("index.json"), edited(index, &self.index_edits)).unwrap();
        }
        if let Some(marker) = &self.marker {
            fs::write(root.join("oci-layout"), marker).unwrap();
        }
        let path = |digest: &Sha256| blobs.join(digest.hex().to_string());
        let written = ImagePaths {
            root: root.to_path_buf(),
            manifest: path(&manifest_digest),
            config: path(&config_digest),
            layers: layers.iter().map(path).collect(),
        };
        self.damages.iter().for_each(|damage| damage(&written));
        written
    }
}

/// A descriptor; `members` begins with a comma.
pub fn descriptor(media_type: &str, digest: &Sha256, size: usize, members: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{members}}}"#)
}

fn edited(mut document: String, edits: &Edits) -> Vec<u8> {
    for (from, to) in edits {
        assert!(document.contains(from), "{from} is not in {document}");
        document = document.replacen(from, to, 1);
    }
    document.into_bytes()
}

/// A folder that is removed at the end.
pub struct TemporaryFolder(pub PathBuf);

impl TemporaryFolder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "ocre-test-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
