// SPDX-License-Identifier: Apache-2.0
//! `ocre new`: makes a project that `ocre build` builds.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::CommandStatus;
use ocre_tools::failure::Failure;

use super::output::LineOutput;

/// Makes a project that builds and runs.
#[derive(clap::Args, Debug)]
pub struct NewArgs {
    /// Language of the guest
    #[arg(value_name = "rust|c")]
    language: ProjectLanguage,
    /// Folder to create, named as the project and the image
    #[arg(value_name = "NAME", value_parser = OsStringValueParser::new().try_map(project))]
    project: Project,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum ProjectLanguage {
    Rust,
    C,
}

/// A folder to make, and its name.
#[derive(Clone, Debug)]
struct Project {
    folder: PathBuf,
    name: String,
}

/// Parses a folder, for clap.
fn project(argument: OsString) -> Result<Project, String> {
    let folder = PathBuf::from(argument);
    let last = folder.file_name().and_then(OsStr::to_str);
    let name = name(last.unwrap_or_default())?;
    Ok(Project { folder, name })
}

/// Checks a name for Cargo's and an image's rules.
fn name(text: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let begins = text.starts_with(|letter: char| letter.is_ascii_lowercase());
    let parts = text.split(['-', '_']);
    if begins
        && text.len() <= 64
        && parts
            .into_iter()
            .all(|part| !part.is_empty() && part.chars().all(plain))
    {
        Ok(text.to_owned())
    } else {
        Err(
            "a name has up to 64 of a-z, 0-9, and single - or _ between them, and a letter first"
                .to_owned(),
        )
    }
}

const OCREFILE_RUST: &str = r#"# How `ocre build` makes an image of this project.
name = "NAME:latest"
language = "rust"

# Machines that the code is compiled for ahead of time, besides the portable code.
targets = []
"#;

const CARGO: &str = r#"[package]
name = "NAME"
version = "0.1.0"
edition = "2021"

[dependencies]

# What counts on a microcontroller is bytes.
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
panic = "abort"
strip = true

# A workspace of its own, wherever it lies.
[workspace]
"#;

const MAIN_RS: &str = r#"fn main() {
    println!("Hello from NAME!");
    for argument in std::env::args().skip(1) {
        println!("{argument}");
    }
}
"#;

const OCREFILE_C: &str = r#"# How `ocre build` makes an image of this project.
name = "NAME:latest"
language = "c"
sources = ["main.c"]

# Machines that the code is compiled for ahead of time, besides the portable code.
targets = []
"#;

const MAIN_C: &str = r#"#include <stdio.h>

int main(int argc, char **argv)
{
	puts("Hello from NAME!");
	for (int i = 1; i < argc; i++) {
		puts(argv[i]);
	}
	return 0;
}
"#;

/// Makes the project, and prints the next commands.
pub fn run(args: &NewArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let Project { folder, name } = &args.project;
    let what = format!("can't make {}", folder.display());
    let files: &[(&str, &str)] = match args.language {
        ProjectLanguage::Rust => &[
            ("Ocrefile.toml", OCREFILE_RUST),
            ("Cargo.toml", CARGO),
            ("src/main.rs", MAIN_RS),
            (".gitignore", "/target\n"),
        ],
        ProjectLanguage::C => &[
            ("Ocrefile.toml", OCREFILE_C),
            ("main.c", MAIN_C),
            (".gitignore", "/target\n"),
        ],
    };
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let hints = "choose another name, or change to another folder";
            return Err(Failure::new(what, "new-exists", hints).at(folder.display()));
        }
        made => made.map_err(|error| Failure::io(&what, &error))?,
    }
    for (file, text) in files {
        let path = folder.join(file);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text.replace("NAME", name)));
        written.map_err(|error| Failure::io(&what, &error))?;
    }
    let printed = if out.json() {
        out.document(|out| out.display("folder", &folder.display()))
    } else {
        out.text(&format!(
            "made {0}\nnext: ocre build --import {0} && ocre run {name}\n",
            folder.display()
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cargos_and_those_of_images() {
        for good in ["a", "hello", "hello-2", "a_b"] {
            assert!(name(good).is_ok(), "{good}");
            assert!(ocre_oci::Reference::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2a",
            "A",
            "a--b",
            "-a",
            "a-",
            "a/b",
            "..",
            "a b",
            &"a".repeat(65),
        ] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}
