// SPDX-License-Identifier: Apache-2.0
//! `stats`: resources of the containers' present or last runs.

use ocre_oci::write::Object;

use super::CommandStatus;
use super::containers::numbers;
use super::output::CommandOutput;
use super::session::{CommandResult, Session};
use crate::supervisor::Platform;
use crate::supervisor::{Stats, Summary};

/// `stats`
#[inline(never)]
pub(super) fn stats<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let supervisor = session.supervisor;
    let each = |show: &mut dyn FnMut(&Summary, &Stats, Option<u64>)| {
        supervisor.list(&mut |summary| {
            // A container that is removed meanwhile is left out.
            if let Ok(stats) = supervisor.stats(summary.handle) {
                let disk_bytes = supervisor.disk_bytes(summary.handle).ok();
                show(summary, &stats, disk_bytes);
            }
        });
    };
    if session.json() {
        session.out.document(|out| {
            out.array("containers", |out| {
                each(&mut |summary, stats, disk_bytes| {
                    out.object(|out| members(summary, stats, disk_bytes, out));
                });
            });
        });
        return Ok(CommandStatus::Ok);
    }
    let out = &mut session.out;
    writeln!(
        out,
        "{:32}  COMPUTED ms  RAN ms    KiB   MOST   DISK  CALLS  RESTARTS",
        "NAME"
    );
    each(&mut |summary, stats, disk_bytes| {
        write!(out, "{:32}  ", summary.name);
        column(out, stats.computed_us, 1000, 11);
        column(out, stats.ran_us, 1000, 6);
        column(out, Some(stats.memory_bytes.into()), 1024, 5);
        column(out, Some(stats.memory_peak_bytes.into()), 1024, 5);
        column(out, disk_bytes, 1024, 5);
        let restarts = summary.status.restarts;
        writeln!(out, "{:5}  {restarts:8}", stats.host_calls);
    });
    Ok(CommandStatus::Ok)
}

/// Writes a column with `number` in `unit`s, rounded up; `-` where it is unknown.
#[inline(never)]
fn column(out: &mut CommandOutput<'_>, number: Option<u64>, unit: u64, width: usize) {
    match number {
        Some(number) => write!(out, "{:width$}  ", number.div_ceil(unit)),
        None => write!(out, "{:>width$}  ", "-"),
    }
}

/// Writes the members of a container in JSON.
fn members(summary: &Summary, stats: &Stats, disk_bytes: Option<u64>, out: &mut Object<'_>) {
    out.string("name", &summary.name);
    let names = "computedUs ranUs diskBytes memoryBytes memoryPeakBytes hostCalls restarts";
    let members = [
        stats.computed_us,
        stats.ran_us,
        disk_bytes,
        Some(stats.memory_bytes.into()),
        Some(stats.memory_peak_bytes.into()),
        Some(stats.host_calls.into()),
        Some(summary.status.restarts.into()),
    ];
    numbers(names, &members, out);
}
