// SPDX-License-Identifier: Apache-2.0
//! Signatures of OCI images, verified against pinned keys.
//!
//! Two envelopes are known: the Notary Project's ([`notary`]) and Sigstore's ([`bundle`]).
//!
//! Promised: whatever bytes come in, each `verify` returns; it does not panic, allocate or
//! recurse, and uses no `unsafe`. A signature is accepted only if each part of the envelope is as
//! the specification says, the signed digest is that of the judged manifest, and the key is one of
//! the caller's. Everything else is checked before the signature, which costs most.
//!
//! Design: one primitive, ECDSA over P-256 with SHA-256, behind [`Ecdsa`]. A firmware has it from
//! its crypto library or hardware, a PC from a crate. Keys never come from the image: the
//! certificate in an envelope only says which of the pinned keys to try.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

#[cfg(test)]
extern crate std;

pub mod bundle;
mod certificate;
mod der;
mod envelope;
pub mod notary;
mod sequence;
#[cfg(test)]
mod testing;

use ocre_oci::Sha256;

pub use sequence::{MAX_SEQUENCE, SEQUENCE};

/// Examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct SignatureReadme;

/// Public key on P-256 as SEC 1 (section 2.3.3) writes it without compression: 4, x, y.
pub type Point = [u8; 65];

/// Key whose signatures a device accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinnedKey<'a> {
    /// Name, as an operator knows the key.
    pub name: &'a str,
    /// The key.
    pub point: Point,
}

/// ECDSA over P-256 (FIPS 186-5).
pub trait Ecdsa {
    /// True if `signature`, r and s in 32 bytes each, is one of `key` over `digest`. False for a
    /// key that is no point of the curve, too.
    fn verify(&self, key: &Point, digest: &Sha256, signature: &[u8; 64]) -> bool;
}

ocre_oci::coded_enum! {
    /// Rule that a signature breaks.
    pub enum Rule {
        /// The envelope is not as its specification says.
        Malformed = "signature-malformed",
        /// An algorithm, scheme or critical header that is not known here.
        Unsupported = "signature-unsupported",
        /// The signed descriptor is another manifest's.
        Target = "signature-target",
        /// The signature has expired.
        Expired = "signature-expired",
        /// The key is none of the pinned ones.
        Key = "signature-key",
        /// The signature is not the key's signature of the content.
        Invalid = "signature-invalid",
    }
}

/// Reason why a signature is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureRefusal {
    /// The broken rule.
    pub rule: Rule,
    /// Part of the envelope, as its specification names the part.
    pub at: &'static str,
}

/// Accepted signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Place of the key in the caller's list.
    pub key: usize,
    /// Annotation `dev.ocre.sequence` of the signed descriptor, at most 2^53 − 1.
    pub sequence: Option<u64>,
    /// Time of the signature as the signer says, in seconds since 1970; none in a bundle.
    pub signed_at: Option<u64>,
    /// Time at which the signature expires, in seconds since 1970.
    pub expires_at: Option<u64>,
}

/// Manifest that a signature is to be for.
#[derive(Clone, Copy, Debug)]
pub struct SignedManifest<'a> {
    /// Media type.
    pub media_type: &'a str,
    /// Digest.
    pub digest: Sha256,
    /// Size in bytes.
    pub size: u64,
}

fn refused(rule: Rule, at: &'static str) -> SignatureRefusal {
    SignatureRefusal { rule, at }
}
