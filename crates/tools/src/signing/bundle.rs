// SPDX-License-Identifier: Apache-2.0
//! Bundles of Sigstore, as cosign makes them with a key: a DSSE envelope with an in-toto statement.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ocre_pc::ecdsa::P256;
use ocre_signature::bundle::{MEDIA_TYPE, PREDICATE, verify};
use ocre_signature::{PinnedKey, SignedManifest};
use serde_json::{Map, json};

use super::key::{fingerprint, point};
use super::signer::ImageSigner;
use super::{SignedEnvelope, SigningOptions, signed_annotations, unaccepted};
use crate::failure::Failure;

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// Signs a manifest.
pub(super) fn envelope(
    target: &SignedManifest<'_>,
    signer: &ImageSigner,
    options: &SigningOptions,
) -> Result<SignedEnvelope, Failure> {
    let payload = statement(target, options).into_bytes();
    // DSSE, protocol.md.
    let head = format!(
        "DSSEv1 {} {PAYLOAD_TYPE} {} ",
        PAYLOAD_TYPE.len(),
        payload.len()
    );
    let signature = signer.sign(&[head.as_bytes(), &payload].concat())?;
    let hint = STANDARD.encode(fingerprint(signer.public()).0);
    let bundle = json!({
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": {
            "payload": STANDARD.encode(&payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": STANDARD.encode(signature.to_der().as_bytes())}],
        },
    });
    let bytes = bundle.to_string().into_bytes();
    let pinned = PinnedKey {
        name: "",
        point: point(signer.public()),
    };
    let mut scratch = vec![0; bytes.len()];
    verify(&bytes, target, &[pinned], &mut scratch, &P256).map_err(unaccepted)?;
    let annotations = [
        ("dev.sigstore.bundle.content", "dsse-envelope"),
        ("dev.sigstore.bundle.predicateType", PREDICATE),
    ];
    let annotations = annotations.map(|(name, value)| (name.to_owned(), json!(value)));
    Ok(SignedEnvelope {
        artifact_type: MEDIA_TYPE,
        media_type: MEDIA_TYPE,
        bytes,
        annotations: Map::from_iter(annotations),
    })
}

fn statement(target: &SignedManifest<'_>, options: &SigningOptions) -> String {
    let mut subject = json!({"digest": {"sha256": target.digest.hex().to_string()}});
    if let Some(annotations) = signed_annotations(options) {
        subject["annotations"] = annotations;
    }
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": PREDICATE,
        "predicate": {},
    });
    statement.to_string()
}
