// SPDX-License-Identifier: Apache-2.0
//! The SDKs declare the functions of the table: the same names, parameters and results.

use std::collections::BTreeMap;

use ocre_guest_api::FUNCTIONS;

const C: &str = include_str!("../../../sdk/c/ocre.h");
const RUST: &str = include_str!("../../../sdk/rust/src/sys.rs");

/// Letters of the parameters and of the result.
type SignatureLetters = (String, String);

fn table() -> BTreeMap<&'static str, SignatureLetters> {
    let functions = FUNCTIONS.iter();
    let entry = |function: &ocre::port::HostFunction| {
        let (parameters, result) = function.types();
        assert_eq!(result.len(), 1, "{}", function.name());
        (function.name(), (parameters.into(), result.into()))
    };
    functions.map(entry).collect()
}

/// Letter of the WebAssembly type for a type of C or Rust.
fn letter(declared: &str) -> &'static str {
    let pointer = declared.contains('*');
    match declared.split_whitespace().next() {
        _ if pointer => "i",
        Some("int" | "uint32_t" | "i32" | "u32") => "i",
        Some("double" | "f64") => "F",
        _ => panic!("{declared}: an unknown type"),
    }
}

fn parameters(list: &str, type_of: impl Fn(&str) -> &str) -> String {
    let list = list.split(',').map(str::trim);
    let declared = list.filter(|one| !one.is_empty() && *one != "void");
    declared.map(|one| letter(type_of(one))).collect()
}

/// Signatures of the header's prototypes, by the names of their imports.
fn in_c() -> BTreeMap<&'static str, SignatureLetters> {
    let import = |(at, _): (usize, &str)| {
        let before = &C[..at];
        let result = before.trim_end().rsplit(['\n', ' ']).find(|word| {
            // The attribute stands between the result and a spelt-out import.
            ["int", "double"].contains(word)
        });
        let (name, rest) = if let Some(rest) = C[at..].strip_prefix("OCRE_IMPORT(") {
            rest.split_once(')').unwrap()
        } else {
            let (_, rest) = C[at..].split_once("import_name(\"").unwrap();
            rest.split_once("\")").unwrap()
        };
        let (_, rest) = rest.split_once('(').unwrap();
        let (list, _) = rest.split_once(");").unwrap();
        let result = letter(result.unwrap()).into();
        (name, (parameters(list, |one| one), result))
    };
    let (defined, _) = C.match_indices("OCRE_IMPORT(name)").next().unwrap();
    let body = |at: &usize| *at > defined + "OCRE_IMPORT(name)".len();
    let short = C.match_indices("OCRE_IMPORT(");
    let spelt_out = C.match_indices("__attribute__((import_module(\"env\"), import_name(\"");
    short
        .chain(spelt_out)
        .filter(|(at, _)| body(at))
        .map(import)
        .collect()
}

/// Signatures of the list of imports.
fn in_rust() -> BTreeMap<&'static str, SignatureLetters> {
    let (_, list) = RUST.split_once("\nimports! {").unwrap();
    let functions = list.split("fn ").skip(1);
    let import = |text: &'static str| {
        let (name, rest) = text.split_once('(').unwrap();
        let (list, rest) = rest.split_once(") -> ").unwrap();
        let (result, _) = rest.split_once(';').unwrap();
        let type_of = |one: &str| one.split_once(": ").unwrap().1.to_owned();
        let list: Vec<String> = list
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(type_of)
            .collect();
        (
            name,
            (
                parameters(&list.join(","), |one| one),
                letter(result).into(),
            ),
        )
    };
    functions.map(import).collect()
}

#[test]
fn the_header_for_c_declares_every_function_as_it_is() {
    assert_eq!(in_c(), table());
}

#[test]
fn the_crate_for_rust_imports_functions_as_they_are() {
    let (declared, table) = (in_rust(), table());
    for (name, signature) in &declared {
        assert_eq!(Some(signature), table.get(name), "{name}");
    }
    // The crate uses numbers, not names, and never calls a dispatcher.
    let missing: Vec<_> = table
        .keys()
        .filter(|name| !declared.contains_key(*name))
        .collect();
    assert_eq!(
        missing,
        [
            &"ocre_register_dispatcher",
            &"ocre_sensors_get_channel_count_by_name",
            &"ocre_sensors_get_channel_type_by_name",
            &"ocre_sensors_get_handle",
            &"ocre_sensors_open_by_name",
            &"ocre_sensors_read_by_name",
        ]
    );
}
