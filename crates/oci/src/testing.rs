// SPDX-License-Identifier: Apache-2.0
//! Helpers for the tests of several documents.

use core::ops::ControlFlow;
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::json::{self, Caps, Value};
use crate::{Error, ErrorReport};

pub const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub fn value(document: &str) -> Value<'_> {
    json::parse(document.as_bytes(), &Caps::default()).expect("the test's document is JSON")
}

/// `code pointer`, as a verdict prints it.
pub fn place(document: &str, error: Error) -> String {
    format!(
        "{} {}",
        error.kind,
        json::pointer(document.as_bytes(), error.offset)
    )
}

/// Lists the errors that `check` reports.
pub fn errors<'a>(
    document: &'a str,
    check: impl FnOnce(Value<'a>, ErrorReport<'_>) -> ControlFlow<()>,
) -> Vec<String> {
    let mut found = Vec::new();
    let _ = check(value(document), &mut |error| {
        found.push(place(document, error));
        ControlFlow::Continue(())
    });
    found
}
