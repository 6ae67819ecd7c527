// SPDX-License-Identifier: Apache-2.0
//! Words of a command line that belong to a guest: all after the module of `wasm run`. They are
//! removed before clap parses the rest, because clap takes options anywhere.

use std::ffi::OsString;

/// The command whose first operand is followed by the guest's words.
const PASSES_ON: [&str; 2] = ["wasm", "run"];

/// Splits a command line, without the program's own name, into the program's words and the
/// guest's.
pub fn split(mut words: Vec<OsString>, grammar: &clap::Command) -> (Vec<OsString>, Vec<OsString>) {
    let mut at = grammar;
    let mut path = Vec::new();
    let mut next = 0;
    let mut only_operands = false;
    while let Some(word) = words.get(next) {
        next += 1;
        let word = word.to_string_lossy();
        if !only_operands && word == "--" {
            only_operands = true;
        } else if !only_operands && word.starts_with('-') && word.len() > 1 {
            if takes_next(&word, at, grammar) {
                next += 1;
            }
        } else if path == PASSES_ON {
            let guest = words.split_off(next);
            return (words, guest);
        } else {
            match at.find_subcommand(&*word) {
                Some(command) => at = command,
                None => break,
            }
            path.push(word.into_owned());
        }
    }
    (words, Vec::new())
}

/// True for an option whose value is the next word.
fn takes_next(word: &str, command: &clap::Command, grammar: &clap::Command) -> bool {
    let options = || command.get_arguments().chain(grammar.get_arguments());
    if let Some(long) = word.strip_prefix("--") {
        let found = options().find(|option| option.get_long() == Some(long));
        return found.is_some_and(|option| option.get_action().takes_values());
    }
    let mut letters = word.chars().skip(1);
    let valued = letters.find(|letter| {
        let found = options().find(|option| option.get_short() == Some(*letter));
        found.is_some_and(|option| option.get_action().takes_values())
    });
    valued.is_some() && letters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_at(words: &[&str]) -> usize {
        let words = words.iter().map(OsString::from).collect();
        split(words, crate::grammar::own()).0.len()
    }

    #[test]
    fn the_guests_words_begin_after_the_module() {
        for (words, own) in [
            (&["wasm", "run", "f", "--help", "x"] as &[_], 3),
            (&["--flash", "f", "wasm", "run", "-e", "A=1", "f", "-e"], 7),
            (
                &[
                    "wasm",
                    "run",
                    "--env=A=1",
                    "--dir",
                    "a::b",
                    "--",
                    "f",
                    "--",
                    "x",
                ],
                7,
            ),
            (
                &["wasm", "--color", "always", "run", "-eA=1", "f", "--color"],
                6,
            ),
            (&["wasm", "run", "--help", "f", "--help"], 4),
            (&["wasm", "run", "f"], 3),
            (&["wasm", "run"], 2),
            (&["run", "f", "--help"], 3),
            (&["image", "verify", "f", "--all"], 4),
        ] {
            assert_eq!(split_at(words), own, "{words:?}");
        }
    }
}
