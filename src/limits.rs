// SPDX-License-Identifier: Apache-2.0
//! Capacities of the core, in one place.

/// Longest path on the partition, in bytes.
pub const MAX_PATH: usize = 160;
/// Most containers at once.
pub const MAX_CONTAINERS: usize = 8;
/// Largest index or manifest on a device, in bytes.
pub const MAX_DOCUMENT: usize = 8 * 1024;
/// Largest image config on a device, in bytes.
pub const MAX_CONFIG: usize = 4 * 1024;
/// Buffer for hashing and copying, in bytes.
pub const COPY_BUFFER: usize = 512;
/// Longest entry point name, in bytes.
pub const MAX_ENTRY_POINT: usize = 64;
/// An image's or a container's environment, in bytes, each `NAME=value` counted with one more.
pub const MAX_ENVIRONMENT: usize = 512;
/// Most layers besides the executable one.
pub const MAX_BLOBS: usize = 8;
/// Longest title of a blob that is its file name in the container, in bytes.
pub const MAX_TITLE: usize = 64;
/// How deep an index may lie in another: 1 is the layout's own `index.json`.
pub const MAX_INDEX_DEPTH: u8 = 4;
/// A page of linear memory, in bytes.
pub const PAGE_BYTES: u64 = 64 * 1024;
/// Most words of a command line.
pub const MAX_WORDS: usize = 32;
