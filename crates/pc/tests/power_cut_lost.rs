// SPDX-License-Identifier: Apache-2.0
//! Power cuts at every program and every erase of a boot that moves files without a container to
//! `/lost+found` and ends writes and removals, and of a removal of kept files: no file is lost,
//! and after a repetition all is as without a cut.

mod common;
#[path = "common/device.rs"]
mod device;
#[path = "common/tagged.rs"]
#[allow(dead_code)]
mod tagged;

use std::collections::BTreeMap;

use common::{formatted, mounted};
use device::{busy, write_file};
use ocre::container::{Name, Options, data};
use ocre::folders;
use ocre::image::store::Store;
use ocre::port::{EntryKind, Storage};
use ocre_conformance::images::{DOCUMENT, get};
use ocre_pc::flash::{Cut, Flash, PowerCut, RamFlash, Tear};
use tagged::{GEOMETRY, TaggedPartition, boot, create, end, import, layout, try_boot};

/// Content of every file, by path.
type FileContents = BTreeMap<String, Vec<u8>>;

fn files(storage: &TaggedPartition<RamFlash>) -> FileContents {
    // Until a rename is ended that was cut, littlefs hides another entry, too.
    storage.recover().unwrap();
    let mut files = FileContents::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let at = if folder.is_empty() { "/" } else { &folder };
        let mut inner = Vec::new();
        storage
            .read_dir(at, &mut |name, metadata| {
                inner.push((format!("{folder}/{name}"), metadata.kind));
                true
            })
            .unwrap();
        for (path, kind) in inner {
            match kind {
                EntryKind::Directory => folders.push(path),
                EntryKind::File | EntryKind::Symlink => {
                    files.insert(path.clone(), get(storage, &path));
                }
            }
        }
    }
    files
}

/// Runs `act` until the power goes.
fn cut_short<F: Fn(&TaggedPartition<PowerCut<RamFlash>>)>(
    flash: RamFlash,
    cut: Option<Cut>,
    act: &F,
) -> (RamFlash, u64) {
    let disk = mounted(PowerCut::new(flash, cut));
    act(&disk);
    let flash = disk.unmount().ok().expect("nothing is open");
    let operations = flash.operations();
    (flash.into_flash(), operations)
}

/// Cuts the power at each operation of `act`. `may_go` are the files that `act` removes.
fn sweep(
    before: &RamFlash,
    act: impl Fn(&TaggedPartition<PowerCut<RamFlash>>),
    may_go: impl Fn(&str) -> bool,
) -> FileContents {
    let (after, operations) = cut_short(before.clone(), None, &act);
    let (before_files, after_files) = (files(&mounted(before.clone())), files(&mounted(after)));
    assert!(operations > 0, "it writes");
    assert_ne!(before_files, after_files);
    let complete = |found: &FileContents, cut: &str| {
        for (path, content) in before_files.iter().filter(|(path, _)| !may_go(path)) {
            let is_there = found.values().any(|other| other == content);
            assert!(is_there, "{cut}: {path} of {:?}", found.keys());
        }
    };
    complete(&after_files, "without a cut");
    for at in 1..=operations {
        for tear in Tear::ALL {
            let cut = Cut { at, tear };
            let (flash, _) = cut_short(before.clone(), Some(cut), &act);
            complete(&files(&mounted(flash.clone())), &format!("{cut:?}"));
            // Once more, and the power goes again.
            let again = Cut {
                at: 1 + at * 7 % operations,
                tear,
            };
            let (flash, _) = cut_short(flash, Some(again), &act);
            complete(
                &files(&mounted(flash.clone())),
                &format!("{cut:?}, {again:?}"),
            );
            let (flash, _) = cut_short(flash, None, &act);
            assert_eq!(files(&mounted(flash)), after_files, "{cut:?}");
        }
    }
    println!("{operations} operations");
    after_files
}

/// Boots, and opens the store as a command does.
fn boot_and_open<F: Flash + Send + 'static>(disk: &TaggedPartition<F>) {
    if let Some(device) = try_boot(disk) {
        end(device);
    }
    let mut document = [0; DOCUMENT];
    let _ = Store::open(disk, "/", &mut document);
}

/// A flash with containers, each with different files.
fn prepared(names: &[&str], change: impl Fn(&TaggedPartition<RamFlash>)) -> RamFlash {
    let disk = mounted(formatted(GEOMETRY));
    import(&disk, &layout("app", &busy())).unwrap();
    let device = boot(&disk);
    for name in names {
        create(&device, name, &Options::default()).unwrap();
        disk.create_dir(&format!("/data/{name}/deep")).unwrap();
        for (file, length) in [("own", 10), ("deep/er", 900)] {
            let path = format!("/data/{name}/{file}");
            write_file(&disk, &path, path.repeat(length / 10).as_bytes());
        }
    }
    end(device);
    change(&disk);
    disk.unmount().ok().expect("nothing is open")
}

