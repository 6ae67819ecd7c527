// SPDX-License-Identifier: Apache-2.0
//! `ocre image copy`: copies between registries and layouts on the PC, folders and archives, in
//! any direction. The flash is not used.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::os::unix::ffi::OsStrExt as _;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::CommandStatus;
use ocre::image::OciLayout;
use ocre_registry::{
    Access, Client, Copied, CopiedReferrers, ImageName, PlatformName, Repository, Sink, Source,
};
use ocre_tools::failure::Failure;
use ocre_tools::layout::OpenLayout;
use ocre_tools::layout_archive::LayoutArchive;
use ocre_tools::layout_folder::LayoutFolder;
use ocre_tools::layout_name::LayoutName;
use ocre_tools::layout_source::LayoutSource;

use super::output::LineOutput;
use super::transfer::{RegistryOptions, chosen, failed, image_name, platform};

/// Copies an image between registries and layouts, with its digests.
#[derive(clap::Args, Debug)]
pub struct CopyArgs {
    /// Copy only the manifest for this platform from an index
    #[arg(long, value_name = "OS/ARCHITECTURE", value_parser = platform)]
    platform: Option<PlatformName>,
    /// Copy all referrers, not only signatures
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    registry_options: RegistryOptions,
    /// Source: REGISTRY/NAME[:TAG|@DIGEST], oci:LAYOUT[:REF|@DIGEST] or oci-archive:FILE[:REF|@DIGEST]
    #[arg(value_name = "FROM", value_parser = OsStringValueParser::new().try_map(place))]
    from: ImageEndpoint,
    /// Destination: REGISTRY/NAME[:TAG], oci:LAYOUT[:REF] or oci-archive:FILE[:REF]
    #[arg(value_name = "TO", value_parser = OsStringValueParser::new().try_map(place))]
    to: ImageEndpoint,
}

/// Source or destination of an image, in skopeo's syntax; `docker://` may be left out.
#[derive(Clone, Debug)]
pub enum ImageEndpoint {
    /// An image in a registry.
    Registry(ImageName),
    /// An image in a layout's folder.
    Layout(LayoutName),
    /// An image in an archive of a layout.
    Archive(LayoutName),
}

/// Parses a place, for clap.
pub fn place(argument: OsString) -> Result<ImageEndpoint, String> {
    let layout = |prefix: &str| argument.as_bytes().strip_prefix(prefix.as_bytes());
    if let Some(layout) = layout("oci:") {
        return LayoutName::parse(OsStr::from_bytes(layout)).map(ImageEndpoint::Layout);
    }
    if let Some(archive) = layout("oci-archive:") {
        return LayoutName::parse(OsStr::from_bytes(archive)).map(ImageEndpoint::Archive);
    }
    let text = argument.to_str().ok_or("not UTF-8")?;
    image_name(text.strip_prefix("docker://").unwrap_or(text)).map(ImageEndpoint::Registry)
}

impl Display for ImageEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, layout) = match self {
            Self::Registry(name) => return name.fmt(f),
            Self::Layout(layout) => ("oci", layout),
            Self::Archive(layout) => ("oci-archive", layout),
        };
        write!(f, "{prefix}:{layout}")
    }
}

/// Copies the image, and prints its destination and digest.
pub fn run(args: &CopyArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let what = format!("can't copy {} to {}", args.from, args.to);
    let client = args.registry_options.client(&what)?;
    let to = Destination {
        place: &args.to,
        platform: args.platform.clone(),
        referrers: chosen(args.referrers),
        registry_options: &args.registry_options,
        client: &client,
    };
    let from = args.from.to_string();
    let copied = match &args.from {
        ImageEndpoint::Registry(name) => {
            let from = Repository::new(&client, name, Access::Pull, None)
                .map_err(|error| failed(&what, &error))?;
            to.put(&from, Some(name), &what)
        }
        ImageEndpoint::Layout(name) | ImageEndpoint::Archive(name) => {
            match OpenLayout::open(&name.path) {
                Ok(OpenLayout::Folder(folder)) => {
                    to.put(&stored(&folder, name, &from), None, &what)
                }
                Ok(OpenLayout::Archive(archive)) => {
                    to.put(&stored(&archive, name, &from), None, &what)
                }
                Err(missing) => Err(missing.into_failure(&what)),
            }
        }
    }?;
    print("copied to", &args.to, &copied, out)
}

/// Source for an image in a layout; `text` is the user's name for it.
pub fn stored<'a, S>(storage: &'a S, name: &'a LayoutName, text: &str) -> LayoutSource<'a, S> {
    LayoutSource {
        layout: OciLayout { storage, root: "/" },
        selector: name.selector(),
        name: text.to_owned(),
    }
}

/// Destination of an image, and settings of the copy.
pub struct Destination<'a> {
    /// Place of the copy.
    pub place: &'a ImageEndpoint,
    /// Platform to copy from an index; `None` for all.
    pub platform: Option<PlatformName>,
    /// Referrers to copy with the image.
    pub referrers: CopiedReferrers<'static>,
    /// Settings for registries.
    pub registry_options: &'a RegistryOptions,
    /// Client with these settings.
    pub client: &'a Client,
}

impl Destination<'_> {
    /// Copies an image there; `beside` is the repository that it comes from, if there is one.
    pub fn put(
        &self,
        from: &dyn Source,
        beside: Option<&ImageName>,
        what: &str,
    ) -> Result<Copied, Failure> {
        let copy = |to: &dyn Sink| {
            let platform = self.platform.clone();
            self.registry_options
                .copy(from, to, platform, self.referrers, what)
        };
        match self.place {
            ImageEndpoint::Registry(name) => {
                let to = Repository::new(self.client, name, Access::Push, beside)
                    .map_err(|error| failed(what, &error))?;
                copy(&to)
            }
            ImageEndpoint::Layout(layout) => copy(&LayoutFolder::open(
                &layout.path,
                layout.name.clone(),
                true,
                what,
            )?),
            ImageEndpoint::Archive(layout) => {
                let to = LayoutArchive::create(&layout.path, layout.name.clone(), what)?;
                let copied = copy(&to)?;
                to.finish(what)?;
                Ok(copied)
            }
        }
    }
}

/// Prints the destination of an image, and its digest.
pub fn print(
    verb: &str,
    to: &dyn Display,
    copied: &Copied,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let printed = if out.json() {
        out.document(|out| {
            out.display("name", &to);
            out.display("digest", &copied.digest);
            out.unsigned("referrers", copied.referrers as u64)
        })
    } else {
        let referrers = match copied.referrers {
            0 => String::new(),
            count => format!("referrers: {count}\n"),
        };
        out.text(&format!(
            "{verb} {to}\ndigest: {}\n{referrers}",
            copied.digest
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}
