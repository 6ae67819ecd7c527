// SPDX-License-Identifier: Apache-2.0
//! Keys on P-256, in PEM files.

use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use ocre_files::MAX_CONFIG;
use ocre_oci::Sha256;
use ocre_signature::Point;
use p256::ecdsa::{SigningKey, VerifyingKey};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _,
    LineEnding,
};
use p256::{PublicKey, SecretKey};
use x509_cert::Certificate;
use x509_cert::der::{DecodePem as _, Encode as _};

use crate::failure::Failure;

/// Key of a PEM file.
#[derive(Clone, Debug)]
pub enum KeyFile {
    /// Private key: `PRIVATE KEY` or `EC PRIVATE KEY`.
    Private(SigningKey),
    /// Public key: `PUBLIC KEY`.
    Public(VerifyingKey),
    /// Certificate of a public key: `CERTIFICATE`.
    Certificate(VerifyingKey),
}

impl KeyFile {
    /// Reads a file. The first key in the file counts, after the parameters of a curve.
    ///
    /// # Errors
    /// `key-malformed`, and errors of the file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let what = format!("can't read the key {}", path.display());
        let text =
            ocre_files::read_text(path, MAX_CONFIG).map_err(|error| Failure::io(&what, &error))?;
        Self::parse(&text).map_err(|reason| malformed(&what, reason))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let reason = |error: &dyn Display| error.to_string();
        let pem = blocks(text)
            .find(|(label, _)| *label != "EC PARAMETERS")
            .ok_or("no PEM in the file")?;
        match pem {
            ("PRIVATE KEY", pem) => SecretKey::from_pkcs8_pem(pem)
                .map(|key| Self::Private(key.into()))
                .map_err(|error| reason(&error)),
            ("EC PRIVATE KEY", pem) => SecretKey::from_sec1_pem(pem)
                .map(|key| Self::Private(key.into()))
                .map_err(|error| reason(&error)),
            ("PUBLIC KEY", pem) => PublicKey::from_public_key_pem(pem)
                .map(|key| Self::Public(key.into()))
                .map_err(|error| reason(&error)),
            ("CERTIFICATE", pem) => Certificate::from_pem(pem)
                .map_err(|error| reason(&error))
                .and_then(|certificate| key_of(&certificate))
                .map(Self::Certificate),
            (label, _) => Err(format!("{label:?} is no kind of key that is known here")),
        }
    }

    /// Public key of the file.
    pub fn public(&self) -> &VerifyingKey {
        match self {
            Self::Private(key) => key.verifying_key(),
            Self::Public(key) | Self::Certificate(key) => key,
        }
    }
}

/// PEM blocks of a text: the label and the text of each.
fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices("-----BEGIN ").filter_map(|(at, begin)| {
        let block = text.get(at..)?;
        let label = block.get(begin.len()..)?.split("-----").next()?;
        let end = format!("-----END {label}-----");
        let length = block.find(&end)?.checked_add(end.len())?;
        Some((label, block.get(..length)?))
    })
}

/// Reads the certificates of a PEM file, the signer's first, each in DER.
///
/// # Errors
/// `key-malformed` where there is none, or the first is not for a key on P-256; errors of the file.
pub fn certificates(path: &Path) -> Result<(Vec<Vec<u8>>, VerifyingKey), Failure> {
    let what = format!("can't read the certificate {}", path.display());
    let text =
        ocre_files::read_text(path, MAX_CONFIG).map_err(|error| Failure::io(&what, &error))?;
    let chain = || {
        let certificates = blocks(&text).filter(|(label, _)| *label == "CERTIFICATE");
        let certificates = certificates.map(|(_, pem)| Certificate::from_pem(pem));
        let chain: Vec<_> = certificates
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let key = key_of(chain.first().ok_or("no certificate in the file")?)?;
        let encoded = chain.iter().map(|certificate| certificate.to_der());
        let encoded = encoded.collect::<Result<_, _>>();
        Ok((encoded.map_err(|error| error.to_string())?, key))
    };
    chain().map_err(|reason: String| malformed(&what, reason))
}

fn key_of(certificate: &Certificate) -> Result<VerifyingKey, String> {
    let info = certificate.tbs_certificate().subject_public_key_info();
    let der = info.to_der().map_err(|error| error.to_string())?;
    VerifyingKey::from_public_key_der(&der).map_err(|error| error.to_string())
}

fn malformed(what: &str, reason: impl Display) -> Failure {
    let hint = "name a file of `ocre key new`, or another PEM file with a key on P-256 that has \
                no password";
    Failure::new(what, "key-malformed", hint).because(reason)
}

/// Generates a private key from the PC's random numbers.
pub fn generate() -> SigningKey {
    SecretKey::generate().into()
}

/// Writes a private key to a new file that only its owner can read. A file that exists is left
/// alone.
///
/// # Errors
/// Errors of the file.
pub fn write_new(key: &SigningKey, path: &Path) -> Result<(), Failure> {
    let what = format!("can't write the key {}", path.display());
    let pem = SecretKey::from(key)
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|error| malformed(&what, error))?;
    let mut file = ocre_files::create_private(path).map_err(|error| Failure::io(&what, &error))?;
    let written = file
        .write_all(pem.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is of no use.
        let _ = fs::remove_file(path);
        Failure::io(&what, &error)
    })
}

/// Public key in PEM.
pub fn public_pem(key: &VerifyingKey) -> String {
    // A point of the curve has a form in DER.
    key.to_public_key_pem(LineEnding::LF).unwrap_or_default()
}

/// SHA-256 of the public key in DER (SubjectPublicKeyInfo), as other programs show a key.
pub fn fingerprint(key: &VerifyingKey) -> Sha256 {
    let der = key.to_public_key_der();
    Sha256::of(der.as_ref().map_or(&[], |der| der.as_bytes()))
}

/// Point of a public key.
pub fn point(key: &VerifyingKey) -> Point {
    let mut point = [0; 65];
    let encoded = key.to_sec1_point(false);
    // Without compression a point has that length.
    if let Ok(bytes) = encoded.as_bytes().try_into() {
        point = bytes;
    }
    point
}
