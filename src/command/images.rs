// SPDX-License-Identifier: Apache-2.0
//! The image commands, on the images of the partition.

use core::fmt;

use heapless::{String, Vec};
use ocre_oci::json::{self, Caps};
use ocre_oci::write::{self, Object};
use ocre_oci::{DigestRef, Entry, Index, Manifest, Reference, Sha256, Text, Warnings};

use super::arguments::{Argument, Arguments, Misuse};
use super::report::{Plain, Reason, failure};
use super::verify::{Examination, Options, format_word, print, print_finding, write_verdict};
use super::{Environment, Halt, Operand, Status, advice, only, only_format};
use crate::container::Follow;
use crate::image::Image;
use crate::image::content::read_document;
use crate::image::judge::{self, Policy, Selector, Source};
use crate::image::store::update::{FAILURES, PREVIOUS};
use crate::image::store::{Freed, Store};
use crate::image::verdict::{Code, Finding, Report, Verdict, write_cut};
use crate::limits::MAX_CONTAINERS;
use crate::port::{Platform, Storage};
use crate::supervisor::Supervisor;

/// The partition is a layout.
const ROOT: &str = "/";

/// Takes a name that somebody typed: `name`, `name:tag`, either with `@` and a digest, or a
/// digest alone.
///
/// # Errors
/// `reference-syntax`, `digest-syntax`, `digest-unsupported`.
pub fn selector(text: &str) -> Result<Selector<'_>, Code> {
    if let Ok(digest) = text.parse() {
        return Ok(Selector {
            name: None,
            digest: Some(digest),
        });
    }
    let reference = Reference::parse(text).map_err(|error| Code::Document(error.kind))?;
    let digest = match reference.digest() {
        None => None,
        Some(DigestRef::Sha256(digest)) => Some(digest),
        Some(DigestRef::Other(_)) => return Err(Code::DigestUnsupported),
    };
    let name = text.split('@').next().unwrap_or_default();
    Ok(Selector {
        name: Some(name),
        digest,
    })
}

/// The tag that a container of an image follows, if it was typed without a digest. `document`
/// holds an index.
pub fn follow<'a, S: Storage>(
    storage: &S,
    text: &'a str,
    document: &mut [u8],
) -> Option<Follow<'a>> {
    selector(text).ok()?.digest.is_none().then_some(())?;
    let tagged = Store::opened(storage, ROOT, document).tagged(text).ok()??;
    Some(Follow {
        tag: text,
        mark: tagged.mark,
    })
}

/// Judges the documents and layers of an image; a refusal is said on the spot, and so is each
/// warning.
pub(super) fn judge<'a, P: Platform>(
    verb: &str,
    name: &str,
    policy: &Policy<'_>,
    environment: &mut Environment<'_, P>,
    image: &mut Image,
) -> Result<Warnings, Halt<'a>> {
    let mut verdict = Verdict::new(false);
    let mut written = Ok(());
    let platform = environment.supervisor.platform();
    let accepted = selector(name).map(|selector| {
        let source = Source {
            storage: platform.storage(),
            root: ROOT,
        };
        let workspace = environment.documents.lend();
        let engine = platform.engine();
        judge::judge(
            source,
            selector,
            engine,
            policy,
            workspace,
            &mut |finding, at, detail| {
                if let Finding::Warning(_) = finding {
                    written = print_finding(environment.err, false, finding, at, detail);
                }
                verdict.note(finding, at, detail)
            },
            image,
        )
    });
    written?;
    let reason = match accepted {
        Ok(true) => return Ok(verdict.warnings()),
        Ok(false) => Reason {
            code: verdict.code().unwrap_or_default(),
            at: verdict.at(),
            detail: verdict.detail(),
            advice: verdict.refusal().map_or("", advice::finding),
        },
        Err(code) => reason(code),
    };
    let what = format_args!("can't {verb} {}", Plain(name));
    Err(Halt::Told(failure(environment.err, what, &reason)?))
}

/// For a refusal without a place.
fn reason(code: Code) -> Reason<'static> {
    Reason {
        code: code.as_str(),
        at: "",
        detail: "",
        advice: advice::refusal(code),
    }
}

