// SPDX-License-Identifier: Apache-2.0
//! Images in the layouts of other tools, their names on the flash, and files that are no images.

mod cli;

use std::fs;
use std::path::PathBuf;

use cli::{CliFixture, guest};
use ocre_oci::Sha256;
use serde_json::{Value, json};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";

fn hello() -> Vec<u8> {
    fs::read(guest("hello-c")).unwrap()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Sha256::of(bytes).to_string(), "size": bytes.len() })
}

/// Writes a layout whose index has these entries, with those blobs.
fn layout(desk: &CliFixture, name: &str, entries: &[Value], blobs: &[&[u8]]) -> PathBuf {
    let index = json!({ "schemaVersion": 2, "manifests": entries });
    desk.write(
        &format!("{name}/oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    );
    desk.write(&format!("{name}/index.json"), index.to_string());
    for blob in blobs {
        let digest = Sha256::of(blob);
        desk.write(&format!("{name}/blobs/sha256/{}", digest.hex()), blob);
    }
    desk.path(name)
}

/// Writes a layout with one image: its config, and one layer of code.
fn image(
    desk: &CliFixture,
    name: &str,
    config: (&str, &Value),
    layer: (&str, &[u8]),
    entry: Value,
) {
    let (config_type, config) = config;
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": descriptor(config_type, &config),
        "layers": [descriptor(layer.0, layer.1)],
    });
    let manifest = manifest.to_string().into_bytes();
    let mut described = descriptor(MANIFEST, &manifest);
    if !entry.is_null() {
        described["annotations"] = entry;
    }
    layout(desk, name, &[described], &[&config, &manifest, layer.1]);
}

/// A config of the CNCF layout: without a module.
fn cncf(code: &[u8]) -> Value {
    json!({
        "created": "2026-01-02T03:04:05Z", "author": null, "architecture": "wasm", "os": "wasip1",
        "layerDigests": [Sha256::of(code).to_string()], "component": null,
    })
}

#[test]
fn images_of_the_wasm_artifact_layout_run_with_a_warning() {
    let code = hello();
    let absent = "config-entry-point-absent";
    let alias = "layer-media-type-alias";
    let mut plain = cncf(&code);
    plain.as_object_mut().unwrap().remove("author");
    let mut whole = cncf(&code);
    whole["module"] = json!({ "entryPoint": "_start" });
    let older = "application/vnd.wasm.content.layer.v1+wasm";
    let to_oci = "application/vnd.wasm.config.v1+json";
    for (name, config_type, config, layer, warnings) in [
        (
            "wkg",
            WASM_CONFIG,
            cncf(&code),
            "application/wasm",
            &[absent][..],
        ),
        ("plain", WASM_CONFIG, plain, "application/wasm", &[absent]),
        ("content", WASM_CONFIG, whole, older, &[alias]),
        ("older", WASM_CONFIG, cncf(&code), older, &[alias, absent]),
        ("to-oci", to_oci, json!({}), older, &[alias, absent]),
    ] {
        let desk = CliFixture::new();
        image(
            &desk,
            name,
            (config_type, &config),
            (layer, &code),
            Value::Null,
        );
        let verdict = desk.json(["image", "verify", name]);
        assert_eq!(verdict["verdict"], "warnings", "{name}: {verdict}");
        assert_eq!(verdict["warnings"], json!(warnings), "{name}");
        let strict = desk.json(["image", "verify", "--strict", name]);
        assert_eq!(strict["code"], warnings[0], "{name}");
        desk.ok(["image", "import", name]);
        let run = desk.ocre(["run", name]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.out.contains("Hello"), "{run:?}");
        for warning in warnings {
            assert!(run.err.contains(&format!("warning: {warning}")), "{run:?}");
        }
    }
}

