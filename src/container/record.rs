// SPDX-License-Identifier: Apache-2.0
//! What is kept of containers on the partition, so that they are there after a reboot.
//!
//! # What is stored
//!
//! In the folder [`ROOT`] each container has `NAME.spec`, what it was created with, and, once
//! its state is no longer `created`, `NAME.state`, where it is in its life. A container is there
//! if its `.spec` is. [`form`] says what is in the files.
//!
//! # What survives a power cut
//!
//! Every file is replaced whole, and a step below is one such replacement or one removal:
//!
//! | operation | steps, in order |
//! |---|---|
//! | create | the folder for its files, `.spec` |
//! | start, end | `.state` |
//! | remove | the [mark](data::REMOVAL) in the folder, `.spec` away, `.state` away, the folder with its files away |
//!
//! So a cut leaves each container as it was before the operation or after it, and may leave a
//! `.state` or a folder without a `.spec`. At boot [`tidy`] removes what is marked, and moves what
//! is not to [`lost::ROOT`]: that a record is not found does not prove that the container was
//! removed. A record that can't be read, because it is damaged or of a newer version, is never
//! written over or removed, nor are the files of its container.

mod cbor;
pub mod form;

use core::fmt;
use core::num::NonZeroU32;

use heapless::String;
use ocre_oci::Reference;

use super::state::State;
use super::{Name, Spec, data};
use crate::atomic;
use crate::image::content::{self, Path, read_file};
use crate::image::permission::Permissions;
use crate::limits::MAX_ENVIRONMENT;
use crate::lost;
use crate::port::{EntryKind, Storage, StorageError};

/// Where the records of all containers are.
pub const ROOT: &str = "/containers";

/// Most bytes of a record: whoever reads one lends that much.
pub const MAX_BYTES: usize = size_of::<Spec>() + MAX_ENVIRONMENT + size_of::<Tag>() + 384;

/// The name of a tag that is followed.
pub type Tag = String<{ Reference::MAX_NAME + 1 + Reference::MAX_TAG }>;

/// What follows from a container's tag, and what its creator has said that goes on top.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The tag.
    pub tag: &'a str,
    /// `NAME=value`, on top of the image's.
    pub environment: &'a [&'a str],
    /// What the image gets of what it asks for.
    pub granted: Permissions,
}

/// When things happened, in seconds since 1970-01-01 UTC, where the date was known. It lasts
/// until 2106.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dates {
    /// It was created.
    pub created: Option<NonZeroU32>,
    /// Its present or last run began.
    pub started: Option<NonZeroU32>,
    /// Its last run ended.
    pub ended: Option<NonZeroU32>,
}

/// Why a record can't be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// It is not what was written.
    Damaged,
    /// A newer release has written it.
    Version,
    /// The partition's own.
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
enum Kind {
    Spec,
    State,
}

impl Kind {
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

/// Whether there is a record of that name, readable or not.
///
/// # Errors
/// The storage's own.
pub fn exists<S: Storage>(storage: &S, name: &Name) -> Result<bool, StorageError> {
    content::exists(storage, &Kind::Spec.path(name))
}

/// Writes down what a container is created with.
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
    data::make(storage, ROOT)?;
    atomic::replace(storage, &Kind::Spec.path(name), &mut |output| {
        form::write_spec(spec, created, origin, &mut |bytes| output.write(bytes))
    })
}

/// Writes down where a container is in its life.
///
/// # Errors
/// The storage's own.
pub fn write_state<S: Storage>(
    storage: &S,
    name: &Name,
    state: State,
    dates: &Dates,
) -> Result<(), StorageError> {
    atomic::replace(storage, &Kind::State.path(name), &mut |output| {
        form::write_state(state, dates, &mut |bytes| output.write(bytes))
    })
}

/// Forgets a container. What is not there is no error.
///
/// # Errors
/// The storage's own. Where `.spec` could not be removed, the container is still there.
pub fn remove<S: Storage>(storage: &S, name: &Name) -> Result<(), StorageError> {
    for kind in [Kind::Spec, Kind::State] {
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
        if let Some(name) = owner(file, Kind::Spec.suffix()) {
            show(&name);
        }
        true
    });
    match listed {
        Err(StorageError::NotFound) => Ok(()),
        listed => listed,
    }
}

/// Reads what a container was created with into `spec`, which is [blank](Spec::blank), and when.
/// `buffer` has [`MAX_BYTES`].
///
/// # Errors
/// Those of [`Error`].
pub fn read_spec<S: Storage>(
    storage: &S,
    name: &Name,
    buffer: &mut [u8],
    spec: &mut Spec,
) -> Result<Option<NonZeroU32>, Error> {
    form::read_spec(read(storage, &Kind::Spec.path(name), buffer)?, spec)
}

/// Reads what a container's image follows from, if it follows a tag, and shows it.
/// `buffer` has [`MAX_BYTES`].
///
/// # Errors
/// Those of [`Error`].
pub fn read_origin<S: Storage>(
    storage: &S,
    name: &Name,
    buffer: &mut [u8],
    show: &mut dyn FnMut(&Origin<'_>),
) -> Result<(), Error> {
    form::read_origin(read(storage, &Kind::Spec.path(name), buffer)?, show)
}

/// Reads where a container was in its life. `buffer` has [`MAX_BYTES`].
///
/// # Errors
/// Those of [`Error`].
pub fn read_state<S: Storage>(
    storage: &S,
    name: &Name,
    buffer: &mut [u8],
) -> Result<(State, Dates), Error> {
    match read(storage, &Kind::State.path(name), buffer) {
        Err(Error::Storage(StorageError::NotFound)) => Ok((State::Created, Dates::default())),
        read => form::read_state(read?),
    }
}

fn read<'b, S: Storage>(storage: &S, path: &str, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let count = read_file(storage, path, buffer)?;
    // What fills the buffer is cut off, and not whole then.
    buffer.get(..count).ok_or(Error::Damaged)
}

/// Ends what a power cut stopped, and puts states and folders away that have no container. Tells
/// of each that is kept by its path, and where it is kept or why it can't be moved there.
///
/// # Errors
/// The storage's own.
pub fn tidy<S: Storage>(storage: &S, tell: Tell<'_>) -> Result<(), StorageError> {
    atomic::settle(storage);
    atomic::recover_all(storage, ROOT)?;
    put_orphans_away(storage, ROOT, Kind::State.suffix(), tell)?;
    put_orphans_away(storage, data::ROOT, "", tell)
}

/// Takes a path and what has become of it.
pub type Tell<'t> = &'t mut dyn FnMut(&str, &str);

/// Puts away what is in `folder` under the name of a container, with `suffix`, that has no record:
/// its folder where there is no suffix, else a file.
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

/// The container whose name, with `suffix`, a file or folder has.
#[inline(never)]
fn owner(entry: &str, suffix: &str) -> Option<Name> {
    Name::parse(entry.strip_suffix(suffix)?).ok()
}
