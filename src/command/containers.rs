// SPDX-License-Identifier: Apache-2.0
//! The commands on containers that are there.

use core::fmt;

use ocre_oci::write::{self, Object};

use super::arguments::{Argument, Arguments, Misuse, seconds};
use super::report::{Reason, failure};
use super::{Environment, Halt, Operand, Outcome, POLL_US, Status, advice, json, only};
use crate::container::record::Dates;
use crate::container::state::{Cause, Outcome as RunOutcome, State};
use crate::container::table::{Handle, Times};
use crate::container::{Error, Spec};
use crate::port::Platform;
use crate::supervisor::{Summary, Supervisor};

/// How long `stop` waits for a guest to end, in milliseconds, if nothing else is said.
const GRACE_MS: u64 = 10_000;

/// `start NAME`
pub(super) fn start<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    at_once(arguments, environment, Supervisor::start)
}

/// `stop [-t S] NAME`
#[inline(never)]
pub(super) fn stop<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let (name, grace_us) = graceful(arguments)?;
    let handle = environment.find(name)?;
    let stopped = environment.supervisor.stop(handle, grace_us);
    stopped.map_err(|error| Halt::container(name, error))?;
    Ok(Status::Ok)
}

/// `restart [-t S] NAME`
#[inline(never)]
pub(super) fn restart<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let (name, grace_us) = graceful(arguments)?;
    let handle = environment.find(name)?;
    let restarted = environment.supervisor.restart(handle, grace_us);
    restarted.map_err(|error| Halt::container(name, error))?;
    Ok(Status::Ok)
}

/// `[-t S] NAME`: the name, and the time to end in microseconds.
fn graceful<'a>(mut arguments: Arguments<'a, '_>) -> Result<(&'a str, u64), Misuse<'a>> {
    let mut grace_ms = GRACE_MS;
    let mut operand = Operand::new("NAME");
    while let Some(argument) = arguments.next()? {
        match argument {
            Argument::Option("time", value) => {
                grace_ms = seconds(value).ok_or(Misuse::BadValue(
                    "--time",
                    value,
                    "seconds, such as 2 or 0.5",
                ))?;
            }
            Argument::Operand(name) => operand.take(name)?,
            Argument::Option(..) => {}
        }
    }
    Ok((operand.get()?, grace_ms.saturating_mul(1000)))
}

/// `kill NAME`
pub(super) fn kill<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    at_once(arguments, environment, Supervisor::kill)
}

/// `pause NAME`
pub(super) fn pause<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    at_once(arguments, environment, Supervisor::pause)
}

/// `unpause NAME`
pub(super) fn unpause<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    at_once(arguments, environment, Supervisor::unpause)
}

/// Does something with the one container that is named.
#[inline(never)]
fn at_once<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
    action: fn(&Supervisor<P>, Handle) -> Result<(), Error>,
) -> Result<Status, Halt<'a>> {
    let name = only(arguments, "NAME")?;
    let handle = environment.find(name)?;
    action(environment.supervisor, handle).map_err(|error| Halt::container(name, error))?;
    Ok(Status::Ok)
}

/// `wait NAME`
#[inline(never)]
pub(super) fn wait<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let name = only(arguments, "NAME")?;
    let handle = environment.find(name)?;
    loop {
        let until = environment.now().saturating_add(POLL_US);
        match environment.supervisor.wait(handle, Some(until)) {
            Ok(outcome) => {
                writeln!(environment.out, "{}", outcome.status().cast_unsigned())?;
                return Ok(Status::Ok);
            }
            Err(Error::TimedOut) if !(environment.interrupted)() => {}
            Err(error) => return Err(Halt::container(name, error)),
        }
    }
}

/// `rm [-f] NAME`
#[inline(never)]
pub(super) fn remove<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut force = false;
    let mut operand = Operand::new("NAME");
    while let Some(argument) = arguments.next()? {
        match argument {
            Argument::Option("force", _) => force = true,
            Argument::Operand(name) => operand.take(name)?,
            Argument::Option(..) => {}
        }
    }
    let name = operand.get()?;
    let supervisor = environment.supervisor;
    let removed = match supervisor.find(name) {
        Ok(handle) => supervisor.remove(handle, force),
        // It may be one whose record can't be read.
        Err(Error::NotFound) if force => supervisor.discard(name),
        Err(error) => Err(error),
    };
    removed.map_err(|error| Halt::container(name, error))?;
    Ok(Status::Ok)
}

