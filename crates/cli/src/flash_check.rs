// SPDX-License-Identifier: Apache-2.0
//! `ocre flash check`: prints the damage in a flash file.

#[cfg(test)]
mod sweep;

use std::fmt::Write as _;
use std::path::PathBuf;

use ocre::command::CommandStatus;
use ocre::command::report::Sanitized;
use ocre_tools::failure::Failure;
use ocre_tools::flash_check::{CheckReport, Repaired, check};

use super::output::LineOutput;

/// Finds what is damaged in a flash file.
#[derive(clap::Args, Debug)]
pub struct FlashCheckArgs {
    /// Flash file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Repair damage, without loss of intact files
    #[arg(long)]
    repair: bool,
}

/// Checks the flash, prints the findings, and fails if damage stays.
pub fn run(args: &FlashCheckArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let (left, mended) = check(&args.file, args.repair)?;
    print(&left, &mended, out).map_err(|error| Failure::io("can't print", &error))?;
    Ok(if left.damaged.is_empty() {
        CommandStatus::Ok
    } else {
        CommandStatus::Failed
    })
}

fn print(left: &CheckReport, mended: &Repaired, out: &mut LineOutput) -> std::io::Result<()> {
    if out.json() {
        return out.document(|out| {
            out.boolean("whole", left.damaged.is_empty());
            for (name, findings) in [("damaged", &left.damaged), ("kept", &left.kept)] {
                out.array(name, |out| {
                    findings.iter().for_each(|finding| {
                        out.object(|out| {
                            out.string("code", finding.code);
                            out.string("at", &finding.place);
                            out.string("detail", &finding.detail)
                        })
                    })
                });
            }
            out.array("mended", |out| {
                mended.iter().for_each(|(finding, did)| {
                    out.object(|out| {
                        out.string("code", finding.code);
                        out.string("at", &finding.place);
                        out.string("did", did)
                    })
                })
            })
        });
    }
    let mut text = String::new();
    for (finding, did) in mended {
        // Writing to a String does not fail.
        let (place, did) = (Sanitized(&finding.place), Sanitized(did));
        let _ = writeln!(text, "mended: {} at {place}: {did}", finding.code);
    }
    let kept = left.kept.iter().map(|finding| ("kept", finding));
    let damaged = left.damaged.iter().map(|finding| ("damaged", finding));
    for (word, finding) in kept.chain(damaged) {
        // A guest, or an image, may have chosen the names in it.
        let (place, detail) = (Sanitized(&finding.place), Sanitized(&finding.detail));
        let _ = write!(text, "{word}: {} at {place}", finding.code);
        if !finding.detail.is_empty() {
            let _ = write!(text, ": {detail}");
        }
        let _ = writeln!(text, "\nhint: {}", finding.hint());
    }
    let _ = match left.damaged.len() {
        0 => writeln!(text, "check: whole"),
        count => writeln!(text, "check: {count} damaged"),
    };
    out.text(&text)
}
