// SPDX-License-Identifier: Apache-2.0
//! Both sides of each contract between Rust and C agree: the functions of our headers, with the
//! types of their parameters and results, the fields of their structures, and the constants that
//! stand on both sides.
//!
//! No compiler sees both files. A small parser reads each side, fails on unknown syntax, and spells
//! all in one way: Rust's, with C's names for structures.

mod c;
mod rust;

use std::collections::{BTreeMap, BTreeSet};

use crate::BrokenRule;
use crate::repository::{FILES, text};

/// Declarations of one side.
#[derive(Default)]
struct Side {
    functions: BTreeMap<String, String>,
    /// Names and types of the fields, in order.
    structures: BTreeMap<String, Vec<(String, String)>>,
    constants: BTreeMap<String, String>,
}

fn pointer(constant: bool, to: &str) -> String {
    // A pointer to a function is one in both languages.
    let kind = if constant { "const" } else { "mut" };
    format!("*{kind} {to}")
}

/// Bytes of text are `u8` on one side and `char` on the other, of the same size.
fn array(of: &str, length: &str) -> String {
    let of = if of == "char" { "u8" } else { of };
    format!("[{of}; {length}]")
}

fn function(parameters: &[String], result: &str) -> String {
    format!("fn({}) -> {result}", parameters.join(", "))
}

/// Header, and the Rust files that keep to it.
struct Contract {
    header: &'static str,
    /// File that declares it again, with the additional prefix of C's constants. Each of its
    /// constants is one of C's.
    mirror: (&'static str, Option<&'static str>),
    /// Other files with functions for C.
    offers: &'static [&'static str],
    /// Rust's and C's names of structures.
    structures: &'static [(&'static str, &'static str)],
    /// Functions that C has for itself, without Rust.
    of_c_alone: &'static [&'static str],
}

const CONTRACTS: [Contract; 6] = [
    Contract {
        header: "include/ocre/ocre.h",
        mirror: ("crates/zephyr/src/api.rs", Some("OCRE_")),
        offers: &[],
        structures: &[
            ("CreateOptions", "ocre_options"),
            ("ContainerStatus", "ocre_status"),
        ],
        of_c_alone: &["ocre_on_change"],
    },
    Contract {
        header: "crates/zephyr/shim/port.h",
        mirror: ("crates/zephyr/src/sys.rs", Some("OCRE_PORT_")),
        offers: &[
            "crates/zephyr/src/platform.rs",
            "crates/zephyr/src/shell_words.rs",
        ],
        structures: &[("ShellWord", "ocre_shell_word")],
        of_c_alone: &["ocre_port_stack_boundary"],
    },
    Contract {
        header: "twister-tests/common/testing.h",
        mirror: ("crates/zephyr/src/testing.rs", Some("CONFORMANCE_")),
        offers: &[],
        structures: &[],
        of_c_alone: &[],
    },
    Contract {
        header: "crates/wamr-sys/shim/ocre_wamr.h",
        mirror: ("crates/wamr-sys/src/lib.rs", Some("OCRE_WAMR_")),
        offers: &[],
        structures: &[
            ("Native", "ocre_wamr_native"),
            ("WamrExternal", "ocre_wamr_external"),
            ("Demand", "ocre_wamr_demand"),
        ],
        of_c_alone: &[],
    },
    Contract {
        header: "crates/pc/shim/ocre_littlefs.h",
        mirror: ("crates/pc/src/littlefs/sys.rs", Some("OCRE_LFS_")),
        offers: &[],
        structures: &[
            ("Fs", "ocre_lfs"),
            ("LfsFile", "ocre_lfs_file"),
            ("LfsDir", "ocre_lfs_dir"),
            ("LfsDevice", "ocre_lfs_device"),
        ],
        of_c_alone: &[],
    },
    Contract {
        header: "crates/aot/src/c/shim.h",
        mirror: ("crates/aot/src/ffi.rs", None),
        offers: &[],
        structures: &[("RawOptions", "ocre_aot_options")],
        of_c_alone: &[],
    },
];

