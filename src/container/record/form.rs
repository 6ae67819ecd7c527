// SPDX-License-Identifier: Apache-2.0
//! The form of a record's bytes.
//!
//! A record is a CBOR sequence (RFC 8742) of two items: an array of the version and a map, and
//! a byte string, the sha256 of the first item, because littlefs does not checksum what is in
//! files. What was written is read back the same; anything else is `record-damaged`, or
//! `record-version` where it is whole and newer: of a newer version, or with a key that is not
//! known here, which may be a limit that the container must not run without.
//!
//! | key of a spec | value |
//! |---|---|
//! | 0 | the manifest: its digest's 32 bytes and its size, in an array |
//! | 1 | the executable layer, so too |
//! | 2 | its place among the layers |
//! | 3 | 0 for wasm, 1 for AOT code |
//! | 4 | what its annotations say against running it: a code of docs/errors.md |
//! | 5 | the entry point |
//! | 6 | the environment, each variable followed by a NUL |
//! | 7 | the permissions that hold, by their names |
//! | 8 | the blobs: digest, size and title of each |
//! | 9 | the arguments, each followed by a NUL |
//! | 10 … 14 | bytes of memory, of stack, of the thread's stack; priority; time limit in ms |
//! | 15 | when it was created, in seconds since 1970 |
//! | 16 | the mounts, each `SRC:DST[:ro]` followed by a NUL |
//! | 17 | bytes of disk |
//! | 18 | started again by itself: 256 always; else on failure, at most so often in a row, 0 for as often as there is |
//! | 19 | most instructions |
//! | 20 | what it follows: the tag as it was typed; in an array each variable that goes on top of the image's environment; the permissions that are granted, by their names; the mark of what the tag led to when it got its image |
//!
//! Key 20, if it is there, is the first, so that whoever wants that alone reads no further.
//!
//! | key of a state | value |
//! |---|---|
//! | 0 | 0 created, 1 live, 2 exited, 3 trapped, 4 killed, 5 failed |
//! | 1 | the exit code, or why: the word that `ps` shows |
//! | 2, 3 | when the last run began and ended, in seconds since 1970 |
//! | 4 | 1 where it has failed too often to be started again by itself |
//!
//! Live is also what waits for its next run.

use core::num::{NonZeroU8, NonZeroU32};

use heapless::Vec;
use minicbor::decode::Error as Undecodable;
use minicbor::encode::{Error as Unwritten, Write};
use minicbor::{Decoder, Encoder};
use ocre_oci::{Format, Sha256};
use sha2::Digest as _;

use super::{Dates, Error, Origin};
use crate::container::mount::Mount;
use crate::container::state::{Cause, Failure, Outcome, State};
use crate::container::{Restart, Spec};
use crate::image::permission::{Permission, Permissions};
use crate::image::verdict::Code;
use crate::image::{Content, Image};
use crate::limits::MAX_WORDS;
use crate::port::{StorageError, Trap};

/// The version of the records that this build writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The restart policy that has no number of failures.
const ALWAYS: u32 = 256;

/// The second item: the head of a byte string of 32 bytes, and those.
const CHECK_HEAD: [u8; 2] = [0x58, 0x20];
const CHECK_BYTES: usize = CHECK_HEAD.len() + 32;

/// Takes the bytes of a record, in pieces.
pub type Put<'p> = &'p mut dyn FnMut(&[u8]) -> Result<(), StorageError>;

/// Hashes what it passes on.
struct Sink<'p> {
    put: Put<'p>,
    hasher: sha2::Sha256,
}

impl Write for Sink<'_> {
    type Error = StorageError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.hasher.update(bytes);
        (self.put)(bytes)
    }
}

type To<'p> = Encoder<Sink<'p>>;
type Written = Result<(), Unwritten<StorageError>>;

