// SPDX-License-Identifier: Apache-2.0
//! Flash files, and the partition and image store in each.

use std::io;
use std::path::{Path, PathBuf};

use ocre::command::hints;
use ocre::image::store::Store;
use ocre::image::verdict::Code;
use ocre::port::Storage;
use ocre_pc::flash::{FileError, FileFlash, RamFlash};
use ocre_pc::littlefs::LittleFs;
pub use ocre_pc::platform::{MAX_CONFIG, MAX_DOCUMENT};

use crate::failure::Failure;

/// Partition in a flash file.
pub type Partition = LittleFs<FileFlash>;

/// Path of the flash file: the given one, else one in the user's data folder.
pub fn flash_file(flash: Option<&Path>) -> Result<PathBuf, Failure> {
    flash.map_or_else(|| default_file("flash.bin"), |path| Ok(path.to_owned()))
}

/// Opens the flash file, which must exist.
pub fn partition(flash: Option<&Path>) -> Result<Partition, Failure> {
    let path = flash_file(flash)?;
    Partition::open(&path).map_err(|error| unusable(&path, &error))
}

/// Opens the flash file for an image in it. Without a file the error says that there is no such
/// image.
pub fn partition_with(image: &str, flash: Option<&Path>, what: &str) -> Result<Partition, Failure> {
    if let Some(partition) = partition_if_any(flash)? {
        return Ok(partition);
    }
    let path = flash_file(flash)?;
    let code = Code::ReferenceNotFound;
    let failure = Failure::new(what, code.as_str(), hints::refusal(code)).at(image);
    Err(failure.because(format_args!("there is no flash file {}", path.display())))
}

/// Opens the flash file, if there is one.
pub fn partition_if_any(flash: Option<&Path>) -> Result<Option<Partition>, Failure> {
    let path = flash_file(flash)?;
    match Partition::open(&path) {
        Err(error) if error.is_missing() => Ok(None),
        opened => opened.map(Some).map_err(|error| unusable(&path, &error)),
    }
}

/// Copies a flash file to memory, if this user may only read it; `None` otherwise.
pub fn read_only_copy(flash: Option<&Path>) -> Result<Option<LittleFs<RamFlash>>, Failure> {
    let path = flash_file(flash)?;
    let failed = |error: FileError| unusable(&path, &error);
    match Partition::open(&path) {
        Err(FileError::Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) => {}
        _ => return Ok(None),
    }
    let partition = LittleFs::open_to_read(&path).map_err(failed)?;
    let copy = partition.with_flash(FileFlash::copy).map_err(failed)?;
    let mounted = LittleFs::mount(copy).map_err(|(_, error)| failed(FileError::Mount(error)))?;
    Ok(Some(mounted))
}

/// Opens the partition, if its flash file exists and can be used.
pub fn present(flash: Option<&Path>) -> Option<Partition> {
    let path = match flash {
        Some(path) => path.to_owned(),
        None => default_file("flash.bin").ok()?,
    };
    Partition::open(&path).ok()
}

/// Failure of a flash file that can't be used.
pub fn unusable(path: &Path, error: &FileError) -> Failure {
    let what = format!("can't use the flash file {}", path.display());
    refused_file(&what, error)
}

/// Failure of `what`, because of a flash file.
pub fn refused_file(what: &str, error: &FileError) -> Failure {
    Failure::new(what, error.code(), error.hint()).because(error)
}

/// Path of a file in the user's data folder for this program, by the XDG rules.
pub fn default_file(name: &str) -> Result<PathBuf, Failure> {
    let folder = user_folder("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        let what = "can't find your data folder";
        let hints = "set HOME, or name a flash file with --flash";
        Failure::new(what, "no-data-folder", hints)
    })?;
    Ok(folder.join(name))
}

/// Path of the user's cache folder for this program, by the same rules.
pub fn cache_folder() -> Result<PathBuf, Failure> {
    user_folder("XDG_CACHE_HOME", ".cache").ok_or_else(|| {
        let what = "can't find your cache folder";
        Failure::new(what, "no-cache-folder", "set HOME or XDG_CACHE_HOME")
    })
}

fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |variable| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let folder = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)));
    folder.map(|folder| folder.join("ocre"))
}

/// Opens the store on the partition; the length of `document` caps its documents.
pub fn store<'a, S: Storage>(
    partition: &'a S,
    document: &'a mut [u8],
) -> Result<Store<'a, S>, Failure> {
    Store::open(partition, "/", document).map_err(|error| {
        let what = "can't open the image store on the flash";
        Failure::new(what, error.code(), hints::store(error))
    })
}

/// Makes a buffer for the documents of the store.
pub fn document() -> Vec<u8> {
    vec![0; MAX_DOCUMENT]
}
