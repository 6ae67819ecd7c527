// SPDX-License-Identifier: Apache-2.0
//! Folders of the PC for a guest, and one beside them that none of its calls may reach.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;
use std::time::SystemTime;

use ocre_pc::posix_folders::PosixFolders;

/// The content of the file outside.
pub const SECRET: &[u8] = b"what nobody may read";

/// The folders.
pub struct Outside {
    at: PathBuf,
    modified: SystemTime,
}

impl Outside {
    /// Folders of this process.
    pub fn new() -> Self {
        let at = std::env::temp_dir().join(format!("ocre-hostcalls-{}", std::process::id()));
        let _ = fs::remove_dir_all(&at);
        for folder in ["outside", "read-only"] {
            fs::create_dir_all(at.join(folder)).expect("it is new");
        }
        fs::write(at.join("outside/secret"), SECRET).expect("there is room");
        fs::write(at.join("read-only/a"), "to be read").expect("there is room");
        let modified = fs::metadata(at.join("outside/secret")).and_then(|found| found.modified());
        let modified = modified.expect("it is there");
        Self { at, modified }
    }

    /// Makes the guest's folder anew, with links that lead out of it.
    pub fn reset(&self) {
        let inside = self.at.join("inside");
        let _ = fs::remove_dir_all(&inside);
        fs::create_dir_all(inside.join("d")).expect("it is new");
        fs::write(inside.join("b"), "a file that is there").expect("there is room");
        let outside = self.at.join("outside");
        for (target, link) in [
            ("../outside", "out"),
            ("../outside/secret", "file"),
            ("../outside/new", "new"),
            ("self", "self"),
            ("..", "d/up"),
            (outside.to_str().expect("it is text"), "abs"),
        ] {
            symlink(target, inside.join(link)).expect("it is new");
        }
    }

    /// The guest's folder, and one that it may only read.
    pub fn storage(&self) -> PosixFolders {
        let paths = ["inside", "read-only"].map(|name| self.at.join(name));
        PosixFolders::open(paths.into()).expect("they are there")
    }

    /// Checks that nothing has changed outside or in read-only folders.
    pub fn check(&self) {
        for (folder, name, content) in [
            ("outside", "secret", SECRET),
            ("read-only", "a", b"to be read"),
        ] {
            let path = self.at.join(folder);
            let entries = fs::read_dir(&path).expect("it is there").count();
            assert_eq!(entries, 1, "{folder} has {entries} entries");
            let bytes = fs::read(path.join(name)).expect("it is there");
            assert_eq!(bytes, content, "{folder}/{name} has changed");
            let found = fs::metadata(path.join(name)).expect("it is there");
            assert_eq!(found.nlink(), 1, "{folder}/{name} has another name");
        }
        let secret = fs::metadata(self.at.join("outside/secret")).expect("it is there");
        assert_eq!(secret.modified().ok(), Some(self.modified));
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.at);
    }
}
