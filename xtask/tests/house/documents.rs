// SPDX-License-Identifier: Apache-2.0
//! The documents agree with the code, and are brief.

use std::collections::BTreeSet;
use std::fs;
use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use xtask::guests;

use crate::BrokenRule;
use crate::repository::{FILES, text};

/// A README is read to its end.
const README_LINES: usize = 200;

fn too_long(readme: &str) -> Vec<BrokenRule> {
    let lines = readme.lines().count();
    if lines < README_LINES {
        Vec::new()
    } else {
        vec![format!(
            "README.md: {lines} lines, of less than {README_LINES}"
        )]
    }
}

/// Sizes in the table of guests that are off by more than a tenth. `size` gives
/// the bytes of a guest.
fn untrue_sizes(table: &str, size: impl Fn(&str) -> u64) -> Vec<BrokenRule> {
    guests::names()
        .filter_map(|name| {
            let row = table
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")));
            let said =
                row.and_then(|row| row.split('|').nth(3)?.trim().replace(',', "").parse().ok());
            let is = size(name);
            match said {
                None => Some(format!("{name}: has no row with a size")),
                Some(said) if is.abs_diff(said) * 10 <= said => None,
                Some(said) => Some(format!("{name}: has {is} bytes, not {said}")),
            }
        })
        .collect()
}

/// Codes that a source file gives to errors, warnings and refusals: words with hyphens in string
/// literals of functions named `code` or `as_str`, of `coded_enum!`, and of a constant `WORDS`.
fn codes(source: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    collect_codes(
        TokenStream::from_str(source).expect("rustc reads it too"),
        &mut codes,
    );
    codes
}

fn collect_codes(tokens: TokenStream, codes: &mut BTreeSet<String>) {
    let mut after_fn = false;
    let mut in_code = false;
    let mut in_words = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                in_code |= word == "coded_enum" || after_fn && (word == "code" || word == "as_str");
                in_words |= word == "WORDS";
                after_fn = word == "fn";
            }
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => {
                if in_code {
                    codes.extend(literals(body.stream()).filter(|text| is_code(text)));
                } else {
                    collect_codes(body.stream(), codes);
                }
                in_code = false;
            }
            TokenTree::Literal(literal) if in_words => {
                let words = literal.to_string().replace(['\\', '"'], " ");
                let words = words.split_whitespace().filter(|word| is_code(word));
                codes.extend(words.map(str::to_owned));
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => (in_code, in_words) = (false, false),
            _ => {}
        }
    }
}

fn literals(tokens: TokenStream) -> Box<dyn Iterator<Item = String>> {
    Box::new(tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) => literals(group.stream()),
        TokenTree::Literal(literal) => Box::new(std::iter::once(
            literal.to_string().trim_matches('"').to_owned(),
        )),
        _ => Box::new(std::iter::empty()),
    }))
}

/// True for words with dashes between them, and for the one code of a single word.
fn is_code(text: &str) -> bool {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text == "rollback" || text.contains('-') && text.split('-').all(is_word)
}

/// Codes that have no row in the document, and rows that have no code.
fn unlisted_codes(codes: &BTreeSet<String>, document: &str) -> Vec<BrokenRule> {
    let rows = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
    let without_row = codes
        .difference(&rows)
        .map(|code| format!("{code}: has no row"));
    let without_code = rows
        .difference(codes)
        .map(|row| format!("{row}: no code gives it"));
    without_row.chain(without_code).collect()
}

#[test]
fn the_readme_is_short() {
    crate::assert_none(too_long(text("README.md")));
}

/// Codes of the core and of the crates that it shares with the PC.
fn codes_of_the_core() -> BTreeSet<String> {
    let listed = [
        "src/",
        "crates/oci/src/",
        "crates/signature/src/",
        "crates/files/src/",
    ];
    let sources = FILES.iter().filter(|file| {
        let mut folders = listed.iter();
        folders.any(|folder| file.path.starts_with(folder)) && file.path.ends_with(".rs")
    });
    let codes: BTreeSet<String> = sources.flat_map(|file| codes(&file.text)).collect();
    assert!(
        codes.contains("digest-mismatch"),
        "the core has no codes: {codes:?}"
    );
    codes
}