#[test]
fn moving_aside_what_no_container_has() {
    let before = prepared(&["lost", "stays", "gone"], |disk| {
        write_file(disk, "/containers/lost.state", b"of the lost one");
        write_file(disk, "/containers/.new", b"of an earlier release");
        for name in ["lost", "gone"] {
            disk.remove(&format!("/containers/{name}.spec")).unwrap();
        }
    });
    let after = sweep(&before, boot_and_open, |_| false);
    for path in [
        "/lost+found/lost/deep/er",
        "/lost+found/gone/own",
        "/lost+found/lost.state",
        "/containers/.new",
        "/data/stays/own",
    ] {
        assert!(after.contains_key(path), "{path}: {:?}", after.keys());
    }
}

#[test]
fn moving_aside_where_the_name_is_taken() {
    let before = prepared(&["lost"], |disk| {
        disk.create_dir("/lost+found").unwrap();
        write_file(disk, "/lost+found/lost", b"an earlier one");
        disk.remove("/containers/lost.spec").unwrap();
    });
    let after = sweep(&before, boot_and_open, |_| false);
    assert!(
        after.contains_key("/lost+found/lost.1/own"),
        "{:?}",
        after.keys()
    );
    assert_eq!(after["/lost+found/lost"], b"an earlier one");
}

#[test]
fn ending_writes_that_lack_their_rename() {
    let before = prepared(&["lost"], |disk| {
        disk.rename("/containers/lost.spec", "/containers/.newlost.spec")
            .unwrap();
        write_file(disk, "/containers/lost.state", b"older");
        write_file(disk, "/containers/.newlost.state", b"newer");
        let index = get(disk, "/index.json");
        write_file(disk, "/.newindex.json", &index);
        write_file(
            disk,
            "/index.json",
            br#"{"schemaVersion":2,"manifests":[]}"#,
        );
        write_file(disk, "/blobs/sha256/.newempty", b"");
    });
    let after = sweep(&before, boot_and_open, |path| path.ends_with("empty"));
    assert_eq!(after["/containers/lost.state"], b"newer");
    assert_eq!(after["/lost+found/lost.state"], b"older");
    assert!(after.contains_key("/data/lost/own"));
    assert!(after.contains_key("/lost+found/index.json"));
}

#[test]
fn ending_a_removal_that_is_written_down() {
    let before = prepared(&["gone", "stays"], |disk| {
        for name in ["gone", "stays"] {
            data::mark_removal(disk, &Name::parse(name).unwrap()).unwrap();
        }
        write_file(disk, "/containers/gone.state", b"of the one that goes");
        disk.remove("/containers/gone.spec").unwrap();
    });
    let may_go = |path: &str| path.contains("/gone") || path.ends_with(folders::REMOVAL);
    let after = sweep(&before, boot_and_open, may_go);
    assert!(
        !after.keys().any(|path| path.contains("gone")),
        "{:?}",
        after.keys()
    );
    assert!(!after.keys().any(|path| path.ends_with(folders::REMOVAL)));
}

#[test]
fn removing_a_container_and_what_is_kept() {
    let before = prepared(&["gone", "stays"], |_| {});
    let remove = |disk: &TaggedPartition<PowerCut<RamFlash>>| {
        if let Some(device) = try_boot(disk) {
            if let Ok(handle) = device.find("gone") {
                let _ = device.remove(handle, false);
            }
            end(device);
        }
    };
    let after = sweep(&before, remove, |path| path.contains("/gone"));
    // Removed files are not kept.
    assert!(
        !after.keys().any(|path| path.contains("gone")),
        "{:?}",
        after.keys()
    );

    let before = prepared(&["gone", "stays"], |disk| {
        disk.remove("/containers/gone.spec").unwrap();
        boot_and_open(disk);
    });
    let discard = |disk: &TaggedPartition<PowerCut<RamFlash>>| {
        if let Some(device) = try_boot(disk) {
            let _ = device.discard("/lost+found/gone");
            end(device);
        }
    };
    let after = sweep(&before, discard, |path| path.contains("/gone"));
    assert!(
        !after.keys().any(|path| path.contains("gone")),
        "{:?}",
        after.keys()
    );
}

#[test]
fn what_a_cut_leaves_of_a_temporary_container_is_removed() {
    let before = prepared(&["stays"], |_| {});
    let image = tagged::judged(&mounted(before.clone()));
    let live = |disk: &TaggedPartition<PowerCut<RamFlash>>| {
        let Some(device) = try_boot(disk) else { return };
        let options = Options {
            temporary: true,
            ..Options::default()
        };
        if let Ok(handle) = device.create(Some("passing"), &image, &options) {
            tagged::run(&device, handle);
            let _ = device.remove(handle, false);
        }
        end(device);
    };
    let whole = files(&mounted(before.clone()));
    let (_, operations) = cut_short(before.clone(), None, &live);
    for at in 1..=operations {
        for tear in Tear::ALL {
            let cut = Cut { at, tear };
            let (flash, _) = cut_short(before.clone(), Some(cut), &live);
            let (flash, _) = cut_short(flash, None, &boot_and_open);
            assert_eq!(files(&mounted(flash)), whole, "{cut:?}");
        }
    }
}
