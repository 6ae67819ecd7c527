// SPDX-License-Identifier: Apache-2.0
//! `cargo xtask generate`: runs the generator of `xtask/generate`, which has dependencies that a
//! task must not have.

use anyhow::Result;

use crate::process::run;
use crate::setup;
use crate::workspace::cargo;

/// Writes the generated files, or compares them with `--check`.
pub fn generate(options: &[&str]) -> Result<()> {
    setup::generator()?;
    // Without the documents no crate of the project is built: C's declarations may be stale.
    let bindings = ["--no-default-features", "--", "bindings"];
    let documents = ["--", "documents"];
    for what in [&bindings[..], &documents[..]] {
        let generator = ["run", "--quiet", "--locked", "--package", "ocre-generate"];
        run(cargo().args(generator).args(what).args(options))?;
    }
    Ok(())
}
