// SPDX-License-Identifier: Apache-2.0
//! Signatures that travel with their images: between layouts, archives, registries, other tools and
//! flash files.

mod cli;

use std::fs;
use std::process::Command;

use cli::registry::Registry;
use cli::signature::{
    INDEX, MANIFEST, NOTARY, SIGSTORE, add_entry, blob, blob_path, index, referrer, sign,
};
use cli::{CliFixture, guest, python};
use ocre::port::Storage as _;
use ocre_pc::littlefs::LittleFs;
use serde_json::{Value, json};

/// Packs a guest as `hello:1` of `layout`. Returns its digest.
fn pack(desk: &CliFixture) -> String {
    let wasm = guest("hello-c");
    let wasm = wasm.to_str().unwrap();
    digest(
        desk,
        &[
            "image", "pack", "--wasm", wasm, "-o", "layout", "-t", "hello:1",
        ],
    )
}

#[track_caller]
fn digest(desk: &CliFixture, arguments: &[&str]) -> String {
    desk.json(arguments)["digest"].as_str().unwrap().to_owned()
}

/// Signatures of an image on the flash.
#[track_caller]
fn signatures(desk: &CliFixture, image: &str) -> Vec<String> {
    let inspected: Value = serde_json::from_str(&desk.ok(["image", "inspect", image])).unwrap();
    let signatures = inspected["signatures"].as_array().unwrap();
    let text = |digest: &Value| digest.as_str().unwrap().to_owned();
    signatures.iter().map(text).collect()
}

/// Digests and types of the entries of a layout's index that have a type.
fn typed_entries(desk: &CliFixture, layout: &str) -> Vec<(String, String)> {
    let index = index(&desk.path(layout));
    let entries = index["manifests"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let typed = entries
        .iter()
        .filter(|entry| entry["artifactType"].is_string());
    typed
        .map(|entry| (text(&entry["digest"]), text(&entry["artifactType"])))
        .collect()
}

/// Number of the images that `image ls` shows.
fn listed(desk: &CliFixture) -> usize {
    let list = desk.json(["image", "ls"]);
    list["images"].as_array().unwrap().len()
}

/// Copies with skopeo. Older ones write a list of referrers anew, without `artifactType`.
fn skopeo_copy(desk: &CliFixture, from: &str, to: &str) {
    let mut command = Command::new("skopeo");
    command
        .args(["--insecure-policy", "copy", "--all"])
        .args(["--src-tls-verify=false", "--dest-tls-verify=false"])
        .args([from, to])
        .current_dir(desk.path("."))
        .env("TMPDIR", desk.path("."))
        .env("HOME", desk.path("."));
    let done = cli::done(command);
    assert_eq!(done.code, 0, "skopeo copy {from} {to}: {done:?}");
}

#[test]
fn a_signature_goes_the_whole_way() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let image = pack(&desk);
    let signature = sign(&desk, "layout", &image, NOTARY);
    let (ours, theirs) = (registry.name("ours:1"), registry.name("theirs:1"));

    // To a registry without the API for referrers, and with another tool to another repository.
    let copied = desk.ok(["image", "copy", "oci:layout:hello:1", &ours]);
    assert!(copied.ends_with("referrers: 1\n"), "{copied}");
    let list = format!("sha256-{}", &image[7..]);
    let at = |name: &str| format!("docker://{}", registry.name(name));
    skopeo_copy(&desk, &at("ours:1"), "oci:skopeo:hello:1");
    let listed_at = format!("oci:skopeo:{list}");
    skopeo_copy(&desk, &at(&format!("ours:{list}")), &listed_at);
    skopeo_copy(&desk, "oci:skopeo:hello:1", &at("theirs:1"));
    skopeo_copy(&desk, &listed_at, &at(&format!("theirs:{list}")));

    // Onto the flash, back into a registry, and into a layout.
    assert_eq!(digest(&desk, &["image", "pull", &theirs]), image);
    assert_eq!(signatures(&desk, &theirs), [&*signature]);
    assert_eq!(listed(&desk), 1);
    let again = registry.name("again:1");
    let pushed = desk.ok(["image", "push", &theirs, &again]);
    assert!(pushed.ends_with("referrers: 1\n"), "{pushed}");
    desk.ok(["image", "copy", &again, "oci:back:hello:1"]);
    let expected = [(signature.clone(), NOTARY.to_owned())];
    assert_eq!(typed_entries(&desk, "back"), expected);
    for layout in ["layout", "back"] {
        let path = desk.path(&blob_path(layout, &signature));
        let manifest: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let envelope = manifest["layers"][0]["digest"].as_str().unwrap();
        let envelope = fs::read_to_string(desk.path(&blob_path(layout, envelope))).unwrap();
        assert!(envelope.starts_with("envelope of sha256:"), "{envelope}");
    }

    // From the layout that skopeo made, where the signature is in a list.
    desk.ok(["image", "import", "skopeo:hello:1", "listed"]);
    assert_eq!(signatures(&desk, "listed"), [&*signature]);
    desk.ok([
        "image",
        "copy",
        "oci:skopeo:hello:1",
        "oci:from-list:hello:1",
    ]);
    assert_eq!(typed_entries(&desk, "from-list"), expected);
    // A layout of one image and its signatures needs no name.
    desk.ok(["image", "import", "skopeo", "nameless"]);
    desk.ok(["image", "import", "back", "nameless"]);
    desk.ok(["image", "verify", "back"]);
    desk.ok(["image", "copy", "oci:back", "oci-archive:back.tar:hello:1"]);
    desk.ok(["image", "import", "back.tar", "archived"]);
    assert_eq!(signatures(&desk, "archived"), [signature]);
    desk.ok(["run", "nameless"]);
}

