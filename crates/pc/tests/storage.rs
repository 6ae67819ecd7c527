// SPDX-License-Identifier: Apache-2.0
//! Promises of the port that each storage of the PC keeps, and those of each storage.

mod common;

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};

use common::{Scratch, formatted, mounted};
use ocre::port::{OpenMode, SeekFrom as From, Storage, StorageError};
use ocre_conformance::numbers::PseudoRandom;
use ocre_pc::directory::Directory;
use ocre_pc::flash::{
    Cut, FileError, Flash as _, FlashError, Geometry, OpenedFile, PowerCut, RamFlash, Tear,
};
use ocre_pc::littlefs::LittleFs;

fn geometry(block_bytes: u32, blocks: u32) -> Geometry {
    Geometry::new(block_bytes, blocks).expect("valid")
}

fn conforms<S: Storage>(storage: &S) {
    ocre_conformance::storage(storage, "/").unwrap_or_else(|failure| panic!("{failure}"));
    storage.create_dir("/inside").expect("made");
    ocre_conformance::storage(storage, "/inside").unwrap_or_else(|failure| panic!("{failure}"));
    storage.remove("/inside").expect("removed");
}

#[test]
fn littlefs_in_memory_conforms_at_every_geometry() {
    for (block_bytes, blocks) in [(128, 256), (256, 64), (512, 64), (4096, 16), (65536, 16)] {
        conforms(&mounted(formatted(geometry(block_bytes, blocks))));
    }
}

