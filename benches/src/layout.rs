// SPDX-License-Identifier: Apache-2.0
//! An OCI layout with one image, on any storage, and what the judge finds in it.

use anyhow::{Result, anyhow, ensure};
use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::blob::blob_path;
use ocre::image::judge::{Policy, Selector, Workspace, judge};
use ocre::image::trust::Trust;
use ocre::port::{OpenMode, Storage, StorageError};
use ocre_oci::{Sha256, write};

use crate::measure::engine;

/// Policy that accepts all images.
pub const POLICY: Policy<'_> = Policy {
    trust: &Trust::ANY,
    uninterruptible: false,
    prefer_portable: false,
    image_bytes: u64::MAX,
    memory_bytes: 64 << 20,
};

/// Writes an image of a module, or of AOT code with its annotations, and a blob into the root
/// folder.
pub fn write<S: Storage>(
    storage: &S,
    code: &[u8],
    annotations: &[(&str, &str)],
    blob: &[u8],
) -> Result<()> {
    let failed = |error: StorageError| anyhow!("{error}");
    storage.create_dir("/blobs").map_err(failed)?;
    storage.create_dir("/blobs/sha256").map_err(failed)?;
    let file = |path: &str, bytes: &[u8]| -> Result<()> {
        let mut file = storage.open(path, OpenMode::REWRITE).map_err(failed)?;
        storage.write(&mut file, bytes).map_err(failed)?;
        storage.close(file).map_err(failed)
    };
    let put =
        |media_type: &'static str, bytes: &[u8]| -> Result<write::DescriptorFields<'static>> {
            let digest = Sha256::of(bytes);
            file(&blob_path("/", &digest).map_err(failed)?, bytes)?;
            Ok(write::DescriptorFields {
                media_type,
                digest,
                size: bytes.len() as u64,
                annotations: &[],
                platform: None,
            })
        };
    let media_type = if code.starts_with(b"\0aot") {
        "application/vnd.ocre.image.layer.v1.wasm+aot"
    } else {
        "application/wasm"
    };
    let executable = write::DescriptorFields {
        annotations,
        ..put(media_type, code)?
    };
    let layers = [executable, put("application/octet-stream", blob)?];
    let mut config = String::new();
    let settings = write::ConfigFields {
        layer_digests: &layers.map(|layer| layer.digest),
        entry_point: "_start",
        env: &[],
        permissions: &[],
    };
    write::config(&mut config, &settings)?;
    let config = put("application/vnd.wasm.config.v0+json", config.as_bytes())?;
    let mut manifest = String::new();
    write::manifest(&mut manifest, &config, &layers, &[])?;
    let manifest = put(
        "application/vnd.oci.image.manifest.v1+json",
        manifest.as_bytes(),
    )?;
    let mut index = String::new();
    write::index(&mut index, |entries| entries.descriptor(&manifest))?;
    file("/index.json", index.as_bytes())?;
    let mut marker = String::new();
    write::layout(&mut marker)?;
    file("/oci-layout", marker.as_bytes())
}

/// The image that [`write()`] has written.
pub fn judged<S: Storage>(storage: &S) -> Result<Image> {
    let (mut document, mut config) = ([0; 8192], [0; 4096]);
    let workspace = Workspace {
        document: &mut document,
        config: &mut config,
    };
    let source = OciLayout { storage, root: "/" };
    let mut found = String::new();
    let mut image = Image::blank();
    let accepted = judge(
        source,
        Selector::default(),
        engine()?,
        &POLICY,
        workspace,
        &mut |finding, at, _| {
            found += &format!("{} at {at}", finding.as_str());
            std::ops::ControlFlow::Break(())
        },
        &mut image,
    );
    ensure!(accepted, found);
    Ok(image)
}
