// SPDX-License-Identifier: Apache-2.0
//! Examples at the end of `--help`. A test runs each, in this order, with a registry in the place
//! of `localhost:5000`.

/// Commands, and examples of each.
const EXAMPLES: [(&str, &[&str]); 15] = [
    ("new", &["ocre new c hello"]),
    (
        "build",
        &[
            "ocre build hello",
            "ocre build hello --import",
            "ocre build hello -o layout -t hello:1",
        ],
    ),
    (
        "aot",
        &["ocre aot hello.wasm --target thumbv7em -o hello.aot"],
    ),
    (
        "image pack",
        &[
            "ocre image pack --wasm hello.wasm --tag hello:2 -o layout",
            "ocre image pack --wasm hello.wasm --aot hello.aot --blob notes.txt -t hello:1 -o layout",
        ],
    ),
    (
        "image verify",
        &[
            "ocre image verify layout:hello:1",
            "ocre image verify --strict --all layout:hello:2",
        ],
    ),
    (
        "image import",
        &[
            "ocre image import layout:hello:1",
            "ocre image import layout:hello:2 other",
        ],
    ),
    (
        "image copy",
        &[
            "ocre image copy oci:layout:hello:1 localhost:5000/hello:1",
            "ocre image copy localhost:5000/hello:1 oci-archive:hello.tar:hello:1",
        ],
    ),
    (
        "image push",
        &["ocre image push hello:1 localhost:5000/hello:2"],
    ),
    (
        "image pull",
        &[
            "ocre image pull localhost:5000/hello:1",
            "ocre image pull --platform wasip1/wasm localhost:5000/hello:1 portable",
        ],
    ),
    (
        "image extract",
        &["ocre image extract --platform wasip1/wasm hello:1 files"],
    ),
    (
        "wasm run",
        &[
            "ocre wasm run hello.wasm",
            "ocre wasm run --env A=1 hello.wasm one two",
        ],
    ),
    ("shell", &["ocre shell"]),
    ("completion", &["ocre completion bash"]),
    ("man", &["ocre man man1"]),
    (
        "flash create",
        &["ocre flash create --size 8M -o device.bin"],
    ),
];

/// Adds the examples to the grammar.
pub fn add(mut grammar: clap::Command) -> clap::Command {
    for (name, examples) in EXAMPLES {
        let mut text = String::from("Examples:\n");
        for example in examples {
            text += &format!("  {example}\n");
        }
        let add = |command: clap::Command| command.after_help(text);
        grammar = match name.split_once(' ') {
            None => grammar.mut_subcommand(name, add),
            Some((group, name)) => {
                grammar.mut_subcommand(group, |group| group.mut_subcommand(name, add))
            }
        };
    }
    grammar
}
