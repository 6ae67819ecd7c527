// SPDX-License-Identifier: Apache-2.0
//! Steps over JSON tokens without judging them.
//!
//! Promised: every function is total, moves forward only, and agrees with the
//! grammar on documents that [`parse`](super::parse()) has accepted. On anything
//! else it still ends, somewhere before the end of the bytes; that is all that
//! locating an error in a broken document needs.
//!
//! A position is an offset in bytes; one at or past the end reads as nothing.

pub(super) fn byte(document: &[u8], at: usize) -> Option<u8> {
    document.get(at).copied()
}

pub(super) fn after(at: usize) -> usize {
    at.saturating_add(1)
}

fn skip_while(document: &[u8], at: usize, skipped: impl Fn(u8) -> bool) -> usize {
    let rest = document.get(at..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|&byte| !skipped(byte))
        .unwrap_or(rest.len());
    at.saturating_add(length)
}

pub(super) fn skip_space(document: &[u8], at: usize) -> usize {
    skip_while(document, at, |byte| {
        matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
    })
}

/// End of the string whose opening quote is at `at`: the position of its closing
/// quote, or the end of the document.
pub(super) fn closing_quote(document: &[u8], at: usize) -> usize {
    let mut at = after(at);
    loop {
        at = skip_while(document, at, |byte| byte != b'"' && byte != b'\\');
        match byte(document, at) {
            Some(b'\\') => at = after(after(at)),
            Some(_) => return at,
            None => return document.len(),
        }
    }
}

/// The position after the value that starts at `at`.
pub(super) fn value_end(document: &[u8], at: usize) -> usize {
    match byte(document, at) {
        Some(b'"') => after(closing_quote(document, at)).min(document.len()),
        Some(b'{' | b'[') => container_end(document, at),
        _ => skip_while(document, at, |byte| {
            !matches!(
                byte,
                b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'
            )
        }),
    }
}

fn container_end(document: &[u8], at: usize) -> usize {
    let mut at = at;
    let mut open = 0_usize;
    loop {
        at = skip_while(document, at, |byte| {
            !matches!(byte, b'"' | b'{' | b'[' | b'}' | b']')
        });
        match byte(document, at) {
            Some(b'"') => at = closing_quote(document, at),
            Some(b'{' | b'[') => open = open.saturating_add(1),
            Some(_) if open <= 1 => return after(at),
            Some(_) => open = open.saturating_sub(1),
            None => return document.len(),
        }
        at = after(at);
    }
}

/// A member or an element.
#[derive(Clone, Copy)]
pub(super) struct Item {
    /// Start of the item: the opening quote of its name, or the value.
    pub start: usize,
    pub value: usize,
    pub end: usize,
}

/// The items of the container that starts at `at`; none if none starts there.
#[derive(Clone, Debug)]
pub(super) struct Items<'a> {
    document: &'a [u8],
    at: usize,
    object: bool,
}

impl<'a> Items<'a> {
    pub(super) fn new(document: &'a [u8], at: usize) -> Self {
        match byte(document, at) {
            Some(open @ (b'{' | b'[')) => Self {
                document,
                at: after(at),
                object: open == b'{',
            },
            _ => Self {
                document,
                at: document.len(),
                object: false,
            },
        }
    }
}

impl Iterator for Items<'_> {
    type Item = Item;

    #[inline(never)]
    fn next(&mut self) -> Option<Item> {
        let document = self.document;
        let mut start = skip_space(document, self.at);
        if byte(document, start) == Some(b',') {
            start = skip_space(document, after(start));
        }
        let mut value = start;
        if self.object {
            if byte(document, start) != Some(b'"') {
                return None;
            }
            value = skip_space(document, value_end(document, start));
            if byte(document, value) == Some(b':') {
                value = skip_space(document, after(value));
            }
        }
        let end = value_end(document, value);
        // A closing bracket, the end, or something that is no item.
        if end <= start {
            return None;
        }
        self.at = end;
        Some(Item { start, value, end })
    }
}
