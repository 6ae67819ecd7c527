// SPDX-License-Identifier: Apache-2.0
//! Usage and explanations of commands, from their table.

use super::arguments::Opt;
use super::output::CommandOutput;
use super::table::{COMMANDS, Command, HELP};
use crate::limits::SIMULATED_DEVICES;

/// Lists every command that `wanted` selects.
pub fn list(wanted: impl Fn(&Command) -> bool, out: &mut CommandOutput<'_>) {
    for command in COMMANDS.iter().filter(|command| wanted(command)) {
        writeln!(out, "  {:14}  {}", command.name, command.summary());
    }
}

/// Writes the usage of a command, on one line.
pub fn usage(command: &Command, out: &mut CommandOutput<'_>) {
    write!(out, "usage: ocre {} [OPTION]...", command.name);
    if !command.operands.is_empty() {
        write!(out, " {}", command.operands);
    }
    writeln!(out);
}

/// Explains one command.
pub fn command(command: &Command, out: &mut CommandOutput<'_>) {
    usage(command, out);
    writeln!(out, "\n{}\n\noptions:", command.text);
    for option in command.options {
        self::option(option, out);
    }
    if !SIMULATED_DEVICES {
        option(&HELP, out);
    }
}

/// Explains one option, on one line.
pub fn option(option: &Opt, out: &mut CommandOutput<'_>) {
    match option.short {
        Some(short) => write!(out, "  -{}, ", char::from(short)),
        None => write!(out, "      "),
    }
    // The longest option with its value has 16 columns.
    let value = option.value.unwrap_or_default();
    let width = 17_usize.saturating_sub(option.long.len());
    writeln!(out, "--{} {value:width$}{}", option.long, option.help);
}