impl Contract {
    fn files(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.mirror.0).chain(self.offers.iter().copied())
    }

    /// Differences between the two sides; `text` reads a file.
    fn differences(&self, text: impl Fn(&str) -> String) -> Vec<BrokenRule> {
        let c = match c::read(&text(self.header)) {
            Ok(side) => side,
            Err(error) => return vec![format!("{}: {error}", self.header)],
        };
        let mut rust = Side::default();
        for path in self.files() {
            match rust::read(&text(path), self.structures) {
                Ok(side) => {
                    rust.functions.extend(side.functions);
                    rust.structures.extend(side.structures);
                    if path == self.mirror.0 {
                        rust.constants = side.constants;
                    }
                }
                Err(error) => return vec![format!("{path}: {error}")],
            }
        }
        let found = [
            self.functions(&c, &rust),
            self.structures(&c, &rust),
            self.constants(&c, &rust),
        ];
        let found = found.into_iter().flatten();
        found
            .map(|what| format!("{}: {what}", self.header))
            .collect()
    }

    fn functions(&self, c: &Side, rust: &Side) -> Vec<BrokenRule> {
        let names: BTreeSet<&String> = c.functions.keys().chain(rust.functions.keys()).collect();
        let differs = |name: &String| match (c.functions.get(name), rust.functions.get(name)) {
            (Some(c), Some(rust)) if c == rust => {
                let said = self.of_c_alone.contains(&name.as_str());
                said.then(|| format!("{name}: is in Rust after all"))
            }
            (Some(c), Some(rust)) => Some(format!("{name}: {c} in C, {rust} in Rust")),
            (Some(_), None) if self.of_c_alone.contains(&name.as_str()) => None,
            (Some(_), None) => Some(format!("{name}: is not in Rust")),
            (None, _) => Some(format!("{name}: is not in C")),
        };
        names.into_iter().filter_map(differs).collect()
    }

    fn structures(&self, c: &Side, rust: &Side) -> Vec<BrokenRule> {
        let opaque =
            |fields: &&Vec<(String, String)>| fields[..] != [OPAQUE.map(str::to_owned).into()];
        let names: BTreeSet<&String> = c.structures.keys().chain(rust.structures.keys()).collect();
        let differs = |name: &String| {
            let c = c.structures.get(name);
            let rust = rust.structures.get(name).filter(opaque);
            (c != rust).then(|| format!("struct {name}: {c:?} in C, {rust:?} in Rust"))
        };
        names.into_iter().filter_map(differs).collect()
    }

    fn constants(&self, c: &Side, rust: &Side) -> Vec<BrokenRule> {
        let Some(prefix) = self.mirror.1 else {
            return Vec::new();
        };
        let differs = |(name, rust): (&String, &String)| {
            let name = format!("{prefix}{name}");
            match c.constants.get(&name) {
                Some(c) if c == rust => None,
                Some(c) => Some(format!("{name}: {c} in C, {rust} in Rust")),
                None => Some(format!("{name}: is not in C")),
            }
        };
        rust.constants.iter().filter_map(differs).collect()
    }
}

/// Field that Rust gives a structure known by pointers only.
const OPAQUE: [&str; 2] = ["_opaque", "[u8; 0]"];

#[test]
fn both_sides_of_every_contract_say_the_same() {
    let of = |path: &str| text(path).to_owned();
    let found = CONTRACTS
        .iter()
        .flat_map(|contract| contract.differences(of));
    crate::assert_none(found.collect());
}

/// Replaces functions of libc, whose headers are not ours, in tests that count memory.
const FACES_LIBC: &str = "crates/pc/tests/common/memory.rs";

