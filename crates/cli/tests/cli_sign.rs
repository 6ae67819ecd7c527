// SPDX-License-Identifier: Apache-2.0
//! Keys, and signatures that other programs verify.

mod cli;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use cli::registry::Registry;
use cli::{CliFixture, done, guest, node, python};

/// Fixture with an image in a layout and a key.
fn with_key() -> CliFixture {
    let desk = CliFixture::new();
    fs::copy(guest("hello"), desk.path("hello.wasm")).unwrap();
    desk.ok("image pack --wasm hello.wasm -t hello:1 -o layout".split(' '));
    desk.ok(["key", "new", "key.pem"]);
    desk
}

/// Script of the tests' folder.
fn script(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/signatures");
    folder.join(name).to_string_lossy().into_owned()
}

/// Lines that an independent verifier of Notary signatures prints: digest and sequence number.
fn notary_says(desk: &CliFixture) -> Vec<String> {
    let mut command = python();
    command.args([&script("notary.py"), "verify", "layout"]);
    command.current_dir(desk.path("."));
    lines(command)
}

/// Lines of Sigstore's own verifier.
fn sigstore_says(desk: &CliFixture) -> Vec<String> {
    lines(sigstore(desk))
}

/// Sigstore's own verifier, which trusts the key in `key.pem`.
fn sigstore(desk: &CliFixture) -> Command {
    let public = desk.ok(["key", "show", "--public", "key.pem"]);
    desk.write("public.pem", public);
    let mut command = node(&script("sigstore.mjs"));
    command
        .args(["verify", "layout", "public.pem"])
        .current_dir(desk.path("."));
    command
}

fn lines(command: Command) -> Vec<String> {
    let done = done(command);
    assert_eq!(done.code, 0, "{done:?}");
    done.out.lines().map(str::to_owned).collect()
}

fn openssl(desk: &CliFixture, arguments: &str) -> Output {
    let mut command = Command::new("openssl");
    command
        .args(arguments.split(' '))
        .current_dir(desk.path("."));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments}: {output:?}");
    output
}

