// SPDX-License-Identifier: Apache-2.0
//! Layouts as tar and zip files: import, export, and refusals.

mod cli;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::{CliFixture, done, guest};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};
use tar::EntryType;

/// Packs a guest with data into `layout`, as `hello:1`. Returns its digest.
fn pack(desk: &CliFixture) -> String {
    desk.write("data.txt", "some data\n".repeat(1000));
    let wasm = guest("hello-c");
    let arguments = ["image", "pack", "--wasm", wasm.to_str().unwrap()];
    let more = ["--blob", "data.txt", "-o", "layout", "-t", "hello:1"];
    let packed = desk.json(arguments.iter().chain(&more));
    packed["digest"].as_str().unwrap().to_owned()
}

fn digest(desk: &CliFixture, arguments: &[&str]) -> String {
    let done = desk.json(arguments);
    done["digest"].as_str().unwrap().to_owned()
}

/// The files of the layout, by their names in it.
fn files(desk: &CliFixture) -> Vec<(String, Vec<u8>)> {
    let top = desk.path("layout");
    let mut files = vec!["index.json".to_owned(), "oci-layout".to_owned()];
    for blob in fs::read_dir(top.join("blobs/sha256")).unwrap() {
        let name = blob.unwrap().file_name().into_string().unwrap();
        files.push(format!("blobs/sha256/{name}"));
    }
    let read = |name: String| {
        let bytes = fs::read(top.join(&name)).unwrap();
        (name, bytes)
    };
    files.into_iter().map(read).collect()
}

/// A tar of the layout with more in it.
fn tar_with(
    desk: &CliFixture,
    prefix: &str,
    more: impl FnOnce(&mut tar::Builder<File>),
) -> PathBuf {
    let path = desk.path("made.tar");
    let mut tar = tar::Builder::new(File::create(&path).unwrap());
    for (name, bytes) in files(desk) {
        append(
            &mut tar,
            EntryType::Regular,
            &format!("{prefix}{name}"),
            &bytes,
        );
    }
    more(&mut tar);
    tar.into_inner().unwrap();
    path
}

