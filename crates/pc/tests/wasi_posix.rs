// SPDX-License-Identifier: Apache-2.0
//! WASI preview 1 over folders of the PC, as a guest calls it: links, times, removed open files,
//! and the limits of a folder.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use common::Scratch;
use ocre::container::{Guest, Killed, Name, Spec};
use ocre::port::{Clock, ConsoleError, Entropy, Host as _, Slot, Stream};
use ocre_pc::posix_folders::PosixFolders;
use ocre_wasi::{FUNCTIONS, Wasi};

// Preview 1's numbers, written out here so that a wrong one in the crate is seen.
const ACCES: u64 = 2;
const EXIST: u64 = 20;
const INVAL: u64 = 28;
const ISDIR: u64 = 31;
const LOOP: u64 = 32;
const NAMETOOLONG: u64 = 37;
const NOENT: u64 = 44;
const NOTDIR: u64 = 54;
const PERM: u64 = 63;
const ROFS: u64 = 69;
const XDEV: u64 = 75;

const CREAT: u64 = 1;
const DIRECTORY: u64 = 2;
const EXCL: u64 = 4;
const TRUNC: u64 = 8;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 6;
const ALL: u64 = (1 << 30) - 1;

const REGULAR: u8 = 4;
const FOLDER: u8 = 3;
const LINK: u8 = 7;

/// Descriptors of a writable folder, a read-only one, and another writable one.
const TOP: u64 = 3;
const READ_ONLY: u64 = 4;
const OTHER: u64 = 5;

const PATH: u32 = 0x1000;
const OTHER_PATH: u32 = 0x2000;
const RESULT: u32 = 0x3000;
const LIST: u32 = 0x4000;
const BUFFER: u32 = 0x5000;
const MEMORY: usize = 0x8000;

/// A module without a container.
struct PosixModule {
    name: Name,
    spec: Spec,
}

impl PosixModule {
    fn new() -> Self {
        let mut spec = Spec::blank();
        spec.mounts = "/0:/\0/1:/image:ro\0/2:/other\0".try_into().unwrap();
        let name = Name::parse("module").unwrap();
        Self { name, spec }
    }
}

impl Guest for PosixModule {
    fn name(&self) -> &Name {
        &self.name
    }

    fn slot(&self) -> Slot {
        0
    }

    fn spec(&self, show: &mut dyn FnMut(&Spec)) {
        show(&self.spec);
    }

    fn write(&self, _: Stream, _: &[u8]) -> Result<(), ConsoleError> {
        Ok(())
    }

    fn read(&self, _: &mut [u8]) -> Option<usize> {
        None
    }

    fn sleep(&self, _: Option<u64>) -> Result<(), Killed> {
        Err(Killed)
    }

    fn check(&self) -> Result<(), Killed> {
        Ok(())
    }
}

impl Clock for PosixModule {
    fn uptime_us(&self) -> u64 {
        0
    }

    fn wall_ns(&self) -> Option<u64> {
        None
    }
}

impl Entropy for PosixModule {
    fn fill(&self, _: &mut [u8]) -> bool {
        false
    }
}

struct PosixProgram<'a> {
    wasi: Wasi<'a, PosixFolders>,
    memory: Vec<u8>,
}

