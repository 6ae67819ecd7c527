// SPDX-License-Identifier: Apache-2.0
//! Signatures of images, made on a PC, as referrers of the signed manifests.
//!
//! Each document of an image is signed: the index, which a tag leads to, and each manifest in it,
//! which a device judges. A signature that the device's own verifier does not accept is never
//! stored.

mod bundle;
pub mod certificate;
pub mod key;
mod notary;
pub mod signer;
mod trust;

use ocre_oci::Sha256;
use ocre_registry::{Blob, ContentReader, Error, ImageDocument, Role, Sink, Source, documents};
use ocre_signature::SignedManifest;
use serde_json::{Map, Value, json};
use x509_cert::der::DateTime;

use self::signer::ImageSigner;
pub use self::trust::trust;
use crate::failure::Failure;

/// Media type of a manifest, and of a signature's own.
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Content of a config that is nothing (OCI image specification, "Guidance for an Empty
/// Descriptor").
const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

/// Kind of an envelope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureForm {
    /// COSE, as the Notary Project has it.
    Notary,
    /// Bundle of Sigstore, as cosign makes it.
    Cosign,
}

/// Settings of a signature.
#[derive(Clone, Copy, Debug)]
pub struct SigningOptions {
    /// Kind of the envelope.
    pub form: SignatureForm,
    /// Sequence number of the image, at most [`ocre_signature::MAX_SEQUENCE`].
    pub sequence: Option<u64>,
    /// Time of the signature, in seconds since 1970.
    pub signed_at: u64,
    /// Time at which the signature expires, in seconds since 1970; a bundle has no such time.
    pub expires_at: Option<u64>,
}

/// Stored signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    /// Digest of the signed document.
    pub subject: Sha256,
    /// Digest of the signature's manifest.
    pub signature: Sha256,
}

/// Signed content, before it becomes a referrer.
struct SignedEnvelope {
    artifact_type: &'static str,
    media_type: &'static str,
    bytes: Vec<u8>,
    annotations: Map<String, Value>,
}

/// Signs the documents of an image in `from`, and stores the signatures in `to`, which is the same
/// place. Returns the signatures, that of the named document last.
///
/// # Errors
/// Faults of the image and of either place; errors of the signer; `signature-invalid` where the
/// signature is not one of the signer's key.
pub fn sign(
    from: &dyn Source,
    to: &dyn Sink,
    signer: &ImageSigner,
    options: &SigningOptions,
    failed: &dyn Fn(&Error) -> Failure,
) -> Result<Vec<Signed>, Failure> {
    let mut stored = Vec::new();
    for subject in documents(from).map_err(|error| failed(&error))? {
        let target = SignedManifest {
            media_type: &subject.media_type,
            digest: subject.digest,
            size: subject.bytes.len() as u64,
        };
        let envelope = match options.form {
            SignatureForm::Notary => notary::envelope(&target, signer, options)?,
            SignatureForm::Cosign => bundle::envelope(&target, signer, options)?,
        };
        let manifest = ImageDocument::new(
            MANIFEST.to_owned(),
            manifest(&target, &envelope, options.signed_at),
        );
        store(to, &envelope, &manifest).map_err(|error| failed(&error))?;
        stored.push(Signed {
            subject: subject.digest,
            signature: manifest.digest,
        });
    }
    Ok(stored)
}

/// Stores the config and the envelope, and then the manifest, which names both.
fn store(to: &dyn Sink, envelope: &SignedEnvelope, manifest: &ImageDocument) -> Result<(), Error> {
    for bytes in [EMPTY, &envelope.bytes] {
        let blob = blob(bytes);
        if to.has(&blob, None)? {
            continue;
        }
        to.put(&blob, &|from| {
            let rest = usize::try_from(from)
                .ok()
                .and_then(|from| bytes.get(from..));
            Ok(Box::new(rest.unwrap_or_default()) as ContentReader<'_>)
        })?;
    }
    to.put_document(manifest, Role::Referrer)
}

fn blob(bytes: &[u8]) -> Blob {
    Blob {
        digest: Sha256::of(bytes),
        size: bytes.len() as u64,
    }
}

/// Manifest of a signature (OCI image specification, "Guidelines for Artifact Usage").
fn manifest(subject: &SignedManifest<'_>, envelope: &SignedEnvelope, signed_at: u64) -> Vec<u8> {
    let describe = |media_type: &str, bytes: &[u8]| {
        let blob = blob(bytes);
        let digest = blob.digest.to_string();
        json!({"mediaType": media_type, "digest": digest, "size": blob.size})
    };
    let mut annotations = envelope.annotations.clone();
    annotations.insert(
        "org.opencontainers.image.created".to_owned(),
        json!(date(signed_at)),
    );
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": envelope.artifact_type,
        "config": describe(EMPTY_TYPE, EMPTY),
        "layers": [describe(envelope.media_type, &envelope.bytes)],
        "subject": descriptor(subject),
        "annotations": annotations,
    });
    manifest.to_string().into_bytes()
}

/// Descriptor of a signed manifest.
fn descriptor(manifest: &SignedManifest<'_>) -> Value {
    json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest.to_string(),
        "size": manifest.size,
    })
}

/// Annotations that are signed.
fn signed_annotations(options: &SigningOptions) -> Option<Value> {
    let sequence = options.sequence?;
    Some(json!({ocre_signature::SEQUENCE: sequence.to_string()}))
}

/// Date as RFC 3339 writes it; a date after the year 9999 is the last one before.
fn date(seconds: u64) -> String {
    let time = DateTime::from_unix_duration(std::time::Duration::from_secs(seconds));
    time.unwrap_or(DateTime::INFINITY).to_string()
}

/// Failure for a signature that the verifier does not accept.
fn unaccepted(refusal: ocre_signature::SignatureRefusal) -> Failure {
    let hint = "check that the command signs with the private key of the given public key, over \
                the bytes of its standard input";
    Failure::new("can't sign", refusal.rule.code(), hint)
        .at(refusal.at)
        .because("the made signature is not accepted")
}