/// `image verify IMAGE`
#[inline(never)]
pub(super) fn verify<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut options = Options::default();
    let mut operand = Operand::new("IMAGE");
    while let Some(argument) = arguments.next()? {
        match argument {
            Argument::Option("strict", _) => options.strict = true,
            Argument::Option("all", _) => options.all = true,
            Argument::Option("format", value) => options.json = super::json(value)?,
            Argument::Operand(name) => operand.take(name)?,
            Argument::Option(..) => {}
        }
    }
    let selector = selector(operand.get()?).map_err(|code| Halt::Store(code.into()))?;
    let platform = environment.supervisor.platform();
    let mut examination = Examination {
        source: Source {
            storage: platform.storage(),
            root: ROOT,
        },
        selector,
        engine: platform.engine(),
        policy: &platform.policy(),
        workspace: environment.documents.lend(),
    };
    let mut look = |report: Report<'_>| examination.judge(report);
    Ok(print(&mut look, options, environment.out)?)
}

/// `image ls`
#[inline(never)]
pub(super) fn list<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let as_json = only_format(arguments)?;
    let storage = environment.supervisor.platform().storage();
    let mut store = open(storage, environment.documents.lend().document)?;
    let index = store.index().map_err(Halt::Store)?;
    let mut out = &mut *environment.out;
    if as_json {
        write::object(&mut out, |out| {
            out.array("images", |out| {
                index
                    .manifests()
                    .try_for_each(|entry| out.object(|out| write_entry(&entry, out)))
            })
        })?;
        writeln!(out)?;
        return Ok(Status::Ok);
    }
    writeln!(out, "{:71}  {:16}  NAME", "DIGEST", "FOR")?;
    for entry in index.manifests() {
        let mut digest: String<71> = String::new();
        let mut machine: String<16> = String::new();
        match entry.descriptor() {
            Ok(found) => {
                write_cut(&mut digest, format_args!("{}", found.digest));
                match found.platform() {
                    Some(found) => {
                        write_cut(&mut machine, format_args!("{}", Plain(found.architecture)))
                    }
                    None => write_cut(&mut machine, format_args!("-")),
                }
            }
            Err(error) => write_cut(&mut digest, format_args!("{}", error.kind)),
        }
        write!(out, "{digest:71}  {machine:16}  ")?;
        match (entry.reference_name(), entry.annotation(PREVIOUS)) {
            (Some(name), _) => writeln!(out, "{}", Plain(name))?,
            (_, Some(tag)) => writeln!(out, "{} (previous)", Plain(tag))?,
            _ => writeln!(out, "-")?,
        }
    }
    Ok(Status::Ok)
}

/// The members of an index entry that say which image it is.
fn write_entry<W: fmt::Write>(entry: &Entry<'_>, out: &mut Object<'_, W>) -> fmt::Result {
    match entry.reference_name() {
        Some(name) => out.string("name", name)?,
        None => out.null("name")?,
    }
    if let Some(tag) = entry.annotation(PREVIOUS) {
        out.string("previousOf", tag)?;
        let failures = entry.annotation(FAILURES);
        out.string("failures", failures.unwrap_or(Text::from("0")))?;
    }
    let descriptor = match entry.descriptor() {
        Ok(descriptor) => descriptor,
        Err(error) => return out.string("code", error.kind),
    };
    out.string("digest", descriptor.digest)?;
    out.string("mediaType", descriptor.media_type)?;
    out.unsigned("size", descriptor.size)?;
    match descriptor.platform() {
        Some(platform) => out.object("platform", |out| {
            out.string("architecture", platform.architecture)?;
            out.string("os", platform.os)
        }),
        None => out.null("platform"),
    }
}

/// `image inspect IMAGE`
#[inline(never)]
pub(super) fn inspect<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let name = only(arguments, "IMAGE")?;
    let selector = selector(name).map_err(|code| Halt::Store(code.into()))?;
    let platform = environment.supervisor.platform();
    let source = Source {
        storage: platform.storage(),
        root: ROOT,
    };
    let mut store = open(source.storage, environment.documents.lend().document)?;
    let content = store.find(selector).map_err(Halt::Store)?;
    let mut verdict = Verdict::new(false);
    let workspace = environment.documents.lend();
    let mut image = Image::blank();
    let accepted = judge::judge(
        source,
        selector,
        platform.engine(),
        &platform.policy(),
        workspace,
        &mut |finding, at, detail| verdict.note(finding, at, detail),
        &mut image,
    );
    let document = read_document(source, &content, environment.documents.lend().document);
    let mut out = &mut *environment.out;
    write::object(&mut out, |out| {
        out.string("digest", content.digest)?;
        write_verdict(&verdict, out)?;
        if accepted {
            out.object("image", |out| write_image(&image, out))?;
        } else {
            out.null("image")?;
        }
        match document {
            Ok(document) => write_parts(document, out),
            // It is what the verdict says, too.
            Err(_) => Ok(()),
        }
    })?;
    writeln!(out)?;
    Ok(Status::Ok)
}