/// Runs `act` as a guest with the folders `top`, `read-only` and `other`; next to them is
/// `outside`, with the file `secret`.
fn with_program<T>(name: &str, act: impl FnOnce(&mut PosixProgram<'_>, &Path) -> T) -> T {
    let scratch = Scratch::new(name);
    let paths = ["top", "read-only", "other", "outside"].map(|name| scratch.path().join(name));
    for path in &paths {
        fs::create_dir(path).unwrap();
    }
    let [top, read_only, other, outside] = paths;
    fs::write(outside.join("secret"), "secret").unwrap();
    fs::write(read_only.join("file"), "to be read").unwrap();
    let storage = PosixFolders::open(vec![top, read_only, other]).unwrap();
    let module = PosixModule::new();
    let mut program = PosixProgram {
        wasi: Wasi::bare(&storage, &module, &module, &module),
        memory: vec![0; MEMORY],
    };
    let result = act(&mut program, scratch.path());
    program.wasi.close();
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    result
}

impl PosixProgram<'_> {
    /// The errno, 0 for success.
    fn call(&mut self, name: &str, arguments: &[u64]) -> u64 {
        let mut functions = FUNCTIONS.iter();
        let index = functions.position(|function| function.name() == name);
        let index = index.unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!(FUNCTIONS[index].types().0.len(), arguments.len(), "{name}");
        let mut values = arguments.to_vec();
        let called = self.wasi.call(index, &mut self.memory, &mut values);
        called.expect("it goes on");
        values[0]
    }

    fn put(&mut self, address: u32, bytes: &[u8]) -> [u64; 2] {
        self.memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
        [address.into(), bytes.len() as u64]
    }

    fn u64_at(&self, address: u32) -> u64 {
        let bytes = &self.memory[address as usize..][..8];
        u64::from_le_bytes(bytes.try_into().unwrap())
    }

    fn u32_at(&self, address: u32) -> u32 {
        self.u64_at(address) as u32
    }

    fn by_path(&mut self, name: &str, path: &str) -> u64 {
        let [at, length] = self.put(PATH, path.as_bytes());
        self.call(name, &[TOP, at, length])
    }

    fn symlink_at(&mut self, target: &[u8], fd: u64, path: &str) -> u64 {
        let [old, old_length] = self.put(OTHER_PATH, target);
        let [new, new_length] = self.put(PATH, path.as_bytes());
        self.call("path_symlink", &[old, old_length, fd, new, new_length])
    }

    fn symlink(&mut self, target: &str, path: &str) -> u64 {
        self.symlink_at(target.as_bytes(), TOP, path)
    }

    /// `path_link` or `path_rename`.
    fn two_paths(
        &mut self,
        name: &str,
        (old_fd, old): (u64, &str),
        (new_fd, new): (u64, &str),
    ) -> u64 {
        let [old, old_length] = self.put(OTHER_PATH, old.as_bytes());
        let [new, new_length] = self.put(PATH, new.as_bytes());
        match name {
            "path_link" => self.call(name, &[old_fd, 0, old, old_length, new_fd, new, new_length]),
            _ => self.call(name, &[old_fd, old, old_length, new_fd, new, new_length]),
        }
    }

    fn link(&mut self, old: &str, new: &str) -> u64 {
        self.two_paths("path_link", (TOP, old), (TOP, new))
    }

    fn rename(&mut self, old: &str, new: &str) -> u64 {
        self.two_paths("path_rename", (TOP, old), (TOP, new))
    }

    fn open_at(
        &mut self,
        fd: u64,
        follow: bool,
        path: &str,
        oflags: u64,
        rights: u64,
    ) -> Result<u64, u64> {
        let [at, length] = self.put(PATH, path.as_bytes());
        let inheriting = if oflags & DIRECTORY == 0 { 0 } else { ALL };
        let arguments = [
            fd,
            follow.into(),
            at,
            length,
            oflags,
            rights,
            inheriting,
            0,
            RESULT.into(),
        ];
        match self.call("path_open", &arguments) {
            0 => Ok(self.u32_at(RESULT).into()),
            errno => Err(errno),
        }
    }

    fn open(&mut self, path: &str, oflags: u64, rights: u64) -> Result<u64, u64> {
        self.open_at(TOP, true, path, oflags, rights)
    }

    fn close(&mut self, fd: u64) {
        assert_eq!(self.call("fd_close", &[fd]), 0);
    }

    fn one_buffer(&mut self, length: usize) -> [u64; 2] {
        self.put(LIST, &BUFFER.to_le_bytes());
        self.put(LIST + 4, &(length as u32).to_le_bytes());
        [LIST.into(), 1]
    }

    fn write(&mut self, fd: u64, bytes: &[u8]) -> u64 {
        self.put(BUFFER, bytes);
        let [list, count] = self.one_buffer(bytes.len());
        self.call("fd_write", &[fd, list, count, RESULT.into()])
    }

    fn read_at(&mut self, fd: u64, offset: u64) -> Vec<u8> {
        let [list, count] = self.one_buffer(100);
        assert_eq!(
            self.call("fd_pread", &[fd, list, count, offset, RESULT.into()]),
            0
        );
        let length = self.u32_at(RESULT) as usize;
        self.memory[BUFFER as usize..][..length].to_vec()
    }

    /// Reads the file at a path.
    fn content(&mut self, path: &str) -> Result<Vec<u8>, u64> {
        let fd = self.open(path, 0, READ | 1 << 2)?;
        let bytes = self.read_at(fd, 0);
        self.close(fd);
        Ok(bytes)
    }

    /// The file type, or the errno.
    fn kind(&mut self, follow: bool, path: &str) -> Result<u8, u64> {
        let [at, length] = self.put(PATH, path.as_bytes());
        let arguments = [TOP, follow.into(), at, length, RESULT.into()];
        match self.call("path_filestat_get", &arguments) {
            0 => Ok(self.memory[RESULT as usize + 16]),
            errno => Err(errno),
        }
    }

    fn read_link(&mut self, path: &str, room: u64) -> Result<Vec<u8>, u64> {
        let [at, length] = self.put(PATH, path.as_bytes());
        self.memory[BUFFER as usize..][..64].fill(0xee);
        let arguments = [TOP, at, length, BUFFER.into(), room, RESULT.into()];
        match self.call("path_readlink", &arguments) {
            0 => {
                let used = self.u32_at(RESULT) as usize;
                let bytes = &self.memory[BUFFER as usize..][..64];
                assert!(bytes[used..].iter().all(|byte| *byte == 0xee));
                Ok(bytes[..used].to_vec())
            }
            errno => Err(errno),
        }
    }
}

