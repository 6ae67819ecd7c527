// SPDX-License-Identifier: Apache-2.0
//! `ocre image verify` and `ocre image pack`.

mod cli;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cli::{CliFixture, done, guest};
use serde_json::json;

const MANIFEST: &[u8] = include_bytes!("../../../testdata/vectors/ocre-manifest.json");
const CONFIG: &[u8] = include_bytes!("../../../testdata/vectors/ocre-config.json");

/// Packs a guest as `layout`.
fn pack(desk: &CliFixture, guest_name: &str, more: &[&str]) -> String {
    let wasm = guest(guest_name);
    let mut arguments = vec![
        "image".as_ref(),
        "pack".as_ref(),
        "--wasm".as_ref(),
        wasm.as_os_str(),
        "-o".as_ref(),
        "layout".as_ref(),
    ];
    arguments.extend(more.iter().map(OsStr::new));
    desk.ok(arguments)
}

#[test]
fn the_published_documents_pass_and_their_layer_is_missing() {
    let desk = CliFixture::new();
    desk.layout("golden", MANIFEST, &[CONFIG]);
    let done = desk.ocre(["image", "verify", "--format", "json", "golden"]);
    assert_eq!(done.code, 1);
    assert_eq!(
        done.out,
        "{\"verdict\":\"rejected\",\"code\":\"blob-missing\",\"at\":\"manifest/layers/0\",\"warnings\":[]}\n"
    );
    let done = desk.ocre(["image", "verify", "golden"]);
    assert_eq!(done.code, 1);
    assert!(
        done.out
            .starts_with("refused: blob-missing at manifest/layers/0: the blob")
    );
    assert!(done.out.ends_with("verdict: rejected\n"));
}

#[test]
fn all_lists_every_finding_and_the_first_is_the_verdict() {
    let desk = CliFixture::new();
    let manifest = std::str::from_utf8(MANIFEST).unwrap();
    let manifest = manifest.replace("\"size\": 196", "\"size\": \"196\"");
    let manifest = manifest.replace("\"schemaVersion\": 2", "\"schemaVersion\": 1");
    desk.layout("bad", manifest.as_bytes(), &[CONFIG]);
    let verdict = desk.json(["image", "verify", "--all", "bad"]);
    assert_eq!(verdict["code"], "schema-version");
    assert_eq!(
        verdict["findings"],
        json!([
            { "code": "schema-version", "at": "manifest/schemaVersion", "detail": "" },
            { "code": "field-type", "at": "manifest/config/size", "detail": "" },
        ])
    );
    let text = desk.ocre(["image", "verify", "--all", "bad"]).out;
    assert!(text.contains("refused: schema-version"), "{text}");
    assert!(text.contains("refused: field-type"), "{text}");
}

#[test]
fn warnings_are_no_refusals_unless_strict() {
    let desk = CliFixture::new();
    let manifest = std::str::from_utf8(MANIFEST).unwrap();
    let manifest = manifest.replace("application/wasm", "application/vnd.ocre.image.v1.wasm");
    let wasm = fs::read(guest("hello-c")).unwrap();
    let digest = ocre_oci::Sha256::of(&wasm).to_string();
    let old = "sha256:71cb138990af165c4baf0c43361e5c055ed60a5d2632ee547597be56dcfa07e2";
    let config = std::str::from_utf8(CONFIG).unwrap();
    let config = config.replace(old, &digest).replace("on_init", "_start");
    let manifest = manifest
        .replace(old, &digest)
        .replace("2397", &wasm.len().to_string())
        .replace(
            "sha256:55a98fff5a9a7bef217678f2669ad89816875df55af51b6d1c23a5f9393234e3",
            &ocre_oci::Sha256::of(config.as_bytes()).to_string(),
        )
        .replace("196", &config.len().to_string());
    desk.layout("odd", manifest.as_bytes(), &[config.as_bytes(), &wasm]);
    let verdict = desk.json(["image", "verify", "odd"]);
    assert_eq!(verdict["verdict"], "warnings");
    assert_eq!(
        verdict["warnings"],
        json!(["layer-media-type-alias", "dialect-mixed"])
    );
    let strict = desk.json(["image", "verify", "--strict", "odd"]);
    assert_eq!(strict["verdict"], "rejected");
    assert_eq!(strict["code"], "layer-media-type-alias");
}

