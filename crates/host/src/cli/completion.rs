// SPDX-License-Identifier: Apache-2.0
//! `ocre completion`: what a shell has to know to complete our command lines.

use clap_complete::Shell;
use ocre::command::Status;

use super::failure::Failure;
use super::output::Output;
use super::whole;

/// Prints what a shell needs to complete command lines.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The shell
    #[arg(value_name = "bash|zsh|fish")]
    shell: Known,
}

/// The shells that are tested.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

/// Prints it.
pub fn run(args: &Args, out: &mut Output) -> Result<Status, Failure> {
    let shell = match args.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole::grammar(), "ocre", &mut script);
    out.text(&String::from_utf8_lossy(&script))
        .map_err(|error| Failure::io("can't print", &error))?;
    Ok(Status::Ok)
}
