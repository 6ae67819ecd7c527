// SPDX-License-Identifier: Apache-2.0
//! Trust of this firmware: the policy, keys and digests of Kconfig, and the verifier of the board.

use ocre::image::trust::{Ecdsa, Point, Trust, TrustRule};
use ocre::port::{Clock as _, SequenceCounter};
use ocre_oci::Sha256;

use crate::device::ZephyrDevice;
use crate::{config, sys};

/// Trust of this firmware.
pub(crate) static TRUST: Trust<'static> = Trust {
    rule: if config::POLICY_ANY {
        TrustRule::Any
    } else if config::POLICY_SIGNED {
        TrustRule::Signed
    } else if config::POLICY_PINNED {
        TrustRule::Pinned
    } else {
        TrustRule::SignedAot
    },
    keys: config::TRUSTED_KEYS,
    digests: config::PINNED_DIGESTS,
    // A firmware without keys links no verifier.
    ecdsa: if config::TRUSTED_KEYS.is_empty() {
        Trust::ANY.ecdsa
    } else {
        &ZephyrEcdsa
    },
    now: if config::TRUSTED_KEYS.is_empty() {
        Trust::ANY.now
    } else {
        now
    },
    each_start: config::VERIFY_EACH_START,
    counter: if config::SEQUENCE_COUNTER {
        Some(&ZephyrCounter)
    } else {
        None
    },
};

/// ECDSA of the board: p256-m, or the PSA Crypto API.
#[derive(Clone, Copy, Debug)]
struct ZephyrEcdsa;

impl Ecdsa for ZephyrEcdsa {
    fn verify(&self, key: &Point, digest: &Sha256, signature: &[u8; 64]) -> bool {
        // SAFETY: each has the length that the function reads.
        unsafe {
            sys::ocre_port_verify_ecdsa(key.as_ptr(), digest.0.as_ptr(), signature.as_ptr()) != 0
        }
    }
}

/// Counter of the application.
#[derive(Clone, Copy, Debug)]
struct ZephyrCounter;

impl SequenceCounter for ZephyrCounter {
    fn highest(&self, name: &Sha256) -> Option<u64> {
        let mut number = 0;
        // SAFETY: the name has 32 bytes, and the number is written before the return.
        let status = unsafe { sys::ocre_port_counter_read(name.0.as_ptr(), &raw mut number) };
        (status == 0).then_some(number)
    }

    fn raise(&self, name: &Sha256, number: u64) -> bool {
        // SAFETY: the name has 32 bytes.
        unsafe { sys::ocre_port_counter_raise(name.0.as_ptr(), number) == 0 }
    }
}

/// Date in seconds since 1970, while it is known.
fn now() -> Option<u64> {
    Some(ZephyrDevice.wall_ns()? / 1_000_000_000)
}
