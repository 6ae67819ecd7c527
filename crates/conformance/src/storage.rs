// SPDX-License-Identifier: Apache-2.0
//! Suite for file systems.

use core::fmt::Write as _;

use ocre::limits::MAX_PATH;
use ocre::port::{EntryKind, Metadata, OpenMode, SeekFrom, SetTime, Storage, StorageError, Times};

use crate::promise::{BrokenPromise, done, expect, refused};

/// Checks a file system for littlefs's promises, or for POSIX's if it is [`Storage::POSIX`]. The
/// folder `root` exists, is empty, and has a path of at most 100 bytes. Afterwards it is empty
/// again.
///
/// # Errors
/// The first promise not kept; then files may be left behind.
pub fn storage<S: Storage>(storage: &S, root: &str) -> Result<(), BrokenPromise> {
    let suite = Suite { storage, root };
    suite.paths()?;
    suite.folders()?;
    suite.listing()?;
    suite.opening()?;
    suite.content()?;
    suite.streaming()?;
    suite.positions()?;
    suite.truncation()?;
    if S::POSIX {
        suite.open_files()?;
        suite.links()?;
        suite.times()?;
        suite.reservation()?;
    } else {
        suite.unsynced()?;
    }
    suite.renaming()?;
    suite.two_files()?;
    suite.room()?;
    expect(suite.count("")? == 0, "all that was made can be removed")
}

/// First half of a check that what was synced survives a restart: leaves files in `root`.
///
/// # Errors
/// The first promise not kept.
pub fn before_restart<S: Storage>(storage: &S, root: &str) -> Result<(), BrokenPromise> {
    let suite = Suite { storage, root };
    suite.put("kept", LONG)?;
    suite.put("replaced", b"old")?;
    suite.put("new", b"new")?;
    done(
        suite
            .storage
            .rename(&suite.at("new")?, &suite.at("replaced")?),
        "a file is replaced",
    )?;
    let mut synced = suite.open("synced", OpenMode::REWRITE)?;
    done(storage.write(&mut synced, b"before"), "a file is written")?;
    done(storage.sync(&mut synced), "a file is synced")?;
    done(
        storage.write(&mut synced, b"after"),
        "a file is written after a sync",
    )?;
    drop(synced);
    Ok(())
}

/// Second half, after the storage was stopped and started: removes the files again.
///
/// # Errors
/// The first promise not kept.
pub fn after_restart<S: Storage>(storage: &S, root: &str) -> Result<(), BrokenPromise> {
    let suite = Suite { storage, root };
    suite.holds("kept", LONG, "what was closed survives a restart")?;
    suite.holds("replaced", b"new", "a rename survives a restart")?;
    suite.holds(
        "synced",
        b"before",
        "what was synced, and only that, survives a restart",
    )?;
    for name in ["kept", "replaced", "synced"] {
        suite.remove(name)?;
    }
    expect(
        suite.count("")? == 0,
        "what was renamed is gone after a restart",
    )
}

/// Content that is too long to be kept beside a file's name.
const LONG: &[u8] = &[0x5a; 700];

const READ_WRITE: OpenMode = OpenMode {
    read: true,
    write: true,
    create: true,
    exclusive: false,
    truncate: false,
    append: false,
};

type TestPath = heapless::String<MAX_PATH>;

struct Suite<'a, S> {
    storage: &'a S,
    root: &'a str,
}

