// SPDX-License-Identifier: Apache-2.0
//! From a byte offset to a JSON pointer.

use core::fmt::{self, Write};

use super::scan::{Items, byte, closing_quote};
use crate::Text;

/// Displays the RFC 6901 pointer of the innermost value at `offset`, or of the
/// member whose name stands there: `/layers/1/digest`. The root is the empty
/// string.
///
/// The document may be broken: then the pointer leads to the innermost container that is open at
/// the offset, as far as it can be found. Bytes that are no UTF-8 show as U+FFFD, and control
/// characters as their JSON escape, so that a name chosen by a stranger is safe to print.
///
/// ```
/// use ocre_oci::json;
///
/// let document = br#"{"layers": [{"size": 1}, {"size": "two"}]}"#;
/// let root = json::parse(document, &json::Caps::default())?;
/// let layer = root.require("layers")?.elements().nth(1).unwrap();
/// let error = layer.require("size")?.unsigned().unwrap_err();
/// assert_eq!(json::pointer(document, error.offset).to_string(), "/layers/1/size");
/// # Ok::<(), ocre_oci::Error>(())
/// ```
pub fn pointer(document: &[u8], offset: u32) -> impl fmt::Display {
    Pointer {
        document,
        offset: usize::try_from(offset).unwrap_or(usize::MAX),
    }
}

struct Pointer<'a> {
    document: &'a [u8],
    offset: usize,
}

impl Pointer<'_> {
    /// A value cut off by the end of the document still encloses that end.
    fn encloses(&self, start: usize, end: usize) -> bool {
        start <= self.offset && (self.offset < end || end >= self.document.len())
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = super::scan::skip_space(self.document, 0);
        loop {
            let found = Items::new(self.document, at)
                .enumerate()
                .find(|(_, item)| self.encloses(item.start, item.end));
            let Some((index, item)) = found else {
                return Ok(());
            };
            if byte(self.document, at) == Some(b'{') {
                f.write_char('/')?;
                name(self.document, item.start, f)?;
            } else {
                write!(f, "/{index}")?;
            }
            // Forward always: a value lies behind its container's bracket.
            at = item.value;
        }
    }
}

/// Writes the name whose opening quote is at `at` as a reference token.
fn name(document: &[u8], at: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let spelling = document
        .get(at.saturating_add(1)..closing_quote(document, at))
        .unwrap_or_default();
    // A name that is not UTF-8 is in no document that was accepted.
    let spelling = str::from_utf8(spelling).unwrap_or("\u{fffd}");
    for character in Text::from_json(spelling).chars() {
        match character {
            '~' => f.write_str("~0")?,
            '/' => f.write_str("~1")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            other => f.write_char(other)?,
        }
    }
    Ok(())
}