/// Adds an entry whose name is not checked.
fn append(tar: &mut tar::Builder<File>, kind: EntryType, name: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

/// A zip of the layout with more in it.
fn zip_with(desk: &CliFixture, more: impl FnOnce(&mut ZipArchiveWriter<File>)) -> PathBuf {
    let path = desk.path("made.zip");
    let mut zip = ZipArchiveWriter::new(File::create(&path).unwrap());
    for (name, bytes) in files(desk) {
        store(&mut zip, &name, &bytes);
    }
    more(&mut zip);
    zip.finish().unwrap();
    path
}

/// A file that is not compressed.
fn store(zip: &mut ZipArchiveWriter<File>, name: &str, bytes: &[u8]) {
    let name = EntryPath::verbatim(name.as_bytes());
    let (mut entry, config) = zip.new_file(name).start().unwrap();
    let mut writer = config.wrap(&mut entry);
    writer.write_all(bytes).unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
}

/// Adds a deflated file with a false descriptor.
fn lie(zip: &mut ZipArchiveWriter<File>, name: &str, bytes: &[u8], said: DataDescriptorOutput) {
    let file = zip
        .new_file(name)
        .compression_method(CompressionMethod::DEFLATE);
    let (mut entry, _) = file.start().unwrap();
    let mut encoder = DeflateEncoder::new(&mut entry, Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap();
    entry.finish(said).unwrap();
}

/// Checks that each command refuses an archive with that code, and that the flash stays empty.
#[track_caller]
fn refused(desk: &CliFixture, path: &Path, words: &str) {
    let path = path.to_str().unwrap();
    let place = format!("oci-archive:{path}:hello:1");
    desk.ocre(["image", "import", path])
        .failed(1, &format!("can't import {path}: {words}"));
    desk.ocre(["image", "copy", &place, "oci:out:hello:1"])
        .failed(
            1,
            &format!("can't copy {place} to oci:out:hello:1: {words}"),
        );
    let verified = desk.ocre(["image", "verify", path]);
    assert_eq!(verified.code, 1);
    assert!(
        verified.out.starts_with(&format!("refused: {words}")),
        "{verified:?}"
    );
    assert!(
        verified.out.ends_with("verdict: rejected\n"),
        "{verified:?}"
    );
    let verdict = desk
        .ocre(["--format", "json", "image", "verify", "--all", path])
        .json();
    assert_eq!(verdict["verdict"], "rejected");
    let code = words.split(' ').next().unwrap();
    assert_eq!(
        (&verdict["code"], &verdict["findings"][0]["code"]),
        (&code.into(), &code.into())
    );
    assert!(!desk.path("out").exists());
    assert!(!desk.path("flash.bin").exists());
}

#[test]
fn an_image_goes_through_archives_as_it_was() {
    let desk = CliFixture::new();
    let packed = pack(&desk);
    for file in ["a.tar", "a.zip"] {
        let archive = format!("oci-archive:{file}:hello:1");
        let out = ["image", "copy", "oci:layout:hello:1", &archive];
        assert_eq!(digest(&desk, &out), packed);
        for named in [file.to_owned(), archive.clone(), format!("{file}@{packed}")] {
            let verdict = desk.json(["image", "verify", "--strict", &named]);
            assert_eq!(verdict["verdict"], "ok", "{named}");
        }
        assert_eq!(digest(&desk, &["image", "import", file]), packed);
        let folder = format!("oci:{file}.d:hello:1");
        assert_eq!(digest(&desk, &["image", "copy", &archive, &folder]), packed);
        let again = format!("oci-archive:again-{file}:hello:1");
        assert_eq!(digest(&desk, &["image", "copy", &folder, &again]), packed);
        let bytes = |name: &str| fs::read(desk.path(name)).unwrap();
        assert_eq!(
            bytes(file),
            bytes(&format!("again-{file}")),
            "the same image, the same file"
        );
        let flash = format!("oci-archive:flash-{file}:hello:1");
        assert_eq!(digest(&desk, &["image", "push", "hello:1", &flash]), packed);
        assert_eq!(bytes(file), bytes(&format!("flash-{file}")));
    }
    assert!(desk.ok(["run", "hello:1"]).contains("Hello"));
    // The name is the file's where the image has none.
    desk.ok([
        "image",
        "copy",
        "oci:layout:hello:1",
        "oci-archive:short.tar",
    ]);
    assert!(
        desk.ok(["image", "import", "short.tar"])
            .starts_with("imported short:latest\n")
    );
}

#[test]
fn a_file_that_is_there_is_left_alone() {
    let desk = CliFixture::new();
    pack(&desk);
    let there = desk.write("there.tar", "mine");
    desk.ocre([
        "image",
        "copy",
        "oci:layout:hello:1",
        "oci-archive:there.tar",
    ])
    .failed(
        1,
        "archive-exists at there.tar: the output file exists already\n\
         hint: name another file, or move this file away",
    );
    assert_eq!(fs::read(there).unwrap(), b"mine");
    // A failed copy leaves no files.
    let blob = fs::read_dir(desk.path("layout/blobs/sha256"))
        .unwrap()
        .next()
        .unwrap();
    fs::remove_file(blob.unwrap().path()).unwrap();
    desk.ocre(["image", "copy", "oci:layout:hello:1", "oci-archive:new.tar"])
        .failed(1, "blob-missing");
    let left: Vec<_> = fs::read_dir(desk.path(".")).unwrap().collect();
    let tars = left
        .into_iter()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        tars.filter(|name| name.contains("tar")).collect::<Vec<_>>(),
        ["there.tar"]
    );
}

#[test]
fn skopeo_reads_what_ours_writes_and_writes_what_ours_reads() {
    let desk = CliFixture::new();
    let packed = pack(&desk);
    let skopeo = |arguments: &[&str]| {
        let mut command = Command::new("skopeo");
        command.args(arguments).current_dir(desk.path("."));
        // It unpacks there.
        command.env("TMPDIR", desk.path("."));
        let done = done(command);
        assert_eq!(done.code, 0, "{done:?}");
        done.out
    };
    let copy = ["--insecure-policy", "copy", "--preserve-digests"];
    let copy = |from: &str, to: &str| skopeo(&[&copy[..], &[from, to]].concat());
    desk.ok([
        "image",
        "copy",
        "oci:layout:hello:1",
        "oci-archive:ours.tar:hello:1",
    ]);
    copy("oci-archive:ours.tar:hello:1", "oci:theirs:hello:1");
    copy("oci:theirs:hello:1", "oci-archive:theirs.tar:hello:1");
    let index = fs::read_to_string(desk.path("theirs/index.json")).unwrap();
    assert!(index.contains(&packed), "{index}");
    assert_eq!(digest(&desk, &["image", "import", "theirs.tar"]), packed);
    let back = [
        "image",
        "copy",
        "oci-archive:theirs.tar:hello:1",
        "oci:back:hello:1",
    ];
    assert_eq!(digest(&desk, &back), packed);
    assert!(desk.ok(["run", "hello:1"]).contains("Hello"));
}

#[test]
fn names_in_a_tar_may_begin_with_a_dot() {
    let desk = CliFixture::new();
    let packed = pack(&desk);
    let path = tar_with(&desk, "./", |tar| {
        append(tar, EntryType::Directory, "./", b"");
        append(
            tar,
            EntryType::XGlobalHeader,
            "pax_global_header",
            b"11 comment\n",
        );
        append(tar, EntryType::Regular, "manifest.json", b"[]");
    });
    let path = path.to_str().unwrap();
    assert_eq!(digest(&desk, &["image", "import", path]), packed);
}

#[test]
fn what_leads_out_of_a_tar_is_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    for (name, why) in [
        ("/etc/passwd", "the path is absolute"),
        ("../x", "the path leads out of the archive"),
        ("blobs/../../x", "the path leads out of the archive"),
        (
            "a\\b",
            "the path has a character that is not portable in file names",
        ),
    ] {
        let path = tar_with(&desk, "", |tar| append(tar, EntryType::Regular, name, b"x"));
        let hint = "hint: do not trust this archive: an OCI image layout has no such entry";
        let shown = name.escape_default();
        let words = format!("archive-path at {shown} ({why})\n{hint}");
        let words = if name.contains('\\') {
            words.replace("\\\\", "\\")
        } else {
            words
        };
        refused(&desk, &path, &words);
    }
    let long = "b".repeat(600);
    let path = tar_with(&desk, "", |tar| {
        append(
            tar,
            EntryType::GNULongName,
            "././@LongLink",
            long.as_bytes(),
        );
        append(tar, EntryType::Regular, "b", b"x");
    });
    refused(&desk, &path, "archive-path at bbbb");
}

