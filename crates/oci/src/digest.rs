// SPDX-License-Identifier: Apache-2.0
//! Digests.

/// A sha256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sha256(pub [u8; 32]);
