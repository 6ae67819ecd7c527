// SPDX-License-Identifier: Apache-2.0
//! Arbitrary bytes as every document of an image.
//!
//! An input is one document, or a manifest and its config with a byte 0xff, which no UTF-8 has,
//! between them. Checked: nothing panics; every error lies within its document; every value, and
//! the place of every syntax error, has a pointer; `serde_json` reads the same from accepted
//! documents, and refuses those with broken syntax; `parse` and `check` agree; and written
//! documents read back equal.
#![no_main]

use std::fmt;
use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use ocre_oci::json::{self, Caps, Kind, Value};
use ocre_oci::{Config, ConfigType, Descriptor, Error, ErrorKind, Index, Layout, Manifest};
use ocre_oci::{ErrorReport, MediaType, REF_NAME, write};

#[path = "../../crates/oci/tests/agree/mod.rs"]
mod agree;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == 0xff);
    let first = parts.next().unwrap_or_default();
    let Some(value) = read(first) else { return };
    let _ = verdict(first, Layout::parse(value), |report| {
        Layout::check(value, report)
    });
    let _ = verdict(first, Descriptor::parse(value), |report| {
        Descriptor::check(value, report)
    })
    .map(|descriptor| use_descriptor(&descriptor));
    let _ = verdict(first, Index::parse(value), |report| {
        Index::check(value, report)
    })
    .map(|index| use_index(&index));
    let described = MediaType::parse("application/vnd.ocre.image.manifest.v1+json").ok();
    for described_as in [None, described] {
        let parsed = Manifest::parse(value, described_as);
        let check = |report: ErrorReport<'_>| Manifest::check(value, described_as, report);
        if let Ok(manifest) = verdict(first, parsed, check) {
            use_manifest(&manifest, parts.next());
        }
    }
});

/// Reads a document and compares with `serde_json`.
fn read(document: &[u8]) -> Option<Value<'_>> {
    let theirs = serde_json::from_slice::<serde_json::Value>(document);
    match json::parse(document, &Caps::default()) {
        Ok(value) => {
            match theirs {
                Ok(theirs) => {
                    agree::equal(value, &theirs);
                    agree::every_pointer_leads_to_its_value(document, value, &theirs);
                }
                // A number that no double holds; none of ours is read as one.
                Err(error) => assert!(error.to_string().starts_with("number out of range")),
            }
            rewritten(value);
            Some(value)
        }
        Err(error) => {
            located(document, error);
            let pointer = json::pointer(document, error.offset).to_string();
            assert!(!pointer.contains(char::is_control));
            let broken = matches!(
                error.kind,
                ErrorKind::JsonSyntax | ErrorKind::JsonUtf8 | ErrorKind::JsonTrailingData
            );
            assert!(!broken || theirs.is_err(), "{error}");
            None
        }
    }
}

fn located(document: &[u8], error: Error) {
    assert!(usize::try_from(error.offset).is_ok_and(|offset| offset <= document.len()));
}

