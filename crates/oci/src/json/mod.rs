// SPDX-License-Identifier: Apache-2.0
//! JSON, read strictly and in bounded space.
//!
//! Promised: [`parse`] accepts a document only if it is one RFC 8259 text in
//! UTF-8, no object has two members of one name however they are spelt, and the
//! caps hold. After that, navigation through [`Value`] is total. Nothing recurses
//! or allocates.
mod parse;
mod pointer;
mod scan;
mod value;

#[cfg(test)]
mod tests;

pub use parse::{Caps, parse};
pub use pointer::pointer;
pub use value::{Kind, Value};