fn write(put: Put<'_>, map: impl FnOnce(&mut To<'_>) -> Written) -> Result<(), StorageError> {
    let mut to = Encoder::new(Sink {
        put,
        hasher: sha2::Sha256::new(),
    });
    let written = to
        .array(2)
        .and_then(|to| to.u32(VERSION))
        .map(drop)
        .and_then(|()| map(&mut to));
    // An encoding can't fail but for where it goes.
    written.map_err(|error| error.into_write().unwrap_or(StorageError::Invalid))?;
    let Sink { put, hasher } = to.into_writer();
    put(&CHECK_HEAD)?;
    put(&hasher.finalize())
}

/// The map of a record that is whole.
fn open(record: &[u8]) -> Result<Decoder<'_>, Error> {
    let split = record.len().checked_sub(CHECK_BYTES);
    let (body, check) = split
        .and_then(|split| record.split_at_checked(split))
        .ok_or(Error::Damaged)?;
    let whole = check.strip_prefix(&CHECK_HEAD) == Some(&Sha256::of(body).0[..]);
    let mut from = Decoder::new(body);
    if !whole || from.array().ok() != Some(Some(2)) {
        return Err(Error::Damaged);
    }
    match number(&mut from)? {
        VERSION => Ok(from),
        version if version > VERSION => Err(Error::Version),
        _ => Err(Error::Damaged),
    }
}

/// Shows each key of a map, with its value to be taken.
fn fields<'b>(
    mut from: Decoder<'b>,
    mut field: impl FnMut(u32, &mut Decoder<'b>) -> Result<(), Error>,
) -> Result<(), Error> {
    let count = from.map()?.unwrap_or_default();
    for _ in 0..count {
        let key = number(&mut from)?;
        field(key, &mut from)?;
    }
    if from.position() == from.input().len() {
        Ok(())
    } else {
        Err(Error::Damaged)
    }
}

impl From<Undecodable> for Error {
    fn from(_: Undecodable) -> Self {
        Self::Damaged
    }
}

// ---------------------------------------------------------------- what a container is created with

/// Writes what a container is created with, and when.
///
/// # Errors
/// Those of `put`.
pub fn write_spec(
    spec: &Spec,
    created: Option<NonZeroU32>,
    origin: Option<&Origin<'_>>,
    put: Put<'_>,
) -> Result<(), StorageError> {
    // By name, so that a new field is not forgotten here.
    let Spec {
        image:
            Image {
                manifest,
                executable,
                executable_layer,
                format,
                aot_annotations,
                entry_point,
                environment,
                permissions,
                blobs,
            },
        arguments,
        mounts,
        memory_bytes,
        disk_bytes,
        stack_bytes,
        thread_stack_bytes,
        priority,
        restart,
        time_limit_ms,
        instructions,
        // Whoever was attached is not there after a reboot.
        attached: _,
        // Has no record.
        temporary: _,
        followed,
    } = spec;
    write(put, |to| {
        let optional = [
            origin.is_some(),
            aot_annotations.is_err(),
            time_limit_ms.is_some(),
            created.is_some(),
            !mounts.is_empty(),
            disk_bytes.is_some(),
            *restart != Restart::No,
            instructions.is_some(),
        ];
        let count = optional.iter().filter(|&&there| there).count() as u64;
        to.map(count.saturating_add(13))?;
        if let Some(origin) = origin {
            to.u32(FOLLOWED)?.array(4)?.str(origin.tag)?;
            to.array(origin.environment.len() as u64)?;
            for variable in origin.environment {
                to.str(variable)?;
            }
            names(to, &origin.granted)?;
            to.u64(*followed)?;
        }
        content(to.u32(0)?.array(2)?, manifest)?;
        content(to.u32(1)?.array(2)?, executable)?;
        to.u32(2)?.u8(*executable_layer)?;
        to.u32(3)?.u8(match format {
            Format::Wasm => 0,
            Format::Aot => 1,
        })?;
        if let Err(code) = aot_annotations {
            to.u32(4)?.str(code.as_str())?;
        }
        to.u32(5)?.str(entry_point)?;
        to.u32(6)?.str(environment)?;
        names(to.u32(7)?, permissions)?;
        to.u32(8)?.array(blobs.len() as u64)?;
        for blob in blobs.iter() {
            content(to.array(3)?, &blob.content)?;
            to.str(blob.title)?;
        }
        to.u32(9)?.str(arguments)?;
        to.u32(10)?.u32(*memory_bytes)?;
        to.u32(11)?.u32(*stack_bytes)?;
        to.u32(12)?.u32(*thread_stack_bytes)?;
        to.u32(13)?.u8(*priority)?;
        if let Some(limit) = time_limit_ms {
            to.u32(14)?.u32(*limit)?;
        }
        if let Some(created) = created {
            to.u32(15)?.u32(created.get())?;
        }
        if !mounts.is_empty() {
            to.u32(16)?.str(mounts)?;
        }
        if let Some(limit) = disk_bytes {
            to.u32(17)?.u32(*limit)?;
        }
        match restart {
            Restart::No => {}
            Restart::Always => {
                to.u32(18)?.u32(ALWAYS)?;
            }
            Restart::OnFailure(most) => {
                to.u32(18)?.u8(most.map_or(0, NonZeroU8::get))?;
            }
        }
        if let Some(limit) = instructions {
            to.u32(19)?.u32(*limit)?;
        }
        Ok(())
    })
}

