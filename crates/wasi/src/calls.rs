// SPDX-License-Identifier: Apache-2.0
//! The functions themselves, as methods with preview 1's names and parameters.
//!
//! A call checks the places of its results before it does anything, so that it opens nothing and
//! waits for nothing without a place for the answer.

mod descriptor;
mod path;
mod process;
mod time;