#[test]
fn without_a_start_or_with_an_empty_module_there_is_no_entry_point() {
    let desk = CliFixture::new();
    let code = wat::parse_str(r#"(module (func (export "main")))"#).unwrap();
    let mut empty = cncf(&code);
    empty["module"] = json!({});
    for (name, config) in [("absent", cncf(&code)), ("empty", empty)] {
        image(
            &desk,
            name,
            (WASM_CONFIG, &config),
            ("application/wasm", &code),
            Value::Null,
        );
        let verdict = desk.json(["image", "verify", name]);
        assert_eq!(verdict["code"], "config-entry-point", "{name}");
        desk.ocre(["image", "import", name])
            .failed(1, "config-entry-point at config");
    }
}

/// Imports a layout. Returns its name, and the digest that it has replaced.
fn imported(desk: &CliFixture, arguments: &[&str]) -> (String, Value) {
    let mut all = vec!["image", "import"];
    all.extend(arguments);
    let done = desk.json(all);
    (
        done["name"].as_str().unwrap().to_owned(),
        done["replaced"].clone(),
    )
}

#[test]
fn a_name_comes_from_the_first_of_four_places() {
    let desk = CliFixture::new();
    let code = hello();
    let reference = |name: &str| json!({ "org.opencontainers.image.ref.name": name });
    let both = json!({
        "org.opencontainers.image.ref.name": "1.0",
        "io.containerd.image.name": "docker.io/library/app:1.0",
    });
    let odd = json!({
        "org.opencontainers.image.ref.name": "2.0", "io.containerd.image.name": "No Name",
    });
    for (folder, annotations, name) in [
        ("app", Value::Null, "app:latest"),
        ("app", reference("latest"), "app:latest"),
        ("app", reference("1.0"), "app:1.0"),
        ("app", reference("other"), "app:other"),
        ("app", reference("V1"), "app:V1"),
        ("app", reference("other:2"), "other:2"),
        (
            "app",
            reference("localhost:5000/other"),
            "localhost:5000/other:latest",
        ),
        ("app", reference("r.io/x/other:3"), "r.io/x/other:3"),
        ("app", reference("not a tag"), "app:latest"),
        ("app", both, "docker.io/library/app:1.0"),
        ("app", odd, "app:2.0"),
        ("app:7", reference("1.0"), "app:1.0"),
    ] {
        let config = (WASM_CONFIG, &cncf(&code));
        let _ = fs::remove_dir_all(desk.path(folder));
        image(
            &desk,
            folder,
            config,
            ("application/wasm", &code),
            annotations.clone(),
        );
        let (found, _) = imported(&desk, &[folder]);
        assert_eq!(found, name, "{folder} {annotations}");
        assert_eq!(imported(&desk, &[folder, "given:5"]).0, "given:5");
    }
    // The selector of an image in the layout is no name for the flash.
    let config = (WASM_CONFIG, &cncf(&code));
    image(
        &desk,
        "sel",
        config,
        ("application/wasm", &code),
        reference("latest"),
    );
    assert_eq!(imported(&desk, &["sel:latest"]).0, "sel:latest");
    // A path that is no name needs one.
    image(
        &desk,
        "BIG",
        config,
        ("application/wasm", &code),
        reference("1.0"),
    );
    desk.ocre(["image", "import", "BIG"])
        .failed(1, "the image has no name");
}

/// Entries of `image ls`: names; for a previous image, the name that it was kept for.
fn listed(desk: &CliFixture) -> Vec<(Value, Value)> {
    let list = desk.json(["image", "ls"]);
    let entries = list["images"].as_array().unwrap().iter();
    let mut all: Vec<_> = entries
        .map(|entry| (entry["name"].clone(), entry["previousOf"].clone()))
        .collect();
    all.sort_by_key(|(name, previous)| format!("{name} {previous}"));
    all
}

#[test]
fn two_archives_of_one_tag_are_two_images() {
    let desk = CliFixture::new();
    let latest = json!({ "org.opencontainers.image.ref.name": "latest" });
    for (name, guest_name) in [("one", "hello-c"), ("two", "hello")] {
        let code = fs::read(guest(guest_name)).unwrap();
        let config = (WASM_CONFIG, &cncf(&code));
        image(
            &desk,
            "layout",
            config,
            ("application/wasm", &code),
            latest.clone(),
        );
        let archive = format!("{name}.tar");
        desk.ok([
            "image",
            "copy",
            "oci:layout",
            &format!("oci-archive:{archive}:latest"),
        ]);
        assert_eq!(
            imported(&desk, &[&archive]),
            (format!("{name}:latest"), Value::Null)
        );
        fs::remove_dir_all(desk.path("layout")).unwrap();
    }
    let names: Vec<_> = listed(&desk).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["one:latest", "two:latest"]);
}

#[test]
fn what_loses_its_name_is_told_and_kept_only_where_the_name_was_meant() {
    let desk = CliFixture::new();
    let mut digests = Vec::new();
    for (folder, guest_name, name) in [
        ("a/app", "hello-c", Value::Null),
        ("b/app", "hello", Value::Null),
        (
            "c/app",
            "kernel",
            json!({ "org.opencontainers.image.ref.name": "app:latest" }),
        ),
    ] {
        let code = fs::read(guest(guest_name)).unwrap();
        let config = (WASM_CONFIG, &cncf(&code));
        image(&desk, folder, config, ("application/wasm", &code), name);
        let index = fs::read_to_string(desk.path(folder).join("index.json")).unwrap();
        let index: Value = serde_json::from_str(&index).unwrap();
        digests.push(index["manifests"][0]["digest"].clone());
    }
    assert_eq!(
        imported(&desk, &["a/app"]),
        ("app:latest".to_owned(), Value::Null)
    );
    // The same again replaces nothing.
    assert_eq!(imported(&desk, &["a/app"]).1, Value::Null);
    // By chance of one name.
    assert_eq!(imported(&desk, &["b/app"]).1, digests[0]);
    assert_eq!(listed(&desk), [(json!("app:latest"), Value::Null)]);
    let text = desk.ok(["image", "import", "a/app"]);
    let replaced = digests[1].as_str().unwrap();
    assert!(
        text.contains(&format!("replaced: {replaced} (another image")),
        "{text}"
    );
    // By a whole name, and by a given one.
    assert_eq!(imported(&desk, &["c/app"]).1, digests[0]);
    let kept = [
        (json!("app:latest"), Value::Null),
        (Value::Null, json!("app:latest")),
    ];
    assert_eq!(listed(&desk), kept);
    let text = desk.ok(["image", "import", "b/app", "app"]);
    let replaced = digests[2].as_str().unwrap();
    assert!(
        text.contains(&format!("replaced: {replaced} (kept")),
        "{text}"
    );
}

