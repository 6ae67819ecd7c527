// SPDX-License-Identifier: Apache-2.0
//! `ocre completion`: scripts by which shells complete command lines.

use clap_complete::Shell;
use ocre::command::CommandStatus;
use ocre_tools::failure::Failure;

use super::grammar;
use super::output::LineOutput;

/// Prints what a shell needs to complete command lines.
#[derive(clap::Args, Debug)]
pub struct CompletionArgs {
    /// Shell to generate for
    #[arg(value_name = "bash|zsh|fish")]
    shell: Known,
}

/// Shells with a tested script.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
pub fn run(args: &CompletionArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let shell = match args.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    let mut grammar = grammar::whole();
    clap_complete::generate(shell, &mut grammar, "ocre", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Fish {
        script.push_str(&words_for_fish(&grammar));
    }
    out.text(&script)
        .map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

/// Part that clap's script for fish lacks: possible words of operands, for commands outside of
/// groups.
fn words_for_fish(grammar: &clap::Command) -> String {
    let mut script = String::new();
    for command in grammar.get_subcommands() {
        for operand in command.get_positionals() {
            let words = operand.get_possible_values();
            let words: Vec<_> = words.iter().map(|word| word.get_name()).collect();
            if !words.is_empty() {
                let (name, words) = (command.get_name(), words.join(" "));
                script.push_str(&format!(
                    "complete -c ocre -n \"__fish_ocre_using_subcommand {name}\" -f -a \"{words}\"\n"
                ));
            }
        }
    }
    script
}
