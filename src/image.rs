// SPDX-License-Identifier: Apache-2.0
//! Images that the judge has accepted. The store keeps images, the judge checks them.

pub mod aot;
pub mod blob;
mod data_layers;
pub mod examine;
pub mod judge;
mod judged;
mod oci_layout;
pub mod permission;
pub mod sequence;
pub mod signature_entry;
pub mod store;
pub mod trust;
pub mod verdict;

use heapless::String;
use ocre_oci::{Format, Sha256};

use crate::limits::{MAX_ENTRY_POINT, MAX_ENVIRONMENT};
pub use data_layers::{DataLayer, DataLayers};
pub use judged::JudgedImage;
pub use oci_layout::OciLayout;
use permission::Permissions;
use sequence::Sequence;
use trust::{Identity, Provenance};
use verdict::Code;

/// The name of an exported function.
pub type EntryPoint = String<MAX_ENTRY_POINT, u8>;

/// Content on the partition: its digest is its address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Content {
    /// Digest of the bytes.
    pub digest: Sha256,
    /// Length in bytes.
    pub size: u64,
}

impl Content {
    pub(crate) const NOTHING: Self = Self {
        digest: Sha256([0; 32]),
        size: 0,
    };
}

/// Data to run an image, taken from documents that the judge has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// The manifest: the image's identity.
    pub manifest: Content,
    /// The one executable layer.
    pub executable: Content,
    /// Index of the executable layer among the manifest's layers, from 0.
    pub executable_layer: u8,
    /// Format of the executable layer.
    pub format: Format,
    /// Provenance, as far as it was verified; or the refusal of AOT code by its annotations.
    pub admission: Result<Provenance, Code>,
    /// Sequence of a signature that was verified.
    pub sequence: Sequence,
    /// The exported function that is called on start.
    pub entry_point: EntryPoint,
    /// The image's environment: each `NAME=value` followed by a NUL.
    pub environment: String<MAX_ENVIRONMENT, u16>,
    /// Permissions that the image asks for; they hold only if the operator grants them.
    pub permissions: Permissions,
    /// Other layers, in the manifest's order.
    pub blobs: DataLayers,
}

impl Image {
    /// Nothing yet. An image is large for a device's stack, so it is made where it stays.
    #[inline(never)]
    pub const fn blank() -> Self {
        Self {
            manifest: Content::NOTHING,
            executable: Content::NOTHING,
            executable_layer: 0,
            format: Format::Wasm,
            admission: Ok(Provenance::UNKNOWN),
            sequence: Sequence::NONE,
            entry_point: String::new(),
            environment: String::new(),
            permissions: Permissions::NONE,
            blobs: DataLayers::new(),
        }
    }

    /// Copies `other` into `self`, without a copy in between.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        // By name, so that a new field is not forgotten here.
        let Self {
            manifest,
            executable,
            executable_layer,
            format,
            admission,
            sequence,
            entry_point,
            environment,
            permissions,
            blobs,
        } = other;
        self.manifest = *manifest;
        self.executable = *executable;
        self.executable_layer = *executable_layer;
        self.format = *format;
        self.admission = *admission;
        self.sequence = *sequence;
        self.entry_point.clear();
        self.environment.clear();
        self.permissions = *permissions;
        // Both have the same capacity.
        let _ = self.entry_point.push_str(entry_point);
        let _ = self.environment.push_str(environment);
        self.blobs.copy_from(blobs);
    }

    /// Returns the digests, the format and the origin.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            manifest: &self.manifest.digest,
            executable: &self.executable.digest,
            format: self.format,
            admission: self.admission,
        }
    }

    /// Returns a small copy of the data to load the code.
    pub fn loadable(&self) -> Loadable {
        Loadable {
            manifest: self.manifest.digest,
            content: self.executable,
            format: self.format,
            admission: self.admission,
            entry_point: self.entry_point.clone(),
        }
    }
}

/// Data to load an image's code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loadable {
    /// Digest of the manifest.
    pub manifest: Sha256,
    /// The executable layer.
    pub content: Content,
    /// Format of the executable layer.
    pub format: Format,
    /// Provenance, as far as it was verified; or the refusal of AOT code by its annotations.
    pub admission: Result<Provenance, Code>,
    /// The exported function that is called on start.
    pub entry_point: EntryPoint,
}

impl Loadable {
    /// Returns the digests, the format and the origin.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            manifest: &self.manifest,
            executable: &self.content.digest,
            format: self.format,
            admission: self.admission,
        }
    }
}
