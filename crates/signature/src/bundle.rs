// SPDX-License-Identifier: Apache-2.0
//! Bundles of Sigstore, version 0.3, as `cosign sign --key` makes them: a DSSE envelope with an
//! in-toto statement, version 1, about the manifest.
//!
//! The key has to be pinned. Entries of transparency logs and timestamps in a bundle take no part,
//! nor does its hint of a key.

use ocre_oci::json::{self, Value};
use ocre_oci::{Error, Hasher, Sha256, decode_base64};

use crate::der::{Der, DerError, SEQUENCE as DER_SEQUENCE};
use crate::sequence::{SEQUENCE, sequence};
use crate::{Accepted, Ecdsa, PinnedKey, Place, Rule, SignatureRefusal, SignedManifest, refused};

/// Media type of a bundle, and `artifactType` of its manifest.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Type of the predicate that signs an image.
pub const PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// Longest ECDSA signature in DER.
const SIGNATURE_BYTES: usize = 72;

/// Verifies a bundle. `scratch` takes the statement, which is shorter than the bundle.
///
/// # Errors
/// The first broken rule, in this order: the form of the bundle, the statement, the target, the
/// signature. A bundle does not say whose signature it has, so that one of another key is
/// [`Rule::Invalid`].
#[inline(never)] // its frame is not to stay under the other's
pub fn verify(
    bundle: &[u8],
    target: &SignedManifest<'_>,
    keys: &[PinnedKey<'_>],
    scratch: &mut [u8],
    ecdsa: &dyn Ecdsa,
) -> Result<Accepted, SignatureRefusal> {
    let bundle = json::parse(bundle, &json::Caps::default()).at(Place::Bundle)?;
    is(bundle, "mediaType", MEDIA_TYPE, Place::BundleMediaType)?;
    let envelope = bundle.require("dsseEnvelope").at(Place::Dsse)?;
    is(
        envelope,
        "payloadType",
        PAYLOAD_TYPE,
        Place::DssePayloadType,
    )?;
    let payload = base64(envelope, "payload", scratch, Place::DssePayload)?;
    let signature = signature(envelope)?;
    let sequence = signed_for(payload, target)?;
    let digest = digest(payload);
    let key = keys
        .iter()
        .position(|key| ecdsa.verify(&key.point, &digest, &signature))
        .ok_or(refused(Rule::Invalid, Place::DsseSignatures))?;
    Ok(Accepted {
        key,
        sequence,
        signed_at: None,
        expires_at: None,
    })
}

/// Gives an error of a document its place.
trait InBundle<T> {
    fn at(self, place: Place) -> Result<T, SignatureRefusal>;
}

impl<T> InBundle<T> for Result<T, Error> {
    fn at(self, place: Place) -> Result<T, SignatureRefusal> {
        self.map_err(|_| refused(Rule::Malformed, place))
    }
}

/// Checks a member with one allowed value.
fn is(object: Value<'_>, name: &str, value: &str, at: Place) -> Result<(), SignatureRefusal> {
    let found = object.require(name).and_then(Value::text).at(at)?;
    if found == value {
        Ok(())
    } else {
        Err(refused(Rule::Unsupported, at))
    }
}

/// Decodes a member in base64.
fn base64<'b>(
    object: Value<'_>,
    name: &str,
    buffer: &'b mut [u8],
    at: Place,
) -> Result<&'b [u8], SignatureRefusal> {
    let text = object.require(name).and_then(Value::text).at(at)?;
    decode_base64(text, buffer).ok_or(refused(Rule::Malformed, at))
}

/// The only element of an array.
fn only<'a>(object: Value<'a>, name: &str, at: Place) -> Result<Value<'a>, SignatureRefusal> {
    let array = object.require(name).at(at)?;
    let array = array.expect(json::Kind::Array).at(at)?;
    let mut elements = array.elements();
    match (elements.next(), elements.next()) {
        (Some(element), None) => Ok(element),
        _ => Err(refused(Rule::Malformed, at)),
    }
}

/// Reads the signature, r and s in DER (RFC 3279 section 2.2.3).
fn signature(envelope: Value<'_>) -> Result<[u8; 64], SignatureRefusal> {
    const AT: Place = Place::DsseSignatures;
    let mut buffer = [0; SIGNATURE_BYTES];
    let signature = only(envelope, "signatures", AT)?;
    let bytes = base64(signature, "sig", &mut buffer, AT)?;
    let scalars = || {
        let mut outer = Der(bytes);
        let mut pair = outer.element(DER_SEQUENCE)?;
        outer.end()?;
        let (r, s) = (pair.scalar()?, pair.scalar()?);
        pair.end()?;
        Ok((r, s))
    };
    let (r, s) = scalars().map_err(|_: DerError| refused(Rule::Malformed, AT))?;
    let mut signature = [0; 64];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(&r);
    second.copy_from_slice(&s);
    Ok(signature)
}

