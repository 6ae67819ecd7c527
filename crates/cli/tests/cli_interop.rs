// SPDX-License-Identifier: Apache-2.0
//! Exchange of images with other tools, in both directions.

mod cli;

use std::fs;
use std::process::Command;

use cli::registry::Registry;
use cli::{CliFixture, guest, python};
use serde_json::Value;

/// Runs another tool in the desk's folder. Returns its output.
fn tool(desk: &CliFixture, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(desk.path("."))
        .env("TMPDIR", desk.path("."))
        .env("HOME", desk.path("."));
    let done = cli::done(command);
    assert_eq!(done.code, 0, "{program} {arguments:?}: {done:?}");
    done.out
}

/// Copies without a policy, without TLS, and with the digests.
fn skopeo_copy(desk: &CliFixture, from: &str, to: &str) {
    skopeo_copy_with(desk, &["--preserve-digests", from, to]);
}

fn skopeo_copy_with(desk: &CliFixture, more: &[&str]) {
    let copy = [
        "--insecure-policy",
        "copy",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
    ];
    tool(desk, "skopeo", &[&copy[..], more].concat());
}

fn digest(desk: &CliFixture, arguments: &[&str]) -> String {
    let done = desk.json(arguments);
    done["digest"].as_str().unwrap().to_owned()
}

/// Makes an index of two variants, as `hello:1` in `layout`. Returns its digest.
fn pack(desk: &CliFixture) -> String {
    let wasm = guest("hello-c");
    let wasm = wasm.to_str().unwrap();
    desk.ok(["aot", wasm, "--target", "x86_64", "-o", "pc.aot"]);
    let pack = [
        "image", "pack", "--wasm", wasm, "--aot", "pc.aot", "-o", "layout", "-t", "hello:1",
    ];
    digest(desk, &pack)
}

#[test]
fn digests_stay_between_layout_archive_and_registry() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let packed = pack(&desk);
    let (ours, theirs) = (registry.name("ours:1"), registry.name("theirs:1"));
    desk.ok(["image", "copy", "oci:layout:hello:1", &ours]);
    // Ours to theirs, by each way.
    skopeo_copy(&desk, &format!("docker://{ours}"), "oci:a:hello:1");
    skopeo_copy(&desk, "oci:a:hello:1", "oci-archive:a.tar:hello:1");
    skopeo_copy(
        &desk,
        "oci-archive:a.tar:hello:1",
        &format!("docker://{theirs}"),
    );
    // And back.
    assert_eq!(
        digest(&desk, &["image", "import", "oci:a:hello:1", "one"]),
        packed
    );
    assert_eq!(
        digest(
            &desk,
            &["image", "import", "oci-archive:a.tar:hello:1", "two"]
        ),
        packed
    );
    assert_eq!(digest(&desk, &["image", "pull", &theirs, "three"]), packed);
    for name in ["one", "two", "three"] {
        assert!(desk.ok(["run", name]).contains("Hello"), "{name}");
    }
    desk.ok([
        "image",
        "copy",
        "oci:layout:hello:1",
        "oci-archive:b.tar:hello:1",
    ]);
    skopeo_copy(&desk, "oci-archive:b.tar:hello:1", "oci:b:hello:1");
    assert_eq!(
        digest(&desk, &["image", "import", "oci:b:hello:1", "four"]),
        packed
    );
    let raw = [
        "inspect",
        "--raw",
        "--tls-verify=false",
        &format!("docker://{ours}"),
    ];
    let index: Value = serde_json::from_str(&tool(&desk, "skopeo", &raw)).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
}

#[test]
fn umoci_accepts_our_layouts() {
    let desk = CliFixture::new();
    // umoci knows neither nested indexes nor configs of other types.
    let wasm = guest("hello-c");
    let wasm = wasm.to_str().unwrap();
    desk.ok([
        "image",
        "pack",
        "--wasm",
        wasm,
        "-o",
        "packed",
        "-t",
        "one:latest",
    ]);
    desk.ok(["image", "copy", "oci:packed:one:latest", "oci:copied:one"]);
    for layout in ["packed", "copied"] {
        let listed = tool(&desk, "umoci", &["ls", "--layout", layout]);
        assert!(listed.starts_with("one"), "{listed}");
    }
    tool(&desk, "umoci", &["tag", "--image", "copied:one", "two"]);
    assert!(
        desk.ok(["image", "import", "copied:two"])
            .contains("imported copied:two\n")
    );
    assert!(desk.ok(["run", "copied:two"]).contains("Hello"));
    // umoci removes unused blobs; all of ours are in use.
    let blobs = || {
        fs::read_dir(desk.path("packed/blobs/sha256"))
            .unwrap()
            .count()
    };
    let before = blobs();
    tool(&desk, "umoci", &["gc", "--layout", "packed"]);
    assert_eq!(blobs(), before);
    // A layout of umoci takes our images in, and umoci removes one of them there.
    tool(&desk, "umoci", &["init", "--layout", "theirs"]);
    for name in ["one", "two"] {
        desk.ok([
            "image",
            "copy",
            "oci:copied:two",
            &format!("oci:theirs:{name}"),
        ]);
    }
    assert_eq!(
        tool(&desk, "umoci", &["ls", "--layout", "theirs"]),
        "one\ntwo\n"
    );
    tool(&desk, "umoci", &["rm", "--image", "theirs:one"]);
    tool(&desk, "umoci", &["gc", "--layout", "theirs"]);
    assert_eq!(tool(&desk, "umoci", &["ls", "--layout", "theirs"]), "two\n");
    desk.ok(["image", "import", "oci:theirs:two", "three"]);
    assert!(desk.ok(["run", "three"]).contains("Hello"));
    // umoci reads and unpacks images only with a config of its own type.
    for words in [
        &["stat", "--image", "copied:one"][..],
        &["unpack", "--rootless", "--image", "copied:one", "unpacked"],
    ] {
        let mut command = Command::new("umoci");
        command.args(words).current_dir(desk.path("."));
        let done = cli::done(command);
        assert_eq!(done.code, 1, "{words:?}: {done:?}");
        assert!(
            done.err.contains("application/vnd.wasm.config.v0+json"),
            "{words:?}: {done:?}"
        );
    }
    assert_eq!(
        desk.json(["image", "verify", "packed:one:latest"])["verdict"],
        "ok"
    );
}