#[test]
fn a_signature_of_another_client_comes_with_the_image() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let image = pack(&desk);
    let name = registry.name("hello:1");
    desk.ok(["image", "copy", "oci:layout:hello:1", &name]);
    desk.write("envelope.cose", "an envelope");
    desk.write("empty.json", "{}");
    let size = fs::metadata(desk.path(&blob_path("layout", &image)))
        .unwrap()
        .len();
    // The client knows no list of referrers.
    let script = format!(
        "import sys, hashlib\n\
         from oras.client import OrasClient\n\
         from oras.oci import Subject\n\
         client = OrasClient(hostname=sys.argv[1], insecure=True)\n\
         pushed = client.push(target=sys.argv[1] + '/hello:signed', \
             files=['envelope.cose:application/cose'], \
             manifest_config='empty.json:{NOTARY}', \
             subject=Subject('{MANIFEST}', '{image}', {size}))\n\
         body = pushed.request.body\n\
         entry = {{'mediaType': '{MANIFEST}', 'size': len(body), \
             'digest': 'sha256:' + hashlib.sha256(body).hexdigest()}}\n\
         index = {{'schemaVersion': 2, 'mediaType': '{INDEX}', 'manifests': [entry]}}\n\
         url = 'http://' + sys.argv[1] + '/v2/hello/manifests/{list}'\n\
         remote = getattr(client, 'remote', client)\n\
         remote.do_request(url, 'PUT', headers={{'Content-Type': '{INDEX}'}}, json=index)\n\
         print(entry['digest'])\n",
        list = image.replace(':', "-"),
    );
    let mut command = python();
    command
        .args(["-c", &script, &registry.address.to_string()])
        .env("DOCKER_CONFIG", desk.path("docker"))
        .current_dir(desk.path("."));
    let done = cli::done(command);
    assert_eq!(done.code, 0, "{done:?}");
    let signature = done.out.lines().last().unwrap().to_owned();
    desk.ok(["image", "pull", &name, "pulled"]);
    assert_eq!(signatures(&desk, "pulled"), [&*signature]);
    desk.ok(["image", "push", "pulled", "oci:back:hello:1"]);
    assert_eq!(
        typed_entries(&desk, "back"),
        [(signature, NOTARY.to_owned())]
    );
}

#[test]
fn other_referrers_come_when_they_are_asked_for() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let image = pack(&desk);
    let signature = sign(&desk, "layout", &image, SIGSTORE);
    let parts_list = sign(&desk, "layout", &image, "application/vnd.cyclonedx+json");
    sign(&desk, "layout", &signature, NOTARY);
    let name = registry.name("hello:1");
    let copied = desk.json(["image", "copy", "--referrers", "oci:layout:hello:1", &name]);
    assert_eq!(copied["referrers"], 3);
    let copied = desk.json(["image", "copy", &name, "oci:signed:hello:1"]);
    assert_eq!(copied["referrers"], 1);
    assert_eq!(
        typed_entries(&desk, "signed"),
        [(signature.clone(), SIGSTORE.to_owned())]
    );
    assert!(!desk.path(&blob_path("signed", &parts_list)).exists());
    desk.ok(["image", "pull", &name, "pulled"]);
    assert_eq!(signatures(&desk, "pulled"), [signature]);
}

