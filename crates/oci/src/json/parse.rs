// SPDX-License-Identifier: Apache-2.0
//! The one pass that validates a document.

use core::cmp::Ordering;

use super::scan::{after, byte, closing_quote, skip_space};
use super::value::Value;
use crate::text::{BadEscape, Text};
use crate::{Error, ErrorKind};

/// Limits on the size of a document. Each has an error code of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// Bytes in the document.
    pub bytes: u32,
    /// Containers open at once; at most [`Caps::MAX_DEPTH`], larger values mean that.
    pub depth: u8,
    /// Members of one object or elements of one array. Whatever the limit, at most
    /// [`Caps::MAX_OPEN_NAMES`] members are read of all objects open at once.
    pub entries: u16,
}

impl Caps {
    /// Bounds the parser's stack: 6 bytes each.
    pub const MAX_DEPTH: u8 = 32;
    /// Bounds the parser's stack: 4 bytes each.
    pub const MAX_OPEN_NAMES: usize = 256;
}

/// Generous for image documents: a manifest of one layer has about 500 bytes,
/// depth 3 and 4 entries.
impl Default for Caps {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            depth: 16,
            entries: 256,
        }
    }
}

/// Validates `bytes` as one JSON text (RFC 8259) without duplicate names, and
/// returns its root.
///
/// Uses about 1.3 KiB of stack, whatever the document.
///
/// ```
/// use ocre_oci::{ErrorKind, json};
///
/// let caps = json::Caps::default();
/// let root = json::parse(br#"{"name": "caf\u00e9", "size": 2}"#, &caps)?;
/// assert_eq!(root.require("name")?.text()?, "café");
/// assert_eq!(root.require("size")?.unsigned()?, 2);
/// assert!(root.get("tag").is_none());
///
/// let error = json::parse(br#"{"size": 2, "size": 3}"#, &caps).unwrap_err();
/// assert_eq!((error.kind, error.offset), (ErrorKind::JsonDuplicateKey, 12));
/// # Ok::<(), ocre_oci::Error>(())
/// ```
///
/// # Errors
/// In this order: `document-too-large`; `json-utf8`; then whichever comes first
/// in the document of `json-syntax`, `json-utf8` (for an escape),
/// `json-duplicate-key`, `document-too-deep`, `too-many-entries`; and
/// `json-trailing-data` last.
pub fn parse<'a>(bytes: &'a [u8], caps: &Caps) -> Result<Value<'a>, Error> {
    if bytes.len() > usize::try_from(caps.bytes).unwrap_or(usize::MAX) {
        return Err(Error {
            kind: ErrorKind::DocumentTooLarge,
            offset: caps.bytes,
        });
    }
    let document = core::str::from_utf8(bytes)
        .map_err(|error| error_at(ErrorKind::JsonUtf8, error.valid_up_to()))?;
    let mut parser = Parser {
        document,
        at: 0,
        caps,
        open: heapless::Vec::new(),
        names: heapless::Vec::new(),
    };
    let root = skip_space(bytes, 0);
    parser.document()?;
    Ok(Value::new(document, root))
}

fn error_at(kind: ErrorKind, at: usize) -> Error {
    Error {
        kind,
        offset: u32::try_from(at).unwrap_or(u32::MAX),
    }
}

/// A container whose end is not read yet.
struct OpenValue {
    /// In an object, number of `Parser::names` that belong to the objects around it.
    outer_names: Option<u16>,
    entries: u16,
}

struct Parser<'a, 'c> {
    document: &'a str,
    at: usize,
    caps: &'c Caps,
    open: heapless::Vec<OpenValue, { Caps::MAX_DEPTH as usize }, u8>,
    /// Offsets of the names read so far in the open objects, outermost first; those
    /// of one object in the order of the names, so that a hostile document can't
    /// make the search for a duplicate quadratic.
    names: heapless::Vec<u32, { Caps::MAX_OPEN_NAMES }, u16>,
}

