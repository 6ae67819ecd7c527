// SPDX-License-Identifier: Apache-2.0
//! Policies for the origin of images, with signatures of this program and of an independent one.

mod cli;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use cli::{CliFixture, guest, python};
use ocre::port::Storage as _;
use ocre_pc::littlefs::LittleFs;
use serde_json::{Value, json};

/// Fixture with an image in a layout, and two keys.
fn with_keys() -> CliFixture {
    let desk = CliFixture::new();
    fs::copy(guest("hello"), desk.path("hello.wasm")).unwrap();
    desk.ok("image pack --wasm hello.wasm -t hello:1 -o layout".split(' '));
    for name in ["release", "other"] {
        desk.ok(["key", "new", &format!("{name}.pem")]);
        let public = desk.ok(["key", "show", "--public", &format!("{name}.pem")]);
        desk.write(&format!("{name}.pub"), public);
    }
    desk
}

/// Copies the folder of a layout.
fn copied(desk: &CliFixture, to: &str) {
    let done = std::process::Command::new("cp")
        .args(["-r", "layout", to])
        .current_dir(desk.path("."))
        .status();
    assert!(done.unwrap().success());
}

/// Signs the image of a layout with the key `release` by another program, with changes.
fn signed_elsewhere(desk: &CliFixture, layout: &str, changes: &Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signatures/notary.py");
    let mut command = python();
    command
        .arg(script)
        .args(["sign", layout, "release.pem"])
        .current_dir(desk.path("."))
        .stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(changes.to_string().as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// Verdict on a layout's image by a device with the public key `key`.
fn verdict(desk: &CliFixture, layout: &str, key: &str) -> (String, String) {
    let key = format!("{key}.pub");
    let verify = ["image", "verify", "--key", &key, layout];
    let verdict = desk.json(verify);
    let text = |name: &str| verdict[name].as_str().unwrap_or("-").to_owned();
    (text("code"), text("at"))
}

#[test]
fn signatures_of_this_program_hold_for_their_key_alone() {
    let desk = with_keys();
    for form in ["notary", "cosign"] {
        let layout = format!("{form}.layout");
        copied(&desk, &layout);
        let image = format!("oci:{layout}:hello:1");
        assert_eq!(
            verdict(&desk, &layout, "release"),
            ("signature-missing".to_owned(), "signature".to_owned())
        );
        desk.ok(["image", "sign", "--key=release.pem", "--form", form, &image]);
        assert_eq!(verdict(&desk, &layout, "release").0, "-", "{form}");
        let text = desk.ok(["image", "verify", "--key=release.pub", &layout]);
        assert!(text.contains("signed by: release\n"), "{text}");
        let wanted = match form {
            // A bundle does not say whose key has signed.
            "cosign" => ("signature-invalid", "signature/dsseEnvelope.signatures"),
            _ => ("signature-key", "signature/unprotected.x5chain"),
        };
        let (code, at) = verdict(&desk, &layout, "other");
        assert_eq!((&*code, &*at), wanted);
        // One of several signatures is enough.
        desk.ok(["image", "sign", "--key=other.pem", "--form", form, &image]);
        for key in ["release", "other"] {
            assert_eq!(verdict(&desk, &layout, key).0, "-", "{form} {key}");
        }
    }
}

#[test]
fn a_signature_of_another_program_holds_and_each_change_has_its_code() {
    let desk = with_keys();
    let scheme = "io.cncf.notary.signingScheme";
    let cases = [
        (json!({}), "-", "-"),
        (json!({"sequence": "7"}), "-", "-"),
        (json!({"expiry": 4_000_000_000_u64}), "-", "-"),
        (
            json!({"expiry": 1_770_000_000}),
            "signature-expired",
            "signature/protected.expiry",
        ),
        (
            json!({"sequence": "007"}),
            "signature-malformed",
            "signature/payload.targetArtifact.annotations",
        ),
        (
            json!({"protected": {"1": -35}}),
            "signature-unsupported",
            "signature/protected.alg",
        ),
        (
            json!({"protected": {"3": "text/plain"}}),
            "signature-unsupported",
            "signature/protected.contentType",
        ),
        (
            json!({"protected": {scheme: "notary.x509.signingAuthority"}}),
            "signature-unsupported",
            "signature/protected.signingScheme",
        ),
        (
            json!({"protected": {"2": [scheme, "unknown"], "unknown": 1}}),
            "signature-unsupported",
            "signature/protected.crit",
        ),
        (
            json!({"protected": {"2": []}}),
            "signature-malformed",
            "signature/protected.crit",
        ),
        (
            json!({"protected": {"io.cncf.notary.signingTime": 1}}),
            "signature-malformed",
            "signature/protected.signingTime",
        ),
        (
            json!({"target": {"size": 1}}),
            "signature-target",
            "signature/payload.targetArtifact.size",
        ),
        (
            json!({"target": {"digest": format!("sha256:{}", "0".repeat(64))}}),
            "signature-target",
            "signature/payload.targetArtifact.digest",
        ),
        (
            json!({"target": {"mediaType": "application/vnd.oci.image.index.v1+json"}}),
            "signature-target",
            "signature/payload.targetArtifact.mediaType",
        ),
    ];
    for (number, (changes, code, at)) in cases.iter().enumerate() {
        let layout = format!("layout.{number}");
        copied(&desk, &layout);
        signed_elsewhere(&desk, &layout, changes);
        let found = verdict(&desk, &layout, "release");
        assert_eq!((&*found.0, &*found.1), (*code, *at), "{changes}");
        // Nobody asks.
        desk.ok(["image", "verify", &layout]);
    }
}

#[test]
fn each_policy_asks_for_its_own_proof() {
    let desk = with_keys();
    desk.ok("aot hello.wasm --target x86_64 -o hello.aot".split(' '));
    desk.ok("image pack --aot hello.aot -t hello:1 -o aot".split(' '));
    desk.ok("image sign --key release.pem oci:layout:hello:1".split(' '));
    copied(&desk, "unsigned");
    fs::remove_dir_all(desk.path("unsigned")).unwrap();
    desk.ok("image pack --wasm hello.wasm -t hello:1 -o unsigned".split(' '));
    let manifest = |layout: &str| desk.json(["image", "verify", layout]);
    assert_eq!(manifest("aot")["verdict"], "ok");
    let digest = |layout: &str| {
        let text = desk.ok(["image", "verify", layout]);
        let line = text.lines().find_map(|line| line.strip_prefix("image: "));
        line.unwrap().to_owned()
    };
    let (portable, compiled) = (digest("unsigned"), digest("aot"));
    let ok = "-";
    for (policy, layout, code) in [
        ("--policy=any", "unsigned", ok),
        ("--policy=any", "aot", ok),
        ("--policy=signed-aot", "unsigned", ok),
        ("--policy=signed-aot", "aot", "aot-policy"),
        (
            "--policy=signed-aot --trusted-key=release.pub",
            "unsigned",
            ok,
        ),
        (
            "--policy=signed-aot --trusted-key=release.pub",
            "layout",
            ok,
        ),
        (
            "--policy=signed-aot --trusted-key=release.pub",
            "aot",
            "signature-missing",
        ),
        // A signature that is there must hold.
        (
            "--policy=signed-aot --trusted-key=other.pub",
            "layout",
            "signature-key",
        ),
        ("--policy=any --trusted-key=other.pub", "layout", ok),
        ("--policy=signed", "unsigned", "signature-missing"),
        ("--policy=signed", "layout", "signature-missing"),
        ("--trusted-key=other.pub,release.pub", "layout", ok),
        ("--trusted-key=other.pub", "layout", "signature-key"),
        (
            "--policy=pinned --trusted-key=release.pub",
            "layout",
            "digest-not-pinned",
        ),
        ("--policy=pinned --pin={portable}", "unsigned", ok),
        (
            "--policy=pinned --pin={portable}",
            "aot",
            "digest-not-pinned",
        ),
        ("--policy=pinned --pin={portable},{compiled}", "aot", ok),
        ("--policy=signed-aot --pin={compiled}", "aot", ok),
        ("--policy=signed --pin={compiled}", "aot", ok),
    ] {
        let policy = policy
            .replace("{portable}", &portable)
            .replace("{compiled}", &compiled);
        let words = policy.split(' ').chain(["image", "verify", layout]);
        let verdict = desk.json(words);
        let found = verdict["code"].as_str().unwrap_or(ok);
        assert_eq!(found, code, "{policy} {layout}: {verdict}");
    }
    // Before the cost of a signature.
    let target = desk.ok("aot hello.wasm --target thumbv7m -o m3.aot".split(' '));
    desk.ok("image pack --aot m3.aot -t hello:1 -o m3".split(' '));
    let verdict = desk.json("--trusted-key=release.pub image verify m3".split(' '));
    assert_eq!(verdict["code"], "aot-target", "{target}");
}

#[test]
fn keys_and_digests_of_options_are_checked() {
    let desk = with_keys();
    for (arguments, code, words) in [
        ("--trusted-key none.pub info", 1, "io"),
        ("--trusted-key hello.wasm info", 1, "error"),
        ("--trusted-key layout/index.json info", 1, "key-malformed"),
        ("--pin sha256:12 info", 2, "64"),
        ("--policy sign info", 2, "signed-aot"),
        ("info --policy sign", 2, "signed-aot"),
        ("info --pin x", 2, "64"),
    ] {
        desk.ocre(arguments.split(' ')).failed(code, words);
    }
    desk.ok(["image", "import", "layout"]);
    let keys = "--trusted-key=release.pub,other.pem";
    let info = desk.json(["info", keys]);
    assert_eq!(info["policy"], "signed");
    assert_eq!(info["keys"], json!(["release", "other"]));
    let text = desk.ok([keys, "info"]);
    assert!(
        text.contains("policy: signed, key release, key other\n"),
        "{text}"
    );
}

/// Fixture with the signed image `hello:1` on the flash, and a container of it.
fn with_container() -> CliFixture {
    let desk = with_keys();
    desk.ok("image sign --key release.pem oci:layout:hello:1".split(' '));
    desk.ok(["image", "import", "layout:hello:1"]);
    let create = "--trusted-key=release.pub create --name c hello:1";
    desk.ok(create.split(' '));
    desk
}

/// Output of a start of the container on a device with these options.
fn started(desk: &CliFixture, options: &[&str]) -> String {
    let done = desk.shell_with(options, "start c\nwait c\nlogs c\n");
    done.out + &done.err
}

const GREETING: &str = "Hello from a Rust guest!";

#[test]
fn a_start_verifies_what_a_record_says() {
    let desk = with_container();
    let start = |options: &[&str]| started(&desk, options);
    for options in [
        &[][..],
        &["--trusted-key=release.pub"],
        &["--trusted-key=other.pub,release.pub"],
        &["--policy=signed-aot", "--trusted-key=release.pub"],
    ] {
        let said = start(options);
        assert!(said.contains(GREETING), "{options:?}: {said}");
    }
    for (options, code) in [
        (&["--trusted-key=other.pub"][..], "signature-key"),
        // Not asked for there, but it must hold.
        (
            &["--policy=signed-aot", "--trusted-key=other.pub"],
            "signature-key",
        ),
        (&["--policy=signed"], "signature-missing"),
        (&["--policy=pinned"], "digest-not-pinned"),
    ] {
        let said = start(options);
        assert!(said.contains(code), "{options:?}: {said}");
        assert!(!said.contains(GREETING), "{options:?}: {said}");
    }
    // Restarts of one session, and a start after each refusal.
    let script = "start c\nwait c\nrestart c\nwait c\nlogs c\n";
    let twice = desk.shell_with(&["--trusted-key=release.pub"], script);
    assert_eq!(twice.out.matches(GREETING).count(), 2, "{twice:?}");
    // Without the signature the container can't prove its origin any more.
    let inspected = desk.json(["image", "inspect", "hello:1"]);
    let signature = inspected["signatures"][0].as_str().unwrap();
    let blob = format!("/blobs/sha256/{}", &signature["sha256:".len()..]);
    let flash = LittleFs::open(&desk.path("flash.bin")).unwrap();
    flash.remove(&blob).unwrap();
    drop(flash);
    let said = start(&["--trusted-key=release.pub"]);
    assert!(said.contains("signature-missing"), "{said}");
    assert!(start(&[]).contains(GREETING));
}

#[test]
fn an_unsigned_update_is_refused_and_taken_back() {
    let desk = with_container();
    desk.ok("image pack --wasm hello.wasm --env A=1 -t hello:1 -o unsigned".split(' '));
    let key = "--trusted-key=release.pub";
    // Kept, with a warning, as any image that can't run here.
    let imported = desk.ocre([key, "image", "import", "unsigned:hello:1"]);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert!(imported.err.contains("signature-missing"), "{imported:?}");
    for _ in 0..3 {
        let said = started(&desk, &[key]);
        assert!(said.contains("signature-missing"), "{said}");
    }
    let said = started(&desk, &[key]);
    assert!(said.contains(GREETING), "{said}");
}

#[test]
fn a_signed_image_comes_back_from_registries_and_still_runs() {
    let desk = with_keys();
    let registry = cli::registry::Registry::start(&desk);
    desk.ok("image sign --key release.pem oci:layout:hello:1".split(' '));
    desk.ok("image sign --key release.pem --form cosign oci:layout:hello:1".split(' '));
    let (ours, theirs) = (registry.name("ours:1"), registry.name("theirs:1"));
    desk.ok(["image", "copy", "oci:layout:hello:1", &ours]);
    desk.ok(["image", "copy", &ours, "oci-archive:saved.tar:hello:1"]);
    desk.ok(["image", "copy", "oci-archive:saved.tar:hello:1", &theirs]);
    let key = "--trusted-key=release.pub";
    desk.ok([key, "image", "pull", &theirs, "back:1"]);
    assert!(desk.ok([key, "run", "back:1"]).contains(GREETING));
    let foreign = desk.ocre(["--trusted-key=other.pub", "run", "back:1"]);
    foreign.failed(1, "signature-");
    desk.ok([key, "image", "push", "back:1", "oci:pushed:hello:1"]);
    assert_eq!(verdict(&desk, "pushed", "release").0, "-");
    desk.ok([key, "image", "rm", "back:1"]);
    assert_eq!(desk.json(["image", "ls"])["images"], json!([]));
}