#[test]
fn what_is_packed_verifies() {
    let desk = CliFixture::new();
    pack(&desk, "hello", &["-t", "hello:1"]);
    for layout in ["layout", "layout:hello:1"] {
        let verdict = desk.json(["image", "verify", "--strict", layout]);
        assert_eq!(
            verdict,
            json!({ "verdict": "ok", "code": null, "at": null, "warnings": [] })
        );
    }
    let other = desk.json(["image", "verify", "layout:hello:2"]);
    assert_eq!(other["code"], "reference-not-found");
}

#[test]
fn the_same_input_has_the_same_digests_whatever_the_files_are_called() {
    let one = CliFixture::new();
    let other = CliFixture::new();
    let name = guest("hello-c");
    other.write("renamed.bin", fs::read(&name).unwrap());
    for desk in [&one, &other] {
        desk.write("data.txt", "data");
    }
    let options = [
        "--blob",
        "data.txt=d",
        "--env",
        "A=1",
        "--permission",
        "timers",
        "-o",
    ];
    let packed = |desk: &CliFixture, wasm: &Path, layout: &str| {
        let mut command = desk.command(["--format", "json", "image", "pack", "--wasm"]);
        command.arg(wasm).args(options).arg(layout);
        done(command).json()["digest"].clone()
    };
    let digest = packed(&one, &name, "a");
    assert!(digest.as_str().unwrap().starts_with("sha256:"));
    assert_eq!(packed(&other, Path::new("renamed.bin"), "b"), digest);
    let index =
        |desk: &CliFixture, layout: &str| fs::read(desk.path(layout).join("index.json")).unwrap();
    assert_eq!(index(&one, "a"), index(&other, "b"));
}

#[test]
fn packing_into_a_layout_adds_a_name_or_replaces_it() {
    let desk = CliFixture::new();
    pack(&desk, "hello-c", &["-t", "a"]);
    pack(&desk, "hello", &["-t", "b"]);
    pack(&desk, "kernel", &["-t", "a:latest"]);
    let verdict = desk.json(["image", "verify", "layout"]);
    assert_eq!(verdict["code"], "reference-ambiguous");
    let index = fs::read_to_string(desk.path("layout/index.json")).unwrap();
    assert_eq!(index.matches("ref.name").count(), 2, "{index}");
    for name in ["layout:a", "layout:b"] {
        assert_eq!(desk.json(["image", "verify", name])["verdict"], "ok");
    }
    let kernel = fs::metadata(guest("kernel")).unwrap().len();
    let text = desk.ok(["image", "verify", "layout:a"]);
    assert!(text.contains(&format!("{kernel} bytes")), "{text}");
}

#[test]
fn what_the_judge_refuses_is_not_packed() {
    let desk = CliFixture::new();
    pack(&desk, "hello-c", &[]);
    let before = fs::read(desk.path("layout/index.json")).unwrap();
    let wasm = guest("hello-c");
    let text = desk.write("text.wasm", "no code");
    let component = desk.write("component.wasm", b"\0asm\x0d\0\x01\0");
    for (wasm, more, code) in [
        (&text, &[] as &[&str], "layer-magic at manifest/layers/0"),
        (&component, &[], "layer-component"),
        (
            &wasm,
            &["--entry", "nix"],
            "nix (config-entry-point at config)",
        ),
        (
            &wasm,
            &["--env", "nix"],
            "config-env at config/config/Env/0",
        ),
        (&wasm, &["--permission", "gpoi"], "config-permission"),
    ] {
        let mut command = desk.command(["image", "pack", "-o", "layout", "--wasm"]);
        command.arg(wasm).args(more);
        done(command).failed(1, code);
    }
    assert_eq!(fs::read(desk.path("layout/index.json")).unwrap(), before);
    let entries = fs::read_dir(desk.path("")).unwrap().count();
    assert_eq!(entries, 3, "a layout, two files, and nothing left over");
}

