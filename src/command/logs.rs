// SPDX-License-Identifier: Apache-2.0
//! `logs`: output of a container, from its ring.

use core::fmt::{self, Write};

use heapless::Vec;

use super::CommandStatus;
use super::arguments::Key;
use super::session::{CommandResult, Session};
use crate::limits::MAX_LOG_RECORD;
use crate::supervisor::LogWait;
use crate::supervisor::Platform;

/// `logs [-f] [--tail N] NAME`
#[inline(never)]
pub(super) fn logs<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    let tail = session
        .number
        .map(|lines| usize::try_from(lines).unwrap_or(usize::MAX));
    let handle = session.find()?;
    let supervisor = session.supervisor;
    let mut cursor = supervisor.log_cursor(handle, tail)?;
    let dropped = supervisor.log_dropped(handle)?;
    if tail.is_none() && dropped > 0 {
        writeln!(
            session.err,
            "warning: the log dropped its {dropped} oldest records"
        );
    }
    let mut text = Utf8::default();
    let mut buffer = [0; MAX_LOG_RECORD];
    loop {
        while !session.is_broken()
            && let Some(record) = supervisor.read_log(handle, &mut cursor, &mut buffer)?
        {
            let bytes = buffer.get(..record.length).unwrap_or_default();
            // The error is kept.
            let _ = text.write(bytes, &mut session.out);
        }
        if !session.has(Key::Follow) || session.is_over() {
            break;
        }
        if supervisor.await_log(handle, cursor, Some(session.next_look()))? == LogWait::Ended {
            break;
        }
    }
    let _ = text.finish(&mut session.out);
    Ok(CommandStatus::Ok)
}

/// Bytes as text: invalid UTF-8 becomes U+FFFD, but a character that is split between two records
/// does not.
#[derive(Default)]
struct Utf8 {
    /// A record, behind the beginning of a character of at most 3 bytes.
    bytes: Vec<u8, { MAX_LOG_RECORD + 3 }>,
}

impl Utf8 {
    fn write(&mut self, record: &[u8], out: &mut dyn Write) -> fmt::Result {
        // There is room: at most the beginning of a character stays from one record to the next.
        let _ = self.bytes.extend_from_slice(record);
        let mut behind = self.bytes.len();
        let mut begun = Vec::<u8, 3>::new();
        for chunk in self.bytes.utf8_chunks() {
            out.write_str(chunk.valid())?;
            let rest = chunk.invalid();
            behind = behind.saturating_sub(chunk.valid().len().saturating_add(rest.len()));
            let may_go_on =
                core::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
            if behind == 0 && may_go_on {
                let _ = begun.extend_from_slice(rest);
            } else if !rest.is_empty() {
                out.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        self.bytes.clear();
        let _ = self.bytes.extend_from_slice(&begun);
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> fmt::Result {
        if self.bytes.is_empty() {
            return Ok(());
        }
        out.write_char(char::REPLACEMENT_CHARACTER)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::String;

    use super::*;

    fn text(records: &[&[u8]]) -> String {
        let mut out = String::new();
        let mut text = Utf8::default();
        for record in records {
            text.write(record, &mut out).unwrap();
        }
        text.finish(&mut out).unwrap();
        out
    }

    #[test]
    fn a_character_may_be_split_anywhere() {
        let whole = "aé€😀z".as_bytes();
        for first in 0..whole.len() {
            for second in first..whole.len() {
                let (a, b) = whole.split_at(second);
                let (a, c) = a.split_at(first);
                assert_eq!(text(&[a, c, b]), "aé€😀z");
            }
        }
    }

    #[test]
    fn what_is_no_character_is_shown_as_one_that_says_so() {
        assert_eq!(text(&[b"a\xffb"]), "a\u{fffd}b");
        assert_eq!(text(&[b"a\xe2\x82", b"b"]), "a\u{fffd}b");
        assert_eq!(text(&[b"a\xe2\x82"]), "a\u{fffd}");
        let full = [0xf0; MAX_LOG_RECORD];
        assert_eq!(
            text(&[&[0xf0, 0x9f, 0x98], &full]).chars().count(),
            1 + MAX_LOG_RECORD
        );
    }
}
