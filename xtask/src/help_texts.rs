// SPDX-License-Identifier: Apache-2.0
//! Help texts for users, read from the files that hold them: Kconfig, the table of commands, the
//! hints, and the members of clap's structures.

/// Words that paraphrase a thing instead of naming it, at the beginning of its documentation.
pub const PARAPHRASES: [&str; 11] = [
    "What", "How", "Whether", "Whoever", "Whose", "Where", "It", "Its", "One", "That", "Those",
];

/// Words besides [`PARAPHRASES`] that no sentence of a help text begins with.
const PRONOUNS: [&str; 9] = [
    "Which", "Who", "Whom", "Why", "They", "Them", "Their", "These", "There",
];

/// Phrases that leave the thing without a name.
const UNNAMED: [&str; 6] = [
    "it is",
    "of its",
    "by itself",
    "what it",
    "how it",
    "whoever",
];

/// Help text, with its line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HelpText {
    /// Line of the file, from 1.
    pub line: usize,
    /// The text, without line breaks.
    pub text: String,
}

impl HelpText {
    /// Words and phrases of the text that paraphrase a thing.
    pub fn faults(&self) -> Vec<String> {
        let words: Vec<String> = self.text.split_whitespace().map(bare).collect();
        let mut faults = Vec::new();
        let mut begins = true;
        for (word, written) in words.iter().zip(self.text.split_whitespace()) {
            let mut listed = PARAPHRASES.iter().chain(&PRONOUNS);
            if begins && listed.any(|listed| listed.eq_ignore_ascii_case(word)) {
                faults.push(format!("begins with {word:?}"));
            }
            begins = written.ends_with(['.', ':', '!', '?']);
        }
        let spaced = format!(" {} ", words.join(" "));
        let phrases = UNNAMED
            .iter()
            .filter(|phrase| spaced.contains(&format!(" {phrase} ")));
        faults.extend(phrases.map(|phrase| format!("holds {phrase:?}")));
        faults
    }
}

/// A word in lower case, without the punctuation around it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric())
        .to_lowercase()
}

/// Help texts of a file, by its path; none for other files.
pub fn help_texts(path: &str, source: &str) -> Vec<HelpText> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        _ if name.starts_with("Kconfig") => kconfig(source),
        _ if path == "src/command/table.rs" => strings(source, &[" text:", " help:"]),
        _ if path == "src/command/hints.rs" => strings(source, &["=>"]),
        _ if name.ends_with(".rs") => clap(source),
        _ => Vec::new(),
    }
}

/// Prompts and helps of Kconfig.
fn kconfig(source: &str) -> Vec<HelpText> {
    let mut texts = Vec::new();
    let mut in_help = false;
    for (line, written) in (1..).zip(source.lines()) {
        let text = written.trim();
        let kinds = ["bool ", "int ", "hex ", "string ", "tristate ", "prompt "];
        let prompt = kinds.iter().find_map(|kind| text.strip_prefix(kind));
        if in_help && (text.is_empty() || written.starts_with("\t  ")) {
            push_line(&mut texts, text);
        } else if text == "help" {
            in_help = true;
            let text = String::new();
            texts.push(HelpText { line, text });
        } else if let Some((prompt, _)) = prompt
            .and_then(|prompt| prompt.strip_prefix('"'))
            .and_then(|prompt| prompt.split_once('"'))
        {
            in_help = false;
            let text = prompt.to_owned();
            texts.push(HelpText { line, text });
        } else {
            in_help = false;
        }
    }
    texts
}

/// Adds a line to the last text.
fn push_line(texts: &mut [HelpText], line: &str) {
    if let Some(last) = texts.last_mut() {
        if !last.text.is_empty() && !line.is_empty() {
            last.text.push(' ');
        }
        last.text.push_str(line);
    }
}

/// String literals of Rust behind one of the marks, before the tests of the file.
fn strings(source: &str, marks: &[&str]) -> Vec<HelpText> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut texts = Vec::new();
    for mark in marks {
        for (at, _) in code.match_indices(mark) {
            let behind = code.get(at + mark.len()..).unwrap_or_default();
            let Some(literal) = behind
                .trim_start_matches([' ', '\n', '{'])
                .strip_prefix('"')
            else {
                continue;
            };
            let line = code.get(..at).unwrap_or_default().lines().count().max(1);
            // A summary, and the details behind it.
            let all = unescaped(literal);
            let written = all.splitn(2, '\n').map(|text| text.replace('\n', " "));
            let written = written.filter(|text| !text.is_empty());
            texts.extend(written.map(|text| HelpText { line, text }));
        }
    }
    texts.sort_by_key(|text| text.line);
    texts
}

