// SPDX-License-Identifier: Apache-2.0
//! From the source of a guest to a running container: each sample guest is
//! built, compiled ahead of time, packed as an OCI image with both forms of its
//! code, judged, put on a flash file, and run from there by the interpreter and
//! as AOT code. Both must give the same output and the expected exit code.
//!
//! Everything is done by the `ocre` program, as a user would; what is made
//! stays in `target/demo`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::process::{read, run, step};
use crate::workspace::{cargo, root, target_dir};
use crate::{guests, setup};

/// A guest, and how it is run.
struct Show {
    guest: &'static str,
    /// A file of this repository that becomes a blob layer.
    blob: Option<&'static str>,
    environment: &'static str,
    args: &'static [&'static str],
    exit: i32,
}

const SHOWS: [Show; 4] = [
    Show {
        guest: "hello",
        blob: None,
        environment: "PLANET=Mars",
        args: &["one", "two words", "--exit", "7"],
        exit: 7,
    },
    Show {
        guest: "hello-c",
        blob: None,
        environment: "PLANET=Venus",
        args: &["one", "two words", "--exit", "7"],
        exit: 7,
    },
    Show { guest: "reader", blob: Some("LICENSE"), environment: "", args: &[], exit: 0 },
    Show { guest: "kernel", blob: None, environment: "", args: &[], exit: 0 },
];

const ENGINES: [&str; 2] = ["wasm", "aot"];
