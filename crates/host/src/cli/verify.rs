// SPDX-License-Identifier: Apache-2.0
//! `ocre image verify`: the judge, on an OCI layout of the PC.

use std::fmt;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::Status;
use ocre::command::verify::{Examination, Options, print};
use ocre::image::judge::{Policy, Source, Workspace};
use ocre::image::verdict::{Code, Finding, Part, Place};
use ocre::port::{Engine, StorageError};
use ocre_host::directory::Directory;

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
    /// The folder of an OCI image layout, and which of its images
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
    let storage = match Directory::open(&args.layout.folder) {
        Ok(storage) => storage,
        Err(error) => return print_missing(error, options, out),
    };
    let (mut document, mut config) = (vec![0; MAX_DOCUMENT], vec![0; MAX_DOCUMENT]);
    let mut examination = Examination {
        source: Source {
            storage: &storage,
            root: "/",
        },
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

/// The verdict on a folder that is none.
fn print_missing(
    error: StorageError,
    options: Options,
    out: &mut Output,
) -> Result<Status, fmt::Error> {
    let code = match error {
        StorageError::NotFound | StorageError::NotDirectory => Code::LayoutMissing,
        other => Code::Storage(other),
    };
    let mut look = |report: ocre::image::verdict::Report<'_>| {
        // There is nothing more to be found.
        let _ = report(Finding::Refusal(code), Place::Whole(Part::Layout), "");
        None
    };
    print(&mut look, options, out)
}
