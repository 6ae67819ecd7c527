// SPDX-License-Identifier: Apache-2.0
//! `ocre image push`: from the flash into a registry.

use std::path::Path;

use ocre::command::{Status, advice, images};
use ocre::image::judge::Source;
use ocre_registry::{Access, ImageName, Repository};

use super::copy;
use super::device;
use super::failure::Failure;
use super::output::Output;
use super::stored::Stored;
use super::transfer::{Speech, failed, image_name};

/// Puts an image of the flash into a registry.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Takes along what says something about the image
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    speech: Speech,
    /// The image on the flash
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Where to: REGISTRY/NAME[:TAG]; without it, what the image is called
    #[arg(value_name = "DESTINATION", value_parser = image_name)]
    destination: Option<ImageName>,
}

/// Pushes, and prints where to, and the digest.
pub fn run(args: &Args, flash: Option<&Path>, out: &mut Output) -> Result<Status, Failure> {
    let what = format!("can't push {}", args.image);
    let selector = images::selector(&args.image)
        .map_err(|code| Failure::new(&what, code.as_str(), advice::refusal(code)))?;
    let destination = match &args.destination {
        Some(destination) => destination.clone(),
        None => ImageName::parse(&args.image).map_err(|error| failed(&what, &error))?,
    };
    let client = args.speech.client(&what)?;
    let partition = device::partition(flash)?;
    device::store(&partition, &mut device::document())?;
    let from = Stored {
        layout: Source {
            storage: &partition,
            root: "/",
        },
        selector,
        name: args.image.clone(),
    };
    let to = Repository::new(&client, &destination, Access::Push, None)
        .map_err(|error| failed(&what, &error))?;
    let copied = args.speech.copy(&from, &to, None, args.referrers, &what)?;
    copy::print("pushed", &destination, &copied, out)
}
