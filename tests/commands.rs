// SPDX-License-Identifier: Apache-2.0
//! The table of commands: lengths of its texts, and the words for Zephyr's shell.

use ocre::command::table::{COMMANDS, Command, completion, is_group};

#[test]
fn help_fits_a_terminal() {
    for command in COMMANDS {
        for line in command.details().lines() {
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
        assert!(command.summary().len() <= 70, "{}", command.name);
    }
}

/// Zephyr's shell asks for these one after the other, and has room for so much.
#[test]
fn zephyrs_shell_is_told_each_command_in_its_order() {
    let words = |group| (0..).map_while(move |place| completion(group, place));
    let mut told = 0;
    for group in ["", "image"] {
        let words: Vec<_> = words(group).collect();
        assert!(words.is_sorted_by(|one, next| one.0 < next.0), "{words:?}");
        for (word, command) in words {
            assert!(word.len() < 16 && command.summary().len() < 80, "{word}");
            let name = if group.is_empty() {
                word.to_owned()
            } else {
                format!("{group} {word}")
            };
            if is_group(word) {
                assert!(command.name.starts_with(word));
            } else {
                assert_eq!(command.name, name);
                told += 1;
            }
        }
    }
    // On a board nothing is simulated.
    let of_boards = |command: &&Command| !command.name.starts_with("device ");
    assert_eq!(told, COMMANDS.iter().filter(of_boards).count());
}
