// SPDX-License-Identifier: Apache-2.0
//! The core of ocre-rs.
#![no_std]
