// SPDX-License-Identifier: Apache-2.0
//! Sequence numbers of images.

use ocre_oci::Text;

use crate::{Place, Rule, SignatureRefusal, refused};

/// Annotation of the signed descriptor that orders the images of one name, for protection from a
/// rollback: a decimal number of at most [`MAX_SEQUENCE`].
pub const SEQUENCE: &str = "dev.ocre.sequence";
/// Largest sequence number, 2^53 − 1: the largest integer that each JSON reader keeps exactly
/// (RFC 8259 section 6).
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;

/// Reads the annotation, if it is there.
pub(crate) fn sequence(
    annotation: Option<Text<'_>>,
    at: Place,
) -> Result<Option<u64>, SignatureRefusal> {
    let Some(text) = annotation else {
        return Ok(None);
    };
    let number = text.as_plain().and_then(number);
    number.map(Some).ok_or(refused(Rule::Malformed, at))
}

/// Reads a sequence number in its one spelling, without leading zeros.
fn number(text: &str) -> Option<u64> {
    let is_short = text == "0" || !text.starts_with('0');
    // The largest has 16 digits, so that no longer number is read and 64 bits are enough.
    let is_number = (1..=16).contains(&text.len()) && is_short;
    let mut number = 0_u64;
    for byte in text.bytes() {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    (is_number && number <= MAX_SEQUENCE).then_some(number)
}
