// SPDX-License-Identifier: Apache-2.0
//! The two documents that Ocre publishes: nobody here made them.

use ocre_oci::{Config, ConfigType, Format, LayerKind, Manifest, Naming, Sha256, json};

const MANIFEST: &[u8] = include_bytes!("../../../testdata/vectors/ocre-manifest.json");
const CONFIG: &[u8] = include_bytes!("../../../testdata/vectors/ocre-config.json");

#[test]
fn digests_are_the_published_ones() {
    let published = "b11ba766595f3bf6b1db36019cb09decc88aca35ff44dc5ae70bd88d4f188be4";
    assert_eq!(Sha256::of(MANIFEST).hex().to_string(), published);
    assert_eq!(MANIFEST.len(), 445);
    assert_eq!(CONFIG.len(), 196);
}

#[test]
fn manifest_and_config_are_accepted_and_agree() {
    let caps = json::Caps::default();
    let manifest = Manifest::parse(json::parse(MANIFEST, &caps).unwrap(), None).unwrap();
    assert_eq!(manifest.config_type(), ConfigType::Wasm);
    assert_eq!(manifest.config().digest, Sha256::of(CONFIG));
    assert_eq!(manifest.config().size, 196);
    assert!(manifest.warnings().is_empty());

    let executable = manifest.executable().unwrap();
    assert_eq!(executable.index, 0);
    assert_eq!(executable.descriptor.size, 2397);
    let kind = LayerKind::Executable {
        format: Format::Wasm,
        naming: Naming::Current,
    };
    assert_eq!(executable.kind, kind);

    let value = json::parse(CONFIG, &caps).unwrap();
    let config = Config::parse(value, manifest.config_type(), &manifest).unwrap();
    assert_eq!(config.entry_point(), "on_init");
    assert_eq!(config.env().count(), 0);
    assert_eq!(config.permissions().count(), 0);
}
