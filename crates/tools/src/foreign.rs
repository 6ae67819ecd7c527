// SPDX-License-Identifier: Apache-2.0
//! Files and folders that are no OCI image layout, and the command that takes each.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ocre::image::verdict::Code;

use crate::build_file;
use crate::failure::Failure;

/// Most entries of a tar file that are read: more than any image has layers.
const MAX_ENTRIES: usize = 4096;

/// Known kinds of files and folders that are no layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignKind {
    /// A WebAssembly module.
    Module,
    /// A WebAssembly component.
    Component,
    /// A module in the text format.
    Text,
    /// A module compiled ahead of time.
    Aot,
    /// An archive of `docker save`, or a folder with its files.
    Docker,
    /// A project that `ocre build` builds.
    Project,
    /// An OCI runtime bundle.
    Bundle,
    /// A folder with a module in it.
    Folder(PathBuf),
}

/// A file or folder of a known kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    path: PathBuf,
    kind: ForeignKind,
}

impl Foreign {
    /// Recognizes the file or folder at a path; `None` for a layout or an unknown kind.
    pub fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let kind = if found.is_dir() {
            folder(path)
        } else if found.is_file() {
            file(path)
        } else {
            None
        };
        Some(Self {
            path: path.to_owned(),
            kind: kind?,
        })
    }

    /// Code of the refusal as no image.
    pub fn code(&self) -> Code {
        match self.kind {
            ForeignKind::Component => Code::LayerComponent,
            _ => Code::LayoutMissing,
        }
    }

    /// Kind in words.
    pub fn words(&self) -> &'static str {
        match self.kind {
            ForeignKind::Module => "a WebAssembly module, not an image",
            ForeignKind::Component => "a WebAssembly component",
            ForeignKind::Text => "WebAssembly in the text format, not an image",
            ForeignKind::Aot => "a module compiled ahead of time, not an image",
            ForeignKind::Docker => "written by `docker save`, not an OCI image layout",
            ForeignKind::Project => "a project, not an image",
            ForeignKind::Bundle => "an OCI runtime bundle, not an image",
            ForeignKind::Folder(_) => "a folder with a WebAssembly module, not an OCI image layout",
        }
    }

    /// Hint with the command for this kind.
    pub fn hints(&self) -> String {
        let path = self.path.display();
        let pack = |option: &str, file: &Path| {
            let file = file.display();
            format!(
                "pack it into an image with `ocre image pack {option} {file} -t NAME -o LAYOUT`"
            )
        };
        match &self.kind {
            ForeignKind::Module => {
                let pack = pack("--wasm", &self.path);
                format!("run it with `ocre wasm run {path}`, or {pack}")
            }
            ForeignKind::Component => "compile a core module for `wasm32-wasip1`".to_owned(),
            ForeignKind::Text => format!("translate it first, for example with `wat2wasm {path}`"),
            ForeignKind::Aot => {
                let pack = pack("--aot", &self.path);
                format!("run it with `ocre wasm run {path}`, or {pack}")
            }
            ForeignKind::Docker => {
                "copy it into an OCI layout with `skopeo copy docker-archive:FILE \
                             oci:LAYOUT`; a Linux image has no WebAssembly to run"
                    .to_owned()
            }
            ForeignKind::Project => format!("build it with `ocre build --import {path}`"),
            ForeignKind::Bundle => format!("run it with `ocre run --bundle {path}`"),
            ForeignKind::Folder(module) => pack("--wasm", module),
        }
    }

    /// Failure of `what`, because the file is of this kind.
    pub fn failure(&self, what: impl std::fmt::Display) -> Failure {
        self.failure_as(self.code().as_str(), what)
    }

    /// The same failure, with the code of the place where the file was named.
    pub fn failure_as(&self, code: &'static str, what: impl std::fmt::Display) -> Failure {
        Failure::new(what, code, self.hints()).because(self.words())
    }
}

fn file(path: &Path) -> Option<ForeignKind> {
    let mut begin = Vec::new();
    let file = ocre_files::open(path).ok()?;
    file.take(512).read_to_end(&mut begin).ok()?;
    match &*begin {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Some(ForeignKind::Component),
        [0, b'a', b's', b'm', ..] => Some(ForeignKind::Module),
        [0, b'a', b'o', b't', ..] => Some(ForeignKind::Aot),
        text if is_text_format(text) => Some(ForeignKind::Text),
        _ => is_docker_archive(path).then_some(ForeignKind::Docker),
    }
}

/// True where a file begins as a module in the text format does, perhaps after comments.
fn is_text_format(begin: &[u8]) -> bool {
    let text = String::from_utf8_lossy(begin);
    let mut lines = text.lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with(";;"));
    first.is_some_and(|line| line.starts_with("(module"))
}

/// True where a tar file has the list of images that `docker save` writes, and no layout.
fn is_docker_archive(path: &Path) -> bool {
    let Ok(file) = ocre_files::open(path) else {
        return false;
    };
    let mut archive = tar::Archive::new(file);
    let Ok(entries) = archive.entries_with_seek() else {
        return false;
    };
    let mut listed = false;
    for entry in entries.take(MAX_ENTRIES) {
        let Ok(entry) = entry else {
            return false;
        };
        let name = entry.path_bytes();
        match name.strip_prefix(b"./").unwrap_or(&name) {
            b"manifest.json" => listed = true,
            b"oci-layout" | b"index.json" => return false,
            _ => {}
        }
    }
    listed
}

fn folder(path: &Path) -> Option<ForeignKind> {
    let has = |name: &str| path.join(name).exists();
    if has("oci-layout") || has("index.json") {
        return None;
    }
    if has(build_file::NAME) {
        return Some(ForeignKind::Project);
    }
    if has("config.json") && has("rootfs") {
        return Some(ForeignKind::Bundle);
    }
    if has("manifest.json") {
        return Some(ForeignKind::Docker);
    }
    let entries = fs::read_dir(path).ok()?.take(MAX_ENTRIES).flatten();
    let mut modules: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("wasm")))
        .collect();
    modules.sort();
    modules.into_iter().next().map(ForeignKind::Folder)
}
