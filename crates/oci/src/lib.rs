// SPDX-License-Identifier: Apache-2.0
//! OCI image documents for machines without an allocator.
#![no_std]
pub mod digest;
