// SPDX-License-Identifier: Apache-2.0
//! Arbitrary text as a digest, a media type, a reference, and a string of a document: an accepted
//! one prints as it was and is accepted again.
#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use ocre_oci::json::{self, Caps, Value};
use ocre_oci::{DigestRef, MediaType, Reference, Sha256, write};

fuzz_target!(|text: &str| {
    if let Ok(digest) = DigestRef::parse(text) {
        assert_eq!(digest.to_string(), text);
        let sha256 = text.parse::<Sha256>().ok();
        assert_eq!(digest.sha256(), sha256);
        if let Some(sha256) = sha256 {
            assert_eq!(Sha256::from_hex(&sha256.hex().to_string()), Ok(sha256));
        }
    }
    if let Ok(media_type) = MediaType::parse(text) {
        assert_eq!(media_type.to_string(), text);
        assert!(text.is_ascii() && text.len() <= 255);
    }
    match Reference::parse(text) {
        Ok(reference) => {
            assert_eq!(reference.to_string(), text);
            assert!(reference.name().len() <= Reference::MAX_NAME);
            assert!(
                reference
                    .tag()
                    .is_none_or(|tag| tag.len() <= Reference::MAX_TAG)
            );
        }
        Err(error) => assert!(error.offset as usize <= text.len()),
    }

    // As a string, the text means the same however it is spelt. Where it is longer
    // than any digest, that costs time and shows nothing new.
    if text.len() > 140 {
        return;
    }
    let mut plain = String::new();
    write::string(&mut plain, text).expect("a String takes everything");
    let mut escaped = String::from("\"");
    for unit in text.encode_utf16() {
        write!(escaped, "\\u{unit:04X}").expect("a String takes everything");
    }
    escaped.push('"');
    for document in [plain, escaped] {
        let caps = Caps {
            bytes: u32::MAX,
            ..Caps::default()
        };
        let read = json::parse(document.as_bytes(), &caps).and_then(Value::text);
        let read = read.expect("a written string is one");
        assert_eq!(read, text);
        assert_eq!(read.to_string(), text);
        assert_eq!(read.len(), text.len());
        let mut buffer = vec![0; text.len()];
        assert_eq!(read.copy_to(&mut buffer), Some(text));
        let digest = |digest: Result<DigestRef<'_>, _>| digest.map(|digest| digest.to_string());
        assert_eq!(
            digest(DigestRef::parse(read)),
            digest(DigestRef::parse(text))
        );
        assert_eq!(MediaType::parse(read), MediaType::parse(text));
    }
});
