// SPDX-License-Identifier: Apache-2.0
//! `ocre image pull`: copies an image from a registry onto the flash.
//!
//! The image comes into a layout in the user's cache, is judged there as any other, and only then
//! imported. After an interrupted pull the next one continues it.

use std::fs;
use std::path::{Path, PathBuf};

use ocre::command::CommandStatus;
use ocre::image::OciLayout;
use ocre::image::judge::{Policy, Selector};
use ocre::port::Engine;
use ocre_oci::Sha256;
use ocre_pc::directory::Directory;
use ocre_registry::{Access, Client, ImageName, PlatformName, Repository};
use ocre_tools::failure::Failure;
use ocre_tools::layout_folder::LayoutFolder;
use ocre_tools::partition;

use super::import;
use super::import_name::ImportName;
use super::output::LineOutput;
use super::transfer::{RegistryOptions, SIGNATURES, failed, image_name, platform};

/// Takes an image from a registry onto the flash.
#[derive(clap::Args, Debug)]
pub struct PullArgs {
    /// Pull only the manifest for this platform, not all variants of the image
    #[arg(long, value_name = "OS/ARCHITECTURE", value_parser = platform)]
    platform: Option<PlatformName>,
    #[command(flatten)]
    registry_options: RegistryOptions,
    /// Image: REGISTRY/NAME, with a tag or a digest
    #[arg(value_name = "IMAGE", value_parser = docker_name)]
    image: ImageName,
    /// Name in the flash file [default: the name in the registry]
    #[arg(value_name = "NAME[:TAG]", value_parser = import::name)]
    name: Option<String>,
}

/// Parses an image in a registry, also in skopeo's syntax, for clap.
fn docker_name(text: &str) -> Result<ImageName, String> {
    image_name(text.strip_prefix("docker://").unwrap_or(text))
}

/// Pulls, judges, and prints the image's name and digest.
pub fn run<E: Engine>(
    args: &PullArgs,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!("can't pull {}", args.image);
    let text = args.name.clone().unwrap_or_else(|| args.image.to_string());
    let name = ImportName::given(&text, &what)?;
    let tag = name.tag.clone();
    let client: Client = args.registry_options.client(&what)?;
    let staging = staging(args)?;
    let sink = LayoutFolder::open(&staging, Some(tag.as_str().to_owned()), false, &what)?;
    let repository = Repository::new(&client, &args.image, Access::Pull, None)
        .map_err(|error| failed(&what, &error))?;
    args.registry_options
        .copy(&repository, &sink, args.platform.clone(), SIGNATURES, &what)?;

    let layout = Directory::open(&staging).map_err(|error| Failure::folder(&what, error))?;
    let source = OciLayout {
        storage: &layout,
        root: "/",
    };
    let selector = Selector {
        name: Some(tag.as_str()),
        digest: None,
    };
    let judged = import::warn(source, selector, engine, policy, &what, err);
    let stored = judged
        .as_ref()
        .ok()
        .map(|()| import::store(source, selector, name, flash, &what, err));
    if !matches!(stored, Some(Err(_))) {
        // The image is on the flash, or refused. A rest would only take space.
        let _ = fs::remove_dir_all(&staging);
    }
    judged?;
    match stored {
        Some(stored) => import::print("pulled", &stored?, out),
        None => Ok(CommandStatus::Failed),
    }
}

/// Folder of the image until it is on the flash, unique to its name, platform and new name.
fn staging(args: &PullArgs) -> Result<PathBuf, Failure> {
    let wanted = format!("{} {:?} {:?}", args.image, args.platform, args.name);
    let name = Sha256::of(wanted.as_bytes()).hex().to_string();
    Ok(partition::cache_folder()?.join("pull").join(name))
}