#[test]
fn littlefs_on_a_file_conforms_and_survives_a_restart() {
    let scratch = Scratch::new("file");
    let path = scratch.path().join("flash");
    let storage = LittleFs::create(&path, geometry(4096, 32)).expect("created");
    conforms(&storage);
    ocre_conformance::before_restart(&storage, "/").unwrap_or_else(|failure| panic!("{failure}"));
    drop(storage);
    let storage = LittleFs::open(&path).expect("opened");
    assert_eq!(storage.geometry(), geometry(4096, 32));
    ocre_conformance::after_restart(&storage, "/").unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn a_folder_conforms_and_survives_a_restart() {
    let scratch = Scratch::new("folder");
    let open = || Directory::open(scratch.path()).expect("it is there");
    conforms(&open());
    ocre_conformance::before_restart(&open(), "/").unwrap_or_else(|failure| panic!("{failure}"));
    ocre_conformance::after_restart(&open(), "/").unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(
        fs::read_dir(scratch.path()).unwrap().count(),
        0,
        "no temporary file stays"
    );
}

#[test]
fn what_is_cut_off_is_lost_and_what_was_synced_is_not() {
    let flash = PowerCut::new(formatted(geometry(512, 64)), None);
    let storage = mounted(flash);
    ocre_conformance::before_restart(&storage, "/").unwrap();
    let flash = storage
        .unmount()
        .ok()
        .expect("nothing is open")
        .into_flash();
    let cut = Cut {
        at: 1,
        tear: Tear::Half,
    };
    let storage = mounted(PowerCut::new(flash, Some(cut)));
    assert_eq!(storage.remove("/kept"), Err(StorageError::Io));
    assert_eq!(storage.metadata("/kept").err(), Some(StorageError::Io));
    let flash = storage
        .unmount()
        .ok()
        .expect("nothing is open")
        .into_flash();
    ocre_conformance::after_restart(&mounted(flash), "/").unwrap();
}

#[test]
fn a_file_reads_the_same_in_pieces_of_any_size_from_any_position() {
    let mut numbers = PseudoRandom(5);
    for block_bytes in [128, 256, 4096] {
        let storage = mounted(formatted(geometry(block_bytes, 512)));
        // Inline, within one block, of whole blocks, and of many.
        for length in [0, 40, 100, 2 * block_bytes - 4, 12_345, 14_000] {
            let content: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
            let mut file = storage.open("/file", OpenMode::REWRITE).expect("opened");
            storage.write(&mut file, &content).expect("written");
            storage.close(file).expect("closed");

            let mut file = storage.open("/file", OpenMode::READ).expect("opened");
            let mut position = 0;
            for _ in 0..200 {
                if numbers.below(3) == 0 {
                    position = numbers.below(content.len() + 10);
                    let sought = storage.seek(&mut file, From::Start(position as u64));
                    assert_eq!(sought, Ok(position as u64));
                }
                let most = numbers.below(3 * block_bytes as usize);
                let mut piece = vec![0; most];
                let count = storage.read(&mut file, &mut piece).expect("read");
                let rest = content.get(position..).unwrap_or_default();
                assert_eq!(count, rest.len().min(most));
                assert!(piece[..count] == rest[..count], "{length} at {position}");
                position += count;
            }
            for _ in 0..20 {
                let position = numbers.below(content.len() + 10);
                let sought = storage.seek(&mut file, From::Start(position as u64));
                assert_eq!(sought, Ok(position as u64));
                let mut streamed = Vec::new();
                storage
                    .stream(&mut file, &mut [0; 100], &mut |piece| {
                        streamed.extend_from_slice(piece);
                    })
                    .expect("streamed");
                let rest = content.get(position..).unwrap_or_default();
                assert!(streamed == rest, "{length} from {position}");
            }
            storage.close(file).expect("closed");
        }
    }
}

#[test]
fn a_file_that_is_open_for_reading_only_streams_in_whole_blocks() {
    let storage = mounted(formatted(geometry(4096, 16)));
    let mut file = storage.open("/file", OpenMode::REWRITE).expect("opened");
    storage.write(&mut file, &[7; 12_000]).expect("written");
    storage.close(file).expect("closed");
    let mut file = storage.open("/file", OpenMode::READ).expect("opened");
    let mut lengths = Vec::new();
    storage
        .stream(&mut file, &mut [0; 16], &mut |piece| {
            lengths.push(piece.len());
        })
        .expect("streamed");
    // A block begins with where earlier ones are: none, one, two.
    assert_eq!(lengths, [4096, 4096 - 4, 12_000 - 4096 - (4096 - 4)]);
}

#[test]
fn a_volume_with_an_open_file_does_not_unmount() {
    let storage = mounted(formatted(geometry(512, 16)));
    let file = storage.open("/f", OpenMode::REWRITE).expect("opened");
    let storage = storage.unmount().err().expect("a file is open");
    drop(file);
    assert!(storage.unmount().is_ok());
}

#[test]
fn threads_share_a_volume_and_its_files() {
    let storage = mounted(formatted(geometry(512, 256)));
    let shared = storage.open("/shared", OpenMode::REWRITE).expect("opened");
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let storage = storage.clone();
            scope.spawn(move || {
                let path = format!("/{thread}");
                for round in 0..20_u8 {
                    let mut file = storage.open(&path, OpenMode::REWRITE).expect("opened");
                    storage
                        .write(&mut file, &[thread ^ round; 900])
                        .expect("written");
                    storage.close(file).expect("closed");
                    let mut file = storage.open(&path, OpenMode::READ).expect("opened");
                    let mut content = [0; 900];
                    assert_eq!(storage.read(&mut file, &mut content), Ok(900));
                    assert_eq!(content, [thread ^ round; 900]);
                }
            });
        }
        // A handle goes from thread to thread.
        let storage = storage.clone();
        scope.spawn(move || {
            let mut shared = shared;
            storage.write(&mut shared, b"moved").expect("written");
            storage.close(shared).expect("closed");
        });
    });
    assert_eq!(storage.metadata("/shared").map(|found| found.size), Ok(5));
}

