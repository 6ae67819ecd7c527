// SPDX-License-Identifier: Apache-2.0
//! `ocre image push`: copies an image from the flash into a registry, or into a layout of the PC.

use std::path::Path;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::{CommandStatus, hints};
use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::image::verdict::Code;
use ocre_registry::ImageName;
use ocre_tools::failure::Failure;
use ocre_tools::layout_source::LayoutSource;
use ocre_tools::partition;

use super::copy::{self, Destination, ImageEndpoint};
use super::output::LineOutput;
use super::short_digest;
use super::transfer::{RegistryOptions, chosen, failed};

/// Puts an image of the flash into a registry, or into a layout of the PC.
#[derive(clap::Args, Debug)]
pub struct PushArgs {
    /// Push all referrers, not only signatures
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    registry_options: RegistryOptions,
    /// Image in the flash file
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Destination: REGISTRY/NAME[:TAG], oci:LAYOUT[:REF] or oci-archive:FILE[:REF] [default: IMAGE]
    #[arg(value_name = "DESTINATION", value_parser = OsStringValueParser::new().try_map(copy::place))]
    destination: Option<ImageEndpoint>,
}

/// Pushes the image, and prints its destination and digest.
pub fn run(
    args: &PushArgs,
    flash: Option<&Path>,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!("can't push {}", args.image);
    let refused = |code: Code| Failure::new(&what, code.as_str(), hints::refusal(code));
    Selector::parse(&args.image).map_err(refused)?;
    let destination = match &args.destination {
        Some(destination) => destination.clone(),
        None => ImageName::parse(&args.image)
            .map(ImageEndpoint::Registry)
            .map_err(|error| failed(&what, &error))?,
    };
    let client = args.registry_options.client(&what)?;
    let partition = partition::partition_with(&args.image, flash, &what)?;
    partition::store(&partition, &mut partition::document())?;
    let image = short_digest::resolve(&args.image, &partition);
    let selector = Selector::parse(&image).map_err(refused)?;
    let from = LayoutSource {
        layout: OciLayout {
            storage: &partition,
            root: "/",
        },
        selector,
        name: args.image.clone(),
    };
    let to = Destination {
        place: &destination,
        platform: None,
        referrers: chosen(args.referrers),
        registry_options: &args.registry_options,
        client: &client,
    };
    let copied = to.put(&from, None, &what)?;
    copy::print("pushed", &destination, &copied, out)
}
