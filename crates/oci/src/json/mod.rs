// SPDX-License-Identifier: Apache-2.0
//! JSON, read strictly and in bounded space.
//!
//! Promised: [`parse`] accepts a document only if it is one RFC 8259 text in
//! UTF-8, no object has two members of one name however they are spelt, and the
//! caps hold. After that, navigation through [`Value`] is total. Nothing recurses
//! or allocates.
//!
//! Design: one pass validates, and keeps on its stack only what is open: the kinds of the
//! containers and the offsets of their members' names. Navigation then steps over the text again,
//! trusting it.
//!
//! # Why not a published reader
//!
//! No allocation-free reader looked at (November 2026) reports duplicate names,
//! caps the entries of a container, or says where a value stands in the document.
//! Beyond that:
//!
//! - `picojson` 0.2.3: its grammar is right; wants a scratch buffer as long as the
//!   longest string with an escape.
//! - `serde-json-core` 0.6.0: what it skips it does not validate (it takes `"\x"`,
//!   raw control characters and half a surrogate pair), and has no depth cap.
//! - `json-streaming` 1.0.5: a tokenizer that leaves nesting to its caller; every
//!   string has to fit its buffer.
//! - `nanojson` 0.3.0: no `\u` escapes, takes raw control characters and trailing
//!   bytes.
//! - `zjson` 0.1.5: without tests, as its own page says; no caps.
mod parse;
mod pointer;
mod scan;
mod value;

#[cfg(test)]
mod tests;

pub use parse::{Caps, parse};
pub use pointer::pointer;
pub use value::{Elements, Kind, Members, Value};
