// SPDX-License-Identifier: Apache-2.0
//! Counts of hard-to-read code: documentation that begins with a question word or a pronoun, help
//! texts that paraphrase, and names that several types have.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::help_texts::{PARAPHRASES, help_texts};
use crate::process::{read, step};
use crate::workspace::root;

/// First word of the documentation of an item, with its line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FirstWord {
    /// Line of the file, from 1.
    pub line: usize,
    /// The word, without punctuation.
    pub word: String,
}

impl FirstWord {
    /// True for a word that paraphrases.
    pub fn is_paraphrase(&self) -> bool {
        PARAPHRASES.contains(&&*self.word)
    }
}

/// First words of the documentation in a source file: of each paragraph of `///` and `//!` in Rust,
/// of each `/**` in C.
pub fn first_words(source: &str) -> Vec<FirstWord> {
    let mut words = Vec::new();
    let mut in_paragraph = "";
    for (number, line) in source.lines().enumerate() {
        let line = line.trim_start();
        let marks = ["///", "//!", "/**"];
        let mark = marks.into_iter().find(|mark| line.starts_with(mark));
        let mark = mark.unwrap_or_default();
        let text = line.trim_start_matches(['/', '!', '*', '<', ' ']);
        let is_heading = text.starts_with('#');
        if mark != in_paragraph && !mark.is_empty() && !is_heading {
            let word: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
            if !word.is_empty() {
                let line = number + 1;
                words.push(FirstWord { line, word });
            }
        }
        let goes_on = mark != "/**" && !is_heading && !text.is_empty();
        in_paragraph = if goes_on { mark } else { "" };
    }
    words
}

/// Names of the types that a Rust source file declares: structures, enums, unions, traits and
/// aliases outside of other items.
pub fn type_names(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for line in source.lines() {
        // An indented alias is an associated type, and an indented structure a function's own.
        let line = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => {
                rest.split_once(") ").map_or("", |(_, rest)| rest)
            }
            Some(rest) => rest.trim_start(),
            None => line,
        };
        let kinds = ["struct ", "enum ", "union ", "trait ", "type "];
        if let Some(rest) = kinds.iter().find_map(|kind| line.strip_prefix(kind)) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            names.push(end.map_or(rest, |end| &rest[..end]));
        }
    }
    names
}

/// Prints the counts of this repository, by folder, and with `all` each place.
///
/// # Errors
/// A file that can't be read.
pub fn words(all: bool) -> Result<()> {
    let listed = read(
        Command::new("git")
            .args(["ls-files", "*.rs", "*.h", "*.c", "*.cpp", "*Kconfig*"])
            .current_dir(root()),
    )?;
    let mut folders: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut helps = (0, Vec::new());
    step("Documentation that begins with a question word or a pronoun");
    for path in listed.lines() {
        let source = fs::read_to_string(root().join(path)).with_context(|| path.to_owned())?;
        for help in help_texts(path, &source) {
            helps.0 += 1;
            let faults = help.faults().into_iter();
            helps
                .1
                .extend(faults.map(|fault| format!("{path}:{}: {fault}", help.line)));
        }
        let counts = folders.entry(folder(path)).or_default();
        for first in first_words(&source) {
            counts.0 += 1;
            if first.is_paraphrase() {
                counts.1 += 1;
                if all {
                    println!("{path}:{}: {}", first.line, first.word);
                }
            }
        }
        if path.ends_with(".rs") {
            for name in type_names(&source) {
                types.entry(name.into()).or_default().push(path.into());
            }
        }
    }
    let total = folders
        .values()
        .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
    folders.insert("all".into(), total);
    for (folder, (docs, paraphrases)) in &folders {
        let tenths = (paraphrases * 1000).checked_div(*docs).unwrap_or_default();
        let (percent, tenth) = (tenths / 10, tenths % 10);
        println!("{paraphrases:5} of {docs:5}  {percent:3}.{tenth} %  {folder}");
    }
    step("Help texts that begin with such a word, or hold a phrase for a thing without a name");
    let (texts, faults) = helps;
    if all {
        faults.iter().for_each(|fault| println!("{fault}"));
    }
    println!("{} faults in {texts} texts", faults.len());
    step("Names of types in several files");
    types.retain(|_, places| places.len() > 1);
    for (name, places) in &types {
        let places = if all {
            places.join(", ")
        } else {
            String::new()
        };
        println!("{:5}  {name}  {places}", types[name].len());
    }
    println!("{} names", types.len());
    Ok(())
}

/// Crate, or top folder, of a file.
fn folder(path: &str) -> String {
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    match (first, parts.next()) {
        ("crates", Some(name)) => format!("crates/{name}"),
        _ => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_each_block_counts() {
        let source = "//! Reads.\n//! What else.\n\n/// What it is.\n///\n/// # Errors\n/// Those.\nfn a() {\n    /// Names\n    /// How\n}\n/** \
                      Whether. */\n/** Grace period. */\n/// `code` first\n// What\n";
        let words: Vec<_> = first_words(source)
            .into_iter()
            .map(|first| (first.line, first.word.clone(), first.is_paraphrase()))
            .collect();
        let expected = [
            (1, "Reads", false),
            (4, "What", true),
            (7, "Those", true),
            (9, "Names", false),
            (12, "Whether", true),
            (13, "Grace", false),
        ];
        assert_eq!(
            words,
            expected.map(|(line, word, is)| (line, word.to_owned(), is))
        );
    }

    #[test]
    fn types_are_those_of_the_file() {
        let source = "pub struct A;\nenum B { C }\npub(crate) trait D: E {\n    type F;\n}\n\
                      type G<'a> = &'a A;\nlet x = struct_y;\n";
        assert_eq!(type_names(source), ["A", "B", "D", "G"]);
    }
}
