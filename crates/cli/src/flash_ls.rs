// SPDX-License-Identifier: Apache-2.0
//! `ocre flash ls`: lists the files in a flash file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ocre::command::report::Sanitized;
use ocre::command::{CommandStatus, hints};
use ocre::port::{EntryKind, Storage as _};
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::partition;

use super::output::LineOutput;
use super::tree::{self, FolderContent, absolute};

/// Lists the files in a flash file.
#[derive(clap::Args, Debug)]
pub struct FlashLsArgs {
    /// Flash file [default: the file of --flash]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// File, or folder to list recursively
    #[arg(value_name = "PATH", default_value = "/", value_parser = absolute)]
    path: String,
}

/// Lists the files with their sizes. A folder that can't be listed is reported, and the rest is
/// listed.
pub fn run(
    args: &FlashLsArgs,
    flash: Option<&Path>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let file = partition::flash_file(args.file.as_deref().or(flash))?;
    let what = format!("can't list {} in {}", args.path, file.display());
    let partition =
        LittleFs::open_to_read(&file).map_err(|error| partition::unusable(&file, &error))?;
    let failed = |(path, error)| {
        Failure::new(
            &what,
            ocre::port::StorageError::code(error),
            hints::storage(error),
        )
        .at(path)
    };
    let top = partition.metadata(&args.path);
    let top = top.map_err(|error| failed((args.path.clone(), error)))?;
    let FolderContent { entries, unlisted } = if top.kind == EntryKind::Directory {
        tree::walk(&partition, &args.path).map_err(failed)?
    } else {
        FolderContent {
            entries: vec![(args.path.clone(), top)],
            unlisted: Vec::new(),
        }
    };
    let printed = if out.json() {
        out.document(|out| {
            out.array("entries", |out| {
                entries.iter().for_each(|(path, metadata)| {
                    out.object(|out| {
                        out.string("path", path);
                        match metadata.kind {
                            EntryKind::File | EntryKind::Symlink => {
                                out.string("kind", "file");
                                out.unsigned("size", metadata.size)
                            }
                            EntryKind::Directory => out.string("kind", "folder"),
                        }
                    })
                })
            })
        })
    } else {
        let mut text = String::new();
        for (path, metadata) in &entries {
            // A guest may have chosen the name.
            let path = Sanitized(path);
            // Writing to a String does not fail.
            let _ = match metadata.kind {
                EntryKind::File | EntryKind::Symlink => {
                    writeln!(text, "{:>10} {path}", metadata.size)
                }
                EntryKind::Directory => writeln!(text, "{:>10} {path}/", ""),
            };
        }
        out.text(&text)
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    tree::tell(&what, &unlisted, err)
}