#[test]
fn links_lead_to_files_and_folders_and_are_entries_themselves() {
    with_program("wasi-links", |program, at| {
        assert_eq!(program.by_path("path_create_directory", "d"), 0);
        fs::write(at.join("top/d/file"), "content").unwrap();
        for (target, link) in [
            ("d/file", "f"),
            ("d", "to-d"),
            ("../f", "d/back"),
            ("none", "dangling"),
        ] {
            assert_eq!(program.symlink(target, link), 0, "{link}");
            assert_eq!(program.kind(false, link), Ok(LINK), "{link}");
            assert_eq!(program.read_link(link, 64), Ok(target.into()), "{link}");
            assert_eq!(
                fs::read_link(at.join("top").join(link)).unwrap(),
                Path::new(target)
            );
        }
        for path in ["f", "to-d/file", "d/back", "to-d/back", "to-d/../f"] {
            assert_eq!(program.content(path), Ok(b"content".to_vec()), "{path}");
            assert_eq!(program.kind(true, path), Ok(REGULAR), "{path}");
        }
        assert_eq!(program.kind(true, "to-d"), Ok(FOLDER));
        assert_eq!(program.kind(false, "to-d/"), Ok(FOLDER));
        assert_eq!(program.kind(true, "dangling"), Err(NOENT));
        assert_eq!(program.open_at(TOP, false, "f", 0, READ), Err(LOOP));
        assert_eq!(
            program.open_at(TOP, false, "to-d", DIRECTORY, 0),
            Err(NOTDIR)
        );
        assert_eq!(program.open("f", CREAT | EXCL, READ), Err(EXIST));
        assert_eq!(program.open("dangling", CREAT | EXCL, READ), Err(EXIST));
        assert_eq!(program.open("f/", 0, READ), Err(NOTDIR));
        // A dangling link, followed, makes its target.
        let made = program.open("dangling", CREAT, WRITE).unwrap();
        assert_eq!(program.write(made, b"made"), 0);
        program.close(made);
        assert_eq!(fs::read(at.join("top/none")).unwrap(), b"made");
        // Calls that change a folder mean the link, not its target.
        assert_eq!(program.by_path("path_remove_directory", "to-d"), NOTDIR);
        assert_eq!(program.by_path("path_remove_directory", "to-d/"), NOTDIR);
        assert_eq!(program.by_path("path_unlink_file", "to-d/"), NOTDIR);
        assert_eq!(program.by_path("path_create_directory", "dangling"), EXIST);
        assert_eq!(program.rename("to-d/", "x"), NOTDIR);
        assert_eq!(program.rename("to-d", "moved"), 0);
        assert_eq!(program.rename("moved", "f"), 0);
        assert_eq!(program.read_link("f", 64), Ok(b"d".to_vec()));
        assert_eq!(program.read_link("f", 0), Ok(Vec::new()));
        assert_eq!(program.rename("d", "f"), NOTDIR);
        assert_eq!(program.rename("f", "d"), ISDIR);
        assert_eq!(program.by_path("path_unlink_file", "f"), 0);
        assert_eq!(program.kind(true, "d/file"), Ok(REGULAR));
        for path in ["d", "d/file", "none"] {
            assert_eq!(program.read_link(path, 64), Err(INVAL), "{path}");
        }
    });
}

