// SPDX-License-Identifier: Apache-2.0
//! Help, from the table of commands.

use super::Status;
use super::arguments::Misuse;
use super::output::Output;
use super::session::{Ended, Session};
use super::table::{self, COMMANDS, Command};
use crate::port::Platform;

/// Lists every command that `wanted` selects.
pub fn list(wanted: impl Fn(&Command) -> bool, out: &mut Output<'_>) {
    for command in COMMANDS.iter().filter(|command| wanted(command)) {
        writeln!(out, "  {:14}  {}", command.name, command.summary);
    }
}

/// Writes the usage of a command, on one line.
pub fn usage(command: &Command, out: &mut Output<'_>) {
    write!(out, "usage: ocre {} [OPTION]...", command.name);
    if !command.operands.is_empty() {
        write!(out, " {}", command.operands);
    }
    writeln!(out);
}

/// Explains one command.
pub fn command(command: &Command, out: &mut Output<'_>) {
    usage(command, out);
    writeln!(out, "\n{}", command.summary);
    if !command.details.is_empty() {
        writeln!(out, "{}", command.details);
    }
    writeln!(out, "\noptions:");
    for option in command.options {
        match option.short {
            Some(short) => write!(out, "  -{}, ", char::from(short)),
            None => write!(out, "      "),
        }
        // The longest option with its value has 16 columns.
        let value = option.value.unwrap_or_default();
        let width = 17_usize.saturating_sub(option.long.len());
        writeln!(out, "--{} {value:width$}{}", option.long, option.help);
    }
}

/// `help [COMMAND]`
#[inline(never)]
pub(super) fn run<P: Platform>(session: &mut Session<'_, P>) -> Ended {
    let words = &session.operands;
    let group = match **words {
        [] => Some(""),
        [word] => Some(word).filter(|word| table::is_group(word)),
        _ => None,
    };
    if let Some(group) = group {
        list(|command| command.word(group).is_some(), &mut session.out);
        return Ok(Status::Ok);
    }
    let Ok((found, [])) = table::find(words) else {
        let word = words.last().copied().unwrap_or_default();
        return Err(session.misuse(&Misuse::UnknownCommand(word, None)));
    };
    command(found, &mut session.out);
    Ok(Status::Ok)
}
