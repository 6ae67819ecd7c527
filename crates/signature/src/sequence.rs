// SPDX-License-Identifier: Apache-2.0
//! Sequence numbers of images.

use ocre_oci::Text;

use crate::{Rule, SignatureRefusal, refused};

/// Annotation of the signed descriptor that orders the images of one name, for protection from a
/// rollback: a decimal number of at most [`MAX_SEQUENCE`].
pub const SEQUENCE: &str = "dev.ocre.sequence";
/// Largest sequence number, 2^53 − 1: the largest integer that each JSON reader keeps exactly
/// (RFC 8259 section 6).
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// Reads the annotation, if it is there.
pub(crate) fn sequence(
    annotation: Option<Text<'_>>,
    at: &'static str,
) -> Result<Option<u64>, SignatureRefusal> {
    let Some(text) = annotation else {
        return Ok(None);
    };
    let number = text.as_plain().and_then(number);
    number.map(Some).ok_or(refused(Rule::Malformed, at))
}

/// Reads a sequence number in its one spelling, without leading zeros.
fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    let number = text.parse().ok().filter(|number| *number <= MAX_SEQUENCE);
    number.filter(|_| is_number && is_short)
}
