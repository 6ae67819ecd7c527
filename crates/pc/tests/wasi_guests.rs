// SPDX-License-Identifier: Apache-2.0
//! Guests that use WASI broadly, and guests that try to break out of it, in containers on a real
//! littlefs.

#[path = "common/device.rs"]
mod device;

use std::collections::BTreeMap;

use device::{RamPartition, boot, guest, write_file};
use ocre::container::state::{Cause, RunResult};
use ocre::container::{Error, Limits, Options};
use ocre::port::{EntryKind, Storage, Stream};

/// Every file of the partition that does not lie in `but`, with its content.
fn files(disk: &RamPartition, but: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = if folder.is_empty() { "/" } else { &folder };
        let mut entries = Vec::new();
        disk.read_dir(path, &mut |name, metadata| {
            entries.push((format!("{folder}/{name}"), metadata.kind));
            true
        })
        .unwrap();
        for (path, kind) in entries {
            if but.contains(&path.as_str()) {
                continue;
            }
            match kind {
                EntryKind::Directory => folders.push(path),
                EntryKind::File | EntryKind::Symlink => {
                    let bytes = device::read_file(disk, &path).unwrap();
                    found.insert(path, bytes);
                }
            }
        }
    }
    found
}

#[test]
fn the_standard_library_works_over_littlefs() {
    let bench = boot();
    bench.console.type_in("1\n21\n");
    bench.console.end_input();
    let options = Options {
        arguments: &["PLANET=Mars", "MOON="],
        environment: &["PLANET=Mars", "MOON="],
        attached: true,
        limits: Limits {
            disk_bytes: Some(256 * 1024),
            ..Limits::default()
        },
        ..Options::default()
    };
    let handle = bench.start("stdlib", &guest("stdlib"), &options);
    let ended = bench.end(handle);
    let said = bench.log(handle, Stream::Stderr);
    assert_eq!(ended, RunResult::Exited(0), "{said}");
    assert_eq!(said, "to stderr\n");
    let parts = "env: ok\nfiles: ok\nfolders: ok\nrefusals: ok\ntime: ok\nchance: ok\n";
    let streams = "2\n42\nto stdout\nstreams: ok\n";
    assert_eq!(bench.output(handle), format!("{parts}{streams}"));
    assert_eq!(
        bench.console.text(Stream::Stdout),
        format!("{parts}{streams}")
    );
    assert_eq!(bench.disk.metadata("/data/stdlib").unwrap().size, 0);
}

#[test]
fn no_path_of_any_call_leaves_a_containers_folders() {
    let bench = boot();
    bench.create("other", &guest("hello"), &Options::default());
    write_file(&bench.disk, "/data/other/secret", b"a secret");
    write_file(&bench.disk, "/index.json", b"{}");
    let code = guest("hostile");
    let handle = bench.create(
        "hostile",
        &code,
        &Options {
            arguments: &["trespass"],
            ..Options::default()
        },
    );
    let its_own = ["/data/hostile", "/containers/hostile.state"];
    let before = files(&bench.disk, &its_own);
    assert!(before.contains_key("/data/other/secret"));
    bench.device.start(handle).unwrap();
    assert_eq!(bench.end(handle), RunResult::Exited(0));
    let output = bench.output(handle);
    assert_eq!(output, "hostile: trespass\ntried: 320\nrefused: 320\n");
    assert!(files(&bench.disk, &its_own) == before);
}

#[test]
fn a_folder_that_one_may_change_is_no_others_while_it_runs() {
    let bench = boot();
    let code = guest("hostile");
    let with = |mounts| Options {
        arguments: &["sleep"],
        mounts,
        ..Options::default()
    };
    let writer = bench.create("writer", &code, &with(&["/shared:/s"]));
    let reader = bench.create("reader", &code, &with(&["/shared/in:/s:ro"]));
    let second = bench.create("second", &code, &with(&["/shared/in:/x:ro"]));
    let apart = bench.create("apart", &code, &with(&["/shared2:/s"]));
    let start = |handle| bench.device.start(handle);
    let end = |handle| {
        bench.device.kill(handle).unwrap();
        assert_eq!(bench.end(handle), RunResult::Killed(Cause::Kill));
    };
    start(writer).unwrap();
    assert_eq!(start(reader), Err(Error::MountInUse));
    assert_eq!(bench.state(reader).unwrap(), "created");
    start(apart).unwrap();
    end(writer);
    // Containers that only read do not disturb each other.
    start(reader).unwrap();
    start(second).unwrap();
    assert_eq!(start(writer), Err(Error::MountInUse));
    end(reader);
    assert_eq!(start(writer), Err(Error::MountInUse));
    end(second);
    start(writer).unwrap();
    end(writer);
    end(apart);
    // A mounted folder stays when the containers are removed.
    for handle in [writer, reader, second, apart] {
        bench.device.remove(handle, false).unwrap();
    }
    assert!(bench.disk.metadata("/shared/in").is_ok());
}

#[test]
fn a_mount_that_is_a_file_or_the_runtimes_own_is_refused() {
    let bench = boot();
    let image = bench.image(&guest("hello"));
    write_file(&bench.disk, "/file", b"");
    for (mount, error) in [
        ("/file:/a", "storage-not-directory"),
        ("/file/x:/a", "storage-not-directory"),
        ("/data/other:/a", "mount-source"),
        ("/:/a", "mount-source"),
        ("/a:/image/b", "mount-target"),
        ("/a/../b:/a", "mount-syntax"),
    ] {
        let options = Options {
            mounts: &[mount],
            ..Options::default()
        };
        let created = bench.device.create(Some("x"), &image, &options);
        assert_eq!(created.map_err(Error::code), Err(error), "{mount}");
    }
}