/// Digest of the layout's only named entry.
fn digest(desk: &CliFixture) -> String {
    let index = fs::read_to_string(desk.path("layout/index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let named = index["manifests"].as_array().unwrap().iter();
    let mut named = named.filter(|entry| entry.get("artifactType").is_none());
    named.next().unwrap()["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_key_is_readable_to_its_owner_and_no_file_is_overwritten() {
    let desk = CliFixture::new();
    let made = desk.json(["key", "new", "key.pem"]);
    let mode = fs::metadata(desk.path("key.pem"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(desk.json(["key", "show", "key.pem"]), made);
    let before = fs::read(desk.path("key.pem")).unwrap();
    desk.ocre(["key", "new", "key.pem"])
        .failed(1, "File exists");
    assert_eq!(fs::read(desk.path("key.pem")).unwrap(), before);
    // The same key by another program.
    let public = openssl(&desk, "pkey -in key.pem -pubout").stdout;
    let shown = desk.ok(["key", "show", "--public", "key.pem"]);
    assert_eq!(String::from_utf8(public).unwrap(), shown);
    let der = openssl(&desk, "pkey -in key.pem -pubout -outform DER").stdout;
    let fingerprint = ocre_oci::Sha256::of(&der).to_string();
    assert_eq!(made["fingerprint"], fingerprint);
    desk.write("public.pem", shown);
    let public = desk.json(["key", "show", "public.pem"]);
    assert_eq!(public["fingerprint"], fingerprint);
    assert_eq!(public["kind"], "public");
}

#[test]
fn keys_of_other_programs_are_read() {
    let desk = CliFixture::new();
    openssl(&desk, "ecparam -name prime256v1 -genkey -out sec1.pem");
    openssl(&desk, "pkcs8 -topk8 -nocrypt -in sec1.pem -out pkcs8.pem");
    let sec1 = desk.json(["key", "show", "sec1.pem"]);
    assert_eq!(sec1["kind"], "private");
    assert_eq!(sec1, desk.json(["key", "show", "pkcs8.pem"]));
    let certificate = desk.ok(["key", "show", "--certificate", "sec1.pem"]);
    desk.write("certificate.pem", &certificate);
    let shown = desk.json(["key", "show", "certificate.pem"]);
    assert_eq!(shown["kind"], "certificate");
    assert_eq!(shown["fingerprint"], sec1["fingerprint"]);
    openssl(
        &desk,
        "verify -check_ss_sig -CAfile certificate.pem certificate.pem",
    );
    // Keys of other kinds.
    openssl(
        &desk,
        "ecparam -name secp384r1 -genkey -noout -out p384.pem",
    );
    openssl(&desk, "genrsa -out rsa.pem 2048");
    openssl(
        &desk,
        "pkcs8 -topk8 -in sec1.pem -passout pass:x -out locked.pem",
    );
    desk.write("empty.pem", "");
    desk.write("cut.pem", &certificate[..100]);
    desk.write("noise.pem", [0, 159, 146, 150]);
    for name in ["p384", "rsa", "locked", "empty", "cut"] {
        let file = format!("{name}.pem");
        desk.ocre(["key", "show", &file]).failed(1, "key-malformed");
    }
    desk.ocre(["key", "show", "noise.pem"]).failed(1, "error");
    desk.ocre(["key", "show", "none.pem"]).failed(1, "io");
}

#[test]
fn a_notary_signature_is_one_for_an_independent_verifier() {
    let desk = with_key();
    let sign = "image sign --key key.pem --sequence 7 --expiry 90d oci:layout:hello:1";
    let signed = desk.json(sign.split(' '));
    assert_eq!(signed["signatures"][0]["subject"], digest(&desk));
    assert_eq!(notary_says(&desk), [format!("{} 7", digest(&desk))]);
}

#[test]
fn a_bundle_is_one_for_the_verifier_of_sigstore() {
    let desk = with_key();
    let sign = "image sign --key key.pem --form cosign --sequence 7 oci:layout:hello:1";
    desk.ok(sign.split(' '));
    assert_eq!(sigstore_says(&desk), [format!("{} 7", digest(&desk))]);
    // The verifier refuses the signature of another key.
    let index = fs::read_to_string(desk.path("layout/index.json")).unwrap();
    assert_eq!(
        index.matches("dev.sigstore.bundle.v0.3").count(),
        1,
        "{index}"
    );
    desk.ok(["key", "new", "other.pem"]);
    fs::rename(desk.path("other.pem"), desk.path("key.pem")).unwrap();
    done(sigstore(&desk)).failed(1, "signature");
}

#[test]
fn each_manifest_of_an_index_is_signed_and_the_index() {
    let desk = with_key();
    desk.ok("aot hello.wasm --target thumbv7m -o m3.aot".split(' '));
    desk.ok("image pack --wasm hello.wasm --aot m3.aot -t hello:1 -o layout".split(' '));
    let signed = desk.json("image sign --key key.pem oci:layout:hello:1".split(' '));
    assert_eq!(signed["signatures"].as_array().unwrap().len(), 3);
    assert_eq!(signed["signatures"][2]["subject"], digest(&desk));
    assert_eq!(notary_says(&desk).len(), 3);
}

#[test]
fn a_signature_is_reproducible_and_stored_once() {
    let desk = with_key();
    for _ in 0..2 {
        for form in ["notary", "cosign"] {
            let arguments = [
                "image",
                "sign",
                "--key=key.pem",
                "--form",
                form,
                "oci:layout:hello:1",
            ];
            let mut command = desk.command(arguments);
            command.env("SOURCE_DATE_EPOCH", "1700000000");
            let done = done(command);
            assert_eq!(done.code, 0, "{done:?}");
        }
    }
    let index = fs::read_to_string(desk.path("layout/index.json")).unwrap();
    assert_eq!(index.matches("artifactType").count(), 2, "{index}");
    assert_eq!(notary_says(&desk).len() + sigstore_says(&desk).len(), 2);
}

#[test]
fn a_command_signs_with_a_key_elsewhere() {
    let desk = with_key();
    let public = desk.ok(["key", "show", "--public", "key.pem"]);
    desk.write("public.pem", public);
    let sign = |command: &str, more: &[&str]| {
        let mut arguments = vec!["image", "sign", "--key=public.pem", "--command", command];
        arguments.extend(more);
        arguments.push("oci:layout:hello:1");
        desk.ocre(arguments)
    };
    let openssl = "openssl dgst -sha256 -sign key.pem";
    assert_eq!(sign(openssl, &[]).code, 0);
    assert_eq!(sign(openssl, &["--form=cosign"]).code, 0);
    assert_eq!(notary_says(&desk).len() + sigstore_says(&desk).len(), 2);
    let before = fs::read(desk.path("layout/index.json")).unwrap();
    for (command, code) in [
        ("false", "signing-command"),
        ("true", "signing-command"),
        ("cat", "signing-command"),
        ("yes", "signing-command"),
        ("exec sleep 0 <&-", "signing-command"),
        ("no-such-command", "signing-command"),
        ("openssl dgst -sha512 -sign key.pem", "signature-invalid"),
        (
            "echo other | openssl dgst -sha256 -sign key.pem",
            "signature-invalid",
        ),
    ] {
        sign(command, &[]).failed(1, code);
    }
    // A certificate by an authority is carried as it is.
    self::openssl(
        &desk,
        "req -x509 -key key.pem -subj /CN=me -days 9 -out own.pem \
         -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=codeSigning",
    );
    assert_eq!(fs::read(desk.path("layout/index.json")).unwrap(), before);
    assert_eq!(sign(openssl, &["--certificate=own.pem"]).code, 0);
    assert_eq!(notary_says(&desk).len(), 2);
    desk.ok(["key", "new", "other.pem"]);
    let other = desk.ok(["key", "show", "--certificate", "other.pem"]);
    desk.write("other-certificate.pem", other);
    sign(openssl, &["--certificate=other-certificate.pem"]).failed(1, "key-mismatch");
    sign(openssl, &["--certificate=public.pem"]).failed(1, "key-malformed");
}

#[test]
fn mistakes_have_their_codes_and_change_nothing() {
    let desk = with_key();
    let public = desk.ok(["key", "show", "--public", "key.pem"]);
    desk.write("public.pem", public);
    desk.ok("image copy oci:layout:hello:1 oci-archive:hello.tar".split(' '));
    let before = fs::read(desk.path("layout/index.json")).unwrap();
    for (arguments, code, words) in [
        ("--key public.pem oci:layout", 1, "key-private-missing"),
        ("--key key.pem oci:layout:none", 1, "reference-not-found"),
        ("--key key.pem oci:none", 1, "layout-missing"),
        ("--key key.pem oci-archive:hello.tar", 1, "layout-archive"),
        ("--key key.pem oci:hello.tar", 1, "layout-archive"),
        (
            "--key key.pem --form cosign --expiry 1d oci:layout",
            1,
            "--expiry",
        ),
        ("--key key.pem --expiry 1y oci:layout", 2, "90d"),
        (
            "--key key.pem --sequence 9007199254740992 oci:layout",
            2,
            "sequence",
        ),
        ("--key key.pem --form jws oci:layout", 2, "notary or cosign"),
        ("oci:layout", 2, "--key"),
    ] {
        let words_of = "image sign".split(' ').chain(arguments.split(' '));
        desk.ocre(words_of).failed(code, words);
    }
    assert_eq!(fs::read(desk.path("layout/index.json")).unwrap(), before);
}

#[test]
fn an_image_in_a_registry_is_signed_there() {
    let desk = with_key();
    let registry = Registry::start(&desk);
    let name = registry.name("team/hello:1");
    desk.ok(["image", "copy", "oci:layout:hello:1", &name]);
    desk.ok(["image", "sign", "--key=key.pem", &name]);
    desk.ok(["image", "sign", "--key=key.pem", "--form=cosign", &name]);
    fs::remove_dir_all(desk.path("layout")).unwrap();
    desk.ok(["image", "copy", "--referrers", &name, "oci:layout:hello:1"]);
    assert_eq!(notary_says(&desk), [format!("{} -", digest(&desk))]);
    assert_eq!(sigstore_says(&desk), [format!("{} -", digest(&desk))]);
}
