// SPDX-License-Identifier: Apache-2.0
//! `ocre image extract`: writes the files of an image, under the names that it gives them.
//!
//! Promised: every name is checked before anything is written; nothing is written outside of the
//! folder, nor over a file; content with a wrong digest gets no name.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::report::Sanitized;
use ocre::command::{CommandStatus, hints};
use ocre::image::OciLayout;
use ocre::image::judge::{Selector, TITLE};
use ocre_oci::json::Elements;
use ocre_oci::{Descriptor, Sha256};
use ocre_registry::{Blob, ImageDocument, PlatformName, Source, Verified, manifest};
use ocre_tools::failure::Failure;
use ocre_tools::layout::OpenLayout;
use ocre_tools::layout_name::LayoutName;
use ocre_tools::layout_source::LayoutSource;
use ocre_tools::oras_folder;
use ocre_tools::partition;

use super::copy::{self, ImageEndpoint};
use super::output::LineOutput;
use super::transfer::{failed, platform};

/// Writes the files of an image that have names.
#[derive(clap::Args, Debug)]
pub struct ExtractArgs {
    /// Platform of an index
    #[arg(long, value_name = "OS/ARCHITECTURE", value_parser = platform)]
    platform: Option<PlatformName>,
    /// Image in the flash file, or oci:LAYOUT[:REF|@DIGEST], or oci-archive:FILE[:REF|@DIGEST]
    #[arg(value_name = "IMAGE", value_parser = OsStringValueParser::new().try_map(image))]
    image: ImageSource,
    /// Output folder, new or empty
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

#[derive(Clone, Debug)]
enum ImageSource {
    Flash(String),
    Layout(LayoutName, String),
}

fn image(argument: std::ffi::OsString) -> Result<ImageSource, String> {
    let text = argument.to_string_lossy().into_owned();
    if text.starts_with("oci:") || text.starts_with("oci-archive:") {
        return match copy::place(argument)? {
            ImageEndpoint::Layout(name) | ImageEndpoint::Archive(name) => {
                Ok(ImageSource::Layout(name, text))
            }
            ImageEndpoint::Registry(_) => Err("not a layout".to_owned()),
        };
    }
    argument
        .into_string()
        .map(ImageSource::Flash)
        .map_err(|_| "not UTF-8".to_owned())
}

/// Extracts the files, and prints them.
pub fn run(
    args: &ExtractArgs,
    flash: Option<&Path>,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let (ImageSource::Flash(text) | ImageSource::Layout(_, text)) = &args.image;
    let what = format!("can't extract {text}");
    match &args.image {
        ImageSource::Flash(name) => {
            let selector = Selector::parse(name)
                .map_err(|code| Failure::new(&what, code.as_str(), hints::refusal(code)))?;
            let partition = partition::partition_with(name, flash, &what)?;
            partition::store(&partition, &mut partition::document())?;
            let from = LayoutSource {
                layout: OciLayout {
                    storage: &partition,
                    root: "/",
                },
                selector,
                name: name.clone(),
            };
            extract(args, &from, &what, out)
        }
        ImageSource::Layout(name, text) => match OpenLayout::open(&name.path) {
            Ok(OpenLayout::Folder(folder)) => {
                extract(args, &copy::stored(&folder, name, text), &what, out)
            }
            Ok(OpenLayout::Archive(archive)) => {
                extract(args, &copy::stored(&archive, name, text), &what, out)
            }
            Err(missing) => Err(missing.into_failure(&what)),
        },
    }
}

/// A file with a name in an image.
struct Named {
    title: String,
    blob: Blob,
    folder: Option<PackedFolder>,
}

/// A folder that ORAS has packed into a file.
struct PackedFolder {
    digest: Option<Sha256>,
    /// Number of files in it; 0 until it is unpacked.
    files: usize,
}

fn extract(
    args: &ExtractArgs,
    from: &dyn Source,
    what: &str,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let refused = |error| failed(what, &error);
    let document = manifest(from, args.platform.as_ref()).map_err(refused)?;
    let (named, unnamed) = named(&document, what)?;
    if named.is_empty() {
        let hints =
            "copy the image into a layout with `ocre image copy`, and read the blobs by digest";
        return Err(
            Failure::new(what, "extract-none", hints).because("no file in the image has a title")
        );
    }
    let io = |error| Failure::io(what, &error);
    match fs::read_dir(&args.folder).map(|mut entries| entries.next().is_some()) {
        Ok(true) => {
            let hints = "name a new folder, or an empty one";
            let failure = Failure::new(what, "extract-not-empty", hints);
            return Err(failure.at(args.folder.display()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(&args.folder).map_err(io)?;
        }
        looked => {
            looked.map_err(io)?;
        }
    }
    let mut named = named;
    for file in &mut named {
        let target = args.folder.join(&file.title);
        let part = args
            .folder
            .join(format!(".part-{}", file.blob.digest.hex()));
        let Some(folder) = &mut file.folder else {
            write(&target, &part, &file.blob, from).map_err(|error| failed(what, &error))?;
            continue;
        };
        write(&part, &part.with_extension("new"), &file.blob, from)
            .map_err(|error| failed(what, &error))?;
        let scratch = part.with_extension("folder");
        let packed = ocre_files::open(&part).map_err(io)?;
        let unpacked = oras_folder::unpack(packed, folder.digest, &target, &scratch, what);
        // A rest of either does no harm.
        let _ = fs::remove_dir_all(&scratch);
        let _ = fs::remove_file(&part);
        folder.files = unpacked?;
    }
    print(args, &named, unnamed, out).map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

/// Lists the named files of a manifest, its config first, and counts those without a name.
fn named(document: &ImageDocument, what: &str) -> Result<(Vec<Named>, usize), Failure> {
    let root = document.parse().map_err(|error| failed(what, &error))?;
    let wrong = |error| {
        let error = ocre_registry::Error::of_document(error, &document.bytes, document.digest);
        failed(what, &error)
    };
    let (mut named, mut unnamed) = (Vec::new(), 0);
    let mut titles = BTreeSet::new();
    let layers = Elements::of(root.get("layers"));
    for value in root.get("config").into_iter().chain(layers) {
        let descriptor = Descriptor::parse(value).map_err(wrong)?;
        let Some(title) = descriptor.annotations().get(TITLE) else {
            unnamed += 1;
            continue;
        };
        let title = title.to_string();
        let refused = |code, detail: &str, hints| {
            Err(Failure::new(what, code, hints)
                .at(format_args!("{title:?}"))
                .because(detail))
        };
        if let Some(why) = leaves(&title) {
            let hints =
                "do not trust this image; `ocre image copy` can copy the content into a layout";
            return refused("extract-title", why, hints);
        }
        let above = |title: &str| {
            Path::new(title)
                .ancestors()
                .skip(1)
                .any(|above| above.to_str().is_some_and(|above| titles.contains(above)))
        };
        let inside = format!("{title}/");
        if titles.contains(&title)
            || above(&title)
            || titles
                .iter()
                .any(|other: &String| other.starts_with(&inside))
        {
            let hints = "report the fault to the image's author; `ocre image copy` can copy the content into a layout";
            return refused("extract-duplicate", "two files have the same name", hints);
        }
        let Some(digest) = descriptor.digest.sha256() else {
            let code = ocre::image::verdict::Code::DigestUnsupported;
            return refused(code.as_str(), "", hints::refusal(code));
        };
        let size = descriptor.size;
        let annotations = descriptor.annotations();
        let folder = oras_folder::is_folder(&descriptor).then(|| PackedFolder {
            digest: oras_folder::digest(annotations),
            files: 0,
        });
        titles.insert(title.clone());
        named.push(Named {
            title,
            blob: Blob { digest, size },
            folder,
        });
    }
    Ok((named, unnamed))
}

/// Reason why a title is no name of a file in the folder; `None` if it is.
fn leaves(title: &str) -> Option<&'static str> {
    if title.is_empty() {
        return Some("the title is empty");
    }
    if title.starts_with('/') {
        return Some("the title is absolute");
    }
    if title.contains('\\') || title.contains(':') || title.chars().any(char::is_control) {
        return Some("the title has a character that is not portable in file names");
    }
    if title.split('/').any(|part| part == "..") {
        return Some("the title leads out of the folder");
    }
    if title.split('/').any(|part| matches!(part, "" | ".")) {
        return Some("the title is not a plain path");
    }
    None
}

/// Writes a file as `part`, and moves it to `path` when it is whole.
fn write(
    path: &Path,
    part: &Path,
    blob: &Blob,
    from: &dyn Source,
) -> Result<(), ocre_registry::Error> {
    let mut content = Verified::new(from.open(blob, 0)?, blob);
    let done = (|| {
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        let mut written = ocre_files::create_new(part)?;
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match content.read(&mut buffer)? {
                0 => break,
                count => written.write_all(&buffer[..count])?,
            }
        }
        fs::rename(part, path)
    })();
    if done.is_err() {
        // Only the first error matters.
        let _ = fs::remove_file(part);
    }
    done.map_err(|error| ocre_registry::Error::of_io(error, path.display()))
}

fn print(
    args: &ExtractArgs,
    named: &[Named],
    unnamed: usize,
    out: &mut LineOutput,
) -> io::Result<()> {
    if out.json() {
        return out.document(|out| {
            out.array("files", |out| {
                named.iter().for_each(|file| {
                    out.object(|out| {
                        out.string("name", &file.title);
                        out.display("digest", &file.blob.digest);
                        out.unsigned("size", file.blob.size);
                        if let Some(folder) = &file.folder {
                            out.unsigned("unpackedFiles", folder.files as u64);
                        }
                    })
                })
            });
            out.unsigned("withoutName", unnamed as u64)
        });
    }
    for file in named {
        let path = args.folder.join(&file.title);
        let (path, size) = (Sanitized(path.display()), file.blob.size);
        match &file.folder {
            None => out.line(format_args!("{path} ({size} bytes)"))?,
            Some(folder) => {
                let count = folder.files;
                out.line(format_args!(
                    "{path}/ (files: {count}, packed in {size} bytes)"
                ))?;
            }
        }
    }
    match unnamed {
        0 => Ok(()),
        count => out.line(format_args!("skipped without a name: {count}")),
    }
}
