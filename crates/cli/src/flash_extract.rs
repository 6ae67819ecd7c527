// SPDX-License-Identifier: Apache-2.0
//! `ocre flash extract`: copies an image out of a flash file into a layout on the PC, with all its
//! variants and its digests.

use std::path::PathBuf;

use ocre::command::{CommandStatus, hints};
use ocre::image::OciLayout;
use ocre::image::judge::Selector;
use ocre::image::store::Tag;
use ocre_oci::Reference;
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::layout_folder::LayoutFolder;
use ocre_tools::layout_source::LayoutSource;
use ocre_tools::partition;

use super::copy;
use super::output::LineOutput;
use super::transfer::{SIGNATURES, failed};

/// Copies an image out of a flash file.
#[derive(clap::Args, Debug)]
pub struct FlashExtractArgs {
    /// Flash file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Image in the flash file
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Folder of the layout, created if missing
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
}

/// Copies the image, and prints its destination and digest.
pub fn run(args: &FlashExtractArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let what = format!("can't extract {} from {}", args.image, args.file.display());
    let selector = Selector::parse(&args.image)
        .map_err(|code| Failure::new(&what, code.as_str(), hints::refusal(code)))?;
    let partition = LittleFs::open_to_read(&args.file)
        .map_err(|error| partition::unusable(&args.file, &error))?;
    let from = LayoutSource {
        layout: OciLayout {
            storage: &partition,
            root: "/",
        },
        selector,
        name: args.image.clone(),
    };
    // A digest alone is no name.
    let reference = Reference::parse(&args.image)
        .ok()
        .filter(|_| selector.name.is_some());
    let name = reference.map(|reference| Tag::new(&reference).as_str().to_owned());
    let to = LayoutFolder::open(&args.layout, name, true, &what)?;
    let options = ocre_registry::CopyOptions {
        platform: None,
        referrers: SIGNATURES,
        parallel: 1,
        progress: &|_| {},
    };
    let copied =
        ocre_registry::copy(&from, &to, &options).map_err(|error| failed(&what, &error))?;
    copy::print("extracted to", &args.layout.display(), &copied, out)
}
