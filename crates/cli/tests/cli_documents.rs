// SPDX-License-Identifier: Apache-2.0
//! Commands in the running text of the documents. `examples.rs` has those in their blocks.

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::CliFixture;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// README.md and all of docs/.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_command_in_the_text_is_one() {
    let desk = CliFixture::new();
    let all = desk.ok(["help"]);
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for span in text.split('`').skip(1).step_by(2) {
            let Some(words) = span.strip_prefix("ocre ") else {
                continue;
            };
            let words: Vec<&str> = words
                .split_whitespace()
                .take_while(|word| word.bytes().all(|letter| letter.is_ascii_lowercase()))
                .collect();
            let Some(first) = words.first() else {
                continue;
            };
            let group = ["image", "flash", "key", "wasm", "device"].contains(first);
            let mut command = words;
            command.truncate(if group { 2 } else { 1 });
            let mut asked = command.clone();
            asked.insert(0, "help");
            let told = desk.ocre(&asked);
            let place = document.display();
            assert_eq!(told.code, 0, "{place}: `{span}`: {told:?}\n{all}");
            for option in span
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                let option = option.split(['=', ',']).next().unwrap();
                assert!(
                    option == "--" || told.out.contains(option) || all.contains(option),
                    "{place}: `{span}`: {option}"
                );
            }
        }
    }
}
