// SPDX-License-Identifier: Apache-2.0
//! `ocre flash cp`: copies files and folders into a flash file, out of it, between two, or within
//! one.
//!
//! Promised: each file has its old content or its new one afterwards, whole. Entries whose path is
//! too long are reported, and the rest is copied.

use std::path::{Path, PathBuf};

use ocre::atomic;
use ocre::command::{CommandStatus, hints};
use ocre::port::{EntryKind, OpenMode, Storage, StorageError};
use ocre_pc::directory::Directory;
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::partition::{self, Partition};

use super::output::LineOutput;
use super::tree::{Unusable, join, tell, walk};

/// Copies files and folders.
#[derive(clap::Args, Debug)]
pub struct FlashCpArgs {
    /// Create missing parent folders of DST
    #[arg(short, long)]
    parents: bool,
    /// File or folder of the PC, or in a flash file as FILE:/PATH
    #[arg(value_name = "SRC")]
    from: PathBuf,
    /// Destination: the path itself, or an existing folder to copy into
    #[arg(value_name = "DST")]
    to: PathBuf,
}

/// Place of a file or folder.
enum FileLocation {
    Flash(PathBuf, String),
    Pc(Directory, String),
}

impl FileLocation {
    /// Parses an argument. A name that exists on the PC means that file, even with `:/` in it.
    fn of(argument: &Path, what: &str) -> Result<Self, Failure> {
        if let Some(text) = argument.to_str()
            && !argument.exists()
            && let Some(at) = text.find(":/").filter(|at| *at > 0)
        {
            let (file, path) = (&text[..at], &text[at + 1..]);
            let path = match path.trim_end_matches('/') {
                "" => "/",
                path => path,
            };
            return Ok(Self::Flash(file.into(), path.to_owned()));
        }
        let refused = |error: StorageError| {
            Failure::new(what, error.code(), hints::storage(error)).at(argument.display())
        };
        // The real path of `..` has a name, too.
        let real = if argument.exists() {
            argument
                .canonicalize()
                .map_err(|error| Failure::io(what, &error))?
        } else {
            argument.to_owned()
        };
        let Some(name) = real.file_name() else {
            let folder = Directory::open(real).map_err(refused)?;
            return Ok(Self::Pc(folder, "/".to_owned()));
        };
        let name = name
            .to_str()
            .ok_or_else(|| refused(StorageError::Invalid))?;
        let parent = real.parent().filter(|parent| *parent != Path::new(""));
        let folder = Directory::open(parent.unwrap_or(Path::new("."))).map_err(refused)?;
        Ok(Self::Pc(folder, join("/", name)))
    }
}

fn open(file: &Path, to_read: bool) -> Result<Partition, Failure> {
    let opened = if to_read {
        LittleFs::open_to_read(file)
    } else {
        LittleFs::open(file)
    };
    opened.map_err(|error| partition::unusable(file, &error))
}

/// Counts of a copy, and the entries that were left out.
#[derive(Default)]
struct CopyCounts {
    files: u64,
    bytes: u64,
    left: Vec<Unusable>,
}