#[test]
fn every_code_has_a_row_that_says_what_to_do() {
    crate::assert_none(unlisted_codes(&codes_of_the_core(), text("docs/errors.md")));
}

/// Codes that fill a buffer of so many bytes, NUL included.
fn too_long_codes(codes: &BTreeSet<String>, bytes: usize) -> Vec<BrokenRule> {
    let long = codes.iter().filter(|code| code.len() >= bytes);
    long.map(|code| format!("{code}: does not fit OCRE_CODE_BYTES"))
        .collect()
}

#[test]
fn every_code_fits_the_buffer_of_the_c_api() {
    let mut lines = text("include/ocre/ocre.h").lines();
    let bytes = lines
        .find_map(|line| line.strip_prefix("#define OCRE_CODE_BYTES "))
        .expect("the header has the length");
    let bytes = bytes.parse().expect("a number");
    crate::assert_none(too_long_codes(&codes_of_the_core(), bytes));
}

#[test]
fn the_sizes_of_the_guests_are_true() {
    let dir = guests::dir();
    crate::assert_none(untrue_sizes(text("samples/containers/README.md"), |name| {
        let path = dir.join(name).with_extension("wasm");
        let file = fs::metadata(&path);
        file.unwrap_or_else(|error| panic!("{}: {error}; run cargo xtask guests", path.display()))
            .len()
    }));
}

#[cfg(test)]
mod planted {
    use super::*;

    #[test]
    fn a_long_readme_is_found() {
        crate::assert_none(too_long(&"a\n".repeat(199)));
        crate::assert_one(too_long(&"a\n".repeat(200)), "200 lines");
    }

    #[test]
    fn codes_are_read_where_they_are_given() {
        let source = r#"
            impl E {
                fn new() -> Self { parse("not-one") }
                pub const fn code(self) -> &'static str {
                    match self { Self::A => "a-code", Self::B(x) => { x; "b-2" } }
                }
                fn as_str(&self) -> &str { match self { _ => "text/plain" } }
                const WORDS: &str = "c-3 \
                    d-4";
            }
            coded_enum! {
                /// Not-one.
                pub enum F { A = "e-5" }
            }
            trait T { fn code(&self) -> u8; fn other() { "not-two" } }
        "#;
        assert_eq!(
            codes(source),
            ["a-code", "b-2", "c-3", "d-4", "e-5"]
                .map(str::to_owned)
                .into()
        );
    }

    #[test]
    fn a_code_that_does_not_fit_is_found() {
        let codes = ["a-code", "long-code"].map(str::to_owned).into();
        crate::assert_none(too_long_codes(&codes, 10));
        crate::assert_one(too_long_codes(&codes, 9), "long-code");
    }

    #[test]
    fn a_code_without_a_row_and_a_row_without_a_code_are_found() {
        let codes = ["a-code", "b-code"].map(str::to_owned).into();
        let both = "| code | what to do |\n|---|---|\n| `a-code` | x |\n| `b-code` | y |\n";
        crate::assert_none(unlisted_codes(&codes, both));
        crate::assert_one(
            unlisted_codes(&codes, "| `a-code` | as `b-code` |"),
            "b-code: has no row",
        );
        let old = format!("{both}| `old-code` | z |");
        crate::assert_one(unlisted_codes(&codes, &old), "old-code: no code");
    }

    #[test]
    fn a_size_that_is_not_true_is_found() {
        let table: String = guests::names()
            .map(|name| format!("| `{name}` | C | 1,000 | x |\n"))
            .collect();
        let grown = |guest: &str| if guest == "kernel" { 1_101 } else { 1_100 };
        crate::assert_one(untrue_sizes(&table, grown), "kernel: has 1101 bytes");
        crate::assert_one(
            untrue_sizes(&table, |guest| if guest == "hello" { 899 } else { 900 }),
            "hello",
        );
        crate::assert_one(
            untrue_sizes(&table.replace("`reader`", "`writer`"), |_| 1_000),
            "reader: has no row",
        );
    }
}
