// SPDX-License-Identifier: Apache-2.0
//! The commands on containers that are there.

use heapless::String;
use ocre_oci::write::Object;

use super::arguments::Key;
use super::fields::{permissions, short, steps_us, texts};
use super::images::write_code;
use super::report::{Reason, Sanitized, failure};
use super::session::{CommandResult, Session};
use super::{CommandStatus, hints};
use crate::container::state::{Cause, RunResult, State};
use crate::container::table::{Handle, Uptime};
use crate::container::{Error, Spec};
use crate::image::verdict::write_cut;
use crate::supervisor::Platform;
use crate::supervisor::{Summary, Supervisor};

/// Default grace period of `stop` and `restart`, in milliseconds.
const GRACE_MS: u64 = 10_000;

/// The status of a wait that is interrupted: the exit code after SIGINT.
const INTERRUPTED: CommandStatus = CommandStatus::Guest(130);

/// `start NAME`, `kill NAME`, `pause NAME` and `unpause NAME`
#[inline(never)]
pub(super) fn at_once<P: Platform>(
    session: &mut Session<'_, P>,
    action: fn(&Supervisor<P>, Handle) -> Result<(), Error>,
) -> CommandResult {
    action(session.supervisor, session.find()?)?;
    Ok(CommandStatus::Ok)
}

/// `stop [-t S] NAME` and `restart [-t S] NAME`
#[inline(never)]
pub(super) fn in_time<P: Platform>(
    session: &mut Session<'_, P>,
    action: fn(&Supervisor<P>, Handle, u64) -> Result<(), Error>,
) -> CommandResult {
    let grace_us = session.number.unwrap_or(GRACE_MS).saturating_mul(1000);
    action(session.supervisor, session.find()?, grace_us)?;
    Ok(CommandStatus::Ok)
}

/// `wait NAME`
#[inline(never)]
pub(super) fn wait<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let handle = session.find()?;
    loop {
        match session.supervisor.wait(handle, Some(session.next_look())) {
            Err(Error::TimedOut) if session.is_over() => return Ok(INTERRUPTED),
            Err(Error::TimedOut) => {}
            ended => {
                writeln!(session.out, "{}", ended?.status().cast_unsigned());
                return Ok(CommandStatus::Ok);
            }
        }
    }
}

/// `rm [-f] NAME`
#[inline(never)]
pub(super) fn remove<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let force = session.has(Key::Force);
    match session.find() {
        Ok(handle) => session.supervisor.remove(handle, force)?,
        // The name may be of a container whose record can't be read.
        Err(Error::NotFound) if force => session.supervisor.discard(session.subject)?,
        Err(error) => return Err(error.into()),
    }
    Ok(CommandStatus::Ok)
}

/// `ps [-a]`
#[inline(never)]
pub(super) fn list<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let all = session.has(Key::All);
    let listed = |summary: &Summary| {
        let state = summary.status.state;
        all || state.is_live() || matches!(state, State::Restarting(_))
    };
    let supervisor = session.supervisor;
    if session.json() {
        session.out.document(|out| {
            out.array("containers", |out| {
                supervisor.list(&mut |summary| {
                    if listed(summary) {
                        out.object(|out| line(summary, supervisor, out));
                    }
                });
            });
        });
        return Ok(CommandStatus::Ok);
    }
    let out = &mut session.out;
    let buffer = session.documents.lend().document;
    writeln!(out, "{:32}  {:18}  IMAGE", "NAME", "STATE");
    supervisor.list(&mut |summary| {
        if !listed(summary) {
            return;
        }
        let mut state: String<48> = String::new();
        write_cut(&mut state, format_args!("{}", summary.status.state));
        write!(out, "{:32}  {state:18}  ", summary.name);
        let image = |spec: &Spec| (spec.followed != 0, spec.image.manifest.digest);
        match supervisor.with_spec(summary.handle, image) {
            Ok((true, _)) if let Some(tag) = supervisor.tag(&summary.name, buffer) => {
                writeln!(out, "{}", Sanitized(&*tag));
            }
            Ok((_, digest)) => writeln!(out, "{}", short(format_args!("{digest}"))),
            Err(_) => writeln!(out, "-"),
        }
    });
    Ok(CommandStatus::Ok)
}

/// Writes the members of a listed container in JSON.
fn line<P: Platform>(summary: &Summary, supervisor: &Supervisor<P>, out: &mut Object<'_>) {
    out.string("name", &summary.name);
    state(summary.status.state, out);
    out.unsigned("restarts", summary.status.restarts.into());
    let image = |spec: &Spec| spec.image.manifest.digest;
    match supervisor.with_spec(summary.handle, image) {
        Ok(digest) => out.display("image", &digest),
        Err(_) => out.null("image"),
    }
}