#[test]
fn a_flash_file_with_two_images_of_one_name_says_so() {
    let desk = CliFixture::new();
    for (folder, guest_name) in [("a/app", "hello-c"), ("b/app", "hello")] {
        let code = fs::read(guest(guest_name)).unwrap();
        let config = (WASM_CONFIG, &cncf(&code));
        image(
            &desk,
            folder,
            config,
            ("application/wasm", &code),
            Value::Null,
        );
    }
    let create = [
        "flash", "create", "--size", "1M", "-o", "two.bin", "--image", "a/app", "--image", "b/app",
    ];
    let done = desk.ocre(create);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(
        done.err.contains("warning: app:latest was sha256:"),
        "{done:?}"
    );
}

/// Checks that `image verify`, `import` and `run` refuse a path and name the command for it.
#[track_caller]
fn refused(desk: &CliFixture, path: &str, code: &str, words: &str, command: &str) {
    let verdict = desk.json(["image", "verify", path]);
    assert_eq!(
        (&verdict["verdict"], &verdict["code"]),
        (&json!("rejected"), &json!(code))
    );
    let verify = desk.ocre(["image", "verify", path]);
    assert_eq!(verify.code, 1);
    assert!(
        verify.out.contains(words) && verify.out.contains(command),
        "{verify:?}"
    );
    let import = desk.ocre(["image", "import", path]);
    import.failed(1, code);
    assert!(
        import.err.contains(words) && import.err.contains(command),
        "{import:?}"
    );
    for make in ["run", "create"] {
        let run = desk.ocre([make, path]);
        assert_eq!(run.code, 1, "{run:?}");
        let known = ["reference-syntax", "index-empty"];
        assert!(known.iter().any(|code| run.err.contains(code)), "{run:?}");
        assert!(
            run.err.contains(words) && run.err.contains(command),
            "{run:?}"
        );
    }
}

#[test]
fn files_and_folders_that_are_no_image_are_known() {
    let desk = CliFixture::new();
    desk.write("app.wasm", hello());
    desk.write("App.wasm", hello());
    desk.write("module/app.wasm", hello());
    desk.write("component.wasm", b"\0asm\x0d\0\x01\0");
    desk.write("text.wat", ";; a module\n(module)");
    desk.write("project/Ocrefile.toml", "");
    desk.write("bundle/config.json", "{}");
    fs::create_dir(desk.path("bundle/rootfs")).unwrap();
    desk.write("saved/manifest.json", "[]");
    let wasm = guest("hello-c");
    desk.ok([
        "aot",
        wasm.to_str().unwrap(),
        "--target",
        "x86_64",
        "-o",
        "app.aot",
    ]);
    let missing = "layout-missing";
    let module = "a WebAssembly module";
    refused(&desk, "app.wasm", missing, module, "ocre wasm run app.wasm");
    refused(
        &desk,
        "./app.wasm",
        missing,
        module,
        "ocre image pack --wasm ./app.wasm",
    );
    refused(&desk, "App.wasm", missing, module, "ocre wasm run App.wasm");
    refused(
        &desk,
        "app.aot",
        missing,
        "compiled ahead of time",
        "ocre image pack --aot app.aot",
    );
    refused(
        &desk,
        "text.wat",
        missing,
        "text format",
        "wat2wasm text.wat",
    );
    refused(
        &desk,
        "component.wasm",
        "layer-component",
        "component",
        "wasm32-wasip1",
    );
    refused(
        &desk,
        "module",
        missing,
        module,
        "ocre image pack --wasm module/app.wasm",
    );
    refused(
        &desk,
        "project",
        missing,
        "a project",
        "ocre build --import project",
    );
    refused(
        &desk,
        "bundle",
        missing,
        "runtime bundle",
        "ocre run --bundle bundle",
    );
    refused(
        &desk,
        "saved",
        missing,
        "docker save",
        "skopeo copy docker-archive:",
    );
}