#[test]
fn a_signature_lives_as_long_as_its_image() {
    let desk = CliFixture::new();
    let image = pack(&desk);
    desk.ok(["image", "import", "layout", "hello"]);
    assert_eq!(signatures(&desk, "hello"), [""; 0]);
    let one = sign(&desk, "layout", &image, NOTARY);
    let two = sign(&desk, "layout", &image, SIGSTORE);
    for _ in 0..2 {
        desk.ok(["image", "import", "layout", "hello"]);
        assert_eq!(signatures(&desk, "hello"), [&*one, &*two]);
    }
    assert_eq!(listed(&desk), 1);
    assert_eq!(desk.ok(["image", "ls"]).lines().count(), 2, "a head, a row");
    desk.ok(["image", "rm", &two]);
    assert_eq!(signatures(&desk, "hello"), [&*one]);
    let blobs = || fs::read_dir(desk.path("out/blobs/sha256")).unwrap().count();
    desk.ok(["flash", "extract", "flash.bin", "hello", "out"]);
    assert_eq!(typed_entries(&desk, "out"), [(one, NOTARY.to_owned())]);
    assert_eq!(blobs(), 3 + 3);
    assert!(
        desk.ok(["image", "rm", "hello"])
            .starts_with("freed 6 blobs")
    );
    assert!(desk.ok(["image", "prune"]).starts_with("freed 0 blobs"));
    desk.ok(["flash", "check", "flash.bin"]);
}

#[test]
fn a_new_flash_file_has_the_signatures_and_a_repaired_one_too() {
    let desk = CliFixture::new();
    let image = pack(&desk);
    let signature = sign(&desk, "layout", &image, NOTARY);
    let create = "flash create --size 1M --image layout -o flash.bin";
    desk.ok(create.split(' '));
    assert_eq!(signatures(&desk, "hello:1"), [&*signature]);
    let partition = LittleFs::open(&desk.path("flash.bin")).unwrap();
    partition.remove("/index.json").unwrap();
    drop(partition);
    desk.ocre(["flash", "check", "--repair", "flash.bin"]);
    assert_eq!(listed(&desk), 1);
    assert_eq!(signatures(&desk, &image), [signature]);
}

#[test]
fn a_damaged_signature_is_refused_before_the_image_has_its_name() {
    let desk = CliFixture::new();
    let image = pack(&desk);
    let mut entry = referrer(&desk, "layout", &image, NOTARY);
    let digest = entry["digest"].as_str().unwrap().to_owned();
    entry["annotations"] = json!({ "io.cncf.notary.x509chain.thumbprint#S256": "[]" });
    add_entry(&desk, "layout", entry);
    let path = blob_path("layout", &digest);
    let whole = fs::read_to_string(desk.path(&path)).unwrap();
    desk.write(&path, whole.replace("schemaVersion", "SchemaVersion"));
    let refused = desk.ocre(["image", "import", "layout"]);
    refused.failed(1, "digest-mismatch");
    let refused = desk.ocre(["image", "copy", "oci:layout", "oci:copy:1"]);
    refused.failed(1, "digest-mismatch");
    assert_eq!(listed(&desk), 0);
    desk.write(&path, whole);
    desk.ok(["image", "import", "layout"]);
    assert_eq!(signatures(&desk, "hello:1"), [digest]);
}

#[test]
fn variants_bring_the_signatures_of_each_and_of_the_index() {
    let desk = CliFixture::new();
    let image = pack(&desk);
    let manifest = fs::read(desk.path(&blob_path("layout", &image))).unwrap();
    let part = blob(&desk, "layout", MANIFEST, &manifest);
    let variants = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [part] });
    let mut entry = blob(&desk, "layout", INDEX, variants.to_string().as_bytes());
    let whole = entry["digest"].as_str().unwrap().to_owned();
    entry["annotations"] = json!({ ocre_oci::REF_NAME: "variants:1" });
    add_entry(&desk, "layout", entry);
    let expected = [
        sign(&desk, "layout", &image, NOTARY),
        sign(&desk, "layout", &whole, NOTARY),
    ];
    desk.ok(["image", "import", "layout:variants:1"]);
    assert_eq!(signatures(&desk, "variants:1"), expected);
    desk.ok(["image", "import", "layout:hello:1"]);
    assert_eq!(signatures(&desk, "hello:1"), expected[..1]);
    desk.ok(["image", "push", "variants:1", "oci:back:variants:1"]);
    assert_eq!(typed_entries(&desk, "back").len(), 2);
}