#[test]
fn a_link_is_made_only_where_nothing_is_and_to_what_can_be_followed() {
    with_program("wasi-new-links", |program, at| {
        fs::write(at.join("top/file"), "").unwrap();
        fs::create_dir(at.join("top/d")).unwrap();
        for (target, link, errno) in [
            ("file", "file", EXIST),
            ("file", "file/", NOTDIR),
            ("file", "new/", NOENT),
            ("file", "none/new", NOENT),
            ("file", "../new", PERM),
            ("file", "/new", PERM),
            ("/etc/passwd", "new", PERM),
            ("/", "new", PERM),
            ("", "new", NOENT),
            ("a\0b", "new", INVAL),
            (&"x".repeat(513), "new", NAMETOOLONG),
            (&"x".repeat(122), "new", NAMETOOLONG),
            (&"x".repeat(120), "d/new", NAMETOOLONG),
            // Who follows it need not be this guest.
            ("..", "new", PERM),
            ("../outside/secret", "new", PERM),
            ("d/../..", "new", PERM),
            ("../../outside", "d/new", PERM),
        ] {
            assert_eq!(program.symlink(target, link), errno, "{target:?} {link}");
        }
        assert_eq!(program.symlink_at(b"\xff", TOP, "new"), 25);
        assert_eq!(program.symlink("../file", "d/new"), 0);
        assert_eq!(program.symlink_at(b"file", READ_ONLY, "new"), ROFS);
        assert_eq!(fs::read_dir(at.join("top")).unwrap().count(), 2);
    });
}

#[test]
fn no_link_leads_out_whoever_made_it() {
    with_program("wasi-walls", |program, at| {
        let top = at.join("top");
        fs::create_dir(top.join("sub")).unwrap();
        let outside = at.join("outside");
        for (target, link) in [
            (outside.to_str().unwrap(), "absolute"),
            ("../outside", "relative"),
            ("../outside/secret", "file"),
            ("../outside/new", "new"),
            ("sub/../../outside", "winding"),
            ("../../outside", "sub/deep"),
            ("relative", "chain"),
            ("/proc/self/root", "magic"),
            ("/proc/self/fd/0", "descriptor"),
            ("..", "parent"),
            ("../top", "there-and-back"),
        ] {
            symlink(target, top.join(link)).unwrap();
        }
        for link in [
            "absolute",
            "relative",
            "winding",
            "sub/deep",
            "chain",
            "magic",
            "descriptor",
            "parent",
            "file",
            "new",
            "there-and-back",
        ] {
            for path in [
                link.to_owned(),
                format!("{link}/"),
                format!("{link}/secret"),
                format!("{link}/.."),
            ] {
                for (oflags, rights) in [(0, READ), (CREAT, WRITE), (TRUNC, WRITE), (DIRECTORY, 0)]
                {
                    assert_eq!(program.open(&path, oflags, rights), Err(PERM), "{path}");
                }
                assert_eq!(program.kind(true, &path), Err(PERM), "{path}");
            }
            let inner = format!("{link}/secret");
            for name in [
                "path_create_directory",
                "path_remove_directory",
                "path_unlink_file",
            ] {
                assert_eq!(program.by_path(name, &inner), PERM, "{name} {inner}");
            }
            assert_eq!(program.symlink("x", &inner), PERM);
            assert_eq!(program.link(&inner, "stolen"), PERM);
            assert_eq!(program.rename(&inner, "stolen"), PERM);
            assert_eq!(program.rename("sub", &inner), PERM);
        }
        for link in ["absolute", "magic", "descriptor"] {
            assert_eq!(program.read_link(link, 64), Err(PERM), "{link}");
        }
        // From a folder further down, its own is as far up as it goes.
        symlink("../file-of-top", top.join("sub/up")).unwrap();
        fs::write(top.join("file-of-top"), "top's").unwrap();
        assert_eq!(program.content("sub/up"), Ok(b"top's".to_vec()));
        let sub = program
            .open("sub", DIRECTORY, ALL & !(READ | WRITE))
            .unwrap();
        assert_eq!(program.open_at(sub, true, "up", 0, READ), Err(PERM));
    });
}