impl<S: Storage> Suite<'_, S> {
    /// The path of `name`, or of the suite's own folder for the empty name.
    fn at(&self, name: &str) -> Result<TestPath, BrokenPromise> {
        let mut path = TestPath::new();
        let root = self.root.trim_end_matches('/');
        let written = match (root, name) {
            ("", "") => path.write_str("/"),
            (root, "") => path.write_str(root),
            (root, name) => write!(path, "{root}/{name}"),
        };
        let too_long = BrokenPromise {
            what: "the folder's path is short enough",
            error: None,
        };
        written.map_err(|_| too_long)?;
        Ok(path)
    }

    fn open(&self, name: &str, mode: OpenMode) -> Result<S::File, BrokenPromise> {
        done(self.storage.open(&self.at(name)?, mode), "a file is opened")
    }

    fn close(&self, file: S::File) -> Result<(), BrokenPromise> {
        done(self.storage.close(file), "a file is closed")
    }

    fn write(&self, file: &mut S::File, bytes: &[u8]) -> Result<(), BrokenPromise> {
        done(self.storage.write(file, bytes), "a file is written")
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<(), BrokenPromise> {
        let mut file = self.open(name, OpenMode::REWRITE)?;
        self.write(&mut file, content)?;
        self.close(file)
    }

    fn mkdir(&self, name: &str) -> Result<(), BrokenPromise> {
        done(self.storage.create_dir(&self.at(name)?), "a folder is made")
    }

    fn remove(&self, name: &str) -> Result<(), BrokenPromise> {
        done(self.storage.remove(&self.at(name)?), "an entry is removed")
    }

    /// Reads on from the position and compares, in pieces that fit no block.
    fn reads(
        &self,
        file: &mut S::File,
        mut expected: &[u8],
        what: &'static str,
    ) -> Result<(), BrokenPromise> {
        let mut buffer = [0; 37];
        loop {
            let count = done(self.storage.read(file, &mut buffer), what)?;
            let found = buffer.get(..count);
            if count == 0 {
                return expect(expected.is_empty(), what);
            }
            let Some((same, rest)) = expected.split_at_checked(count) else {
                return expect(false, what);
            };
            expect(found == Some(same), what)?;
            expected = rest;
        }
    }

    /// Checks a file's content and metadata.
    fn holds(&self, name: &str, content: &[u8], what: &'static str) -> Result<(), BrokenPromise> {
        let metadata = done(self.storage.metadata(&self.at(name)?), what)?;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        expect(
            metadata
                == Metadata {
                    kind: EntryKind::File,
                    size,
                },
            what,
        )?;
        let mut file = done(self.storage.open(&self.at(name)?, OpenMode::READ), what)?;
        self.reads(&mut file, content, what)?;
        self.close(file)
    }

    fn count(&self, name: &str) -> Result<usize, BrokenPromise> {
        let mut count = 0_usize;
        let counted = self.storage.read_dir(&self.at(name)?, &mut |_, _| {
            count = count.saturating_add(1);
            true
        });
        done(counted, "a folder is listed")?;
        Ok(count)
    }

    fn paths(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        for path in ["", "x", "//", "/x/", "/x//y", "/.", "/..", "/x/../y", "/\0"] {
            let what = "a path that is not absolute and plain is invalid";
            refused(storage.metadata(path), StorageError::Invalid, what)?;
            refused(storage.open(path, READ_WRITE), StorageError::Invalid, what)?;
            refused(storage.create_dir(path), StorageError::Invalid, what)?;
            refused(storage.remove(path), StorageError::Invalid, what)?;
            refused(storage.rename(path, "/y"), StorageError::Invalid, what)?;
            refused(storage.rename("/y", path), StorageError::Invalid, what)?;
        }
        let mut long = [b'a'; MAX_PATH.saturating_add(1)];
        if let Some(first) = long.first_mut() {
            *first = b'/';
        }
        let long = core::str::from_utf8(&long).unwrap_or_default();
        let what = "a path that is too long is refused as such";
        refused(storage.metadata(long), StorageError::NameTooLong, what)?;
        let root = done(storage.metadata("/"), "the root is there")?;
        expect(root.kind == EntryKind::Directory, "the root is a folder")
    }

    fn folders(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.mkdir("d")?;
        self.mkdir("d/e")?;
        self.put("f", b"")?;
        let metadata = done(storage.metadata(&self.at("d")?), "a folder has metadata")?;
        let folder = Metadata {
            kind: EntryKind::Directory,
            size: 0,
        };
        expect(metadata == folder, "a folder is one, of size 0")?;
        let exists = StorageError::Exists;
        refused(
            storage.create_dir(&self.at("d")?),
            exists,
            "a folder is made once",
        )?;
        refused(
            storage.create_dir(&self.at("f")?),
            exists,
            "a folder replaces no file",
        )?;
        let missing = storage.create_dir(&self.at("no/d")?);
        refused(
            missing,
            StorageError::NotFound,
            "a folder is made in a folder that is there",
        )?;
        let in_file = storage.create_dir(&self.at("f/d")?);
        refused(
            in_file,
            StorageError::NotDirectory,
            "a folder is made in a folder, not a file",
        )?;
        let full = storage.remove(&self.at("d")?);
        refused(
            full,
            StorageError::NotEmpty,
            "a folder with entries is not removed",
        )?;
        let missing = storage.remove(&self.at("no")?);
        refused(
            missing,
            StorageError::NotFound,
            "what is not there is not removed",
        )?;
        for name in ["d/e", "d", "f"] {
            self.remove(name)?;
        }
        let gone = storage.metadata(&self.at("d")?);
        refused(gone, StorageError::NotFound, "a removed folder is gone")
    }

    fn listing(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.mkdir("d")?;
        self.mkdir("d/c")?;
        self.put("d/a", b"12345")?;
        self.put("d/b", b"")?;
        let mut seen = [0_u8; 3];
        let mut strange = false;
        let inside = self.at("d/a")?;
        let mut usable = true;
        let listed = storage.read_dir(&self.at("d")?, &mut |name, metadata| {
            usable &= storage.metadata(&inside).is_ok();
            let expected = [
                ("a", EntryKind::File, 5),
                ("b", EntryKind::File, 0),
                ("c", EntryKind::Directory, 0),
            ];
            let found = (name, metadata.kind, metadata.size);
            match expected
                .iter()
                .zip(&mut seen)
                .find(|(entry, _)| **entry == found)
            {
                Some((_, count)) => *count = count.saturating_add(1),
                None => strange = true,
            }
            true
        });
        done(listed, "a folder is listed")?;
        expect(
            !strange && seen == [1, 1, 1],
            "each entry is listed once, and nothing else",
        )?;
        expect(usable, "the storage can be used while a folder is listed")?;
        let mut count = 0_u8;
        let listed = storage.read_dir(&self.at("d")?, &mut |_, _| {
            count = count.saturating_add(1);
            false
        });
        done(listed, "a listing can be ended early")?;
        expect(count == 1, "a listing ends when the callback says so")?;
        let file = storage.read_dir(&self.at("d/a")?, &mut |_, _| true);
        refused(file, StorageError::NotDirectory, "a file is not listed")?;
        let missing = storage.read_dir(&self.at("no")?, &mut |_, _| true);
        refused(
            missing,
            StorageError::NotFound,
            "a missing folder is not listed",
        )?;
        for name in ["d/a", "d/b", "d/c", "d"] {
            self.remove(name)?;
        }
        Ok(())
    }

    fn opening(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let open = |name: &str, mode| Ok(storage.open(&self.at(name)?, mode));
        self.mkdir("d")?;
        self.put("f", b"old")?;
        let missing = StorageError::NotFound;
        refused(
            open("no", OpenMode::READ)?,
            missing,
            "a missing file is not made unasked",
        )?;
        refused(
            open("no/f", READ_WRITE)?,
            missing,
            "a file is made in a folder that is there",
        )?;
        refused(
            open("d", OpenMode::READ)?,
            StorageError::IsDirectory,
            "a folder is no file",
        )?;
        refused(
            open("d", READ_WRITE)?,
            StorageError::IsDirectory,
            "a folder is no file to write",
        )?;
        refused(
            open("f/x", READ_WRITE)?,
            StorageError::NotDirectory,
            "a file has no files in it",
        )?;
        let exclusive = OpenMode {
            exclusive: true,
            ..READ_WRITE
        };
        refused(
            open("f", exclusive)?,
            StorageError::Exists,
            "exclusive means new",
        )?;
        self.close(self.open("x", exclusive)?)?;
        self.holds("x", b"", "a new file is empty")?;
        let nothing = OpenMode::default();
        refused(
            open("f", nothing)?,
            StorageError::Invalid,
            "a file is opened for something",
        )?;
        let truncate = OpenMode {
            truncate: true,
            ..OpenMode::READ
        };
        refused(
            open("f", truncate)?,
            StorageError::Invalid,
            "what only reads cuts nothing",
        )?;

        let mut file = self.open("f", OpenMode::READ)?;
        let write = storage.write(&mut file, b"new");
        refused(
            write,
            StorageError::Invalid,
            "a file open for reading is not written",
        )?;
        let cut = storage.truncate(&mut file, 0);
        refused(
            cut,
            StorageError::Invalid,
            "a file open for reading is not cut",
        )?;
        self.close(file)?;
        self.holds("f", b"old", "a file open for reading stays as it is")?;
        let mut file = self.open("f", OpenMode::REWRITE)?;
        let read = storage.read(&mut file, &mut [0; 4]);
        refused(
            read,
            StorageError::Invalid,
            "a file open for writing is not read",
        )?;
        self.close(file)?;
        self.holds("f", b"", "a file opened to be cut is cut")?;
        for name in ["d", "f", "x"] {
            self.remove(name)?;
        }
        Ok(())
    }

    fn content(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let mut content = [0_u8; 2500];
        let bytes = (0..=250_u8).cycle();
        content
            .iter_mut()
            .zip(bytes)
            .for_each(|(place, byte)| *place = byte);
        let mut file = self.open("f", OpenMode::REWRITE)?;
        for piece in content.chunks(41) {
            self.write(&mut file, piece)?;
        }
        let size = done(storage.size(&mut file), "a file has a size")?;
        expect(
            size == 2500,
            "a file's size counts what was written through the handle",
        )?;
        self.close(file)?;
        self.holds("f", &content, "a file has what was written to it")?;

        let append = OpenMode {
            append: true,
            ..READ_WRITE
        };
        let mut file = self.open("f", append)?;
        done(
            storage.seek(&mut file, SeekFrom::Start(3)),
            "a file's position is moved",
        )?;
        self.write(&mut file, b"end")?;
        self.close(file)?;
        let mut file = self.open("f", OpenMode::READ)?;
        done(
            storage.seek(&mut file, SeekFrom::End(-4)),
            "a position counts from the end",
        )?;
        self.reads(
            &mut file,
            &[content.last().copied().unwrap_or(0), b'e', b'n', b'd'],
            "appended bytes go to the end, wherever the position is",
        )?;
        let mut byte = [0];
        let at_end = done(
            storage.read(&mut file, &mut byte),
            "reading at the end is no error",
        )?;
        expect(at_end == 0, "there is nothing to read at the end")?;
        self.close(file)?;
        self.remove("f")
    }

    fn streaming(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let pattern = |position: u64| (position % 251).to_le_bytes()[0];
        // Empty, beside its name, in one block, in several.
        for size in [0_u16, 40, 700, 2500] {
            let size = u64::from(size);
            let mut file = self.open("f", OpenMode::REWRITE)?;
            for position in 0..size {
                self.write(&mut file, &[pattern(position)])?;
            }
            let unreadable = storage.stream(&mut file, &mut [0; 64], &mut |_| {});
            refused(
                unreadable,
                StorageError::Invalid,
                "a file open for writing is not streamed",
            )?;
            self.close(file)?;
            for mode in [OpenMode::READ, READ_WRITE] {
                self.streams(mode, size, &pattern)?;
            }
        }
        self.remove("f")
    }

    /// Checks that the file of `size` bytes streams as it reads, from anywhere, through any buffer.
    fn streams(
        &self,
        mode: OpenMode,
        size: u64,
        pattern: &dyn Fn(u64) -> u8,
    ) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let mut buffer = [0; 1024];
        let mut file = self.open("f", mode)?;
        for start in [0, 1, 300, size.saturating_sub(1), size, 3000] {
            for length in [37, buffer.len()] {
                let moved = storage.seek(&mut file, SeekFrom::Start(start));
                done(moved, "a file's position is moved")?;
                let mut position = start;
                let mut same = true;
                let streamed = storage.stream(
                    &mut file,
                    buffer.get_mut(..length).unwrap_or_default(),
                    &mut |piece| {
                        same &= !piece.is_empty();
                        for &byte in piece {
                            same &= byte == pattern(position);
                            position = position.saturating_add(1);
                        }
                    },
                );
                done(streamed, "a file is streamed")?;
                let end = start.max(size);
                expect(
                    same && position == end,
                    "a file streams what it has from its position on, and no empty piece",
                )?;
                let moved = storage.seek(&mut file, SeekFrom::Current(0));
                expect(
                    done(moved, "a file has a position")? == end,
                    "streaming leaves the position at the end",
                )?;
            }
        }
        let nowhere = storage.stream(&mut file, &mut [], &mut |_| {});
        refused(
            nowhere,
            StorageError::Invalid,
            "a file is not streamed through an empty buffer",
        )?;
        self.close(file)
    }

    fn positions(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.put("f", b"0123456789")?;
        let mut file = self.open("f", READ_WRITE)?;
        let mut seek =
            |to, expected, what| expect(done(storage.seek(&mut file, to), what)? == expected, what);
        seek(SeekFrom::Start(4), 4, "a position counts from the start")?;
        seek(
            SeekFrom::Current(-3),
            1,
            "a position counts from the present one",
        )?;
        seek(SeekFrom::End(-1), 9, "a position counts from the end")?;
        seek(SeekFrom::End(3), 13, "a position may lie beyond the end")?;
        let nothing = done(
            storage.read(&mut file, &mut [0; 4]),
            "reading beyond the end",
        )?;
        expect(nothing == 0, "there is nothing to read beyond the end")?;
        let before = storage.seek(&mut file, SeekFrom::Current(-14));
        refused(
            before,
            StorageError::Invalid,
            "no position lies before the start",
        )?;
        let before = storage.seek(&mut file, SeekFrom::End(i64::MIN));
        refused(
            before,
            StorageError::Invalid,
            "no position lies far before the start",
        )?;
        let beyond = storage.seek(&mut file, SeekFrom::Start(u64::MAX));
        refused(
            beyond,
            StorageError::Invalid,
            "no position lies beyond the largest file",
        )?;
        self.write(&mut file, b"x")?;
        self.close(file)?;
        let gap = b"0123456789\0\0\0x";
        self.holds(
            "f",
            gap,
            "a refused seek moves nothing, and a gap reads as zeros",
        )?;

        let mut file = self.open("f", READ_WRITE)?;
        done(
            storage.seek(&mut file, SeekFrom::Start(2)),
            "a file's position is moved",
        )?;
        self.write(&mut file, b"ab")?;
        self.reads(
            &mut file,
            b"456789\0\0\0x",
            "reading goes on where writing ended",
        )?;
        self.close(file)?;
        self.holds(
            "f",
            b"01ab456789\0\0\0x",
            "bytes in the middle are replaced",
        )?;
        self.remove("f")
    }

    fn truncation(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.put("f", LONG)?;
        let mut file = self.open("f", READ_WRITE)?;
        done(
            storage.seek(&mut file, SeekFrom::Start(6)),
            "a file's position is moved",
        )?;
        done(storage.truncate(&mut file, 5), "a file is cut")?;
        done(storage.truncate(&mut file, 8), "a file is extended")?;
        let size = done(storage.size(&mut file), "a file has a size")?;
        expect(size == 8, "a file has the size it was cut to")?;
        self.write(&mut file, b"x")?;
        self.close(file)?;
        let expected = [0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0, b'x', 0];
        self.holds(
            "f",
            &expected,
            "extending adds zeros, and the position stays",
        )?;
        self.remove("f")
    }

    fn unsynced(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.put("f", LONG)?;
        let mut file = self.open("f", OpenMode::REWRITE)?;
        self.write(&mut file, b"new")?;
        drop(file);
        self.holds("f", LONG, "a file that was dropped keeps its old content")?;

        let mut file = self.open("f", OpenMode::REWRITE)?;
        self.write(&mut file, b"new")?;
        self.holds("f", LONG, "a file that is not synced keeps its old content")?;
        done(storage.sync(&mut file), "a file is synced")?;
        self.holds("f", b"new", "a synced file has its new content")?;
        self.write(&mut file, LONG)?;
        drop(file);
        self.holds(
            "f",
            b"new",
            "a file keeps the content it was last synced with",
        )?;
        self.remove("f")
    }

    fn open_files(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let mut file = self.open("f", READ_WRITE)?;
        self.write(&mut file, LONG)?;
        self.holds("f", LONG, "what is written is seen by others at once")?;
        let mut other = self.open("f", OpenMode::READ)?;
        self.put("g", b"other")?;
        done(
            storage.rename(&self.at("g")?, &self.at("f")?),
            "a file that is open is replaced",
        )?;
        self.reads(&mut other, LONG, "an open file stays what it was")?;
        done(
            storage.rename(&self.at("f")?, &self.at("h")?),
            "an open file is renamed",
        )?;
        self.remove("h")?;
        self.write(&mut file, b"more")?;
        let size = done(storage.size(&mut file), "a removed file has a size")?;
        let expected = LONG.len().saturating_add(4).try_into().unwrap_or(0);
        expect(size == expected, "a removed file is written on")?;
        self.close(file)?;
        self.close(other)
    }

    fn links(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.put("f", b"content")?;
        let (file, link) = (self.at("f")?, self.at("l")?);
        done(storage.symlink("f", &link), "a symbolic link is made")?;
        let found = done(storage.metadata(&link), "a link has metadata")?;
        expect(
            found.kind == EntryKind::Symlink,
            "a link is not followed to its target's metadata",
        )?;
        let invalid = StorageError::Invalid;
        refused(
            storage.open(&link, OpenMode::READ),
            invalid,
            "a link is not opened",
        )?;
        refused(
            storage.open(&link, READ_WRITE),
            invalid,
            "a link is not written",
        )?;
        done(
            storage.symlink(".", &self.at("here")?),
            "a link to a folder is made",
        )?;
        refused(
            storage.metadata(&self.at("here/f")?),
            invalid,
            "a link is not followed on the way",
        )?;
        let mut target = [0; 8];
        let length = done(storage.read_link(&link, &mut target), "a link is read")?;
        expect(target.get(..length) == Some(b"f"), "a link has its target")?;
        refused(
            storage.read_link(&file, &mut target),
            invalid,
            "a file is no link",
        )?;
        refused(
            storage.symlink("x", &file),
            StorageError::Exists,
            "a link replaces nothing",
        )?;
        let second = self.at("second")?;
        done(
            storage.hard_link(&file, &second),
            "a file gets a second name",
        )?;
        let count = |path: &str| Ok(done(storage.attributes(path), "a file has attributes")?.links);
        expect(count(&file)? == 2, "a file counts its names")?;
        self.holds("second", b"content", "both names have the file's content")?;
        refused(
            storage.hard_link(&file, &second),
            StorageError::Exists,
            "a second name replaces nothing",
        )?;
        done(
            storage.hard_link(&link, &self.at("l2")?),
            "a link gets a second name",
        )?;
        let found = done(
            storage.metadata(&self.at("l2")?),
            "a link's second name is there",
        )?;
        expect(
            found.kind == EntryKind::Symlink,
            "a second name of a link is a link",
        )?;
        for name in ["l", "l2", "here", "second"] {
            self.remove(name)?;
        }
        self.holds("f", b"content", "a target outlives its links")?;
        self.remove("f")
    }

    fn times(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        self.put("f", b"")?;
        let (file, link) = (self.at("f")?, self.at("l")?);
        done(storage.symlink("f", &link), "a symbolic link is made")?;
        let set = |accessed, modified| Times {
            accessed: SetTime::At(accessed),
            modified: SetTime::At(modified),
        };
        let is = |path: &str, accessed, modified| {
            let found = done(storage.attributes(path), "an entry has times")?;
            expect(
                (found.accessed_ns, found.modified_ns) == (accessed, modified),
                "an entry has the times that were set",
            )
        };
        let (one, two) = (1_000_000_000_u64, 1_600_000_000_000_000_000_u64);
        done(storage.set_times(&file, set(two, one)), "times are set")?;
        done(
            storage.set_times(&link, set(one, two)),
            "a link's times are set",
        )?;
        is(&file, two, one)?;
        let mut open = self.open("f", READ_WRITE)?;
        let kept = Times {
            accessed: SetTime::Keep,
            modified: SetTime::At(two),
        };
        done(
            storage.set_file_times(&mut open, kept),
            "an open file's times are set",
        )?;
        is(&file, two, two)?;
        let now = Times {
            accessed: SetTime::Keep,
            modified: SetTime::Now,
        };
        done(
            storage.set_file_times(&mut open, now),
            "a time becomes the present",
        )?;
        let found = storage.file_attributes(&mut open);
        let found = done(found, "an open file has attributes")?;
        expect(
            found.accessed_ns == two && found.modified_ns > two,
            "the present is later",
        )?;
        self.close(open)?;
        self.remove("l")?;
        self.remove("f")
    }

    fn reservation(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let mut file = self.open("f", READ_WRITE)?;
        for (offset, length, size) in [(0, 100, 100), (10, 10, 100), (90, 20, 110)] {
            match storage.allocate(&mut file, offset, length) {
                // Not every file system of a POSIX platform can.
                Err(StorageError::Unsupported) => break,
                allocated => done(allocated, "room is reserved")?,
            }
            let found = done(storage.size(&mut file), "a file has a size")?;
            expect(
                found == size,
                "a file is extended to the room reserved for it",
            )?;
        }
        self.close(file)?;
        self.remove("f")
    }

    fn renaming(&self) -> Result<(), BrokenPromise> {
        let storage = self.storage;
        let rename = |from: &str, to: &str| Ok(storage.rename(&self.at(from)?, &self.at(to)?));
        self.put("a", b"a")?;
        self.put("b", LONG)?;
        self.mkdir("d")?;
        self.mkdir("e")?;
        done(rename("a", "b")?, "a file replaces a file")?;
        self.holds("b", b"a", "a file keeps its content under its new name")?;
        let gone = storage.metadata(&self.at("a")?);
        refused(
            gone,
            StorageError::NotFound,
            "a renamed file has left its old name",
        )?;
        refused(
            rename("a", "b")?,
            StorageError::NotFound,
            "a missing file is not renamed",
        )?;
        done(rename("b", "b")?, "a file is renamed to its own name")?;
        done(rename("b", "d/b")?, "a file moves to another folder")?;
        self.holds("d/b", b"a", "a moved file keeps its content")?;
        let missing = rename("d/b", "no/b")?;
        refused(
            missing,
            StorageError::NotFound,
            "a file moves to a folder that is there",
        )?;
        let full = rename("e", "d")?;
        refused(
            full,
            StorageError::NotEmpty,
            "a folder with entries is not replaced",
        )?;
        done(rename("d", "e")?, "an empty folder is replaced by a folder")?;
        self.holds("e/b", b"a", "a renamed folder keeps its entries")?;
        self.put("f", b"")?;
        refused(
            rename("f", "e")?,
            StorageError::IsDirectory,
            "a file replaces no folder",
        )?;
        refused(
            rename("e", "f")?,
            StorageError::NotDirectory,
            "a folder replaces no file",
        )?;
        refused(
            rename("e", "e/x")?,
            StorageError::Invalid,
            "a folder does not go into itself",
        )?;
        for name in ["e/b", "e", "f"] {
            self.remove(name)?;
        }
        Ok(())
    }

    fn two_files(&self) -> Result<(), BrokenPromise> {
        let mut first = self.open("a", OpenMode::REWRITE)?;
        let mut second = self.open("b", OpenMode::REWRITE)?;
        for _ in 0..10 {
            self.write(&mut first, &[0xaa; 70])?;
            self.write(&mut second, &[0xbb; 50])?;
        }
        self.close(second)?;
        self.close(first)?;
        self.holds("a", &[0xaa; 700], "files that are open together do not mix")?;
        self.holds("b", &[0xbb; 500], "files that are open together do not mix")?;
        let mut first = self.open("a", OpenMode::READ)?;
        let mut second = self.open("a", OpenMode::READ)?;
        self.reads(
            &mut first,
            &[0xaa; 700],
            "a file is read through two handles",
        )?;
        self.reads(
            &mut second,
            &[0xaa; 700],
            "each handle has a position of its own",
        )?;
        self.close(first)?;
        self.close(second)?;
        self.remove("a")?;
        self.remove("b")
    }

    fn room(&self) -> Result<(), BrokenPromise> {
        let space = done(self.storage.space(), "the room is known")?;
        expect(space.free <= space.total, "no more is free than there is")
    }
}
