// SPDX-License-Identifier: Apache-2.0
//! Declarations of the C headers in Rust, made by bindgen.
//!
//! A constant loses the prefix of its header, and a structure has the name of its table below.
//! Functions keep their names. Rust code that defines a function of a header proves at compile time
//! that it has the declared type: see `defines!` in `crates/zephyr`.

use anyhow::{Context, Result, anyhow};
use bindgen::callbacks::{IntKind, ItemInfo, ItemKind, ParseCallbacks};
use bindgen::{Builder, Formatter, RustEdition, RustTarget};

use crate::{Generated, read};

/// Header and the file with its declarations.
#[derive(Clone, Copy, Debug)]
struct Header {
    path: &'static str,
    output: &'static str,
    /// Prefixes of constants, which their names in Rust lack.
    prefixes: &'static [&'static str],
    /// C's and Rust's names of structures and types of functions.
    types: &'static [(&'static str, &'static str)],
    /// Constants that are lengths: `usize`.
    lengths: &'static [&'static str],
}

const HEADERS: [Header; 6] = [
    Header {
        path: "crates/wamr-sys/shim/ocre_wamr.h",
        output: "crates/wamr-sys/src/bindings.rs",
        prefixes: &["OCRE_WAMR_"],
        types: &[
            ("ocre_wamr_native", "Native"),
            ("ocre_wamr_external", "WamrExternal"),
            ("ocre_wamr_demand", "Demand"),
            ("ocre_wamr_call_handler", "CallHandler"),
        ],
        lengths: &["OCRE_WAMR_TEXT_BYTES"],
    },
    Header {
        path: "crates/pc/shim/ocre_littlefs.h",
        output: "crates/pc/src/littlefs/sys.rs",
        prefixes: &["OCRE_LFS_"],
        types: &[
            ("ocre_lfs", "Fs"),
            ("ocre_lfs_file", "LfsFile"),
            ("ocre_lfs_dir", "LfsDir"),
            ("ocre_lfs_device", "LfsDevice"),
        ],
        lengths: &["OCRE_LFS_NAME_MAX"],
    },
    Header {
        path: "crates/aot/src/c/shim.h",
        output: "crates/aot/src/sys.rs",
        prefixes: &["OCRE_AOT_"],
        types: &[("ocre_aot_options", "RawOptions")],
        lengths: &[],
    },
    Header {
        path: "crates/zephyr/shim/port.h",
        output: "crates/zephyr/src/sys/port.rs",
        prefixes: &["OCRE_PORT_", "OCRE_"],
        types: &[
            ("ocre_shell_word", "ShellWord"),
            ("ocre_port_entry", "EntryVisitor"),
        ],
        lengths: &["OCRE_PORT_LOCK_WORDS"],
    },
    Header {
        path: "include/ocre/ocre.h",
        output: "crates/zephyr/src/sys/api.rs",
        prefixes: &["OCRE_"],
        types: &[
            ("ocre_options", "CreateOptions"),
            ("ocre_status", "ContainerStatus"),
            ("ocre_container_t", "ContainerHandle"),
        ],
        lengths: &["OCRE_TEXT_BYTES", "OCRE_CODE_BYTES"],
    },
    Header {
        path: "twister-tests/common/testing.h",
        output: "crates/zephyr/src/sys/testing.rs",
        prefixes: &["CONFORMANCE_"],
        types: &[],
        lengths: &[],
    },
];

/// Names and types of a header's items, for bindgen.
#[derive(Debug)]
struct Names {
    header: Header,
    text: String,
}

impl Names {
    /// Value of a constant, as it is written in the header.
    fn value(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines();
        lines.find_map(|line| {
            let rest = line.strip_prefix("#define ")?.strip_prefix(name)?;
            rest.starts_with(' ')
                .then(|| rest.split_whitespace().next())?
        })
    }
}

impl ParseCallbacks for Names {
    fn item_name(&self, item: ItemInfo<'_>) -> Option<String> {
        let listed = self.header.types.iter().find(|(c, _)| *c == item.name);
        match item.kind {
            ItemKind::Function => None,
            _ if listed.is_some() => listed.map(|(_, rust)| (*rust).to_owned()),
            _ => {
                let mut prefixes = self.header.prefixes.iter();
                prefixes
                    .find_map(|prefix| item.name.strip_prefix(prefix))
                    .map(str::to_owned)
            }
        }
    }

    /// Type of a constant: C's own, of 32 bits where the number fits; `usize` for a length.
    fn int_macro(&self, name: &str, bits: i64) -> Option<IntKind> {
        if self.header.lengths.contains(&name) {
            return Some(IntKind::Custom {
                name: "usize",
                is_signed: false,
            });
        }
        Some(match self.value(name)?.ends_with('u') {
            true if u32::try_from(bits).is_err() => IntKind::U64,
            true => IntKind::U32,
            false => IntKind::I32,
        })
    }
}

fn declarations(header: Header) -> Result<Generated> {
    let names = Names {
        header,
        text: read(header.path)?,
    };
    let rust = RustTarget::stable(85, 0).map_err(|error| anyhow!("{error}"))?;
    let bindings = Builder::default()
        .header(header.path)
        .parse_callbacks(Box::new(names))
        .allowlist_file(header.path)
        // The same result on every machine: clang's own headers, none of a libc.
        .clang_args(["--target=x86_64-unknown-linux-gnu", "-ffreestanding"])
        .rust_target(rust)
        .rust_edition(RustEdition::Edition2024)
        .use_core()
        .generate_cstr(true)
        .layout_tests(false)
        .merge_extern_blocks(true)
        .prepend_enum_name(false)
        .disable_header_comment()
        .formatter(Formatter::Rustfmt)
        .raw_line("// SPDX-License-Identifier: Apache-2.0")
        .raw_line(format!(
            "//! `{}` in Rust, written by `cargo xtask generate`.",
            header.path
        ))
        .raw_line("#![allow(missing_docs, dead_code, reason = \"documented in the header\")]")
        .generate()
        .with_context(|| format!("can't read {}", header.path))?;
    Ok(Generated {
        path: header.output.to_owned(),
        content: bindings.to_string(),
    })
}

/// Declarations of every header.
pub fn all() -> Result<Vec<Generated>> {
    HEADERS.into_iter().map(declarations).collect()
}
