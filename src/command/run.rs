// SPDX-License-Identifier: Apache-2.0
//! `run` and `create`: from an image to a container.

use core::ops::ControlFlow;

use heapless::{Vec, VecView};
use ocre_oci::{Format, Warnings};

use super::CommandStatus;
use super::arguments::{Argument, Key, UsageError, bytes, number, seconds};
use super::containers::{await_end, say_end};
use super::fields::steps_us;
use super::images::{reason, reason_of};
use super::report::{Sanitized, failure};
use super::session::{CommandError, CommandResult, SECONDS, Session};
use super::verify::{format_word, print_finding};
use crate::container::table::{ContainerTimes, Handle};
use crate::container::{Error, Limits, Name, Restart};
use crate::image::permission::Permissions;
use crate::image::verdict::{Finding, Verdict};
use crate::limits::{DEFAULT_THREAD_STACK, HINTS, MAX_MOUNTS, MAX_WORDS};
use crate::supervisor::{CreateError, CreateRequest, Platform};

/// Request of `run` or `create`.
#[derive(Default)]
struct RunRequest<'l> {
    container: CreateRequest<'l>,
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
    ) -> Result<RunRequest<'l>, CommandError> {
        let (mut image, mut name) = (None, None);
        let mut request = RunRequest::default();
        request.container.options.limits = Limits::within(&session.policy());
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
                    Key::Name => {
                        name = Some(value);
                        continue;
                    }
                    key => {
                        request.set(key, value).map_err(|wanted| {
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
        let container = &mut request.container;
        container.image = image;
        container.options.arguments = &self.arguments;
        container.options.environment = &self.environment;
        container.options.mounts = &self.mounts;
        container.name = name;
        session.subject = name.unwrap_or(image);
        Ok(request)
    }
}

impl<'a> RunRequest<'a> {
    /// Sets an option other than `--env` and `--volume`.
    ///
    /// # Errors
    /// The values that the option takes.
    #[inline(never)]
    fn set(&mut self, key: Key, value: &'a str) -> Result<(), &'static str> {
        let options = &mut self.container.options;
        let limits = &mut options.limits;
        match key {
            Key::Detach => self.detach = true,
            Key::Rm => {
                self.remove = true;
                options.temporary = true;
            }
            Key::Timing => self.timing = true,
            Key::Cap => {
                for name in value.split(',') {
                    let more = Permissions::named(|known| known == name);
                    let more = more.ok_or("gpio, messaging, network, sensors or timers")?;
                    options.granted = options.granted.union(more);
                }
            }
            Key::Memory => limits.memory_bytes = bytes_of(value)?,
            Key::Disk => limits.disk_bytes = Some(bytes_of(value)?),
            Key::Stack => {
                let stack_bytes = bytes_of(value)?;
                limits.stack_bytes = stack_bytes;
                // AOT code has its frames on the thread's stack.
                limits.thread_stack_bytes = stack_bytes.max(DEFAULT_THREAD_STACK);
            }
            Key::Timeout => {
                let milliseconds = seconds(value).and_then(|ms| u32::try_from(ms).ok());
                limits.time_limit_ms = Some(milliseconds.ok_or(SECONDS)?);
            }
            Key::Instructions => {
                let most = number(value).and_then(|number| u32::try_from(number).ok());
                limits.instructions = Some(most.ok_or("a number up to 2147483647")?);
            }
            Key::Restart => {
                options.restart =
                    Restart::parse(value).ok_or("no, on-failure, on-failure:N or always")?;
            }
            Key::Priority => {
                limits.priority = number(value)
                    .and_then(|number| u8::try_from(number).ok())
                    .ok_or("a number from 0 to 255")?;
            }
            Key::Prefer => {
                self.container.prefer_portable = Some(match value {
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
    let made = make(&mut request.container, session);
    let made = made.as_ref().map_err(|error| *error)?;
    writeln!(session.out, "{}", made.name);
    Ok(CommandStatus::Ok)
}

/// `run IMAGE [ARG]...`
#[inline(never)]
pub(super) fn run<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let mut lists = Lists::default();
    let mut request = lists.read(session);
    let request = request.as_mut().map_err(|error| *error)?;
    request.container.options.attached = !request.detach;
    let made = make(&mut request.container, session);
    let made = made.as_ref().map_err(|error| *error)?;
    session.documents.give_back();
    let ended = attend(made, request, session);
    Ok(ended.unwrap_or_else(|error| session.refuse(&made.name, error)))
}

/// Starts a container. Unless detached, waits for its end, and does what the request asks then.
fn attend<P: Platform>(
    made: &Made,
    request: &RunRequest<'_>,
    session: &mut Session<'_, P>,
) -> Result<CommandStatus, Error> {
    let (supervisor, handle) = (session.supervisor, made.handle);
    let started = supervisor.start(handle);
    if request.detach {
        started?;
        writeln!(session.out, "{}", made.name);
        return Ok(CommandStatus::Ok);
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
    began_us: u64,
}

/// Creates the container. A refusal is printed here, and so is each warning.
fn make<P: Platform>(
    request: &mut CreateRequest<'_>,
    session: &mut Session<'_, P>,
) -> Result<Made, CommandError> {
    let began_us = session.now();
    let mut verdict = Verdict::new(false);
    let err = &mut session.err;
    let (workspace, judged) = session.documents.judging();
    let created = session.supervisor.create_from(
        request,
        workspace,
        &mut |finding, at, detail| {
            if let Finding::Warning(_) = finding {
                print_finding(err, false, finding, at, detail);
                if err.written().is_err() {
                    return ControlFlow::Break(());
                }
            }
            verdict.note(finding, at, detail)
        },
        judged,
    );
    let image = judged.image();
    let (permissions, format) = (image.permissions, image.format);
    let reason = match created {
        Ok(handle) => {
            note_permissions(permissions, request.options.granted, session);
            return Ok(Made {
                name: session.name(handle).ok_or(Error::NotFound)?,
                handle,
                format,
                warnings: verdict.warnings(),
                began_us,
            });
        }
        Err(CreateError::Container(error)) => return Err(error.into()),
        Err(_) if session.is_broken() => return Err(CommandError::Told(CommandStatus::Failed)),
        Err(CreateError::Refused) => reason_of(&verdict),
        Err(CreateError::Reference(code)) => reason(code),
    };
    let name = Sanitized(request.image);
    let what = format_args!("can't {} {name}", session.command.name);
    Err(CommandError::Told(failure(&mut session.err, what, &reason)))
}

/// Notes the permissions that the image asks for and does not get, and those that it gets in vain.
fn note_permissions<P: Platform>(
    asked: Permissions,
    granted: Permissions,
    session: &mut Session<'_, P>,
) {
    if HINTS {
        let missing = "the image asks for more permissions:";
        note(missing, asked.difference(granted), session);
        let vain = "no effect, as the image does not ask for:";
        note(vain, granted.difference(asked), session);
    }
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
fn say_times<P: Platform>(made: &Made, times: &ContainerTimes, session: &mut Session<'_, P>) {
    let verdict = if made.warnings.is_empty() {
        "ok"
    } else {
        "warnings"
    };
    let format = format_word(made.format);
    let err = &mut session.err;
    write!(err, "timing: verdict {verdict}, code {format}");
    let judging_us = times
        .created_us
        .get()
        .map_or(0, |created| created.saturating_sub(made.began_us));
    write!(err, ", judge {judging_us} us");
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
