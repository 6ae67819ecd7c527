// SPDX-License-Identifier: Apache-2.0
//! Guests that fit: `ocre build` makes guests whose memory never grows, with a heap of the size
//! that the project names.

mod cli;

use std::fs;
use std::path::{Path, PathBuf};

use cli::CliFixture;
use wasmparser::{Operator, Parser, Payload};

/// Parts of a module that decide on its memory.
#[derive(Default, Debug)]
struct Memory {
    pages: u64,
    grows: bool,
    /// Asks for the size: the engine does not make its memory smaller then.
    asks: bool,
    heap_base: bool,
}

fn memory(module: &Path) -> Memory {
    let bytes = fs::read(module).unwrap();
    let mut memory = Memory::default();
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.unwrap() {
            Payload::MemorySection(section) => {
                memory.pages = section.into_iter().next().unwrap().unwrap().initial;
            }
            Payload::ExportSection(section) => {
                let mut names = section.into_iter().map(|export| export.unwrap().name);
                memory.heap_base = names.any(|name| name == "__heap_base");
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().unwrap() {
                    match operator.unwrap() {
                        Operator::MemoryGrow { .. } => memory.grows = true,
                        Operator::MemorySize { .. } => memory.asks = true,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    memory
}

/// Writes a project in C, builds it, and imports its image.
fn build_c(desk: &CliFixture, name: &str, lines: &str, source: &str) -> PathBuf {
    desk.write(
        &format!("{name}/Ocrefile.toml"),
        format!("name = \"{name}\"\nlanguage = \"c\"\nsources = [\"main.c\"]\n{lines}"),
    );
    desk.write(&format!("{name}/main.c"), source);
    desk.ok(["build", "--import", name]);
    desk.path(name).join("target/ocre/guest.wasm")
}

/// Runs an image in the shell: its output, and the most bytes of its linear memory, which the
/// engine rounds up to pages of 4096 bytes on a PC.
fn run(desk: &CliFixture, name: &str) -> (String, u64) {
    let script = format!("run --name one {name}\nstats --format json\nrm one\n");
    let done = desk.shell(&script);
    let (said, stats) = done
        .out
        .split_once("{\"")
        .unwrap_or_else(|| panic!("{done:?}"));
    let stats = format!("{{\"{}", stats.lines().next().unwrap());
    let (_, peak) = stats.split_once("\"memoryPeakBytes\":").unwrap();
    let peak = peak.split([',', '}']).next().unwrap();
    (said.to_owned(), peak.parse().unwrap())
}

const PRINTF: &str = r#"
#include <stdio.h>
int main(int argc, char **argv)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%s of %04x", "some", 0xbeef);

	printf("%d|%5d|%-5s|%c|%lld|%s %d\n", argc, -42, "ab", 'c', 1LL << 40, text, length);
	fprintf(stderr, "%u\n", 7u);
	return argv[argc] != NULL;
}
"#;

#[test]
fn a_guest_with_printf_fits_in_8_kib() {
    let desk = CliFixture::new();
    let module = build_c(&desk, "printf", "", PRINTF);
    let memory = memory(&module);
    assert!(
        !memory.grows && !memory.asks && memory.heap_base,
        "{memory:?}"
    );
    assert_eq!(memory.pages, 1);
    let (said, peak) = run(&desk, "printf");
    assert!(
        said.contains("1|  -42|ab   |c|1099511627776|some of beef 12\n"),
        "{said}"
    );
    assert!(peak <= 8 * 1024, "{peak}");
    assert!(fs::metadata(module).unwrap().len() < 8 * 1024);
}

const FLOAT: &str = r#"
#include <stdio.h>
int main(void) { volatile double half = 0.5; printf("half: %.2f\n", half); return 0; }
"#;

#[test]
fn floating_point_numbers_are_printed_on_request() {
    let desk = CliFixture::new();
    build_c(&desk, "float", "printf = \"full\"\n", FLOAT);
    assert_eq!(desk.ok(["run", "float"]), "half: 0.50\n");
    build_c(&desk, "float", "", FLOAT);
    desk.ocre(["run", "float"])
        .failed(134, "printf: unsupported conversion, such as %f");
    let wide = "#include <stdio.h>\nint main(void) { return printf(\"%ls\", L\"wide\"); }\n";
    build_c(&desk, "float", "", wide);
    desk.ocre(["run", "float"])
        .failed(134, "printf: unsupported conversion");
}

/// clang takes errno for unchanged by the malloc that it knows.
const MALLOC_FLAGS: &str = "\"-fno-builtin\", \"-DHEAP=";

const MALLOC: &str = r#"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *volatile taken[64];

int main(void)
{
	int count = 0;

	/* All of it, twice, and not a byte more. */
	for (int round = 0; round < 2; round++) {
		taken[0] = malloc(HEAP);
		errno = 0;
		taken[1] = malloc(1);
		printf("all %d, more %d, ENOMEM %d\n", taken[0] != NULL, taken[1] != NULL,
		       errno == ENOMEM);
		memset(taken[0], 1, HEAP);
		free(taken[0]);
	}
	taken[0] = malloc(HEAP + 1);
	taken[1] = malloc(SIZE_MAX);
	taken[2] = calloc(SIZE_MAX / 2, 4);
	printf("too much %d %d %d\n", taken[0] != NULL, taken[1] != NULL, taken[2] != NULL);
	/* Every second one back, and then all, which become one. */
	while (count < 64 && (taken[count] = malloc(HEAP / 64)) != NULL) {
		if ((uintptr_t)taken[count++] % 16 != 0) {
			return 1;
		}
	}
	for (int i = 0; i < count; i += 2) {
		free(taken[i]);
	}
	taken[0] = malloc(HEAP / 2);
	printf("in pieces %d\n", taken[0] != NULL);
	for (int i = 1; i < count; i += 2) {
		free(taken[i]);
	}
	taken[0] = aligned_alloc(256, HEAP / 4);
	taken[1] = realloc(taken[0], HEAP / 2);
	printf("aligned %d, grown in place %d\n", (uintptr_t)taken[0] % 256 == 0,
	       taken[0] == taken[1]);
	taken[2] = realloc(taken[1], HEAP * 2);
	printf("grown too much %d\n", taken[2] != NULL);
	free(taken[1]);
	taken[0] = calloc(HEAP / 8, 8);
	for (int i = 0; i < HEAP; i++) {
		if (((char *)taken[0])[i] != 0) {
			return 2;
		}
	}
	puts("zeros");
	return 0;
}
"#;

#[test]
fn a_guest_with_malloc_takes_its_heap_and_4_kib() {
    let desk = CliFixture::new();
    for (heap, bytes) in [("\"8K\"", 8192), ("4096", 4096), ("\"48K\"", 49152)] {
        let lines = format!("heap = {heap}\nflags = [{MALLOC_FLAGS}{bytes}\"]\n");
        let module = build_c(&desk, "malloc", &lines, MALLOC);
        let memory = memory(&module);
        assert!(!memory.grows && !memory.asks, "{memory:?}");
        let (said, peak) = run(&desk, "malloc");
        for line in [
            "all 1, more 0, ENOMEM 1\nall 1, more 0, ENOMEM 1\n",
            "too much 0 0 0\nin pieces 0\naligned 1, grown in place 1\ngrown too much 0\nzeros\n",
        ] {
            assert!(said.contains(line), "{said}");
        }
        assert!(peak <= bytes + 4096, "{heap}: {peak}");
    }
    // The default is 8K, and growth is an option.
    let module = build_c(
        &desk,
        "malloc",
        &format!("flags = [{MALLOC_FLAGS}8192\"]\n"),
        MALLOC,
    );
    assert!(!memory(&module).grows);
    let (said, peak) = run(&desk, "malloc");
    assert!(said.contains("zeros\n") && peak <= 12288, "{said} {peak}");
    let module = build_c(
        &desk,
        "malloc",
        &format!("heap = \"grow\"\nflags = [{MALLOC_FLAGS}100000\"]\n"),
        MALLOC,
    );
    assert!(memory(&module).grows);
    let (said, peak) = run(&desk, "malloc");
    assert!(said.contains("zeros\n") && peak > 100_000, "{said} {peak}");
}

#[test]
fn the_heap_agrees_with_its_model_as_a_guest() {
    let desk = CliFixture::new();
    desk.write("heap.c", include_str!("../../../sdk/c/heap.c"));
    let test = include_str!("../../../sdk/c/tests/heap_test.c");
    build_c(&desk, "model", "", test);
    assert_eq!(desk.ok(["run", "model"]), "heap: ok\n");
}

const FILES: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
	char line[32] = "";
	struct stat about;
	FILE *file = fopen("/notes.txt", "w");

	fprintf(file, "a note of %d\n", 7);
	fclose(file);
	file = fopen("./notes.txt", "r");
	fgets(line, sizeof(line), file);
	fclose(file);
	printf("%s%d %d %s %s", line, mkdir("/deep", 0755), stat("/deep/", &about), getenv("A"),
	       fopen("/none", "r") == NULL ? "none, " : "");
	file = fopen("/image/data.txt", "r");
	fgets(line, sizeof(line), file);
	puts(line);
	return chdir("/deep") != 0 || access("../notes.txt", F_OK) != 0;
}
"#;

#[test]
fn files_need_no_growth() {
    let desk = CliFixture::new();
    desk.write("files/data.txt", "data");
    let lines = "heap = \"4K\"\nblobs = [\"data.txt\"]\nenv = [\"A=1\"]\n";
    let module = build_c(&desk, "files", lines, FILES);
    let memory = memory(&module);
    assert!(!memory.grows && !memory.asks, "{memory:?}");
    let (said, peak) = run(&desk, "files");
    assert!(said.contains("a note of 7\n0 0 1 none, data\n"), "{said}");
    assert!(peak <= 8192, "{peak}");
}

#[test]
fn a_projects_own_functions_come_first() {
    let desk = CliFixture::new();
    let source = r#"
#include <stddef.h>
#include <stdio.h>
void *malloc(size_t bytes) { static char memory[64]; puts("mine"); return bytes <= 64 ? memory : NULL; }
void free(void *memory) { (void)memory; }
void *memset(void *to, int byte, size_t bytes) { char *at = to; while (bytes-- > 0) { at[bytes] = (char)byte; } return to; }
int main(void) { void *volatile memory = malloc(1); return memory == NULL; }
"#;
    build_c(&desk, "mine", "flags = [\"-fno-builtin\"]\n", source);
    assert_eq!(desk.ok(["run", "mine"]), "mine\n");
}

#[test]
fn a_guest_in_rust_has_its_heap_too() {
    let desk = CliFixture::new();
    desk.ok(["new", "rust", "vec"]);
    desk.write(
        "vec/src/main.rs",
        r#"fn main() {
            let mut numbers: Vec<u32> = Vec::new();
            while numbers.try_reserve(1).is_ok() {
                numbers.push(7);
            }
            let bytes = numbers.len() * 4;
            let aligned = numbers.as_ptr().addr() % 16;
            drop(numbers);
            let mut large: Vec<u8> = Vec::new();
            let fits = large.try_reserve_exact(12 * 1024).is_ok();
            drop(large);
            let mut huge: Vec<u8> = Vec::new();
            println!("{} {aligned} {fits} {}", bytes > 4096, huge.try_reserve(40 << 20).is_ok());
        }"#,
    );
    let build = |heap: &str| {
        let file = format!("name = \"vec\"\nlanguage = \"rust\"\n{heap}");
        desk.write("vec/Ocrefile.toml", file);
        desk.ok(["build", "--import", "vec"]);
        memory(&desk.path("vec/target/wasm32-wasip1/release/vec.wasm"))
    };
    let memory = build("heap = \"16K\"\n");
    assert!(!memory.grows && !memory.asks, "{memory:?}");
    let (said, peak) = run(&desk, "vec");
    assert!(said.contains("true 0 true false\n"), "{said}");
    // The stack, the heap, and tables and output of the standard library.
    assert!(peak <= (16 + 16 + 8) * 1024, "{peak}");
    assert!(build("heap = \"grow\"\n").grows);
    let (said, peak) = run(&desk, "vec");
    assert!(said.contains("true 0 true true\n"), "{said}");
    assert!(peak >= 40 << 20, "{peak}");
}

#[test]
fn a_guest_without_the_standard_library_takes_little() {
    let desk = CliFixture::new();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/rust");
    desk.write(
        "bare/Cargo.toml",
        format!(
            "[package]\nname = \"bare\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [dependencies]\nocre-guest = {{ path = {sdk:?} }}\n\n\
             [profile.release]\nopt-level = \"s\"\nlto = true\ncodegen-units = 1\n\
             panic = \"abort\"\nstrip = true\n\n[workspace]\n"
        ),
    );
    desk.write(
        "bare/src/main.rs",
        r#"#![no_std]
           #![no_main]
           #![forbid(unsafe_code)]
           extern crate alloc;
           use alloc::vec::Vec;

           ocre_guest::main!(run, heap);

           fn run() -> Result<u8, ocre_guest::Error> {
               let arguments = ocre_guest::GuestArguments::<64>::read()?;
               for word in arguments.iter() {
                   ocre_guest::println!("{word}");
               }
               let mut numbers: Vec<u8> = Vec::new();
               let all = numbers.try_reserve_exact(ocre_guest::HEAP_BYTES).is_ok();
               let more = numbers.try_reserve_exact(ocre_guest::HEAP_BYTES + 16).is_ok();
               ocre_guest::println!("{} {all} {more}", ocre_guest::HEAP_BYTES);
               Ok(3)
           }"#,
    );
    desk.write(
        "bare/Ocrefile.toml",
        "name = \"bare\"\nlanguage = \"rust\"\nheap = \"4K\"\nstack = 2048\n",
    );
    desk.ok(["build", "--import", "bare"]);
    let module = desk.path("bare/target/wasm32-wasip1/release/bare.wasm");
    let memory = memory(&module);
    assert!(!memory.grows && !memory.asks, "{memory:?}");
    assert!(fs::metadata(module).unwrap().len() < 16 * 1024);
    let done = desk.ocre(["run", "bare", "a", "b c"]);
    assert_eq!((done.code, &*done.out), (3, "a\nb c\n4096 true false\n"));
    let (_, peak) = run(&desk, "bare");
    assert!(peak <= 8192, "{peak}");
}

#[test]
fn bad_heaps_are_refused_with_their_line() {
    let desk = CliFixture::new();
    desk.ok(["new", "c", "one"]);
    for (value, said) in [
        ("0", "integer `0`"),
        ("\"8Q\"", "string \"8Q\""),
        ("\"2G\"", "string \"2G\""),
        ("true", "boolean `true`"),
    ] {
        let file = format!("name = \"one\"\nlanguage = \"c\"\nheap = {value}\n");
        desk.write("one/Ocrefile.toml", file + "sources = [\"main.c\"]\n");
        let done = desk.ocre(["build", "one"]);
        done.failed(1, "build-file at one/Ocrefile.toml (line 3: invalid ");
        done.failed(1, said);
        done.failed(
            1,
            "expected `heap` as 1 to 1073741824 bytes, such as 4096 or \"8K\", or \"grow\"",
        );
    }
}