#[test]
fn loops_of_links_end() {
    with_program("wasi-loops", |program, _| {
        assert_eq!(program.symlink("self", "self"), 0);
        assert_eq!(program.symlink("pong", "ping"), 0);
        assert_eq!(program.symlink("ping", "pong"), 0);
        for path in ["self", "ping", "self/x", "ping/../x"] {
            assert_eq!(program.open(path, 0, READ), Err(LOOP), "{path}");
            assert_eq!(program.kind(true, path), Err(LOOP), "{path}");
        }
        // A chain of forty is one, a longer is none.
        let file = program.open("0", CREAT, WRITE).unwrap();
        program.close(file);
        for number in 1..=41 {
            assert_eq!(
                program.symlink(&(number - 1).to_string(), &number.to_string()),
                0
            );
        }
        assert_eq!(program.kind(true, "40"), Ok(REGULAR));
        assert_eq!(program.kind(true, "41"), Err(LOOP));
    });
}

#[test]
fn a_second_name_is_of_a_file_in_the_same_folder() {
    with_program("wasi-hard-links", |program, at| {
        fs::create_dir(at.join("top/d")).unwrap();
        fs::write(at.join("top/file"), "content").unwrap();
        symlink("../outside/secret", at.join("top/out")).unwrap();
        assert_eq!(program.link("file", "d/second"), 0);
        assert_eq!(program.content("d/second"), Ok(b"content".to_vec()));
        assert_eq!(program.kind(false, "file"), Ok(REGULAR));
        assert_eq!(program.u64_at(RESULT + 24), 2, "two names");
        // Of a link that leads out it is one that does not, either.
        assert_eq!(program.link("out", "out2"), 0);
        assert_eq!(program.kind(false, "out2"), Ok(LINK));
        assert_eq!(program.open("out2", 0, READ), Err(PERM));
        for (old, new, errno) in [
            ("none", "new", NOENT),
            ("d", "new", PERM),
            ("file", "d", EXIST),
            ("file", "out", EXIST),
            ("file", "new/", NOENT),
            ("file/", "new", NOTDIR),
            ("../outside/secret", "new", PERM),
            ("file", "../outside/new", PERM),
        ] {
            assert_eq!(program.link(old, new), errno, "{old} {new}");
        }
        let across =
            |program: &mut PosixProgram<'_>, old, new| program.two_paths("path_link", old, new);
        assert_eq!(across(program, (READ_ONLY, "file"), (TOP, "new")), XDEV);
        assert_eq!(across(program, (TOP, "file"), (OTHER, "new")), XDEV);
        assert_eq!(
            across(program, (READ_ONLY, "file"), (READ_ONLY, "new")),
            ROFS
        );
    });
}