#[test]
fn a_full_flash_says_so_and_keeps_what_it_has() {
    let storage = mounted(formatted(geometry(512, 32)));
    let mut file = storage.open("/old", OpenMode::REWRITE).unwrap();
    storage.write(&mut file, b"old").unwrap();
    storage.close(file).unwrap();
    for path in ["/old", "/big"] {
        let mut file = storage.open(path, OpenMode::REWRITE).unwrap();
        let full = storage.write(&mut file, &[1; 64 * 1024]);
        assert_eq!(full, Err(StorageError::NoSpace));
        assert_eq!(
            storage.sync(&mut file),
            Err(StorageError::NoSpace),
            "the loss is not hidden"
        );
        assert_eq!(storage.close(file), Err(StorageError::NoSpace));
    }
    let mut content = [0; 8];
    let mut file = storage.open("/old", OpenMode::READ).unwrap();
    assert_eq!(storage.read(&mut file, &mut content), Ok(3));
    assert_eq!(storage.metadata("/big").map(|found| found.size), Ok(0));
    let space = storage.space().unwrap();
    assert!(
        space.free > space.total / 2,
        "what was not kept takes no room: {space:?}"
    );
}

// ---------------------------------------------------------------- flash files

/// A flash file with something in it.
fn flash_file(scratch: &Scratch) -> std::path::PathBuf {
    let path = scratch.path().join("flash");
    let storage = LittleFs::create(&path, geometry(512, 64)).expect("created");
    storage.create_dir("/d").expect("made");
    for name in ["/a", "/d/b", "/d/c"] {
        let mut file = storage.open(name, OpenMode::REWRITE).expect("opened");
        storage.write(&mut file, &[0x42; 1300]).expect("written");
        storage.close(file).expect("closed");
    }
    path
}

fn refusal(path: &std::path::Path) -> FileError {
    let before = fs::read(path).ok();
    let error = LittleFs::open(path).err().expect("refused");
    assert_eq!(fs::read(path).ok(), before, "a refused file is left alone");
    error
}

#[test]
fn creating_leaves_an_existing_file_alone() {
    let scratch = Scratch::new("existing");
    let path = scratch.path().join("mine");
    fs::write(&path, "mine").unwrap();
    let error = LittleFs::create(&path, geometry(512, 16))
        .err()
        .expect("refused");
    assert!(
        matches!(&error, FileError::Io(error) if error.kind() == std::io::ErrorKind::AlreadyExists)
    );
    assert_eq!(fs::read(&path).unwrap(), b"mine");
}

#[test]
fn a_flash_file_has_one_user() {
    let scratch = Scratch::new("lock");
    let path = flash_file(&scratch);
    let first = LittleFs::open(&path).expect("opened");
    assert_eq!(refusal(&path).code(), "flash-locked");
    drop(first);
    LittleFs::open(&path).expect("the lock is gone");
}

#[test]
fn what_is_synced_is_in_the_file_and_only_that() {
    for block_bytes in [512, 4096] {
        let scratch = Scratch::new("synced");
        let path = scratch.path().join("flash");
        let geometry = geometry(block_bytes, 8);
        let size = geometry.bytes() as usize;
        let old: Vec<u8> = (0..size).map(|at| (at / 7) as u8).collect();
        fs::write(&path, &old).unwrap();
        let open = || OpenedFile::open(&path).unwrap().into_flash(geometry);
        let mut flash = open().ok().expect("of its size");
        let mut new = old.clone();
        let place = |block: u32, offset: u32| (block * block_bytes + offset) as usize;
        flash.erase(3).unwrap();
        new[place(3, 0)..place(4, 0)].fill(0xff);
        flash.program(3, 16, &[1; 16]).unwrap();
        new[place(3, 16)..][..16].fill(1);
        flash.program(5, 32, &[2; 16]).unwrap();
        new[place(5, 32)..][..16].fill(2);
        assert_eq!(flash.copy().unwrap().content(), new);
        assert_eq!(fs::read(&path).unwrap(), old, "nothing is synced");
        flash.sync().unwrap();
        assert_eq!(fs::read(&path).unwrap(), new);
        // Blocks that were loaded from the file before, and others.
        for block in 0..8 {
            let mut buffer = vec![0; block_bytes as usize];
            flash.read(block, 0, &mut buffer).unwrap();
            assert_eq!(buffer, new[place(block, 0)..][..buffer.len()]);
            assert_eq!(flash.lend(block, 0, buffer.len()).unwrap(), buffer);
        }
        assert_eq!(flash.read(8, 0, &mut [0; 16]), Err(FlashError));
        assert_eq!(flash.lend(7, block_bytes - 8, 16), Err(FlashError));
        flash.erase(0).unwrap();
        drop(flash);
        assert_eq!(fs::read(&path).unwrap(), new, "that was not synced");
    }
}

