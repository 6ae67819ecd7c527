// SPDX-License-Identifier: Apache-2.0
//! Container records: files of the partition that keep containers through a reboot.
//!
//! # Files
//!
//! In the folder [`ROOT`] each container has `NAME.spec`, its [spec](Spec), and, once its state is
//! no longer `created`, `NAME.state`, its [state](State). A container exists if its `.spec` does.
//! [`codec`] describes the content of the files.
//!
//! # Power cuts
//!
//! Every file is replaced whole, and a step below is one such replacement or one removal:
//!
//! | operation | steps, in order |
//! |---|---|
//! | create | the folder for its files, `.spec` |
//! | start, end | `.state` |
//! | remove | the [marker](crate::folders::REMOVAL) in the folder, `.spec` away, `.state` away, the folder with its files away |
//!
//! So a cut leaves each container as it was before the operation or after it, and may leave a
//! `.state` or a folder without a `.spec`. At boot [`tidy`] removes those that are marked, and
//! moves the others to [`lost::ROOT`]: a missing record does not prove that the container was
//! removed. A record that can't be read, because it is damaged or of a newer version, is never
//! written over or removed, nor are the files of its container.

mod cbor;
pub mod codec;

use core::fmt;
use core::num::NonZeroU32;

use heapless::String;
use ocre_oci::Reference;

use super::state::State;
use super::{Name, Spec, data};
use crate::atomic;
use crate::folders::create_if_absent;
use crate::image::blob::read_file;
use crate::image::permission::Permissions;
use crate::limits::MAX_ENVIRONMENT;
use crate::lost;
use crate::port::path::Path;
use crate::port::{EntryKind, Storage, StorageError};

/// Folder of all containers' records.
pub const ROOT: &str = "/containers";

/// Most bytes of a record, and size of the buffer for one.
pub const MAX_BYTES: usize = size_of::<Spec>() + MAX_ENVIRONMENT + size_of::<TagName>() + 384;

/// The name of a tag that is followed.
pub type TagName = String<{ Reference::MAX_NAME + 1 + Reference::MAX_TAG }>;

/// Tag of a container, with its creator's environment and grants.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The tag.
    pub tag: &'a str,
    /// `NAME=value`, on top of the image's.
    pub environment: &'a [&'a str],
    /// Granted permissions.
    pub granted: Permissions,
}

/// Dates of a container, in seconds since 1970-01-01 UTC, where the date was known. The range ends
/// in 2106.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dates {
    /// Creation.
    pub created: Option<NonZeroU32>,
    /// Start of the present or last run.
    pub started: Option<NonZeroU32>,
    /// End of the last run.
    pub ended: Option<NonZeroU32>,
}

/// Reason why a record can't be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The record is not as it was written.
    Damaged,
    /// A newer release has written it.
    Version,
    /// The partition failed.
    Storage(StorageError),
}

impl Error {
    /// The stable code, as `docs/errors.md` lists it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Damaged => "record-damaged",
            Self::Version => "record-version",
            Self::Storage(error) => error.code(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

// ---------------------------------------------------------------- files

#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordFile {
    Spec,
    State,
}

impl RecordFile {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Spec => ".spec",
            Self::State => ".state",
        }
    }

    fn path(self, name: &Name) -> Path {
        data::entry(ROOT, name, self.suffix())
    }
}

/// True where there is a record of that name, readable or not.
///
/// # Errors
/// The storage's own.
pub fn exists<S: Storage>(storage: &S, name: &Name) -> Result<bool, StorageError> {
    crate::port::exists(storage, &RecordFile::Spec.path(name))
}

/// Writes a container's spec.
///
/// # Errors
/// The storage's own.
pub fn write_spec<S: Storage>(
    storage: &S,
    name: &Name,
    spec: &Spec,
    created: Option<NonZeroU32>,
    origin: Option<&Origin<'_>>,
) -> Result<(), StorageError> {
    create_if_absent(storage, ROOT)?;
    atomic::replace(storage, &RecordFile::Spec.path(name), &mut |output| {
        codec::write_spec(spec, created, origin, &mut |bytes| output.write(bytes))
    })
}

/// Writes a container's state.
///
/// # Errors
/// The storage's own.
pub fn write_state<S: Storage>(
    storage: &S,
    name: &Name,
    state: State,
    dates: &Dates,
) -> Result<(), StorageError> {
    atomic::replace(storage, &RecordFile::State.path(name), &mut |output| {
        codec::write_state(state, dates, &mut |bytes| output.write(bytes))
    })
}

