// SPDX-License-Identifier: Apache-2.0
//! Exchange of images with other tools, in both directions.

mod cli;

use std::fs;
use std::process::Command;

use cli::registry::Registry;
use cli::{CliFixture, guest};
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
    let arguments = [
        "--insecure-policy",
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        from,
        to,
    ];
    tool(desk, "skopeo", &arguments);
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