/// `ps [-a]`
#[inline(never)]
pub(super) fn list<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut all = false;
    let mut as_json = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Argument::Option("all", _) => all = true,
            Argument::Option("format", value) => as_json = json(value)?,
            Argument::Operand(word) => return Err(Misuse::OperandUnexpected(word).into()),
            Argument::Option(..) => {}
        }
    }
    let supervisor = environment.supervisor;
    let listed = |summary: &Summary| {
        let state = summary.status.state;
        all || state.is_live() || matches!(state, State::Restarting(_))
    };
    let mut out = &mut *environment.out;
    let mut written = Ok(());
    if as_json {
        write::object(&mut out, |out| {
            out.array("containers", |out| {
                supervisor.list(&mut |summary| {
                    if written.is_ok() && listed(summary) {
                        written = out.object(|out| {
                            out.string("name", &summary.name)?;
                            out.string("state", summary.status.state.word())?;
                            end(summary.status.state, out)?;
                            out.unsigned("restarts", summary.status.restarts.into())?;
                            let image = |spec: &Spec| spec.image.manifest.digest;
                            match supervisor.with_spec(summary.handle, image) {
                                Ok(digest) => out.string("image", digest),
                                Err(_) => out.null("image"),
                            }
                        });
                    }
                });
                written
            })
        })?;
        writeln!(out)?;
        return Ok(Status::Ok);
    }
    writeln!(out, "{:32}  STATE", "NAME")?;
    supervisor.list(&mut |summary| {
        if written.is_ok() && listed(summary) {
            written = writeln!(out, "{:32}  {}", summary.name, summary.status.state);
        }
    });
    written?;
    Ok(Status::Ok)
}

/// `inspect NAME`
#[inline(never)]
pub(super) fn inspect<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let name = only(arguments, "NAME")?;
    let handle = environment.find(name)?;
    let supervisor = environment.supervisor;
    let failed = |error| Halt::container(name, error);
    let status = supervisor.status(handle).map_err(failed)?;
    // A copy, because the guest needs the lock to go on.
    let mut copy = Spec::blank();
    let spec = &mut copy;
    supervisor
        .with_spec(handle, |found| spec.copy_from(found))
        .map_err(failed)?;
    let tag = match spec.followed {
        0 => None,
        _ => {
            let name = environment.name(handle);
            let document = environment.documents.lend().document;
            name.and_then(|name| supervisor.tag(&name, document))
        }
    };
    let mut out = &mut *environment.out;
    write::object(&mut out, |out| {
        out.string("name", name)?;
        out.string("state", status.state.word())?;
        end(status.state, out)?;
        out.object("restart", |out| {
            out.string("policy", spec.restart)?;
            out.unsigned("count", status.restarts.into())?;
            out.unsigned("failures", status.failures.into())
        })?;
        out.unsigned("priority", spec.priority.into())?;
        out.object("image", |out| {
            match &tag {
                Some(tag) => out.string("follows", tag)?,
                None => out.null("follows")?,
            }
            out.string("digest", spec.image.manifest.digest)?;
            out.string("code", super::verify::format_word(spec.image.format))?;
            out.unsigned("codeBytes", spec.image.executable.size)?;
            out.string("entryPoint", &spec.image.entry_point)
        })?;
        out.array("arguments", |out| {
            let mut list = spec.arguments.split_terminator('\0');
            list.try_for_each(|text| out.string(text))
        })?;
        out.array("environment", |out| {
            let mut list = spec.image.environment.split_terminator('\0');
            list.try_for_each(|text| out.string(text))
        })?;
        out.array("permissions", |out| {
            let mut list = spec.image.permissions.iter();
            list.try_for_each(|permission| out.string(permission.name()))
        })?;
        out.array("mounts", |out| {
            let mut list = spec.mounts.split_terminator('\0');
            list.try_for_each(|text| out.string(text))
        })?;
        out.object("limits", |out| {
            out.unsigned("memoryBytes", spec.memory_bytes.into())?;
            out.unsigned("stackBytes", spec.stack_bytes.into())?;
            out.unsigned("threadStackBytes", spec.thread_stack_bytes.into())?;
            for (name, limit) in [
                ("diskBytes", spec.disk_bytes),
                ("timeMs", spec.time_limit_ms),
                ("instructions", spec.instructions),
            ] {
                match limit {
                    Some(limit) => out.unsigned(name, limit.into())?,
                    None => out.null(name)?,
                }
            }
            Ok(())
        })?;
        out.object("times", |out| times(&status.times, out))?;
        out.object("dates", |out| dates(&status.dates, out))
    })?;
    writeln!(out)?;
    Ok(Status::Ok)
}

