// SPDX-License-Identifier: Apache-2.0
//! A typed line, split into words as by a POSIX shell.
//!
//! Words are separated by blanks. `'…'` is taken as it stands; outside of quotes a backslash takes
//! the next character as it stands, and in `"…"` one of `"`, `\`, `$` and `` ` ``. A word that
//! begins with `#` begins a comment. Nothing is expanded. A word in quotes may be empty.

use std::fmt;

use ocre::limits::MAX_WORDS;

/// Reason why a line can't be split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineError {
    /// A quote is opened and not closed.
    QuoteOpen,
    /// The line ends in a backslash.
    EscapeOpen,
    /// More than [`MAX_WORDS`] words.
    TooManyWords,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QuoteOpen => "a quote is not closed",
            Self::EscapeOpen => "nothing follows the backslash at the end",
            Self::TooManyWords => "the line has too many words",
        })
    }
}

/// Splits a line, with or without its end, into words without their quotes.
///
/// # Errors
/// A line that is not finished, or has too many words.
pub fn split(line: &str) -> Result<Vec<String>, LineError> {
    // The end of a line is none of the characters that a backslash takes.
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let Some(words) = shlex::split(line) else {
        // One more character ends an escape, and no quote.
        let more = shlex::split(&format!("{line}x"));
        return Err(more.map_or(LineError::QuoteOpen, |_| LineError::EscapeOpen));
    };
    if words.len() > MAX_WORDS {
        return Err(LineError::TooManyWords);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated_by_blanks() {
        assert_eq!(split(" run\thello  a \n").unwrap(), ["run", "hello", "a"]);
        assert_eq!(split("run hello\r\n").unwrap(), ["run", "hello"]);
        assert!(split("").unwrap().is_empty());
        assert!(split("  ").unwrap().is_empty());
    }

    #[test]
    fn quotes_keep_blanks_and_may_be_part_of_a_word_or_empty() {
        assert_eq!(split(r#"a'b c'"d  e""#).unwrap(), ["ab cd  e"]);
        assert_eq!(split(r#"x '' """#).unwrap(), ["x", "", ""]);
        assert_eq!(split(r#"'"' "'""#).unwrap(), ["\"", "'"]);
    }

    #[test]
    fn a_backslash_takes_the_next_character_but_not_in_single_quotes() {
        assert_eq!(
            split(r#"a\ b "\"\\" '\' \é"#).unwrap(),
            ["a b", "\"\\", "\\", "é"]
        );
        assert_eq!(split(r#""C:\new""#).unwrap(), [r"C:\new"]);
    }

    #[test]
    fn a_comment_begins_with_a_word() {
        assert_eq!(split("run a#b '#c' # d 'e").unwrap(), ["run", "a#b", "#c"]);
        assert!(split("# run").unwrap().is_empty());
    }

    #[test]
    fn an_unfinished_line_is_refused() {
        for end in ["", "\n", "\r\n"] {
            let refused = |line: &str| split(&format!("{line}{end}")).unwrap_err();
            assert_eq!(refused("run 'a"), LineError::QuoteOpen);
            assert_eq!(refused("run \"a'"), LineError::QuoteOpen);
            assert_eq!(refused("run a\\"), LineError::EscapeOpen);
            assert_eq!(refused("run \"a\\"), LineError::QuoteOpen);
        }
    }

    #[test]
    fn a_line_of_any_length_is_split() {
        let word = "é".repeat(1 << 16);
        assert_eq!(split(&word).unwrap(), [word]);
    }

    #[test]
    fn as_many_words_as_fit_are_taken() {
        let most = "x ".repeat(MAX_WORDS);
        assert_eq!(split(&most).unwrap().len(), MAX_WORDS);
        let more = "x ".repeat(MAX_WORDS + 1);
        assert_eq!(split(&more), Err(LineError::TooManyWords));
    }
}
