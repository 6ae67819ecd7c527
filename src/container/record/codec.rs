// SPDX-License-Identifier: Apache-2.0
//! Encoding of a container record.
//!
//! A record is a CBOR sequence (RFC 8742) of two items: an array of the version and a map, and a
//! byte string, the sha256 of the first item, because littlefs has no checksum of a file's content.
//! A record is read back as it was written; anything else is `record-damaged`, or `record-version`
//! where it is whole and newer: of a newer version, or with an unknown key, which may be a limit
//! that the container must not run without.
//!
//! | key of a spec | value |
//! |---|---|
//! | 0 | the manifest: its digest's 32 bytes and its size, in an array |
//! | 1 | the executable layer, likewise |
//! | 2 | index of the executable layer among the layers |
//! | 3 | 0 for wasm, 1 for AOT code |
//! | 4 | refusal by the annotations of the executable layer: a code of docs/errors.md |
//! | 5 | the entry point |
//! | 6 | the environment, each variable followed by a NUL |
//! | 7 | the permissions in force, by their names |
//! | 8 | the blobs: digest, size and title of each |
//! | 9 | the arguments, each followed by a NUL |
//! | 10 … 14 | bytes of memory, of stack, of the thread's stack; priority; time limit in ms |
//! | 15 | date of creation, in seconds since 1970 |
//! | 16 | the mounts, each `SRC:DST[:ro]` followed by a NUL |
//! | 17 | bytes of disk |
//! | 18 | restart policy: 256 for `always`; else `on-failure`, with the most failures in a row, or 0 for the default |
//! | 19 | most instructions |
//! | 20 | origin: the tag as it was typed; in an array each variable on top of the image's environment; the granted permissions, by their names; the fingerprint of the tag when the container got its image |
//!
//! Key 20, if present, comes first, so that a reader of the origin alone reads no further.
//!
//! | key of a state | value |
//! |---|---|
//! | 0 | 0 created, 1 live, 2 exited, 3 trapped, 4 killed, 5 failed |
//! | 1 | the exit code, or the reason: the word that `ps` shows |
//! | 2, 3 | start and end of the last run, in seconds since 1970 |
//! | 4 | 1 in a crash loop |
//!
//! A container that waits for its next run is live, too.

use core::num::{NonZeroU8, NonZeroU32};

use heapless::string::StringView;
use heapless::{LenType, Vec};
use ocre_oci::{Format, Hasher, Sha256};

use super::cbor::{Put, Reader, Unexpected, Writer};
use super::{Dates, Error, Origin};
use crate::container::mount::Mount;
use crate::container::state::{Cause, RunResult, StartFailure, State};
use crate::container::{Limits, Restart, Spec};
use crate::image::permission::{Permission, Permissions};
use crate::image::verdict::Code;
use crate::image::{Content, Image};
use crate::limits::MAX_WORDS;
use crate::port::{StorageError, Trap};

/// Version of the records that this build writes, and the newest that it reads.
const VERSION: u32 = 1;

/// Value of the restart policy `always`.
const ALWAYS: u32 = 256;

/// Head of the second item, a byte string of 32 bytes.
const CHECK_HEAD: [u8; 2] = [0x58, 0x20];
const CHECK_BYTES: usize = CHECK_HEAD.len() + 32;

fn write(put: Put<'_>, map: &mut dyn FnMut(&mut Writer<'_>)) -> Result<(), StorageError> {
    let mut hasher = Hasher::default();
    let mut hashed = |bytes: &[u8]| {
        hasher.update(bytes);
        put(bytes)
    };
    let mut to = Writer::new(&mut hashed);
    to.array(2);
    to.number(VERSION);
    map(&mut to);
    to.finish()?;
    put(&CHECK_HEAD)?;
    put(&hasher.finish().0)
}

/// Begins a map of `always` fields and the optional ones that are present.
fn begin(to: &mut Writer<'_>, always: usize, optional: &[bool]) {
    let there = optional.iter().filter(|&&there| there).count();
    to.map(there.saturating_add(always));
}