#[test]
fn a_file_that_another_program_cuts_is_an_error() {
    let scratch = Scratch::new("cut");
    let path = scratch.path().join("flash");
    let geometry = geometry(4096, 64);
    fs::write(&path, vec![7; geometry.bytes() as usize]).unwrap();
    let opened = OpenedFile::open(&path).unwrap();
    let mut flash = opened.into_flash(geometry).ok().expect("of its size");
    let mut buffer = [0; 16];
    flash.read(0, 0, &mut buffer).unwrap();
    fs::write(&path, [7; 100]).unwrap();
    flash.read(0, 4000, &mut buffer).expect("it is in memory");
    assert_eq!(flash.read(63, 0, &mut buffer), Err(FlashError));
    assert_eq!(flash.lend(40, 0, 16), Err(FlashError));
    assert_eq!(flash.program(40, 0, &[1; 16]), Err(FlashError));
    assert!(flash.copy().is_err());
    drop(flash);

    let path = scratch.path().join("mounted");
    let storage = LittleFs::create(&path, geometry).unwrap();
    let mut file = storage.open("/file", OpenMode::REWRITE).unwrap();
    storage.write(&mut file, &[1; 100_000]).unwrap();
    storage.close(file).unwrap();
    drop(storage);
    let storage = LittleFs::open(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..2 * 4096]).unwrap();
    let mut file = storage.open("/file", OpenMode::READ).unwrap();
    let read = storage.stream(&mut file, &mut [0; 512], &mut |_| ());
    assert_eq!(read, Err(StorageError::Io));
    drop((file, storage));
    assert_eq!(refusal(&path).code(), "flash-size");
}

#[test]
fn more_changes_than_are_kept_back_are_in_order() {
    let scratch = Scratch::new("many");
    let path = scratch.path().join("flash");
    let geometry = geometry(512, 64);
    fs::write(&path, vec![0xff; geometry.bytes() as usize]).unwrap();
    let opened = OpenedFile::open(&path).unwrap();
    let mut flash = opened.into_flash(geometry).ok().expect("of its size");
    // Each place is far from the one before; every one comes again.
    for round in 1..=3_u8 {
        for step in 0..1024_u32 {
            let (block, offset) = (step % 64, step / 64 * 32);
            flash.program(block, offset, &[round; 16]).unwrap();
        }
    }
    flash.sync().unwrap();
    assert_eq!(fs::read(&path).unwrap(), flash.copy().unwrap().content());
    assert_eq!(fs::read(&path).unwrap()[..16], [3; 16]);
}

#[test]
fn a_flash_larger_than_what_is_kept_in_memory_is_the_same() {
    let scratch = Scratch::new("large");
    let path = scratch.path().join("flash");
    for block_bytes in [4096, 1024 * 1024] {
        let geometry = geometry(block_bytes, (16 << 20) / block_bytes);
        let mut expected: Vec<u8> = (0..16 << 20).map(|at: u32| (at / 5000) as u8).collect();
        fs::write(&path, &expected).unwrap();
        let opened = OpenedFile::open(&path).unwrap();
        let mut flash = opened.into_flash(geometry).ok().expect("of its size");
        for round in 0..2_u8 {
            for block in (0..geometry.blocks()).rev() {
                let start = (block * block_bytes) as usize;
                if block % 3 == 0 {
                    flash.erase(block).unwrap();
                    expected[start..start + block_bytes as usize].fill(0xff);
                }
                let offset = 16 * (u32::from(round) + block % 8);
                flash.program(block, offset, &[round; 16]).unwrap();
                expected[start + offset as usize..][..16].fill(round);
            }
        }
        let mut block = vec![0; block_bytes as usize];
        for number in 0..geometry.blocks() {
            flash.read(number, 0, &mut block).unwrap();
            assert!(block == expected[(number * block_bytes) as usize..][..block.len()]);
        }
        assert!(flash.copy().unwrap().content() == expected);
        flash.sync().unwrap();
        assert!(fs::read(&path).unwrap() == expected);
    }
}

