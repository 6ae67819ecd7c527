// SPDX-License-Identifier: Apache-2.0
//! Help, from the table of commands.

use core::fmt::{self, Write};

use super::arguments::{Argument, Arguments, Misuse};
use super::table::{self, COMMANDS, Command};
use super::{Environment, Halt, Status};
use crate::port::Platform;

/// Lists every command that `wanted` takes.
///
/// # Errors
/// Of the output alone.
pub fn list(wanted: impl Fn(&Command) -> bool, out: &mut dyn Write) -> fmt::Result {
    for command in COMMANDS.iter().filter(|command| wanted(command)) {
        writeln!(out, "  {:14}  {}", command.name, command.summary)?;
    }
    Ok(())
}

/// Writes how a command is called, on one line.
///
/// # Errors
/// Of the output alone.
pub fn usage(command: &Command, out: &mut dyn Write) -> fmt::Result {
    write!(out, "usage: ocre {} [OPTION]...", command.name)?;
    if !command.operands.is_empty() {
        write!(out, " {}", command.operands)?;
    }
    writeln!(out)
}

/// Explains one command.
///
/// # Errors
/// Of the output alone.
pub fn command(command: &Command, out: &mut dyn Write) -> fmt::Result {
    usage(command, out)?;
    writeln!(out, "\n{}", command.summary)?;
    if !command.details.is_empty() {
        writeln!(out, "{}", command.details)?;
    }
    writeln!(out, "\noptions:")?;
    for option in command.options {
        match option.short {
            Some(short) => write!(out, "  -{short}, ")?,
            None => write!(out, "      ")?,
        }
        // The longest option with its value has 16 columns.
        let value = option.value.unwrap_or_default();
        let width = 17_usize.saturating_sub(option.long.len());
        writeln!(out, "--{} {value:width$}{}", option.long, option.help)?;
    }
    Ok(())
}

/// `help [COMMAND]`
#[inline(never)]
pub(super) fn run<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut words = heapless::Vec::<&str, 2>::new();
    while let Some(argument) = arguments.next()? {
        if let Argument::Operand(word) = argument {
            words.push(word).map_err(Misuse::OperandUnexpected)?;
        }
    }
    match *words {
        [] => list(|_| true, environment.out)?,
        [group] if table::is_group(group) => list(
            |command| command.name.split(' ').next() == Some(group),
            environment.out,
        )?,
        [..] => {
            // What was found is static; the words themselves are not kept.
            let named = |command: &&Command| command.name.split(' ').eq(words.iter().copied());
            match COMMANDS.iter().find(named) {
                Some(found) => command(found, environment.out)?,
                None => {
                    let word = words.last().copied().unwrap_or_default();
                    return Err(Misuse::UnknownCommand(word, None).into());
                }
            }
        }
    }
    Ok(Status::Ok)
}