#[test]
fn links_and_devices_in_a_tar_are_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    for (kind, code) in [
        (
            EntryType::Symlink,
            "archive-link at x: a symbolic or a hard link\n",
        ),
        (
            EntryType::Link,
            "archive-link at x: a symbolic or a hard link\n",
        ),
        (
            EntryType::Char,
            "archive-special at x (an entry of type '3')\n",
        ),
        (
            EntryType::Block,
            "archive-special at x (an entry of type '4')\n",
        ),
        (
            EntryType::Fifo,
            "archive-special at x (an entry of type '6')\n",
        ),
        (
            EntryType::GNUSparse,
            "archive-special at x (an entry of type 'S')\n",
        ),
    ] {
        let path = tar_with(&desk, "", |tar| append(tar, kind, "x", b""));
        refused(&desk, &path, code);
    }
}

#[test]
fn a_name_that_is_twice_in_an_archive_is_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    let path = tar_with(&desk, "", |tar| {
        append(tar, EntryType::Regular, "./index.json", b"{}")
    });
    refused(
        &desk,
        &path,
        "archive-duplicate at index.json: two entries have the same name\n",
    );
    let path = tar_with(&desk, "", |tar| {
        append(tar, EntryType::Regular, "blobs", b"{}")
    });
    refused(
        &desk,
        &path,
        "archive-duplicate at blobs: two entries have the same name\n",
    );
    let path = zip_with(&desk, |zip| store(zip, "index.json", b"{}"));
    refused(
        &desk,
        &path,
        "archive-duplicate at index.json: two entries have the same name\n",
    );
}

#[test]
fn sizes_in_an_archive_have_to_be_true() {
    let desk = CliFixture::new();
    pack(&desk);
    let zeros = vec![0; 1 << 20];
    let sum = rawzip::crc32(&zeros);
    for (crc, size, why) in [
        (sum, 10, "more than 10 bytes"),
        (sum, 2 << 20, "1048576 bytes, not 2097152"),
        (sum ^ 1, 1 << 20, "the checksum does not match"),
    ] {
        let said = DataDescriptorOutput::new(crc, size);
        let path = zip_with(&desk, |zip| lie(zip, "x", &zeros, said));
        refused(&desk, &path, &format!("archive-size at x ({why})\n"));
    }
    let path = tar_with(&desk, "", |tar| {
        append(tar, EntryType::XHeader, "x", b"12 size=123\n");
        append(tar, EntryType::Regular, "x", b"x");
    });
    refused(
        &desk,
        &path,
        "archive-size at x (the two headers give different sizes)\n",
    );
}