fn names(to: &mut To<'_>, permissions: &Permissions) -> Written {
    to.array(permissions.iter().count() as u64)?;
    for permission in permissions.iter() {
        to.str(permission.name())?;
    }
    Ok(())
}

fn content(to: &mut To<'_>, content: &Content) -> Written {
    to.bytes(&content.digest.0)?.u64(content.size)?;
    Ok(())
}

/// Reads what [`write_spec`] has written into `spec`, which is [blank](Spec::blank).
///
/// # Errors
/// `record-damaged`, `record-version`.
pub fn read_spec(record: &[u8], spec: &mut Spec) -> Result<Option<NonZeroU32>, Error> {
    let mut created = None;
    let mut seen = 0_u32;
    fields(open(record)?, |key, from| {
        let image = &mut spec.image;
        match key {
            0 => image.manifest = content_of(from, 2)?,
            1 => image.executable = content_of(from, 2)?,
            2 => image.executable_layer = number(from)?,
            3 => {
                image.format = match number::<u8>(from)? {
                    0 => Format::Wasm,
                    1 => Format::Aot,
                    _ => return Err(Error::Damaged),
                }
            }
            4 => {
                let code = Code::from_name(from.str()?);
                image.aot_annotations = Err(code.unwrap_or(Code::AotMetadata));
            }
            5 => image.entry_point = from.str()?.try_into().map_err(|_| Error::Damaged)?,
            6 => {
                image.environment = terminated(from.str()?)?
                    .try_into()
                    .map_err(|_| Error::Damaged)?
            }
            7 => image.permissions = named(from)?,
            8 => {
                for _ in 0..from.array()?.ok_or(Error::Damaged)? {
                    let content = content_of(from, 3)?;
                    image
                        .blobs
                        .push(content, from.str()?)
                        .map_err(|_| Error::Damaged)?;
                }
            }
            9 => {
                spec.arguments = terminated(from.str()?)?
                    .try_into()
                    .map_err(|_| Error::Damaged)?
            }
            10 => spec.memory_bytes = number(from)?,
            11 => spec.stack_bytes = number(from)?,
            12 => spec.thread_stack_bytes = number(from)?,
            13 => spec.priority = number(from)?,
            14 => spec.time_limit_ms = Some(number(from)?),
            15 => created = NonZeroU32::new(number(from)?),
            16 => {
                let mounts = terminated(from.str()?)?;
                // Nothing is mounted that could not be asked for.
                if mounts
                    .split_terminator('\0')
                    .any(|one| Mount::parse(one).is_err())
                {
                    return Err(Error::Damaged);
                }
                spec.mounts = mounts.try_into().map_err(|_| Error::Damaged)?;
            }
            17 => spec.disk_bytes = Some(number(from)?),
            19 => spec.instructions = Some(number(from)?),
            FOLLOWED if seen == 0 => spec.followed = follow(from, &mut |_| ())?,
            FOLLOWED => return Err(Error::Damaged),
            18 => {
                spec.restart = match number(from)? {
                    ALWAYS => Restart::Always,
                    most => {
                        let most = u8::try_from(most).map_err(|_| Error::Damaged)?;
                        Restart::OnFailure(NonZeroU8::new(most))
                    }
                }
            }
            _ => return Err(Error::Version),
        }
        seen |= 1_u32.checked_shl(key).unwrap_or(0);
        Ok(())
    })?;
    if seen & NEEDED == NEEDED {
        Ok(created)
    } else {
        Err(Error::Damaged)
    }
}

