// SPDX-License-Identifier: Apache-2.0
//! Absolute URIs (RFC 3986).

use crate::Text;

/// True for a scheme, a colon and something behind it, all in the characters that RFC 3986 allows,
/// with `%` only before two hex digits.
///
/// The parts behind the scheme are not parsed: a URL is only shown, never dereferenced.
pub(crate) fn is_absolute(text: Text<'_>) -> bool {
    let mut characters = text.chars();
    if !characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
    {
        return false;
    }
    loop {
        match characters.next() {
            Some(':') => break,
            Some('+' | '-' | '.') => {}
            Some(other) if other.is_ascii_alphanumeric() => {}
            _ => return false,
        }
    }
    let mut length = 0_usize;
    while let Some(character) = characters.next() {
        length = length.saturating_add(1);
        let valid = match character {
            '%' => {
                let mut hex = || {
                    characters
                        .next()
                        .is_some_and(|digit| digit.is_ascii_hexdigit())
                };
                hex() && hex()
            }
            ':' | '/' | '?' | '#' | '[' | ']' | '@' => true,
            '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=' => true,
            '-' | '.' | '_' | '~' => true,
            other => other.is_ascii_alphanumeric(),
        };
        if !valid {
            return false;
        }
    }
    length > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_scheme_and_a_rest() {
        for good in [
            "https://example.com/a?b=c#d",
            "urn:x",
            "a:%4a",
            "file:///x",
            "http://[::1]/",
        ] {
            assert!(is_absolute(good.into()), "{good}");
        }
    }

    #[test]
    fn refuses_relative_references_and_bad_characters() {
        for bad in [
            "", ":", "a", "a:", "/a", "//host/a", "1a:b", "a b:c", "a:b c", "a:%4", "a:%zz", "a:ä",
        ] {
            assert!(!is_absolute(bad.into()), "{bad}");
        }
    }
}