#[test]
fn archives_that_would_become_too_much_are_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    let zeros = vec![0; 96 << 20];
    let said = DataDescriptorOutput::new(rawzip::crc32(&zeros), zeros.len() as u64);
    let path = zip_with(&desk, |zip| lie(zip, "x", &zeros, said));
    refused(&desk, &path, "archive-bomb (");
    // A size that nothing bears out is not even tried.
    let said = DataDescriptorOutput::new(0, 1 << 50);
    let path = zip_with(&desk, |zip| lie(zip, "x", b"x", said));
    refused(&desk, &path, "archive-bomb (");
    let path = tar_with(&desk, "", |tar| {
        append(tar, EntryType::XHeader, "x", &vec![b'x'; 100 * 1024]);
    });
    refused(
        &desk,
        &path,
        "archive-bomb at x (102400 bytes that only say something of the next entry)\n",
    );
    let path = tar_with(&desk, "", |tar| {
        for count in 0..65_536 {
            append(tar, EntryType::Regular, &format!("{count}"), b"");
        }
    });
    refused(&desk, &path, "archive-entries (more than 65536)\n");
}

/// Names that each imply many folders without entries.
fn implied(count: usize) -> impl Iterator<Item = String> {
    let deep = "b/".repeat(60);
    (0..count).map(move |number| format!("{number:x}/{deep}b"))
}

#[test]
fn folders_that_names_imply_are_entries() {
    let desk = CliFixture::new();
    pack(&desk);
    let path = zip_with(&desk, |zip| {
        for name in implied(65_000) {
            store(zip, &name, b"");
        }
    });
    refused(&desk, &path, "archive-entries (more than 65536)\n");
    let path = tar_with(&desk, "", |tar| {
        for name in implied(2000) {
            append_long(tar, &name);
        }
    });
    refused(&desk, &path, "archive-entries (more than 65536)\n");
    // Of names that are not deep too.
    let path = tar_with(&desk, "", |tar| {
        for number in 0..40_000 {
            append(tar, EntryType::Regular, &format!("{number}/a"), b"");
        }
    });
    refused(&desk, &path, "archive-entries (more than 65536)\n");
}

/// A file with a long name in GNU's form.
fn append_long(tar: &mut tar::Builder<File>, name: &str) {
    append(tar, EntryType::GNULongName, "long", name.as_bytes());
    append(tar, EntryType::Regular, "short", b"");
}

#[test]
fn what_only_says_something_is_counted_and_bounded() {
    let desk = CliFixture::new();
    pack(&desk);
    let path = tar_with(&desk, "", |tar| {
        for _ in 0..65_536 {
            append(tar, EntryType::XHeader, "x", b"");
        }
    });
    refused(&desk, &path, "archive-entries (more than 65536)\n");
    // A name of four gigabytes, in a file with a hole.
    let path = tar_with(&desk, "", |tar| {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..4].copy_from_slice(b"long");
        header.set_entry_type(EntryType::GNULongName);
        header.set_size(4 << 30);
        header.set_cksum();
        tar.append(&header, std::io::empty()).unwrap();
    });
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(5 << 30)
        .unwrap();
    refused(&desk, &path, "archive-bomb at long (4294967296 bytes");
    let path = tar_with(&desk, "", |tar| {
        let deep = "b/".repeat(200) + "b";
        append_long(tar, &deep);
    });
    refused(&desk, &path, "archive-path at b/b/");
}