/// `parse` stops at the first of the errors that `check` reports.
fn verdict<T>(
    document: &[u8],
    parsed: Result<T, Error>,
    check: impl FnOnce(ErrorReport<'_>) -> ControlFlow<()>,
) -> Result<T, Error> {
    let mut first = None;
    let flow = check(&mut |error| {
        located(document, error);
        first.get_or_insert(error);
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    assert_eq!(parsed.as_ref().err(), first.as_ref());
    parsed
}

fn use_descriptor(descriptor: &Descriptor<'_>) {
    if let Some(data) = descriptor.data() {
        assert_eq!(data.bytes().count() as u64, descriptor.size);
    }
    let platform = descriptor.platform();
    assert_eq!(
        platform.is_some(),
        descriptor.value().get("platform").is_some()
    );
    let urls = descriptor
        .value()
        .get("urls")
        .map_or(0, |urls| urls.elements().count());
    assert_eq!(descriptor.urls().count(), urls);
    for (name, text) in descriptor.annotations().iter() {
        assert!(descriptor.annotations().get(&name.to_string()) == Some(text));
    }
}

fn use_index(index: &Index<'_>) {
    let mut text = String::new();
    let written = write::index(&mut text, |out| {
        index
            .manifests()
            .try_for_each(|entry| out.annotated(&entry, &[(REF_NAME, Some(&"new\"name\n"))]))
    });
    assert_eq!(written, Ok(()));
    // Names and brackets that are added may reach a cap; nothing else may differ.
    let caps = Caps {
        bytes: u32::MAX,
        depth: u8::MAX,
        entries: u16::MAX,
    };
    let Ok(value) = json::parse(text.as_bytes(), &caps) else {
        return;
    };
    let renamed = Index::parse(value).expect("a written index is one");
    assert_eq!(renamed.manifests().count(), index.manifests().count());
    for (old, new) in index.manifests().zip(renamed.manifests()) {
        let name = new.reference_name().expect("it was given one");
        assert!(name == "new\"name\n");
        if let Ok(old) = old.descriptor() {
            use_descriptor(&old);
            let new = new.descriptor().expect("everything else is as it was");
            assert!(old.media_type == new.media_type && old.digest == new.digest);
            assert_eq!(old.size, new.size);
        }
    }
}

fn use_manifest(manifest: &Manifest<'_>, config: Option<&[u8]>) {
    use_descriptor(&manifest.config());
    manifest
        .layers()
        .for_each(|layer| use_descriptor(&layer.descriptor));
    if let Some(subject) = manifest.subject() {
        use_descriptor(&subject);
    }
    let executables = manifest
        .layers()
        .filter(|layer| layer.is_executable())
        .count();
    assert_eq!(manifest.executable().is_ok(), executables == 1);
    assert_eq!(
        manifest.warnings().is_empty(),
        manifest.warnings().iter().count() == 0
    );

    let Some(document) = config else { return };
    let Some(value) = read(document) else { return };
    for config_type in [
        ConfigType::Wasm,
        ConfigType::Ocre,
        ConfigType::WasmToOci,
        manifest.config_type(),
    ] {
        let parsed = Config::parse(value, config_type, manifest);
        let check = |report: ErrorReport<'_>| Config::check(value, config_type, manifest, report);
        if let Ok(config) = verdict(document, parsed, check) {
            assert!(!config.entry_point().is_empty());
            assert!(
                config
                    .env()
                    .all(|entry| entry.chars().skip(1).any(|c| c == '='))
            );
            let _ = config.check_permissions(|_| false, &mut |error| {
                located(document, error);
                ControlFlow::Continue(())
            });
        }
    }
}

/// Writes the document again, member by member, and compares.
fn rewritten(value: Value<'_>) {
    let mut text = String::new();
    let written = write::object(&mut text, |out| member(out, &"", value));
    assert_eq!(written, Ok(()));
    let caps = Caps {
        bytes: u32::MAX,
        depth: u8::MAX,
        entries: u16::MAX,
    };
    let Ok(again) = json::parse(text.as_bytes(), &caps) else {
        return;
    };
    same(value, again.get("").expect("it was written"));
}

fn member(out: &mut write::Object<'_>, name: &dyn fmt::Display, value: Value<'_>) {
    let text = name.to_string();
    match value.kind() {
        Kind::Object => out.object(&text, |out| {
            value
                .members()
                .for_each(|(name, value)| member(out, &name, value));
        }),
        Kind::Array => out.array(&text, |out| {
            value.elements().for_each(|value| element(out, value));
        }),
        Kind::String => out.display(&text, &value.text().expect("it is one")),
        Kind::Null => out.null(&text),
        Kind::Bool => out.boolean(&text, value.source() == "true"),
        Kind::Number => match value.unsigned() {
            Ok(number) => out.unsigned(&text, number),
            Err(_) => out.copy(name, value),
        },
    }
}

fn element(out: &mut write::Array<'_, '_>, value: Value<'_>) {
    match value.kind() {
        Kind::Object => out.object(|out| {
            value
                .members()
                .for_each(|(name, value)| member(out, &name, value));
        }),
        Kind::String => out.display(&value.text().expect("it is one")),
        _ => out.copy(value).expect("a String takes everything"),
    }
}

fn same(old: Value<'_>, new: Value<'_>) {
    assert_eq!(old.kind(), new.kind());
    match old.kind() {
        Kind::String => assert_eq!(old.text(), new.text()),
        Kind::Object | Kind::Array => {
            let count = |value: Value<'_>| value.members().count() + value.elements().count();
            assert_eq!(count(old), count(new));
            for ((old_name, old), (new_name, new)) in old.members().zip(new.members()) {
                assert_eq!(old_name, new_name);
                same(old, new);
            }
            old.elements()
                .zip(new.elements())
                .for_each(|(old, new)| same(old, new));
        }
        _ => assert_eq!(old.source(), new.source()),
    }
}