#[test]
fn files_have_times_and_can_be_given_others() {
    with_program("wasi-times", |program, at| {
        let path = at.join("top/file");
        fs::write(&path, "content").unwrap();
        symlink("file", at.join("top/link")).unwrap();
        let set = |program: &mut PosixProgram<'_>, follow: bool, path: &str, times: [u64; 3]| {
            let [at, length] = program.put(PATH, path.as_bytes());
            let [accessed, modified, which] = times;
            let arguments = [TOP, follow.into(), at, length, accessed, modified, which];
            program.call("path_filestat_set_times", &arguments)
        };
        let second = 1_000_000_000;
        assert_eq!(
            set(program, true, "link", [5 * second + 7, 9 * second, 1 | 4]),
            0
        );
        let found = fs::metadata(&path).unwrap();
        assert_eq!(
            (found.atime(), found.atime_nsec(), found.mtime()),
            (5, 7, 9)
        );
        assert_eq!(
            set(program, false, "link", [3 * second, 4 * second, 1 | 4]),
            0
        );
        let link = fs::symlink_metadata(at.join("top/link")).unwrap();
        assert_eq!((link.atime(), link.mtime()), (3, 4));
        assert_eq!(fs::metadata(&path).unwrap().mtime(), 9);
        assert_eq!(program.kind(true, "file"), Ok(REGULAR));
        let at_offset = |program: &PosixProgram<'_>, offset| program.u64_at(RESULT + offset);
        assert_eq!(at_offset(program, 0), found.dev());
        assert_eq!(at_offset(program, 8), found.ino());
        assert_eq!(at_offset(program, 40), 5 * second + 7);
        assert_eq!(at_offset(program, 48), 9 * second);
        let fd = program.open("file", 0, ALL).unwrap();
        assert_eq!(
            program.call("fd_filestat_set_times", &[fd, 0, 6 * second, 4]),
            0
        );
        assert_eq!(fs::metadata(&path).unwrap().mtime(), 6);
        assert_eq!(program.call("fd_filestat_set_times", &[fd, 0, 0, 8]), 0);
        assert!(fs::metadata(&path).unwrap().mtime() > 1_000_000);
        for which in [3, 12, 16] {
            assert_eq!(set(program, true, "file", [0, 0, which]), INVAL);
            assert_eq!(
                program.call("fd_filestat_set_times", &[fd, 0, 0, which]),
                INVAL
            );
        }
        assert_eq!(
            program.call("fd_filestat_set_times", &[TOP, 0, second, 4]),
            0
        );
        assert_eq!(fs::metadata(at.join("top")).unwrap().mtime(), 1);
        assert_eq!(
            program.call("fd_filestat_set_times", &[READ_ONLY, 0, second, 4]),
            ROFS
        );
        assert_eq!(program.call("fd_allocate", &[fd, 0, 100]), 0);
        assert_eq!(fs::metadata(&path).unwrap().len(), 100);
        assert_eq!(program.call("fd_allocate", &[fd, 5, 0]), INVAL);
        assert_eq!(program.call("fd_allocate", &[fd, u64::MAX, 2]), 22);
    });
}

#[test]
fn an_open_file_can_be_removed_renamed_and_replaced() {
    with_program("wasi-open-files", |program, at| {
        let first = program.open("file", CREAT, ALL).unwrap();
        assert_eq!(program.write(first, b"first"), 0);
        assert_eq!(
            fs::read(at.join("top/file")).unwrap(),
            b"first",
            "seen at once"
        );
        assert_eq!(program.rename("file", "renamed"), 0);
        let second = program.open("file", CREAT | EXCL, ALL).unwrap();
        assert_eq!(program.write(second, b"second"), 0);
        assert_eq!(program.rename("file", "renamed"), 0);
        assert_eq!(program.by_path("path_unlink_file", "renamed"), 0);
        assert_eq!(program.write(first, b" more"), 0);
        assert_eq!(program.read_at(first, 0), b"first more");
        assert_eq!(program.read_at(second, 0), b"second");
        assert_eq!(program.call("fd_filestat_get", &[first, RESULT.into()]), 0);
        assert_eq!(program.u64_at(RESULT + 24), 0, "no name is left");
        program.close(first);
        program.close(second);
        assert_eq!(
            fs::read_dir(at.join("top")).unwrap().count(),
            0,
            "nothing comes back"
        );
        // A file that another program has replaced is opened anew.
        fs::write(at.join("top/f"), "old").unwrap();
        let old = program.open("f", 0, ALL).unwrap();
        fs::write(at.join("top/g"), "new").unwrap();
        fs::rename(at.join("top/g"), at.join("top/f")).unwrap();
        assert_eq!(program.content("f"), Ok(b"new".to_vec()));
        assert_eq!(program.read_at(old, 0), b"old");
    });
}

