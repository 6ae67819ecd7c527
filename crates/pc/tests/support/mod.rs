// SPDX-License-Identifier: Apache-2.0
//! Helpers for several tests.

pub mod judging;
pub mod layout;
