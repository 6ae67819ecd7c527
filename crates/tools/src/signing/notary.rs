// SPDX-License-Identifier: Apache-2.0
//! Envelopes of the Notary Project, in COSE (signature-envelope-cose.md).

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::data::Tag;
use minicbor::encode::Error as EncodeError;
use ocre_oci::Sha256;
use ocre_pc::ecdsa::P256;
use ocre_signature::notary::{ARTIFACT_TYPE, MEDIA_TYPE, verify};
use ocre_signature::{PinnedKey, SignedManifest};
use serde_json::{Map, json};

use super::certificate::certificates;
use super::key::point;
use super::signer::ImageSigner;
use super::{SignedEnvelope, SigningOptions, descriptor, signed_annotations, unaccepted};
use crate::failure::Failure;

const THUMBPRINTS: &str = "io.cncf.notary.x509chain.thumbprint#S256";
const CONTENT_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";
const SCHEME: &str = "io.cncf.notary.signingScheme";
const SIGNED_AT: &str = "io.cncf.notary.signingTime";
const EXPIRES_AT: &str = "io.cncf.notary.expiry";
const AGENT: &str = "io.cncf.notary.signingAgent";

/// Signs a manifest.
pub(super) fn envelope(
    target: &SignedManifest<'_>,
    signer: &ImageSigner,
    options: &SigningOptions,
) -> Result<SignedEnvelope, Failure> {
    let certificates = certificates(signer)?;
    let protected = encode(|out| protected(out, options));
    let payload = payload(target, options);
    let signed = encode(|out| {
        out.array(4)?.str("Signature1")?;
        out.bytes(&protected)?.bytes(&[])?.bytes(&payload)?.ok()
    });
    let signature = signer.sign(&signed)?;
    let bytes = encode(|out| {
        out.tag(Tag::new(18))?.array(4)?.bytes(&protected)?;
        out.map(2)?.i8(33)?.array(certificates.len() as u64)?;
        for certificate in &certificates {
            out.bytes(certificate)?;
        }
        out.str(AGENT)?
            .str(concat!("ocre/", env!("CARGO_PKG_VERSION")))?;
        out.bytes(&payload)?.bytes(&signature.to_bytes())?.ok()
    });
    let pinned = PinnedKey {
        name: "",
        point: point(signer.public()),
    };
    verify(&bytes, target, &[pinned], Some(options.signed_at), &P256).map_err(unaccepted)?;
    let thumbprints = certificates
        .iter()
        .map(|certificate| Sha256::of(certificate).hex().to_string());
    let thumbprints = json!(thumbprints.collect::<Vec<_>>()).to_string();
    let annotations = Map::from_iter([(THUMBPRINTS.to_owned(), json!(thumbprints))]);
    Ok(SignedEnvelope {
        artifact_type: ARTIFACT_TYPE,
        media_type: MEDIA_TYPE,
        bytes,
        annotations,
    })
}

type CborOutput<'v> = Encoder<&'v mut Vec<u8>>;

/// Collects the bytes of a writer in a `Vec`, which never fails.
fn encode(
    write: impl FnOnce(&mut CborOutput<'_>) -> Result<(), EncodeError<Infallible>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = write(&mut Encoder::new(&mut bytes));
    bytes
}

/// Writes the protected header.
fn protected(
    out: &mut CborOutput<'_>,
    options: &SigningOptions,
) -> Result<(), EncodeError<Infallible>> {
    let expires_at = options.expires_at;
    out.map(if expires_at.is_some() { 6 } else { 5 })?;
    // ES256 (RFC 9053 section 2.1).
    out.i8(1)?.i8(-7)?;
    match expires_at {
        None => out.i8(2)?.array(1)?.str(SCHEME)?,
        Some(_) => out.i8(2)?.array(2)?.str(SCHEME)?.str(EXPIRES_AT)?,
    };
    out.i8(3)?.str(CONTENT_TYPE)?;
    out.str(SCHEME)?.str("notary.x509")?;
    let epoch = Tag::new(1);
    out.str(SIGNED_AT)?.tag(epoch)?.u64(options.signed_at)?;
    if let Some(time) = expires_at {
        out.str(EXPIRES_AT)?.tag(epoch)?.u64(time)?;
    }
    Ok(())
}

fn payload(target: &SignedManifest<'_>, options: &SigningOptions) -> Vec<u8> {
    let mut artifact = descriptor(target);
    if let Some(annotations) = signed_annotations(options) {
        artifact["annotations"] = annotations;
    }
    json!({"targetArtifact": artifact}).to_string().into_bytes()
}
