// SPDX-License-Identifier: Apache-2.0
//! `ocre flash info`, `ls`, `cp` and `extract`: lists and copies of the content of a flash file.

mod cli;

use std::fs;

use cli::{CliFixture, done, guest};
use ocre::port::{OpenMode, Storage as _};
use ocre_pc::littlefs::LittleFs;
use serde_json::json;

/// A flash with an image and a container.
fn made() -> CliFixture {
    let desk = CliFixture::new();
    desk.write("data.txt", "some data");
    let mut command = desk.command([
        "image",
        "pack",
        "-t",
        "reader:2",
        "-o",
        "layout",
        "--blob",
        "data.txt=text",
        "--wasm",
    ]);
    command.arg(guest("reader"));
    assert_eq!(done(command).code, 0);
    desk.ok([
        "flash",
        "create",
        "--size=512K",
        "--block-size=8K",
        "--image=layout",
        "--container=--name calm reader:2",
        "-o",
        "f",
    ]);
    desk
}

#[test]
fn info_tells_sizes_images_and_containers_and_writes_nothing() {
    let desk = made();
    let before = fs::read(desk.path("f")).unwrap();
    let info = desk.json(["flash", "info", "f"]);
    assert_eq!(info["bytes"], 524_288);
    assert_eq!(info["block_bytes"], 8192);
    assert_eq!(info["blocks"], 64);
    assert_eq!(info["littlefs"], "2.1");
    let blocks = |name: &str| info[name].as_u64().unwrap();
    assert_eq!(blocks("used_blocks") + blocks("free_blocks"), 64);
    assert!(blocks("used_blocks") > 10);
    assert_eq!(info["images"][0]["name"], "reader:2");
    assert_eq!(info["containers"][0]["name"], "calm");

    let text = desk.ok(["flash", "info", "f"]);
    let first = format!(
        "524288 bytes in 64 blocks of 8192: {} used, {} free\nlittlefs 2.1\n",
        info["used_blocks"], info["free_blocks"]
    );
    assert!(text.starts_with(&first), "{text}");
    assert!(text.contains("reader:2") && text.contains("calm"), "{text}");
    assert!(fs::read(desk.path("f")).unwrap() == before);
    desk.ocre(["flash", "info", "gone"]).failed(1, "flash-io");
}

