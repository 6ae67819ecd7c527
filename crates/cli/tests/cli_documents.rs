// SPDX-License-Identifier: Apache-2.0
//! Commands in the documents: each block of shell lines is run, in the order of its document,
//! unless a comment before it gives a reason against it.

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::{Desk, done, guest};

/// Beginning of the comment before a block that is not run; the reason follows.
const NOT_RUN: &str = "<!-- not run: ";

/// A block of shell lines.
#[derive(Debug)]
struct Block {
    lines: Vec<String>,
    /// Reason why the block is not run.
    excuse: Option<String>,
}

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

/// The blocks of shell lines in a document.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "```sh" {
            let lines = lines.by_ref().take_while(|line| *line != "```");
            let lines = lines.map(|line| line.split("  #").next().unwrap().trim().to_owned());
            let excuse = before.strip_prefix(NOT_RUN);
            let excuse = excuse.map(|excuse| excuse.trim_end_matches(" -->").to_owned());
            blocks.push(Block {
                lines: lines.filter(|line| !line.is_empty()).collect(),
                excuse,
            });
        }
        before = line;
    }
    blocks
}

#[test]
fn every_shell_line_of_the_documents_works_or_says_why_it_is_not_run() {
    let mut run = 0;
    for document in documents() {
        let name = document.display().to_string();
        let desk = Desk::new();
        let text = fs::read_to_string(&document).unwrap();
        if text.contains("\nocre run --cap gpio --cap timers blinky") {
            image(&desk, "blinky", &["gpio", "timers"]);
            desk.ok(["image", "import", "blinky", "blinky"]);
        }
        for block in blocks(&text) {
            match &block.excuse {
                Some(excuse) => assert!(excuse.len() > 10, "{name}: {block:?}"),
                None => {
                    run += block.lines.len();
                    block
                        .lines
                        .iter()
                        .for_each(|line| works(&desk, &name, line));
                }
            }
        }
    }
    assert!(run >= 3, "only {run} lines were run");
}

fn works(desk: &Desk, document: &str, line: &str) {
    let words = line.strip_prefix("ocre ");
    let words =
        words.unwrap_or_else(|| panic!("{document}: {line}: no command of ocre; {NOT_RUN}…"));
    let ended = done(desk.command(words.split(' ').filter(|word| !word.is_empty())));
    assert_eq!(ended.code, 0, "{document}: {line}: {ended:?}");
}

#[test]
fn blocks_and_excuses_are_found() {
    let text = "a\n```sh\nocre ps   # all\n\nocre ls\n```\nb\n<!-- not run: needs a board -->\n```sh\nwest\n```\n```\nocre x\n```\n";
    let found = blocks(text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].lines, ["ocre ps", "ocre ls"]);
    assert_eq!(found[0].excuse, None);
    assert_eq!(found[1].excuse.as_deref(), Some("needs a board"));
}

/// Packs a sample guest into a layout of its name, as `NAME:1.0`.
fn image(desk: &Desk, name: &str, permissions: &[&str]) {
    let module = guest(name).display().to_string();
    let tag = format!("{name}:1.0");
    let mut words = vec!["image", "pack", "--wasm", &module, "-t", &tag, "-o", name];
    for permission in permissions {
        words.extend(["--permission", permission]);
    }
    desk.ok(words);
}

/// The example of a containers file: it makes containers that run on a device.
#[test]
fn the_containers_file_of_the_document_makes_containers_that_run() {
    let text = fs::read_to_string(root().join("docs/flash-files.md")).unwrap();
    let file = text
        .split("```\n")
        .find(|block| block.contains("create --name"));
    let desk = Desk::new();
    desk.write("containers", file.unwrap());
    for (name, permissions) in [
        ("blinky", &["gpio", "timers"] as &[&str]),
        ("sensor-logger", &["sensors", "timers"]),
    ] {
        image(&desk, name, permissions);
    }
    desk.ok([
        "flash",
        "create",
        "--size",
        "2M",
        "-o",
        "device.bin",
        "--containers",
        "containers",
        "--image",
        "blinky",
        "--image",
        "sensor-logger",
    ]);
    // The device starts the container again, a little after the boot.
    let runs = (0..50).any(|_| {
        let done = desk.shell_on("device.bin", "start probe\nlogs blinker\nps\n");
        assert_eq!(done.code, 0, "{done:?}");
        assert!(!done.out.contains("permission"), "{done:?}");
        let list = done.out.lines().find(|line| line.starts_with("blinker"));
        let list = list.unwrap_or_else(|| panic!("{done:?}"));
        assert!(
            list.contains("blinky:1.0") && !list.contains("exited"),
            "{done:?}"
        );
        list.contains(" running ")
    });
    assert!(runs, "it never runs");
}

/// Commands in the running text.
#[test]
fn every_command_in_the_text_is_one() {
    let desk = Desk::new();
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
            let group = ["image", "flash", "wasm", "device"].contains(first);
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
