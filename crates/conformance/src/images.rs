// SPDX-License-Identifier: Apache-2.0
//! OCI layouts that tests make.

use ocre::image::Content;
use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::image::signature_entry::SIGNATURE_TYPES;
use ocre::image::store::{Error, Store, Tag};
use ocre::port::{OpenMode, Storage, StorageError};
use ocre_oci::write::{self, ConfigFields, DescriptorFields, Object};
use ocre_oci::{INDEX_MEDIA_TYPE, REF_NAME, Reference, Sha256};

use crate::numbers::PseudoRandom;

/// Media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Largest document of the tests, in bytes, and so the store's reserve.
pub const DOCUMENT: usize = 2048;

/// OCI layout that is being written.
pub struct LayoutWriter<'a, S> {
    storage: &'a S,
    root: &'a str,
}

impl<'a, S: Storage> LayoutWriter<'a, S> {
    /// Makes the folders and the marker.
    pub fn new(storage: &'a S, root: &'a str) -> Self {
        let layout = Self { storage, root };
        for folder in [root, &layout.path("blobs"), &layout.path("blobs/sha256")] {
            match storage.create_dir(folder) {
                Ok(()) | Err(StorageError::Exists) => {}
                Err(error) => panic!("{folder}: {error}"),
            }
        }
        let mut marker = String::new();
        write::layout(&mut marker).unwrap();
        layout.put("oci-layout", marker.as_bytes());
        layout
    }

    /// The layout, to be read.
    pub fn source(&self) -> OciLayout<'a, S> {
        OciLayout {
            storage: self.storage,
            root: self.root,
        }
    }

    /// Path of a file.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.root.trim_end_matches('/'))
    }

    /// Path of a blob.
    pub fn blob_path(&self, content: Content) -> String {
        self.path(&format!("blobs/sha256/{}", content.digest.hex()))
    }

    /// Writes a file.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        put(self.storage, &self.path(name), bytes);
    }

    /// Adds a blob.
    pub fn blob(&self, bytes: &[u8]) -> Content {
        let content = Content {
            digest: Sha256::of(bytes),
            size: bytes.len() as u64,
        };
        put(self.storage, &self.blob_path(content), bytes);
        content
    }

    /// Adds an image of a config and these layers. Returns its manifest.
    pub fn image(&self, config: &str, layers: &[&[u8]]) -> Content {
        let describe = |content: Content, media_type| DescriptorFields {
            media_type,
            digest: content.digest,
            size: content.size,
            annotations: &[],
            platform: None,
        };
        let config = describe(
            self.blob(config.as_bytes()),
            "application/vnd.wasm.config.v0+json",
        );
        let layers: Vec<_> = layers
            .iter()
            .map(|layer| describe(self.blob(layer), "application/wasm"))
            .collect();
        let mut manifest = String::new();
        write::manifest(&mut manifest, &config, &layers, &[]).unwrap();
        self.blob(manifest.as_bytes())
    }

    /// Writes an index of one image: with this tag, the environment `V=version` and this code.
    pub fn tagged(&self, tag: &str, version: &str, code: &[u8]) {
        let variable = format!("V={version}");
        let mut config = String::new();
        let fields = ConfigFields {
            layer_digests: &[Sha256::of(code)],
            entry_point: "_start",
            env: &[&variable],
            permissions: &[],
        };
        write::config(&mut config, &fields).unwrap();
        let manifest = self.image(&config, &[code]);
        self.index(&[(tag, manifest, false)]);
    }

    /// Adds a nested index of such entries.
    pub fn nested(&self, entries: &[LayoutEntry<'_>]) -> Content {
        self.blob(index(entries).as_bytes())
    }

    /// Writes `index.json`.
    pub fn index(&self, entries: &[LayoutEntry<'_>]) {
        self.index_with(entries, &[]);
    }

    /// Writes `index.json` with signatures behind the images.
    pub fn index_with(&self, entries: &[LayoutEntry<'_>], signatures: &[SignatureEntry<'_>]) {
        self.put("index.json", index_with(entries, signatures).as_bytes());
    }

    /// Adds a list of referrers, an index. Returns its content.
    pub fn referrers(&self, signatures: &[SignatureEntry<'_>]) -> Content {
        self.blob(index_with(&[], signatures).as_bytes())
    }

    /// Adds a signature of a manifest, which nobody can verify. Returns its manifest.
    pub fn signature(&self, subject: Content, envelope: &[u8]) -> Content {
        self.blob(b"{}");
        self.blob(envelope);
        self.blob(signature_manifest(subject, envelope).as_bytes())
    }
}

/// Index entry: its name, empty for none; its content; true where the content is an index.
pub type LayoutEntry<'a> = (&'a str, Content, bool);

/// Entry of a signature in an index: its manifest, and its `artifactType` if the entry has that.
pub type SignatureEntry<'a> = (Content, Option<&'a str>);

/// Type of the tests' signatures.
pub const SIGNATURE: &str = SIGNATURE_TYPES[0];

