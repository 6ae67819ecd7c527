// SPDX-License-Identifier: Apache-2.0
//! A stack of its own: without the standard library, little is needed.

fn main() {
    println!("cargo::rustc-link-arg-bins=-zstack-size=4096");
}
