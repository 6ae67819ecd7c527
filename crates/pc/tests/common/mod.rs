// SPDX-License-Identifier: Apache-2.0
//! Helpers for the tests of this crate.
#![allow(dead_code)] // each test uses its part

use std::path::{Path, PathBuf};

use ocre_pc::flash::{Flash, Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;

/// A new folder for a test, removed with the value.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Flash in memory, formatted.
pub fn formatted(geometry: Geometry) -> RamFlash {
    let (flash, formatted) = LittleFs::format(RamFlash::new(geometry));
    formatted.expect("memory takes a file system");
    flash
}

pub fn mounted<F: Flash>(flash: F) -> LittleFs<F> {
    LittleFs::mount(flash)
        .map_err(|(_, error)| error)
        .expect("the flash mounts")
}
