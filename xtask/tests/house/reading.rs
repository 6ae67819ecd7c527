// SPDX-License-Identifier: Apache-2.0
//! Opening files on the PC: through `ocre-files` alone, which takes regular files up to a cap.
//! Whatever else opens a file may block on a pipe or read a device without an end.

use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::BrokenRule;
use crate::repository::{FILES, File};

/// The crates that read files which users, bundles and layouts name.
const READERS: [&str; 4] = [
    "crates/pc/src/",
    "crates/tools/src/",
    "crates/cli/src/",
    "crates/registry/src/",
];

/// Files that are built for tests alone.
const TESTS: [&str; 1] = ["crates/cli/src/flash_check/sweep.rs"];

/// Functions and types of std that open or read a file by its path, as path segments.
const FORBIDDEN: [[&str; 2]; 5] = [
    ["fs", "read"],
    ["fs", "read_to_string"],
    ["fs", "OpenOptions"],
    ["File", "open"],
    ["File", "options"],
];

fn findings(files: &[File]) -> Vec<BrokenRule> {
    let read = files.iter().filter(|file| {
        READERS.iter().any(|folder| file.path.starts_with(folder))
            && file.path.ends_with(".rs")
            && !TESTS.contains(&&*file.path)
    });
    read.flat_map(|file| {
        let tokens = TokenStream::from_str(&file.text).expect("rustc reads it too");
        let mut found = Vec::new();
        collect(tokens, &mut found);
        found.into_iter().map(|[module, name]| {
            format!(
                "{}: {module}::{name}: open files with ocre-files",
                file.path
            )
        })
    })
    .collect()
}

/// Forbidden paths outside of tests, in code and in imports.
fn collect(tokens: TokenStream, found: &mut Vec<[&'static str; 2]>) {
    let mut module = String::new();
    let mut last = String::new();
    let mut for_tests = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                let word = word.to_string();
                note(&module, &word, found);
                last = word;
                module.clear();
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => {
                if !last.is_empty() {
                    module = std::mem::take(&mut last);
                }
            }
            TokenTree::Punct(mark) => {
                for_tests &= mark.as_char() != ';';
                module.clear();
                last.clear();
            }
            TokenTree::Group(group) => {
                let is_body = group.delimiter() == Delimiter::Brace;
                if group.delimiter() == Delimiter::Bracket {
                    for_tests |= group.stream().to_string() == "cfg (test)";
                } else if is_body && !module.is_empty() {
                    imports(&module, group.stream(), found);
                }
                if !(is_body && for_tests) {
                    collect(group.stream(), found);
                }
                for_tests &= !is_body;
                module.clear();
                last.clear();
            }
            TokenTree::Literal(_) => {}
        }
    }
}

/// Names of an import such as `fs::{self, read}`.
fn imports(module: &str, list: TokenStream, found: &mut Vec<[&'static str; 2]>) {
    for token in list {
        if let TokenTree::Ident(word) = token {
            note(module, &word.to_string(), found);
        }
    }
}

fn note(module: &str, name: &str, found: &mut Vec<[&'static str; 2]>) {
    found.extend(
        FORBIDDEN
            .iter()
            .filter(|[folder, forbidden]| *folder == module && *forbidden == name),
    );
}

#[test]
fn the_pc_opens_files_in_one_place() {
    crate::assert_none(findings(&FILES));
}

#[cfg(test)]
mod planted {
    use super::*;

    fn of(text: &str) -> Vec<BrokenRule> {
        findings(&[File {
            path: "crates/pc/src/a.rs".into(),
            text: text.into(),
        }])
    }

    #[test]
    fn another_way_to_open_a_file_is_found() {
        for text in [
            "fn f() { std::fs::read(path); }",
            "fn f() { g(|| fs::read_to_string(path)); }",
            "use std::fs::read;",
            "use std::fs::{self, read_to_string};",
            "use std::{fs::{File, OpenOptions}, io};",
            "fn f() { File::open(path) }",
            "fn f() { fs::File::options() }",
        ] {
            crate::assert_one(of(text), "ocre-files");
        }
    }

    #[test]
    fn tests_and_other_words_are_none() {
        crate::assert_none(of("use std::fs; fn f() { fs::read_dir(p); file.read(b); }"));
        crate::assert_none(of("#[cfg(test)] mod tests { fn f() { fs::read(p); } }"));
        crate::assert_none(of("// fs::read(path)\nconst A: &str = \"fs::read(p)\";"));
    }

    #[test]
    fn code_after_the_tests_is_read() {
        crate::assert_one(
            of("#[cfg(test)] mod tests {} fn f() { fs::read(p); }"),
            "fs::read",
        );
        crate::assert_one(of("#[cfg(test)] use a::b; fn f() { fs::read(p); }"), "fs");
    }
}
