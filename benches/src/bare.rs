// SPDX-License-Identifier: Apache-2.0
//! Bare WAMR: a C program over the library that the runtime is built on (`raw/raw.c`), and the
//! guests for both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use ocre_aot::{CompileOptions, Target};

use crate::measure::output;

/// Compiled program.
pub struct Bare(PathBuf);

impl Bare {
    /// Compiles the program into a folder.
    pub fn build(folder: &Path) -> Result<Self> {
        let program = folder.join("raw");
        output(
            Command::new("gcc")
                .args(["-O2", "-o"])
                .arg(&program)
                .arg(source("raw/raw.c"))
                .arg(concat!("-I", env!("DEP_WAMR_ROOT"), "/core/iwasm/include"))
                .arg(env!("DEP_WAMR_LIBRARY"))
                .args(["-Wl,--gc-sections", "-lm", "-lpthread"]),
        )?;
        Ok(Self(program))
    }

    /// Shortest time of `times` runs of a task with the code of a file.
    pub fn time(&self, task: &str, code: &Path, times: u32) -> Result<Duration> {
        let mut command = Command::new(&self.0);
        let text = output(command.arg(task).arg(code).arg(times.to_string()))?;
        Ok(Duration::from_nanos(text.trim().parse()?))
    }
}

/// Code of a guest, in one format.
pub struct GuestCode {
    /// Kind of the code, as printed.
    pub kind: &'static str,
    /// File with the code.
    pub path: PathBuf,
    /// Annotations of the layer.
    pub annotations: Vec<(&'static str, String)>,
}

/// Compiles a guest of `benches/guests`, to a module and, for this machine, to AOT code.
pub fn guest(name: &str, folder: &Path, defines: &[&str]) -> Result<Vec<GuestCode>> {
    let wasm = folder.join(name).with_extension("wasm");
    output(
        Command::new("clang")
            .args(["--target=wasm32", "-O2", "-nostdlib", "-Wl,--no-entry"])
            .args(defines)
            .arg("-o")
            .arg(&wasm)
            .arg(source("guests").join(name).with_extension("c")),
    )?;
    let mut forms = vec![GuestCode {
        kind: "interpreted",
        path: wasm.clone(),
        annotations: Vec::new(),
    }];
    if let Ok(target) = std::env::consts::ARCH.parse::<Target>() {
        let options = CompileOptions::new(target);
        let code = ocre_aot::compile(&fs::read(&wasm)?, &options)
            .map_err(|error| anyhow!("{name}: {error}"))?;
        let aot = wasm.with_extension("aot");
        fs::write(&aot, code).with_context(|| format!("can't write {}", aot.display()))?;
        forms.push(GuestCode {
            kind: "AOT",
            path: aot,
            annotations: options.annotations().into(),
        });
    }
    Ok(forms)
}

/// Path of a file of this package.
pub fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
