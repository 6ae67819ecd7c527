// SPDX-License-Identifier: Apache-2.0
//! The image commands, on the images of the partition.

use heapless::Vec;
use ocre_oci::json::{self, Caps};
use ocre_oci::write::{Array, Object};
use ocre_oci::{Entry, Index, Manifest, Sha256, Text};

use super::arguments::Key;
use super::fields::{permissions, short, texts};
use super::report::{Reason, Sanitized};
use super::session::{CommandError, CommandResult, Session};
use super::verify::{VerifyOptions, format_word, print, write_verdict};
use super::{CommandStatus, Documents, hints};
use crate::image::Image;
use crate::image::blob::read_document;
use crate::image::examine::Examination;
use crate::image::judge::{Selector, judge};
use crate::image::signature_entry::is_signature;
use crate::image::store::update::{FAILURES, PREVIOUS};
use crate::image::store::{self, Freed, Store};
use crate::image::trust::Trust;
use crate::image::verdict::{Code, Report, Verdict};
use crate::limits::{MAX_CONTAINERS, SIGNATURES};
use crate::supervisor::Platform;
use crate::supervisor::Supervisor;

/// The partition is a layout.
const ROOT: &str = "/";

/// Opens the partition's store.
#[inline(never)]
fn open<'a, P: Platform>(
    supervisor: &'a Supervisor<P>,
    documents: &'a mut dyn Documents,
) -> Result<Store<'a, P::Storage>, store::Error> {
    let storage = supervisor.platform().storage();
    Store::open(storage, ROOT, documents.lend().document)
}

/// For a refusal without a place.
pub(super) fn reason(code: Code) -> Reason<'static> {
    Reason {
        code: code.as_str(),
        at: "",
        detail: "",
        hints: hints::refusal(code),
    }
}

/// For the refusal in a verdict.
pub(super) fn reason_of(verdict: &Verdict) -> Reason<'_> {
    Reason {
        code: verdict.code().unwrap_or_default(),
        at: verdict.at(),
        detail: verdict.detail(),
        hints: verdict.refusal().map_or("", hints::finding),
    }
}

/// `image verify IMAGE`
#[inline(never)]
pub(super) fn verify<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let options = VerifyOptions {
        strict: session.has(Key::Strict),
        all: session.has(Key::All),
        json: session.json(),
    };
    let platform = session.supervisor.platform();
    let mut examination = Examination {
        source: session.supervisor.images(),
        selector: Selector::parse(session.subject)?,
        engine: platform.engine(),
        policy: &session.policy(),
        workspace: session.documents.lend(),
    };
    let mut look = |report: Report<'_>| examination.judge(report);
    // An error is kept by the output, too.
    print(&mut look, options, &mut session.out)
        .map_err(|_| CommandError::Told(CommandStatus::Failed))
}

/// `image ls`
#[inline(never)]
pub(super) fn list<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let as_json = session.json();
    let mut store = open(session.supervisor, session.documents);
    let store = store.as_mut().map_err(|error| *error)?;
    let index = store.index();
    let index = index.as_ref().map_err(|error| *error)?;
    if as_json {
        session.out.document(|out| {
            out.array("images", |out| write_entries(index, out));
        });
        return Ok(CommandStatus::Ok);
    }
    let out = &mut session.out;
    writeln!(out, "{:38}  {:19}  FOR", "NAME", "DIGEST");
    for entry in index.manifests().filter(|entry| !is_signature(entry)) {
        let (name, more) = match (entry.reference_name(), entry.annotation(PREVIOUS)) {
            (Some(name), _) => (name, ""),
            (_, Some(tag)) => (tag, " (previous)"),
            _ => (Text::from("-"), ""),
        };
        // A longer name is not cut.
        let width = 38_usize.saturating_sub(name.chars().count());
        write!(out, "{}{more:width$}  ", Sanitized(name));
        match &entry.descriptor() {
            Ok(found) => {
                write!(out, "{:19}  ", short(format_args!("{}", found.digest)));
                match found.platform() {
                    Some(found) => writeln!(out, "{}", Sanitized(found.architecture)),
                    None => writeln!(out, "-"),
                }
            }
            Err(error) => writeln!(out, "{}", error.kind),
        }
    }
    Ok(CommandStatus::Ok)
}

