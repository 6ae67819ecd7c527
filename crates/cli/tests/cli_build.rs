// SPDX-License-Identifier: Apache-2.0
//! `ocre new` and `ocre build`: from nothing to a container that runs.

mod cli;

use std::fs;

use cli::CliFixture;
use serde_json::Value;

/// Builds the project `name`. Returns the printed JSON.
fn build(desk: &CliFixture, name: &str) -> Value {
    desk.json(["build", name])
}

#[test]
fn a_new_project_builds_and_runs() {
    for language in ["rust", "c"] {
        let desk = CliFixture::new();
        let made = desk.ok(["new", language, "hello"]);
        assert_eq!(
            made,
            "made hello\nnext: ocre build --import hello && ocre run hello\n"
        );
        desk.ocre(["new", language, "hello"])
            .failed(1, "new-exists at hello");
        let built = desk.ok(["build", "--import", "hello"]);
        assert!(built.contains("packed hello:latest into "), "{built}");
        assert!(built.contains("wasm: sha256:"), "{built}");
        assert!(built.contains("imported hello:latest\n"), "{built}");
        let said = desk.ok(["run", "hello", "one", "two"]);
        assert_eq!(said, "Hello from hello!\none\ntwo\n", "{language}");
    }
}

#[test]
fn two_clean_builds_have_one_digest_wherever_they_are() {
    for language in ["rust", "c"] {
        let (one, other) = (CliFixture::new(), CliFixture::new());
        one.ok(["new", language, "hello"]);
        other.ok(["new", language, "hello"]);
        fs::create_dir(other.path("deeper")).unwrap();
        fs::rename(other.path("hello"), other.path("deeper/hello")).unwrap();
        let first = build(&one, "hello");
        assert_eq!(
            first["digest"],
            build(&other, "deeper/hello")["digest"],
            "{language}"
        );
        fs::remove_dir_all(one.path("hello/target")).unwrap();
        assert_eq!(
            first["digest"],
            build(&one, "hello")["digest"],
            "{language}"
        );
    }
}

#[test]
fn an_image_has_what_the_file_says() {
    let desk = CliFixture::new();
    desk.ok(["new", "c", "hello"]);
    desk.write("hello/notes.txt", "notes\n");
    desk.write(
        "hello/Ocrefile.toml",
        "name = \"whole\"\nlanguage = \"c\"\nsources = [\"main.c\", \"more.c\"]\n\
         flags = [\"-DWORD=\\\"there\\\"\"]\ntargets = [\"x86_64\"]\nblobs = [\"notes.txt=n.txt\"]\n\
         env = [\"A=1\"]\npermissions = [\"timers\"]\nstack = 32768\n",
    );
    desk.write("hello/more.c", "const char *word(void) { return WORD; }\n");
    desk.write(
        "hello/main.c",
        "#include <stdio.h>\n#include <stdlib.h>\nconst char *word(void);\n\
         int main(void) { char text[9] = \"\"; FILE *f = fopen(\"/image/n.txt\", \"r\");\n\
         fgets(text, 9, f); printf(\"%s %s %s\", word(), getenv(\"A\"), text); return 3; }\n",
    );
    let built = desk.json([
        "build", "hello", "--target", "thumbv7m", "-t", "named:2", "-o", "layout",
    ]);
    let of: Vec<_> = built["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["architecture"])
        .collect();
    assert_eq!(of, ["wasm", "thumbv7m", "x86_64"]);
    assert_eq!(built["name"], "named:2");
    desk.ok(["image", "import", "layout:named:2"]);
    let run = desk.ocre(["run", "--cap", "timers", "named:2"]);
    assert_eq!((run.code, &*run.out), (3, "there 1 notes\n"));
}

#[test]
fn what_is_wrong_is_said() {
    let desk = CliFixture::new();
    desk.ocre(["build", "nowhere"]).failed(
        1,
        "error: can't build nowhere: build-file at nowhere/Ocrefile.toml (no Ocrefile.toml found)\n\
         hint: see docs/building.md, or create a project with `ocre new`",
    );
    desk.ok(["new", "c", "c"]);
    desk.ok(["new", "rust", "rust"]);
    desk.ocre(["new", "c", "Bad"])
        .failed(2, "a name has up to 64");
    desk.ocre(["new", "go", "x"]).failed(2, "rust|c");
    desk.write("c/main.c", "int main(void) { return x; }\n");
    let done = desk.ocre(["build", "c"]);
    done.failed(
        1,
        "error: can't build c: build-compile at clang (exit status: 1)",
    );
    assert!(
        done.err.contains("main.c:1:"),
        "the compiler's own words are there: {done:?}"
    );
    desk.write("rust/src/main.rs", "fn main() { x }\n");
    let done = desk.ocre(["build", "rust"]);
    done.failed(1, "error: can't build rust: build-compile at ");
    assert!(done.err.contains("src/main.rs:1:"), "{done:?}");
    desk.write("rust/src/main.rs", "fn main() {}\n");
    desk.write("rust/src/bin/second.rs", "fn main() {}\n");
    desk.ocre(["build", "rust"])
        .failed(1, "build-artifact (Cargo has built several programs)");
    let file = "name = \"r\"\nlanguage = \"rust\"\nbin = \"second\"\n";
    desk.write("rust/Ocrefile.toml", file);
    desk.ok(["build", "rust"]);
    for (text, said) in [
        (
            "name = \"r\"\nlanguage = \"go\"\n",
            "line 2: unknown variant `go`",
        ),
        ("name = \"R\"\nlanguage = \"rust\"\n", "(`name`: "),
        (
            "name = \"r\"\nlanguage = \"rust\"\ntargets = [\"z80\"]\n",
            "(`targets` are of x86_64, ",
        ),
        (
            "name = \"r\"\nlanguage = \"rust\"\nnme = 1\n",
            "line 3: unknown field `nme`",
        ),
    ] {
        desk.write("rust/Ocrefile.toml", text);
        let done = desk.ocre(["build", "rust"]);
        done.failed(1, "build-file at rust/Ocrefile.toml (");
        done.failed(1, said);
    }
    desk.write("rust/Ocrefile.toml", file);
    let mut command = desk.command(["build", "rust"]);
    command.env("PATH", desk.path(".")).env_remove("CARGO");
    cli::done(command).failed(
        1,
        "build-tool at cargo (there is no such program)\nhint: install Rust with rustup",
    );
}

#[test]
fn each_code_is_documented() {
    let building = include_str!("../../../docs/building.md");
    for code in [
        "build-file",
        "build-tool",
        "build-compile",
        "build-artifact",
        "new-exists",
    ] {
        assert!(building.contains(&format!("\n| `{code}` | ")), "{code}");
    }
    let commands = include_str!("../../../docs/commands.md");
    for code in [
        "extract-title",
        "extract-duplicate",
        "extract-none",
        "extract-not-empty",
    ] {
        assert!(commands.contains(&format!("\n| `{code}` | ")), "{code}");
    }
}
