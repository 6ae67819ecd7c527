// SPDX-License-Identifier: Apache-2.0
//! The functions themselves, as methods with preview 1's names and parameters.
//!
//! What a call would write its results to is checked before the call does anything, so that
//! nothing is opened or waited for that the guest could not be told about.

mod descriptor;
mod path;
mod process;
mod time;
