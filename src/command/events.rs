// SPDX-License-Identifier: Apache-2.0
//! `events`: what became of the containers, from its ring.

use super::arguments::{Argument, Arguments, Misuse};
use super::{Environment, Halt, POLL_US, Status};
use crate::port::Platform;

/// `events [-f]`
#[inline(never)]
pub(super) fn events<'a, P: Platform>(
    mut arguments: Arguments<'a, '_>,
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let mut follow = false;
    while let Some(argument) = arguments.next()? {
        match argument {
            Argument::Option("follow", _) => follow = true,
            Argument::Operand(word) => return Err(Misuse::OperandUnexpected(word).into()),
            Argument::Option(..) => {}
        }
    }
    let supervisor = environment.supervisor;
    let mut next = 0;
    loop {
        let (oldest, _) = supervisor.events_from(next);
        let lost = oldest.saturating_sub(next);
        if next > 0 && lost > 0 {
            writeln!(environment.err, "warning: {lost} changes are lost")?;
        }
        while let Some(change) = supervisor.read_event(&mut next) {
            let seconds = change.at_us / 1_000_000;
            let milliseconds = change.at_us / 1000 % 1000;
            let (name, out) = (&change.name, &mut environment.out);
            match change.state {
                Some(state) => writeln!(out, "{seconds}.{milliseconds:03} {name} {state}")?,
                None => writeln!(out, "{seconds}.{milliseconds:03} {name} removed")?,
            }
        }
        if !follow || (environment.interrupted)() {
            return Ok(Status::Ok);
        }
        supervisor.await_event(next, environment.now().saturating_add(POLL_US));
    }
}