#[test]
fn a_file_that_is_open_to_be_read_is_not_changed() {
    let scratch = Scratch::new("reading");
    let path = flash_file(&scratch);
    let before = fs::read(&path).unwrap();
    let storage = LittleFs::open_to_read(&path).expect("opened");
    LittleFs::open_to_read(&path).expect("by another too");
    assert_eq!(storage.create_dir("/e"), Err(StorageError::Io));
    drop(storage);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_flash_is_refused() {
    let scratch = Scratch::new("foreign");
    let path = scratch.path().join("flash");
    assert_eq!(refusal(&path).code(), "flash-io", "there is none");
    let foreign: [(&[u8], &str); 4] = [
        (b"", "flash-empty"),
        (b"\x7fELF", "flash-no-file-system"),
        (&[0xff; 65536], "flash-no-file-system"),
        (&[0; 65536], "flash-no-file-system"),
    ];
    for (content, code) in foreign {
        fs::write(&path, content).unwrap();
        assert_eq!(refusal(&path).code(), code);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(refusal(&path).code(), "flash-io", "a folder");
}

#[test]
fn a_truncated_or_extended_flash_file_is_refused() {
    let scratch = Scratch::new("truncated");
    let path = flash_file(&scratch);
    let whole = fs::read(&path).unwrap();
    for length in [1, 8, 15, 16, 40, 511, 512, 513, 600, 1024, 10_000, 32767] {
        fs::write(&path, &whole[..length]).unwrap();
        let code = refusal(&path).code();
        assert!(
            ["flash-no-file-system", "flash-size"].contains(&code),
            "{length}: {code}"
        );
        assert!(
            length < 1024 || code == "flash-size",
            "{length}: the size is what is wrong"
        );
    }
    fs::write(&path, [&whole[..], &[0xff; 512]].concat()).unwrap();
    assert_eq!(refusal(&path).code(), "flash-size");
    fs::write(&path, &whole).unwrap();
    LittleFs::open(&path).expect("whole again");
}

#[test]
fn either_superblock_is_enough() {
    let scratch = Scratch::new("superblock");
    let path = flash_file(&scratch);
    let whole = fs::read(&path).unwrap();
    let holds_superblock = |block: usize| &whole[block * 512 + 8..block * 512 + 16] == b"littlefs";
    let copies: Vec<usize> = (0..2).filter(|&block| holds_superblock(block)).collect();
    assert_eq!(copies, [0, 1], "littlefs keeps two");
    let mut opened = 0;
    for lost in [0, 1] {
        let mut damaged = whole.clone();
        damaged[lost * 512..][..512].fill(0xff);
        fs::write(&path, &damaged).unwrap();
        match LittleFs::open(&path) {
            Ok(storage) => {
                assert_eq!(storage.geometry(), geometry(512, 64));
                opened += 1;
            }
            // The other copy may be older than the root folder.
            Err(error) => assert_eq!(error.code(), "flash-damaged"),
        }
    }
    assert!(opened > 0, "the geometry is found in the second block too");
}

/// Reads everything, and writes; only a panic or a hang fails the test.
fn use_everything<S: Storage>(storage: &S, folder: &str, depth: usize) {
    let mut names = Vec::new();
    let _ = storage.read_dir(folder, &mut |name, _| {
        names.push(name.to_owned());
        names.len() < 50
    });
    for name in names {
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        if let Ok(mut file) = storage.open(&path, OpenMode::READ) {
            let mut buffer = [0; 256];
            let mut pieces = 0;
            while storage
                .read(&mut file, &mut buffer)
                .is_ok_and(|count| count > 0)
                && pieces < 100
            {
                pieces += 1;
            }
            let _ = storage.seek(&mut file, From::Start(0));
            let _ = storage.stream(&mut file, &mut buffer, &mut |_| {});
        }
        if depth > 0 {
            use_everything(storage, &path, depth - 1);
        }
        if let Ok(mut file) = storage.open(
            &path,
            OpenMode {
                read: true,
                write: true,
                ..OpenMode::default()
            },
        ) {
            let _ = storage.write(&mut file, &[7; 600]);
            let _ = storage.close(file);
        }
        let _ = storage.rename(&path, "/renamed");
        let _ = storage.remove("/renamed");
    }
    let _ = storage.create_dir("/new");
    let _ = storage.space();
}

#[test]
fn flipped_bits_are_errors_at_worst() {
    let scratch = Scratch::new("flipped");
    let path = flash_file(&scratch);
    let whole = fs::read(&path).unwrap();
    let mut numbers = PseudoRandom(0x0c2e);
    let mut mounts = 0;
    for round in 0..3000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + round % 8 {
            // Mostly where something is.
            let at = numbers.below(if round % 2 == 0 { 2048 } else { damaged.len() });
            damaged[at] ^= 1 << numbers.below(8);
        }
        let flash = RamFlash::with_content(geometry(512, 64), damaged).expect("the same size");
        if let Ok(storage) = LittleFs::mount(flash) {
            mounts += 1;
            use_everything(&storage, "/", 2);
        }
    }
    assert!(
        (300..3000).contains(&mounts),
        "some damage is fatal, some is not: {mounts}"
    );
}

#[test]
fn a_damaged_flash_file_opens_or_says_why() {
    let scratch = Scratch::new("damaged");
    let path = flash_file(&scratch);
    let whole = fs::read(&path).unwrap();
    let mut file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    let mut codes = std::collections::BTreeSet::new();
    for (at, &intact) in whole.iter().enumerate().take(1024) {
        for bit in [0, 7] {
            let mut byte = [intact ^ 1 << bit];
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&byte).unwrap();
            match LittleFs::open(&path) {
                Ok(storage) => drop(storage),
                Err(error) => {
                    codes.insert(error.code());
                }
            }
            byte[0] = intact;
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&byte).unwrap();
        }
    }
    let mut content = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut content).unwrap();
    assert!(content == whole, "opening writes nothing");
    assert!(
        codes
            .iter()
            .all(|code| ["flash-damaged", "flash-size", "flash-no-file-system"].contains(code)),
        "{codes:?}"
    );
}