/// Shows what [`write_spec`] was given as the origin, if anything.
///
/// # Errors
/// `record-damaged`, `record-version`.
pub fn read_origin(record: &[u8], show: &mut dyn FnMut(&Origin<'_>)) -> Result<(), Error> {
    let mut from = open(record)?;
    if from.map()?.is_some_and(|count| count > 0) && number::<u32>(&mut from)? == FOLLOWED {
        follow(&mut from, show)?;
    }
    Ok(())
}

/// Reads and shows the value of [`FOLLOWED`], and returns the mark.
fn follow(from: &mut Decoder<'_>, show: &mut dyn FnMut(&Origin<'_>)) -> Result<u64, Error> {
    if from.array()? != Some(4) {
        return Err(Error::Damaged);
    }
    let tag = from.str()?;
    let mut environment: Vec<&str, MAX_WORDS> = Vec::new();
    for _ in 0..from.array()?.ok_or(Error::Damaged)? {
        environment.push(from.str()?).map_err(|_| Error::Damaged)?;
    }
    let granted = named(from)?;
    let mark = number(from)?;
    show(&Origin {
        tag,
        environment: &environment,
        granted,
    });
    Ok(mark)
}

fn named(from: &mut Decoder<'_>) -> Result<Permissions, Error> {
    let mut permissions = Permissions::default();
    for _ in 0..from.array()?.ok_or(Error::Damaged)? {
        // One that this build does not know is not granted by it.
        if let Some(permission) = Permission::from_name(from.str()?) {
            permissions.insert(permission);
        }
    }
    Ok(permissions)
}

/// The keys that every spec has: all but 4, and those from 14 on.
const NEEDED: u32 = 0x3fff & !(1 << 4);

/// The key of what a container follows.
const FOLLOWED: u32 = 20;

/// A number that fits; decoded in one way, for the sake of the code's size.
fn number<T: TryFrom<u64>>(from: &mut Decoder<'_>) -> Result<T, Error> {
    T::try_from(from.u64()?).map_err(|_| Error::Damaged)
}

fn content_of(from: &mut Decoder<'_>, items: u64) -> Result<Content, Error> {
    if from.array()? != Some(items) {
        return Err(Error::Damaged);
    }
    let digest = from.bytes()?.try_into().map_err(|_| Error::Damaged)?;
    Ok(Content {
        digest: Sha256(digest),
        size: number(from)?,
    })
}

/// A list of texts, each followed by a NUL.
fn terminated(list: &str) -> Result<&str, Error> {
    if list.is_empty() || list.ends_with('\0') {
        Ok(list)
    } else {
        Err(Error::Damaged)
    }
}

// ---------------------------------------------------------------- where it is in its life

