// SPDX-License-Identifier: Apache-2.0
//! `ocre flash rm`: removes a file or a folder from a flash file. Files of the runtime stay.

use std::path::PathBuf;

use ocre::command::{CommandStatus, hints};
use ocre::container::mount::RESERVED;
use ocre::port::{EntryKind, Storage, StorageError, path};
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::partition;

use super::output::LineOutput;
use super::tree::{absolute, walk};

/// Files of the image store, at the top.
const FILES: [&str; 2] = ["/oci-layout", "/index.json"];

/// Removes a file or a folder.
#[derive(clap::Args, Debug)]
pub struct FlashRmArgs {
    /// Remove a folder and everything in it
    #[arg(short, long)]
    recursive: bool,
    /// Flash file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// File, or empty folder
    #[arg(value_name = "PATH", value_parser = absolute)]
    path: String,
}

/// Removes, and prints the numbers of files and folders.
pub fn run(args: &FlashRmArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let what = format!("can't remove {} from {}", args.path, args.file.display());
    let own = |folder: &&str| path::is_within(&args.path, folder);
    if args.path == "/" || RESERVED.iter().chain(&FILES).any(own) {
        let hints = "remove images with `ocre image rm` and containers with `ocre rm`";
        return Err(Failure::new(&what, "flash-reserved", hints).at(&args.path));
    }
    let partition =
        LittleFs::open(&args.file).map_err(|error| partition::unusable(&args.file, &error))?;
    let failed = |(path, error): (String, StorageError)| {
        let hints = match error {
            StorageError::NotEmpty => "remove the folder and everything in it with --recursive",
            error => hints::storage(error),
        };
        Failure::new(&what, error.code(), hints).at(path)
    };
    let top = partition.metadata(&args.path);
    let top = top.map_err(|error| failed((args.path.clone(), error)))?;
    let mut entries = vec![args.path.clone()];
    if args.recursive && top.kind == EntryKind::Directory {
        let inner = walk(&partition, &args.path).map_err(failed)?;
        if let Some(unlisted) = inner.unlisted.into_iter().next() {
            return Err(failed(unlisted));
        }
        entries.extend(inner.entries.into_iter().map(|(path, _)| path));
    }
    // The content of a folder is removed before it.
    for path in entries.iter().rev() {
        let removed = partition.remove(path);
        removed.map_err(|error| failed((path.clone(), error)))?;
    }
    let printed = if out.json() {
        out.document(|out| out.unsigned("removed", entries.len() as u64))
    } else {
        out.line(format_args!("removed {}", entries.len()))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}
