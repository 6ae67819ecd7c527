// SPDX-License-Identifier: Apache-2.0
//! The PC as a device: the core's platform, built on std.
//!
//! Storage is the real littlefs, on a flash file, in memory, or on a flash whose power can be
//! cut; or a plain folder, for OCI layouts that lie on the PC; or folders as guests share them
//! with the programs of the PC.

mod beneath;
pub mod closed_streams;
pub mod counters;
pub mod dev_folder;
pub mod directory;
pub mod ecdsa;
pub mod flash;
pub mod littlefs;
pub mod needs;
pub mod platform;
pub mod posix_folders;
