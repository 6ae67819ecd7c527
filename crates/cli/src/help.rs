// SPDX-License-Identifier: Apache-2.0
//! `ocre help [COMMAND]`: clap's text for a command of the PC, the core's for another one.

use ocre::command::table::{self, Verb};
use ocre::command::{CommandStatus, usage};
use ocre_tools::failure::Failure;

use super::output::LineOutput;
use super::{bundle, grammar, output};

/// Runs `help [COMMAND]`.
pub fn run(
    of: &[&str],
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let mut grammar = grammar::own().clone();
    grammar.build();
    let mut found = Some(&mut grammar);
    for word in of {
        found = found.and_then(|grammar| grammar.find_subcommand_mut(word));
    }
    let mut status = CommandStatus::Ok;
    let printed = if let Some(grammar) = found {
        out.text(&grammar.render_long_help().to_string())
    } else {
        match table::find(of) {
            _ if matches!(of, [group] if table::is_group(group)) => {
                let mut text = String::new();
                let listed = |command: &table::Command| {
                    command.name.split(' ').next() == of.first().copied()
                };
                // Writing to a String does not fail.
                usage::list(listed, &mut output::Words::new(&mut text));
                out.text(&text)
            }
            Ok((command, [])) => {
                let mut text = String::new();
                // Writing to a String does not fail.
                let mut words = output::Words::new(&mut text);
                usage::command(command, &mut words);
                if command.verb == Verb::Run {
                    writeln!(words, "\n{}:", bundle::RUN_HEADING);
                    for option in &bundle::RUN_OPTIONS {
                        usage::option(option, &mut words);
                    }
                }
                out.text(&text)
            }
            Ok((_, [word, ..])) => {
                status = CommandStatus::Usage;
                err.text(&format!("error: help: {word:?} is one argument too many\n"))
            }
            Err(misuse) => {
                status = CommandStatus::Usage;
                err.text(&format!("error: help: {misuse}\n"))
            }
        }
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(status)
}