/// `inspect NAME`
#[inline(never)]
pub(super) fn inspect<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let handle = session.find()?;
    let supervisor = session.supervisor;
    let status = supervisor.status(handle);
    let status = status.as_ref().map_err(|error| *error)?;
    // A copy, because the guest needs the lock to go on.
    let mut copy = Spec::blank();
    let spec = &mut copy;
    supervisor.with_spec(handle, |found| spec.copy_from(found))?;
    let tag = match spec.followed {
        0 => None,
        _ => {
            let name = session.name(handle);
            let document = session.documents.lend().document;
            name.and_then(|name| supervisor.tag(&name, document))
        }
    };
    session.out.document(|out| {
        out.string("name", session.subject);
        state(status.state, out);
        out.object("restart", |out| {
            out.display("policy", &spec.restart);
            out.unsigned("count", status.restarts.into());
            out.unsigned("failures", status.failures.into());
        });
        out.unsigned("priority", spec.limits.priority.into());
        out.object("image", |out| {
            match &tag {
                Some(tag) => out.string("follows", tag),
                None => out.null("follows"),
            }
            out.display("digest", &spec.image.manifest.digest);
            write_code(&spec.image, out);
        });
        texts("arguments", &spec.arguments, out);
        texts("environment", &spec.image.environment, out);
        permissions(spec.image.permissions, out);
        texts("mounts", &spec.mounts, out);
        out.object("limits", |out| {
            let limits = &spec.limits;
            let limits = [
                Some(limits.memory_bytes),
                Some(limits.stack_bytes),
                Some(limits.thread_stack_bytes),
                limits.disk_bytes,
                limits.time_limit_ms,
                limits.instructions,
            ];
            let names = "memoryBytes stackBytes threadStackBytes diskBytes timeMs instructions";
            numbers(names, &limits.map(|limit| limit.map(u64::from)), out);
        });
        out.object("times", |out| {
            let times = &status.times;
            let moments = [times.created_us, times.started_us, times.ended_us].map(Uptime::get);
            numbers("createdUs startedUs endedUs", &moments, out);
            let names = "readingUs loadingUs instantiatingUs runningUs";
            numbers(names, &steps_us(times), out);
        });
        // Seconds since 1970.
        out.object("dates", |out| {
            let dates = &status.dates;
            let dates = [dates.created, dates.started, dates.ended];
            let dates = dates.map(|date| date.map(|date| date.get().into()));
            numbers("createdS startedS endedS", &dates, out);
        });
    });
    Ok(CommandStatus::Ok)
}

/// Members that are numbers, or `null`, by the names in a list of words.
#[inline(never)]
pub(super) fn numbers(names: &str, numbers: &[Option<u64>], out: &mut Object<'_>) {
    for (name, number) in names.split(' ').zip(numbers) {
        out.optional(name, *number);
    }
}

/// Writes the state and the result of the last run: the exit code of `run`, and the reason.
#[inline(never)]
fn state(state: State, out: &mut Object<'_>) {
    out.string("state", state.word());
    let Some(outcome) = state.outcome() else {
        return;
    };
    // WASI has exit codes as numbers without a sign.
    out.unsigned("exitCode", outcome.status().cast_unsigned().into());
    match outcome.why() {
        "" => {}
        reason => out.string("reason", reason),
    }
}

/// Waits for a run's end; kills the run when the command is interrupted or its output fails.
pub(super) fn await_end<P: Platform>(
    handle: Handle,
    session: &Session<'_, P>,
) -> Result<RunResult, Error> {
    let supervisor = session.supervisor;
    let mut killed = false;
    loop {
        if !killed && session.is_over() {
            killed = true;
            // The run may have ended meanwhile; the wait returns its result.
            let _ = supervisor.kill(handle);
        }
        match supervisor.wait(handle, Some(session.next_look())) {
            Err(Error::TimedOut) => {}
            ended => return ended,
        }
    }
}

/// Writes why a run ended, unless the guest exited. Returns the status of the command.
pub(super) fn say_end<P: Platform>(
    outcome: RunResult,
    session: &mut Session<'_, P>,
) -> CommandStatus {
    let (what, hints) = match outcome {
        RunResult::Exited(_) => return CommandStatus::of_run(outcome),
        RunResult::Trapped(trap) => ("trapped", hints::trap(trap)),
        RunResult::Killed(cause) => {
            let hints = match cause {
                Cause::TimeLimit => "raise the time limit with --timeout",
                Cause::Kill | Cause::Stop => "",
                Cause::Reset => "start the container again",
            };
            ("was killed", hints)
        }
        RunResult::Failed(failure) => ("failed", hints::failure(failure)),
    };
    let reason = Reason {
        code: outcome.why(),
        at: "",
        detail: "",
        hints,
    };
    let what = format_args!("{} {what}", Sanitized(session.subject));
    failure(&mut session.err, what, &reason);
    CommandStatus::of_run(outcome)
}
