// SPDX-License-Identifier: Apache-2.0
//! Grammars for clap, made from the PC's own commands and the core's table.
//!
//! clap parses the PC's own commands alone, with [`own`]: the words of a core's command go to
//! [`super::command_line`], because each one behind an image is the guest's. Completions and the
//! manual need [`whole`].

use std::sync::LazyLock;

use clap::{Arg, ArgAction, CommandFactory as _, ValueHint};
use ocre::command::arguments::{Key, Opt};
use ocre::command::table::{COMMANDS, Command, Verb};
use ocre::command::usage;

use super::bundle::{RUN_HEADING, RUN_OPTIONS};
use super::command_line::once;
use super::{Cli, examples, output};

/// Grammar of the PC's own commands, for parsing, help and suggestions. The help lists the core's.
pub fn own() -> &'static clap::Command {
    static OWN: LazyLock<clap::Command> = LazyLock::new(|| {
        let plain = plain();
        let all = listed(&plain, "");
        let images = listed(&plain, "image ");
        let own = plain.after_help(all);
        own.mut_subcommand("image", |image| image.after_help(images))
    });
    &OWN
}

/// Grammar of all commands of a PC, with the core's as clap's.
pub fn whole() -> clap::Command {
    let own = plain();
    let offered = COMMANDS.iter().filter(|command| is_offered(command, &own));
    offered.fold(own.clone(), |whole, command| {
        match command.name.split_once(' ') {
            None => whole.subcommand(one(command, command.name)),
            Some((group, name)) => {
                whole.mut_subcommand(group, |group| group.subcommand(one(command, name)))
            }
        }
    })
}

/// Options of the PC that may stand among those of a core's command, for the core's parser.
pub fn pc_options(command: &Command) -> Vec<Opt> {
    let run = RUN_OPTIONS
        .into_iter()
        .filter(|_| command.verb == Verb::Run);
    global_options().chain(run).collect()
}

/// Options that every command of the PC takes.
pub fn global_options() -> impl Iterator<Item = Opt> {
    let options = own().get_arguments().filter(|arg| arg.is_global_set());
    options.filter_map(|arg| {
        Some(Opt {
            key: Key::Foreign,
            short: None,
            long: arg.get_long()?,
            value: arg.get_action().takes_values().then_some(""),
            help: "",
        })
    })
}

/// Grammar of the PC's own commands.
fn plain() -> clap::Command {
    examples::add(Cli::command())
}

/// Returns true for a command of the core that makes sense on a PC, unless the PC replaces it.
fn is_offered(command: &Command, own: &clap::Command) -> bool {
    let mut words = command.name.split(' ');
    let replaced = words.try_fold(own, |at, word| at.find_subcommand(word));
    once(command) && replaced.is_none()
}

/// List of the core's commands whose names begin so, for a help text.
fn listed(own: &clap::Command, beginning: &str) -> String {
    let wanted =
        |command: &Command| command.name.starts_with(beginning) && is_offered(command, own);
    let mut text = String::from("Device commands (see `ocre COMMAND --help`):\n");
    // Writing to a String does not fail.
    usage::list(wanted, &mut output::Words::new(&mut text));
    text
}

/// Grammar of a command of the core.
fn one(command: &Command, name: &'static str) -> clap::Command {
    let about = command.summary();
    let mut one = clap::Command::new(name).about(about);
    if !command.details().is_empty() {
        one = one.long_about(format!("{about}\n\n{}", command.details()));
    }
    // clap adds its own `--help`.
    let options = command.options.iter();
    one = one.args(options.filter(|option| option.key != Key::Help).map(arg));
    if command.verb == Verb::Run {
        let options = RUN_OPTIONS.iter().map(arg);
        one = one.args(options.map(|arg| arg.help_heading(RUN_HEADING)));
    }
    if !command.operands.is_empty() {
        let operands = command.operands;
        let name = operands.trim_matches(['[', ']']);
        let arg = Arg::new("operands")
            .value_name(name)
            .num_args(0..)
            .required(!operands.starts_with('['))
            .trailing_var_arg(command.passes_on)
            .value_hint(ValueHint::Other);
        one = one
            .arg(arg)
            .override_usage(format!("ocre {} [OPTIONS] {operands}", command.name));
    }
    one
}

/// Grammar of an option of the core's parser.
fn arg(option: &Opt) -> Arg {
    let mut arg = Arg::new(option.long).long(option.long).help(option.help);
    if let Some(short) = option.short {
        arg = arg.short(char::from(short));
    }
    match option.value {
        None => arg.action(ArgAction::SetTrue),
        Some("text|json") => arg.value_name("text|json").value_parser(["text", "json"]),
        Some("DIR") => arg.value_name("DIR").value_hint(ValueHint::DirPath),
        Some(value) => arg.value_name(value).action(ArgAction::Append),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        own().clone().debug_assert();
    }

    #[test]
    fn the_whole_grammar_is_sound_and_has_every_command() {
        let mut grammar = whole();
        grammar.clone().debug_assert();
        grammar.build();
        for command in COMMANDS.iter().filter(|command| once(command)) {
            let mut words = command.name.split(' ');
            let found = words.try_fold(&grammar, |at, word| at.find_subcommand(word));
            let found = found.unwrap_or_else(|| panic!("{}", command.name));
            for option in command.options {
                let mut longs = found.get_arguments().filter_map(Arg::get_long);
                assert!(
                    longs.any(|long| long == option.long),
                    "{} --{}",
                    command.name,
                    option.long
                );
            }
        }
    }
}
