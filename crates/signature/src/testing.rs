// SPDX-License-Identifier: Apache-2.0
//! Envelopes, certificates and keys of tests.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use ocre_oci::Sha256;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

use crate::{Ecdsa, Point};

/// ECDSA of the crate `p256`.
pub(crate) struct SoftwareEcdsa;

impl Ecdsa for SoftwareEcdsa {
    fn verify(&self, key: &Point, digest: &Sha256, signature: &[u8; 64]) -> bool {
        let key = VerifyingKey::from_sec1_bytes(key);
        let signature = Signature::from_slice(signature);
        match (key, signature) {
            (Ok(key), Ok(signature)) => key.verify_prehash(&digest.0, &signature).is_ok(),
            _ => false,
        }
    }
}

/// Holder of a private key.
pub(crate) struct TestSigner(SigningKey);

impl TestSigner {
    /// The private key is that number.
    pub(crate) fn new(number: u8) -> Self {
        let mut scalar = [0; 32];
        scalar[31] = number;
        Self(SigningKey::from_slice(&scalar).unwrap())
    }

    pub(crate) fn point(&self) -> Point {
        let point = self.0.verifying_key().to_sec1_point(false);
        point.as_bytes().try_into().unwrap()
    }

    pub(crate) fn sign(&self, digest: &Sha256) -> Vec<u8> {
        let signature: Signature = self.0.sign_prehash(&digest.0).unwrap();
        signature.to_bytes().to_vec()
    }
}

/// Element of DER.
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match content.len() {
        length @ 0..=0x7f => bytes.push(length as u8),
        length @ 0x80..=0xff => bytes.extend([0x81, length as u8]),
        length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}

/// Certificate of a key, with a signature that is none.
pub(crate) fn certificate(point: &Point) -> Vec<u8> {
    let algorithm = der(
        0x30,
        &der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]),
    );
    let name = der(0x30, &der(0x31, b"name"));
    let validity = der(
        0x30,
        &[der(0x17, b"260101000000Z"), der(0x17, b"360101000000Z")].concat(),
    );
    let curve = [
        der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]),
        der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    ];
    let key = [&[0][..], point].concat();
    let info = der(
        0x30,
        &[der(0x30, &curve.concat()), der(0x03, &key)].concat(),
    );
    let version = der(0xa0, &der(0x02, &[2]));
    let serial = der(0x02, &[1]);
    let extensions = der(0xa3, &der(0x30, b""));
    let fields = [
        version,
        serial,
        algorithm.clone(),
        name.clone(),
        validity,
        name,
        info,
        extensions,
    ];
    let content = [
        der(0x30, &fields.concat()),
        algorithm,
        der(0x03, &[0, 1, 2]),
    ];
    der(0x30, &content.concat())
}

/// Base64 with padding (RFC 4648 section 4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let at = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 0x3f;
            let is_padding = digit > group.len();
            text.push(if is_padding {
                '='
            } else {
                char::from(DIGITS[value as usize])
            });
        }
    }
    text
}

fn head(major: u8, argument: u64) -> Vec<u8> {
    let major = major << 5;
    match argument {
        0..=23 => vec![major | argument as u8],
        24..=0xff => vec![major | 24, argument as u8],
        0x100..=0xffff => [&[major | 25][..], &(argument as u16).to_be_bytes()].concat(),
        _ => [&[major | 26][..], &(argument as u32).to_be_bytes()].concat(),
    }
}

/// Integer of CBOR.
pub(crate) fn number(value: i64) -> Vec<u8> {
    if value < 0 {
        head(1, (-1 - value) as u64)
    } else {
        head(0, value as u64)
    }
}

/// Byte string of CBOR.
pub(crate) fn bytes(content: &[u8]) -> Vec<u8> {
    [&head(2, content.len() as u64)[..], content].concat()
}

/// Text of CBOR.
pub(crate) fn text(content: &str) -> Vec<u8> {
    [&head(3, content.len() as u64)[..], content.as_bytes()].concat()
}

fn array(elements: &[Vec<u8>]) -> Vec<u8> {
    [head(4, elements.len() as u64), elements.concat()].concat()
}

/// Pairs of CBOR.
pub(crate) fn map(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let content = pairs
        .iter()
        .flat_map(|(key, value)| [&key[..], value].concat());
    [head(5, pairs.len() as u64), content.collect()].concat()
}

/// Tagged element of CBOR.
pub(crate) fn tagged(tag: u64, content: &[u8]) -> Vec<u8> {
    [&head(6, tag)[..], content].concat()
}

/// Parts of an envelope, each in CBOR.
pub(crate) struct Parts {
    pub(crate) protected: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) unprotected: Vec<(Vec<u8>, Vec<u8>)>,
    payload: Vec<u8>,
    certificate: Vec<u8>,
}

const EXPIRES_AT: &str = "io.cncf.notary.expiry";

impl Parts {
    /// An envelope as the specification has it.
    pub(crate) fn new(signer: &TestSigner, payload: &str) -> Self {
        let name = |end: &str| text(&format!("io.cncf.notary.{end}"));
        let certificate = certificate(&signer.point());
        let content_type = "application/vnd.cncf.notary.payload.v1+json";
        Self {
            protected: vec![
                (number(1), number(-7)),
                (number(2), array(&[name("signingScheme")])),
                (number(3), text(content_type)),
                (name("signingScheme"), text("notary.x509")),
                (name("signingTime"), tagged(1, &number(1_700_000_000))),
            ],
            unprotected: vec![(number(33), array(&[bytes(&certificate), bytes(b"root")]))],
            payload: payload.as_bytes().to_vec(),
            certificate,
        }
    }

    pub(crate) fn remove(&mut self, label: &[u8]) {
        self.protected.retain(|(found, _)| found != label);
    }

    pub(crate) fn replace(&mut self, label: &[u8], value: &[u8]) {
        let pair = self.protected.iter_mut().find(|(found, _)| found == label);
        pair.unwrap().1 = value.to_vec();
    }

    pub(crate) fn critical(&mut self, labels: &[Vec<u8>]) {
        self.replace(&number(2), &array(labels));
    }

    pub(crate) fn expires_at(&mut self, time: i64) {
        self.protected
            .push((text(EXPIRES_AT), tagged(1, &number(time))));
        self.critical(&[text("io.cncf.notary.signingScheme"), text(EXPIRES_AT)]);
    }

    /// The envelope with a signature.
    pub(crate) fn signed(&self, signer: &TestSigner) -> Vec<u8> {
        let protected = bytes(&map(&self.protected));
        let payload = bytes(&self.payload);
        let signed = array(&[
            text("Signature1"),
            protected.clone(),
            bytes(b""),
            payload.clone(),
        ]);
        let signature = bytes(&signer.sign(&Sha256::of(&signed)));
        tagged(
            18,
            &array(&[protected, map(&self.unprotected), payload, signature]),
        )
    }

    /// True where the byte at a place of the envelope is in a certificate.
    pub(crate) fn is_in_certificate(&self, envelope: &[u8], at: usize) -> bool {
        let length = self.certificate.len();
        let start = envelope
            .windows(length)
            .position(|found| found == self.certificate);
        let start = start.unwrap();
        // The root follows, with a length of one byte.
        (start..start + length + 5).contains(&at)
    }
}
