// SPDX-License-Identifier: Apache-2.0
//! `run` and `create`: from an image to a container.

use core::fmt;

use heapless::Vec;
use ocre_oci::{Format, Warnings};

use super::arguments::{Argument, Arguments, Misuse, bytes, number, seconds};
use super::containers::{await_end, say_end};
use super::images::{follow, judge};
use super::verify::format_word;
use super::{Environment, Halt, Status, refuse};
use crate::container::table::{Handle, Times};
use crate::container::{Error, Name, Options, Restart};
use crate::image::Image;
use crate::image::judge::Policy;
use crate::image::permission::Permissions;
use crate::limits::{DEFAULT_THREAD_STACK, MAX_MOUNTS, MAX_WORDS};
use crate::port::Platform;

/// What `run` and `create` are told.
struct Request<'a, 'l> {
    image: &'a str,
    name: Option<&'a str>,
    prefer_portable: Option<bool>,
    guest: Options<'l>,
    detach: bool,
    remove: bool,
    timing: bool,
}

/// Where the lists of a request are.
#[derive(Default)]
struct Lists<'a> {
    environment: Vec<&'a str, MAX_WORDS>,
    mounts: Vec<&'a str, MAX_MOUNTS>,
    arguments: Vec<&'a str, MAX_WORDS>,
}

impl<'a> Lists<'a> {
    /// Reads a request; `memory_bytes` is the most that a container may have.
    fn read<'l>(
        &'l mut self,
        mut arguments: Arguments<'a, '_>,
        memory_bytes: u32,
    ) -> Result<Request<'a, 'l>, Halt<'a>> {
        let mut image = None;
        let mut request = Request {
            image: "",
            name: None,
            prefer_portable: None,
            guest: Options::default(),
            detach: false,
            remove: false,
            timing: false,
        };
        request.guest.memory_bytes = request.guest.memory_bytes.min(memory_bytes);
        while let Some(argument) = arguments.next()? {
            match argument {
                Argument::Option("detach", _) => request.detach = true,
                Argument::Option("rm", _) => {
                    request.remove = true;
                    request.guest.temporary = true;
                }
                Argument::Option("timing", _) => request.timing = true,
                Argument::Option("name", name) => request.name = Some(name),
                Argument::Option("env", variable) => {
                    let pushed = self.environment.push(variable);
                    pushed.map_err(|_| Halt::container(variable, Error::EnvironmentTooLong))?;
                }
                Argument::Option("volume", mount) => {
                    let pushed = self.mounts.push(mount);
                    pushed.map_err(|_| Halt::container(mount, Error::MountsTooMany))?;
                }
                Argument::Option("cap", name) => {
                    let more = Permissions::named(|known| known == name);
                    let wanted = "gpio, messaging, network, sensors or timers";
                    let more = more.ok_or(Misuse::BadValue("--cap", name, wanted))?;
                    request.guest.granted = request.guest.granted.union(more);
                }
                Argument::Option("memory", value) => {
                    request.guest.memory_bytes = bytes_of("--memory", value)?;
                    if request.guest.memory_bytes > memory_bytes {
                        let wanted = "within what `info` says that a container may have";
                        return Err(Misuse::BadValue("--memory", value, wanted).into());
                    }
                }
                Argument::Option("disk", value) => {
                    request.guest.disk_bytes = Some(bytes_of("--disk", value)?);
                }
                Argument::Option("stack", value) => {
                    let stack_bytes = bytes_of("--stack", value)?;
                    request.guest.stack_bytes = stack_bytes;
                    // AOT code has its frames there.
                    request.guest.thread_stack_bytes = stack_bytes.max(DEFAULT_THREAD_STACK);
                }
                Argument::Option("timeout", value) => {
                    let milliseconds = seconds(value).and_then(|ms| u32::try_from(ms).ok());
                    let wanted = "seconds, such as 2 or 0.5";
                    request.guest.time_limit_ms =
                        Some(milliseconds.ok_or(Misuse::BadValue("--timeout", value, wanted))?);
                }
                Argument::Option("instructions", value) => {
                    let most = number(value)
                        .and_then(|number| u32::try_from(number).ok())
                        .filter(|most| *most <= i32::MAX.cast_unsigned());
                    request.guest.instructions = Some(most.ok_or(Misuse::BadValue(
                        "--instructions",
                        value,
                        "a number up to 2147483647",
                    ))?);
                }
                Argument::Option("restart", value) => {
                    let wanted = "no, on-failure, on-failure:N or always";
                    request.guest.restart = Restart::parse(value).ok_or(Misuse::BadValue(
                        "--restart",
                        value,
                        wanted,
                    ))?;
                }
                Argument::Option("priority", value) => {
                    let priority = number(value).and_then(|number| u8::try_from(number).ok());
                    request.guest.priority = priority.ok_or(Misuse::BadValue(
                        "--priority",
                        value,
                        "a number from 0 to 255",
                    ))?;
                }
                Argument::Option("prefer", value) => {
                    request.prefer_portable = Some(match value {
                        "aot" => false,
                        "wasm" => true,
                        other => {
                            return Err(Misuse::BadValue("--prefer", other, "aot or wasm").into());
                        }
                    });
                }
                Argument::Option(..) => {}
                Argument::Operand(name) if image.is_none() => image = Some(name),
                Argument::Operand(argument) => {
                    let pushed = self.arguments.push(argument);
                    pushed.map_err(|_| Halt::container(argument, Error::ArgumentsTooLong))?;
                }
            }
        }
        if request.detach && (request.remove || request.timing) {
            return Err(Misuse::Conflict("--detach", "--rm and --timing").into());
        }
        request.image = image.ok_or(Misuse::OperandMissing("IMAGE"))?;
        request.guest.arguments = &self.arguments;
        request.guest.environment = &self.environment;
        request.guest.mounts = &self.mounts;
        Ok(request)
    }
}

