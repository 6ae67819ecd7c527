// SPDX-License-Identifier: Apache-2.0
//! The image commands, on the images of the partition.

use ocre_oci::{DigestRef, Reference, Warnings};

use super::arguments::{Argument, Arguments};
use super::report::{Plain, Reason, failure};
use super::verify::{Examination, Options, print, print_finding};
use super::{Environment, Halt, Operand, Status, advice, json};
use crate::image::Image;
use crate::image::judge::{self, Policy, Selector, Source, Workspace};
use crate::image::verdict::{Code, Finding, Report, Verdict};
use crate::port::Platform;

/// The partition is a layout.
const ROOT: &str = "/";

/// Takes a name that somebody typed: `name`, `name:tag`, either with `@` and a digest, or a
/// digest alone.
///
/// # Errors
/// `reference-syntax`, `digest-syntax`, `digest-unsupported`.
fn selector(text: &str) -> Result<Selector<'_>, Code> {
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

/// Judges the documents and layers of an image; a refusal is said on the spot, and so is each
/// warning.
pub(super) fn judge<'a, P: Platform>(
    verb: &str,
    name: &str,
    policy: &Policy<'_>,
    environment: &mut Environment<'_, P>,
) -> Result<(Image, Warnings), Halt<'a>> {
    let mut verdict = Verdict::new(false);
    let mut written = Ok(());
    let platform = environment.supervisor.platform();
    let image = selector(name).map(|selector| {
        let source = Source {
            storage: platform.storage(),
            root: ROOT,
        };
        let workspace = Workspace {
            document: &mut *environment.workspace.document,
            config: &mut *environment.workspace.config,
        };
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
        )
    });
    written?;
    let reason = match image {
        Ok(Some(image)) => return Ok((image, verdict.warnings())),
        Ok(None) => Reason {
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
            Argument::Option("format", value) => options.json = json(value)?,
            Argument::Operand(name) => operand.take(name)?,
            Argument::Option(..) => {}
        }
    }
    let name = operand.get()?;
    let selector = match selector(name) {
        Ok(selector) => selector,
        Err(code) => {
            let what = format_args!("can't verify {}", Plain(name));
            return Ok(failure(environment.err, what, &reason(code))?);
        }
    };
    let platform = environment.supervisor.platform();
    let mut examination = Examination {
        source: Source {
            storage: platform.storage(),
            root: ROOT,
        },
        selector,
        engine: platform.engine(),
        policy: &platform.policy(),
        workspace: Workspace {
            document: &mut *environment.workspace.document,
            config: &mut *environment.workspace.config,
        },
    };
    let mut look = |report: Report<'_>| examination.judge(report);
    Ok(print(&mut look, options, environment.out)?)
}
