// SPDX-License-Identifier: Apache-2.0
//! `ocre image verify`: judges an image in an OCI layout of the PC, a folder or an archive.

use std::cell::LazyCell;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::CommandStatus;
use ocre::command::report::{Reason, Sanitized};
use ocre::command::verify::{VerifyOptions, print};
use ocre::image::Image;
use ocre::image::OciLayout;
use ocre::image::examine::Examination;
use ocre::image::judge::{Policy, Selector, Workspace};
use ocre::image::verdict::{Code, Finding, Location, Part};
use ocre::port::{Engine, Storage};
use ocre_pc::needs::{self, Needs};
use ocre_tools::failure::{Explained, Failure};
use ocre_tools::layout::{Missing, OpenLayout};
use ocre_tools::layout_name::{self, LayoutName};
use ocre_tools::linux_image;
use ocre_tools::partition::{self, Partition};
use ocre_tools::signing::trust;

use super::output::LineOutput;
use super::short_digest;

/// Largest document, in bytes; larger than on a device, so that such images are judged too.
const MAX_DOCUMENT: usize = 1 << 20;

/// Says whether an image is what it claims to be and can run here.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Refuse images with warnings
    #[arg(long)]
    strict: bool,
    /// List all findings, not only the first
    #[arg(long)]
    all: bool,
    /// PEM files with the keys of signers: the image must have a signature by one of the keys
    #[arg(long, value_name = "FILE")]
    key: Vec<PathBuf>,
    /// OCI image layout (a folder, a tar file or a zip file) and the image in the layout; or an
    /// image in the flash file
    #[arg(value_name = "LAYOUT[:REF|@DIGEST]", value_parser = OsStringValueParser::new().try_map(layout_name::value))]
    layout: LayoutName,
}

/// Judges, and prints the verdict.
pub fn run<E: Engine>(
    args: &VerifyArgs,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let mut policy = *policy;
    if !args.key.is_empty() {
        policy.trust = trust(&args.key, None, policy.trust.digests)?;
    }
    // `finish` returns the reason of a failed write.
    Ok(verify(args, flash, engine, &policy, out).unwrap_or(CommandStatus::Failed))
}

fn verify<E: Engine>(
    args: &VerifyArgs,
    flash: Option<&Path>,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
) -> Result<CommandStatus, fmt::Error> {
    let options = VerifyOptions {
        strict: args.strict,
        all: args.all,
        json: out.json(),
    };
    let own = args.layout.selector();
    match OpenLayout::open(&args.layout.path) {
        Ok(OpenLayout::Folder(folder)) => judge(&folder, own, engine, policy, options, out),
        Ok(OpenLayout::Archive(archive)) => judge(&archive, own, engine, policy, options, out),
        Err(Missing::Code(code)) => {
            let mut name = args.layout.to_string();
            if let Some(partition) = partition::present(flash) {
                name = short_digest::resolve(&name, &partition);
            }
            match on_flash(&name, flash) {
                Some((partition, selector)) => {
                    judge(&partition, selector, engine, policy, options, out)
                }
                None => print_missing(code, options, out),
            }
        }
        Err(Missing::Archive(error)) => {
            let hints = error.fault.hint();
            let reason = Reason {
                code: error.fault.code(),
                at: &error.at,
                detail: &error.detail,
                hints,
            };
            print_refused(&reason, options, out)
        }
        Err(Missing::Foreign(foreign)) => {
            let reason = Reason {
                code: foreign.code().as_str(),
                at: "oci-layout",
                detail: foreign.words(),
                hints: &foreign.hints(),
            };
            print_refused(&reason, options, out)
        }
    }
}

/// Opens the flash, if it has an image of that name; the device's command judges it.
fn on_flash<'a>(name: &'a str, flash: Option<&Path>) -> Option<(Partition, Selector<'a>)> {
    let selector = Selector::parse(name).ok()?;
    let partition = partition::present(flash)?;
    let mut document = partition::document();
    partition::store(&partition, &mut document)
        .ok()?
        .find(selector)
        .ok()?;
    Some((partition, selector))
}

