// SPDX-License-Identifier: Apache-2.0
//! `ocre man`: writes the manual pages, one for each command.

use std::fs;
use std::path::PathBuf;

use ocre::command::CommandStatus;
use ocre_tools::failure::Failure;

use super::grammar;
use super::output::LineOutput;

/// Writes the manual pages.
#[derive(clap::Args, Debug)]
pub struct ManArgs {
    /// Output folder, created if missing, such as /usr/local/share/man/man1
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages, and prints their number.
pub fn run(args: &ManArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let what = format!("can't write the manual to {}", args.folder.display());
    let io = |error| Failure::io(&what, &error);
    let made = !args.folder.exists();
    fs::create_dir_all(&args.folder).map_err(io)?;
    let mut grammar = grammar::whole();
    grammar.build();
    let written = write(&grammar, "ocre", args).inspect_err(|_| {
        if made {
            // Only the first error counts.
            let _ = fs::remove_dir_all(&args.folder);
        }
    });
    let count = written.map_err(io)?;
    let printed = if out.json() {
        out.document(|out| out.unsigned("pages", count))
    } else {
        out.line(format_args!(
            "wrote {count} pages to {}",
            args.folder.display()
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

/// Writes the page of a command, and those of its subcommands. Returns their number.
fn write(command: &clap::Command, name: &str, args: &ManArgs) -> std::io::Result<u64> {
    let mut page = Vec::new();
    // clap needs static names; one leaks for each command.
    let named = command.clone().name(name.to_owned().leak() as &'static str);
    clap_mangen::Man::new(named)
        .manual("Manual of ocre")
        .render(&mut page)?;
    fs::write(args.folder.join(format!("{name}.1")), page)?;
    let mut count = 1;
    for part in command.get_subcommands() {
        count += write(part, &format!("{name}-{}", part.get_name()), args)?;
    }
    Ok(count)
}
