// SPDX-License-Identifier: Apache-2.0
//! Contents of a registry, named by their digests.

use ocre_oci::Sha256;

/// Digest and size of a content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Blob {
    /// Digest.
    pub digest: Sha256,
    /// Size in bytes.
    pub size: u64,
}
