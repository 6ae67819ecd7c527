// SPDX-License-Identifier: Apache-2.0
//! `stats`: what the containers' present or last runs have taken.

use ocre_oci::write::{self, Object};

use super::arguments::Arguments;
use super::{Environment, Halt, Status, only_format};
use crate::port::Platform;
use crate::supervisor::{Stats, Summary};

/// `stats`
#[inline(never)]
pub(super) fn stats<'a, P: Platform>(
    arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let as_json = only_format(arguments)?;
    let supervisor = environment.supervisor;
    let mut out = &mut *environment.out;
    let mut written = Ok(());
    if as_json {
        write::object(&mut out, |out| {
            out.array("containers", |out| {
                supervisor.list(&mut |summary| {
                    // One that is removed meanwhile is left out.
                    if let (Ok(()), Ok(stats)) = (written, supervisor.stats(summary.handle)) {
                        let disk_bytes = supervisor.disk_bytes(summary.handle).ok();
                        written = out.object(|out| {
                            out.string("name", &summary.name)?;
                            fields(summary, &stats, disk_bytes, out)
                        });
                    }
                });
                written
            })
        })?;
        writeln!(out)?;
        return Ok(Status::Ok);
    }
    writeln!(
        out,
        "{:32}  COMPUTED ms  RAN ms    KiB   MOST   DISK  CALLS  RESTARTS",
        "NAME"
    )?;
    supervisor.list(&mut |summary| {
        if let (Ok(()), Ok(stats)) = (written, supervisor.stats(summary.handle)) {
            written = write!(out, "{:32}  ", summary.name)
                .and_then(|()| column(out, stats.computed_us, 1000, 11))
                .and_then(|()| column(out, stats.ran_us, 1000, 6))
                .and_then(|()| column(out, Some(stats.memory_bytes.into()), 1024, 5))
                .and_then(|()| column(out, Some(stats.memory_peak_bytes.into()), 1024, 5))
                .and_then(|()| {
                    let disk_bytes = supervisor.disk_bytes(summary.handle).ok();
                    column(out, disk_bytes, 1024, 5)
                })
                .and_then(|()| {
                    writeln!(out, "{:5}  {:8}", stats.host_calls, summary.status.restarts)
                });
        }
    });
    written?;
    Ok(Status::Ok)
}

/// A column of how many `unit`s are begun, `-` where nobody knows.
fn column(
    out: &mut dyn core::fmt::Write,
    number: Option<u64>,
    unit: u64,
    width: usize,
) -> core::fmt::Result {
    match number {
        Some(number) => write!(out, "{:width$}  ", number.div_ceil(unit)),
        None => write!(out, "{:>width$}  ", "-"),
    }
}

/// The members of an object of JSON.
fn fields<W: core::fmt::Write>(
    summary: &Summary,
    stats: &Stats,
    disk_bytes: Option<u64>,
    out: &mut Object<'_, W>,
) -> core::fmt::Result {
    for (name, number) in [
        ("computedUs", stats.computed_us),
        ("ranUs", stats.ran_us),
        ("diskBytes", disk_bytes),
    ] {
        match number {
            Some(number) => out.unsigned(name, number)?,
            None => out.null(name)?,
        }
    }
    for (name, number) in [
        ("memoryBytes", stats.memory_bytes),
        ("memoryPeakBytes", stats.memory_peak_bytes),
        ("hostCalls", stats.host_calls),
        ("restarts", summary.status.restarts),
    ] {
        out.unsigned(name, number.into())?;
    }
    Ok(())
}