/// Content of a string literal, up to its end, with its line breaks.
fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut characters = literal.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                // The text goes on after the indentation of the next line.
                Some('\n') => {
                    let rest = characters.as_str().trim_start();
                    characters = rest.chars();
                }
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    text
}

/// Documentation of the members of structures and enumerations that derive one of clap's traits,
/// which is their help.
fn clap(source: &str) -> Vec<HelpText> {
    let mut texts: Vec<HelpText> = Vec::new();
    let mut in_item = false;
    let mut in_text = false;
    for (line, written) in (1..).zip(source.lines()) {
        in_item |= written.starts_with("#[derive(clap::");
        in_item &= written != "}";
        let doc = written.trim_start().strip_prefix("///").map(str::trim);
        match doc {
            Some(doc) if in_item && in_text => push_line(&mut texts, doc),
            Some(doc) if in_item => {
                let text = doc.to_owned();
                texts.push(HelpText { line, text });
            }
            _ => {}
        }
        in_text = in_item && doc.is_some();
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, source: &str) -> Vec<(usize, String)> {
        let texts = help_texts(path, source).into_iter();
        texts.map(|text| (text.line, text.text)).collect()
    }

    fn expected(texts: &[(usize, &str)]) -> Vec<(usize, String)> {
        let texts = texts.iter();
        texts.map(|(line, text)| (*line, (*text).into())).collect()
    }

    #[test]
    fn prompts_and_helps_are_read_from_kconfig() {
        let source = "# How\nconfig A\n\tbool \"Door\" if B\n\tdefault y\n\thelp\n\t  Opens\n\
                      \t  doors.\n\n\t  Slowly.\n\nconfig C\n\tint\n\tdefault 1\n\nchoice D\n\
                      \tprompt \"Side\"\n";
        let texts = [(3, "Door"), (5, "Opens doors. Slowly."), (16, "Side")];
        assert_eq!(found("samples/a/Kconfig", source), expected(&texts));
    }

    #[test]
    fn the_table_and_the_hints_are_read_before_their_tests() {
        let source = "Opt {\n    help: \"Print \\\"a\\\"\",\n}\nCommand {\n    \
                      text: \"Run\\n\\\n        One.\\nTwo \\\n         three.\",\n}\n#[cfg(test)]\nhelp: \"It\"";
        let texts = [(2, "Print \"a\""), (5, "Run"), (5, "One. Two three.")];
        assert_eq!(found("src/command/table.rs", source), expected(&texts));
        let source =
            "match a {\n    A::B => \"open it\",\n    A::C => {\n        \"close it\"\n    }\n}\n";
        let texts = [(2, "open it"), (3, "close it")];
        assert_eq!(found("src/command/hints.rs", source), expected(&texts));
    }

    #[test]
    fn the_members_of_clap_are_read_and_no_others() {
        let derive = ["#[derive(", "clap::Args)]\n"].concat();
        let source = format!(
            "{derive}struct A {{\n    /// Door\n    /// to open\n    #[arg(long)]\n    a: B,\n    \
             /// Key\n    c: D,\n}}\n/// How\nstruct E;\n"
        );
        let texts = [(3, "Door to open"), (7, "Key")];
        assert_eq!(found("a.rs", &source), expected(&texts));
    }

    #[test]
    fn sentences_begin_with_no_pronoun_and_name_the_thing() {
        let faults = |text: &str| {
            let (line, text) = (1, text.to_owned());
            HelpText { line, text }.faults()
        };
        assert!(faults("Kill a container. The limit is in its unit; keep it").is_empty());
        assert_eq!(faults("which AOT code may run"), ["begins with \"which\""]);
        assert_eq!(faults("Door. It opens"), ["begins with \"it\""]);
        assert_eq!(faults("Size of its files"), ["holds \"of its\""]);
        assert_eq!(faults("Follow until it is\nended"), ["holds \"it is\""]);
    }
}