#[test]
fn a_layout_is_imported_before_it_runs_and_an_image_goes_before_a_file() {
    let desk = CliFixture::new();
    let code = hello();
    image(
        &desk,
        "app",
        (WASM_CONFIG, &cncf(&code)),
        ("application/wasm", &code),
        Value::Null,
    );
    for (path, code) in [("app", "index-empty"), ("./app", "reference-syntax")] {
        let run = desk.ocre(["run", path]);
        run.failed(1, code);
        assert!(
            run.err.contains(&format!("ocre image import {path}")),
            "{run:?}"
        );
    }
    image(
        &desk,
        "third",
        (WASM_CONFIG, &cncf(&code)),
        ("application/wasm", &code),
        Value::Null,
    );
    desk.ok(["image", "import", "third"]);
    desk.ocre(["run", "app"])
        .failed(1, "an OCI image layout of the PC (reference-not-found)");
    desk.ok(["image", "rm", "third"]);
    desk.ok(["image", "import", "app"]);
    assert!(desk.ok(["run", "app"]).contains("Hello"));
    // Where there is no layout of the name, `verify` takes an image of the flash too.
    let digest = desk.json(["image", "ls"])["images"][0]["digest"].clone();
    desk.ok(["image", "import", "app", "other:2"]);
    for name in ["other:2", &format!("other:2@{}", digest.as_str().unwrap())] {
        let verdict = desk.json(["image", "verify", name]);
        assert_eq!(verdict["verdict"], "warnings", "{name}: {verdict}");
    }
    assert_eq!(
        desk.json(["image", "verify", "other:3"])["code"],
        "layout-missing"
    );
    // Arguments of the guest are not changed.
    assert!(desk.ok(["run", "app", "./app"]).contains("Hello"));
}

#[test]
fn an_archive_of_docker_save_is_known() {
    let desk = CliFixture::new();
    let file = fs::File::create(desk.path("saved.tar")).unwrap();
    let mut archive = tar::Builder::new(file);
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes).unwrap();
    };
    add("0123.json", br#"{"architecture":"amd64","os":"linux"}"#);
    add("layer.tar", b"");
    // As skopeo writes it, with links to layers.
    let mut link = tar::Header::new_gnu();
    link.set_entry_type(tar::EntryType::Symlink);
    link.set_size(0);
    archive
        .append_link(&mut link, "old/layer.tar", "../layer.tar")
        .unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    archive
        .append_data(&mut header, "manifest.json", &b"[]"[..])
        .unwrap();
    archive.into_inner().unwrap();
    refused(
        &desk,
        "saved.tar",
        "layout-missing",
        "docker save",
        "skopeo copy docker-archive:",
    );
}

#[test]
fn an_image_for_linux_is_known() {
    let desk = CliFixture::new();
    let layer: &[u8] = b"\x1f\x8b";
    let words = "an image for linux/amd64, which has no WebAssembly";
    let config = json!({ "architecture": "amd64", "os": "linux", "rootfs": {} });
    let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
    image(
        &desk,
        "alpine",
        (OCI_CONFIG, &config),
        (tar, layer),
        Value::Null,
    );
    // As Docker's registry has it.
    let bytes = config.to_string().into_bytes();
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": docker,
        "config": descriptor("application/vnd.docker.container.image.v1+json", &bytes),
        "layers": [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    layout(
        &desk,
        "docker",
        &[descriptor(docker, &manifest)],
        &[&bytes, &manifest, layer],
    );
    for (name, code) in [
        ("alpine", "config-unsupported"),
        ("docker", "media-type-unsupported"),
    ] {
        let verify = desk.ocre(["image", "verify", name]);
        assert!(
            verify.out.contains(words) && verify.out.contains(code),
            "{verify:?}"
        );
        assert_eq!(desk.json(["image", "verify", name])["code"], code);
        let import = desk.ocre(["image", "import", name]);
        import.failed(1, code);
        assert!(import.err.contains(words), "{import:?}");
        assert!(import.err.contains("ocre image pack --wasm"), "{import:?}");
    }
    // An image for several machines may be kept, and is recognized too.
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(desk.path(name)).unwrap()).unwrap()
    };
    let mut entry = read("alpine/index.json")["manifests"][0].clone();
    entry["platform"] = json!({ "architecture": "amd64", "os": "linux" });
    let mut other = descriptor(MANIFEST, b"elsewhere");
    other["platform"] = json!({ "architecture": "arm64", "os": "linux" });
    let index = json!({ "schemaVersion": 2, "manifests": [entry, other] });
    desk.write("alpine/index.json", index.to_string());
    let verify = desk.ocre(["image", "verify", "alpine"]);
    assert!(
        verify.out.contains("platform-none") && verify.out.contains(words),
        "{verify:?}"
    );
}
