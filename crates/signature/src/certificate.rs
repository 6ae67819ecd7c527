// SPDX-License-Identifier: Apache-2.0
//! Public key of an X.509 certificate (RFC 5280 section 4.1, in DER).
//!
//! Nothing else of a certificate counts: the key is compared with pinned ones. So its other fields
//! are stepped over, and only their lengths have to be right.

use crate::Point;
use crate::der::{BIT_STRING, Der, DerError, INTEGER, SEQUENCE};

const VERSION: u8 = 0xa0;

/// `id-ecPublicKey` with the parameter `secp256r1` (RFC 5480 section 2.1.1).
const P256: [u8; 19] = [
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];

/// Not a certificate in DER with a key on P-256.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum KeyError {
    /// Not a certificate.
    Malformed,
    /// The key is of another kind.
    OtherKey,
}

impl From<DerError> for KeyError {
    fn from(_: DerError) -> Self {
        Self::Malformed
    }
}

/// Reads the key of a certificate.
pub(crate) fn public_key(certificate: &[u8]) -> Result<Point, KeyError> {
    let mut outer = Der(certificate);
    let mut certificate = outer.element(SEQUENCE)?;
    outer.end()?;
    let mut fields = certificate.element(SEQUENCE)?;
    if fields.is_next(VERSION) {
        fields.element(VERSION)?;
    }
    fields.element(INTEGER)?; // serialNumber
    for _ in ["signature", "issuer", "validity", "subject"] {
        fields.element(SEQUENCE)?;
    }
    let mut info = fields.element(SEQUENCE)?;
    let algorithm = info.element(SEQUENCE)?;
    let mut key = info.element(BIT_STRING)?;
    info.end()?;
    if algorithm.0 != P256 {
        return Err(KeyError::OtherKey);
    }
    // No unused bits in the last byte.
    match key.0.split_first() {
        Some((0, point)) => key.0 = point,
        _ => return Err(KeyError::Malformed),
    }
    let point: Point = key.0.try_into().map_err(|_| KeyError::OtherKey)?;
    if point.first() != Some(&4) {
        return Err(KeyError::OtherKey);
    }
    // signatureAlgorithm and signatureValue, which nobody checks here.
    certificate.element(SEQUENCE)?;
    certificate.element(BIT_STRING)?;
    certificate.end()?;
    Ok(point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::certificate;

    const POINT: Point = [4; 65];

    #[test]
    fn the_key_of_a_certificate_is_found() {
        assert_eq!(public_key(&certificate(&POINT)), Ok(POINT));
    }

    #[test]
    fn a_certificate_that_is_cut_or_goes_on_is_refused() {
        let whole = certificate(&POINT);
        for end in 0..whole.len() {
            assert!(public_key(&whole[..end]).is_err(), "{end}");
        }
        let longer = [whole, std::vec![0]].concat();
        assert_eq!(public_key(&longer), Err(KeyError::Malformed));
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let whole = certificate(&POINT);
        let at = whole
            .windows(P256.len())
            .position(|bytes| bytes == P256)
            .unwrap();
        for byte in at..at + P256.len() {
            let mut other = whole.clone();
            other[byte] ^= 1;
            assert_eq!(public_key(&other), Err(KeyError::OtherKey), "{byte}");
        }
        let mut compressed = POINT;
        compressed[0] = 2;
        assert_eq!(
            public_key(&certificate(&compressed)),
            Err(KeyError::OtherKey)
        );
    }
}