fn field(to: &mut Writer<'_>, key: u32, value: u32) {
    to.number(key);
    to.number(value);
}

fn optional(to: &mut Writer<'_>, key: u32, value: Option<u32>) {
    if let Some(value) = value {
        field(to, key, value);
    }
}

fn text(to: &mut Writer<'_>, key: u32, value: &str) {
    to.number(key);
    to.text(value);
}

/// Checks the digest and the version of a record. Returns a reader of its map.
fn open(record: &[u8]) -> Result<Reader<'_>, Error> {
    let split = record.len().checked_sub(CHECK_BYTES);
    let (body, check) = split
        .and_then(|split| record.split_at_checked(split))
        .ok_or(Error::Damaged)?;
    let whole = check.strip_prefix(&CHECK_HEAD) == Some(&Sha256::of(body).0[..]);
    let mut from = Reader::new(body);
    if !whole || from.array() != Ok(2) {
        return Err(Error::Damaged);
    }
    match from.number()? {
        VERSION => Ok(from),
        version if version > VERSION => Err(Error::Version),
        _ => Err(Error::Damaged),
    }
}

/// Shows each key of a record's map; `field` reads the value.
fn fields<'b>(
    record: &'b [u8],
    field: &mut dyn FnMut(u32, &mut Reader<'b>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut from = open(record)?;
    for _ in 0..from.map()? {
        let key = from.number()?;
        field(key, &mut from)?;
    }
    if from.is_done() {
        Ok(())
    } else {
        Err(Error::Damaged)
    }
}

impl From<Unexpected> for Error {
    fn from(_: Unexpected) -> Self {
        Self::Damaged
    }
}

// ---------------------------------------------------------------- spec

/// Writes a spec, and the date of its creation.
///
/// # Errors
/// The errors of `put`.
pub fn write_spec(
    spec: &Spec,
    created: Option<NonZeroU32>,
    origin: Option<&Origin<'_>>,
    put: Put<'_>,
) -> Result<(), StorageError> {
    write(put, &mut |to| {
        // By name, so that a new field is not forgotten here.
        let Spec {
            image:
                Image {
                    manifest,
                    executable,
                    executable_layer,
                    format,
                    // The provenance is verified again after each boot: a record proves nothing.
                    admission,
                    sequence: _,
                    entry_point,
                    environment,
                    permissions,
                    blobs,
                },
            arguments,
            mounts,
            limits:
                Limits {
                    memory_bytes,
                    disk_bytes,
                    stack_bytes,
                    thread_stack_bytes,
                    priority,
                    time_limit_ms,
                    instructions,
                },
            restart,
            // No console is attached after a reboot.
            attached: _,
            // A temporary container has no record.
            temporary: _,
            followed,
        } = spec;
        let restart = match restart {
            Restart::No => None,
            Restart::Always => Some(ALWAYS),
            Restart::OnFailure(most) => Some(most.map_or(0, NonZeroU8::get).into()),
        };
        let there = [
            origin.is_some(),
            admission.is_err(),
            time_limit_ms.is_some(),
            created.is_some(),
            !mounts.is_empty(),
            disk_bytes.is_some(),
            restart.is_some(),
            instructions.is_some(),
        ];
        begin(to, 13, &there);
        if let Some(origin) = origin {
            to.number(FOLLOWED);
            to.array(4);
            to.text(origin.tag);
            to.array(origin.environment.len());
            for variable in origin.environment {
                to.text(variable);
            }
            names(to, &origin.granted);
            to.long(*followed);
        }
        to.number(0);
        write_content(to, 2, manifest);
        to.number(1);
        write_content(to, 2, executable);
        field(to, 2, (*executable_layer).into());
        field(to, 3, (*format == Format::Aot).into());
        if let Err(code) = admission {
            text(to, 4, code.as_str());
        }
        text(to, 5, entry_point);
        text(to, 6, environment);
        to.number(7);
        names(to, permissions);
        to.number(8);
        to.array(blobs.len());
        for blob in blobs.iter() {
            write_content(to, 3, &blob.content);
            to.text(blob.title);
        }
        text(to, 9, arguments);
        field(to, 10, *memory_bytes);
        field(to, 11, *stack_bytes);
        field(to, 12, *thread_stack_bytes);
        field(to, 13, (*priority).into());
        optional(to, 14, *time_limit_ms);
        optional(to, 15, created.map(NonZeroU32::get));
        if !mounts.is_empty() {
            text(to, 16, mounts);
        }
        optional(to, 17, *disk_bytes);
        optional(to, 18, restart);
        optional(to, 19, *instructions);
    })
}

