// SPDX-License-Identifier: Apache-2.0
//! Signers: a private key in a file, or a command that signs with one elsewhere.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, Signature, SigningKey, VerifyingKey};

use super::key::{KeyFile, certificates};
use crate::failure::Failure;

/// Most bytes that are read of a command's output: a signature in DER has at most 72.
const MAX_OUTPUT: u64 = 1024;

/// Signer of images.
#[derive(Debug)]
pub struct ImageSigner {
    key: VerifyingKey,
    hand: Hand,
    certificates: Vec<Vec<u8>>,
}

/// Holder of the private key.
#[derive(Debug)]
enum Hand {
    Key(SigningKey),
    /// Command for the shell.
    Command(String),
}

impl ImageSigner {
    /// Makes a signer of the files' keys: `key` has the private key, or, with `command`, the
    /// public key. `certificate` has the certificates that a Notary signature carries; without it,
    /// the key signs a certificate of its own.
    ///
    /// # Errors
    /// `key-malformed`; `key-private-missing` where there is neither a private key nor a command;
    /// `key-mismatch` where the certificate is for another key; errors of the files.
    pub fn new(
        key: &Path,
        command: Option<&str>,
        certificate: Option<&Path>,
    ) -> Result<Self, Failure> {
        let (public, hand) = match (KeyFile::read(key)?, command) {
            (file, Some(command)) => (*file.public(), Hand::Command(command.to_owned())),
            (KeyFile::Private(key), None) => (*key.verifying_key(), Hand::Key(key)),
            (KeyFile::Public(_) | KeyFile::Certificate(_), None) => {
                let what = format!("can't sign with {}", key.display());
                let hint = "name the file of the private key, or a command with --command";
                return Err(Failure::new(what, "key-private-missing", hint));
            }
        };
        let certificates = match certificate {
            None => Vec::new(),
            Some(path) => {
                let (chain, key) = certificates(path)?;
                if key != public {
                    let what = format!("can't sign with {}", path.display());
                    let hint = "name the certificate of the key, or none";
                    return Err(Failure::new(what, "key-mismatch", hint));
                }
                chain
            }
        };
        Ok(Self {
            key: public,
            hand,
            certificates,
        })
    }

    /// Public key.
    pub fn public(&self) -> &VerifyingKey {
        &self.key
    }

    /// Given certificates in DER, the signer's own first.
    pub(super) fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// Signs bytes with ECDSA and SHA-256.
    ///
    /// # Errors
    /// `signing-command` where the command fails, or does not print a signature in DER.
    pub fn sign(&self, bytes: &[u8]) -> Result<Signature, Failure> {
        match &self.hand {
            Hand::Key(key) => Ok(key.sign(bytes)),
            Hand::Command(command) => {
                run(command, bytes).map_err(|reason| command_failed(command, &reason))
            }
        }
    }
}

fn command_failed(command: &str, reason: &str) -> Failure {
    let hint = "the command gets the bytes to sign as its standard input, and prints the ECDSA \
                signature with SHA-256 in DER, as `openssl dgst -sha256 -sign KEY` does";
    let what = format!("can't sign with the command {command:?}");
    Failure::new(what, "signing-command", hint).because(reason)
}

/// Runs a command in the shell, with the bytes to sign as input.
fn run(command: &str, bytes: &[u8]) -> Result<Signature, String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut printed = Vec::new();
    // A command may print before it has read everything.
    let read = thread::scope(|scope| {
        scope.spawn(move || {
            // A command that does not read its input fails, or signs something else.
            let _ = input.map(|mut input| input.write_all(bytes));
        });
        output.map(|output| output.take(MAX_OUTPUT).read_to_end(&mut printed))
    });
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(status.to_string());
    }
    read.transpose().map_err(failed)?;
    DerSignature::from_bytes(&printed)
        .and_then(Signature::try_from)
        .map_err(|_| format!("the command printed {} bytes, no signature", printed.len()))
}