/// Copies, and prints the numbers of files and bytes.
pub fn run(
    args: &FlashCpArgs,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!(
        "can't copy {} to {}",
        args.from.display(),
        args.to.display()
    );
    let (from, to) = (
        FileLocation::of(&args.from, &what)?,
        FileLocation::of(&args.to, &what)?,
    );
    let copied = match (from, to) {
        (FileLocation::Flash(from, path), FileLocation::Flash(to, at)) => {
            let same = from
                .canonicalize()
                .ok()
                .is_some_and(|real| to.canonicalize().is_ok_and(|other| other == real));
            let to = open(&to, false)?;
            if same {
                copy(&to, &path, &to, &at, args.parents, &what)
            } else {
                copy(&open(&from, true)?, &path, &to, &at, args.parents, &what)
            }
        }
        (FileLocation::Flash(from, path), FileLocation::Pc(to, at)) => {
            copy(&open(&from, true)?, &path, &to, &at, args.parents, &what)
        }
        (FileLocation::Pc(from, path), FileLocation::Flash(to, at)) => {
            copy(&from, &path, &open(&to, false)?, &at, args.parents, &what)
        }
        (FileLocation::Pc(..), FileLocation::Pc(..)) => {
            let hints = "name one of the two as FILE:/PATH";
            Err(Failure::new(&what, "flash-none", hints).because("neither path is in a flash file"))
        }
    }?;
    let printed = if out.json() {
        out.document(|out| {
            out.unsigned("files", copied.files);
            out.unsigned("bytes", copied.bytes)
        })
    } else {
        let CopyCounts { files, bytes, .. } = copied;
        out.line(format_args!("copied {files} files, {bytes} bytes"))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    tell(&what, &copied.left, err)
}

fn copy<A: Storage, B: Storage>(
    from: &A,
    path: &str,
    to: &B,
    at: &str,
    parents: bool,
    what: &str,
) -> Result<CopyCounts, Failure> {
    let failed = |path: &str, error: StorageError| {
        let hints = match error {
            StorageError::NotFound => {
                "list the files with `ocre flash ls`; create missing folders with --parents"
            }
            error => hints::storage(error),
        };
        Failure::new(what, error.code(), hints).at(path)
    };
    let source = from.metadata(path).map_err(|error| failed(path, error))?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let top = match to.metadata(at) {
        Ok(found) if found.kind == EntryKind::Directory && !name.is_empty() => join(at, name),
        Ok(_) | Err(StorageError::NotFound) => at.to_owned(),
        Err(error) => return Err(failed(at, error)),
    };
    if parents {
        make_folders_above(to, &top).map_err(|(path, error)| failed(&path, error))?;
    }
    let mut copied = CopyCounts::default();
    let mut entries = vec![(path.to_owned(), source)];
    let content = walk(from, path).map_err(|(path, error)| failed(&path, error))?;
    entries.extend(content.entries);
    for (path, error) in content.unlisted {
        match error {
            StorageError::NameTooLong => copied.left.push((path, error)),
            error => return Err(failed(&path, error)),
        }
    }
    for (entry, metadata) in entries {
        let rest = entry.strip_prefix(path).unwrap_or_default();
        let target = match rest.trim_start_matches('/') {
            "" => top.clone(),
            rest => join(&top, rest),
        };
        let done = match metadata.kind {
            EntryKind::Directory => match to.create_dir(&target) {
                // The root always exists.
                Err(StorageError::Exists | StorageError::Invalid) => {
                    match to.metadata(&target).map(|found| found.kind) {
                        Ok(EntryKind::Directory) => Ok(()),
                        Ok(EntryKind::File | EntryKind::Symlink) => Err(StorageError::NotDirectory),
                        Err(error) => Err(error),
                    }
                }
                made => made,
            },
            EntryKind::File | EntryKind::Symlink => file(from, &entry, to, &target).map(|bytes| {
                copied.files += 1;
                copied.bytes += bytes;
            }),
        };
        match done {
            Err(StorageError::NameTooLong) if entry != path => {
                // A folder whose path is too long was reported when it was listed.
                if copied.left.iter().all(|(told, _)| *told != entry) {
                    copied.left.push((entry, StorageError::NameTooLong));
                }
            }
            done => done.map_err(|error| failed(&target, error))?,
        }
    }
    Ok(copied)
}

/// Makes the missing folders above the last part of a path.
fn make_folders_above<S: Storage>(storage: &S, path: &str) -> Result<(), (String, StorageError)> {
    let ends = path
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0);
    for folder in ends.filter_map(|end| path.get(..end)) {
        if storage.metadata(folder) == Err(StorageError::NotFound) {
            let made = storage.create_dir(folder);
            made.map_err(|error| (folder.to_owned(), error))?;
        }
    }
    Ok(())
}

fn file<A: Storage, B: Storage>(
    from: &A,
    path: &str,
    to: &B,
    target: &str,
) -> Result<u64, StorageError> {
    let mut source = from.open(path, OpenMode::READ)?;
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    atomic::replace(to, target, &mut |output| {
        loop {
            let count = from.read(&mut source, &mut buffer)?;
            if count == 0 {
                break;
            }
            output.write(&buffer[..count])?;
        }
        bytes = output.written();
        Ok::<(), StorageError>(())
    })?;
    from.close(source)?;
    Ok(bytes)
}