/// `create IMAGE [ARG]...`
#[inline(never)]
pub(super) fn create<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut lists = Lists::default();
    let request = lists.read(arguments, environment.policy().memory_bytes)?;
    let made = make("create", &request, false, environment)?;
    writeln!(environment.out, "{}", made.name)?;
    Ok(Status::Ok)
}

/// `run IMAGE [ARG]...`
#[inline(never)]
pub(super) fn run<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut lists = Lists::default();
    let request = lists.read(arguments, environment.policy().memory_bytes)?;
    let made = make("run", &request, !request.detach, environment)?;
    environment.documents.give_back();
    let (supervisor, handle) = (environment.supervisor, made.handle);
    let failed = |error| Halt::container(&made.name, error);
    let started = supervisor.start(handle);
    if request.detach {
        started.map_err(failed)?;
        writeln!(environment.out, "{}", made.name)?;
        return Ok(Status::Ok);
    }
    let ended = started.and_then(|()| await_end(handle, environment));
    let told = match ended {
        Ok(outcome) => say_end(&made.name, outcome, environment),
        Err(error) => refuse("run", &made.name, error, environment),
    };
    if request.timing {
        let times = supervisor.status(handle).map_err(failed)?.times;
        say_times(&made, &times, environment)?;
    }
    if request.remove {
        // Not by force: the run is over, unless it could not be ended.
        supervisor.remove(handle, false).map_err(failed)?;
    }
    Ok(told?)
}

/// A container that was made.
struct Made {
    name: Name,
    handle: Handle,
    format: Format,
    warnings: Warnings,
    judging_us: u64,
}

fn make<'a, P: Platform>(
    verb: &str,
    request: &Request<'a, '_>,
    attached: bool,
    environment: &mut Environment<'_, P>,
) -> Result<Made, Halt<'a>> {
    let began_us = environment.now();
    let policy = Policy {
        prefer_portable: request
            .prefer_portable
            .unwrap_or(environment.policy().prefer_portable)
            // No other is counted.
            || request.guest.instructions.is_some(),
        ..environment.policy()
    };
    let mut image = Image::blank();
    let warnings = judge(verb, request.image, &policy, environment, &mut image)?;
    let judging_us = environment.now().saturating_sub(began_us);
    let format = image.format;
    if format == Format::Aot && request.guest.instructions.is_some() {
        return Err(Misuse::Conflict("--instructions", "an image without portable code").into());
    }
    let supervisor = environment.supervisor;
    let document = environment.documents.lend().document;
    let guest = Options {
        attached,
        follow: follow(supervisor.platform().storage(), request.image, document),
        ..request.guest
    };
    let failed = |error| Halt::container(request.name.unwrap_or(request.image), error);
    let handle = supervisor
        .create(request.name, &image, &guest)
        .map_err(failed)?;
    let name = environment.name(handle).ok_or(failed(Error::NotFound))?;
    Ok(Made {
        name,
        handle,
        format,
        warnings,
        judging_us,
    })
}

/// How long each step took, in microseconds, on one line.
fn say_times<P: Platform>(
    made: &Made,
    times: &Times,
    environment: &mut Environment<'_, P>,
) -> fmt::Result {
    let verdict = if made.warnings.is_empty() {
        "ok"
    } else {
        "warnings"
    };
    let format = format_word(made.format);
    write!(environment.err, "timing: verdict {verdict}, code {format}")?;
    for (step, duration) in [
        ("judge", Some(made.judging_us)),
        ("read", times.reading_us()),
        ("load", times.loading_us()),
        ("start", times.instantiating_us()),
        ("run", times.running_us()),
    ] {
        if let Some(duration) = duration {
            write!(environment.err, ", {step} {duration} us")?;
        }
    }
    writeln!(environment.err)
}

fn bytes_of<'a>(option: &'static str, value: &'a str) -> Result<u32, Misuse<'a>> {
    bytes(value)
        .and_then(|bytes| u32::try_from(bytes).ok())
        .ok_or(Misuse::BadValue(
            option,
            value,
            "bytes, such as 65536 or 64K",
        ))
}
