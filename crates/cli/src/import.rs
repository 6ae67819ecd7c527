// SPDX-License-Identifier: Apache-2.0
//! `ocre image import`: copies an image from an OCI layout of the PC, a folder or an archive, onto
//! the flash.
//!
//! The variant for this machine is judged first, and a refused image is not copied. An image that
//! is only for another machine, or not allowed here, may be kept. All variants of the image are
//! copied, and each blob is hashed meanwhile.

use std::path::Path;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::verify::Look;
use ocre::command::{CommandStatus, hints};
use ocre::image::OciLayout;
use ocre::image::examine::Examination;
use ocre::image::judge::{Policy, Selector, Workspace};
use ocre::image::store::{self, Store};
use ocre::image::verdict::{Code, Finding, Verdict};
use ocre::port::{Engine, Storage, StorageError};
use ocre_oci::{Reference, Sha256};
use ocre_tools::failure::Failure;
use ocre_tools::layout::OpenLayout;
use ocre_tools::layout_name::{self, LayoutName};
use ocre_tools::linux_image;
use ocre_tools::oras_folder;
use ocre_tools::partition;

use super::device;
use super::import_name::ImportName;
use super::output::LineOutput;
use super::progress::Bar;

/// Copies an image onto the flash.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    /// OCI image layout (a folder, a tar file or a zip file), and the image in the layout
    #[arg(value_name = "LAYOUT[:REF|@DIGEST]", value_parser = OsStringValueParser::new().try_map(layout_name::value))]
    pub layout: LayoutName,
    /// Name in the flash file [default: the image's name, else the layout's with the tag]
    #[arg(value_name = "NAME[:TAG]", value_parser = name)]
    pub name: Option<String>,
}

/// Checks a name without a digest, for clap.
pub fn name(text: &str) -> Result<String, String> {
    match Reference::parse(text) {
        Ok(reference) if reference.digest().is_none() => Ok(text.to_owned()),
        Ok(_) => Err("a name has no digest".to_owned()),
        Err(error) => Err(hints::document(error.kind).to_owned()),
    }
}

/// Judges, copies, and prints the image's name and digest.
pub fn run<E: Engine>(
    args: &ImportArgs,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!("can't import {}", args.layout.path.display());
    let taken = match OpenLayout::open(&args.layout.path) {
        Ok(OpenLayout::Folder(folder)) => take(args, &folder, flash, engine, policy, &what, err),
        Ok(OpenLayout::Archive(archive)) => take(args, &archive, flash, engine, policy, &what, err),
        Err(missing) => Err(missing.into_failure(&what)),
    };
    print("imported", &taken?, out)
}

/// An image that was put on the flash.
pub struct Imported {
    /// Name on the flash.
    pub name: ImportName,
    /// Digest on the flash.
    pub digest: Sha256,
    /// Digest of the other image that had the name before.
    pub replaced: Option<Sha256>,
}

/// Judges and copies an image.
fn take<S: Storage, E: Engine>(
    args: &ImportArgs,
    layout: &S,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
    err: &mut LineOutput,
) -> Result<Imported, Failure> {
    let source = OciLayout {
        storage: layout,
        root: "/",
    };
    let selector = args.layout.selector();
    warn(source, selector, engine, policy, what, err)?;
    let hints = "give a name: `ocre image import LAYOUT NAME:TAG`";
    let name = name_of(args.name.as_deref(), source, &args.layout, what, hints)?;
    store(source, selector, name, flash, what, err)
}

/// Name of an image: the given one, else that of the layout. `hints` is the hint where there is
/// none.
pub fn name_of<S: Storage>(
    given: Option<&str>,
    source: OciLayout<'_, S>,
    layout: &LayoutName,
    what: &str,
    hints: &str,
) -> Result<ImportName, Failure> {
    match given {
        Some(name) => ImportName::given(name, what),
        None => ImportName::of_layout(source, layout).ok_or_else(|| {
            Failure::new(what, "reference-syntax", hints).because("the image has no name")
        }),
    }
}