// ---------------------------------------------------------------- folders

#[test]
fn a_folder_that_is_not_there_or_none_is_refused() {
    let scratch = Scratch::new("nowhere");
    let open = |path| Directory::open(path).err();
    assert_eq!(
        open(scratch.path().join("no")),
        Some(StorageError::NotFound)
    );
    fs::write(scratch.path().join("f"), "").unwrap();
    assert_eq!(
        open(scratch.path().join("f")),
        Some(StorageError::NotDirectory)
    );
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_a_folder() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new("links");
    let (inside, outside) = (
        scratch.path().join("inside"),
        scratch.path().join("outside"),
    );
    fs::create_dir(&inside).unwrap();
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "secret").unwrap();
    symlink("../outside", inside.join("folder")).unwrap();
    symlink("../outside/secret", inside.join("file")).unwrap();
    symlink("../outside/new", inside.join("dangling")).unwrap();
    let storage = Directory::open(&inside).unwrap();
    let write = OpenMode {
        write: true,
        create: true,
        ..OpenMode::default()
    };
    for path in ["/folder/secret", "/file", "/dangling", "/folder"] {
        let invalid = Some(StorageError::Invalid);
        assert_eq!(storage.open(path, OpenMode::READ).err(), invalid, "{path}");
        assert_eq!(storage.open(path, write).err(), invalid, "{path}");
        assert_eq!(storage.metadata(path).err(), invalid, "{path}");
        assert_eq!(storage.remove(path).err(), invalid, "{path}");
        assert_eq!(storage.rename(path, "/x").err(), invalid, "{path}");
        assert_eq!(
            storage.create_dir(&format!("{path}/d")).err(),
            invalid,
            "{path}"
        );
    }
    storage
        .read_dir("/", &mut |name, _| panic!("{name} is listed"))
        .unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"secret");
}
