// SPDX-License-Identifier: Apache-2.0
//! Certificates that a key signs for itself, as the Notary Project wants them for code
//! (signature-specification.md, "Certificate Requirements").
//!
//! The same key gives the same certificate each time if its signatures are deterministic, as those
//! of a key in a file are, so that a trust store needs the certificate once.

use std::str::FromStr as _;

use ocre_oci::Sha256;
use p256::ecdsa::signature::Keypair;
use p256::ecdsa::{Signature, VerifyingKey};
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder as _, CertificateBuilder, Result as BuildResult};
use x509_cert::der::asn1::{BitString, UtcTime};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::pem::{LineEnding, encode_string as encode_pem};
use x509_cert::der::{Encode as _, Error as DerError};
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};
use x509_cert::ext::{Extension, Extensions, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SubjectPublicKeyInfoOwned,
    SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use super::key::fingerprint;
use super::signer::ImageSigner;
use crate::failure::Failure;

const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");

/// Certificates of a signer in DER, the signer's own first: the given ones, or one that is made.
///
/// # Errors
/// Errors of the signer.
pub(super) fn certificates(signer: &ImageSigner) -> Result<Vec<Vec<u8>>, Failure> {
    let given = signer.certificates();
    if given.is_empty() {
        Ok(vec![self_signed(signer)?])
    } else {
        Ok(given.to_vec())
    }
}

/// Certificate that a signer's key signs for itself, in PEM.
///
/// # Errors
/// Errors of the signer.
pub fn certificate_pem(signer: &ImageSigner) -> Result<String, Failure> {
    // A certificate that was just made has a form in PEM.
    Ok(encode_pem("CERTIFICATE", LineEnding::LF, &self_signed(signer)?).unwrap_or_default())
}

fn self_signed(signer: &ImageSigner) -> Result<Vec<u8>, Failure> {
    let key = SignerKey(*signer.public());
    let failed = |error: &dyn std::fmt::Display| {
        let hint = "report this as a fault of ocre";
        Failure::new("can't make a certificate", "key-malformed", hint).because(error)
    };
    let mut builder = builder(&key).map_err(|error| failed(&error))?;
    let signed = builder.finalize(&key).map_err(|error| failed(&error))?;
    let signature: Signature = signer.sign(&signed)?;
    let certificate = BitString::from_bytes(signature.to_der().as_bytes())
        .map_err(|error| failed(&error))
        .and_then(|signature| {
            let certificate = builder.assemble(signature, &key);
            certificate.map_err(|error| failed(&error))
        })?;
    certificate.to_der().map_err(|error| failed(&error))
}

fn builder(key: &SignerKey) -> BuildResult<CertificateBuilder<CodeSigning>> {
    let Sha256(identity) = fingerprint(&key.0);
    let name: String = Sha256(identity)
        .hex()
        .to_string()
        .chars()
        .take(16)
        .collect();
    let name = Name::from_str(&format!("CN=ocre {name}"))?;
    // A serial number is positive, and has at most 20 bytes (RFC 5280 section 4.1.2.2).
    let serial: Vec<u8> = [&[1], &identity[..15]].concat();
    let begin = UtcTime::from_unix_duration(std::time::Duration::from_secs(946_684_800))?;
    let validity = Validity::new(Time::UtcTime(begin), Time::INFINITY);
    CertificateBuilder::new(
        CodeSigning(name),
        SerialNumber::new(&serial)?,
        validity,
        SubjectPublicKeyInfoOwned::from_key(&key.0)?,
    )
}

/// Key that a certificate is for and that signs the certificate.
struct SignerKey(VerifyingKey);

impl Keypair for SignerKey {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.0
    }
}

impl DynSignatureAlgorithmIdentifier for SignerKey {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned {
            oid: ECDSA_WITH_SHA256,
            parameters: None,
        })
    }
}

/// Fields of a certificate for signing code, of the subject itself.
struct CodeSigning(Name);

impl BuilderProfile for CodeSigning {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> BuildResult<Vec<Extension>> {
        let mut extensions = Extensions::new();
        let usage = KeyUsage(KeyUsages::DigitalSignature.into());
        let usage = usage.to_extension(tbs.subject(), &extensions);
        extensions.push(usage.map_err(|error: DerError| error)?);
        let purpose = ExtendedKeyUsage(vec![CODE_SIGNING]);
        let purpose = purpose.to_extension(tbs.subject(), &extensions);
        extensions.push(purpose.map_err(|error: DerError| error)?);
        Ok(extensions)
    }
}