/// How the last run ended: the exit code that `run` would have, and why.
fn end<W: fmt::Write>(state: State, out: &mut Object<'_, W>) -> fmt::Result {
    let Some(outcome) = state.outcome() else {
        return Ok(());
    };
    // WASI has exit codes as numbers without a sign.
    out.unsigned("exitCode", outcome.status().cast_unsigned().into())?;
    match outcome {
        RunOutcome::Exited(_) => Ok(()),
        RunOutcome::Trapped(trap) => out.string("reason", trap.code()),
        RunOutcome::Killed(cause) => out.string("reason", cause.word()),
        RunOutcome::Failed(failure) => out.string("reason", failure.code()),
    }
}

/// Seconds since 1970.
fn dates<W: fmt::Write>(dates: &Dates, out: &mut Object<'_, W>) -> fmt::Result {
    for (name, date) in [
        ("createdS", dates.created),
        ("startedS", dates.started),
        ("endedS", dates.ended),
    ] {
        match date {
            Some(date) => out.unsigned(name, date.get().into())?,
            None => out.null(name)?,
        }
    }
    Ok(())
}

fn times<W: fmt::Write>(times: &Times, out: &mut Object<'_, W>) -> fmt::Result {
    for (name, value) in [
        ("createdUs", times.created_us.get()),
        ("startedUs", times.started_us.get()),
        ("endedUs", times.ended_us.get()),
        ("readingUs", times.reading_us()),
        ("loadingUs", times.loading_us()),
        ("instantiatingUs", times.instantiating_us()),
        ("runningUs", times.running_us()),
    ] {
        match value {
            Some(value) => out.unsigned(name, value)?,
            None => out.null(name)?,
        }
    }
    Ok(())
}

/// Waits for a run's end; if whoever waits wants it to end, kills it.
pub(super) fn await_end<P: Platform>(
    handle: Handle,
    environment: &Environment<'_, P>,
) -> Result<RunOutcome, Error> {
    let supervisor = environment.supervisor;
    let mut killed = false;
    loop {
        if !killed && (environment.interrupted)() {
            killed = true;
            // It may have ended by itself meanwhile, and the wait says how.
            let _ = supervisor.kill(handle);
        }
        let until = environment.now().saturating_add(POLL_US);
        match supervisor.wait(handle, Some(until)) {
            Err(Error::TimedOut) => {}
            ended => return ended,
        }
    }
}

/// Says how a run ended, if not by itself, and with what exit code the command ends.
pub(super) fn say_end<P: Platform>(
    name: &str,
    outcome: RunOutcome,
    environment: &mut Environment<'_, P>,
) -> Outcome {
    let (what, code, advice) = match outcome {
        RunOutcome::Exited(_) => return Ok(Status::of_run(outcome)),
        RunOutcome::Trapped(trap) => ("trapped", trap.code(), advice::trap(trap)),
        RunOutcome::Killed(cause) => (
            "was killed",
            cause.word(),
            match cause {
                Cause::TimeLimit => "give it more time with --timeout",
                Cause::Kill | Cause::Stop => "nothing: it was asked for",
                Cause::Reset => "start it again",
            },
        ),
        RunOutcome::Failed(failure) => ("failed", failure.code(), advice::failure(failure)),
    };
    let reason = Reason {
        code,
        at: "",
        detail: "",
        advice,
    };
    failure(
        environment.err,
        format_args!("container {name} {what}"),
        &reason,
    )?;
    Ok(Status::of_run(outcome))
}