#[inline(never)]
fn write_entries(index: &Index<'_>, out: &mut Array<'_, '_>) {
    let images = index.manifests().filter(|entry| !is_signature(entry));
    images.for_each(|entry| out.object(|out| write_entry(&entry, out)));
}

/// Writes the members of an index entry that identify its image.
fn write_entry(entry: &Entry<'_>, out: &mut Object<'_>) {
    match entry.reference_name() {
        Some(name) => out.display("name", &name),
        None => out.null("name"),
    }
    if let Some(tag) = entry.annotation(PREVIOUS) {
        out.display("previousOf", &tag);
        let failures = entry.annotation(FAILURES);
        out.display("failures", &failures.unwrap_or(Text::from("0")));
    }
    let descriptor = entry.descriptor();
    let descriptor = match &descriptor {
        Ok(descriptor) => descriptor,
        Err(error) => return out.display("code", &error.kind),
    };
    out.display("digest", &descriptor.digest);
    out.display("mediaType", &descriptor.media_type);
    out.unsigned("size", descriptor.size);
    match descriptor.platform() {
        Some(platform) => out.object("platform", |out| {
            out.display("architecture", &platform.architecture);
            out.display("os", &platform.os);
        }),
        None => out.null("platform"),
    }
}

/// `image inspect IMAGE`
#[inline(never)]
pub(super) fn inspect<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let selector = Selector::parse(session.subject);
    let selector = *selector.as_ref().map_err(|code| *code)?;
    let mut store = open(session.supervisor, session.documents);
    let content = store
        .as_mut()
        .map_err(|error| *error)
        .and_then(|store| store.find(selector))?;
    let mut verdict = Verdict::new(false);
    let mut image = Image::blank();
    let policy = session.policy();
    let source = session.supervisor.images();
    let accepted = judge(
        source,
        selector,
        session.supervisor.platform().engine(),
        &policy,
        session.documents.lend(),
        &mut |finding, at, detail| verdict.note(finding, at, detail),
        &mut image,
    );
    let documents = &mut session.documents;
    session.out.document(|out| {
        out.display("digest", &content.digest);
        write_verdict(&verdict, out);
        if accepted {
            out.object("image", |out| {
                write_image(&image, out);
                if SIGNATURES {
                    write_origin(&image, policy.trust, out);
                }
            });
        } else {
            out.null("image");
        }
        if SIGNATURES {
            out.array("signatures", |out| {
                let buffer = documents.lend().document;
                let mut store = Store::opened(source.storage, ROOT, buffer);
                // A storage that fails is in the verdict, too.
                let _ = store.signatures(selector, &mut |digest| out.display(digest));
            });
        }
        let document = read_document(source, &content, documents.lend().document);
        // A document that can't be read is in the verdict, too.
        if let Ok(document) = document {
            write_parts(document, out);
        }
    });
    Ok(CommandStatus::Ok)
}

/// The members that tell of an image's code.
#[inline(never)]
pub(super) fn write_code(image: &Image, out: &mut Object<'_>) {
    out.string("code", format_word(image.format));
    out.unsigned("codeBytes", image.executable.size);
    out.string("entryPoint", &image.entry_point);
}

fn write_image(image: &Image, out: &mut Object<'_>) {
    out.display("manifest", &image.manifest.digest);
    write_code(image, out);
    texts("environment", &image.environment, out);
    permissions(image.permissions, out);
    out.array("blobs", |out| {
        for blob in image.blobs.iter() {
            out.object(|out| {
                out.string("title", blob.title);
                out.display("digest", &blob.content.digest);
                out.unsigned("size", blob.content.size);
            });
        }
    });
}

