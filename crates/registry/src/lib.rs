// SPDX-License-Identifier: Apache-2.0
//! Transfer of images between registries and other places: pull, push and copy.
//!
//! Promised: an image arrives byte by byte as it was, with the digests it had, or not at all: its
//! name is written last. Memory is bounded whatever a layer's size, as only documents are ever
//! whole in it. Nothing waits for ever: each connection has a limit on silence and a least pace,
//! and the number of retries is limited. Credentials go to the registry that was asked for and its
//! token realm alone, and an address that a server names is one that it may lead to. Every failure
//! has a stable [`RegistryCode`] and its place.
//!
//! Design: [`copy()`] walks the documents of an image in a [`Source`], carries the blobs that the
//! [`Sink`] lacks, several at once, and then the documents, innermost first. A [`Repository`] is
//! both, over the OCI distribution API; other crates bring layouts and flash.
//!
//! # Why the API is spelt out here over `ureq`
//!
//! `oci-client` 0.18 was looked at. It streams blobs in both directions, reads ranges and lists
//! referrers; but taking a download up where it broke, hashing what is there already, waiting as
//! `Retry-After` says, and the tag that stands in for referrers in older registries are its
//! caller's to write anyway, and it comes with tokio, reqwest and 140 crates to build where
//! `ureq` with rustls and ring takes 24. Blocking calls on a few threads do the same with a
//! stack trace that can be read.

mod address;
mod auth;
mod blob;
mod challenge;
mod client;
mod credentials;
mod docker_config;
mod error;
mod exchange;
mod hashing;
mod helper;
mod name;
mod network;
mod pace;
mod proxy;
mod referrer;
mod repository;
mod resolver;
mod tls;
mod transfer;
pub mod url;

pub use address::{AddressRule, Reach};
pub use blob::Blob;
pub use challenge::Challenge;
pub use client::{Client, ClientSettings};
pub use credentials::Credentials;
pub use docker_config::DockerConfig;
pub use error::{Error, RegistryCode};
pub use hashing::Verified;
pub use name::{ImageName, Which};
pub use network::Network;
pub use referrer::{CopiedReferrers, Referrer};
pub use repository::{Access, Repository};
pub use transfer::{
    ContentOpener, ContentReader, Copied, CopyOptions, CopyProgress, ImageDocument, MAX_DOCUMENT,
    PlatformName, Role, Sink, Source, copy, document_caps, documents, manifest,
    referrer_descriptor, subject,
};