impl<'a> Parser<'a, '_> {
    fn document(&mut self) -> Result<(), Error> {
        loop {
            self.skip_space();
            let opened = self.value()?;
            if opened && !self.close_if_empty() {
                self.entry()?;
                continue;
            }
            // A value is complete: leave every container that ends here.
            loop {
                self.skip_space();
                let Some(container) = self.open.last() else {
                    return match self.peek() {
                        None => Ok(()),
                        Some(_) => Err(self.error(ErrorKind::JsonTrailingData)),
                    };
                };
                let close = if container.outer_names.is_some() {
                    b'}'
                } else {
                    b']'
                };
                match self.peek() {
                    Some(b',') => {
                        self.step();
                        self.entry()?;
                        break;
                    }
                    Some(found) if found == close => self.close(),
                    _ => return Err(self.error(ErrorKind::JsonSyntax)),
                }
            }
        }
    }

    /// Reads a scalar, or the opening bracket of a container: then `true`.
    fn value(&mut self) -> Result<bool, Error> {
        match self.peek() {
            Some(b'{') => self.open(true)?,
            Some(b'[') => self.open(false)?,
            Some(b'"') => {
                self.string()?;
                return Ok(false);
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                return Ok(false);
            }
            _ => {
                self.literal()?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open(&mut self, object: bool) -> Result<(), Error> {
        let too_deep = self.error(ErrorKind::DocumentTooDeep);
        if self.open.len() >= usize::from(self.caps.depth) {
            return Err(too_deep);
        }
        let outer_names = object.then_some(u16::try_from(self.names.len()).unwrap_or(u16::MAX));
        self.open
            .push(OpenValue {
                outer_names,
                entries: 0,
            })
            .map_err(|_| too_deep)?;
        self.step();
        Ok(())
    }

    fn close(&mut self) {
        if let Some(OpenValue {
            outer_names: Some(outer),
            ..
        }) = self.open.pop()
        {
            self.names.truncate(usize::from(outer));
        }
        self.step();
    }

    fn close_if_empty(&mut self) -> bool {
        self.skip_space();
        let empty = matches!(
            (self.open.last(), self.peek()),
            (
                Some(OpenValue {
                    outer_names: Some(_),
                    ..
                }),
                Some(b'}')
            ) | (
                Some(OpenValue {
                    outer_names: None,
                    ..
                }),
                Some(b']')
            )
        );
        if empty {
            self.close();
        }
        empty
    }

    /// Counts a member or element and, in an object, reads its name and colon.
    fn entry(&mut self) -> Result<(), Error> {
        self.skip_space();
        let too_many = self.error(ErrorKind::TooManyEntries);
        let Some(container) = self.open.last_mut() else {
            return Ok(());
        };
        if container.entries >= self.caps.entries {
            return Err(too_many);
        }
        container.entries = container.entries.saturating_add(1);
        let Some(outer) = container.outer_names else {
            return Ok(());
        };

        if self.peek() != Some(b'"') {
            return Err(self.error(ErrorKind::JsonSyntax));
        }
        let duplicate = self.error(ErrorKind::JsonDuplicateKey);
        let start = duplicate.offset;
        let name = self.string()?;
        let outer = usize::from(outer);
        let siblings = self.names.get(outer..).unwrap_or_default();
        let place = siblings.binary_search_by(|&sibling| {
            let sibling = Value::at(self.document, sibling).text();
            sibling.map_or(Ordering::Less, |sibling| sibling.cmp(&name))
        });
        match place {
            Ok(_) => return Err(duplicate),
            Err(place) => self
                .names
                .insert(outer.saturating_add(place), start)
                .map_err(|_| too_many)?,
        }

        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.error(ErrorKind::JsonSyntax));
        }
        self.step();
        Ok(())
    }

    fn string(&mut self) -> Result<Text<'a>, Error> {
        let start = after(self.at);
        let end = closing_quote(self.document.as_bytes(), self.at);
        let spelling = self.document.get(start..end).unwrap_or_default();
        if let Some(position) = spelling.bytes().position(|byte| byte < b' ') {
            return Err(error_at(
                ErrorKind::JsonSyntax,
                start.saturating_add(position),
            ));
        }
        if byte(self.document.as_bytes(), end).is_none() {
            return Err(error_at(ErrorKind::JsonSyntax, self.document.len()));
        }
        let text = Text::from_json(spelling);
        let mut characters = text.chars();
        if text.as_plain().is_none() {
            loop {
                let at = end.saturating_sub(characters.rest().len());
                let kind = match characters.next_checked() {
                    None => break,
                    Some(Ok(_)) => continue,
                    Some(Err(BadEscape::Syntax)) => ErrorKind::JsonSyntax,
                    Some(Err(BadEscape::Surrogate)) => ErrorKind::JsonUtf8,
                };
                return Err(error_at(kind, at));
            }
        }
        self.at = after(end);
        Ok(text)
    }

    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == Some(b'-') {
            self.step();
        }
        if self.peek() == Some(b'0') {
            self.step();
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.step();
            if let Some(b'+' | b'-') = self.peek() {
                self.step();
            }
            self.digits()?;
        }
        self.delimited()
    }

    /// Else `01` or `nulls` would pass for a value with trailing data.
    fn delimited(&self) -> Result<(), Error> {
        match self.peek() {
            None | Some(b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') => Ok(()),
            Some(_) => Err(self.error(ErrorKind::JsonSyntax)),
        }
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.error(ErrorKind::JsonSyntax));
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.step();
        }
        Ok(())
    }

    fn literal(&mut self) -> Result<(), Error> {
        let rest = self.document.get(self.at..).unwrap_or_default();
        for literal in ["true", "false", "null"] {
            if rest.starts_with(literal) {
                self.at = self.at.saturating_add(literal.len());
                return self.delimited();
            }
        }
        Err(self.error(ErrorKind::JsonSyntax))
    }

    fn skip_space(&mut self) {
        self.at = skip_space(self.document.as_bytes(), self.at);
    }

    fn peek(&self) -> Option<u8> {
        byte(self.document.as_bytes(), self.at)
    }

    fn step(&mut self) {
        self.at = after(self.at);
    }

    fn error(&self, kind: ErrorKind) -> Error {
        error_at(kind, self.at)
    }
}