#[test]
fn a_descriptor_takes_the_place_of_another_that_is_closed() {
    with_program("wasi-renumber", |program, _| {
        let one = program.open("one", CREAT, ALL).unwrap();
        let two = program.open("two", CREAT, ALL).unwrap();
        assert_eq!(program.write(two, b"two"), 0);
        assert_eq!(program.call("fd_renumber", &[two, one]), 0);
        assert_eq!(program.call("fd_close", &[two]), 8);
        assert_eq!(program.read_at(one, 0), b"two");
    });
}

#[test]
fn a_listing_tells_links_and_the_numbers_that_stat_tells() {
    with_program("wasi-listing", |program, at| {
        fs::write(at.join("top/file"), "").unwrap();
        assert_eq!(program.symlink("file", "link"), 0);
        let made = Command::new("mkfifo").arg(at.join("top/pipe")).status();
        assert!(made.unwrap().success());
        let arguments = [TOP, BUFFER.into(), 1000, 0, RESULT.into()];
        assert_eq!(program.call("fd_readdir", &arguments), 0);
        let used = program.u32_at(RESULT) as usize;
        let mut rest = program.memory[BUFFER as usize..][..used].to_vec();
        let mut found = Vec::new();
        while rest.len() > 24 {
            let inode = u64::from_le_bytes(rest[8..16].try_into().unwrap());
            let length = rest[16] as usize;
            let name = String::from_utf8(rest[24..24 + length].to_vec()).unwrap();
            let real = fs::symlink_metadata(at.join("top").join(&name)).unwrap();
            if name != ".." {
                assert_eq!(inode, real.ino(), "{name}");
            }
            found.push((name, rest[20]));
            rest.drain(..24 + length);
        }
        found.sort();
        let expected = [
            (".", FOLDER),
            ("..", FOLDER),
            ("file", REGULAR),
            ("link", LINK),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
        // A pipe is refused, without a wait for its other end.
        assert_eq!(program.open("pipe", 0, READ), Err(INVAL));
        assert_eq!(program.open("pipe", 0, WRITE), Err(INVAL));
    });
}

#[test]
fn a_folder_with_very_many_entries_is_listed_whole() {
    with_program("wasi-many", |program, at| {
        for number in 0..3000 {
            fs::write(at.join(format!("top/{number}")), "").unwrap();
        }
        let mut names = std::collections::BTreeSet::new();
        let mut cookie = 0;
        loop {
            let arguments = [TOP, BUFFER.into(), 1000, cookie, RESULT.into()];
            assert_eq!(program.call("fd_readdir", &arguments), 0);
            let used = program.u32_at(RESULT) as usize;
            let mut rest = &program.memory[BUFFER as usize..][..used];
            while let Some((header, more)) = rest.split_at_checked(24) {
                let Some((name, more)) = more.split_at_checked(header[16].into()) else {
                    break;
                };
                rest = more;
                cookie = u64::from_le_bytes(header[..8].try_into().unwrap());
                assert!(names.insert(name.to_vec()), "{name:?} comes twice");
            }
            if used < 1000 {
                break;
            }
        }
        assert_eq!(names.len(), 3002);
    });
}

#[test]
fn a_file_is_opened_only_for_what_the_rights_ask_for() {
    with_program("wasi-modes", |program, at| {
        fs::write(at.join("top/file"), "content").unwrap();
        let reading = program.open("file", 0, READ | 1 << 2).unwrap();
        assert_eq!(program.read_at(reading, 3), b"tent");
        assert_eq!(program.write(reading, b"x"), 76);
        let storage = PosixFolders::open(
            ["/proc/self", "/proc/sys/kernel", "/"]
                .map(Into::into)
                .into(),
        )
        .unwrap();
        let module = PosixModule::new();
        let mut other = PosixProgram {
            wasi: Wasi::bare(&storage, &module, &module, &module),
            memory: vec![0; MEMORY],
        };
        // The superuser, whom tests may run as, can't write this either.
        fs::File::options()
            .write(true)
            .open("/proc/sys/kernel/ostype")
            .unwrap_err();
        assert_eq!(
            other.open_at(READ_ONLY, true, "ostype", 0, WRITE),
            Err(ROFS)
        );
        let storage = PosixFolders::open(["/proc/sys/kernel"; 3].map(Into::into).into()).unwrap();
        let mut system = PosixProgram {
            wasi: Wasi::bare(&storage, &module, &module, &module),
            memory: vec![0; MEMORY],
        };
        assert_eq!(system.open("ostype", 0, WRITE), Err(ACCES));
        let file = other.open("status", 0, READ | 1 << 2).unwrap();
        assert!(other.read_at(file, 0).starts_with(b"Name:"));
        assert_eq!(other.open("cwd/Cargo.toml", 0, READ), Err(PERM));
        assert_eq!(other.open("fd/0", 0, READ), Err(PERM));
    });
}

#[test]
fn no_rename_makes_a_path_too_long_to_be_named() {
    with_program("wasi-depth", |program, at| {
        let long = "x".repeat(100);
        for path in ["a", "a/b", "c"] {
            assert_eq!(program.by_path("path_create_directory", path), 0);
        }
        fs::write(at.join("top/a/b").join("y".repeat(80)), "").unwrap();
        assert_eq!(program.rename("a", &long), NAMETOOLONG);
        assert_eq!(program.rename("a", "c/a"), 0);
        assert_eq!(program.rename("c/a", "a"), 0);
        assert_eq!(program.rename("a/b", &long), NAMETOOLONG);
        // As deep as it gets by moving folders into one another.
        let mut refused = false;
        for _ in 0..100 {
            assert_eq!(program.by_path("path_create_directory", "new"), 0);
            refused = program.rename("c", "new/c") != 0;
            if refused {
                break;
            }
            assert_eq!(program.rename("new", "c"), 0);
        }
        assert!(refused);
        let mut deepest = String::from("c");
        while program.kind(false, &format!("{deepest}/c")) == Ok(FOLDER) {
            deepest.push_str("/c");
        }
        assert!(deepest.len() > 80, "{deepest}");
        assert_eq!(
            fs::read_dir(at.join("top").join(&deepest)).unwrap().count(),
            0
        );
    });
}

/// Ends the other thread when this one ends, also by a panic.
struct ThreadGuard<'a>(&'a AtomicBool);

