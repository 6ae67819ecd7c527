// SPDX-License-Identifier: Apache-2.0
//! Arbitrary bytes as a signature: none is accepted that the elliptic curve refuses, and each
//! refusal names its part. A curve that takes everything lets the bytes through to the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocre_oci::Sha256;
use ocre_signature::{Ecdsa, PinnedKey, Point, Rule, SignedManifest, bundle, notary};

struct Always(bool);

impl Ecdsa for Always {
    fn verify(&self, _key: &Point, _digest: &Sha256, _signature: &[u8; 64]) -> bool {
        self.0
    }
}

fuzz_target!(|envelope: &[u8]| {
    let target = SignedManifest {
        media_type: "application/vnd.oci.image.manifest.v1+json",
        digest: Sha256([0xab; 32]),
        size: 7,
    };
    let keys = [PinnedKey {
        name: "fuzz",
        point: [4; 65],
    }];
    let answers = [None, Some(u64::MAX)].map(|now| {
        let accepted = notary::verify(envelope, &target, &keys, now, &Always(true));
        let refused = notary::verify(envelope, &target, &keys, now, &Always(false));
        let refusal = refused.expect_err("the curve refuses all");
        assert!(!refusal.at.code().is_empty());
        if let Err(other) = accepted {
            assert_eq!(other, refusal);
        }
        accepted
    });
    let mut scratch = vec![0; envelope.len()];
    let mut as_bundle =
        |always| bundle::verify(envelope, &target, &keys, &mut scratch, &Always(always));
    let accepted = as_bundle(true);
    let refusal = as_bundle(false).expect_err("the curve refuses all");
    assert_eq!(accepted.err().unwrap_or(refusal), refusal);
    // A clock changes nothing but that a signature expires.
    if let [without, Err(with)] = answers
        && with.rule != Rule::Expired
    {
        assert_eq!(without, Err(with));
    }
});
