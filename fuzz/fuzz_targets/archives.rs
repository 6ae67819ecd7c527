// SPDX-License-Identifier: Apache-2.0
//! Arbitrary bytes as an archive: an opened archive has only plain names, each once, which lead
//! nowhere but into it; its files have the listed sizes, however they are read; and its content is
//! never larger than its own size allows.
#![no_main]

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::sync::{Mutex, PoisonError};

use libfuzzer_sys::fuzz_target;
use ocre::port::{EntryKind, OpenMode, SeekFrom, Storage, StorageError};
use ocre_tools::archive::Archive;

/// Limits of docs/archives.md.
const MAX_NAME: usize = 512;
const MAX_ENTRIES: usize = 65_536;
const MAX_DEPTH: usize = 64;
const FREE_BYTES: u64 = 64 << 20;
const MAX_RATIO: u64 = 200;

/// Most bytes of a file that is read in small pieces too.
const SMALL: u64 = 4096;

/// Temporary file, already removed from its folder.
static FILE: Mutex<Option<File>> = Mutex::new(None);

fn file(bytes: &[u8]) -> File {
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let file = file.get_or_insert_with(|| {
        let path = std::env::temp_dir().join(format!("ocre-fuzz-{}", std::process::id()));
        let mut options = File::options();
        let options = options.read(true).write(true).create_new(true);
        let file = options.open(&path).expect("a temporary file");
        fs::remove_file(path).expect("it is there");
        file
    });
    file.set_len(0).expect("it is emptied");
    file.rewind().expect("a file has a beginning");
    file.write_all(bytes).expect("there is room");
    file.try_clone().expect("there are descriptors")
}

struct Totals {
    entries: usize,
    bytes: u64,
}

fn look(archive: &Archive, folder: &str, totals: &mut Totals) {
    let mut found = Vec::new();
    let mut note = |name: &str, metadata| {
        found.push((name.to_owned(), metadata));
        true
    };
    assert_eq!(archive.read_dir(folder, &mut note), Ok(()), "{folder:?}");
    let mut names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    for (name, metadata) in &found {
        totals.entries += 1;
        assert!(!matches!(&**name, "" | "." | "..") && name.len() <= MAX_NAME);
        assert!(!name.contains(['/', '\\', ':']) && !name.chars().any(char::is_control));
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        assert!(path.matches('/').count() <= MAX_DEPTH, "{path:?}");
        match archive.metadata(&path) {
            Ok(same) => assert_eq!(same, *metadata),
            Err(error) => {
                assert_eq!(error, StorageError::NameTooLong, "{path:?}");
                continue;
            }
        }
        if metadata.kind == EntryKind::Directory {
            look(archive, &path, totals);
            let opened = archive.open(&path, OpenMode::READ).map(drop);
            assert_eq!(opened, Err(StorageError::IsDirectory));
        } else {
            totals.bytes += metadata.size;
            read(archive, &path, metadata.size);
        }
    }
}

fn read(archive: &Archive, path: &str, size: u64) {
    assert!(archive.open(path, OpenMode::REWRITE).is_err());
    let mut file = archive.open(path, OpenMode::READ).expect("it is listed");
    assert_eq!(archive.size(&mut file), Ok(size));
    let mut count = 0;
    let mut whole = Vec::new();
    let mut piece = |bytes: &[u8]| {
        assert!(!bytes.is_empty());
        count += bytes.len() as u64;
        if size <= SMALL {
            whole.extend_from_slice(bytes);
        }
    };
    let streamed = archive.stream(&mut file, &mut [0; 512], &mut piece);
    assert_eq!(streamed, Ok(()), "it was judged when it was opened");
    assert_eq!(count, size);
    assert_eq!(archive.read(&mut file, &mut [0; 8]), Ok(0));
    if size > SMALL {
        return;
    }
    for start in [size / 2, 0, size, size + 3] {
        assert_eq!(archive.seek(&mut file, SeekFrom::Start(start)), Ok(start));
        let mut rest = Vec::new();
        let mut buffer = [0; 7];
        loop {
            let count = archive.read(&mut file, &mut buffer).expect("as before");
            if count == 0 {
                break;
            }
            rest.extend_from_slice(&buffer[..count]);
        }
        let from = usize::try_from(start.min(size)).expect("it is small");
        assert_eq!(rest, whole[from..]);
    }
}

fuzz_target!(|bytes: &[u8]| {
    match Archive::of_file(file(bytes)) {
        Err(error) => {
            assert!(error.fault.code().starts_with("archive-"), "{error:?}");
            assert!(error.at.len() <= 2048, "a name is cut");
        }
        Ok(archive) => {
            let mut totals = Totals {
                entries: 0,
                bytes: 0,
            };
            look(&archive, "/", &mut totals);
            // A name also adds its folders.
            assert!(totals.entries <= MAX_ENTRIES);
            let length = bytes.len() as u64;
            assert!(totals.bytes <= FREE_BYTES || totals.bytes / MAX_RATIO <= length);
            assert!(bytes.starts_with(b"PK") || totals.bytes <= length);
        }
    }
});