fn names(to: &mut Writer<'_>, permissions: &Permissions) {
    to.array(permissions.iter().count());
    for permission in permissions.iter() {
        to.text(permission.name());
    }
}

fn write_content(to: &mut Writer<'_>, items: usize, content: &Content) {
    to.array(items);
    to.bytes(&content.digest.0);
    to.long(content.size);
}

/// Reads a record of [`write_spec`] into `spec`, which is [blank](Spec::blank). Returns the date of
/// creation.
///
/// # Errors
/// `record-damaged`, `record-version`.
pub fn read_spec(record: &[u8], spec: &mut Spec) -> Result<Option<NonZeroU32>, Error> {
    let mut created = None;
    let mut seen = 0_u32;
    fields(record, &mut |key, from| {
        // Captured as one, not member by member.
        let spec = &mut *spec;
        let image = &mut spec.image;
        match key {
            0 => read_content(from, 2, &mut image.manifest)?,
            1 => read_content(from, 2, &mut image.executable)?,
            7 => image.permissions = named(from)?,
            8 => {
                for _ in 0..from.array()? {
                    let mut content = Content::NOTHING;
                    read_content(from, 3, &mut content)?;
                    let pushed = image.blobs.push(content, from.text()?);
                    pushed.map_err(|_| Error::Damaged)?;
                }
            }
            4..=6 | 9 | 16 => {
                let text = from.text()?;
                match key {
                    4 => {
                        let code = Code::from_name(text);
                        image.admission = Err(code.unwrap_or(Code::AotMetadata));
                    }
                    5 => copy(text, &mut image.entry_point)?,
                    6 => copy_list(text, &mut image.environment)?,
                    9 => copy_list(text, &mut spec.arguments)?,
                    _ => {
                        copy_list(text, &mut spec.mounts)?;
                        // A record can't mount more than a user can.
                        let mut mounts = spec.mounts.split_terminator('\0');
                        if mounts.any(|one| Mount::parse(one).is_err()) {
                            return Err(Error::Damaged);
                        }
                    }
                }
            }
            2 | 3 | 10..=15 | 17..=19 => {
                let number = from.number()?;
                match key {
                    2 => image.executable_layer = small(number)?,
                    3 => {
                        image.format = match number {
                            0 => Format::Wasm,
                            1 => Format::Aot,
                            _ => return Err(Error::Damaged),
                        }
                    }
                    10 => spec.limits.memory_bytes = number,
                    11 => spec.limits.stack_bytes = number,
                    12 => spec.limits.thread_stack_bytes = number,
                    13 => spec.limits.priority = small(number)?,
                    14 => spec.limits.time_limit_ms = Some(number),
                    15 => created = NonZeroU32::new(number),
                    17 => spec.limits.disk_bytes = Some(number),
                    18 => {
                        spec.restart = match number {
                            ALWAYS => Restart::Always,
                            most => Restart::OnFailure(NonZeroU8::new(small(most)?)),
                        }
                    }
                    _ => spec.limits.instructions = Some(number),
                }
            }
            FOLLOWED if seen == 0 => spec.followed = follow(from, &mut |_| ())?,
            FOLLOWED => return Err(Error::Damaged),
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

/// Shows the origin in a record of [`write_spec`], if there is one.
///
/// # Errors
/// `record-damaged`, `record-version`.
pub fn read_origin(record: &[u8], show: &mut dyn FnMut(&Origin<'_>)) -> Result<(), Error> {
    let mut from = open(record)?;
    if from.map()? > 0 && from.number()? == FOLLOWED {
        follow(&mut from, show)?;
    }
    Ok(())
}

/// Reads and shows the value of [`FOLLOWED`], and returns the fingerprint.
fn follow(from: &mut Reader<'_>, show: &mut dyn FnMut(&Origin<'_>)) -> Result<u64, Unexpected> {
    if from.array()? != 4 {
        return Err(Unexpected);
    }
    let tag = from.text()?;
    let mut environment: Vec<&str, MAX_WORDS> = Vec::new();
    for _ in 0..from.array()? {
        environment.push(from.text()?).map_err(|_| Unexpected)?;
    }
    let granted = named(from)?;
    let fingerprint = from.long()?;
    show(&Origin {
        tag,
        environment: &environment,
        granted,
    });
    Ok(fingerprint)
}

fn named(from: &mut Reader<'_>) -> Result<Permissions, Unexpected> {
    let mut permissions = Permissions::default();
    for _ in 0..from.array()? {
        // A permission that this build does not know is not granted.
        if let Some(permission) = Permission::from_name(from.text()?) {
            permissions.insert(permission);
        }
    }
    Ok(permissions)
}

/// Bits of the keys that every spec has: 0 to 13, but not 4.
const NEEDED: u32 = 0x3fff & !(1 << 4);

/// Key of the origin of a container that follows a tag.
const FOLLOWED: u32 = 20;

fn read_content(
    from: &mut Reader<'_>,
    items: u32,
    content: &mut Content,
) -> Result<(), Unexpected> {
    if from.array()? != items {
        return Err(Unexpected);
    }
    content.digest.0 = from.bytes()?.try_into().map_err(|_| Unexpected)?;
    content.size = from.long()?;
    Ok(())
}

/// Converts a number to one byte.
fn small(number: u32) -> Result<u8, Unexpected> {
    number.try_into().map_err(|_| Unexpected)
}

fn copy<L: LenType>(text: &str, to: &mut StringView<L>) -> Result<(), Unexpected> {
    to.clear();
    to.push_str(text).map_err(|_| Unexpected)
}

/// Copies a list of texts, each followed by a NUL.
fn copy_list<L: LenType>(list: &str, to: &mut StringView<L>) -> Result<(), Unexpected> {
    if list.is_empty() || list.ends_with('\0') {
        copy(list, to)
    } else {
        Err(Unexpected)
    }
}

// ---------------------------------------------------------------- state

/// Writes a state and its dates.
///
/// # Errors
/// The errors of `put`.
pub fn write_state(state: State, dates: &Dates, put: Put<'_>) -> Result<(), StorageError> {
    let [started, ended] = [dates.started, dates.ended].map(|date| date.map(NonZeroU32::get));
    let given_up = matches!(state, State::CrashLoop(_)).then_some(1);
    let (kind, outcome) = match state {
        State::Created => (0, None),
        // A reset must not lose a container that waits for its next run.
        State::Running | State::Paused | State::Restarting(_) => (1, None),
        State::Ended(outcome) | State::CrashLoop(outcome) => {
            let kind = match outcome {
                RunResult::Exited(_) => 2,
                RunResult::Trapped(_) => 3,
                RunResult::Killed(_) => 4,
                RunResult::Failed(_) => 5,
            };
            (kind, Some(outcome))
        }
    };
    write(put, &mut |to| {
        let there = [
            outcome.is_some(),
            started.is_some(),
            ended.is_some(),
            given_up.is_some(),
        ];
        begin(to, 1, &there);
        field(to, 0, kind);
        match outcome {
            None => {}
            Some(RunResult::Exited(code)) => {
                to.number(1);
                to.signed(code);
            }
            Some(outcome) => text(to, 1, outcome.why()),
        }
        optional(to, 2, started);
        optional(to, 3, ended);
        optional(to, 4, given_up);
    })
}

/// Reads a record of [`write_state`]. A container that was live counts as killed by the reset.
///
/// # Errors
/// `record-damaged`, `record-version`.
pub fn read_state(record: &[u8]) -> Result<(State, Dates), Error> {
    let (mut state, mut code, mut why, mut given_up) = (None, None, None, false);
    let mut dates = Dates::default();
    fields(record, &mut |key, from| {
        match key {
            0 => state = Some(from.number()?),
            1 if state == Some(2) => code = Some(from.signed()?),
            1 => why = Some(from.text()?),
            2 => dates.started = NonZeroU32::new(from.number()?),
            3 => dates.ended = NonZeroU32::new(from.number()?),
            4 => given_up = small(from.number()?)? == 1,
            _ => return Err(Error::Version),
        }
        Ok(())
    })?;
    let outcome = match (state, code, why) {
        (Some(0), None, None) if !given_up => return Ok((State::Created, dates)),
        (Some(1), None, None) if !given_up => RunResult::Killed(Cause::Reset),
        (Some(2), Some(code), None) => RunResult::Exited(code),
        // A reason that this build does not know becomes a general one.
        (Some(3), None, Some(why)) => {
            RunResult::Trapped(Trap::from_code(why).unwrap_or(Trap::Other))
        }
        (Some(4), None, Some(why)) => {
            RunResult::Killed(Cause::from_word(why).unwrap_or(Cause::Kill))
        }
        (Some(5), None, Some(why)) => {
            RunResult::Failed(StartFailure::from_code(why).unwrap_or(StartFailure::Thread))
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
    use crate::container::record::TagName;
    use crate::image::DataLayers;
    use crate::image::sequence::Sequence;
    use crate::image::trust::Provenance;
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
        let mut blobs = DataLayers::new();
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
                admission: Err(Code::AotAbi),
                sequence: Sequence::NONE,
                entry_point: "main".try_into().unwrap(),
                environment: "A=1\0B=\0".try_into().unwrap(),
                permissions,
                blobs,
            },
            arguments: "a\0b c\0".try_into().unwrap(),
            mounts: "/a:/b\0/c:/d:ro\0".try_into().unwrap(),
            limits: Limits {
                memory_bytes: 1,
                disk_bytes: Some(0),
                stack_bytes: 2,
                thread_stack_bytes: u32::MAX,
                priority: 255,
                time_limit_ms: Some(0),
                instructions: Some(u32::MAX),
            },
            restart: Restart::OnFailure(NonZeroU8::new(7)),
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

    /// Returns a record with `body` as its first item.
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
        least.image.admission = Ok(Provenance::UNKNOWN);
        least.image.blobs.clear();
        least.image.permissions = Permissions::default();
        least.image.environment.clear();
        least.limits.time_limit_ms = None;
        least.mounts.clear();
        least.limits.disk_bytes = None;
        least.limits.instructions = None;
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
        // [1, {20: ["app", ["B="], [], fingerprint], 0: …}]
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
        let tag = full("t", TagName::new().capacity());
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
        let failures = Code::all().map(StartFailure::Image).chain([
            StartFailure::DataMissing,
            StartFailure::Instantiate,
            StartFailure::Thread,
        ]);
        let outcomes = Trap::ALL
            .map(RunResult::Trapped)
            .into_iter()
            .chain(Cause::ALL.map(RunResult::Killed))
            .chain([i32::MIN, -1, 0, 1, i32::MAX].map(RunResult::Exited))
            .chain(failures.map(RunResult::Failed));
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
        let restarting = State::Restarting(RunResult::Exited(3));
        for live in [State::Running, State::Paused, restarting] {
            let record = written(|put| write_state(live, &dates, put));
            let killed = State::Ended(RunResult::Killed(Cause::Reset));
            assert_eq!(read_state(&record), Ok((killed, dates)));
        }
    }

    #[test]
    fn a_changed_bit_is_damage_and_so_is_a_missing_or_added_byte() {
        let state = State::Ended(RunResult::Exited(3));
        let state = written(|put| write_state(state, &Dates::default(), put));
        let damaged = |record: &[u8]| {
            assert_eq!(read_spec(record), Err(Error::Damaged));
            assert_eq!(read_state(record), Err(Error::Damaged));
        };
        // Each step takes two digests, and Miri is slow.
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
