// SPDX-License-Identifier: Apache-2.0
//! Signatures of the Notary Project in COSE (signature-specification.md and
//! signature-envelope-cose.md, version 1.0), with the signing scheme `notary.x509`.
//!
//! The signer's certificate has to have a pinned key. Chains, revocation, timestamps and trust
//! policies of the specification need X.509 and a clock, and take no part.

use ocre_oci::{Descriptor, json};

use crate::certificate::{KeyError, public_key};
use crate::envelope::Envelope;
use crate::sequence::{SEQUENCE, sequence};
use crate::{Accepted, Ecdsa, PinnedKey, Place, Rule, SignatureRefusal, SignedManifest, refused};

/// `artifactType` of a signature's manifest.
pub const ARTIFACT_TYPE: &str = "application/vnd.cncf.notary.signature";
/// Media type of an envelope.
pub const MEDIA_TYPE: &str = "application/cose";

const CONTENT_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";
const SCHEME: &str = "notary.x509";

/// Verifies an envelope. `now` is the time in seconds since 1970, on a device with a clock; without
/// one, no signature expires.
///
/// # Errors
/// The first broken rule, in this order: the form of the envelope, the target, the expiry, the
/// key, the signature.
#[inline(never)] // its frame is not to stay under the other's
pub fn verify(
    envelope: &[u8],
    target: &SignedManifest<'_>,
    keys: &[PinnedKey<'_>],
    now: Option<u64>,
    ecdsa: &dyn Ecdsa,
) -> Result<Accepted, SignatureRefusal> {
    let envelope = Envelope::read(envelope, CONTENT_TYPE, SCHEME)?;
    let sequence = signed_for(envelope.payload, target)?;
    let is_over = |now| envelope.expires_at.is_some_and(|end| end <= now);
    if now.is_some_and(is_over) {
        return Err(refused(Rule::Expired, Place::Expiry));
    }
    let point = public_key(envelope.certificate).map_err(|error| {
        let rule = match error {
            KeyError::Malformed => Rule::Malformed,
            KeyError::OtherKey => Rule::Key,
        };
        refused(rule, Place::Certificates)
    })?;
    let key = keys
        .iter()
        .position(|key| key.point == point)
        .ok_or(refused(Rule::Key, Place::Certificates))?;
    if !ecdsa.verify(&point, &envelope.digest(), envelope.signature) {
        return Err(refused(Rule::Invalid, Place::Signature));
    }
    Ok(Accepted {
        key,
        sequence,
        signed_at: Some(envelope.signed_at),
        expires_at: envelope.expires_at,
    })
}

/// Compares the signed descriptor with the target, and returns its sequence number.
fn signed_for(
    payload: &[u8],
    target: &SignedManifest<'_>,
) -> Result<Option<u64>, SignatureRefusal> {
    const AT: Place = Place::Target;
    let malformed = |_| refused(Rule::Malformed, AT);
    let payload = json::parse(payload, &json::Caps::default()).map_err(malformed)?;
    let signed = payload.require("targetArtifact").map_err(malformed)?;
    let signed = Descriptor::parse(signed).map_err(malformed)?;
    let digest = signed.digest.sha256();
    if signed.media_type != target.media_type {
        return Err(refused(Rule::Target, Place::TargetMediaType));
    }
    if digest != Some(target.digest) {
        return Err(refused(Rule::Target, Place::TargetDigest));
    }
    if signed.size != target.size {
        return Err(refused(Rule::Target, Place::TargetSize));
    }
    sequence(signed.annotations().get(SEQUENCE), Place::TargetAnnotations)
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    use ocre_oci::Sha256;

    use super::*;
    use crate::sequence::MAX_SEQUENCE;
    use crate::testing::{Parts, SoftwareEcdsa, TestSigner, bytes, map, number, tagged, text};

    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

    fn target() -> SignedManifest<'static> {
        SignedManifest {
            media_type: MANIFEST,
            digest: Sha256([0xab; 32]),
            size: 7,
        }
    }

    fn payload(digest: &str, size: u64, more: &str) -> String {
        format!(
            r#"{{"targetArtifact":{{"mediaType":"{MANIFEST}","digest":"sha256:{digest}","size":{size}{more}}}}}"#
        )
    }

    fn right_payload(more: &str) -> String {
        payload(&"ab".repeat(32), 7, more)
    }

    fn parts(signer: &TestSigner) -> Parts {
        Parts::new(signer, &right_payload(""))
    }

    fn verified(
        envelope: &[u8],
        signer: &TestSigner,
        now: Option<u64>,
    ) -> Result<Accepted, SignatureRefusal> {
        let keys = [
            PinnedKey {
                name: "other",
                point: TestSigner::new(9).point(),
            },
            PinnedKey {
                name: "release",
                point: signer.point(),
            },
        ];
        verify(envelope, &target(), &keys, now, &SoftwareEcdsa)
    }

    #[track_caller]
    fn refused_with(parts: &Parts, signer: &TestSigner, rule: Rule, at: &str) {
        let found = verified(&parts.signed(signer), signer, None).unwrap_err();
        assert_eq!((found.rule, found.at.code()), (rule, at));
    }

    #[test]
    fn a_signature_by_a_pinned_key_is_accepted() {
        let signer = TestSigner::new(1);
        let accepted = verified(&parts(&signer).signed(&signer), &signer, Some(u64::MAX)).unwrap();
        assert_eq!(
            accepted,
            Accepted {
                key: 1,
                sequence: None,
                signed_at: Some(1_700_000_000),
                expires_at: None,
            }
        );
    }

    #[test]
    fn no_changed_byte_is_accepted() {
        let signer = TestSigner::new(1);
        let right = parts(&signer).signed(&signer);
        for at in 0..right.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut wrong = right.clone();
                wrong[at] ^= bit;
                match verified(&wrong, &signer, None) {
                    Err(_) => {}
                    // Of the certificate only the key counts.
                    Ok(_) => assert!(parts(&signer).is_in_certificate(&right, at), "{at}"),
                }
            }
        }
        for end in 0..right.len() {
            assert!(verified(&right[..end], &signer, None).is_err(), "{end}");
        }
    }

    #[test]
    fn another_manifest_is_not_signed() {
        let signer = TestSigner::new(1);
        let with = |payload: &str| Parts::new(&signer, payload);
        let (digest, size) = (
            "payload.targetArtifact.digest",
            "payload.targetArtifact.size",
        );
        let other = payload(&"ac".repeat(32), 7, "");
        refused_with(&with(&other), &signer, Rule::Target, digest);
        let other = payload(&"ab".repeat(32), 8, "");
        refused_with(&with(&other), &signer, Rule::Target, size);
        let other = right_payload("").replace("image.manifest", "image.index");
        let media_type = "payload.targetArtifact.mediaType";
        refused_with(&with(&other), &signer, Rule::Target, media_type);
        for malformed in ["", "{}", "[]", r#"{"targetArtifact":{}}"#] {
            let at = "payload.targetArtifact";
            refused_with(&with(malformed), &signer, Rule::Malformed, at);
        }
    }

    #[test]
    fn the_sequence_is_a_decimal_number() {
        let signer = TestSigner::new(1);
        let with = |number: &str| {
            let more = format!(r#","annotations":{{"dev.ocre.sequence":"{number}"}}"#);
            let parts = Parts::new(&signer, &right_payload(&more));
            verified(&parts.signed(&signer), &signer, None)
        };
        for (text, number) in [("0", 0), ("10", 10), ("9007199254740991", MAX_SEQUENCE)] {
            assert_eq!(with(text).unwrap().sequence, Some(number));
        }
        for text in ["", "01", "+1", "-1", "1.0", "9007199254740992", "a", "1 "] {
            let refusal = with(text).unwrap_err();
            assert_eq!(
                refusal.at.code(),
                "payload.targetArtifact.annotations",
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_signature_expires_on_a_device_with_a_clock() {
        let signer = TestSigner::new(1);
        let mut parts = parts(&signer);
        parts.expires_at(1_800_000_000);
        let envelope = parts.signed(&signer);
        let at = |now| verified(&envelope, &signer, now).map_err(|refusal| refusal.rule);
        assert_eq!(
            at(Some(1_799_999_999)).unwrap().expires_at,
            Some(1_800_000_000)
        );
        assert_eq!(at(Some(1_800_000_000)), Err(Rule::Expired));
        assert!(at(None).is_ok());
    }

    #[test]
    fn keys_that_are_not_pinned_sign_nothing() {
        let (signer, stranger) = (TestSigner::new(1), TestSigner::new(2));
        let foreign = parts(&stranger).signed(&stranger);
        let refusal = verified(&foreign, &signer, None).unwrap_err();
        assert_eq!(refusal.rule, Rule::Key);
        // A stranger's signature beside the certificate of a pinned key.
        refused_with_signer(&parts(&signer), &stranger, &signer);
    }

    #[track_caller]
    fn refused_with_signer(parts: &Parts, signer: &TestSigner, pinned: &TestSigner) {
        let refusal = verified(&parts.signed(signer), pinned, None).unwrap_err();
        assert_eq!(
            (refusal.rule, refusal.at.code()),
            (Rule::Invalid, "signature")
        );
    }

    #[test]
    fn headers_are_as_the_specification_says() {
        let signer = TestSigner::new(1);
        type Change = fn(&mut Parts);
        let cases: [(&str, Rule, Change); 14] = [
            ("protected.alg", Rule::Unsupported, |parts| {
                parts.replace(&number(1), &number(-8));
            }),
            ("protected.alg", Rule::Unsupported, |parts| {
                parts.remove(&number(1))
            }),
            ("protected.contentType", Rule::Unsupported, |parts| {
                parts.replace(&number(3), &text("text/plain"));
            }),
            ("protected.signingScheme", Rule::Unsupported, |parts| {
                let authority = text("notary.x509.signingAuthority");
                parts.replace(&text("io.cncf.notary.signingScheme"), &authority);
            }),
            ("protected.signingTime", Rule::Malformed, |parts| {
                parts.remove(&text("io.cncf.notary.signingTime"));
            }),
            ("protected.signingTime", Rule::Malformed, |parts| {
                parts.replace(&text("io.cncf.notary.signingTime"), &number(5));
            }),
            ("protected.signingTime", Rule::Malformed, |parts| {
                let time = tagged(0, &text("2026"));
                parts.replace(&text("io.cncf.notary.signingTime"), &time);
            }),
            ("protected.crit", Rule::Malformed, |parts| {
                parts.remove(&number(2))
            }),
            ("protected.crit", Rule::Malformed, |parts| {
                parts.critical(&[])
            }),
            ("protected.crit", Rule::Unsupported, |parts| {
                parts.critical(&[text("io.cncf.notary.signingScheme"), text("unknown")]);
            }),
            ("protected.crit", Rule::Malformed, |parts| {
                let absent = text("io.cncf.notary.expiry");
                parts.critical(&[text("io.cncf.notary.signingScheme"), absent]);
            }),
            ("protected", Rule::Malformed, |parts| {
                parts.protected.push((number(1), number(-7)));
            }),
            ("unprotected", Rule::Malformed, |parts| {
                parts.unprotected.push((number(3), text("text/plain")));
            }),
            ("unprotected.x5chain", Rule::Malformed, |parts| {
                parts.unprotected.clear()
            }),
        ];
        for (at, rule, change) in cases {
            let mut parts = parts(&signer);
            change(&mut parts);
            refused_with(&parts, &signer, rule, at);
        }
        // An expiry that is not critical.
        let mut parts = parts(&signer);
        parts.expires_at(1);
        parts.critical(&[text("io.cncf.notary.signingScheme")]);
        refused_with(&parts, &signer, Rule::Malformed, "protected.crit");
        // What is unknown and not critical does not matter.
        let mut parts = self::parts(&signer);
        parts
            .protected
            .push((text("more"), map(&[(number(4), bytes(b"x"))])));
        parts
            .unprotected
            .push((text("io.cncf.notary.signingAgent"), text("me")));
        assert!(verified(&parts.signed(&signer), &signer, None).is_ok());
    }

    #[test]
    fn headers_have_few_labels() {
        let signer = TestSigner::new(1);
        let mut parts = parts(&signer);
        let more = (0..11).map(|place| (number(100 + place), number(0)));
        parts.unprotected.extend(more.collect::<Vec<_>>());
        refused_with(&parts, &signer, Rule::Malformed, "unprotected");
    }
}