fn judge<S: Storage, E: Engine>(
    storage: &S,
    selector: Selector<'_>,
    engine: &E,
    policy: &Policy<'_>,
    options: VerifyOptions,
    out: &mut LineOutput,
) -> Result<CommandStatus, fmt::Error> {
    let (mut document, mut config) = (vec![0; MAX_DOCUMENT], vec![0; MAX_DOCUMENT]);
    let source = OciLayout { storage, root: "/" };
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
    let linux = LazyCell::new(|| linux_image::describe(source, selector));
    let mut accepted = None;
    let status = print(
        &mut |report| {
            accepted = examination.judge(&mut |finding, at, detail| match &*linux {
                Some(linux) if detail.is_empty() && is_about_kind(finding) => {
                    report(finding, at, linux)
                }
                _ => report(finding, at, detail),
            });
            accepted.clone()
        },
        options,
        out,
    )?;
    if let (Some(image), CommandStatus::Ok, false) = (accepted, status, options.json) {
        print_signer(&image, policy, out)?;
        print_needs(source, &image, engine, policy, out)?;
    }
    Ok(status)
}

/// True for the refusals of an image for another system.
fn is_about_kind(finding: Finding) -> bool {
    use ocre_oci::ErrorKind::{ConfigUnsupported, LayerNone, MediaTypeUnsupported};
    matches!(
        finding,
        Finding::Refusal(
            Code::PlatformNone
                | Code::Document(ConfigUnsupported | LayerNone | MediaTypeUnsupported)
        )
    )
}

/// Prints the key whose signature was verified.
fn print_signer(
    image: &Image,
    policy: &Policy<'_>,
    out: &mut LineOutput,
) -> Result<(), fmt::Error> {
    let signer = image
        .admission
        .ok()
        .and_then(|origin| policy.trust.signer(origin));
    let Some(name) = signer else {
        return Ok(());
    };
    out.text(&format!("signed by: {}\n", Sanitized(name)))
        .map_err(|_| fmt::Error)
}

/// Prints the needs of an image that is accepted.
fn print_needs<S: Storage, E: Engine>(
    source: OciLayout<'_, S>,
    image: &Image,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut LineOutput,
) -> Result<(), fmt::Error> {
    let Some(needs) = Needs::of_image(source, image, engine, policy) else {
        return Ok(());
    };
    let asked = image.permissions;
    let missing = needs.permissions().difference(asked);
    let missing = match needs.imports_of(missing) {
        imports if imports.is_empty() => String::new(),
        imports => format!(" (not asked for: {}, for {imports})", needs::names(missing)),
    };
    let none = |names: String| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names
        }
    };
    out.text(&format!(
        "entry point: {}\nmemory at start: {} bytes\nimports: {}\npermissions: {}{missing}\n",
        Sanitized(&image.entry_point),
        needs.memory_bytes,
        Sanitized(none(needs.imports_in_short())),
        none(needs::names(asked)),
    ))
    .map_err(|_| fmt::Error)
}

/// Prints the verdict on a missing layout.
fn print_missing(
    code: Code,
    options: VerifyOptions,
    out: &mut LineOutput,
) -> Result<CommandStatus, fmt::Error> {
    let mut look = |report: ocre::image::verdict::Report<'_>| {
        // There are no further findings.
        let _ = report(Finding::Refusal(code), Location::Whole(Part::Layout), "");
        None
    };
    print(&mut look, options, out)
}

/// Prints the verdict on an unreadable layout, in the same form.
fn print_refused(
    reason: &Reason<'_>,
    options: VerifyOptions,
    out: &mut LineOutput,
) -> Result<CommandStatus, fmt::Error> {
    let Reason {
        code, at, detail, ..
    } = *reason;
    let printed = if options.json {
        out.document(|out| {
            out.string("verdict", "rejected");
            out.string("code", code);
            out.string("at", at);
            out.array("warnings", |_| {});
            if !options.all {
                return;
            }
            out.array("findings", |out| {
                out.object(|out| {
                    out.string("code", code);
                    out.string("at", at);
                    out.string("detail", detail)
                })
            })
        })
    } else {
        out.text(&format!(
            "refused: {}verdict: rejected\n",
            Explained(reason)
        ))
    };
    printed
        .map(|()| CommandStatus::Failed)
        .map_err(|_| fmt::Error)
}
