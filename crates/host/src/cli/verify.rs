// SPDX-License-Identifier: Apache-2.0
//! `ocre image verify`: the judge, on an OCI layout of the PC, a folder or an archive.

use std::fmt;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::Status;
use ocre::command::report::Reason;
use ocre::command::verify::{Examination, Options, print};
use ocre::image::judge::{Policy, Source, Workspace};
use ocre::image::verdict::{Code, Finding, Part, Place};
use ocre::port::{Engine, Storage};
use ocre_host::archive::ArchiveError;

use super::layout::{Layout, Missing};
use super::layout_name::{self, LayoutName};
use super::output::Output;

/// Documents that a device would find too large are judged too.
const MAX_DOCUMENT: usize = 1 << 20;

/// Says whether an image is what it claims to be and can run here.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Refuses what is odd too: every warning is a refusal
    #[arg(long)]
    strict: bool,
    /// Lists everything that is wrong, not only the first
    #[arg(long)]
    all: bool,
    /// The folder, or the tar or zip file, of an OCI image layout, and which of its images
    #[arg(value_name = "LAYOUT[:REF|@DIGEST]", value_parser = OsStringValueParser::new().try_map(layout_name::value))]
    layout: LayoutName,
}

/// Judges, and prints the verdict.
///
/// # Errors
/// Of the output alone.
pub fn run<E: Engine>(
    args: &Args,
    engine: &E,
    policy: &Policy<'_>,
    out: &mut Output,
) -> Result<Status, fmt::Error> {
    let options = Options {
        strict: args.strict,
        all: args.all,
        json: out.json(),
    };
    match Layout::open(&args.layout.path) {
        Ok(Layout::Folder(folder)) => judge(args, &folder, engine, policy, options, out),
        Ok(Layout::Archive(archive)) => judge(args, &archive, engine, policy, options, out),
        Err(Missing::Code(code)) => print_missing(code, options, out),
        Err(Missing::Archive(error)) => print_refused(&error, options, out),
    }
}

fn judge<S: Storage, E: Engine>(
    args: &Args,
    storage: &S,
    engine: &E,
    policy: &Policy<'_>,
    options: Options,
    out: &mut Output,
) -> Result<Status, fmt::Error> {
    let (mut document, mut config) = (vec![0; MAX_DOCUMENT], vec![0; MAX_DOCUMENT]);
    let mut examination = Examination {
        source: Source { storage, root: "/" },
        selector: args.layout.selector(),
        engine,
        policy,
        workspace: Workspace {
            document: &mut document,
            config: &mut config,
        },
    };
    print(&mut |report| examination.judge(report), options, out)
}

/// The verdict on a layout that is none.
fn print_missing(code: Code, options: Options, out: &mut Output) -> Result<Status, fmt::Error> {
    let mut look = |report: ocre::image::verdict::Report<'_>| {
        // There is nothing more to be found.
        let _ = report(Finding::Refusal(code), Place::Whole(Part::Layout), "");
        None
    };
    print(&mut look, options, out)
}

/// The verdict on an archive that is not taken, in the same form.
fn print_refused(
    error: &ArchiveError,
    options: Options,
    out: &mut Output,
) -> Result<Status, fmt::Error> {
    let code = error.fault.code();
    let printed = if options.json {
        out.document(|out| {
            out.string("verdict", "rejected");
            out.string("code", code);
            out.string("at", &error.at);
            out.array("warnings", |_| {});
            if !options.all {
                return;
            }
            out.array("findings", |out| {
                out.object(|out| {
                    out.string("code", code);
                    out.string("at", &error.at);
                    out.string("detail", &error.detail)
                })
            })
        })
    } else {
        let reason = Reason {
            code,
            at: &error.at,
            detail: &error.detail,
            advice: error.fault.hint(),
        };
        out.text(&format!("refused: {reason}verdict: rejected\n"))
    };
    printed.map(|()| Status::Failed).map_err(|_| fmt::Error)
}