/// Removes a container's record. A missing file is no error.
///
/// # Errors
/// The storage's own. Where `.spec` could not be removed, the container still exists.
pub fn remove<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    for kind in [RecordFile::Spec, RecordFile::State] {
        match storage.remove(&kind.path(name)) {
            Ok(()) | Err(StorageError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Shows the name of each container that has a record, readable or not.
///
/// # Errors
/// The storage's own.
pub fn list<S: Storage>(storage: &S, show: &mut dyn FnMut(&Name)) -> Result<(), StorageError> {
    let listed = storage.read_dir(ROOT, &mut |file, _| {
        if let Some(name) = owner(file, RecordFile::Spec.suffix()) {
            show(&name);
        }
        true
    });
    match listed {
        Err(StorageError::NotFound) => Ok(()),
        listed => listed,
    }
}

/// Reads a container's spec into `spec`, which is [blank](Spec::blank). Returns the date of
/// creation. `buffer` has [`MAX_BYTES`].
///
/// # Errors
/// Any [`Error`].
pub fn read_spec<S: Storage>(
    storage: &S,
    name: &Name,
    buffer: &mut [u8],
    spec: &mut Spec,
) -> Result<Option<NonZeroU32>, Error> {
    codec::read_spec(read(storage, &RecordFile::Spec.path(name), buffer)?, spec)
}

/// Reads the origin of a container that follows a tag, and shows it.
/// `buffer` has [`MAX_BYTES`].
///
/// # Errors
/// Any [`Error`].
pub fn read_origin<S: Storage>(
    storage: &S,
    name: &Name,
    buffer: &mut [u8],
    show: &mut dyn FnMut(&Origin<'_>),
) -> Result<(), Error> {
    codec::read_origin(read(storage, &RecordFile::Spec.path(name), buffer)?, show)
}

/// Reads a container's state and dates. `buffer` has [`MAX_BYTES`].
///
/// # Errors
/// Any [`Error`].
pub fn read_state<S: Storage>(
    storage: &S,
    name: &Name,
    buffer: &mut [u8],
) -> Result<(State, Dates), Error> {
    match read(storage, &RecordFile::State.path(name), buffer) {
        Err(Error::Storage(StorageError::NotFound)) => Ok((State::Created, Dates::default())),
        read => codec::read_state(read?),
    }
}

fn read<'b, S: Storage>(storage: &S, path: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let count = read_file(storage, path, buffer)?;
    // A record longer than the buffer is cut off, and fails its check.
    buffer.get(..count).ok_or(Error::Damaged)
}

/// Completes operations that a power cut stopped, and clears away states and folders without a
/// container. Tells the path of each that is kept, with its new folder or the code of the error.
///
/// # Errors
/// The storage's own.
pub fn tidy<S: Storage>(storage: &S, tell: Tell<'_>) -> Result<(), StorageError> {
    atomic::finish_renames(storage);
    atomic::recover_all(storage, ROOT)?;
    put_orphans_away(storage, ROOT, RecordFile::State.suffix(), tell)?;
    put_orphans_away(storage, data::ROOT, "", tell)
}

/// Takes a path, and its new folder or the code of an error.
pub type Tell<'t> = &'t mut dyn FnMut(&str, &str);

/// Clears away the entries of `folder`, named after a container with `suffix`, whose container has
/// no record: folders where there is no suffix, else files.
#[inline(never)]
fn put_orphans_away<S: Storage>(
    storage: &S,
    folder: &str,
    suffix: &str,
    tell: Tell<'_>,
) -> Result<(), StorageError> {
    let is_folder = suffix.is_empty();
    let select = |entry: &str, kind| {
        (kind == EntryKind::Directory) == is_folder && owner(entry, suffix).is_some()
    };
    let mut entry = Path::new();
    while atomic::next_entry(storage, folder, &mut entry, &select)? {
        let Some(name) = owner(&entry, suffix) else {
            continue;
        };
        if exists(storage, &name)? {
            continue;
        }
        let path = data::entry(folder, &name, suffix);
        let put_away = if is_folder {
            data::put_away(storage, &name)
        } else if data::is_marked(storage, &name) {
            storage.remove(&path).map(|()| false)
        } else {
            lost::keep(storage, &path, &entry).map(|()| true)
        };
        match put_away {
            Ok(false) => {}
            Ok(true) => tell(&path, lost::ROOT),
            Err(error) => tell(&path, error.code()),
        }
    }
    Ok(())
}

/// Returns the container whose name, with `suffix`, a file or folder has.
#[inline(never)]
fn owner(entry: &str, suffix: &str) -> Option<Name> {
    Name::parse(entry.strip_suffix(suffix)?).ok()
}
