// SPDX-License-Identifier: Apache-2.0
//! Images made by ORAS, with all uses of its `--manifest-config`, and the files of images under
//! their own names.

mod cli;

use std::fs;
use std::path::Path;

use cli::registry::Registry;
use cli::{CliFixture, guest, python};
use serde_json::Value;

const CONFIG: &str = r#"{"architecture":"wasm","os":"wasip1","layerDigests":["DIGEST"],"module":{"entryPoint":"_start"}}"#;

/// Runs a command of the Python client with the registry.
fn oras(desk: &CliFixture, registry: &Registry, script: &str) {
    let head = "import sys\nfrom oras.client import OrasClient\n\
                client = OrasClient(hostname=sys.argv[1], insecure=True)\nhost = sys.argv[1]\n";
    let mut command = python();
    command
        .args([
            "-c",
            &format!("{head}{script}"),
            &registry.address.to_string(),
        ])
        .env("DOCKER_CONFIG", desk.path("docker"))
        .current_dir(desk.path("."));
    let done = cli::done(command);
    assert_eq!(done.code, 0, "{done:?}");
}

/// A guest in `app.wasm`, and a config for it in `config.json`.
fn files(desk: &CliFixture) {
    let wasm = fs::read(guest("hello-c")).unwrap();
    let digest = ocre_oci::Sha256::of(&wasm).to_string();
    desk.write("app.wasm", wasm);
    desk.write("config.json", CONFIG.replace("DIGEST", &digest));
    desk.write("empty.json", "");
}

/// Pushes the guest with these arguments of the client, and pulls it as `name`.
fn pushed(desk: &CliFixture, registry: &Registry, name: &str, arguments: &str) {
    let push = format!(
        "client.push(target=host + '/{name}:1', files=['app.wasm:application/wasm'], {arguments})"
    );
    oras(desk, registry, &push);
    desk.ok(["image", "pull", &registry.name(&format!("{name}:1")), name]);
}

#[test]
fn a_custom_config_with_its_media_type_runs() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    files(&desk);
    let config = "manifest_config='config.json:application/vnd.wasm.config.v0+json'";
    pushed(&desk, &registry, "good", config);
    assert!(desk.ok(["run", "good"]).contains("Hello"));
    let inspected = desk.json(["image", "inspect", "good"]);
    assert_eq!(inspected["verdict"], "ok");
}

#[test]
fn any_other_config_is_kept_and_refused_at_run() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    files(&desk);
    for (name, arguments, media_type) in [
        ("default", "", "application/vnd.unknown.config.v1+json"),
        (
            "generic",
            "manifest_config='/dev/null:application/vnd.oci.image.config.v1+json'",
            "application/vnd.oci.image.config.v1+json",
        ),
        (
            "unknown",
            "manifest_config='config.json:application/vnd.my.config+json'",
            "application/vnd.my.config+json",
        ),
        (
            "empty",
            "manifest_config='empty.json:application/vnd.my.config+json'",
            "application/vnd.my.config+json",
        ),
        (
            "null",
            "manifest_config='/dev/null:application/vnd.unknown.config.v1+json'",
            "application/vnd.unknown.config.v1+json",
        ),
    ] {
        pushed(&desk, &registry, name, arguments);
        assert!(
            desk.ok(["image", "ls"]).contains(&format!("{name}:latest")),
            "{name}"
        );
        let inspected = desk.json(["image", "inspect", name]);
        assert_eq!(inspected["code"], "config-unsupported", "{name}");
        assert_eq!(inspected["at"], "manifest/config", "{name}");
        assert_eq!(inspected["layers"][0]["mediaType"], "application/wasm");
        let run = desk.ocre(["run", name]);
        assert_eq!(run.code, 1);
        let said = format!(
            "error: can't run {name}: the config's media type is not supported \
             (config-unsupported at manifest/config)\n\
             hint: pack with `ocre image pack`, or push with `--config \
             FILE:application/vnd.wasm.config.v0+json`\n"
        );
        assert_eq!(run.err, said, "{name}");
        let copied = format!("oci:{name}:x");
        desk.ok(["image", "push", name, &copied]);
        let found = config(&desk, name);
        assert_eq!(found["mediaType"], media_type, "{name}");
        let size = found["size"].as_u64().unwrap();
        match name {
            "empty" => assert_eq!(size, 0),
            "default" => assert_eq!(size, 2),
            _ => {}
        }
    }
}

