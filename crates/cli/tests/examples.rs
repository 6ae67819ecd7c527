// SPDX-License-Identifier: Apache-2.0
//! Examples in the documents. Each fenced block of each Markdown file is run, parsed or compiled, or
//! gives a reason against it; the section "Examples" of CONTRIBUTING.md explains the marks.

mod cli;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::registry::Registry;
use cli::{CliFixture, child, done, guest, python};

/// Reasons why a block is not run, as in `no-run=REASON`, and texts of which such a block has one.
const REASONS: [(&str, &[&str]); 3] = [
    ("cargo", &["cargo "]),
    ("device", &["ocre "]),
    ("west", &["west ", "ocre:~$ ", "$ZEPHYR_BASE"]),
];

/// Programs that the lines of a block may begin with.
const PROGRAMS: [&str; 3] = ["ocre", "oras", "sed"];

/// Commands that prepare the folder of a page: what its text takes for granted. `$GUESTS` is the
/// folder of the sample guests, `$ROOT` this repository.
const BEFORE: [(&str, &str); 5] = [
    (
        "docs/flash-check.md",
        "ocre image pack --wasm $GUESTS/hello.wasm -t hello -o layout
         ocre image import layout:hello
         mkdir greeter && echo kept > greeter/notes
         ocre flash cp --parents greeter flash.bin:/lost+found/greeter",
    ),
    (
        "docs/flash-files.md",
        "ocre image pack --wasm $GUESTS/blinky.wasm -t blinky:1.0 --permission gpio,timers -o layout
         ocre image pack --wasm $GUESTS/sensor-logger.wasm -t sensor-logger:1.0 --permission sensors,timers -o layout",
    ),
    ("docs/images.md", "cp $GUESTS/hello-c.wasm hello.wasm"),
    (
        "docs/permissions.md",
        "mkdir blinky && cp $ROOT/sdk/c/ocre.h blinky",
    ),
    ("docs/trust.md", "cp $GUESTS/hello.wasm hello.wasm"),
];

/// Address of a registry in the documents; the tests' own takes its place.
const REGISTRY: &str = "localhost:5000";

/// `oras`, with the arguments of its command `push` that the documents use.
const ORAS: &str = "import sys\nfrom oras.client import OrasClient\n\
    push, target, config_option, config, *files = sys.argv[1:]\n\
    assert (push, config_option) == ('push', '--config'), sys.argv\n\
    client = OrasClient(hostname=target.split('/')[0], insecure=True)\n\
    client.push(target=target, files=files, manifest_config=config)\n";

/// A fenced block of a document.
#[derive(PartialEq, Eq, Debug, Default)]
struct Block {
    /// Line of the opening fence, from 1.
    line: usize,
    language: String,
    /// Name of the file that the block is the content of.
    file: Option<String>,
    /// Reason why the block is not run.
    excuse: Option<String>,
    text: String,
}

/// Treatment of a block that is as it should be.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
enum BlockResult {
    Run,
    Parsed,
    Compiled,
    /// Written to a file, for a block that follows.
    Written,
    /// Run by `cargo test --doc`.
    Doctest,
    Picture,
    NotRun(String),
}

/// Finds the fenced blocks of a document.
fn blocks(document: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = (1..).zip(document.lines());
    while let Some((line, text)) = lines.next() {
        let Some(information) = text.trim_start().strip_prefix("```") else {
            if text.trim_start().starts_with("~~~") {
                return Err(format!("line {line}: a fence is written ```"));
            }
            continue;
        };
        let mut words = information.split_ascii_whitespace();
        let mut block = Block {
            line,
            language: words.next().unwrap_or_default().to_owned(),
            ..Block::default()
        };
        for word in words {
            match word.split_once('=') {
                Some(("file", name)) => block.file = Some(name.to_owned()),
                Some(("no-run", reason)) => block.excuse = Some(reason.to_owned()),
                // Of rustdoc.
                _ if word == "no_run" && block.language == "rust" => {}
                _ => return Err(format!("line {line}: unknown mark {word}")),
            }
        }
        loop {
            match lines.next() {
                Some((_, text)) if text.trim() == "```" => break,
                Some((_, text)) => block.text += &format!("{text}\n"),
                None => return Err(format!("line {line}: the block does not end")),
            }
        }
        blocks.push(block);
    }
    Ok(blocks)
}

