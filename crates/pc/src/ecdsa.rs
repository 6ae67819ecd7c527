// SPDX-License-Identifier: Apache-2.0
//! ECDSA of the PC, by the crate `p256`.

use ocre_oci::Sha256;
use ocre_signature::{Ecdsa, Point};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};

/// ECDSA over P-256.
#[derive(Clone, Copy, Debug)]
pub struct P256;

impl Ecdsa for P256 {
    fn verify(&self, key: &Point, digest: &Sha256, signature: &[u8; 64]) -> bool {
        let key = VerifyingKey::from_sec1_bytes(key);
        let signature = Signature::from_slice(signature);
        match (key, signature) {
            (Ok(key), Ok(signature)) => key.verify_prehash(&digest.0, &signature).is_ok(),
            _ => false,
        }
    }
}
