// SPDX-License-Identifier: Apache-2.0
//! Project tasks.
fn main() {}