#[test]
fn a_signed_image_stays_signed_through_skopeo_and_oras() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    let wasm = guest("hello-c");
    let wasm = wasm.to_str().unwrap();
    let packed = digest(
        &desk,
        &[
            "image", "pack", "--wasm", wasm, "-o", "layout", "-t", "hello:1",
        ],
    );
    desk.ok(["key", "new", "release.pem"]);
    desk.ok(["key", "new", "other.pem"]);
    for form in ["notary", "cosign"] {
        let sign = ["image", "sign", "--key=release.pem", "--form", form];
        desk.ok(sign.iter().chain(&["oci:layout:hello:1"]));
    }
    let ours = registry.name("ours:1");
    desk.ok(["image", "copy", "oci:layout:hello:1", &ours]);

    // skopeo knows no referrers, but copies their list as any index. Version 1.9 drops
    // `artifactType` of its entries, and so changes the digest of the list.
    let docker = |name: &str| format!("docker://{}", registry.name(name));
    let list = format!("sha256-{}", &packed["sha256:".len()..]);
    let (from, to) = (format!("ours:{list}"), format!("theirs:{list}"));
    skopeo_copy_with(&desk, &[&docker(&from), &docker(&to)]);
    for to in ["theirs:1", "python:1"] {
        skopeo_copy(&desk, &docker("ours:1"), &docker(to));
    }

    // The Python client attaches the same envelopes again, in manifests of its own.
    desk.write("empty.json", "{}");
    let script = r#"
import hashlib, json, sys
from oras.client import OrasClient
from oras.oci import Subject
host, image = sys.argv[1:]
client = OrasClient(hostname=host, insecure=True)
tag = image.replace(":", "-")
entries = []
for entry in client.get_manifest(f"{host}/ours:{tag}", ["application/vnd.oci.image.index.v1+json"])["manifests"]:
    signature = client.get_manifest(f"{host}/ours@{entry['digest']}")
    (layer,) = signature["layers"]
    envelope = client.get_blob(f"{host}/ours", layer["digest"]).content
    with open("envelope", "wb") as file:
        file.write(envelope)
    kind = signature["artifactType"]
    answer = client.push(
        target=f"{host}/python:signature{len(entries)}",
        files=[f"envelope:{layer['mediaType']}"],
        manifest_config=f"empty.json:{kind}",
        subject=Subject(**signature["subject"]),
    )
    pushed = answer.headers["Docker-Content-Digest"]
    size = int(client.do_request(f"http://{host}/v2/python/manifests/{pushed}", "HEAD",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"}).headers["Content-Length"])
    entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": pushed,
        "size": size, "artifactType": kind})
kind = "application/vnd.oci.image.index.v1+json"
index = {"schemaVersion": 2, "mediaType": kind, "manifests": entries}
answer = client.do_request(f"http://{host}/v2/python/manifests/{tag}", "PUT",
    headers={"Content-Type": kind}, data=json.dumps(index).encode())
assert answer.status_code == 201, answer.text
assert len(entries) == 2
"#;
    let mut command = python();
    command
        .args(["-c", script, &registry.address.to_string(), &packed])
        .env("DOCKER_CONFIG", desk.path("docker"))
        .current_dir(desk.path("."));
    let done = cli::done(command);
    assert_eq!(done.code, 0, "{done:?}");

    for name in ["theirs", "python"] {
        let pull = ["image", "pull", &registry.name(&format!("{name}:1")), name];
        assert_eq!(digest(&desk, &pull), packed, "{name}");
        let said = desk.ok(["--trusted-key=release.pem", "run", name]);
        assert!(said.contains("Hello"), "{name}: {said}");
        let inspected = desk.json(["--trusted-key=release.pem", "image", "inspect", name]);
        assert_eq!(inspected["image"]["signedBy"], "release");
        assert_eq!(inspected["signatures"].as_array().unwrap().len(), 2);
        desk.ocre(["--trusted-key=other.pem", "run", name])
            .failed(1, "signature-");
        desk.ok(["image", "rm", name]);
    }
}
