// SPDX-License-Identifier: Apache-2.0
//! Suggestions for unknown commands: similar names, commands that only a PC has, and other tools'
//! words.

use ocre::command::report::Sanitized;
use ocre::command::table::is_group;

use super::command_line::CommandLine;

/// Words of other tools, and of other commands of this one, with the command to suggest.
const ALIASES: [(&str, &str); 14] = [
    ("images", "image ls"),
    ("image list", "image ls"),
    ("image remove", "image rm"),
    ("rmi", "image rm"),
    ("list", "ps"),
    ("container ls", "ps"),
    ("container list", "ps"),
    ("container", ""),
    ("load", "image import"),
    ("save", "image push"),
    ("init", "new"),
    ("compile", "aot"),
    ("mount", "flash cp"),
    ("mkdir", "flash cp"),
];

/// Message for an unknown command; `None` if it exists, or if another part is wrong.
pub fn for_unknown(line: &CommandLine, grammar: &clap::Command) -> Option<String> {
    let CommandLine::Unknown(words) = line else {
        return None;
    };
    let first = words.first().map_or("", String::as_str);
    let group = is_group(first)
        || grammar
            .find_subcommand(first)
            .is_some_and(clap::Command::has_subcommands);
    let typed = match &**words {
        [first, second, ..] if group || first == "container" => format!("{first} {second}"),
        _ => first.to_owned(),
    };
    let meant = meant(&typed, &names(grammar));
    let question = meant.map(|meant| {
        // In a group of commands the second word is wrong.
        let inside = meant.strip_prefix(&format!("{first} ")).filter(|_| group);
        format!("; did you mean \"{}\"?", inside.unwrap_or(&meant))
    });
    let wrong = typed.strip_prefix(&format!("{first} ")).filter(|_| group);
    Some(format!(
        "error: there is no command \"{}\"{}\nhint: `ocre --help` lists the commands\n",
        Sanitized(wrong.unwrap_or(&typed)),
        question.unwrap_or_default()
    ))
}

/// Whole names of the PC's commands and of the core's.
fn names(grammar: &clap::Command) -> Vec<String> {
    let own = grammar.get_subcommands().flat_map(|command| {
        let name = command.get_name();
        let inner = command.get_subcommands();
        let inner = inner.map(move |inner| format!("{name} {}", inner.get_name()));
        let alone = (!command.has_subcommands()).then(|| name.to_owned());
        alone.into_iter().chain(inner)
    });
    let core = ocre::command::table::COMMANDS;
    own.chain(core.iter().map(|command| command.name.to_owned()))
        .collect()
}

/// Name that is most likely meant: by another tool's word, by the second word of a name alone or
/// in another group, or by similar spelling.
fn meant(typed: &str, names: &[String]) -> Option<String> {
    let alias = ALIASES.iter().find(|(word, _)| *word == typed);
    if let Some((_, name)) = alias.filter(|(_, name)| !name.is_empty()) {
        return Some((*name).to_owned());
    }
    let last = typed.split(' ').next_back().unwrap_or_default();
    let second = |name: &&String| {
        name.split_once(' ')
            .is_some_and(|(_, second)| second == last)
    };
    let whole = |name: &&String| *name == last;
    let found = names
        .iter()
        .find(whole)
        .or_else(|| names.iter().find(second));
    if let Some(name) = found {
        return Some(name.clone());
    }
    let near = names
        .iter()
        .map(|name| (distance(typed, name), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(4).max(1))
        .min_by_key(|(distance, _)| *distance);
    near.map(|(_, name)| name.clone())
}

/// Edit distance of two words: letters inserted, removed, replaced, or swapped with their
/// neighbour.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let above = &rows[i - 1];
            let replaced = above[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
            if swapped {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_found_among_all_commands() {
        let names = names(crate::grammar::own());
        for (typed, expected) in [
            ("pull", Some("image pull")),
            ("image imprt", Some("image import")),
            ("image list", Some("image ls")),
            ("images", Some("image ls")),
            ("import", Some("image import")),
            ("container run", Some("run")),
            ("container ls", Some("ps")),
            ("image build", Some("build")),
            ("rnu", Some("run")),
            ("lgos", Some("logs")),
            ("verison", Some("version")),
            ("kil", Some("kill")),
            ("flash remove", None),
            ("login", None),
            ("clear", None),
            ("xyz", None),
        ] {
            assert_eq!(meant(typed, &names).as_deref(), expected, "{typed}");
        }
    }
}
