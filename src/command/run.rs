// SPDX-License-Identifier: Apache-2.0
//! `run` and `create`: from an image to a container.

use heapless::{Vec, VecView};
use ocre_oci::{Format, Warnings};

use super::Status;
use super::arguments::{Argument, Key, UsageError, bytes, number, seconds};
use super::containers::{await_end, say_end};
use super::fields::steps_us;
use super::images::{follow, judge};
use super::session::{CommandError, CommandResult, SECONDS, Session};
use super::verify::format_word;
use crate::container::table::{Handle, Times};
use crate::container::{Error, Name, Options, Restart};
use crate::image::Image;
use crate::image::permission::Permissions;
use crate::limits::{DEFAULT_THREAD_STACK, HINTS, MAX_MOUNTS, MAX_WORDS};
use crate::supervisor::Platform;

/// Request of `run` or `create`.
#[derive(Default)]
struct Request<'a, 'l> {
    image: &'a str,
    name: Option<&'a str>,
    prefer_portable: Option<bool>,
    guest: Options<'l>,
    detach: bool,
    remove: bool,
    timing: bool,
}

/// Lists of a request.
#[derive(Default)]
struct Lists<'a> {
    environment: Vec<&'a str, MAX_WORDS>,
    mounts: Vec<&'a str, MAX_MOUNTS>,
    arguments: Vec<&'a str, MAX_WORDS>,
}

impl<'a> Lists<'a> {
    /// Reads a request.
    fn read<'l, P: Platform>(
        &'l mut self,
        session: &mut Session<'a, P>,
    ) -> Result<Request<'a, 'l>, CommandError> {
        let mut image = None;
        let mut request = Request::default();
        let most_memory_bytes = session.policy().memory_bytes;
        request.guest.memory_bytes = request.guest.memory_bytes.min(most_memory_bytes);
        while let Some(argument) = session.next() {
            let (list, word, full): (&mut VecView<&str>, _, _) = match argument {
                Argument::Operand(name) if image.is_none() => {
                    image = Some(name);
                    continue;
                }
                Argument::Operand(word) => {
                    (self.arguments.as_mut_view(), word, Error::ArgumentsTooLong)
                }
                Argument::Option(option, value) => match option.key {
                    Key::Env => (
                        self.environment.as_mut_view(),
                        value,
                        Error::EnvironmentTooLong,
                    ),
                    Key::Volume => (self.mounts.as_mut_view(), value, Error::MountsTooMany),
                    key => {
                        request
                            .set(key, value, most_memory_bytes)
                            .map_err(|wanted| {
                                session.misuse(&UsageError::BadOption(option.long, value, wanted))
                            })?;
                        continue;
                    }
                },
            };
            if list.push(word).is_err() {
                session.subject = image.unwrap_or(word);
                return Err(full.into());
            }
        }
        if request.detach && (request.remove || request.timing) {
            return Err(session.misuse(&UsageError::Conflict("--detach", "--rm and --timing")));
        }
        let Some(image) = image else {
            return Err(session.missing());
        };
        request.image = image;
        request.guest.arguments = &self.arguments;
        request.guest.environment = &self.environment;
        request.guest.mounts = &self.mounts;
        session.subject = request.name.unwrap_or(image);
        Ok(request)
    }
}

