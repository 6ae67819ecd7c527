// SPDX-License-Identifier: Apache-2.0
//! `ocre image import`: from an OCI layout of the PC, a folder or an archive, onto the flash.
//!
//! The variant for this machine is judged first, and what is refused does not get in; but an
//! image that is only not for this machine, or not allowed here, may be kept. All variants of
//! the image are copied, and each blob is hashed while it is.

use std::ffi::OsStr;
use std::path::Path;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::verify::{Examination, Look};
use ocre::command::{Status, advice};
use ocre::image::content::read_named;
use ocre::image::judge::{Policy, Selector, Source, Workspace};
use ocre::image::store::{Store, Tag};
use ocre::image::verdict::{Code, Finding, Verdict};
use ocre::port::{Engine, Storage};
use ocre_oci::json::{self, Caps};
use ocre_oci::{Index, Reference, Sha256};

use super::bar::Bar;
use super::device;
use super::failure::Failure;
use super::layout::Layout;
use super::layout_name::{self, LayoutName};
use super::output::Output;

/// Copies an image onto the flash.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The folder, or the tar or zip file, of an OCI image layout, and which of its images
    #[arg(value_name = "LAYOUT[:REF|@DIGEST]", value_parser = OsStringValueParser::new().try_map(layout_name::value))]
    pub layout: LayoutName,
    /// Its name on the flash; without one the name it has, or the folder's
    #[arg(value_name = "NAME[:TAG]", value_parser = name)]
    pub name: Option<String>,
}

/// A name without a digest, for clap.
pub fn name(text: &str) -> Result<String, String> {
    match Reference::parse(text) {
        Ok(reference) if reference.digest().is_none() => Ok(text.to_owned()),
        Ok(_) => Err("a name has no digest".to_owned()),
        Err(error) => Err(advice::document(error.kind).to_owned()),
    }
}

/// Judges, copies, and prints the image's name and digest.
pub fn run<E: Engine>(
    args: &Args,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut Output,
    err: &mut Output,
) -> Result<Status, Failure> {
    let what = format!("can't import {}", args.layout.path.display());
    let taken = match Layout::open(&args.layout.path) {
        Ok(Layout::Folder(folder)) => take(args, &folder, flash, engine, policy, &what, err),
        Ok(Layout::Archive(archive)) => take(args, &archive, flash, engine, policy, &what, err),
        Err(missing) => Err(missing.into_failure(&what)),
    };
    let (tag, digest) = taken?;
    print("imported", &tag, &digest, out)
}

/// Judges and copies; the image's name and digest.
fn take<S: Storage, E: Engine>(
    args: &Args,
    layout: &S,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
    err: &mut Output,
) -> Result<(Tag, Sha256), Failure> {
    let source = Source {
        storage: layout,
        root: "/",
    };
    let selector = args.layout.selector();
    warn(source, selector, engine, policy, what, err)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => own_name(source, &args.layout).ok_or_else(|| {
            let advice = "give it one: `ocre image import LAYOUT NAME:TAG`";
            Failure::new(what, "reference-syntax", advice).because("the image has no name")
        })?,
    };
    let refused = |code: Code| Failure::new(what, code.as_str(), advice::refusal(code));
    let reference = Reference::parse(&name).map_err(|error| refused(Code::Document(error.kind)))?;
    let tag = Tag::new(&reference);
    let digest = store(source, selector, &tag, flash, what)?;
    Ok((tag, digest))
}