/// Returns the manifest of a signature with an empty config, as tools for signatures write it.
pub fn signature_manifest(subject: Content, envelope: &[u8]) -> String {
    let describe = |media_type, bytes: &[u8]| (media_type, Sha256::of(bytes), bytes.len() as u64);
    let members = |out: &mut Object<'_>, (media_type, digest, size): (&str, Sha256, u64)| {
        out.string("mediaType", media_type);
        out.display("digest", &digest);
        out.unsigned("size", size);
    };
    let config = describe("application/vnd.oci.empty.v1+json", b"{}");
    let layer = describe("application/cose", envelope);
    let mut text = String::new();
    write::object(&mut text, |out| {
        out.unsigned("schemaVersion", 2);
        out.string("mediaType", MANIFEST);
        out.string("artifactType", SIGNATURE);
        out.object("config", |out| members(out, config));
        out.array("layers", |out| out.object(|out| members(out, layer)));
        out.object("subject", |out| {
            members(out, (MANIFEST, subject.digest, subject.size));
        });
    })
    .unwrap();
    text
}

fn index(entries: &[LayoutEntry<'_>]) -> String {
    index_with(entries, &[])
}

fn index_with(entries: &[LayoutEntry<'_>], signatures: &[SignatureEntry<'_>]) -> String {
    let mut text = String::new();
    write::index(&mut text, |out| {
        write_images(entries, out)?;
        for (content, artifact_type) in signatures {
            out.object(|out| {
                out.string("mediaType", MANIFEST);
                out.display("digest", &content.digest);
                out.unsigned("size", content.size);
                if let Some(artifact_type) = artifact_type {
                    out.string("artifactType", artifact_type);
                }
            });
        }
        Ok(())
    })
    .unwrap();
    text
}

fn write_images(entries: &[LayoutEntry<'_>], out: &mut write::Array<'_, '_>) -> std::fmt::Result {
    entries.iter().try_for_each(|(name, content, is_index)| {
        let named = [(REF_NAME, *name)];
        out.descriptor(&DescriptorFields {
            media_type: if *is_index {
                INDEX_MEDIA_TYPE
            } else {
                MANIFEST
            },
            digest: content.digest,
            size: content.size,
            annotations: if name.is_empty() { &[] } else { &named },
            platform: None,
        })
    })
}

/// Writes a file.
pub fn put<S: Storage>(storage: &S, path: &str, bytes: &[u8]) {
    let mut file = storage.open(path, OpenMode::REWRITE).expect(path);
    storage.write(&mut file, bytes).expect(path);
    storage.close(file).expect(path);
}

/// Reads a file.
pub fn get<S: Storage>(storage: &S, path: &str) -> Vec<u8> {
    let mut file = storage.open(path, OpenMode::READ).expect(path);
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match storage.read(&mut file, &mut buffer).expect(path) {
            0 => return bytes,
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Bytes that differ for each seed and do not compress to a pattern of blocks.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut numbers = PseudoRandom(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..length).map(|_| numbers.next() as u8).collect()
}

/// Tag of a reference.
pub fn tag(text: &str) -> Tag {
    Tag::new(&Reference::parse(text).expect(text))
}

/// Selector of an image by the name.
pub fn named(name: &str) -> Selector<'_> {
    Selector {
        name: Some(name),
        digest: None,
    }
}

/// Opens the store of a device.
///
/// # Errors
/// The errors of the store.
pub fn open<'a, S: Storage>(storage: &'a S, document: &'a mut [u8]) -> Result<Store<'a, S>, Error> {
    Store::open(storage, "/", document)
}

/// Content of a store: its tags in the index's order, and its blobs, each of which is checked
/// against its name. No other file may lie in its folders.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StoreContent {
    /// Name and digest of each tag.
    pub tags: Vec<(String, Sha256)>,
    /// Size of each blob.
    pub blobs: std::collections::BTreeMap<[u8; 32], u64>,
}

/// Reads the content of a store.
///
/// # Panics
/// The store is not whole.
pub fn see<S: Storage>(storage: &S) -> StoreContent {
    let mut seen = StoreContent::default();
    let mut document = [0; DOCUMENT];
    let mut store = open(storage, &mut document).expect("the store opens");
    for entry in store.index().expect("the index is whole").manifests() {
        let name = entry
            .reference_name()
            .map(|name| name.to_string())
            .unwrap_or_default();
        let digest = entry
            .descriptor()
            .expect("a descriptor")
            .digest
            .sha256()
            .expect("sha256");
        seen.tags.push((name, digest));
    }
    let mut names = Vec::new();
    storage
        .read_dir("/blobs/sha256", &mut |name, _| {
            names.push(name.to_owned());
            true
        })
        .expect("the blobs are listed");
    for name in names {
        let bytes = get(storage, &format!("/blobs/sha256/{name}"));
        let digest = Sha256::of(&bytes);
        assert_eq!(
            digest.hex().to_string(),
            name,
            "a blob is what its name says"
        );
        seen.blobs.insert(digest.0, bytes.len() as u64);
    }
    for folder in ["/", "/blobs"] {
        storage
            .read_dir(folder, &mut |name, _| {
                let known = [
                    "oci-layout",
                    "index.json",
                    "blobs",
                    "sha256",
                    "filler",
                    "lost+found",
                    "source",
                ];
                assert!(known.contains(&name), "{folder} holds {name}");
                true
            })
            .expect("the folders are listed");
    }
    seen
}