impl Drop for ThreadGuard<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_link_while_a_guest_opens_leads_nowhere() {
    with_program("wasi-race", |program, at| {
        let top = at.join("top");
        fs::create_dir(top.join("d")).unwrap();
        fs::write(top.join("d/secret"), "inside").unwrap();
        let (done, swaps) = (AtomicBool::new(false), AtomicU32::new(0));
        thread::scope(|scope| {
            let _ending = ThreadGuard(&done);
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    fs::rename(top.join("d"), top.join("aside")).unwrap();
                    symlink("../outside", top.join("d")).unwrap();
                    fs::remove_file(top.join("d")).unwrap();
                    fs::rename(top.join("aside"), top.join("d")).unwrap();
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            });
            let (mut read, mut refused) = (0, 0);
            while swaps.load(Ordering::Relaxed) < 5000 || read == 0 || refused == 0 {
                match program.open("d/secret", 0, READ | 1 << 2) {
                    Ok(fd) => {
                        assert_eq!(program.read_at(fd, 0), b"inside");
                        program.close(fd);
                        read += 1;
                    }
                    Err(_) => refused += 1,
                }
                if let Ok(fd) = program.open("d/new", CREAT, WRITE) {
                    program.close(fd);
                }
                let _ = program.by_path("path_unlink_file", "d/new");
            }
        });
    });
}