impl<'a> Request<'a, '_> {
    /// Sets an option other than `--env` and `--volume`.
    ///
    /// # Errors
    /// The values that the option takes.
    #[inline(never)]
    fn set(
        &mut self,
        key: Key,
        value: &'a str,
        most_memory_bytes: u32,
    ) -> Result<(), &'static str> {
        match key {
            Key::Detach => self.detach = true,
            Key::Rm => {
                self.remove = true;
                self.guest.temporary = true;
            }
            Key::Timing => self.timing = true,
            Key::Name => self.name = Some(value),
            Key::Cap => {
                for name in value.split(',') {
                    let more = Permissions::named(|known| known == name);
                    let more = more.ok_or("gpio, messaging, network, sensors or timers")?;
                    self.guest.granted = self.guest.granted.union(more);
                }
            }
            Key::Memory => {
                self.guest.memory_bytes = bytes_of(value)?;
                if self.guest.memory_bytes > most_memory_bytes {
                    return Err("within what `info` says that a container may have");
                }
            }
            Key::Disk => self.guest.disk_bytes = Some(bytes_of(value)?),
            Key::Stack => {
                let stack_bytes = bytes_of(value)?;
                self.guest.stack_bytes = stack_bytes;
                // AOT code has its frames on the thread's stack.
                self.guest.thread_stack_bytes = stack_bytes.max(DEFAULT_THREAD_STACK);
            }
            Key::Timeout => {
                let milliseconds = seconds(value).and_then(|ms| u32::try_from(ms).ok());
                self.guest.time_limit_ms = Some(milliseconds.ok_or(SECONDS)?);
            }
            Key::Instructions => {
                let most = number(value)
                    .and_then(|number| i32::try_from(number).ok())
                    .ok_or("a number up to 2147483647")?;
                self.guest.instructions = Some(most.cast_unsigned());
            }
            Key::Restart => {
                self.guest.restart =
                    Restart::parse(value).ok_or("no, on-failure, on-failure:N or always")?;
            }
            Key::Priority => {
                self.guest.priority = number(value)
                    .and_then(|number| u8::try_from(number).ok())
                    .ok_or("a number from 0 to 255")?;
            }
            Key::Prefer => {
                self.prefer_portable = Some(match value {
                    "aot" => false,
                    "wasm" => true,
                    _ => return Err("aot or wasm"),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// `create IMAGE [ARG]...`
#[inline(never)]
pub(super) fn create<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let mut lists = Lists::default();
    let mut request = lists.read(session);
    let request = request.as_mut().map_err(|error| *error)?;
    let made = make(request, session);
    let made = made.as_ref().map_err(|error| *error)?;
    writeln!(session.out, "{}", made.name);
    Ok(Status::Ok)
}

/// `run IMAGE [ARG]...`
#[inline(never)]
pub(super) fn run<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let mut lists = Lists::default();
    let mut request = lists.read(session);
    let request = request.as_mut().map_err(|error| *error)?;
    request.guest.attached = !request.detach;
    let made = make(request, session);
    let made = made.as_ref().map_err(|error| *error)?;
    session.documents.give_back();
    let ended = attend(made, request, session);
    Ok(ended.unwrap_or_else(|error| session.refuse(&made.name, error)))
}

/// Starts a container. Unless detached, waits for its end, and does what the request asks then.
fn attend<P: Platform>(
    made: &Made,
    request: &Request<'_, '_>,
    session: &mut Session<'_, P>,
) -> Result<Status, Error> {
    let (supervisor, handle) = (session.supervisor, made.handle);
    let started = supervisor.start(handle);
    if request.detach {
        started?;
        writeln!(session.out, "{}", made.name);
        return Ok(Status::Ok);
    }
    let status = match started.and_then(|()| await_end(handle, session)) {
        Ok(outcome) => say_end(outcome, session),
        Err(error) => session.refuse(&made.name, error),
    };
    if request.timing {
        let status = supervisor.status(handle);
        let status = status.as_ref().map_err(|error| *error)?;
        say_times(made, &status.times, session);
    }
    if request.remove {
        // Not by force: the run is over, unless it could not be ended.
        supervisor.remove(handle, false)?;
    }
    Ok(status)
}

/// A new container.
struct Made {
    name: Name,
    handle: Handle,
    format: Format,
    warnings: Warnings,
    judging_us: u64,
}

fn make<'a: 'l, 'l, P: Platform>(
    request: &mut Request<'a, 'l>,
    session: &mut Session<'_, P>,
) -> Result<Made, CommandError> {
    let began_us = session.now();
    let mut policy = session.policy();
    let portable = request.prefer_portable.unwrap_or(policy.prefer_portable);
    // Instructions of AOT code are not counted.
    policy.prefer_portable = portable || request.guest.instructions.is_some();
    let mut image = Image::blank();
    let warnings = judge(request.image, &policy, session, &mut image)?;
    let judging_us = session.now().saturating_sub(began_us);
    if HINTS {
        let (asked, granted) = (image.permissions, request.guest.granted);
        let missing = "the image asks for more permissions:";
        note(missing, asked.difference(granted), session);
        let vain = "no effect, as the image does not ask for:";
        note(vain, granted.difference(asked), session);
    }
    let format = image.format;
    if format == Format::Aot && request.guest.instructions.is_some() {
        let other = "an image without portable code";
        return Err(session.misuse(&UsageError::Conflict("--instructions", other)));
    }
    let supervisor = session.supervisor;
    let document = session.documents.lend().document;
    request.guest.follow = follow(supervisor.platform().storage(), request.image, document);
    let handle = supervisor.create(request.name, &image, &request.guest)?;
    let name = session.name(handle).ok_or(Error::NotFound)?;
    Ok(Made {
        name,
        handle,
        format,
        warnings,
        judging_us,
    })
}

/// Writes a note with the options that grant `permissions`, if there are any.
fn note<P: Platform>(text: &str, permissions: Permissions, session: &mut Session<'_, P>) {
    if permissions == Permissions::NONE {
        return;
    }
    let err = &mut session.err;
    write!(err, "note: {text}");
    for permission in permissions.iter() {
        write!(err, " --cap {}", permission.name());
    }
    writeln!(err);
}

/// Writes the duration of each step, in microseconds, on one line.
fn say_times<P: Platform>(made: &Made, times: &Times, session: &mut Session<'_, P>) {
    let verdict = if made.warnings.is_empty() {
        "ok"
    } else {
        "warnings"
    };
    let format = format_word(made.format);
    let err = &mut session.err;
    write!(err, "timing: verdict {verdict}, code {format}");
    write!(err, ", judge {} us", made.judging_us);
    for (step, duration) in "read load start run".split(' ').zip(&steps_us(times)) {
        if let Some(duration) = duration {
            write!(err, ", {step} {duration} us");
        }
    }
    writeln!(err);
}

fn bytes_of(value: &str) -> Result<u32, &'static str> {
    bytes(value)
        .and_then(|bytes| u32::try_from(bytes).ok())
        .ok_or("bytes, such as 65536 or 64K")
}