#[test]
fn every_file_that_faces_c_keeps_to_a_contract() {
    let known: BTreeSet<&str> = CONTRACTS
        .iter()
        .flat_map(Contract::files)
        .chain([FACES_LIBC])
        .collect();
    let strays = FILES
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with(".rs"))
        .filter(|file| !known.contains(file.path.as_str()) && rust::faces_c(&file.text))
        .map(|file| format!("{}: declares functions of no header", file.path));
    crate::assert_none(strays.collect());
}

#[cfg(test)]
mod planted {
    use super::*;

    const HEADER: &str = r#"
        #ifndef A_H
        #define A_H
        #include <stdint.h>
        #ifdef __cplusplus
        extern "C" {
        #endif
        /* What it
         * is. */
        #define A_BAD (-1)
        #define A_MANY 0x10u /**< Many. */
        #define A_FOREVER UINT32_MAX
        #define A_WORDS "some words"
        struct a_thing;
        struct a_thing {
            const char *const *names;
            int32_t (*call)(void *context, uint64_t count);
            char text[A_MANY];
        };
        struct a_secret;
        typedef uint64_t a_handle;
        int a_make(const struct a_thing *thing, a_handle *handle, void **out);
        void a_end(struct a_secret *secret);
        uint8_t *a_room(void);
        void a_offered(uint32_t slot);
        void a_of_c(void);
        #ifdef __cplusplus
        }
        #endif
        #endif
    "#;
    const MIRROR: &str = r#"
        pub const BAD: i32 = -1;
        pub const MANY: usize = 16;
        const FOREVER: u32 = u32::MAX;
        pub const WORDS: &CStr = c"some words";
        const OTHER: Other = Other { a: 1 };
        #[repr(C)]
        #[derive(Clone)]
        pub struct Thing {
            pub names: *const *const c_char,
            call: unsafe extern "C" fn(context: *mut c_void, u64) -> i32,
            pub text: [u8; MANY],
        }
        #[repr(C)]
        struct Secret { _opaque: [u8; 0] }
        struct Other { a: bool }
        type Handle = u64;
        mod inner {
            unsafe extern "C" {
                pub fn a_make(thing: *const super::Thing, handle: *mut Handle, out: *mut *mut c_void) -> c_int;
                fn a_end(secret: *mut Secret);
                fn a_room() -> *mut u8;
            }
        }
        fn of_rust() -> bool { true }
    "#;
    const OFFER: &str = r#"
        #[unsafe(no_mangle)]
        unsafe extern "C" fn a_offered(slot: u32) { drop(slot) }
    "#;

    const CONTRACT: Contract = Contract {
        header: "a.h",
        mirror: ("mirror.rs", Some("A_")),
        offers: &["offer.rs"],
        structures: &[("Thing", "a_thing"), ("Secret", "a_secret")],
        of_c_alone: &["a_of_c"],
    };

    /// Findings where `from` is replaced by `to` in one file.
    fn with(path: &str, from: &str, to: &str) -> Vec<BrokenRule> {
        CONTRACT.differences(|file| {
            let text = match file {
                "a.h" => HEADER,
                "mirror.rs" => MIRROR,
                _ => OFFER,
            };
            assert!(file != path || text.contains(from), "{from} is in {path}");
            if file == path {
                text.replacen(from, to, 1)
            } else {
                text.to_owned()
            }
        })
    }

    #[test]
    fn sides_that_agree_pass() {
        crate::assert_none(with("", "", ""));
    }