/// Says under which name the image is on the flash now, and its digest.
pub fn print(verb: &str, tag: &Tag, digest: &Sha256, out: &mut Output) -> Result<Status, Failure> {
    let printed = if out.json() {
        out.document(|out| {
            out.string("name", tag.as_str());
            out.display("digest", &digest)
        })
    } else {
        out.line(format_args!("{verb} {}", tag.as_str()))
            .and_then(|()| out.line(format_args!("digest: {digest}")))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(Status::Ok)
}

/// Judges the image, and warns of what is against running it here, but not against keeping it.
pub fn warn<S: Storage, E: Engine>(
    source: Source<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
    err: &mut Output,
) -> Result<(), Failure> {
    match judge(source, selector, engine, policy, what)? {
        Some(code) => warn_of(code, "here", err),
        None => Ok(()),
    }
}

/// Warns of what is against running an image somewhere, but not against keeping it.
pub fn warn_of(code: Code, place: &str, err: &mut Output) -> Result<(), Failure> {
    let kept = format!(
        "warning: can't run {place}: {code}\nhint: {}\n",
        advice::refusal(code)
    );
    err.text(&kept)
        .map_err(|error| Failure::io("can't print", &error))
}

/// Puts the image on the flash; its digest there.
pub fn store<S: Storage>(
    source: Source<'_, S>,
    selector: Selector<'_>,
    tag: &Tag,
    flash: Option<&Path>,
    what: &str,
) -> Result<Sha256, Failure> {
    let partition = device::partition(flash)?;
    let mut document = device::document();
    let mut store = device::store(&partition, &mut document)?;
    store_in(&mut store, source, selector, tag, what)
}

/// Puts the image into a store; its digest there.
pub fn store_in<S: Storage, F: Storage>(
    store: &mut Store<'_, S>,
    source: Source<'_, F>,
    selector: Selector<'_>,
    tag: &Tag,
    what: &str,
) -> Result<Sha256, Failure> {
    let mut bar = Bar::new();
    let imported = store.import(source, selector, tag, &mut |progress| bar.show(progress));
    bar.finish();
    let stored = imported.and_then(|()| {
        store.find(Selector {
            name: Some(tag.as_str()),
            digest: None,
        })
    });
    stored
        .map(|content| content.digest)
        .map_err(|error| Failure::new(what, error.code(), advice::store(error)))
}

/// Judges; what is against running the image here, but not against keeping it.
fn judge<S: Storage, E: Engine>(
    source: Source<'_, S>,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    what: &str,
) -> Result<Option<Code>, Failure> {
    let (mut document, mut config) = (device::document(), device::document());
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
    weigh(&mut |report| examination.judge(report), what)
}

/// Looks at an image; what is against running it, but not against keeping it.
pub fn weigh(look: Look<'_>, what: &str) -> Result<Option<Code>, Failure> {
    let mut verdict = Verdict::new(false);
    let mut kept = None;
    look(&mut |finding, at, detail| match finding {
        Finding::Refusal(code) if code.may_be_stored() => {
            kept.get_or_insert(code);
            std::ops::ControlFlow::Continue(())
        }
        other => verdict.note(other, at, detail),
    });
    match verdict.refusal() {
        None => Ok(kept),
        Some(finding) => {
            let failure = Failure::new(what, finding.as_str(), advice::finding(finding));
            Err(failure.at(verdict.at()).because(verdict.detail()))
        }
    }
}

/// The name that the image has in its layout, else the folder's or the file's.
pub fn own_name<S: Storage>(source: Source<'_, S>, layout: &LayoutName) -> Option<String> {
    let is_name = |name: &String| Reference::parse(name).is_ok();
    let folder = || {
        let path = layout.path.canonicalize().ok()?;
        let name = if path.is_dir() {
            path.file_name()
        } else {
            path.file_stem()
        };
        Some(name.and_then(OsStr::to_str)?.to_owned())
    };
    let indexed = || {
        let mut buffer = device::document();
        let index = read_named(source, "index.json", Code::IndexMissing, &mut buffer).ok()?;
        let index = Index::parse(json::parse(index, &Caps::default()).ok()?).ok()?;
        let name = index.manifests().next()?.reference_name()?;
        Some(name.to_string())
    };
    let named = layout.name.clone();
    named
        .or_else(|| indexed().filter(|_| layout.digest.is_none()))
        .filter(is_name)
        .or_else(|| folder().filter(is_name))
}
