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
            write!(text, "`-{short}`, ").unwrap();
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
