// SPDX-License-Identifier: Apache-2.0
//! A cursor into a validated document.

use super::scan::{Items, after, byte, closing_quote, value_end};
use crate::{Error, ErrorKind, Text};

/// The JSON type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// Value in a document that [`parse`](super::parse()) has accepted.
///
/// Navigation scans the text anew each time: it costs time in proportion to the
/// container's bytes, and no memory.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    document: &'a str,
    offset: u32,
}

impl<'a> Value<'a> {
    pub(super) fn new(document: &'a str, at: usize) -> Self {
        Self::at(document, u32::try_from(at).unwrap_or(u32::MAX))
    }

    pub(super) fn at(document: &'a str, offset: u32) -> Self {
        Self { document, offset }
    }

    /// Offset of the first byte from the start of the document, in bytes.
    pub fn offset(self) -> u32 {
        self.offset
    }

    /// Spelling of the value in the document.
    pub fn source(self) -> &'a str {
        self.document
            .get(self.start()..value_end(self.bytes(), self.start()))
            .unwrap_or_default()
    }

    /// JSON type.
    pub fn kind(self) -> Kind {
        match byte(self.bytes(), self.start()) {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'n') => Kind::Null,
            _ => Kind::Number,
        }
    }

    /// This value, if it is of that type; else `field-type`.
    pub fn expect(self, kind: Kind) -> Result<Self, Error> {
        if self.kind() == kind {
            Ok(self)
        } else {
            Err(self.error(ErrorKind::FieldType))
        }
    }

    /// Name and value of each member, in document order; none if it is no object.
    pub fn members(self) -> Members<'a> {
        Members(Elements::new(self, Kind::Object))
    }

    /// The elements, in order; none if it is no array.
    pub fn elements(self) -> Elements<'a> {
        Elements::new(self, Kind::Array)
    }

    /// The member of that name.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.members()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    /// The members of those names, found in one pass.
    pub fn fields<const N: usize>(self, names: [&str; N]) -> [Option<Value<'a>>; N] {
        let mut fields = [None; N];
        self.find_fields(&names, &mut fields);
        fields
    }

    fn find_fields(self, names: &[&str], fields: &mut [Option<Value<'a>>]) {
        for (found, value) in self.members() {
            let mut slots = names.iter().zip(&mut *fields);
            if let Some((_, field)) = slots.find(|(name, _)| found == **name) {
                *field = Some(value);
            }
        }
    }

    /// The member of that name, else `field-missing` at this object.
    pub fn require(self, name: &str) -> Result<Value<'a>, Error> {
        self.present(self.get(name))
    }

    /// `field` of this object, else `field-missing` at this object.
    pub(crate) fn present(self, field: Option<Value<'a>>) -> Result<Value<'a>, Error> {
        field.ok_or(self.error(ErrorKind::FieldMissing))
    }

    /// A string's text, else `field-type`.
    pub fn text(self) -> Result<Text<'a>, Error> {
        self.expect(Kind::String)?;
        Ok(Text::from_json(self.spelling()))
    }

    /// An exact integer 0 … 2^63−1: `field-type` for anything but a number spelt
    /// with digits alone (not `"1"`, `1.0`, `1e3`), `size-range` for one outside.
    pub fn unsigned(self) -> Result<u64, Error> {
        self.expect(Kind::Number)?;
        let digits = self.source();
        if digits
            .bytes()
            .any(|byte| matches!(byte, b'.' | b'e' | b'E'))
        {
            return Err(self.error(ErrorKind::FieldType));
        }
        digits
            .parse()
            .ok()
            .filter(|&number| number <= i64::MAX.cast_unsigned())
            .ok_or(self.error(ErrorKind::SizeRange))
    }

    /// An error at this value.
    pub fn error(self, kind: ErrorKind) -> Error {
        Error {
            kind,
            offset: self.offset,
        }
    }

    /// Spelling of a string, without its quotes.
    fn spelling(self) -> &'a str {
        let end = closing_quote(self.bytes(), self.start());
        self.document
            .get(after(self.start())..end)
            .unwrap_or_default()
    }

    fn bytes(self) -> &'a [u8] {
        self.document.as_bytes()
    }

    fn start(self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }
}

/// The elements of an array, in order.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    document: &'a str,
    items: Items<'a>,
}

impl<'a> Elements<'a> {
    fn new(container: Value<'a>, kind: Kind) -> Self {
        let items = if container.kind() == kind {
            Items::new(container.bytes(), container.start())
        } else {
            Items::new(&[], 0)
        };
        Self {
            document: container.document,
            items,
        }
    }

    /// Elements of an array that may be absent.
    pub fn of(array: Option<Value<'a>>) -> Self {
        Self::new(array.unwrap_or(Value::at("", 0)), Kind::Array)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let item = self.items.next()?;
        Some(Value::new(self.document, item.value))
    }
}

/// Name and value of each member of an object, in document order.
#[derive(Clone, Debug)]
pub struct Members<'a>(Elements<'a>);

impl<'a> Members<'a> {
    /// Members of an object that may be absent.
    pub fn of(object: Option<Value<'a>>) -> Self {
        Self(Elements::new(
            object.unwrap_or(Value::at("", 0)),
            Kind::Object,
        ))
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Text<'a>, Value<'a>);

    // A device has this once, for all who go through an object.
    #[inline(never)]
    fn next(&mut self) -> Option<Self::Item> {
        let item = self.0.items.next()?;
        let document = self.0.document;
        let name = Value::new(document, item.start).spelling();
        Some((Text::from_json(name), Value::new(document, item.value)))
    }
}