/// Compares the statement with the target, and returns its sequence number.
fn signed_for(
    payload: &[u8],
    target: &SignedManifest<'_>,
) -> Result<Option<u64>, SignatureRefusal> {
    let statement = json::parse(payload, &json::Caps::default()).at(Place::Statement)?;
    is(statement, "_type", STATEMENT, Place::StatementType)?;
    is(statement, "predicateType", PREDICATE, Place::PredicateType)?;
    let subject = only(statement, "subject", Place::Subject)?;
    const DIGEST: Place = Place::SubjectDigest;
    let digest = subject.require("digest").at(DIGEST)?;
    let digest = digest.require("sha256").and_then(Value::text).at(DIGEST)?;
    let digest = digest.as_plain().and_then(|hex| Sha256::from_hex(hex).ok());
    let digest = digest.ok_or(refused(Rule::Malformed, DIGEST))?;
    if digest != target.digest {
        return Err(refused(Rule::Target, DIGEST));
    }
    const ANNOTATIONS: Place = Place::SubjectAnnotations;
    let annotation = subject
        .get("annotations")
        .and_then(|annotations| annotations.get(SEQUENCE));
    let annotation = annotation.map(Value::text).transpose().at(ANNOTATIONS)?;
    sequence(annotation, ANNOTATIONS)
}

/// Digest of the signed bytes, the pre-authentication encoding of DSSE (protocol.md).
fn digest(payload: &[u8]) -> Sha256 {
    let mut hasher = Hasher::default();
    hasher.update(b"DSSEv1 28 application/vnd.in-toto+json ");
    decimal(&mut hasher, payload.len());
    hasher.update(b" ");
    hasher.update(payload);
    hasher.finish()
}