/// Writes where a container is in its life, and since when.
///
/// # Errors
/// Those of `put`.
pub fn write_state(state: State, dates: &Dates, put: Put<'_>) -> Result<(), StorageError> {
    let times = [(2, dates.started), (3, dates.ended)];
    write(put, |to| {
        let known = times.iter().filter(|(_, time)| time.is_some()).count() as u64;
        // What waits for its next run is not to be forgotten by a reset either.
        let given_up = matches!(state, State::CrashLoop(_));
        let state = match state {
            State::Restarting(_) => State::Running,
            State::CrashLoop(outcome) => State::Ended(outcome),
            other => other,
        };
        let why = matches!(state, State::Ended(_)).into();
        let fields = known
            .saturating_add(1)
            .saturating_add(why)
            .saturating_add(given_up.into());
        to.map(fields)?.u32(0)?;
        match state {
            State::Created => to.u8(0)?,
            State::Running | State::Paused | State::Restarting(_) | State::CrashLoop(_) => {
                to.u8(1)?
            }
            State::Ended(Outcome::Exited(code)) => to.u8(2)?.u32(1)?.i32(code)?,
            State::Ended(Outcome::Trapped(trap)) => to.u8(3)?.u32(1)?.str(trap.code())?,
            State::Ended(Outcome::Killed(cause)) => to.u8(4)?.u32(1)?.str(cause.word())?,
            State::Ended(Outcome::Failed(failure)) => to.u8(5)?.u32(1)?.str(failure.code())?,
        };
        for (key, time) in times {
            if let Some(time) = time {
                to.u32(key)?.u32(time.get())?;
            }
        }
        if given_up {
            to.u32(4)?.u8(1)?;
        }
        Ok(())
    })
}

