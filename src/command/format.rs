// SPDX-License-Identifier: Apache-2.0
//! `format`: refused here. The shell of a device formats by itself, before there is a supervisor.

use super::report::{Reason, failure};
use super::session::{CommandResult, Session};
use crate::limits::HINTS;
use crate::supervisor::Platform;

/// Reason of a refused format: the runtime has mounted the partition.
pub struct Mounted;

impl Mounted {
    /// Stable code, as `docs/errors.md` lists it.
    pub const fn code() -> &'static str {
        "storage-mounted"
    }

    /// Remedy: the last column of `docs/errors.md`.
    pub const fn hint() -> &'static str {
        if HINTS {
            "call `ocre_format()` before `ocre_init()`"
        } else {
            ""
        }
    }
}

/// `format`
pub(super) fn format<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let reason = Reason {
        code: Mounted::code(),
        at: "",
        detail: "",
        hints: Mounted::hint(),
    };
    let what = format_args!("format failed");
    Ok(failure(&mut session.err, what, &reason))
}
