// SPDX-License-Identifier: Apache-2.0
//! Whole grammar, with the core's commands as clap's: for completions and the manual. To run a
//! command, [`super::device_words`] is used.

use clap::{Arg, ArgAction, CommandFactory as _, ValueHint};
use ocre::command::table::{COMMANDS, Command, Verb};

use super::{Cli, device_words, examples};

/// Grammar of all commands of a PC.
pub fn grammar() -> clap::Command {
    let mut whole = examples::add(Cli::command());
    for command in COMMANDS
        .iter()
        .filter(|command| device_words::once(command))
    {
        match command.name.split_once(' ') {
            None => whole = whole.subcommand(one(command, command.name)),
            Some((group, name)) => {
                whole = whole.mut_subcommand(group, |group| {
                    // The PC may replace this command.
                    if group.find_subcommand(name).is_some() {
                        group
                    } else {
                        group.subcommand(one(command, name))
                    }
                });
            }
        }
    }
    whole
}

/// Grammar of a command of the core.
fn one(command: &Command, name: &'static str) -> clap::Command {
    let about = command.summary;
    let mut one = clap::Command::new(name).about(about);
    if !command.details.is_empty() {
        one = one.long_about(format!("{about}\n\n{}", command.details));
    }
    // clap adds its own `--help`.
    for option in command
        .options
        .iter()
        .filter(|option| option.long != "help")
    {
        let mut arg = Arg::new(option.long).long(option.long).help(option.help);
        if let Some(short) = option.short {
            arg = arg.short(char::from(short));
        }
        arg = match option.value {
            None => arg.action(ArgAction::SetTrue),
            Some("text|json") => arg.value_name("text|json").value_parser(["text", "json"]),
            Some(value) => arg.value_name(value).action(ArgAction::Append),
        };
        one = one.arg(arg);
    }
    if command.verb == Verb::Run {
        let host = Arg::new("allow-host-root").long("allow-host-root");
        let host = host.action(ArgAction::SetTrue);
        one = one.arg(host.help("Let the guest of a bundle change folders of the host"));
        let folder = Arg::new("bundle").long("bundle").value_name("DIR");
        let folder = folder.value_hint(ValueHint::DirPath);
        one = one
            .arg(folder.help("Run an OCI runtime bundle, a folder of the PC, instead of an image"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_grammar_is_sound_and_has_every_command() {
        let mut grammar = grammar();
        grammar.clone().debug_assert();
        grammar.build();
        for command in COMMANDS
            .iter()
            .filter(|command| device_words::once(command))
        {
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
