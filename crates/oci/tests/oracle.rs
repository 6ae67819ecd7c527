// SPDX-License-Identifier: Apache-2.0
//! Other people's parsers agree: what is accepted here is accepted by `oci-spec`
//! and `serde_json`, and means the same.
//!
//! Documents are drawn from the grammar, members right and wrong, by a generator
//! with a fixed seed. Reasoned exceptions:
//!
//! - `oci-spec` knows sha384 and its length; the image format leaves any algorithm
//!   but sha256, sha512 and blake3 to the general grammar. None is drawn here.
//! - `serde_json` refuses numbers beyond the range of a double; here a number that
//!   no rule reads is of no interest.
#![cfg(not(miri))]

mod agree;

use agree::{equal, every_pointer_leads_to_its_value};
use oci_spec::image::{ImageIndex, ImageManifest, OciLayout};
use ocre_oci::{Descriptor, ErrorKind, Index, Layout, Manifest, json};

/// xorshift64*, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Mostly the first choices, which are the right ones.
    fn mostly<T: Copy>(&mut self, right: &[T], wrong: &[T]) -> T {
        if self.below(24) == 0 {
            self.pick(wrong)
        } else {
            self.pick(right)
        }
    }
}

const WRONG: &[&str] = &[
    "null", "1", "-1", "1.5", "true", "\"\"", "\"x\"", "[]", "{}", "[1]",
];
const MEDIA_TYPES: &[&str] = &[
    "\"application/wasm\"",
    "\"application\\/wasm\"",
    "\"application/vnd.wasm.config.v0+json\"",
    "\"application/vnd.ocre.image.config.v1+json\"",
    "\"application/vnd.ocre.image.layer.v1.wasm+aot\"",
    "\"application/vnd.oci.empty.v1+json\"",
    "\"text/plain\"",
];
const DIGESTS: &[&str] = &[
    "\"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
    "\"sha256\\u003a2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
    "\"blake3:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"",
    "\"multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8\"",
    "\"a.b:=_-\"",
];
const WRONG_DIGESTS: &[&str] = &["\"sha256:00\"", "\"a+:b\"", "\"a:\"", "\"a:b/c\"", "5"];
const SIZES: &[&str] = &["5", "0", "2397", "9223372036854775807"];
const WRONG_SIZES: &[&str] = &["-1", "5.0", "5e0", "\"5\"", "9223372036854775808", "null"];
const TEXTS: &[&str] = &["\"\"", "\"a\"", "\"\\u00e9\\ud83d\\ude00\"", "\"é\\n\""];
const SPACES: &[&str] = &["", "", "", " ", "\n\t"];

fn object(random: &mut Random, members: Vec<(&str, String)>) -> String {
    let mut out = String::from("{");
    for (position, (name, value)) in members.iter().enumerate() {
        let comma = if position == 0 { "" } else { "," };
        let space = random.pick(SPACES);
        out += &format!("{comma}{space}\"{name}\":{space}{value}");
    }
    out + "}"
}

fn array(items: Vec<String>) -> String {
    format!("[{}]", items.join(","))
}

fn some(random: &mut Random, most: usize, draw: fn(&mut Random) -> String) -> String {
    let count = random.below(most + 1);
    array((0..count).map(|_| draw(random)).collect())
}

fn text(random: &mut Random) -> String {
    random.mostly(TEXTS, WRONG).into()
}

fn annotations(random: &mut Random) -> String {
    let name = random.pick(&["a", "org.opencontainers.image.ref.name", ""]);
    let members = vec![(name, text(random)), ("b", text(random))];
    object(random, members)
}

fn platform(random: &mut Random) -> String {
    let mut members = vec![];
    for name in ["architecture", "os", "variant", "os.version"] {
        if random.below(8) != 0 {
            members.push((name, text(random)));
        }
    }
    if random.below(3) == 0 {
        members.push(("os.features", some(random, 2, text)));
    }
    object(random, members)
}

fn url(random: &mut Random) -> String {
    random
        .mostly(&["\"https://example.com/\"", "\"urn:a\""], &["\"/a\"", "1"])
        .into()
}