fn write_image<W: fmt::Write>(image: &Image, out: &mut Object<'_, W>) -> fmt::Result {
    out.string("manifest", image.manifest.digest)?;
    out.string("code", format_word(image.format))?;
    out.unsigned("codeBytes", image.executable.size)?;
    out.string("entryPoint", &image.entry_point)?;
    out.array("environment", |out| {
        let mut list = image.environment.split_terminator('\0');
        list.try_for_each(|text| out.string(text))
    })?;
    out.array("permissions", |out| {
        let mut list = image.permissions.iter();
        list.try_for_each(|permission| out.string(permission.name()))
    })?;
    out.array("blobs", |out| {
        image.blobs.iter().try_for_each(|blob| {
            out.object(|out| {
                out.string("title", blob.title)?;
                out.string("digest", blob.content.digest)?;
                out.unsigned("size", blob.content.size)
            })
        })
    })
}

/// The layers of a manifest, or the entries of an index.
fn write_parts<W: fmt::Write>(document: &[u8], out: &mut Object<'_, W>) -> fmt::Result {
    let caps = Caps {
        bytes: u32::try_from(document.len()).unwrap_or(u32::MAX),
        ..Caps::default()
    };
    let Ok(value) = json::parse(document, &caps) else {
        return Ok(());
    };
    if let Ok(index) = Index::parse(value) {
        return out.array("manifests", |out| {
            index
                .manifests()
                .try_for_each(|entry| out.object(|out| write_entry(&entry, out)))
        });
    }
    let Ok(manifest) = Manifest::parse(value, None) else {
        return Ok(());
    };
    out.array("layers", |out| {
        manifest.layers().try_for_each(|layer| {
            out.object(|out| {
                out.string("mediaType", layer.descriptor.media_type)?;
                out.string("digest", layer.descriptor.digest)?;
                out.unsigned("size", layer.descriptor.size)
            })
        })
    })
}

/// `image rm IMAGE`
#[inline(never)]
pub(super) fn remove<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let name = only(arguments, "IMAGE")?;
    let selector = selector(name).map_err(|code| Halt::Store(code.into()))?;
    let supervisor = environment.supervisor;
    let storage = supervisor.platform().storage();
    let mut store = open(storage, environment.documents.lend().document)?;
    // While they are lent, no container gets another image.
    let in_use = in_use(supervisor);
    let freed = store.remove(selector, &in_use).map_err(Halt::Store)?;
    say_freed(freed, environment)
}

/// `image prune`
#[inline(never)]
pub(super) fn prune<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut previous = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Argument::Option("previous", _) => previous = true,
            Argument::Operand(word) => return Err(Misuse::OperandUnexpected(word).into()),
            Argument::Option(..) => {}
        }
    }
    let supervisor = environment.supervisor;
    let storage = supervisor.platform().storage();
    let mut store = open(storage, environment.documents.lend().document)?;
    // While they are lent, no container gets another image.
    let in_use = in_use(supervisor);
    if previous {
        store.forget_previous().map_err(Halt::Store)?;
    }
    let freed = store.prune(&in_use).map_err(Halt::Store)?;
    say_freed(freed, environment)
}

fn say_freed<'a, P: Platform>(
    freed: Freed,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let Freed { blobs, bytes } = freed;
    writeln!(environment.out, "freed {blobs} blobs, {bytes} bytes")?;
    Ok(Status::Ok)
}

/// The manifests that containers were created from.
fn in_use<P: Platform>(supervisor: &Supervisor<P>) -> Vec<Sha256, MAX_CONTAINERS> {
    let mut in_use = Vec::new();
    supervisor.list(&mut |summary| {
        let manifest = |spec: &crate::container::Spec| spec.image.manifest.digest;
        if let Ok(digest) = supervisor.with_spec(summary.handle, manifest) {
            // There is room for each container there can be.
            let _ = in_use.push(digest);
        }
    });
    in_use
}

fn open<'b, 'a, S: Storage>(
    storage: &'b S,
    document: &'b mut [u8],
) -> Result<Store<'b, S>, Halt<'a>> {
    Store::open(storage, ROOT, document).map_err(Halt::Store)
}