/// Reads what [`write_state`] has written. A container that was live has been killed by the
/// reset.
///
/// # Errors
/// `record-damaged`, `record-version`.
pub fn read_state(record: &[u8]) -> Result<(State, Dates), Error> {
    let (mut state, mut code, mut why, mut given_up) = (None, None, None, false);
    let mut dates = Dates::default();
    fields(open(record)?, |key, from| {
        match key {
            0 => state = Some(number(from)?),
            1 if state == Some(2) => code = Some(from.i32()?),
            1 => why = Some(from.str()?),
            2 => dates.started = NonZeroU32::new(number(from)?),
            3 => dates.ended = NonZeroU32::new(number(from)?),
            4 => given_up = number::<u8>(from)? == 1,
            _ => return Err(Error::Version),
        }
        Ok(())
    })?;
    let outcome = match (state, code, why) {
        (Some(0), None, None) if !given_up => return Ok((State::Created, dates)),
        (Some(1), None, None) if !given_up => Outcome::Killed(Cause::Reset),
        (Some(2), Some(code), None) => Outcome::Exited(code),
        // A reason that this build does not know is still one.
        (Some(3), None, Some(why)) => Outcome::Trapped(Trap::from_code(why).unwrap_or(Trap::Other)),
        (Some(4), None, Some(why)) => Outcome::Killed(Cause::from_word(why).unwrap_or(Cause::Kill)),
        (Some(5), None, Some(why)) => {
            Outcome::Failed(Failure::from_code(why).unwrap_or(Failure::Thread))
        }
        _ => return Err(Error::Damaged),
    };
    let state = if given_up {
        State::CrashLoop(outcome)
    } else {
        State::Ended(outcome)
    };
    Ok((state, dates))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec as StdVec;

    use super::*;
    use crate::container::record::Tag;
    use crate::image::Blobs;
    use crate::limits::{MAX_BLOBS, MAX_ENVIRONMENT, MAX_TITLES};

    const ORIGIN: Origin<'_> = Origin {
        tag: "app",
        environment: &["B="],
        granted: Permissions::NONE,
    };

    fn spec() -> Spec {
        let content = |byte| Content {
            digest: Sha256([byte; 32]),
            size: u64::MAX - u64::from(byte),
        };
        let mut permissions = Permissions::default();
        permissions.insert(Permission::Gpio);
        let mut blobs = Blobs::new();
        let blob = Content {
            size: u32::MAX.into(),
            ..content(3)
        };
        blobs.push(blob, "title").unwrap();
        blobs.push(blob, "").unwrap();
        Spec {
            image: Image {
                manifest: content(1),
                executable: content(2),
                executable_layer: 9,
                format: Format::Aot,
                aot_annotations: Err(Code::AotAbi),
                entry_point: "main".try_into().unwrap(),
                environment: "A=1\0B=\0".try_into().unwrap(),
                permissions,
                blobs,
            },
            arguments: "a\0b c\0".try_into().unwrap(),
            mounts: "/a:/b\0/c:/d:ro\0".try_into().unwrap(),
            memory_bytes: 1,
            disk_bytes: Some(0),
            stack_bytes: 2,
            thread_stack_bytes: u32::MAX,
            priority: 255,
            restart: Restart::OnFailure(NonZeroU8::new(7)),
            time_limit_ms: Some(0),
            instructions: Some(u32::MAX),
            attached: false,
            temporary: false,
            followed: u64::MAX,
        }
    }

    fn written(write: impl FnOnce(Put<'_>) -> Result<(), StorageError>) -> StdVec<u8> {
        let mut record = StdVec::new();
        write(&mut |bytes| {
            record.extend_from_slice(bytes);
            Ok(())
        })
        .unwrap();
        record
    }

    fn read_spec(record: &[u8]) -> Result<(Spec, Option<NonZeroU32>), Error> {
        let mut spec = Spec::blank();
        let created = super::read_spec(record, &mut spec)?;
        Ok((spec, created))
    }

    fn spec_record() -> StdVec<u8> {
        written(|put| write_spec(&spec(), NonZeroU32::new(7), Some(&ORIGIN), put))
    }

    /// A record with that first item.
    fn checked(mut body: StdVec<u8>) -> StdVec<u8> {
        let check = Sha256::of(&body);
        body.extend(CHECK_HEAD);
        body.extend(check.0);
        body
    }

    #[test]
    fn a_spec_is_read_as_it_was_written() {
        assert_eq!(read_spec(&spec_record()), Ok((spec(), NonZeroU32::new(7))));
        let mut least = spec();
        least.image.aot_annotations = Ok(());
        least.image.blobs.clear();
        least.image.permissions = Permissions::default();
        least.image.environment.clear();
        least.time_limit_ms = None;
        least.mounts.clear();
        least.disk_bytes = None;
        least.instructions = None;
        least.followed = 0;
        for restart in [
            Restart::Always,
            Restart::OnFailure(None),
            Restart::OnFailure(NonZeroU8::new(255)),
            Restart::No,
        ] {
            least.restart = restart;
            let record = written(|put| write_spec(&least, None, None, put));
            assert_eq!(read_spec(&record), Ok((least.clone(), None)));
        }
    }

    #[test]
    fn what_an_image_follows_from_is_read_as_it_was_written() {
        let mut granted = Permissions::default();
        granted.insert(Permission::Timers);
        let origin = Origin {
            environment: &["A=1", "B=x y"],
            granted,
            ..ORIGIN
        };
        let record = written(|put| write_spec(&spec(), None, Some(&origin), put));
        let mut shown = 0;
        let read = read_origin(&record, &mut |read| {
            shown += 1;
            assert_eq!(read.tag, "app");
            assert_eq!(read.environment, origin.environment);
            assert_eq!(read.granted, granted);
        });
        assert_eq!((read, shown), (Ok(()), 1));
        let mut none = spec();
        none.followed = 0;
        let record = written(|put| write_spec(&none, None, None, put));
        assert_eq!(
            read_origin(&record, &mut |_| panic!("it follows none")),
            Ok(())
        );
    }

    #[test]
    fn what_is_followed_is_whole_and_comes_first_or_is_not_there() {
        let mut body = spec_record();
        body.truncate(body.len() - CHECK_BYTES);
        // [1, {20: ["app", ["B="], [], mark], 0: …}]
        let before = b"\x82\x01\xb5";
        let field = b"\x14\x84\x63app\x81\x62B=\x80\x1b\xff\xff\xff\xff\xff\xff\xff\xff";
        let rest = body.strip_prefix(before).unwrap();
        let rest = rest.strip_prefix(field).unwrap();
        let read = |parts: &[&[u8]]| read_spec(&checked(parts.concat())).map(drop);
        assert_eq!(read(&[before, field, rest]), Ok(()));
        assert_eq!(read(&[b"\x82\x01\xb4", rest]), Ok(()));
        assert_eq!(read(&[before, rest, field]), Err(Error::Damaged));
        let without_mark = b"\x14\x83\x63app\x81\x62B=\x80";
        assert_eq!(read(&[before, without_mark, rest]), Err(Error::Damaged));
    }

    #[test]
    fn the_largest_spec_fits() {
        let full = |text: &str, bytes: usize| text.repeat(bytes);
        let mut most = spec();
        most.image.entry_point = (&*full("e", most.image.entry_point.capacity()))
            .try_into()
            .unwrap();
        most.image.environment = (&*full("\0", most.image.environment.capacity()))
            .try_into()
            .unwrap();
        most.arguments = (&*full("\0", most.arguments.capacity()))
            .try_into()
            .unwrap();
        most.mounts.clear();
        while most.mounts.push_str("/a:/b\0").is_ok() {}
        most.image.blobs.clear();
        let title = full("t", MAX_TITLES / MAX_BLOBS - 1);
        let largest = Content {
            size: u32::MAX.into(),
            ..most.image.manifest
        };
        while most.image.blobs.push(largest, &title).is_ok() {}
        assert_eq!(most.image.blobs.len(), MAX_BLOBS);
        for permission in Permission::ALL {
            most.image.permissions.insert(permission);
        }
        let tag = full("t", Tag::new().capacity());
        let variable = full("x", MAX_ENVIRONMENT / MAX_WORDS - 1);
        let origin = Origin {
            tag: &tag,
            environment: &[&*variable; MAX_WORDS],
            granted: most.image.permissions,
        };
        let record =
            written(|put| write_spec(&most, NonZeroU32::new(u32::MAX), Some(&origin), put));
        assert!(record.len() <= super::super::MAX_BYTES, "{}", record.len());
        assert_eq!(read_spec(&record).map(|(spec, _)| spec), Ok(most));
    }

    #[test]
    fn a_mount_that_could_not_be_asked_for_is_damage() {
        for mounts in ["/:/a\0", "/data/other:/a\0", "/a\0", "/a:/b"] {
            let mut bad = spec();
            bad.followed = 0;
            bad.mounts = mounts.try_into().unwrap();
            let record = written(|put| write_spec(&bad, None, None, put));
            assert_eq!(read_spec(&record), Err(Error::Damaged), "{mounts:?}");
        }
    }

    #[test]
    fn every_state_is_read_as_it_was_written_but_a_live_one_is_killed() {
        let failures = Code::all()
            .map(Failure::Image)
            .chain([Failure::Instantiate, Failure::Thread]);
        let outcomes = Trap::ALL
            .map(Outcome::Trapped)
            .into_iter()
            .chain(Cause::ALL.map(Outcome::Killed))
            .chain([i32::MIN, -1, 0, 1, i32::MAX].map(Outcome::Exited))
            .chain(failures.map(Outcome::Failed));
        let dates = Dates {
            created: None,
            started: NonZeroU32::new(1),
            ended: NonZeroU32::new(u32::MAX),
        };
        let states =
            outcomes.flat_map(|outcome| [State::Ended(outcome), State::CrashLoop(outcome)]);
        for state in states.chain([State::Created]) {
            for dates in [dates, Dates::default()] {
                let record = written(|put| write_state(state, &dates, put));
                let Ok((read, when)) = read_state(&record) else {
                    panic!("{state} is not read");
                };
                // Two codes may have one string.
                assert_eq!(std::format!("{read}"), std::format!("{state}"));
                assert_eq!(when, dates);
            }
        }
        let restarting = State::Restarting(Outcome::Exited(3));
        for live in [State::Running, State::Paused, restarting] {
            let record = written(|put| write_state(live, &dates, put));
            let killed = State::Ended(Outcome::Killed(Cause::Reset));
            assert_eq!(read_state(&record), Ok((killed, dates)));
        }
    }

    #[test]
    fn a_changed_bit_is_damage_and_so_is_a_missing_or_added_byte() {
        let state = State::Ended(Outcome::Exited(3));
        let state = written(|put| write_state(state, &Dates::default(), put));
        let damaged = |record: &[u8]| {
            assert_eq!(read_spec(record), Err(Error::Damaged));
            assert_eq!(read_state(record), Err(Error::Damaged));
        };
        // Each takes two digests, of which Miri makes few.
        let step = if cfg!(miri) { 97 } else { 1 };
        for record in [spec_record(), state] {
            for bit in (0..record.len() * 8).step_by(step) {
                let mut changed = record.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                damaged(&changed);
            }
            for length in (0..record.len()).step_by(step) {
                damaged(&record[..length]);
            }
            damaged(&[&*record, &[0]].concat());
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let newer = |version| checked([&[0x82][..], version, &[0xa0]].concat());
        for version in [&[2][..], &[0x18, 99], &[0x1a, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(read_spec(&newer(version)), Err(Error::Version));
            assert_eq!(read_state(&newer(version)), Err(Error::Version));
        }
        assert_eq!(read_spec(&newer(&[0])), Err(Error::Damaged));
        assert_eq!(read_state(&newer(&[0x61, b'2'])), Err(Error::Damaged));
    }

    #[test]
    fn a_key_that_is_not_known_is_of_a_newer_release() {
        // [1, {0: 2, 1: 5, 99: [1, "x"], 3: 9}]
        let body = [
            0x82, 1, 0xa4, 0, 2, 1, 5, 0x18, 99, 0x82, 1, 0x61, b'x', 3, 9,
        ];
        assert_eq!(read_state(&checked(body.to_vec())), Err(Error::Version));
        // [1, {21: 0}]
        let body = [0x82, 1, 0xa1, 21, 0];
        assert_eq!(read_spec(&checked(body.to_vec())), Err(Error::Version));
    }

    #[test]
    fn a_record_that_makes_no_sense_is_damaged_whatever_its_digest() {
        for body in [
            &[][..],
            &[0x82, 1],                   // no map
            &[0x81, 1],                   // one item
            &[0x82, 1, 0xa0],             // nothing said
            &[0x82, 1, 0xa1, 0, 2],       // exited, and no code
            &[0x82, 1, 0xa1, 0, 6],       // no such state
            &[0x82, 1, 0xa2, 0, 0, 4, 1], // created, and failed too often
            &[0x82, 1, 0xa2, 0, 1, 4, 1], // live, and failed too often
            &[0x82, 1, 0xa2, 0, 0, 1, 0], // created, and a code
            &[0x82, 1, 0xa1, 0, 0, 0],    // more behind it
            &[0x82, 1, 0xbf, 0, 0, 0xff], // a map without a length
        ] {
            let record = checked(body.to_vec());
            assert_eq!(read_state(&record), Err(Error::Damaged), "{body:?}");
            assert_eq!(read_spec(&record), Err(Error::Damaged), "{body:?}");
        }
    }
}