#[test]
fn a_folder_that_is_no_layout_is_left_alone() {
    let desk = CliFixture::new();
    desk.write("mine/letter.txt", "dear");
    let mut command = desk.command(["image", "pack", "-o", "mine", "--wasm"]);
    command.arg(guest("hello-c"));
    done(command).failed(1, "layout-missing");
    assert_eq!(fs::read_dir(desk.path("mine")).unwrap().count(), 1);

    fs::create_dir(desk.path("empty")).unwrap();
    let mut command = desk.command(["image", "pack", "-o", "empty", "--wasm"]);
    command.arg(guest("hello-c"));
    assert_eq!(done(command).code, 0);
    assert_eq!(desk.json(["image", "verify", "empty"])["verdict"], "ok");
}

#[test]
fn an_aot_file_that_does_not_say_what_it_is_for_is_refused() {
    let desk = CliFixture::new();
    desk.write("bare.aot", b"\0aot\x06\0\0\0");
    let done = desk.ocre(["image", "pack", "--aot", "bare.aot", "-o", "layout"]);
    done.failed(1, "aot-metadata");
    assert!(done.err.contains("ocre aot"), "{done:?}");
    assert!(!desk.path("layout").exists());
}

#[test]
fn a_damaged_layer_is_found_and_packing_again_repairs_it() {
    let desk = CliFixture::new();
    pack(&desk, "hello-c", &["-t", "a"]);
    let wasm = fs::read(guest("hello-c")).unwrap();
    let blob = format!("layout/blobs/sha256/{}", ocre_oci::Sha256::of(&wasm).hex());
    let mut damaged = wasm.clone();
    damaged[1000] ^= 1;
    desk.write(&blob, &damaged);
    let verdict = desk.json(["image", "verify", "layout"]);
    assert_eq!(verdict["code"], "digest-mismatch");
    assert_eq!(verdict["at"], "manifest/layers/0");
    desk.write(&blob, &wasm[1..]);
    assert_eq!(
        desk.json(["image", "verify", "layout"])["code"],
        "size-mismatch"
    );
    pack(&desk, "hello-c", &["-t", "a"]);
    assert_eq!(desk.json(["image", "verify", "layout"])["verdict"], "ok");
}

#[test]
fn bad_usage_exits_with_2_and_says_what_is_wrong() {
    let desk = CliFixture::new();
    desk.layout("golden", MANIFEST, &[CONFIG]);
    for (arguments, words) in [
        (&["image", "verify"] as &[&str], "LAYOUT"),
        (&["image", "pack", "-o", "x"], "--wasm"),
        (&["image", "pack", "--wasm", "x"], "--output"),
        (
            &["image", "pack", "--wasm", "x", "-o", "x", "-t", "A"],
            "--tag",
        ),
        (
            &["image", "pack", "--wasm", "x", "-o", "x", "--blob", "x=a/b"],
            "--blob",
        ),
        (&["image", "verify", "golden@sha256:12"], "sha256"),
        (&["image", "verify", "golden:"], "reference"),
        (&["--policy", "maybe", "image", "verify", "x"], "--policy"),
    ] {
        desk.ocre(arguments).failed(2, words);
    }
    let raw = OsStr::from_bytes(b"golden:\xff");
    desk.ocre([OsStr::new("image"), OsStr::new("verify"), raw])
        .failed(2, "UTF-8");
    let raw = OsStr::from_bytes(b"\xff\xfe");
    let done = desk.ocre([OsStr::new("image"), OsStr::new("verify"), raw]);
    assert_eq!((done.code, done.out.contains("layout-missing")), (1, true));
}

#[test]
fn words_are_coloured_only_where_that_is_wanted() {
    let desk = CliFixture::new();
    let plain = desk.ocre(["image", "verify", "nowhere"]);
    assert!(!plain.out.contains('\x1b'), "{plain:?}");
    let colored = desk.ocre(["--color", "always", "image", "verify", "nowhere"]);
    assert!(
        colored.out.contains("\x1b[1;31mrefused:\x1b[0m"),
        "{colored:?}"
    );
}

#[test]
fn the_texts_of_strangers_do_not_reach_the_terminal_raw() {
    let desk = CliFixture::new();
    let manifest = br#"{"schemaVersion":2,"config":{"\u001b[31m":{"\u001b[31m":0},"mediaType":"a/b"},"layers":[]}"#;
    desk.layout("evil", manifest, &[]);
    for format in ["text", "json"] {
        let done = desk.ocre(["image", "verify", "--all", "--format", format, "evil"]);
        assert_eq!(done.code, 1);
        assert!(!done.out.contains('\x1b'), "{done:?}");
    }
}