#[test]
fn info_works_on_a_file_that_may_only_be_read() {
    let desk = made();
    let mut permissions = fs::metadata(desk.path("f")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(desk.path("f"), permissions).unwrap();
    desk.ok(["flash", "info", "f"]);
    desk.ok(["flash", "ls", "f"]);
    desk.ok(["flash", "check", "f"]);
}

#[test]
fn ls_lists_all_that_is_in_a_folder_with_sizes() {
    let desk = made();
    desk.write("own/a", "four");
    desk.write("own/in/b", "");
    desk.ok(["flash", "cp", "own", "f:/"]);
    assert_eq!(
        desk.ok(["flash", "ls", "f", "/own"]),
        "         4 /own/a\n           /own/in/\n         0 /own/in/b\n"
    );
    assert_eq!(
        desk.json(["flash", "ls", "f", "/own"]),
        json!({ "entries": [
            { "path": "/own/a", "kind": "file", "size": 4 },
            { "path": "/own/in", "kind": "folder" },
            { "path": "/own/in/b", "kind": "file", "size": 0 },
        ] })
    );
    assert_eq!(
        desk.ok(["flash", "ls", "f", "/own/a"]),
        "         4 /own/a\n"
    );
    let all = desk.ok(["flash", "ls", "f"]);
    for path in [
        "/containers/calm.spec\n",
        "/index.json\n",
        "/data/calm/\n",
        "/own/in/b\n",
    ] {
        assert!(all.contains(path), "{path}: {all}");
    }
    desk.ocre(["flash", "ls", "f", "/none"])
        .failed(1, "storage-not-found at /none");
    desk.ocre(["flash", "ls", "f", "/../x"])
        .failed(1, "storage-invalid");
}

#[test]
fn files_and_folders_are_copied_in_out_and_within() {
    let desk = made();
    let big: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    desk.write("own/big", &big);
    desk.write("own/in/small", "s");
    let copied = desk.json(["flash", "cp", "own", "f:/new"]);
    assert_eq!(copied, json!({ "files": 2, "bytes": 100_001 }));
    // An existing folder takes a folder in; an existing file is replaced.
    desk.ok(["flash", "cp", "own/in", "f:/new"]);
    desk.write("own/in/small", "other");
    desk.ok(["flash", "cp", "own/in/small", "f:/new/in"]);
    desk.ok(["flash", "cp", "f:/new/big", "f:/again"]);
    desk.ok(["flash", "cp", "f:/new", "back"]);
    assert!(fs::read(desk.path("back/big")).unwrap() == big);
    assert_eq!(fs::read(desk.path("back/in/small")).unwrap(), b"other");
    desk.ok(["flash", "cp", "f:/again", "."]);
    assert!(fs::read(desk.path("again")).unwrap() == big);
    // Between two, and everything.
    desk.ok(["flash", "create", "--size=512K", "-o", "g"]);
    desk.ok(["flash", "cp", "f:/", "g:/"]);
    assert_eq!(desk.ok(["flash", "ls", "g"]), desk.ok(["flash", "ls", "f"]));
    assert_eq!(
        desk.ok(["--flash", "g", "run", "reader:2"]),
        "text: 9 bytes, crc32 d9c2e91e\n"
    );
    assert_eq!(desk.ok(["flash", "check", "g"]), "check: whole\n");
}

#[test]
fn a_copy_that_can_not_be_says_what_and_where() {
    let desk = made();
    desk.write("big", vec![1; 600_000]);
    desk.ocre(["flash", "cp", "big", "f:/big"])
        .failed(1, "storage-full at /big");
    desk.ocre(["flash", "cp", "f:/none", "x"])
        .failed(1, "storage-not-found at /none");
    desk.ocre(["flash", "cp", "big", "f:/no/folder"])
        .failed(1, "storage-not-found");
    desk.ocre(["flash", "cp", "big", "f:/index.json/x"])
        .failed(1, "storage-not-directory");
    desk.ocre(["flash", "cp", "f:/data", "big"])
        .failed(1, "storage-not-directory");
    desk.ocre(["flash", "cp", "big", "other"])
        .failed(1, "flash-none");
    desk.ocre(["flash", "cp", "gone:/x", "other"])
        .failed(1, "flash-io");
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
}

#[test]
fn an_image_comes_out_as_the_layout_that_it_was() {
    let desk = made();
    let digest = desk.json(["--flash", "f", "image", "ls"])["images"][0]["digest"].clone();
    let extracted = desk.json(["flash", "extract", "f", "reader:2", "out"]);
    assert_eq!(extracted["digest"], digest);
    let verified = desk.json(["image", "verify", "out:reader:2"]);
    assert_eq!(verified["verdict"], "ok");
    for blob in fs::read_dir(desk.path("layout/blobs/sha256")).unwrap() {
        let name = blob.unwrap().file_name();
        let read = |layout: &str| fs::read(desk.path(layout).join("blobs/sha256").join(&name));
        assert!(read("out").unwrap() == read("layout").unwrap());
    }
    desk.ok([
        "flash",
        "extract",
        "f",
        digest.as_str().unwrap(),
        "by-digest",
    ]);
    desk.ocre(["flash", "extract", "f", "none", "out"])
        .failed(1, "reference-not-found");
}

/// Makes `/own/LONG/t/…` in the flash, with paths that are too long to name, and beside it a file.
/// Returns the folder with these entries.
fn make_deep(desk: &CliFixture) -> String {
    let disk = LittleFs::open(&desk.path("f")).unwrap();
    let inner = "x".repeat(60);
    for folder in ["/own", "/own/s", "/own/s/t"] {
        disk.create_dir(folder).unwrap();
    }
    disk.create_dir(&format!("/own/s/t/{inner}")).unwrap();
    for path in [
        format!("/own/s/t/{inner}/in-it"),
        "/own/s/t/near".to_owned(),
        "/own/zebra".to_owned(),
    ] {
        let mut file = disk.open(&path, OpenMode::REWRITE).unwrap();
        disk.write(&mut file, b"some").unwrap();
        disk.close(file).unwrap();
    }
    let outer = format!("/own/{}", "y".repeat(110));
    disk.rename("/own/s", &outer).unwrap();
    format!("{outer}/t/{inner}")
}

#[test]
fn what_has_too_long_a_path_is_told_and_the_rest_is_listed_copied_and_checked() {
    let desk = made();
    let deep = make_deep(&desk);
    let near = deep.replace(&"x".repeat(60), "near");
    let told = format!("storage-name-too-long at {deep}");
    let listed = desk.ocre(["flash", "ls", "f"]);
    assert_eq!(listed.code, 1, "{listed:?}");
    assert!(listed.err.contains(&told), "{listed:?}");
    for line in [
        &*format!(" {near}\n"),
        " /own/zebra\n",
        " /index.json\n",
        &format!(" {deep}/\n"),
    ] {
        assert!(listed.out.contains(line), "{line} {listed:?}");
    }
    desk.ocre(["--format=json", "flash", "ls", "f", "/own"])
        .failed(1, &told);

    let copied = desk.ocre(["--format=json", "flash", "cp", "f:/own", "out"]);
    assert_eq!(copied.code, 1, "{copied:?}");
    assert!(copied.err.contains(&told), "{copied:?}");
    assert_eq!(copied.json(), json!({ "files": 2, "bytes": 8 }));
    let to = format!("out{}", near.strip_prefix("/own").unwrap());
    assert_eq!(fs::read(desk.path(&to)).unwrap(), b"some");
    assert_eq!(fs::read(desk.path("out/zebra")).unwrap(), b"some");
    desk.ok(["flash", "create", "--size=512K", "-o", "g"]);
    assert_eq!(desk.ocre(["flash", "cp", "f:/", "g:/"]).code, 1);
    assert_eq!(
        desk.ok(["--flash", "g", "run", "reader:2"]),
        "text: 9 bytes, crc32 d9c2e91e\n"
    );

    let checked = desk.ocre(["flash", "check", "f"]);
    assert_eq!(checked.code, 1, "{checked:?}");
    let found = format!("damaged: path-too-long at {deep}\n");
    assert!(checked.out.contains(&found), "{checked:?}");
    assert!(checked.out.ends_with("check: 1 damaged\n"), "{checked:?}");
    desk.ok(["flash", "extract", "f", "reader:2", "extracted"]);
    desk.ok(["--flash", "f", "rm", "calm"]);
}
