// SPDX-License-Identifier: Apache-2.0
//! `ocre flash check`: each planted damage is found, and mended where that loses no whole file.

mod cli;

use std::fs;
use std::path::Path;

use cli::{CliFixture, done, guest};
use ocre::container::{Name, data};
use ocre::port::{OpenMode, Storage as _};
use ocre_oci::Sha256;
use ocre_pc::flash::FileFlash;
use ocre_pc::littlefs::LittleFs;
use serde_json::Value;

const BLOCK: usize = 4096;

/// A flash with a container, its image, and another image.
fn whole() -> CliFixture {
    let desk = CliFixture::new();
    for name in ["hello-c", "knock"] {
        let mut command = desk.command(["image", "pack", "-t", name, "-o", name, "--wasm"]);
        command.arg(guest(name));
        assert_eq!(done(command).code, 0);
    }
    desk.write(
        "lines",
        "create --name greeter --restart always hello-c\nstart greeter\n",
    );
    desk.ok([
        "flash",
        "create",
        "--size=512K",
        "--image=hello-c",
        "--image=knock",
        "--containers=lines",
        "-o",
        "f",
    ]);
    desk
}

fn check(desk: &CliFixture, more: &[&str]) -> (i32, Value) {
    let words = ["--format=json", "flash", "check", "f"];
    let done = desk.ocre(words.iter().chain(more));
    (done.code, done.json())
}

/// Lists findings as `code at place`.
fn told(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|one| {
            let word = |name: &str| one[name].as_str().unwrap().to_owned();
            format!("{} at {}", word("code"), word("at"))
        })
        .collect()
}

/// Changes files in the flash.
fn change(desk: &CliFixture, change: impl FnOnce(&LittleFs<FileFlash>)) {
    change(&LittleFs::open(&desk.path("f")).unwrap());
}

fn write(storage: &LittleFs<FileFlash>, path: &str, bytes: &[u8]) {
    let mut file = storage.open(path, OpenMode::REWRITE).unwrap();
    storage.write(&mut file, bytes).unwrap();
    storage.close(file).unwrap();
}

