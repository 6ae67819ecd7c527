// SPDX-License-Identifier: Apache-2.0
//! A string of a document, borrowed as it is spelt there.
//!
//! Two texts are equal when they spell the same characters, with escapes or
//! without.

use core::cmp::Ordering;
use core::fmt;
use core::iter::FusedIterator;

/// A JSON string whose escapes are resolved as it is read, or any plain string.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    spelling: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Text of a validated JSON string, from its spelling without quotes.
    pub(crate) fn from_json(spelling: &'a str) -> Self {
        Self {
            spelling,
            escaped: spelling.as_bytes().contains(&b'\\'),
        }
    }

    /// The characters, escapes resolved.
    pub fn chars(self) -> Chars<'a> {
        Chars {
            rest: self.spelling,
            escaped: self.escaped,
        }
    }

    /// Length in bytes of UTF-8, escapes resolved.
    #[allow(clippy::len_without_is_empty)] // is_empty is below, by value like the rest
    pub fn len(self) -> usize {
        if self.escaped {
            self.chars()
                .map(char::len_utf8)
                .fold(0, usize::saturating_add)
        } else {
            self.spelling.len()
        }
    }

    /// True for a text without characters.
    pub fn is_empty(self) -> bool {
        self.spelling.is_empty()
    }

    /// The text as one slice, if it has no escapes.
    pub fn as_plain(self) -> Option<&'a str> {
        (!self.escaped).then_some(self.spelling)
    }

    /// A copy; `None` if it needs more than `N` bytes.
    pub fn to_heapless<const N: usize, L: heapless::LenType>(
        self,
    ) -> Option<heapless::String<N, L>> {
        let mut copy = heapless::String::new();
        self.write_to(&mut copy).ok()?;
        Some(copy)
    }

    /// Writes the characters.
    ///
    /// # Errors
    /// Errors of `out`.
    #[inline(never)] // a device has this once
    pub fn write_to(self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self.as_plain() {
            Some(plain) => out.write_str(plain),
            None => self
                .chars()
                .try_for_each(|character| out.write_char(character)),
        }
    }

    /// A copy at the start of `buffer`; `None` if it does not fit.
    pub fn copy_to(self, buffer: &mut [u8]) -> Option<&str> {
        let mut used = 0_usize;
        for character in self.chars() {
            let end = used.checked_add(character.len_utf8())?;
            character.encode_utf8(buffer.get_mut(used..end)?);
            used = end;
        }
        core::str::from_utf8(buffer.get(..used)?).ok()
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(plain: &'a str) -> Self {
        Self {
            spelling: plain,
            escaped: false,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self.as_plain(), other.as_plain()) {
            (Some(this), Some(that)) => this == that,
            _ => self.chars().eq(other.chars()),
        }
    }
}

impl Eq for Text<'_> {}

impl Ord for Text<'_> {
    /// By code points, which is also the order of their UTF-8.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.as_plain(), other.as_plain()) {
            (Some(this), Some(that)) => this.cmp(that),
            _ => self.chars().cmp(other.chars()),
        }
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq<str> for Text<'_> {
    #[inline(never)] // a device has this once
    fn eq(&self, other: &str) -> bool {
        *self == Text::from(other)
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('"')?;
        for character in self.chars() {
            write!(f, "{}", character.escape_debug())?;
        }
        f.write_char('"')
    }
}

/// The characters of a [`Text`].
#[derive(Clone, Debug)]
pub struct Chars<'a> {
    rest: &'a str,
    escaped: bool,
}

impl<'a> Chars<'a> {
    /// Unread rest, with its escapes.
    pub(crate) fn rest(&self) -> &str {
        self.rest
    }

    /// The next character, or `Err` for a bad escape (RFC 8259 section 7).
    pub(crate) fn next_checked(&mut self) -> Option<Result<char, BadEscape>> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        if !self.escaped || character != '\\' {
            return Some(Ok(character));
        }
        let resolved = match characters.next() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return Some(self.utf16(characters.as_str())),
            _ => return Some(Err(BadEscape::Syntax)),
        };
        self.rest = characters.as_str();
        Some(Ok(resolved))
    }

    /// Decodes one or two `\u` escapes; `rest` begins with the digits of the first.
    fn utf16(&mut self, rest: &'a str) -> Result<char, BadEscape> {
        let (first, mut rest) = hex4(rest)?;
        let mut second = None;
        if is_high_surrogate(first)
            && let Some(pair) = rest.strip_prefix("\\u")
        {
            let (unit, after) = hex4(pair)?;
            (second, rest) = (Some(unit), after);
        }
        self.rest = rest;
        char::decode_utf16([first].into_iter().chain(second))
            .next()
            .and_then(Result::ok)
            .ok_or(BadEscape::Surrogate)
    }
}

/// Reason why an escape spells no character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BadEscape {
    Syntax,
    /// Half of a surrogate pair: no UTF-8 can hold it.
    Surrogate,
}

fn is_high_surrogate(unit: u16) -> bool {
    (0xd800..0xdc00).contains(&unit)
}

fn hex4(text: &str) -> Result<(u16, &str), BadEscape> {
    let (digits, rest) = text.split_at_checked(4).ok_or(BadEscape::Syntax)?;
    // `from_str_radix` takes a sign, JSON does not.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(BadEscape::Syntax);
    }
    let unit = u16::from_str_radix(digits, 16).map_err(|_| BadEscape::Syntax)?;
    Ok((unit, rest))
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self.next_checked()? {
            Ok(character) => Some(character),
            // Only a broken document's names get here, on their way to a pointer.
            Err(_) => {
                self.rest = "";
                None
            }
        }
    }
}

impl FusedIterator for Chars<'_> {}