/// Hashes a number in decimal digits.
fn decimal(hasher: &mut Hasher, number: usize) {
    let mut divisor = number
        .checked_ilog10()
        .map_or(1, |digits| 10_usize.pow(digits));
    while let Some(digit) = number.checked_div(divisor) {
        // The last digit of the quotient.
        let digit = (digit % 10) as u8;
        hasher.update(&[b'0'.wrapping_add(digit)]);
        divisor /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::testing::{SoftwareEcdsa, TestSigner, base64, der};

    fn target() -> SignedManifest<'static> {
        SignedManifest {
            media_type: "application/vnd.oci.image.manifest.v1+json",
            digest: Sha256([0xab; 32]),
            size: 7,
        }
    }

    fn statement() -> String {
        let digest = "ab".repeat(32);
        format!(
            r#"{{"_type":"{STATEMENT}","subject":[{{"digest":{{"sha256":"{digest}"}},"annotations":{{"{SEQUENCE}":"5"}}}}],"predicateType":"{PREDICATE}","predicate":{{}}}}"#
        )
    }

    fn in_der(signature: &[u8]) -> Vec<u8> {
        let scalar = |bytes: &[u8]| {
            let start = bytes.iter().position(|byte| *byte != 0).unwrap();
            let zero = if bytes[start] >= 0x80 { &[0][..] } else { &[] };
            der(0x02, &[zero, &bytes[start..]].concat())
        };
        der(
            0x30,
            &[scalar(&signature[..32]), scalar(&signature[32..])].concat(),
        )
    }

    fn signed(signer: &TestSigner, statement: &str) -> String {
        let encoding = format!("DSSEv1 28 {PAYLOAD_TYPE} {} {statement}", statement.len());
        let signature = in_der(&signer.sign(&Sha256::of(encoding.as_bytes())));
        format!(
            r#"{{"mediaType":"{MEDIA_TYPE}","verificationMaterial":{{"publicKey":{{"hint":"x"}},"tlogEntries":[]}},"dsseEnvelope":{{"payload":"{}","payloadType":"{PAYLOAD_TYPE}","signatures":[{{"sig":"{}"}}]}}}}"#,
            base64(statement.as_bytes()),
            base64(&signature)
        )
    }

    fn verified(bundle: &str, signer: &TestSigner) -> Result<Accepted, SignatureRefusal> {
        let keys = [9, 1].map(|number| PinnedKey {
            name: "key",
            point: if number == 1 {
                signer.point()
            } else {
                TestSigner::new(number).point()
            },
        });
        verify(
            bundle.as_bytes(),
            &target(),
            &keys,
            &mut vec![0; bundle.len()],
            &SoftwareEcdsa,
        )
    }

    #[track_caller]
    fn refused_with(bundle: &str, rule: Rule, at: &str) {
        let found = verified(bundle, &TestSigner::new(1)).unwrap_err();
        assert_eq!((found.rule, found.at.code()), (rule, at));
    }

    #[test]
    fn a_bundle_by_a_pinned_key_is_accepted() {
        let signer = TestSigner::new(1);
        let accepted = verified(&signed(&signer, &statement()), &signer).unwrap();
        assert_eq!((accepted.key, accepted.sequence), (1, Some(5)));
        assert_eq!((accepted.signed_at, accepted.expires_at), (None, None));
    }

    #[test]
    fn no_changed_byte_of_the_envelope_is_accepted() {
        let signer = TestSigner::new(1);
        let right = signed(&signer, &statement());
        let material = right.find("verificationMaterial").unwrap();
        let envelope = right.find("dsseEnvelope").unwrap();
        for at in 0..right.len() {
            for other in ['A', '0', '"', ' '] {
                let mut wrong = right.clone();
                wrong.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
                if wrong != right && !(material..envelope).contains(&at) {
                    assert!(verified(&wrong, &signer).is_err(), "{at}: {other}");
                }
            }
        }
        for end in 0..right.len() {
            assert!(verified(&right[..end], &signer).is_err(), "{end}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let signer = TestSigner::new(1);
        let right = signed(&signer, &statement());
        let changed = |from: &str, to: &str| right.replacen(from, to, 1);
        let unsupported = Rule::Unsupported;
        refused_with(&changed("v0.3", "v0.2"), unsupported, "mediaType");
        let at = "dsseEnvelope.payloadType";
        refused_with(&changed("in-toto+json", "text"), unsupported, at);
        refused_with(
            &changed("payload\"", "other\""),
            Rule::Malformed,
            "dsseEnvelope.payload",
        );
        let at = "dsseEnvelope.signatures";
        refused_with(&changed("[{\"sig", "[{},{\"sig"), Rule::Malformed, at);
        refused_with(&changed("\"sig\":\"M", "\"sig\":\"N"), Rule::Malformed, at);
        refused_with("[]", Rule::Malformed, "mediaType");
        refused_with("", Rule::Malformed, "bundle");
    }

    #[test]
    fn the_statement_is_about_the_manifest() {
        let signer = TestSigner::new(1);
        let with = |from: &str, to: &str| signed(&signer, &statement().replacen(from, to, 1));
        let digest = "statement.subject.digest";
        refused_with(&with("abab", "abac"), Rule::Target, digest);
        refused_with(&with("abab", "ABAB"), Rule::Malformed, digest);
        refused_with(&with("sha256", "sha512"), Rule::Malformed, digest);
        refused_with(
            &with("Statement/v1", "Statement/v0.1"),
            Rule::Unsupported,
            "statement._type",
        );
        let predicate = "statement.predicateType";
        refused_with(
            &with("cosign/sign", "cosign/attest"),
            Rule::Unsupported,
            predicate,
        );
        refused_with(&with("[{", "[{},{"), Rule::Malformed, "statement.subject");
        let annotations = "statement.subject.annotations";
        refused_with(&with("\"5\"", "\"05\""), Rule::Malformed, annotations);
        refused_with(&with("\"5\"", "5"), Rule::Malformed, annotations);
        refused_with(&with("{\"_type", "\"_type"), Rule::Malformed, "statement");
    }

    #[test]
    fn keys_that_are_not_pinned_sign_nothing() {
        let foreign = signed(&TestSigner::new(2), &statement());
        refused_with(&foreign, Rule::Invalid, "dsseEnvelope.signatures");
    }

    #[test]
    fn a_statement_longer_than_the_scratch_memory_is_refused() {
        let signer = TestSigner::new(1);
        let bundle = signed(&signer, &statement());
        let refusal = verify(
            bundle.as_bytes(),
            &target(),
            &[],
            &mut [0; 9],
            &SoftwareEcdsa,
        )
        .unwrap_err();
        assert_eq!(refusal.at.code(), "dsseEnvelope.payload");
    }

    #[test]
    fn lengths_are_decimal_numbers() {
        for number in [0, 7, 10, 99, 100, 4096, 123_456_789] {
            let mut hasher = Hasher::default();
            decimal(&mut hasher, number);
            assert_eq!(hasher.finish(), Sha256::of(format!("{number}").as_bytes()));
        }
    }
}
