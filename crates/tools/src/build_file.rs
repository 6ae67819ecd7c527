// SPDX-License-Identifier: Apache-2.0
//! `Ocrefile.toml`: the description of a project for `ocre build`.

use std::io;
use std::path::{Path, PathBuf};

use ocre_files::MAX_CONFIG;
use serde::Deserialize;

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
    #[serde(default = "stack")]
    pub stack: u32,
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

fn stack() -> u32 {
    16 * 1024
}

fn entry() -> String {
    "_start".to_owned()
}

impl Ocrefile {
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
        assert_eq!((file.language, file.stack), (Language::Rust, 16_384));
        assert_eq!((&*file.entry, file.targets.len()), ("_start", 0));
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
        ] {
            let error = Ocrefile::parse(text).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