/// Changes bytes of the flash itself.
fn bend(path: &Path, bend: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    bend(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    let mut windows = bytes.windows(what.len());
    windows
        .position(|window| window == what)
        .expect("it is there")
}

/// The path in the flash of the code of a guest.
fn code(name: &str) -> String {
    let digest = Sha256::of(&fs::read(guest(name)).unwrap());
    format!("/blobs/sha256/{}", digest.hex())
}

/// The path in the flash of an image's manifest.
fn manifest(desk: &CliFixture, name: &str) -> String {
    let index: Value =
        serde_json::from_slice(&fs::read(desk.path(name).join("index.json")).unwrap()).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap();
    format!("/blobs/sha256/{}", digest.strip_prefix("sha256:").unwrap())
}

/// Plants a damage in a whole flash, and checks its findings, and those that stay after a repair.
fn planted(plant: impl FnOnce(&CliFixture), found: &[&str], stays: &[&str]) {
    let desk = whole();
    plant(&desk);
    let before = fs::read(desk.path("f")).unwrap();
    let (code, checked) = check(&desk, &[]);
    assert_eq!(
        (code, &checked["whole"]),
        (1, &Value::Bool(false)),
        "{checked}"
    );
    assert_eq!(told(&checked["damaged"]), found, "{checked}");
    assert!(
        fs::read(desk.path("f")).unwrap() == before,
        "a check changes nothing"
    );

    let (code, repaired) = check(&desk, &["--repair"]);
    assert_eq!(told(&repaired["damaged"]), stays, "{repaired}");
    assert_eq!(code, i32::from(!stays.is_empty()));
    let mended = told(&repaired["mended"]);
    for finding in found {
        assert!(
            stays.contains(finding) != mended.iter().any(|one| one == finding),
            "{repaired}"
        );
    }
    let (code, again) = check(&desk, &[]);
    assert_eq!(told(&again["damaged"]), stays, "{again}");
    assert_eq!(code, i32::from(!stays.is_empty()));
}

#[test]
fn what_is_whole_has_no_damage() {
    let desk = whole();
    let before = fs::read(desk.path("f")).unwrap();
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
    assert_eq!(
        desk.ok(["flash", "check", "--repair", "f"]),
        "check: whole\n"
    );
    assert!(fs::read(desk.path("f")).unwrap() == before);
    // Without a store, too, and with files of the user's own.
    desk.ok(["flash", "create", "--size=64K", "-o", "g"]);
    assert_eq!(desk.ok(["flash", "check", "g"]), "check: whole\n");
    // After runs, whose ends are recorded.
    desk.ok([
        "--flash",
        "f",
        "run",
        "--name",
        "kept",
        "-v",
        "/own:/own",
        "hello-c",
    ]);
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
}

#[test]
fn a_flipped_bit_in_a_blob_is_found_and_importing_again_mends_it() {
    let desk = whole();
    let guest = fs::read(guest("hello-c")).unwrap();
    bend(&desk.path("f"), |flash| {
        let at = find(flash, &guest[100..200]);
        flash[at + 7] ^= 1;
    });
    let (exit, checked) = check(&desk, &["--repair"]);
    assert_eq!(exit, 1);
    assert_eq!(
        told(&checked["damaged"]),
        [format!("digest-mismatch at {}", code("hello-c"))]
    );
    let text = desk.ocre(["flash", "check", "f"]);
    assert_eq!(
        (text.code, &*text.out),
        (
            1,
            &*format!(
                "damaged: digest-mismatch at {}\nhint: import the image again: it writes damaged and missing \
             blobs anew\ncheck: 1 damaged\n",
                code("hello-c")
            )
        ),
    );
    desk.ok(["--flash", "f", "image", "import", "hello-c"]);
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
}

#[test]
fn a_blob_that_is_gone_or_cut_is_found() {
    let path = code("knock");
    let missing = format!("blob-missing at {path}");
    planted(
        |desk| change(desk, |fs| fs.remove(&code("knock")).unwrap()),
        &[&missing],
        &[&missing],
    );
    let cut = [
        format!("digest-mismatch at {path}"),
        format!("size-mismatch at {path}"),
    ];
    let cut = cut.each_ref().map(|one| &**one);
    planted(
        |desk| change(desk, |fs| write(fs, &code("knock"), b"\0asm")),
        &cut,
        &cut,
    );
}

#[test]
fn a_manifest_that_is_gone_is_missed_by_image_and_container() {
    let desk = whole();
    let path = manifest(&desk, "hello-c");
    let found = [
        format!("blob-missing at {path}"),
        "container-image-missing at /containers/greeter.spec".to_owned(),
    ];
    let found = found.each_ref().map(|one| &**one);
    planted(
        |desk| change(desk, |fs| fs.remove(&path).unwrap()),
        &found,
        &found,
    );
}

#[test]
fn an_index_that_is_damaged_or_gone_is_made_anew_of_the_images() {
    let found = ["index-damaged at /index.json"];
    planted(
        |desk| change(desk, |fs| write(fs, "/index.json", b"{")),
        &found,
        &[],
    );
    planted(
        |desk| change(desk, |fs| fs.remove("/index.json").unwrap()),
        &found,
        &[],
    );

    let desk = whole();
    let before = desk.json(["--flash", "f", "image", "ls"]);
    change(&desk, |fs| write(fs, "/index.json", b"\xff\xff"));
    check(&desk, &["--repair"]);
    let after = desk.json(["--flash", "f", "image", "ls"]);
    let digests = |list: &Value| {
        let mut digests: Vec<String> = list["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["digest"].as_str().unwrap().to_owned())
            .collect();
        digests.sort();
        digests
    };
    assert_eq!(digests(&after), digests(&before));
    let digest = &digests(&after)[0];
    assert_eq!(
        desk.json(["--flash", "f", "image", "inspect", digest])["verdict"],
        "ok"
    );
}

#[test]
fn a_marker_that_is_damaged_is_written_anew() {
    let found = ["layout-damaged at /oci-layout"];
    planted(
        |desk| change(desk, |fs| write(fs, "/oci-layout", b"{}")),
        &found,
        &[],
    );
    planted(
        |desk| change(desk, |fs| fs.remove("/oci-layout").unwrap()),
        &found,
        &[],
    );
}

#[test]
fn an_image_whose_documents_make_no_sense_is_found() {
    planted(
        |desk| {
            let wasm = fs::read(guest("knock")).unwrap();
            let index = format!(
                r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{}","size":{},"annotations":{{"org.opencontainers.image.ref.name":"odd:1"}}}}]}}"#,
                Sha256::of(&wasm),
                wasm.len()
            );
            change(desk, |fs| write(fs, "/index.json", index.as_bytes()));
        },
        &["image-damaged at image odd:1"],
        &["image-damaged at image odd:1"],
    );
}

#[test]
fn what_an_interrupted_write_left_is_found_and_ended() {
    let rotten = format!("/blobs/sha256/{}", Sha256::of(b"another").hex());
    planted(
        |desk| {
            change(desk, |fs| {
                write(fs, &rotten, b"otherwise");
                write(fs, "/blobs/sha256/.new", b"half");
                write(fs, "/containers/.newgreeter.state", b"");
                write(fs, "/.newindex.json", b"");
                write(fs, "/.new", b"");
            });
        },
        &[
            "file-unfinished at /containers/.newgreeter.state",
            "file-unfinished at /.new",
            "file-unfinished at /.newindex.json",
            "file-unfinished at /blobs/sha256/.new",
            &format!("digest-mismatch at {rotten}"),
        ],
        &[],
    );
}

#[test]
fn a_blob_that_nothing_uses_is_told_and_stays_until_it_is_pruned() {
    let desk = whole();
    let unused = format!("/blobs/sha256/{}", Sha256::of(b"left over").hex());
    change(&desk, |fs| write(fs, &unused, b"left over"));
    for more in [&[][..], &["--repair"]] {
        let (code, checked) = check(&desk, more);
        assert_eq!((code, &checked["whole"]), (0, &Value::Bool(true)));
        assert_eq!(told(&checked["kept"]), [format!("blob-unused at {unused}")]);
    }
    let text = desk.ok(["flash", "check", "f"]);
    assert!(
        text.starts_with(&format!("kept: blob-unused at {unused}\nhint: ")),
        "{text}"
    );
    let removed = desk.ok(["--flash", "f", "image", "prune"]);
    let digest = Sha256::of(b"left over");
    assert_eq!(
        removed,
        format!("removed {digest}\nfreed 1 blobs, 9 bytes\n")
    );
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
}

#[test]
fn images_whose_index_entry_is_gone_are_not_removed() {
    let desk = whole();
    change(&desk, |fs| {
        let empty = br#"{"schemaVersion":2,"manifests":[]}"#;
        write(fs, "/index.json", empty);
    });
    let blobs = |desk: &CliFixture| desk.ok(["flash", "ls", "f", "/blobs"]);
    let before = blobs(&desk);
    for line in [&["ps", "-a"][..], &["image", "ls"], &["info"]] {
        desk.ok(["--flash", "f"].iter().chain(line));
    }
    let (_, checked) = check(&desk, &["--repair"]);
    let kept = told(&checked["kept"]);
    assert!(
        kept.contains(&format!("blob-unused at {}", code("knock"))),
        "{kept:?}"
    );
    assert_eq!(blobs(&desk), before);
    // Importing the image again finds all of it there.
    desk.ok(["--flash", "f", "image", "import", "knock"]);
    desk.ok(["--flash", "f", "image", "import", "hello-c"]);
    assert_eq!(blobs(&desk), before);
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
}

#[test]
fn what_may_belong_to_a_damaged_image_stays() {
    let desk = whole();
    let path = manifest(&desk, "knock");
    change(&desk, |fs| write(fs, &path, b"{}"));
    check(&desk, &["--repair"]);
    let storage = LittleFs::open(&desk.path("f")).unwrap();
    assert!(storage.metadata(&code("knock")).is_ok());
}

#[test]
fn what_nobody_put_there_is_moved_and_kept() {
    planted(
        |desk| {
            change(desk, |fs| {
                write(fs, "/blobs/sha256/notes", b"mine");
                write(fs, "/containers/notes", b"too");
                write(fs, "/data/notes", b"and this");
                fs.create_dir("/blobs/sha512").unwrap();
            });
        },
        &[
            "file-stray at /containers/notes",
            "file-stray at /data/notes",
            "file-stray at /blobs/sha256/notes",
            "file-stray at /blobs/sha512",
        ],
        &[],
    );
    let desk = whole();
    change(&desk, |fs| {
        write(fs, "/blobs/sha256/notes", b"mine");
        write(fs, "/data/notes", b"and this");
    });
    check(&desk, &["--repair"]);
    desk.ok(["flash", "cp", "f:/lost+found", "found"]);
    let mut kept =
        ["notes", "notes.1"].map(|name| fs::read(desk.path("found").join(name)).unwrap());
    kept.sort();
    assert_eq!(kept, [b"and this".to_vec(), b"mine".to_vec()]);
}

#[test]
fn records_that_are_damaged_or_have_no_owner_are_found() {
    let spec = "record-damaged at /containers/greeter.spec";
    planted(
        |desk| change(desk, |fs| write(fs, "/containers/greeter.spec", b"nothing")),
        &[spec],
        &[spec],
    );
    planted(
        |desk| {
            change(desk, |fs| {
                write(fs, "/containers/greeter.state", b"nothing")
            })
        },
        &["record-damaged at /containers/greeter.state"],
        &[],
    );
}

/// Everything under a folder of the flash, by path.
fn listed(desk: &CliFixture, folder: &str) -> Vec<String> {
    let list = desk.json(["flash", "ls", "f", folder]);
    let entries = list["entries"].as_array().unwrap().clone();
    let path = |entry: &Value| entry["path"].as_str().unwrap().to_owned();
    entries.iter().map(path).collect()
}

#[test]
fn files_of_a_container_that_is_not_found_are_kept() {
    let found = [
        "record-orphan at /containers/greeter.state",
        "data-orphan at /data/greeter",
    ];
    let plant = |desk: &CliFixture| {
        change(desk, |fs| {
            write(fs, "/data/greeter/own", b"mine");
            fs.remove("/containers/greeter.spec").unwrap();
        });
    };
    planted(plant, &found, &[]);

    // A boot does the same, and says so.
    for repaired in [true, false] {
        let desk = whole();
        plant(&desk);
        if repaired {
            check(&desk, &["--repair"]);
        } else {
            let done = desk.ocre(["--flash", "f", "ps", "-a"]);
            assert_eq!(done.code, 0);
            let told = "log: /data/greeter has no container, moved to /lost+found";
            assert!(done.err.contains(told), "{}", done.err);
        }
        assert_eq!(
            listed(&desk, "/lost+found"),
            [
                "/lost+found/greeter",
                "/lost+found/greeter/own",
                "/lost+found/greeter.state"
            ]
        );
        let (code, checked) = check(&desk, &[]);
        assert_eq!(code, 0, "{checked}");
        let kept = [
            "kept at /lost+found/greeter",
            "kept at /lost+found/greeter.state",
        ];
        assert_eq!(told(&checked["kept"]), kept);
        let text = desk.ok(["flash", "check", "f"]);
        assert!(
            text.contains("/lost+found/greeter: files, as of container greeter"),
            "{text}"
        );
        assert_eq!(desk.json(["--flash", "f", "info"])["lostAndFound"], 2);
        let info = desk.ok(["--flash", "f", "info"]);
        assert!(info.contains("kept in /lost+found: 2\n"), "{info}");

        // An operator gets it back, or rid of it.
        desk.ok(["flash", "cp", "f:/lost+found/greeter/own", "back"]);
        assert_eq!(fs::read(desk.path("back")).unwrap(), b"mine");
        let flash = ["--flash", "f"];
        let rm = |words: &[&str]| desk.ocre(flash.iter().chain(words));
        rm(&["rm", "greeter"]).failed(1, "container-not-found");
        for name in ["greeter", "greeter.state"] {
            rm(&["rm", "-f", name]).failed(1, "container-not-found");
            let path = format!("/lost+found/{name}");
            rm(&["rm", &path]).failed(1, "container-not-found");
            assert_eq!(rm(&["rm", "-f", &path]).code, 0);
            rm(&["rm", "-f", &path]).failed(1, "container-not-found");
        }
        assert_eq!(listed(&desk, "/lost+found"), [""; 0]);
    }

    // As the documentation says.
    let desk = whole();
    plant(&desk);
    let flash = ["--flash", "f"];
    let device = |words: &[&str]| desk.ok(flash.iter().chain(words));
    device(&["create", "--name", "greeter", "hello-c"]);
    desk.ok(["flash", "cp", "f:/lost+found/greeter", "f:/data"]);
    for name in ["greeter", "greeter.state"] {
        device(&["rm", "-f", &format!("/lost+found/{name}")]);
    }
    desk.ok(["flash", "cp", "f:/data/greeter/own", "back"]);
    assert_eq!(fs::read(desk.path("back")).unwrap(), b"mine");
    assert_eq!(desk.ok(["flash", "check", "f"]), "check: whole\n");
}

#[test]
fn what_a_remove_has_written_down_is_ended() {
    let plant = |desk: &CliFixture| {
        change(desk, |fs| {
            write(fs, "/data/greeter/own", b"mine");
            let name = Name::parse("greeter").unwrap();
            data::mark_removal(fs, &name).unwrap();
            fs.remove("/containers/greeter.spec").unwrap();
        });
    };
    let found = [
        "removal-unfinished at /containers/greeter.state",
        "removal-unfinished at /data/greeter",
    ];
    planted(plant, &found, &[]);
    let desk = whole();
    plant(&desk);
    check(&desk, &["--repair"]);
    assert_eq!(listed(&desk, "/data"), [""; 0]);
    desk.ocre(["flash", "ls", "f", "/lost+found"])
        .failed(1, "storage-not-found");
}

#[test]
fn a_record_that_is_not_in_its_place_comes_back_with_the_files() {
    // The paths to which earlier releases wrote it, to which this one moves it, and writes it.
    for place in [
        "/containers/.new",
        "/lost+found/new",
        "/containers/.newgreeter.spec",
    ] {
        let plant = |desk: &CliFixture| {
            change(desk, |fs| {
                write(fs, "/data/greeter/own", b"mine");
                let _ = fs.create_dir("/lost+found");
                fs.rename("/containers/greeter.spec", place).unwrap();
            });
        };
        let desk = whole();
        let before = desk.json(["--flash", "f", "inspect", "greeter"]);
        plant(&desk);
        let (code, checked) = check(&desk, &["--repair"]);
        assert_eq!(code, 0, "{checked}");
        assert_eq!(desk.json(["--flash", "f", "inspect", "greeter"]), before);
        desk.ok(["flash", "cp", "f:/data/greeter/own", "back"]);
        // Also after a boot that has moved its files.
        let desk = whole();
        plant(&desk);
        desk.ok(["--flash", "f", "ps", "-a"]);
        let (code, checked) = check(&desk, &["--repair"]);
        assert_eq!(code, 0, "{checked}");
        assert_eq!(
            desk.json(["--flash", "f", "inspect", "greeter"])["image"],
            before["image"]
        );
        desk.ok(["flash", "cp", "f:/data/greeter/own", "back"]);
        assert_eq!(fs::read(desk.path("back")).unwrap(), b"mine");
    }
}

#[test]
fn a_container_without_its_folder_gets_it_back_where_it_is_kept() {
    let missing = ["data-missing at /data/greeter"];
    let remove = |desk: &CliFixture| change(desk, |fs| fs.remove("/data/greeter").unwrap());
    planted(remove, &missing, &missing);
    let desk = whole();
    remove(&desk);
    let listed = desk.ok(["--flash", "f", "ps", "-a"]);
    assert!(listed.contains("failed(start-data-missing)"), "{listed}");

    let keep = |desk: &CliFixture, to: &str| {
        change(desk, |fs| {
            write(fs, "/data/greeter/own", b"mine");
            let _ = fs.create_dir("/lost+found");
            fs.rename("/data/greeter", to).unwrap();
        });
    };
    planted(|desk| keep(desk, "/lost+found/greeter.3"), &missing, &[]);
    // Two candidates: the right one is unknown.
    let two = |desk: &CliFixture| {
        keep(desk, "/lost+found/greeter");
        change(desk, |fs| fs.create_dir("/lost+found/greeter.1").unwrap());
    };
    planted(two, &missing, &missing);
}

#[test]
fn what_is_written_anew_is_kept_as_it_was() {
    let desk = whole();
    change(&desk, |fs| {
        write(fs, "/index.json", b"{");
        write(fs, "/oci-layout", b"{}");
        write(fs, "/containers/greeter.state", b"nothing");
    });
    check(&desk, &["--repair"]);
    let kept = ["greeter.state", "index.json", "oci-layout"];
    assert_eq!(
        listed(&desk, "/lost+found"),
        kept.map(|name| format!("/lost+found/{name}"))
    );
}

/// A file of several blocks, each of one letter.
fn big(desk: &CliFixture, name: &str, letters: &[u8]) {
    let content: Vec<u8> = letters
        .iter()
        .flat_map(|letter| vec![*letter; BLOCK - 8])
        .collect();
    change(desk, |fs| write(fs, name, &content));
}

/// The block that begins, behind its pointers, with a letter.
fn block_of(flash: &[u8], letter: u8) -> usize {
    let holds = |block: &&[u8]| {
        block[BLOCK / 2..BLOCK * 3 / 4]
            .iter()
            .all(|byte| *byte == letter)
    };
    let mut blocks = flash.chunks(BLOCK);
    blocks.position(|block| holds(&block)).expect("it is there")
}

#[test]
fn a_file_whose_blocks_lead_nowhere_is_found() {
    let found = ["file-unreadable at /big", "block-outside at block 16777200"];
    let plant = |desk: &CliFixture| {
        big(desk, "/big", b"ABCD");
        bend(&desk.path("f"), |flash| {
            let at = block_of(flash, b'C') * BLOCK;
            flash[at..at + 4].copy_from_slice(&0x00ff_fff0_u32.to_le_bytes());
        });
    };
    planted(plant, &found, &found);
}

#[test]
fn a_block_in_two_files_is_found() {
    let desk = whole();
    big(&desk, "/one", b"ABC");
    big(&desk, "/two", b"XYZ");
    let mut shared = 0;
    bend(&desk.path("f"), |flash| {
        let at = block_of(flash, b'Z') * BLOCK;
        shared = block_of(flash, b'B');
        flash[at..at + 4].copy_from_slice(&(shared as u32).to_le_bytes());
    });
    let (code, checked) = check(&desk, &[]);
    assert_eq!(code, 1);
    let told = told(&checked["damaged"]);
    assert!(
        told.contains(&format!("block-shared at block {shared}")),
        "{told:?}"
    );
}

#[test]
fn a_file_system_that_does_not_mount_is_found() {
    let lost = |code: &str, plant: &dyn Fn(&mut Vec<u8>)| {
        let found = format!("{code} at /");
        planted(
            |desk| bend(&desk.path("f"), |flash| plant(flash)),
            &[&found],
            &[&found],
        );
    };
    lost("flash-empty", &|flash| flash.clear());
    lost("flash-no-file-system", &|flash| flash.fill(0xff));
    lost("flash-no-file-system", &|flash| flash[..2 * BLOCK].fill(0));
    // A folder's own two blocks.
    lost("flash-damaged", &|flash| {
        for block in flash.chunks_mut(BLOCK) {
            if block.windows(12).any(|window| window == b"greeter.spec") {
                block.fill(0);
            }
        }
    });
    // Something else follows.
    lost("flash-size", &|flash| flash.extend([0x55; BLOCK]));
}

#[test]
fn a_file_of_another_size_is_fitted_where_that_loses_nothing() {
    let cut = |desk: &CliFixture| {
        bend(&desk.path("f"), |flash| {
            let used = flash
                .chunks(BLOCK)
                .rposition(|block| block.iter().any(|byte| *byte != 0xff));
            flash.truncate((used.unwrap() + 1) * BLOCK + 100);
        })
    };
    planted(cut, &["flash-size at /"], &[]);
    let longer = |desk: &CliFixture| bend(&desk.path("f"), |flash| flash.extend([0xff; 1000]));
    planted(longer, &["flash-size at /"], &[]);
    let desk = whole();
    let before = fs::read(desk.path("f")).unwrap();
    cut(&desk);
    check(&desk, &["--repair"]);
    assert!(fs::read(desk.path("f")).unwrap() == before);
}

#[test]
fn a_file_that_can_not_be_looked_at_is_no_finding() {
    let desk = CliFixture::new();
    desk.ocre(["flash", "check", "gone"]).failed(1, "flash-io");
}
