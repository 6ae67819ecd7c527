// SPDX-License-Identifier: Apache-2.0
//! A typed line, split into words.
//!
//! Words are separated by blanks. `'…'` is taken as it stands; in `"…"` and outside of quotes a
//! backslash takes the next character as it stands. Nothing is expanded. A word in quotes may be
//! empty.

use core::fmt;

use heapless::Vec;

use crate::limits::MAX_WORDS;

/// The words of a line, in the buffer they were written to.
pub type Words<'b> = Vec<&'b str, MAX_WORDS>;

/// Reason why a line can't be split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineError {
    /// A quote is opened and not closed.
    QuoteOpen,
    /// The line ends in a backslash.
    EscapeOpen,
    /// The words do not fit the buffer.
    TooLong,
    /// More than [`MAX_WORDS`] words.
    TooManyWords,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QuoteOpen => "a quote is not closed",
            Self::EscapeOpen => "nothing follows the backslash at the end",
            Self::TooLong => "the line is too long",
            Self::TooManyWords => "the line has too many words",
        })
    }
}

/// Splits `line`; the words, without their quotes, are written to `buffer`, which is large
/// enough if it is as long as the line.
///
/// # Errors
/// The first error from the left.
pub fn split<'b>(line: &str, buffer: &'b mut [u8]) -> Result<Words<'b>, LineError> {
    let mut words = Words::new();
    let mut characters = line.chars();
    let mut buffer = buffer;
    loop {
        let blank = |character: &char| character.is_ascii_whitespace();
        let rest = characters.as_str().trim_start_matches(|c| blank(&c));
        characters = rest.chars();
        if rest.is_empty() {
            return Ok(words);
        }
        let used = word(&mut characters, buffer)?;
        let (written, rest) = buffer
            .split_at_mut_checked(used)
            .ok_or(LineError::TooLong)?;
        buffer = rest;
        // Only whole characters are written.
        let word = core::str::from_utf8(written).map_err(|_| LineError::TooLong)?;
        words.push(word).map_err(|_| LineError::TooManyWords)?;
    }
}

/// Takes one word, and the blank behind it; returns its length in `buffer`.
fn word(characters: &mut core::str::Chars<'_>, buffer: &mut [u8]) -> Result<usize, LineError> {
    let mut used = 0_usize;
    let mut quote = None;
    while let Some(character) = characters.next() {
        let character = match (quote, character) {
            (None, blank) if blank.is_ascii_whitespace() => return Ok(used),
            (None, '\'' | '"') => {
                quote = Some(character);
                continue;
            }
            (Some(open), close) if open == close => {
                quote = None;
                continue;
            }
            (None | Some('"'), '\\') => characters.next().ok_or(LineError::EscapeOpen)?,
            _ => character,
        };
        let end = used
            .checked_add(character.len_utf8())
            .ok_or(LineError::TooLong)?;
        character.encode_utf8(buffer.get_mut(used..end).ok_or(LineError::TooLong)?);
        used = end;
    }
    match quote {
        Some(_) => Err(LineError::QuoteOpen),
        None => Ok(used),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::{String, ToString};

    use super::*;

    fn words(line: &str) -> Result<std::vec::Vec<String>, LineError> {
        let mut buffer = [0; 64];
        let words = split(line, &mut buffer)?;
        Ok(words.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn words_are_separated_by_blanks() {
        assert_eq!(words(" run\thello  a \n").unwrap(), ["run", "hello", "a"]);
        assert!(words("").unwrap().is_empty());
        assert!(words("  ").unwrap().is_empty());
    }

    #[test]
    fn quotes_keep_blanks_and_may_be_part_of_a_word_or_empty() {
        assert_eq!(words(r#"a'b c'"d  e""#).unwrap(), ["ab cd  e"]);
        assert_eq!(words(r#"x '' """#).unwrap(), ["x", "", ""]);
        assert_eq!(words(r#"'"' "'""#).unwrap(), ["\"", "'"]);
    }

    #[test]
    fn a_backslash_takes_the_next_character_but_not_in_single_quotes() {
        assert_eq!(
            words(r#"a\ b "\"\\" '\' \é"#).unwrap(),
            ["a b", "\"\\", "\\", "é"]
        );
    }

    #[test]
    fn an_unfinished_line_is_refused() {
        assert_eq!(words("run 'a"), Err(LineError::QuoteOpen));
        assert_eq!(words("run \"a'"), Err(LineError::QuoteOpen));
        assert_eq!(words("run a\\"), Err(LineError::EscapeOpen));
        assert_eq!(words("run \"a\\"), Err(LineError::EscapeOpen));
    }

    #[test]
    fn a_line_of_the_buffers_length_fits_and_a_longer_word_does_not() {
        assert_eq!(words(&"x".repeat(64)).unwrap().len(), 1);
        assert_eq!(words(&"x".repeat(65)), Err(LineError::TooLong));
        assert_eq!(words(&"é".repeat(33)), Err(LineError::TooLong));
        assert_eq!(words(&"é".repeat(32)).unwrap().len(), 1);
    }

    #[test]
    fn as_many_words_as_fit_are_taken() {
        let most = "x ".repeat(MAX_WORDS);
        let mut buffer = [0; 2 * MAX_WORDS];
        assert_eq!(split(&most, &mut buffer).unwrap().len(), MAX_WORDS);
        let more = "x ".repeat(MAX_WORDS + 1);
        let mut buffer = [0; 2 * MAX_WORDS + 2];
        assert_eq!(split(&more, &mut buffer), Err(LineError::TooManyWords));
    }
}