    #[test]
    fn a_difference_on_either_side_is_found() {
        for (path, from, to, what) in [
            (
                "a.h",
                "(void);\n        void a_off",
                "(int a);\n        void a_off",
                "a_room",
            ),
            ("a.h", "uint8_t *a_room", "const uint8_t *a_room", "a_room"),
            ("a.h", "uint32_t slot", "int32_t slot", "a_offered"),
            (
                "a.h",
                "a_handle *handle, void **out",
                "void **out, a_handle *handle",
                "a_make",
            ),
            ("a.h", "typedef uint64_t", "typedef uint32_t", "a_make"),
            ("a.h", "int a_make", "int32_t a_make", "a_make"),
            ("a.h", "void a_end", "void a_finish", "a_"),
            (
                "a.h",
                "const char *const *names",
                "const char **names",
                "a_thing",
            ),
            ("a.h", "uint64_t count)", "uint32_t count)", "a_thing"),
            ("a.h", "char text[A_MANY]", "char text[15]", "a_thing"),
            (
                "a.h",
                "struct a_secret;",
                "struct a_secret { int32_t a; };",
                "a_secret",
            ),
            ("a.h", "(-1)", "(-2)", "A_BAD: -2 in C, -1 in Rust"),
            ("a.h", "some words", "any words", "A_WORDS"),
            (
                "a.h",
                "A_FOREVER UINT32_MAX",
                "A_FOREVER UINT64_MAX",
                "A_FOREVER",
            ),
            (
                "mirror.rs",
                "pub const BAD",
                "pub const WORSE",
                "A_WORSE: is not in C",
            ),
            ("mirror.rs", "*mut Secret", "*const Secret", "a_end"),
            ("mirror.rs", "-> c_int", "", "a_make"),
            ("mirror.rs", "_opaque: [u8; 0]", "a: i32", "a_secret"),
            (
                "mirror.rs",
                "text: [u8; MANY]",
                "other: [u8; MANY]",
                "a_thing",
            ),
            (
                "mirror.rs",
                "context: *mut c_void, u64",
                "u64, *mut c_void",
                "a_thing",
            ),
            (
                "mirror.rs",
                "fn a_room() -> *mut u8;",
                "fn a_room() -> *mut u8; fn a_of_c();",
                "after all",
            ),
            ("offer.rs", "slot: u32", "slot: u32, more: u8", "a_offered"),
            (
                "offer.rs",
                "#[unsafe(no_mangle)]",
                "",
                "a_offered: is not in Rust",
            ),
        ] {
            let found = with(path, from, to);
            assert!(
                !found.is_empty() && found.iter().all(|found| found.contains(what)),
                "{from} became {to}: {found:?}"
            );
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (path, from, to) in [
            ("a.h", "void a_end", "static inline void a_end"),
            ("a.h", "void a_end", "float a_end"),
            ("a.h", "#include <stdint.h>", "#if defined(X)"),
            ("a.h", "(-1)", "(1 << 2)"),
            ("a.h", "A_BAD (-1)", "A_BAD(x) (x)"),
            ("a.h", "A_MANY 0x10u", "A_MANY 010"),
            ("a.h", "char text[A_MANY]", "char text[A_NONE]"),
            ("a.h", "uint32_t slot", "uint32_t slots[2]"),
            ("a.h", "uint32_t slot", "uint32_t"),
            ("a.h", "void a_of_c(void);", "void a_of_c(void)"),
            ("a.h", "uint64_t count", "uint64_t count, ..."),
            ("a.h", "* is. */", ""),
            ("mirror.rs", "-1", "-1 - 1"),
            ("mirror.rs", "*mut Secret", "&mut Secret"),
            ("mirror.rs", "*mut Secret", "*mut Unknown"),
            ("mirror.rs", "-> c_int", "-> Option<u32>"),
            ("mirror.rs", "fn a_room() -> *mut u8;", "static A: u8;"),
        ] {
            let found = with(path, from, to);
            assert!(
                found.len() == 1 && found[0].starts_with(&format!("{path}: ")),
                "{from} became {to}: {found:?}"
            );
        }
    }

    #[test]
    fn functions_for_c_are_noticed_in_any_file() {
        assert!(rust::faces_c(OFFER));
        assert!(rust::faces_c(MIRROR));
        assert!(!rust::faces_c(
            "extern \"C\" fn callback(a: u8) {} fn other() {}"
        ));
    }
}
