// SPDX-License-Identifier: Apache-2.0
//! `Ocrefile.toml`: the description of a project for `ocre build`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ocre::command::arguments;
use ocre_files::MAX_CONFIG;
use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected, Visitor};

use crate::failure::Failure;

/// Name of the file.
pub const NAME: &str = "Ocrefile.toml";

/// Finds the folder of a project: `named` is that folder, its file, or a folder in it. Without
/// such a file, returns the named folder.
pub fn project(named: &Path) -> PathBuf {
    let folder = match named.parent() {
        Some(folder) if named.is_file() && named.file_name() == Some(NAME.as_ref()) => {
            Path::new(".").join(folder)
        }
        _ => named.to_owned(),
    };
    let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let above = real.ancestors().find(|above| above.join(NAME).is_file());
    match above {
        Some(above) if above != real => above.to_owned(),
        _ => folder,
    }
}

/// Content of the file.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ocrefile {
    /// Name of the image.
    pub name: String,
    /// Language of the guest.
    pub language: Language,
    /// Of a Cargo project: name of the program.
    pub bin: Option<String>,
    /// Of a C project: source files.
    #[serde(default)]
    pub sources: Vec<PathBuf>,
    /// Of a C project: further arguments of the compiler.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Stack of the guest, in bytes.
    pub stack: Option<u32>,
    /// Heap of the guest.
    #[serde(default)]
    pub heap: HeapSize,
    /// Of a C project: conversions of printf.
    #[serde(default)]
    pub printf: Printf,
    /// Machines to compile the guest for.
    #[serde(default)]
    pub targets: Vec<String>,
    /// Files that the container can read, each `FILE` or `FILE=TITLE`.
    #[serde(default)]
    pub blobs: Vec<String>,
    /// Exported function to call on start.
    #[serde(default = "entry")]
    pub entry: String,
    /// Variables of the environment, each `NAME=value`.
    #[serde(default)]
    pub env: Vec<String>,
    /// Permissions that the image asks for.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// Languages of guests.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Rust, in a Cargo project.
    Rust,
    /// C or C++, in files for clang.
    C,
}

/// Heap of a guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeapSize {
    /// As many bytes in the guest's memory, which never grows.
    Fixed(u32),
    /// The heap of the language's library, which grows the guest's memory.
    Grow,
}

impl HeapSize {
    /// Most bytes of a heap.
    pub const MAX: u32 = 1 << 30;
    /// Heap of a project that names none.
    const DEFAULT: Self = Self::Fixed(8 * 1024);

    /// Reads `grow`, or a number of bytes such as `8K`.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "grow" => Some(Self::Grow),
            _ => Self::bytes(arguments::bytes(text)?),
        }
    }

    fn bytes(bytes: u64) -> Option<Self> {
        let bytes = u32::try_from(bytes).ok()?;
        (1..=Self::MAX)
            .contains(&bytes)
            .then_some(Self::Fixed(bytes))
    }
}

impl Default for HeapSize {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl<'de> Deserialize<'de> for HeapSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeapVisitor;

