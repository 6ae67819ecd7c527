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
pub mod cbor;
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

ocre_oci::coded_enum! {
    /// Part of an envelope, as its specification names the part.
    pub enum Place {
        /// Array of a COSE envelope.
        Envelope = "COSE_Sign1",
        /// Tag of a COSE envelope.
        Tag = "tag",
        /// Protected header.
        Protected = "protected",
        /// Algorithm.
        Algorithm = "protected.alg",
        /// Type of the payload.
        ContentType = "protected.contentType",
        /// List of critical headers.
        Critical = "protected.crit",
        /// Time at which the signature expires.
        Expiry = "protected.expiry",
        /// Signing scheme.
        Scheme = "protected.signingScheme",
        /// Time of the signature.
        SigningTime = "protected.signingTime",
        /// Unprotected header.
        Unprotected = "unprotected",
        /// Chain of certificates.
        Certificates = "unprotected.x5chain",
        /// Payload of a COSE envelope.
        Payload = "payload",
        /// Signed descriptor.
        Target = "payload.targetArtifact",
        /// Annotations of the signed descriptor.
        TargetAnnotations = "payload.targetArtifact.annotations",
        /// Digest of the signed descriptor.
        TargetDigest = "payload.targetArtifact.digest",
        /// Media type of the signed descriptor.
        TargetMediaType = "payload.targetArtifact.mediaType",
        /// Size of the signed descriptor.
        TargetSize = "payload.targetArtifact.size",
        /// Signature of a COSE envelope.
        Signature = "signature",
        /// Bundle.
        Bundle = "bundle",
        /// Media type of a bundle.
        BundleMediaType = "mediaType",
        /// DSSE envelope.
        Dsse = "dsseEnvelope",
        /// Payload of a DSSE envelope.
        DssePayload = "dsseEnvelope.payload",
        /// Type of the payload of a DSSE envelope.
        DssePayloadType = "dsseEnvelope.payloadType",
        /// Signatures of a DSSE envelope.
        DsseSignatures = "dsseEnvelope.signatures",
        /// in-toto statement.
        Statement = "statement",
        /// Type of a statement.
        StatementType = "statement._type",
        /// Type of the predicate of a statement.
        PredicateType = "statement.predicateType",
        /// Subject of a statement.
        Subject = "statement.subject",
        /// Annotations of a subject.
        SubjectAnnotations = "statement.subject.annotations",
        /// Digest of a subject.
        SubjectDigest = "statement.subject.digest",
    }
}

/// Reason why a signature is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignatureRefusal {
    /// The broken rule.
    pub rule: Rule,
    /// Part of the envelope.
    pub at: Place,
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

fn refused(rule: Rule, at: Place) -> SignatureRefusal {
    SignatureRefusal { rule, at }
}
