// SPDX-License-Identifier: Apache-2.0
//! Documentation names things: the first word of an item's documentation is no question word and
//! no pronoun.

use xtask::words::first_words;

use crate::BrokenRule;
use crate::repository::FILES;

const SOURCES: [&str; 4] = [".rs", ".h", ".c", ".cpp"];

fn paraphrases(path: &str, source: &str) -> Vec<BrokenRule> {
    first_words(source)
        .into_iter()
        .filter(|first| first.is_paraphrase())
        .map(|first| format!("{path}:{}: begins with {:?}", first.line, first.word))
        .collect()
}

#[test]
fn documentation_begins_with_a_noun_or_a_verb() {
    let sources = FILES
        .iter()
        .filter(|file| SOURCES.iter().any(|end| file.path.ends_with(end)));
    let findings = sources.flat_map(|file| paraphrases(&file.path, &file.text));
    crate::assert_none(findings.collect());
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn a_question_word_is_found() {
        let source = ["/// ", "Whether it is open.\nfn a() {}\n"].concat();
        crate::assert_one(
            paraphrases("a.rs", &source),
            "a.rs:1: begins with \"Whether\"",
        );
        crate::assert_none(paraphrases("a.rs", "/// True while the door is open.\n"));
    }
}