#[test]
fn a_packed_image_gives_its_files_to_other_tools() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let wasm = guest("hello-c");
    desk.write("program.wasm", "a blob of that name");
    let wasm = wasm.to_str().unwrap();
    desk.ok(["aot", wasm, "--target", "x86_64", "-o", "pc.aot"]);
    for (name, code, files) in [
        ("plain", &["--wasm", wasm][..], &["program.wasm"][..]),
        ("aot", &["--aot", "pc.aot"], &["program.aot"]),
        (
            "blob",
            &["--wasm", wasm, "--blob", "program.wasm"],
            &["_program.wasm", "program.wasm"],
        ),
    ] {
        let mut pack = vec!["image", "pack", "-t", name, "-o", name];
        pack.extend(code);
        desk.ok(pack);
        desk.ok([
            "image",
            "extract",
            &format!("oci:{name}"),
            &format!("{name}.files"),
        ]);
        let remote = registry.name(&format!("{name}:1"));
        desk.ok(["image", "copy", &format!("oci:{name}"), &remote]);
        let pull = format!("client.pull(target=host + '/{name}:1', outdir='{name}.pulled')");
        oras(&desk, &registry, &pull);
        for folder in [format!("{name}.files"), format!("{name}.pulled")] {
            let entries = fs::read_dir(desk.path(&folder)).unwrap();
            let mut found: Vec<_> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            assert_eq!(found, files, "{folder}");
            let code = if name == "aot" { "pc.aot" } else { wasm };
            assert_eq!(
                fs::read(desk.path(&folder).join(files[0])).unwrap(),
                fs::read(desk.path(code)).unwrap()
            );
        }
        desk.ok(["image", "import", name]);
        assert!(desk.ok(["run", name]).contains("Hello"));
    }
}

#[test]
fn a_folder_of_oras_is_unpacked_and_noted_on_import() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    files(&desk);
    desk.write("data/one.txt", "one");
    desk.write("data/deep/er/two.txt", "two");
    fs::create_dir(desk.path("data/empty")).unwrap();
    // Its digest is that of an archive that the client makes, so that the config names none.
    let config = r#"{"architecture":"wasm","os":"ocre","module":{"entryPoint":"_start"}}"#;
    desk.write("config.json", config);
    oras(
        &desk,
        &registry,
        "client.push(target=host + '/folder:1', files=['app.wasm:application/wasm', 'data'], \
         manifest_config='config.json:application/vnd.ocre.image.config.v1+json')",
    );
    let pulled = desk.ocre(["image", "pull", &registry.name("folder:1"), "folder"]);
    assert_eq!(pulled.code, 0, "{pulled:?}");
    let note = "note: \"data\" is a folder packed by ORAS";
    assert!(pulled.err.contains(note), "{pulled:?}");
    assert!(desk.ok(["run", "folder"]).contains("Hello"));
    let out = desk.ok(["image", "extract", "folder", "out"]);
    assert!(out.contains("out/data/ (files: 2, packed in "), "{out}");
    let read = |path: &str| fs::read_to_string(desk.path("out").join(path)).unwrap();
    assert_eq!(read("data/one.txt"), "one");
    assert_eq!(read("data/deep/er/two.txt"), "two");
    assert!(desk.path("out/data/empty").is_dir());
    let mut left: Vec<_> = fs::read_dir(desk.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["app.wasm", "data"], "nothing else is there");
}

/// A layout whose only layer is a folder of these bytes, as `data`.
fn folder(desk: &CliFixture, bytes: &[u8], more: &str) {
    let digest = ocre_oci::Sha256::of(bytes);
    let size = bytes.len();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"a/b","digest":"{digest}","size":{size}}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{digest}","size":{size},"annotations":{{"org.opencontainers.image.title":"data","io.deis.oras.content.unpack":"true"{more}}}}}]}}"#
    );
    let _ = fs::remove_dir_all(desk.path("folder"));
    let _ = fs::remove_dir_all(desk.path("out"));
    desk.layout("folder", manifest.as_bytes(), &[bytes]);
}