fn descriptor(random: &mut Random) -> String {
    let mut members = vec![];
    if random.below(40) != 0 {
        members.push(("mediaType", random.mostly(MEDIA_TYPES, WRONG).into()));
    }
    if random.below(40) != 0 {
        members.push(("digest", random.mostly(DIGESTS, WRONG_DIGESTS).into()));
    }
    if random.below(40) != 0 {
        members.push(("size", random.mostly(SIZES, WRONG_SIZES).into()));
    }
    match random.below(12) {
        0 => members.push((
            "data",
            random.pick(&["\"aGVsbG8=\"", "\"aGVsbG8\"", "\"\""]).into(),
        )),
        1 => members.push(("urls", some(random, 2, url))),
        2 => members.push(("annotations", annotations(random))),
        3 => members.push(("artifactType", random.mostly(MEDIA_TYPES, WRONG).into())),
        4 => members.push(("platform", platform(random))),
        5 => members.push(("unknown", random.pick(WRONG).into())),
        _ => {}
    }
    object(random, members)
}

/// The members that index and manifest share, around their own.
fn document(random: &mut Random, types: &[&str], own: Vec<(&'static str, String)>) -> String {
    let mut members = vec![];
    if random.below(40) != 0 {
        members.push((
            "schemaVersion",
            random.mostly(&["2"], &["1", "\"2\"", "2.0"]).into(),
        ));
    }
    if random.below(4) != 0 {
        members.push(("mediaType", random.mostly(types, MEDIA_TYPES).into()));
    }
    members.extend(own);
    match random.below(6) {
        0 => members.push(("artifactType", random.mostly(MEDIA_TYPES, WRONG).into())),
        1 => members.push(("subject", descriptor(random))),
        2 => members.push(("annotations", annotations(random))),
        3 => members.push(("unknown", random.pick(WRONG).into())),
        _ => {}
    }
    object(random, members)
}

fn parse(text: &str) -> json::Value<'_> {
    json::parse(text.as_bytes(), &json::Caps::default())
        .unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[track_caller]
fn same(ours: &Descriptor<'_>, theirs: &oci_spec::image::Descriptor) {
    assert_eq!(ours.media_type.to_string(), theirs.media_type().to_string());
    assert_eq!(ours.digest.to_string(), theirs.digest().to_string());
    assert_eq!(ours.size, theirs.size());
    let urls: Vec<_> = ours.urls().map(|url| url.to_string()).collect();
    assert_eq!(urls, theirs.urls().clone().unwrap_or_default());
    let annotations = ours
        .annotations()
        .iter()
        .map(|(k, v)| (k.to_string(), v.to_string()));
    assert_eq!(annotations.collect::<std::collections::HashMap<_, _>>(), {
        theirs.annotations().clone().unwrap_or_default()
    });
    let artifact_type = ours.artifact_type().map(|found| found.to_string());
    assert_eq!(
        artifact_type,
        theirs.artifact_type().as_ref().map(ToString::to_string)
    );
    let platform = ours.platform();
    assert_eq!(platform.is_some(), theirs.platform().is_some());
    if let (Some(ours), Some(theirs)) = (platform, theirs.platform()) {
        assert_eq!(
            ours.architecture.to_string(),
            theirs.architecture().to_string()
        );
        assert_eq!(ours.os.to_string(), theirs.os().to_string());
    }
}

const DRAWS: usize = 20_000;

#[test]
fn oci_spec_takes_every_manifest_that_is_taken_here() {
    let types = [
        "\"application/vnd.oci.image.manifest.v1+json\"",
        "\"application/vnd.ocre.image.manifest.v1+json\"",
    ];
    let mut random = Random(1);
    let mut accepted = 0;
    for _ in 0..DRAWS {
        let own = vec![
            ("config", descriptor(&mut random)),
            ("layers", some(&mut random, 3, descriptor)),
        ];
        let text = document(&mut random, &types, own);
        let Ok(ours) = Manifest::parse(parse(&text), None) else {
            continue;
        };
        accepted += 1;
        let theirs = ImageManifest::from_reader(text.as_bytes())
            .unwrap_or_else(|error| panic!("{error} in {text}"));
        same(&ours.config(), theirs.config());
        assert_eq!(ours.layers().count(), theirs.layers().len());
        for (ours, theirs) in ours.layers().zip(theirs.layers()) {
            same(&ours.descriptor, theirs);
        }
        assert_eq!(ours.subject().is_some(), theirs.subject().is_some());
        if let (Some(ours), Some(theirs)) = (ours.subject(), theirs.subject()) {
            same(&ours, theirs);
        }
    }
    assert!(accepted > DRAWS / 8, "{accepted} accepted");
    assert!(accepted < DRAWS, "nothing was refused");
}

#[test]
fn oci_spec_takes_every_index_that_is_taken_here() {
    let mut random = Random(2);
    let mut accepted = 0;
    for _ in 0..DRAWS {
        let own = vec![("manifests", some(&mut random, 3, descriptor))];
        let text = document(
            &mut random,
            &["\"application/vnd.oci.image.index.v1+json\""],
            own,
        );
        let Ok(ours) = Index::parse(parse(&text)) else {
            continue;
        };
        let entries: Result<Vec<_>, _> = ours.manifests().map(|e| e.descriptor()).collect();
        let Ok(entries) = entries else { continue };
        accepted += 1;
        let theirs = ImageIndex::from_reader(text.as_bytes())
            .unwrap_or_else(|error| panic!("{error} in {text}"));
        assert_eq!(entries.len(), theirs.manifests().len());
        for (ours, theirs) in entries.iter().zip(theirs.manifests()) {
            same(ours, theirs);
        }
    }
    assert!(accepted > DRAWS / 8, "{accepted} accepted");
    assert!(accepted < DRAWS, "nothing was refused");
}

#[test]
fn oci_spec_takes_every_layout_marker_that_is_taken_here() {
    for version in WRONG
        .iter()
        .chain(TEXTS)
        .chain(&["\"1.0.0\"", "\"1\\u002e0.0\""])
    {
        let text = format!("{{\"imageLayoutVersion\":{version}}}");
        if Layout::parse(parse(&text)).is_ok() {
            let theirs = OciLayout::from_reader(text.as_bytes()).unwrap();
            assert_eq!(theirs.image_layout_version(), "1.0.0");
        }
    }
    assert!(Layout::parse(parse("{\"imageLayoutVersion\":\"1\\u002e0.0\"}")).is_ok());
}

#[test]
fn serde_json_agrees_on_the_grammar_in_both_directions() {
    let mut random = Random(3);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..DRAWS {
        // A good text with up to two random bytes put in, taken out or changed.
        let mut bytes = descriptor(&mut random).into_bytes();
        for _ in 0..random.below(3) {
            let at = random.below(bytes.len());
            let byte = random.pick(b"{}[]\",:\\u0019-+.eEtfn \n\x00\x7f\xc3\xa9\xed\xff");
            match random.below(3) {
                0 => bytes.insert(at, byte),
                1 => bytes[at] = byte,
                _ => drop(bytes.remove(at)),
            }
        }
        let ours = json::parse(&bytes, &json::Caps::default());
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        let text = bytes.escape_ascii();
        match ours {
            Ok(value) => {
                accepted += 1;
                match theirs {
                    Ok(theirs) => {
                        equal(value, &theirs);
                        every_pointer_leads_to_its_value(&bytes, value, &theirs);
                    }
                    Err(error) if error.to_string().starts_with("number out of range") => {}
                    Err(error) => panic!("{error} in {text}"),
                }
            }
            Err(error) => {
                refused += 1;
                if error.kind != ErrorKind::JsonDuplicateKey {
                    assert!(theirs.is_err(), "{error} in {text}");
                }
            }
        }
    }
    assert!(
        accepted > DRAWS / 8 && refused > DRAWS / 8,
        "{accepted} to {refused}"
    );
}