        impl Visitor<'_> for HeapVisitor {
            type Value = HeapSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`heap` as 1 to 1073741824 bytes, such as 4096 or \"8K\", or \"grow\"")
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<HeapSize, E> {
                let heap = u64::try_from(bytes).ok().and_then(HeapSize::bytes);
                heap.ok_or_else(|| E::invalid_value(Unexpected::Signed(bytes), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<HeapSize, E> {
                let heap = HeapSize::parse(text);
                heap.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(HeapVisitor)
    }
}

/// Conversions of printf and its family in C.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Printf {
    /// Integers, characters, texts and pointers, in little code.
    #[default]
    Small,
    /// All of C's library, with floating-point numbers.
    Full,
}

fn entry() -> String {
    "_start".to_owned()
}

impl Ocrefile {
    /// Bytes of the guest's stack.
    pub fn stack_bytes(&self) -> u32 {
        self.stack.unwrap_or(match self.language {
            Language::Rust => 16 * 1024,
            Language::C => 2 * 1024,
        })
    }

    /// Reads the file in a folder.
    ///
    /// # Errors
    /// `build-file`, with the line, and `io`.
    pub fn read(folder: &Path, what: &str) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let refused = |detail: &str| {
            let hints = "see docs/building.md, or create a project with `ocre new`";
            Failure::new(what, "build-file", hints)
                .at(path.display())
                .because(detail)
        };
        let text = match ocre_files::read_text(&path, MAX_CONFIG) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(refused("no Ocrefile.toml found"));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(refused("not UTF-8"));
            }
            read => read.map_err(|error| Failure::io(what, &error))?,
        };
        Self::parse(&text).map_err(|detail| refused(&detail))
    }

    /// Parses the text; the error names the line.
    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| {
                let before = text.get(..span.start).unwrap_or(text);
                format!("line {}: ", before.matches('\n').count() + 1)
            });
            let message = error.message().replace('\n', ", ");
            format!("{}{message}", line.unwrap_or_default())
        })?;
        match file.language {
            Language::C if file.sources.is_empty() => {
                Err("`sources` has to list the C files".to_owned())
            }
            Language::C if file.bin.is_some() => Err("`bin` is for Rust alone".to_owned()),
            Language::Rust if !file.sources.is_empty() || !file.flags.is_empty() => {
                Err("`sources` and `flags` are for C alone".to_owned())
            }
            Language::Rust if file.printf != Printf::Small => {
                Err("`printf` is for C alone".to_owned())
            }
            _ => Ok(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_has_to_be_said() {
        let file = Ocrefile::parse("name = \"a:1\"\nlanguage = \"rust\"\n").unwrap();
        assert_eq!(
            (file.language, file.heap),
            (Language::Rust, HeapSize::DEFAULT)
        );
        assert_eq!((file.stack_bytes(), file.printf), (16_384, Printf::Small));
        assert_eq!((&*file.entry, file.targets.len()), ("_start", 0));
    }

    #[test]
    fn a_heap_is_a_number_of_bytes_or_grows() {
        let heap = |value: &str| {
            let text = format!("name = \"a\"\nlanguage = \"rust\"\nheap = {value}\n");
            Ocrefile::parse(&text).map(|file| file.heap)
        };
        for (value, expected) in [
            ("1", HeapSize::Fixed(1)),
            ("\"4096\"", HeapSize::Fixed(4096)),
            ("\"8K\"", HeapSize::Fixed(8192)),
            ("\"1MiB\"", HeapSize::Fixed(1 << 20)),
            ("1073741824", HeapSize::Fixed(HeapSize::MAX)),
            ("\"grow\"", HeapSize::Grow),
        ] {
            assert_eq!(heap(value), Ok(expected), "{value}");
        }
        for (value, said) in [
            ("0", "integer `0`"),
            ("-1", "integer `-1`"),
            ("1073741825", "integer `1073741825`"),
            ("\"2G\"", "string \"2G\""),
            ("\"8 K\"", "string \"8 K\""),
            ("\"Grow\"", "string \"Grow\""),
            ("\"\"", "string \"\""),
            ("\"99999999999999999999K\"", "string \"9999"),
            ("1.5", "floating point `1.5`"),
            ("true", "boolean `true`"),
            ("[]", "sequence"),
        ] {
            let error = heap(value).unwrap_err();
            assert!(error.starts_with("line 3: invalid "), "{error}");
            assert!(error.contains(said), "{error}");
            assert!(error.contains("`heap` as 1 to 1073741824 bytes"), "{error}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            ("", "line 1: missing field `name`"),
            (
                "name = \"a\"\nlanguage = \"go\"\n",
                "line 2: unknown variant `go`",
            ),
            (
                "name = \"a\"\nlanguage = \"rust\"\nnme = 1\n",
                "line 3: unknown field `nme`",
            ),
            ("name = \n", "line 1: "),
            ("name = \"a\"\nlanguage = \"c\"\n", "`sources` has to list"),
            (
                "name = \"a\"\nlanguage = \"rust\"\nsources = [\"a.c\"]\n",
                "are for C alone",
            ),
            (
                "name = \"a\"\nlanguage = \"rust\"\nprintf = \"full\"\n",
                "`printf` is for C alone",
            ),
            (
                "name = \"a\"\nlanguage = \"c\"\nprintf = \"float\"\n",
                "line 3: unknown variant `float`",
            ),
        ] {
            let error = Ocrefile::parse(text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