/// Writes the members that tell of an image's signature, as far as it was verified.
fn write_origin(image: &Image, trust: &Trust<'_>, out: &mut Object<'_>) {
    match image.admission.ok().and_then(|known| trust.signer(known)) {
        Some(key) => out.string("signedBy", key),
        None => out.null("signedBy"),
    }
    out.unsigned("sequence", image.sequence.get());
}

/// Writes the layers of a manifest, or the entries of an index.
fn write_parts(document: &[u8], out: &mut Object<'_>) {
    let caps = Caps {
        bytes: u32::try_from(document.len()).unwrap_or(u32::MAX),
        ..Caps::default()
    };
    let Ok(value) = json::parse(document, &caps) else {
        return;
    };
    if let Ok(index) = Index::parse(value) {
        return out.array("manifests", |out| write_entries(&index, out));
    }
    let manifest = Manifest::parse(value, None);
    let Ok(manifest) = &manifest else {
        return;
    };
    out.array("layers", |out| {
        for layer in manifest.layers() {
            out.object(|out| {
                out.display("mediaType", &layer.descriptor.media_type);
                out.display("digest", &layer.descriptor.digest);
                out.unsigned("size", layer.descriptor.size);
            });
        }
    });
}

/// `image rm IMAGE`
#[inline(never)]
pub(super) fn remove<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let selector = Selector::parse(session.subject);
    let selector = selector.as_ref().map_err(|code| *code)?;
    let supervisor = session.supervisor;
    let mut store = open(supervisor, session.documents);
    let store = store.as_mut().map_err(|error| *error)?;
    // While they are lent, no container gets another image.
    let freed = store.remove(*selector, &in_use(supervisor))?;
    Ok(say_freed(freed, session))
}

/// `image prune`
#[inline(never)]
pub(super) fn prune<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let previous = session.has(Key::Previous);
    let supervisor = session.supervisor;
    let mut store = open(supervisor, session.documents);
    let store = store.as_mut().map_err(|error| *error)?;
    // While they are lent, no container gets another image.
    let in_use = in_use(supervisor);
    if previous {
        store.forget_previous()?;
    }
    let out = &mut session.out;
    let freed = store.prune_and_tell(&in_use, &mut |content| {
        writeln!(out, "removed {}", content.digest);
    })?;
    Ok(say_freed(freed, session))
}

/// `image reset IMAGE`
#[inline(never)]
pub(super) fn reset<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let tag = session.subject;
    let supervisor = session.supervisor;
    // While they are lent, nobody writes a record.
    session.documents.lend();
    let was = supervisor.reset_sequence(tag).map_err(Code::from)?;
    // A counter outside of the partition only grows.
    let is = supervisor.sequences().highest(tag)?;
    match was {
        Some(0) => writeln!(session.out, "{tag}: no sequence is recorded"),
        Some(number) => writeln!(session.out, "{tag}: sequence {number} is reset"),
        None => writeln!(session.out, "{tag}: a damaged sequence is reset"),
    }
    if is > 0 {
        writeln!(
            session.err,
            "note: the counter of this device stays at {is}"
        );
    }
    Ok(CommandStatus::Ok)
}

fn say_freed<P: Platform>(freed: Freed, session: &mut Session<'_, P>) -> CommandStatus {
    let Freed { blobs, bytes } = freed;
    writeln!(session.out, "freed {blobs} blobs, {bytes} bytes");
    CommandStatus::Ok
}

/// Returns the manifests that containers were created from.
fn in_use<P: Platform>(supervisor: &Supervisor<P>) -> Vec<Sha256, MAX_CONTAINERS> {
    let mut in_use = Vec::new();
    supervisor.list(&mut |summary| {
        let manifest = |spec: &crate::container::Spec| spec.image.manifest.digest;
        if let Ok(digest) = supervisor.with_spec(summary.handle, manifest) {
            // The list has room for every container.
            let _ = in_use.push(digest);
        }
    });
    in_use
}
