// SPDX-License-Identifier: Apache-2.0
//! `help`: the commands, or one of them.

use super::CommandStatus;
use super::arguments::UsageError;
use super::session::{CommandResult, Session};
use super::table;
use super::usage::{command, list};
use crate::supervisor::Platform;

/// `help [COMMAND]`
#[inline(never)]
pub(super) fn run<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let words = &session.operands;
    let group = match **words {
        [] => Some(""),
        [word] => Some(word).filter(|word| table::is_group(word)),
        _ => None,
    };
    if let Some(group) = group {
        list(|command| command.word(group).is_some(), &mut session.out);
        return Ok(CommandStatus::Ok);
    }
    let Ok((found, [])) = table::find(words) else {
        let word = words.last().copied().unwrap_or_default();
        return Err(session.misuse(&UsageError::UnknownCommand(word, None)));
    };
    command(found, &mut session.out);
    Ok(CommandStatus::Ok)
}