/// Commands of a `console` block, with what each prints.
fn dialogue(text: &str) -> Result<Vec<(&str, Vec<&str>)>, String> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, shown))) => shown.push(line),
            (None, None) => return Err(format!("no command, which begins with `$ `: {line}")),
        }
    }
    Ok(commands)
}

/// True where lines are as the document shows them: `…` stands for any text of a line, and a line
/// of `…` for any lines.
fn shows(shown: &[&str], lines: &[&str]) -> bool {
    match shown {
        [] => lines.is_empty(),
        ["…", rest @ ..] => (0..=lines.len()).any(|skipped| shows(rest, &lines[skipped..])),
        [first, rest @ ..] => lines
            .split_first()
            .is_some_and(|(line, lines)| is_like(first, line) && shows(rest, lines)),
    }
}

fn is_like(shown: &str, line: &str) -> bool {
    let Some((head, tail)) = shown.split_once('…') else {
        return shown == line;
    };
    line.strip_prefix(head).is_some_and(|line| {
        let mut ends = line.char_indices().map(|(at, _)| at).chain([line.len()]);
        ends.any(|at| is_like(tail, &line[at..]))
    })
}

/// A document, and the folder in which its blocks are run one after the other.
struct Page {
    path: String,
    desk: CliFixture,
    registry: Option<Registry>,
}

impl Page {
    fn new(path: &str) -> Self {
        let page = Self {
            path: path.to_owned(),
            desk: CliFixture::new(),
            registry: None,
        };
        if let Some((_, script)) = BEFORE.iter().find(|(of, _)| *of == path) {
            let output = page.shell(script);
            output.unwrap_or_else(|problem| panic!("before {path}: {problem}"));
        }
        page
    }

    /// Treats a block by its language and marks.
    fn check(&mut self, block: &Block) -> Result<BlockResult, String> {
        if let Some(reason) = &block.excuse {
            return not_run(&self.desk, reason, &block.text);
        }
        let mut text = block.text.clone();
        if text.contains(REGISTRY) {
            let registry = self
                .registry
                .get_or_insert_with(|| Registry::start(&self.desk));
            text = text.replace(REGISTRY, &registry.address.to_string());
        }
        if let Some(file) = &block.file {
            self.desk.write(file, &text);
        }
        match &*block.language {
            "sh" => self.script(&text),
            "console" => self.console(&text),
            "json" => parsed(serde_json::from_str::<serde_json::Value>(&text)),
            "toml" => parsed(toml::from_str::<toml::Table>(&text)),
            "c" => self.compile(&text),
            "cmake" => calls_of_cmake(&text),
            "rust" => doctest(&self.path),
            "mermaid" => Ok(BlockResult::Picture),
            "text" if block.file.is_some() => Ok(BlockResult::Written),
            "text" => picture(&text),
            other => Err(format!(
                "the language {other:?} is not known; `text` is for a picture"
            )),
        }
    }

    fn script(&self, text: &str) -> Result<BlockResult, String> {
        text.lines().try_for_each(known_program)?;
        self.shell(text).map(|_| BlockResult::Run)
    }

    fn console(&self, text: &str) -> Result<BlockResult, String> {
        for (command, shown) in dialogue(text)? {
            known_program(command)?;
            let output = self.shell(command)?;
            let lines: Vec<&str> = output.lines().collect();
            if !shows(&shown, &lines) {
                return Err(format!("`{command}` prints\n{output}"));
            }
        }
        Ok(BlockResult::Run)
    }

