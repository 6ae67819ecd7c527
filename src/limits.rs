// SPDX-License-Identifier: Apache-2.0
//! Capacities of the core, in one place.

/// Longest path on the partition, in bytes.
pub const MAX_PATH: usize = 160;
/// Most containers at once.
pub const MAX_CONTAINERS: usize = 8;
/// Largest JSON document, in bytes; a buffer of this size is needed to judge an image.
pub const MAX_DOCUMENT: usize = 16 * 1024;
/// Buffer for hashing and copying, in bytes.
pub const COPY_BUFFER: usize = 512;
