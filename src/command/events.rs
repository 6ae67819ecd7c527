// SPDX-License-Identifier: Apache-2.0
//! `events`: changes of the containers' states, from their ring.

use super::CommandStatus;
use super::arguments::Key;
use super::session::{CommandResult, Session};
use crate::supervisor::Platform;

/// `events [-f]`
#[inline(never)]
pub(super) fn events<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let supervisor = session.supervisor;
    let mut next = 0;
    loop {
        let (oldest, _) = supervisor.events_from(next);
        let lost = oldest.saturating_sub(next);
        if next > 0 && lost > 0 {
            writeln!(session.err, "warning: {lost} changes are lost");
        }
        while !session.is_broken()
            && let Some(change) = &supervisor.read_event(&mut next)
        {
            let milliseconds = change.at_us / 1000;
            let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
            write!(session.out, "{seconds}.{milliseconds:03} {} ", change.name);
            match change.state {
                Some(state) => writeln!(session.out, "{state}"),
                None => writeln!(session.out, "removed"),
            }
        }
        if !session.has(Key::Follow) || session.is_over() {
            return Ok(CommandStatus::Ok);
        }
        supervisor.await_event(next, session.next_look());
    }
}