    fn compile(&self, text: &str) -> Result<BlockResult, String> {
        let source = self.desk.write("example.c", text);
        let mut compiler = Command::new("clang");
        // A guest includes the one header, firmware the other.
        if text.contains("\"ocre.h\"") {
            compiler.args(["--target=wasm32-wasi", "-I"]);
            compiler.arg(root().join("sdk/c"));
        } else {
            compiler.arg("-I").arg(root().join("include"));
        }
        compiler.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]);
        compiler.arg(source);
        let compiled = done(compiler);
        match compiled.code {
            0 => Ok(BlockResult::Compiled),
            _ => Err(compiled.err),
        }
    }

    /// Runs lines of a shell, all of which must succeed. Returns what they print.
    fn shell(&self, script: &str) -> Result<String, String> {
        let program = Path::new(env!("CARGO_BIN_EXE_ocre")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let functions = format!("oras() {{ '{}' -c \"$ORAS\" \"$@\"; }}", python_path());
        let mut command = Command::new("sh");
        command
            .args(["-euc", &format!("exec 2>&1\n{functions}\n{script}")])
            .current_dir(self.desk.path("."))
            .env("PATH", path)
            .env("ORAS", ORAS)
            .env("ROOT", root())
            .env("GUESTS", guest("hello").parent().unwrap())
            .env("OCRE_FLASH", self.desk.path("flash.bin"))
            .env("DOCKER_CONFIG", self.desk.path("docker"))
            .env_remove("NO_COLOR");
        child::tied(&mut command);
        let ended = done(command);
        match ended.code {
            0 => Ok(ended.out),
            code => Err(format!("{script}\nends with {code}:\n{}", ended.out)),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python_path() -> String {
    python().get_program().to_str().unwrap().to_owned()
}

fn parsed<T, E: ToString>(result: Result<T, E>) -> Result<BlockResult, String> {
    result
        .map(|_| BlockResult::Parsed)
        .map_err(|error| error.to_string())
}

/// Refuses a line that only the reader's machine can run.
fn known_program(line: &str) -> Result<(), String> {
    match line.split_ascii_whitespace().next() {
        None => Ok(()),
        Some(word) if word.starts_with('#') || PROGRAMS.contains(&word) => Ok(()),
        Some(word) => Err(format!(
            "{word} is not run here: mark the block with no-run=REASON"
        )),
    }
}

/// Checks a block that is not run: its reason, and that its commands, tasks and packages are there.
fn not_run(desk: &CliFixture, reason: &str, text: &str) -> Result<BlockResult, String> {
    let Some((_, signs)) = REASONS.iter().find(|(known, _)| *known == reason) else {
        return Err(format!("the reason {reason} is none of {REASONS:?}"));
    };
    if !signs.iter().any(|sign| text.contains(sign)) {
        return Err(format!("the reason {reason} needs one of {signs:?}"));
    }
    let tasks = fs::read_to_string(root().join("xtask/src/main.rs")).unwrap();
    let packages = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for line in text.lines() {
        let line = line.trim_start_matches("ocre:~$ ").trim_start_matches("$ ");
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        if let Some(package) = words.iter().skip_while(|word| **word != "-p").nth(1)
            && words[0] == "cargo"
            && !packages.contains(&format!("name = \"{package}\"\n"))
        {
            return Err(format!("there is no package {package}"));
        }
        match &*words {
            ["cargo", "xtask", task, ..] if !tasks.contains(&format!("[\"{task}\"")) => {
                return Err(format!("there is no task {task}"));
            }
            ["ocre", "image", command, ..] => known_command(desk, &["help", "image", command])?,
            ["ocre", command, ..] => known_command(desk, &["help", command])?,
            _ => {}
        }
    }
    Ok(BlockResult::NotRun(reason.to_owned()))
}

fn known_command(desk: &CliFixture, help: &[&str]) -> Result<(), String> {
    match desk.ocre(help).code {
        0 => Ok(()),
        _ => Err(format!("there is no command {:?}", &help[1..])),
    }
}

/// Checks that the functions of this project that a CMake file calls are there.
fn calls_of_cmake(text: &str) -> Result<BlockResult, String> {
    let functions = fs::read_to_string(root().join("cmake/ocre_preload.cmake")).unwrap();
    for line in text.lines().filter(|line| line.starts_with("ocre_")) {
        let name = line.split('(').next().unwrap();
        if !functions.contains(&format!("\nfunction({name} ")) {
            return Err(format!("there is no function {name}"));
        }
    }
    Ok(BlockResult::Parsed)
}

/// Checks that the crate of a README has its examples as doc tests.
fn doctest(path: &str) -> Result<BlockResult, String> {
    let library = path
        .strip_suffix("README.md")
        .map(|folder| root().join(folder).join("src/lib.rs"));
    let library = library.and_then(|library| fs::read_to_string(library).ok());
    match library {
        Some(text) if text.contains("include_str!(\"../README.md\")") => Ok(BlockResult::Doctest),
        Some(_) => Err("src/lib.rs does not include README.md as doc tests".to_owned()),
        None => Err("an example in Rust stands in the documentation of a crate".to_owned()),
    }
}

/// Refuses commands in a block that is not run.
fn picture(text: &str) -> Result<BlockResult, String> {
    let is_command = |line: &&str| line.starts_with("ocre ") || line.starts_with("$ ");
    match text.lines().find(is_command) {
        Some(line) => Err(format!(
            "a command stands in `sh` or `console`, not in `text`: {line}"
        )),
        None => Ok(BlockResult::Picture),
    }
}

/// Markdown files of this repository.
fn documents() -> Vec<String> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    list.args(["*.md"]).current_dir(root());
    let listed = done(list);
    assert_eq!(listed.code, 0, "{listed:?}");
    let paths = listed.out.lines().map(str::to_owned);
    paths.filter(|path| root().join(path).exists()).collect()
}

#[test]
fn every_example_of_the_documents_works_or_says_why_it_is_not_run() {
    let documents = documents();
    for (page, _) in BEFORE {
        assert!(documents.iter().any(|path| path == page), "no {page}");
    }
    let mut counts = BTreeMap::new();
    let mut problems = Vec::new();
    for path in documents {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let blocks = match blocks(&text) {
            Ok(blocks) if blocks.is_empty() => continue,
            Ok(blocks) => blocks,
            Err(problem) => {
                problems.push(format!("{path}, {problem}"));
                continue;
            }
        };
        let mut page = Page::new(&path);
        for block in blocks {
            match page.check(&block) {
                Ok(done) => *counts.entry(done).or_insert(0) += 1,
                Err(problem) => problems.push(format!("{path}, line {}: {problem}", block.line)),
            }
        }
    }
    println!("{counts:?}");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(counts.get(&BlockResult::Run) >= Some(&5), "{counts:?}");
}

/// The entry for Zephyr's list has its blocks in reStructuredText, which has no marks: those in C and
/// CMake are checked, the others need Zephyr's workspace.
#[test]
fn the_examples_of_the_entry_for_zephyr_compile() {
    let document = include_str!("../../../docs/zephyr-external-module.rst");
    let mut page = Page::new("docs/zephyr-external-module.rst");
    let mut checked = 0;
    for block in document.split("\n.. code-block:: ").skip(1) {
        let (language, text) = block.split_once("\n\n").unwrap();
        let lines = text.lines();
        let lines = lines.take_while(|line| line.is_empty() || line.starts_with("   "));
        let block = Block {
            language: language.to_owned(),
            text: lines
                .map(|line| format!("{}\n", line.strip_prefix("   ").unwrap_or(line)))
                .collect(),
            ..Block::default()
        };
        if ["c", "cmake"].contains(&language) {
            page.check(&block)
                .unwrap_or_else(|problem| panic!("{problem}"));
            checked += 1;
        }
    }
    assert_eq!(checked, 2);
}

/// Treats the only block of a document.
fn only(document: &str) -> Result<BlockResult, String> {
    let blocks = blocks(document)?;
    let [block] = &blocks[..] else {
        panic!("{blocks:?}");
    };
    Page::new("docs/planted.md").check(block)
}

#[test]
fn blocks_and_their_marks_are_found() {
    let document = "a\n```sh\nocre ps\n```\n  ```toml file=a/b.toml\n  c = 1\n  ```\n```sh no-run=west\nwest\n```\n";
    let found = blocks(document).unwrap();
    let lines: Vec<usize> = found.iter().map(|block| block.line).collect();
    assert_eq!(lines, [2, 5, 8]);
    assert_eq!(found[0].text, "ocre ps\n");
    assert_eq!(found[1].file.as_deref(), Some("a/b.toml"));
    assert_eq!(found[2].excuse.as_deref(), Some("west"));
}

#[test]
fn examples_that_work_are_accepted() {
    for (document, expected) in [
        ("```sh\nocre help    # all\n```", BlockResult::Run),
        (
            "```console\n$ ocre new c x\nmade …\n…\n$ ocre help ps\n…\nusage: ocre ps …\n…\n```",
            BlockResult::Run,
        ),
        ("```json\n{}\n```", BlockResult::Parsed),
        ("```toml\na = 1\n```", BlockResult::Parsed),
        ("```cmake\nocre_image(a WASM b)\n```", BlockResult::Parsed),
        (
            "```c\n#include <ocre/ocre.h>\nint f(void) { return ocre_init(); }\n```",
            BlockResult::Compiled,
        ),
        ("```text\na -> b\n```", BlockResult::Picture),
        (
            "```sh no-run=cargo\ncargo xtask test\n```",
            BlockResult::NotRun("cargo".into()),
        ),
    ] {
        assert_eq!(only(document), Ok(expected), "{document}");
    }
}

#[test]
fn examples_that_do_not_work_are_refused() {
    for (document, words) in [
        ("```sh\nocre no-such\n```", "ends with"),
        ("```sh\nocre help\nocre image rm none\n```", "ends with"),
        ("```sh\nwest build\n```", "west is not run here"),
        ("```sh\ncargo xtask test\n```", "cargo is not run here"),
        ("```sh,no-run=west\nwest build\n```", "is not known"),
        ("```sh no-run=mood\nwest build\n```", "none of"),
        ("```sh no-run=cargo\ncargo xtask nonsense\n```", "no task"),
        (
            "```sh no-run=cargo\ncargo build -p nonsense\n```",
            "no package",
        ),
        ("```sh no-run=cargo\nocre ps\n```", "needs one of"),
        (
            "```console no-run=west\nocre:~$ ocre nonsense\n```",
            "no command",
        ),
        ("```sh never\nocre ps\n```", "unknown mark"),
        ("```sh\nocre ps\n", "does not end"),
        ("~~~sh\nocre ps\n~~~", "a fence"),
        ("```console\n$ ocre new c x\nNOTHING\n```", "prints"),
        ("```console\n$ ocre new c x\n```", "prints"),
        ("```console\nocre ps\n```", "no command"),
        ("```json\n{\n```", "EOF"),
        ("```toml\na =\n```", "TOML"),
        (
            "```c\nint f(void) { return ocre_init(); }\n```",
            "ocre_init",
        ),
        ("```cmake\nocre_nonsense(a)\n```", "no function"),
        ("```rust\nfn f() {}\n```", "documentation of a crate"),
        ("```text\nocre ps\n```", "`console`"),
        ("```\nocre ps\n```", "is not known"),
        ("```yaml\na: 1\n```", "is not known"),
    ] {
        let problem = only(document).expect_err(document);
        assert!(problem.contains(words), "{document}: {problem}");
    }
}

#[test]
fn an_ellipsis_stands_for_text_and_for_lines() {
    for (shown, lines) in [
        (&["a … c"] as &[&str], &["a b c"] as &[&str]),
        (&["sha256:…"], &["sha256:0123"]),
        (&["…"], &[]),
        (&["…", "z"], &["a", "b", "z"]),
        (&["a", "…"], &["a"]),
    ] {
        assert!(shows(shown, lines), "{shown:?} {lines:?}");
    }
    for (shown, lines) in [
        (&["a … c"] as &[&str], &["a b d"] as &[&str]),
        (&["a"], &["a", "b"]),
        (&["a", "b"], &["a"]),
        (&["…", "z"], &["a"]),
    ] {
        assert!(!shows(shown, lines), "{shown:?} {lines:?}");
    }
}
