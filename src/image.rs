// SPDX-License-Identifier: Apache-2.0
//! Images: what a judged one is. The store keeps them, the judge proves them.

pub mod aot;
pub mod content;
pub mod judge;
pub mod permission;
pub mod store;
pub mod verdict;

use heapless::{String, Vec};
use ocre_oci::{Format, Sha256};

use crate::limits::{MAX_BLOBS, MAX_ENTRY_POINT, MAX_ENVIRONMENT, MAX_TITLE};
use permission::Permissions;
use verdict::Code;

/// Content on the partition: its digest is its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Content {
    /// What its bytes hash to.
    pub digest: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// A layer that is never executed and that the container can read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Blob {
    /// Its bytes.
    pub content: Content,
    /// Its `org.opencontainers.image.title`, empty without one: its file name under `/image`.
    pub title: String<MAX_TITLE>,
}

/// All that running an image needs, taken from documents that the judge has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// The manifest: the image's identity.
    pub manifest: Content,
    /// The one executable layer.
    pub executable: Content,
    /// Its place among the manifest's layers, from 0.
    pub executable_layer: u8,
    /// What the executable layer holds.
    pub format: Format,
    /// What the executable layer's annotations say against running AOT code here.
    pub aot_annotations: Result<(), Code>,
    /// The exported function that is called on start.
    pub entry_point: String<MAX_ENTRY_POINT, u8>,
    /// The image's environment: each `NAME=value` followed by a NUL.
    pub environment: String<MAX_ENVIRONMENT>,
    /// What the image asks for; it holds only together with the operator's grant.
    pub permissions: Permissions,
    /// Its other layers, in the manifest's order.
    pub blobs: Vec<Blob, MAX_BLOBS>,
}
