// SPDX-License-Identifier: Apache-2.0
//! Contracts between Rust and C: declarations of C's functions are generated from the headers, and a
//! function for C is compared with its declaration by the compiler, through `defines!`.

use std::collections::BTreeSet;

use crate::BrokenRule;
use crate::repository::{FILES, text};

/// First line of a generated file holds this, behind the header's name.
const GENERATED: &str = "in Rust, written by `cargo xtask generate`.";

/// Replaces functions of libc, whose headers are not ours, in tests that count memory.
const FACES_LIBC: &str = "crates/pc/tests/common/memory.rs";

/// Functions of `ocre.h` that C defines.
const OF_C: [&str; 1] = ["ocre_on_change"];

/// Names in the uses of `defines!` in a file, without the header.
fn compared(file: &syn::File) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in &file.items {
        if let syn::Item::Macro(used) = item
            && used.mac.path.is_ident("defines")
        {
            let tokens = used.mac.tokens.to_string().replace(' ', "");
            let paths = tokens.split(',').filter_map(|path| path.split_once("::"));
            names.extend(paths.map(|(_, name)| name.to_owned()));
        }
    }
    names
}

fn strays(path: &str, text: &str) -> Vec<BrokenRule> {
    let generated = text
        .lines()
        .nth(1)
        .is_some_and(|line| line.ends_with(GENERATED));
    if generated || path == FACES_LIBC || !text.contains("extern \"C\"") {
        return Vec::new();
    }
    let Ok(file) = syn::parse_file(text) else {
        return vec![format!("{path}: is not read")];
    };
    let compared = compared(&file);
    let stray = |item: &syn::Item| match item {
        syn::Item::ForeignMod(_) => Some("declares functions of C by hand".to_owned()),
        syn::Item::Fn(function) => {
            let name = function.sig.ident.to_string();
            let for_c = function.attrs.iter().any(|attribute| {
                let meta = &attribute.meta;
                matches!(meta, syn::Meta::List(list) if list.tokens.to_string() == "no_mangle")
            });
            (for_c && !compared.contains(&name)).then(|| format!("{name}: not in `defines!`"))
        }
        _ => None,
    };
    let found = file.items.iter().filter_map(stray);
    found.map(|what| format!("{path}: {what}")).collect()
}

#[test]
fn every_function_that_faces_c_keeps_to_a_header() {
    let product = FILES
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs"));
    crate::assert_none(
        product
            .flat_map(|file| strays(&file.path, &file.text))
            .collect(),
    );
}

/// Names of the functions that a generated file declares.
fn declared(text: &str) -> BTreeSet<String> {
    let file = syn::parse_file(text).expect("a generated file is Rust");
    let blocks = file.items.into_iter().filter_map(|item| match item {
        syn::Item::ForeignMod(block) => Some(block.items),
        _ => None,
    });
    blocks
        .flatten()
        .filter_map(|item| match item {
            syn::ForeignItem::Fn(function) => Some(function.sig.ident.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn rust_defines_all_of_the_c_api() {
    let source = syn::parse_file(text("crates/zephyr/src/api.rs")).expect("Rust");
    let mut defined = compared(&source);
    defined.extend(OF_C.map(str::to_owned));
    assert_eq!(declared(text("crates/zephyr/src/sys/api.rs")), defined);
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn strays_are_found() {
        let defined = "defines!(port::a);\n#[unsafe(no_mangle)]\nunsafe extern \"C\" fn a() {}\n";
        assert!(strays("a.rs", defined).is_empty());
        let callback = "extern \"C\" fn callback(a: u8) {}";
        assert!(strays("a.rs", callback).is_empty());
        let other = defined.replace("port::a", "port::b");
        assert_eq!(strays("a.rs", &other), ["a.rs: a: not in `defines!`"]);
        let by_hand = "unsafe extern \"C\" { fn a(); }";
        assert_eq!(strays("a.rs", by_hand).len(), 1);
        let generated = format!("// SPDX\n//! `a.h` {GENERATED}\n{by_hand}");
        assert!(strays("a.rs", &generated).is_empty());
        assert_eq!(declared(by_hand), ["a".to_owned()].into());
    }
}
