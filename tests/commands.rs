// SPDX-License-Identifier: Apache-2.0
//! The documentation of the commands is the table of the commands.

use std::fmt::Write as _;

use ocre::command::table::{COMMANDS, Command};

/// What stands in `docs/commands.md` about a command.
fn section(command: &Command) -> String {
    let mut text = format!("### `ocre {}", command.name);
    if !command.operands.is_empty() {
        write!(text, " {}", command.operands).unwrap();
    }
    text += "`\n\n";
    text += &capitalised(command.summary);
    text += ".\n";
    if !command.details.is_empty() {
        writeln!(
            text,
            "{}",
            command.details.replace('{', "`{").replace('}', "}`")
        )
        .unwrap();
    }
    // Each has the one for help, which is explained once.
    let options = &command.options[..command.options.len() - 1];
    if !options.is_empty() {
        text += "\n| option | |\n|---|---|\n";
    }
    for option in options {
        text += "| ";
        if let Some(short) = option.short {
            write!(text, "`-{}`, ", char::from(short)).unwrap();
        }
        write!(text, "`--{}", option.long).unwrap();
        if let Some(value) = option.value {
            write!(text, " {}", value.replace('|', "\\|")).unwrap();
        }
        writeln!(text, "` | {} |", option.help).unwrap();
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().unwrap();
    first.to_uppercase().chain(characters).collect()
}

#[test]
fn every_command_is_documented_as_its_help_explains_it() {
    let documented = include_str!("../docs/commands.md");
    let expected: Vec<String> = COMMANDS.iter().map(section).collect();
    let expected = expected.join("\n");
    println!("{expected}");
    assert!(
        documented.contains(&expected),
        "docs/commands.md says something else than this test prints"
    );
}

#[test]
fn help_fits_a_terminal() {
    for command in COMMANDS {
        for line in command.details.lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", command.name);
        }
        for option in command.options {
            assert!(
                option.help.len() <= 60,
                "{} --{}",
                command.name,
                option.long
            );
            let name = option.long.len() + option.value.map_or(0, |value| value.len() + 1);
            assert!(name <= 18, "{} --{}: no room", command.name, option.long);
        }
        assert!(command.summary.len() <= 70, "{}", command.name);
    }
}

/// A Zephyr shell shows these without asking the core.
#[test]
fn zephyrs_shell_knows_each_command_in_its_order() {
    let shim = include_str!("../crates/zephyr/shim/shell.c");
    let listed: Vec<(&str, &str)> = shim
        .lines()
        .filter_map(|line| {
            let (words, help) = line.trim().strip_prefix("COMMAND(")?.split_once(", \"")?;
            Some((words, help.split_once("\")")?.0))
        })
        .collect();
    // On a board nothing is simulated.
    let commands: Vec<_> = COMMANDS
        .iter()
        .filter(|command| !command.name.starts_with("device "))
        .collect();
    let (of_images, others) = listed.split_at(listed.len() - commands.len() - 1 + 5);
    assert_eq!((of_images.len(), others.len()), (5, commands.len() - 5 + 1));
    for group in [of_images, others] {
        assert!(group.is_sorted(), "{group:?}");
    }
    for command in commands {
        let (group, name) = match command.name.split_once(' ') {
            Some((_, name)) => (of_images, name),
            None => (others, command.name),
        };
        let completed = match command.operands.split(' ').next() {
            Some("IMAGE") => "&images",
            Some("NAME") => "&containers",
            _ => "NULL",
        };
        let expected = (format!("{name}, {completed}"), command.summary);
        assert!(
            group
                .iter()
                .any(|(words, help)| (*words, *help) == (&*expected.0, expected.1)),
            "COMMAND({}, \"{}\")",
            expected.0,
            expected.1
        );
    }
}