#[test]
fn entries_of_a_zip_share_nothing() {
    let desk = CliFixture::new();
    pack(&desk);
    let path = zip_with(&desk, |zip| {
        store(zip, "one", b"x");
        store(zip, "two", b"x");
    });
    // The second's record in the directory is led to the first's bytes.
    let mut bytes = fs::read(&path).unwrap();
    let records: Vec<usize> = (0..bytes.len() - 4)
        .filter(|at| bytes[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    let (one, two) = (records[records.len() - 2], records[records.len() - 1]);
    bytes.copy_within(one + 42..one + 46, two + 42);
    fs::write(&path, bytes).unwrap();
    refused(&desk, &path, "archive-bomb (entries overlap)\n");
}

#[test]
fn links_in_a_zip_and_names_that_lead_out_are_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    let path = zip_with(&desk, |zip| {
        let file = zip.new_file("x").unix_permissions(0o120_777);
        let (entry, _) = file.start().unwrap();
        entry.finish(DataDescriptorOutput::new(0, 0)).unwrap();
    });
    refused(
        &desk,
        &path,
        "archive-link at x: a symbolic or a hard link\n",
    );
    let path = zip_with(&desk, |zip| store(zip, "../x", b"x"));
    refused(
        &desk,
        &path,
        "archive-path at ../x (the path leads out of the archive)\n",
    );
    let path = zip_with(&desk, |zip| store(zip, "/x", b"x"));
    refused(&desk, &path, "archive-path at /x (the path is absolute)\n");
    let path = zip_with(&desk, |zip| {
        let file = zip
            .new_file("x")
            .compression_method(CompressionMethod::LZMA);
        let (entry, _) = file.start().unwrap();
        entry.finish(DataDescriptorOutput::new(0, 0)).unwrap();
    });
    refused(
        &desk,
        &path,
        "archive-special at x (the entry is compressed with ",
    );
}

#[test]
fn what_is_no_archive_or_was_cut_is_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    let hint = "hint: name a tar or zip file of an OCI image layout, or copy the file again";
    let path = desk.write("empty.tar", "");
    refused(
        &desk,
        &path,
        &format!("archive-format (the file is empty)\n{hint}"),
    );
    let path = desk.write("text.tar", "no archive\n".repeat(1000));
    refused(&desk, &path, "archive-format (");
    let path = tar_with(&desk, "", |_| {});
    let whole = fs::read(&path).unwrap();
    // In the middle of an entry.
    let largest = files(&desk)
        .iter()
        .map(|(_, bytes)| bytes.len())
        .max()
        .unwrap();
    let cut = desk.write("cut.tar", &whole[..whole.len() - 1024 - largest / 2]);
    let done = desk.ocre(["image", "import", cut.to_str().unwrap()]);
    assert_eq!(done.code, 1, "{done:?}");
    let path = zip_with(&desk, |_| {});
    let whole = fs::read(&path).unwrap();
    for length in [4, 100, whole.len() / 2, whole.len() - 1] {
        let cut = desk.write("cut.zip", &whole[..length]);
        refused(&desk, &cut, "archive-format (");
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&whole).unwrap();
    let path = desk.write("x.tar.gz", gzip.finish().unwrap());
    let said = "archive-compressed (gzip)\nhint: decompress the file first, with `gunzip`";
    refused(&desk, &path, said);
    desk.ocre(["image", "import", "/dev/null"])
        .failed(1, "layout-missing");
}

#[test]
fn an_archive_of_a_folder_above_is_no_layout() {
    let desk = CliFixture::new();
    pack(&desk);
    let path = tar_with(&desk, "layout/", |_| {});
    let done = desk.ocre(["image", "import", path.to_str().unwrap()]);
    done.failed(1, "layout-missing");
    done.failed(1, "name the top folder of an OCI image layout");
}

#[test]
fn an_archive_that_was_changed_anywhere_is_read_or_refused() {
    let desk = CliFixture::new();
    pack(&desk);
    desk.write("layout/blobs/sha256/zeros", [0; 3000]);
    let tar = fs::read(tar_with(&desk, "", |_| {})).unwrap();
    let said = DataDescriptorOutput::new(rawzip::crc32(&[7; 3000]), 3000);
    let zip = fs::read(zip_with(&desk, |zip| lie(zip, "x", &[7; 3000], said))).unwrap();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |most: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % most as u64).unwrap()
    };
    let (mut read, mut refused) = (0, 0);
    for whole in [tar, zip] {
        for _ in 0..2000 {
            let mut bytes = whole.clone();
            for _ in 0..=random(4) {
                // Headers are at the beginning of a tar, the directory is at the end of a zip.
                let from = [0, bytes.len().saturating_sub(700)][random(2)];
                let at = (from + random(700)).min(bytes.len() - 1);
                bytes[at] = [0, 1, 0x7f, 0xff, b'/', b'.'][random(6)];
            }
            bytes.truncate(bytes.len() - [0, random(700)][random(2)]);
            match ocre_tools::archive::Archive::open(&desk.write("changed", bytes)) {
                Ok(_) => read += 1,
                Err(error) => {
                    assert!(!error.fault.code().is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(
        read > 100 && refused > 100,
        "{read} read, {refused} refused"
    );
}