/// A tar with one entry; its name is written as it is.
fn tar_of(name: &str, kind: tar::EntryType, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_cksum();
    archive.append(&header, content).unwrap();
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_folder_that_is_not_what_it_says_leaves_nothing() {
    let desk = CliFixture::new();
    let regular = tar::EntryType::Regular;
    let good = tar_of("data/x", regular, b"x");
    let bomb = gzip(&vec![0; 80 << 20]);
    let mut cut = gzip(&good);
    cut.truncate(cut.len() - 9);
    let wrong = format!(
        r#","io.deis.oras.content.digest":"{}""#,
        ocre_oci::Sha256::of(b"")
    );
    for (bytes, more, code) in [
        (tar_of("../x", regular, b"x"), "", "archive-path"),
        (tar_of("/x", regular, b"x"), "", "archive-path"),
        (
            tar_of("data/x", tar::EntryType::Symlink, b""),
            "",
            "archive-link",
        ),
        (gzip(b"no tar"), "", "archive-format"),
        (cut, "", "archive-format"),
        (bomb, "", "archive-bomb"),
        (gzip(&good), &*wrong, "digest-mismatch"),
    ] {
        folder(&desk, &bytes, more);
        desk.ocre(["image", "extract", "oci:folder", "out"])
            .failed(1, code);
        assert_eq!(fs::read_dir(desk.path("out")).unwrap().count(), 0, "{code}");
    }
    // A user's archive is a file.
    let unmarked = |desk: &CliFixture| {
        folder(desk, &gzip(&good), "");
        let text = fs::read_dir(desk.path("folder/blobs/sha256")).unwrap();
        let manifest = text
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .find(|bytes| bytes.starts_with(b"{"));
        let manifest = String::from_utf8(manifest.unwrap()).unwrap();
        let manifest = manifest
            .replace(r#""data""#, r#""data.tgz""#)
            .replace(r#","io.deis.oras.content.unpack":"true""#, "");
        fs::remove_dir_all(desk.path("folder")).unwrap();
        desk.layout("folder", manifest.as_bytes(), &[&gzip(&good)]);
    };
    unmarked(&desk);
    desk.ok(["image", "extract", "oci:folder", "out"]);
    assert_eq!(fs::read(desk.path("out/data.tgz")).unwrap(), gzip(&good));
    // As it is, compressed, and without the folder's own name.
    let right = format!(
        r#","io.deis.oras.content.digest":"{}""#,
        ocre_oci::Sha256::of(&good)
    );
    for (bytes, more) in [
        (good.clone(), ""),
        (gzip(&good), &*right),
        (tar_of("x", regular, b"x"), ""),
    ] {
        folder(&desk, &bytes, more);
        desk.ok(["image", "extract", "oci:folder", "out"]);
        assert_eq!(fs::read(desk.path("out/data/x")).unwrap(), b"x");
    }
}

/// The descriptor of the config, of the only manifest in a layout.
fn config(desk: &CliFixture, layout: &str) -> Value {
    let read = |path: &str| -> Value {
        serde_json::from_slice(&fs::read(desk.path(path)).unwrap()).unwrap()
    };
    let index = read(&format!("{layout}/index.json"));
    let digest = index["manifests"][0]["digest"].as_str().unwrap();
    read(&format!(
        "{layout}/blobs/sha256/{}",
        &digest["sha256:".len()..]
    ))["config"]
        .clone()
}

#[test]
fn files_and_configs_come_back_under_their_names() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    files(&desk);
    desk.write("data/notes.txt", "some notes\n");
    let digests = ["app.wasm", "data/notes.txt"]
        .map(|file| ocre_oci::Sha256::of(&fs::read(desk.path(file)).unwrap()).to_string());
    let config = CONFIG.replace("DIGEST", &digests.join(r#"",""#));
    desk.write("config.json", config);
    let title = r#"{"$config":{"org.opencontainers.image.title":"settings.json"}}"#;
    desk.write("annotations.json", title);
    oras(
        &desk,
        &registry,
        "client.push(target=host + '/named:1', files=['app.wasm:application/wasm', \
         'data/notes.txt:text/plain'], annotation_file='annotations.json', \
         manifest_config='config.json:application/vnd.wasm.config.v0+json')",
    );
    let named = registry.name("named:1");
    desk.ok(["image", "copy", &named, "oci-archive:named.tar"]);
    desk.ok(["image", "copy", &named, "oci:named"]);
    desk.ok(["image", "import", "named", "named"]);
    for (number, image) in ["named", "oci:named", "oci-archive:named.tar"]
        .iter()
        .enumerate()
    {
        let folder = format!("out{number}");
        let out = desk.ok(["image", "extract", image, &folder]);
        let size = fs::metadata(desk.path("app.wasm")).unwrap().len();
        assert!(
            out.contains(&format!("{folder}/app.wasm ({size} bytes)\n")),
            "{out}"
        );
        let same = |one: &str, other: &str| {
            assert_eq!(
                fs::read(desk.path(&folder).join(one)).unwrap(),
                fs::read(desk.path(other)).unwrap(),
                "{one}"
            );
        };
        same("app.wasm", "app.wasm");
        same("notes.txt", "data/notes.txt");
        same("settings.json", "config.json");
        let left = fs::read_dir(desk.path(&folder)).unwrap().count();
        assert_eq!(left, 3, "nothing else is there");
        desk.ocre(["image", "extract", image, &folder]).failed(
            1,
            &format!("extract-not-empty at {folder}: DIR is not empty\nhint: name a new folder"),
        );
    }
    // The other client reads an image that ours writes.
    desk.ok(["image", "push", "named", &registry.name("back:1")]);
    oras(
        &desk,
        &registry,
        "client.pull(target=host + '/back:1', outdir='theirs')",
    );
    let theirs = fs::read(desk.path("theirs/app.wasm")).unwrap();
    assert_eq!(theirs, fs::read(desk.path("app.wasm")).unwrap());
}

/// A layout whose manifest has these titles, each of a blob `x`; `None` is a blob without a title.
fn titled(desk: &CliFixture, titles: &[Option<&str>]) {
    let digest = ocre_oci::Sha256::of(b"x");
    let layers: Vec<String> = titles
        .iter()
        .map(|title| {
            let annotations = title.map_or(String::new(), |title| {
                let title = serde_json::to_string(title).unwrap();
                format!(r#","annotations":{{"org.opencontainers.image.title":{title}}}"#)
            });
            format!(r#"{{"mediaType":"text/plain","digest":"{digest}","size":1{annotations}}}"#)
        })
        .collect();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{"mediaType":"a/b","digest":"{digest}","size":1}},"layers":[{}]}}"#,
        layers.join(",")
    );
    let _ = fs::remove_dir_all(desk.path("titled"));
    desk.layout("titled", manifest.as_bytes(), &[b"x"]);
}

#[test]
fn titles_lead_nowhere_but_into_the_folder() {
    let desk = CliFixture::new();
    for (title, why) in [
        ("", "the title is empty"),
        ("/etc/x", "the title is absolute"),
        ("../x", "the title leads out of the folder"),
        ("a/../../x", "the title leads out of the folder"),
        ("..", "the title leads out of the folder"),
        ("a/./b", "the title is not a plain path"),
        ("a//b", "the title is not a plain path"),
        ("a/", "the title is not a plain path"),
        (
            "a\\b",
            "the title has a character that is not portable in file names",
        ),
        (
            "C:x",
            "the title has a character that is not portable in file names",
        ),
        (
            "a\nb",
            "the title has a character that is not portable in file names",
        ),
    ] {
        titled(&desk, &[Some("good"), Some(title)]);
        let shown = format!("{title:?}");
        let said = format!(
            "error: can't extract oci:titled: extract-title at {shown} ({why})\n\
             hint: do not trust this image; `ocre image copy` can copy the content into a layout\n"
        );
        let done = desk.ocre(["image", "extract", "oci:titled", "out"]);
        assert_eq!((done.code, done.err), (1, said));
        assert!(!desk.path("out").exists());
    }
    for titles in [["a", "a"], ["a", "a/b"], ["a/b", "a"]] {
        titled(&desk, &titles.map(Some));
        desk.ocre(["image", "extract", "oci:titled", "out"]).failed(
            1,
            &format!(
                "extract-duplicate at {:?} (two files have the same name)",
                titles[1]
            ),
        );
        assert!(!desk.path("out").exists());
    }
    titled(&desk, &[None]);
    desk.ocre(["image", "extract", "oci:titled", "out"])
        .failed(1, "extract-none (no file in the image has a title)");
    titled(&desk, &[Some("a/b"), None, Some("a/c")]);
    let out = desk.ok(["image", "extract", "oci:titled", "out"]);
    assert!(out.ends_with("skipped without a name: 2\n"), "{out}");
}

#[test]
fn what_is_not_what_its_digest_says_gets_no_name() {
    let desk = CliFixture::new();
    titled(&desk, &[Some("a")]);
    let blob = format!("titled/blobs/sha256/{}", ocre_oci::Sha256::of(b"x").hex());
    desk.write(&blob, "y");
    desk.ocre(["image", "extract", "oci:titled", "out"])
        .failed(1, "digest-mismatch at sha256:");
    assert_eq!(fs::read_dir(desk.path("out")).unwrap().count(), 0);
    desk.ocre(["image", "extract", "none", "out"])
        .failed(1, "reference-not-found");
}

#[test]
fn of_an_index_one_part_is_extracted() {
    let desk = CliFixture::new();
    let wasm = guest("hello-c");
    let wasm = wasm.to_str().unwrap();
    desk.ok(["aot", wasm, "--target", "thumbv7m", "-o", "m.aot"]);
    desk.write("notes.txt", "notes");
    let pack = [
        "image",
        "pack",
        "--wasm",
        wasm,
        "--aot",
        "m.aot",
        "--blob",
        "notes.txt",
    ];
    desk.ok(pack.iter().chain(&["-o", "layout"]));
    desk.ocre(["image", "extract", "oci:layout", "out"])
        .failed(1, "platform-none");
    let extract = [
        "image",
        "extract",
        "--platform",
        "wasip1/thumbv7m",
        "oci:layout",
        "out",
    ];
    desk.ok(extract);
    assert_eq!(fs::read(desk.path("out/notes.txt")).unwrap(), b"notes");
    assert!(!Path::new(&desk.path("out/m.aot")).exists());
}