/// Prints an image's name on the flash, its digest, and the image that it replaced.
pub fn print(
    verb: &str,
    imported: &Imported,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let Imported {
        name: ImportName { tag, derived },
        digest,
        replaced,
    } = imported;
    let printed = if out.json() {
        out.document(|out| {
            out.string("name", tag.as_str());
            out.display("digest", &digest);
            match replaced {
                Some(replaced) => out.display("replaced", &replaced),
                None => out.null("replaced"),
            }
        })
    } else {
        let replaced = replaced.map_or(String::new(), |replaced| {
            let kept = if *derived {
                "another image of this name; `NAME:TAG` after the layout imports under another name"
            } else {
                "kept until the new one works"
            };
            format!("replaced: {replaced} ({kept})\n")
        });
        let name = tag.as_str();
        out.text(&format!("{verb} {name}\ndigest: {digest}\n{replaced}"))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

/// Judges the image, and warns of a reason against running it here that allows keeping it.
pub fn warn<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
    err: &mut LineOutput,
) -> Result<(), Failure> {
    if let Some(kept) = judge(source, selector, engine, policy, what)? {
        warn_of(&kept, "here", err)?;
    }
    for title in oras_folder::titles(source, selector) {
        let note = format!(
            "note: {:?} is a folder packed by ORAS: a container sees an archive; `ocre image extract` unpacks it\n",
            title
        );
        err.text(&note)
            .map_err(|error| Failure::io("can't print", &error))?;
    }
    Ok(())
}

/// Reason why an image can be kept but not run.
pub struct KeptReason {
    code: Code,
    /// Description of an image for an operating system, if it is one.
    linux: Option<String>,
}

/// Warns of the reason against running an image at `place`.
pub fn warn_of(kept: &KeptReason, place: &str, err: &mut LineOutput) -> Result<(), Failure> {
    let KeptReason { code, linux } = kept;
    let kept = match linux {
        Some(linux) => format!(
            "warning: can't run {place}: {code} ({linux})\nhint: {}\n",
            linux_image::ADVICE
        ),
        None => format!(
            "warning: can't run {place}: {code}\nhint: {}\n",
            hints::refusal(*code)
        ),
    };
    err.text(&kept)
        .map_err(|error| Failure::io("can't print", &error))
}

/// Puts the image on the flash.
pub fn store<S: Storage>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    name: ImportName,
    flash: Option<&Path>,
    what: &str,
    err: &mut LineOutput,
) -> Result<Imported, Failure> {
    let partition = device::partition_or_new(flash, err)?;
    let mut document = partition::document();
    let mut store = partition::store(&partition, &mut document)?;
    let space = partition.space();
    let stored = store_in(&mut store, source, selector, name, what);
    stored.map_err(|failure| match space {
        Ok(space) if failure.code() == StorageError::NoSpace.code() => failure
            .because(format_args!(
                "the flash has {} bytes, {} of them free",
                space.total, space.free
            ))
            .advise(
                "remove images with `ocre image rm`, then `ocre image prune`; if the image is larger than the flash, create a larger one with `ocre flash create --size`",
            ),
        _ => failure,
    })
}

/// Puts the image into a store.
pub fn store_in<S: Storage, F: Storage>(
    store: &mut Store<'_, S>,
    source: OciLayout<'_, F>,
    selector: Selector<'_>,
    name: ImportName,
    what: &str,
) -> Result<Imported, Failure> {
    let mut bar = Bar::new();
    let stored = replace(store, source, selector, &name, &mut |progress| {
        bar.show(progress);
    });
    bar.finish();
    let (digest, replaced) =
        stored.map_err(|error| Failure::new(what, error.code(), hints::store(error)))?;
    Ok(Imported {
        name,
        digest,
        replaced,
    })
}

/// Imports an image. Returns its digest, and that of the other image that had its name.
fn replace<S: Storage, F: Storage>(
    store: &mut Store<'_, S>,
    source: OciLayout<'_, F>,
    selector: Selector<'_>,
    name: &ImportName,
    progress: &mut dyn FnMut(store::Progress),
) -> Result<(Sha256, Option<Sha256>), store::Error> {
    let tag = name.tag.as_str();
    let named = Selector {
        name: Some(tag),
        digest: None,
    };
    let old = match store.tagged(tag)? {
        None => None,
        Some(tagged) => Some((tagged.fingerprint, store.find(named)?.digest)),
    };
    store.import(source, selector, &name.tag, progress)?;
    let digest = store.find(named)?.digest;
    let Some(new) = store.tagged(tag)? else {
        return Ok((digest, None));
    };
    let replaced = old.filter(|(fingerprint, _)| *fingerprint != new.fingerprint);
    if replaced.is_some() && name.derived {
        // The new image is no update of the other one, so it needs no trial.
        store.tried(tag, new.fingerprint, true)?;
    }
    Ok((digest, replaced.map(|(_, digest)| digest)))
}

/// Judges an image. Returns a reason against running it here that allows keeping it.
fn judge<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
) -> Result<Option<KeptReason>, Failure> {
    let (mut document, mut config) = (partition::document(), partition::document());
    let mut examination = Examination {
        source,
        selector,
        engine,
        policy,
        workspace: Workspace {
            document: &mut document,
            config: &mut config,
        },
    };
    let linux = || linux_image::describe(source, selector);
    weigh(&mut |report| examination.judge(report), &linux, what)
}

/// Judges an image by `look`. Returns a reason against running it that allows keeping it. `linux`
/// describes an image for an operating system.
pub fn weigh(
    look: Look<'_>,
    linux: &dyn Fn() -> Option<String>,
    what: &str,
) -> Result<Option<KeptReason>, Failure> {
    let mut verdict = Verdict::new(false);
    let mut first: Option<(Code, String)> = None;
    look(&mut |finding, at, detail| match finding {
        Finding::Refusal(code) if code.may_be_stored() => {
            first.get_or_insert_with(|| (code, at.to_string()));
            std::ops::ControlFlow::Continue(())
        }
        other => verdict.note(other, at, detail),
    });
    match (verdict.refusal(), first) {
        (None, None) => Ok(None),
        (None, Some((code, _))) => Ok(Some(KeptReason {
            code,
            linux: linux(),
        })),
        (Some(finding), first) => Err(match linux() {
            None => Failure::new(what, finding.as_str(), hints::finding(finding))
                .at(verdict.at())
                .because(verdict.detail()),
            // The first refusal counts, as in the judge's verdict; it may allow keeping.
            Some(linux) => {
                let own = (finding.as_str(), verdict.at().to_owned());
                let (code, at) = first.map_or(own, |(code, at)| (code.as_str(), at));
                Failure::new(what, code, linux_image::ADVICE)
                    .at(at)
                    .because(linux)
            }
        }),
    }
}
