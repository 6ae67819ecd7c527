// SPDX-License-Identifier: Apache-2.0
//! `ocre image copy`: between registries and layouts on the PC, in any direction. The flash is
//! not asked.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::os::unix::ffi::OsStrExt as _;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::Status;
use ocre::image::judge;
use ocre_host::directory::Directory;
use ocre_registry::{Access, Client, Copied, ImageName, Platform, Repository, Sink, Source};

use super::failure::Failure;
use super::import;
use super::layout_folder::LayoutFolder;
use super::layout_name::LayoutName;
use super::output::Output;
use super::stored::Stored;
use super::transfer::{Speech, failed, image_name, platform};

/// Copies an image between registries and layouts, with its digests.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Takes only the part of an index that is for it
    #[arg(long, value_name = "OS/ARCHITECTURE", value_parser = platform)]
    platform: Option<Platform>,
    /// Takes along what says something about the image
    #[arg(long)]
    referrers: bool,
    #[command(flatten)]
    speech: Speech,
    /// Where it is: REGISTRY/NAME[:TAG|@DIGEST] or oci:LAYOUT[:REF|@DIGEST]
    #[arg(value_name = "FROM", value_parser = OsStringValueParser::new().try_map(place))]
    from: Place,
    /// Where it goes: REGISTRY/NAME[:TAG] or oci:LAYOUT[:REF]
    #[arg(value_name = "TO", value_parser = OsStringValueParser::new().try_map(place))]
    to: Place,
}

/// Where an image is or goes, spelt as skopeo spells it; `docker://` may be left out.
#[derive(Clone, Debug)]
enum Place {
    Registry(ImageName),
    Layout(LayoutName),
}

fn place(argument: OsString) -> Result<Place, String> {
    if let Some(layout) = argument.as_bytes().strip_prefix(b"oci:") {
        return LayoutName::parse(OsStr::from_bytes(layout)).map(Place::Layout);
    }
    let text = argument.to_str().ok_or("not UTF-8")?;
    image_name(text.strip_prefix("docker://").unwrap_or(text)).map(Place::Registry)
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(name) => name.fmt(f),
            Self::Layout(layout) => {
                write!(f, "oci:{}", layout.folder.display())?;
                if let Some(name) = &layout.name {
                    write!(f, ":{name}")?;
                }
                layout
                    .digest
                    .map_or(Ok(()), |digest| write!(f, "@{digest}"))
            }
        }
    }
}

/// Copies, and prints where to, and the digest.
pub fn run(args: &Args, out: &mut Output) -> Result<Status, Failure> {
    let what = format!("can't copy {} to {}", args.from, args.to);
    let client = args.speech.client(&what)?;
    let copied = match &args.from {
        Place::Registry(name) => {
            let from = Repository::new(&client, name, Access::Pull, None)
                .map_err(|error| failed(&what, &error))?;
            put(args, &client, &from, Some(name), &what)
        }
        Place::Layout(layout) => {
            let folder: Directory = import::open(&layout.folder, &what)?;
            let from = Stored {
                layout: judge::Source {
                    storage: &folder,
                    root: "/",
                },
                selector: layout.selector(),
                name: args.from.to_string(),
            };
            put(args, &client, &from, None, &what)
        }
    }?;
    print("copied to", &args.to, &copied, out)
}

fn put(
    args: &Args,
    client: &Client,
    from: &dyn Source,
    beside: Option<&ImageName>,
    what: &str,
) -> Result<Copied, Failure> {
    let copy = |to: &dyn Sink| {
        let platform = args.platform.clone();
        args.speech.copy(from, to, platform, args.referrers, what)
    };
    match &args.to {
        Place::Registry(name) => {
            let to = Repository::new(client, name, Access::Push, beside)
                .map_err(|error| failed(what, &error))?;
            copy(&to)
        }
        Place::Layout(layout) => copy(&LayoutFolder::open(
            &layout.folder,
            layout.name.clone(),
            true,
            what,
        )?),
    }
}

/// Says where an image went, and its digest.
pub fn print(
    verb: &str,
    to: &dyn Display,
    copied: &Copied,
    out: &mut Output,
) -> Result<Status, Failure> {
    let printed = if out.json() {
        out.document(|out| {
            out.string("name", to)?;
            out.string("digest", copied.digest)?;
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
    Ok(Status::Ok)
}
