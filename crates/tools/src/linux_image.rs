// SPDX-License-Identifier: Apache-2.0
//! Images for Linux and other operating systems, which are common in registries and which no
//! WebAssembly engine runs. They are recognized, so that a refusal can name the reason.

use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::port::Storage;

use crate::selected_manifest::{blob, read};

/// Hint for such an image.
pub const ADVICE: &str = "compile the program for `wasm32-wasip1`, and pack an image with `ocre image pack --wasm FILE -t NAME -o LAYOUT`";

/// Media types of the configs of such images.
const CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// Describes the selected image if it is for an operating system: `an image for linux/amd64, which
/// has no WebAssembly`.
pub fn describe<S: Storage>(source: OciLayout<'_, S>, selector: Selector<'_>) -> Option<String> {
    let manifest = read(source, selector)?;
    let descriptor = &manifest["config"];
    let media_type = descriptor["mediaType"].as_str()?;
    if !CONFIGS.contains(&media_type) {
        return None;
    }
    let config = blob(source, descriptor)?;
    let (os, architecture) = (config["os"].as_str()?, config["architecture"].as_str()?);
    let is_wasm = |word: &str| word.starts_with("wasm") || word.starts_with("wasi");
    (!is_wasm(os) && !is_wasm(architecture))
        .then(|| format!("an image for {os}/{architecture}, which has no WebAssembly"))
}
