// SPDX-License-Identifier: Apache-2.0
//! The documents of an OCI image, read on a machine without an allocator.
//!
//! Promised: whatever bytes come in, every function here returns; none panics,
//! allocates, recurses or uses `unsafe`. Work and stack are bounded by
//! [`json::Caps`]. A document that parses has been checked whole, so the views
//! that a parser returns ([`Manifest`], [`Config`], [`Index`]) borrow its bytes
//! and answer without errors.
//!
//! Design: [`json::parse`] validates a document in one pass and returns a cursor; each document
//! type then checks its own rules in the order that a verdict reports them. Every document has
//! `parse`, which stops at the first error, and `check`, which reports them all; `parse` is `check`
//! stopped early, so the two can't disagree.
//!
//! Rules come from the OCI image specification 1.1 (descriptor.md, manifest.md,
//! image-index.md, image-layout.md) and, for config and layers, from the two
//! sets of names that Ocre has published.
//!
//! ```
//! use ocre_oci::{Config, Manifest, json};
//! # let manifest = include_bytes!("../../../testdata/vectors/ocre-manifest.json");
//! # let config = include_bytes!("../../../testdata/vectors/ocre-config.json");
//! let caps = json::Caps::default();
//! let manifest = Manifest::parse(json::parse(manifest, &caps)?, None)?;
//! let config = Config::parse(json::parse(config, &caps)?, manifest.config_type(), &manifest)?;
//! assert_eq!(config.entry_point(), "on_init");
//! assert_eq!(manifest.executable()?.descriptor.size, 2397);
//! # Ok::<(), ocre_oci::Error>(())
//! ```
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

#[cfg(test)]
extern crate std;

mod base64;
pub mod codes;
mod config;
mod descriptor;
mod digest;
mod error;
mod index;
pub mod json;
mod layout;
mod manifest;
mod media_type;
mod reference;
#[cfg(test)]
mod testing;
mod text;
mod uri;
pub mod write;

pub use base64::decode_base64;
pub use config::{Config, DEFAULT_ENTRY_POINT};
pub use descriptor::{Annotations, Data, Descriptor, ImagePlatform};
pub use digest::{DigestRef, Hasher, Hex, OtherDigest, Sha256};
pub use error::{Error, ErrorKind, ErrorReport};
pub use index::{Entry, INDEX_MEDIA_TYPE, Index, REF_NAME};
pub use layout::{LAYOUT_VERSION, Layout};
pub use manifest::{Layer, Layers, Manifest, Warning, Warnings};
pub use media_type::{ConfigType, Format, LayerKind, ManifestType, MediaType, Naming};
pub use reference::Reference;
pub use text::Text;

/// Examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct OciReadme;
