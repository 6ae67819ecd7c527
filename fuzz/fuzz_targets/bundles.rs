// SPDX-License-Identifier: Apache-2.0
//! Arbitrary text as a bundle's `config.json`: an accepted one asks for nothing that a guest can't
//! get, and means the same however the JSON is spelt.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ocre::port::path;
use ocre_tools::bundle::{self, BundleConfig};
use serde_json::Value;

/// Most bytes of memory for a guest.
const MEMORY: u64 = 256 << 20;

fuzz_target!(|text: &str| {
    let read = bundle::read(text, MEMORY);
    match &read {
        Ok(config) => check(config),
        Err(refusal) => {
            assert!(refusal.code().as_str().starts_with("bundle-"));
            assert!(!refusal.code().hint().is_empty());
        }
    }
    // Without spaces and escapes, and with more of them.
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        // A number with a fraction may be printed as its neighbour.
        if !has_fraction(&value) {
            assert_eq!(bundle::read(&value.to_string(), MEMORY), read);
            assert_eq!(bundle::read(&format!("{value:#}\n"), MEMORY), read);
        }
        if value.get("ociVersion").is_none() && value.get("version").is_none() {
            assert!(read.is_err(), "nobody knows which form that is");
        }
    } else {
        assert!(read.is_err());
    }
});

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        _ => false,
    }
}

fn check(config: &BundleConfig) {
    assert!(!config.processes.is_empty());
    let terminals = config.processes.iter().filter(|process| process.tty);
    assert!(terminals.count() <= 1);
    for process in &config.processes {
        assert!(!process.args.is_empty());
    }
    assert!(config.memory.is_none_or(|memory| memory <= MEMORY));
    for mount in &config.mounts {
        assert_eq!(path::check(&mount.destination), Ok(()));
        let mut names = path::components(&mount.destination).expect("it was checked");
        let first = names.next().expect("/ is the root folder's");
        assert_ne!(first, "dev", "that is for devices");
    }
}
