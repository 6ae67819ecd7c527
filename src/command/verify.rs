// SPDX-License-Identifier: Apache-2.0
//! `image verify`: the verdict on one image, for a person or for a program.
//!
//! A program gets one line of JSON:
//! `{"verdict":"ok"|"warnings"|"rejected","code":…,"at":…,"warnings":[…]}`, where code and at are
//! those of the first refusal, or null. With `all` there is one more member,
//! `"findings":[{"code":…,"at":…,"detail":…}]`, with all findings in the order of the checks.

use core::fmt::Write;
use core::ops::ControlFlow;

use heapless::String;
use ocre_oci::Format;
use ocre_oci::write::Object;

use super::output::CommandOutput;
use super::report::{Listed, Reason};
use super::sentence::sentence;
use super::{CommandStatus, Outcome, hints};
use crate::image::Image;
use crate::image::verdict::{Finding, Location, Report, Verdict, write_cut};
use crate::limits::JSON;

/// Options of `image verify`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VerifyOptions {
    /// True where every warning is a refusal.
    pub strict: bool,
    /// True where all findings are listed, not only those up to the first refusal.
    pub all: bool,
    /// True for JSON.
    pub json: bool,
}

/// Judges an image once and reports its findings; `Some` only if nothing was refused.
pub type Look<'l> = &'l mut dyn FnMut(Report<'_>) -> Option<Image>;

/// Judges an image and prints the verdict; [`CommandStatus::Failed`] if it is refused.
///
/// # Errors
/// Of the output alone.
pub fn print(look: Look<'_>, options: VerifyOptions, out: &mut dyn Write) -> Outcome {
    let mut out = CommandOutput::new(out);
    let verdict = if JSON && options.json {
        print_json(look, options, &mut out)
    } else {
        print_text(look, options, &mut out)
    };
    out.written()?;
    Ok(match verdict.refusal() {
        None => CommandStatus::Ok,
        Some(_) => CommandStatus::Failed,
    })
}

fn print_json(look: Look<'_>, options: VerifyOptions, out: &mut CommandOutput<'_>) -> Verdict {
    let mut verdict = Verdict::new(options.strict);
    look(&mut |finding, at, detail| verdict.note(finding, at, detail));
    out.document(|out| {
        write_verdict(&verdict, out);
        if !options.all {
            return;
        }
        // The findings come after the verdict, so the image is judged a second time.
        out.array("findings", |out| {
            look(&mut |finding, at, detail| {
                out.object(|out| {
                    out.string("code", finding.as_str());
                    out.display("at", &at);
                    out.string("detail", detail);
                });
                ControlFlow::Continue(())
            });
        });
    });
    verdict
}

fn print_text(look: Look<'_>, options: VerifyOptions, out: &mut CommandOutput<'_>) -> Verdict {
    let mut verdict = Verdict::new(options.strict);
    let image = look(&mut |finding, at, detail| {
        let enough = verdict.note(finding, at, detail);
        let refused = options.strict || matches!(finding, Finding::Refusal(_));
        print_finding(out, refused, finding, at, detail);
        if options.all && out.written().is_ok() {
            ControlFlow::Continue(())
        } else {
            enough
        }
    });
    writeln!(out, "verdict: {}", verdict.word());
    if let Some(image) = &image
        && verdict.refusal().is_none()
    {
        let format = format_word(image.format);
        writeln!(out, "image: {}", image.manifest.digest);
        writeln!(out, "code: {format}, {} bytes", image.executable.size);
    }
    verdict
}

/// Writes the members of a verdict.
pub(super) fn write_verdict(verdict: &Verdict, out: &mut Object<'_>) {
    out.string("verdict", verdict.word());
    match verdict.code() {
        Some(code) => {
            out.string("code", code);
            out.string("at", verdict.at());
        }
        None => {
            out.null("code");
            out.null("at");
        }
    }
    out.array("warnings", |out| {
        for warning in verdict.warnings().iter() {
            out.string(warning.code());
        }
    });
}

/// Returns the word for a format of code.
pub(super) const fn format_word(format: Format) -> &'static str {
    match format {
        Format::Wasm => "wasm",
        Format::Aot => "aot",
    }
}

pub(super) fn print_finding(
    out: &mut CommandOutput<'_>,
    refused: bool,
    finding: Finding,
    at: Location<'_>,
    detail: &str,
) {
    let mut place = String::<96>::new();
    write_cut(&mut place, format_args!("{at}"));
    let reason = Reason {
        code: finding.as_str(),
        at: &place,
        detail,
        hints: hints::finding(finding),
    };
    let word = if refused { "refused" } else { "warning" };
    write!(out, "{word}: {}", Listed(&reason, sentence(reason.code)));
}
