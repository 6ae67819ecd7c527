// SPDX-License-Identifier: Apache-2.0
//! Texts of `--help`, the manual, and completions of shells.

mod cli;

use std::fs;
use std::process::Command;

use cli::registry::Registry;
use cli::{CliFixture, done, guest};

/// The commands with examples, in the order in which those build on each other.
const COMMANDS: [&str; 15] = [
    "new",
    "build",
    "aot",
    "image pack",
    "image verify",
    "image import",
    "image copy",
    "image push",
    "image pull",
    "image extract",
    "wasm run",
    "shell",
    "completion",
    "man",
    "flash create",
];

#[test]
fn every_example_works() {
    let desk = CliFixture::new();
    let registry = Registry::start(&desk);
    fs::copy(guest("hello-c"), desk.path("hello.wasm")).unwrap();
    desk.write("notes.txt", "notes\n");
    for command in COMMANDS {
        let help = desk.ok(command.split(' ').chain(["--help"]));
        let examples = help
            .split("Examples:\n")
            .nth(1)
            .unwrap_or_else(|| panic!("{command}: {help}"));
        let examples: Vec<&str> = examples
            .lines()
            .map_while(|line| line.strip_prefix("  ocre "))
            .collect();
        assert!(!examples.is_empty(), "{command}: {help}");
        for example in examples {
            assert!(example.starts_with(command), "{command}: {example}");
            let words = example.replace("localhost:5000", &registry.address.to_string());
            let mut run = desk.command(words.split(' '));
            run.env("XDG_CACHE_HOME", desk.path("cache"))
                .env("DOCKER_CONFIG", desk.path("docker"));
            let done = done(run);
            assert_eq!(done.code, 0, "ocre {example}: {done:?}");
        }
    }
}

#[test]
fn there_is_a_page_for_each_command() {
    let desk = CliFixture::new();
    desk.ok(["man", "pages"]);
    for (page, said) in [
        ("ocre", "Build, verify and run"),
        ("ocre-run", "Grant a permission"),
        ("ocre-image-pull", "\\-\\-platform"),
        ("ocre-image-ls", "List the images"),
        ("ocre-build", "ocre build hello"),
    ] {
        let text = fs::read_to_string(desk.path(&format!("pages/{page}.1"))).unwrap();
        assert!(
            said.split('|').any(|said| text.contains(said)),
            "{page}: {text}"
        );
        assert!(text.contains(&format!(".TH {page} 1")), "{text}");
    }
    desk.ok(["man", "again"]);
    for page in fs::read_dir(desk.path("pages")).unwrap() {
        let path = page.unwrap().path();
        let again = desk.path("again").join(path.file_name().unwrap());
        assert_eq!(fs::read(&path).unwrap(), fs::read(again).unwrap());
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let desk = CliFixture::new();
    desk.write("ocre.bash", desk.ok(["completion", "bash"]));
    let completed = |words: &str| {
        let count = words.split(' ').count() - 1;
        let script = format!(
            ". ./ocre.bash; COMP_WORDS=({words}); [ \"${{#COMP_WORDS[@]}}\" -gt {count} ] || COMP_WORDS+=(''); \
             COMP_CWORD={count}; _ocre ocre \"${{COMP_WORDS[{count}]}}\" \"${{COMP_WORDS[$(({count}-1))]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", &script])
            .current_dir(desk.path("."));
        let done = done(bash);
        assert_eq!(done.code, 0, "{done:?}");
        done.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for (words, expected) in [
        ("ocre im", "image"),
        ("ocre ru", "run"),
        ("ocre image pu", "pull"),
        ("ocre image l", "ls"),
        ("ocre image pull --pla", "--platform"),
        ("ocre run --res", "--restart"),
        ("ocre completion f", "fish"),
    ] {
        let found = completed(words);
        assert!(
            found.iter().any(|found| found == expected),
            "{words}: {found:?}"
        );
    }
}

#[test]
fn zsh_and_fish_are_told_of_every_command() {
    let desk = CliFixture::new();
    for shell in ["zsh", "fish"] {
        let script = desk.ok(["completion", shell]);
        for word in [
            "build",
            "run",
            "image",
            "pull",
            "inspect",
            "restart",
            "trusted-key",
        ] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert!(
        desk.ok(["completion", "zsh"])
            .starts_with("#compdef ocre\n")
    );
    // Words that are operands, which clap leaves out.
    let script = desk.ok(["completion", "fish"]);
    for (command, words) in [("completion", "bash zsh fish"), ("new", "rust c")] {
        let line = format!(
            "complete -c ocre -n \"__fish_ocre_using_subcommand {command}\" -f -a \"{words}\"\n"
        );
        assert!(script.contains(&line), "{line}");
    }
    desk.ocre(["completion", "tcsh"]).failed(2, "bash");
}
