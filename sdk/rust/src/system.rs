// SPDX-License-Identifier: Apache-2.0
//! Names and time. These functions need no permission.

use core::ffi::CStr;
use core::time::Duration;

use crate::error::done;
use crate::{Result, sys};

const FIELD: usize = 65;
const FIELDS: usize = 6;

/// Converts a span to whole milliseconds, rounded up; at most `i32::MAX`.
pub(crate) fn milliseconds(span: Duration) -> i32 {
    // Without numbers of 128 bits, whose division is a kilobyte of code.
    let part = span.subsec_nanos().div_ceil(1_000_000);
    let whole = span.as_secs().saturating_mul(1000);
    i32::try_from(whole.saturating_add(part.into())).unwrap_or(i32::MAX)
}

/// Sleeps for a span, or a little longer.
///
/// # Errors
/// Errors of a runtime without this function.
pub fn sleep(span: Duration) -> Result<()> {
    // SAFETY: takes a number.
    done(unsafe { sys::ocre_sleep(milliseconds(span)) })
}

/// Names of the runtime and of the container.
///
/// ```no_run
/// let names = ocre_guest::names()?;
/// println!("{} on {}", names.container(), names.machine());
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Names([u8; FIELD * FIELDS]);

/// Asks the runtime for its names.
///
/// # Errors
/// Errors of a runtime without this function.
pub fn names() -> Result<Names> {
    let mut names = Names([0; FIELD * FIELDS]);
    // SAFETY: `names` has the size of the texts that are written.
    done(unsafe { sys::uname(names.0.as_mut_ptr()) })?;
    Ok(names)
}

impl Names {
    fn field(&self, index: usize) -> &str {
        let field = self.0.chunks_exact(FIELD).nth(index);
        let text = field.and_then(|field| CStr::from_bytes_until_nul(field).ok());
        text.and_then(|text| text.to_str().ok()).unwrap_or_default()
    }

    /// `Ocre`.
    pub fn system(&self) -> &str {
        self.field(0)
    }

    /// Name of the container.
    pub fn container(&self) -> &str {
        self.field(1)
    }

    /// Version of the runtime.
    pub fn release(&self) -> &str {
        self.field(2)
    }

    /// Name of the runtime.
    pub fn version(&self) -> &str {
        self.field(3)
    }

    /// Machine that the runtime runs on.
    pub fn machine(&self) -> &str {
        self.field(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn spans_become_whole_milliseconds_and_none_becomes_shorter() {
        for (span, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), 1),
            (Duration::from_millis(7), 7),
            (Duration::from_micros(7001), 8),
            (Duration::MAX, i32::MAX),
        ] {
            assert_eq!(milliseconds(span), expected, "{span:?}");
        }
    }

    #[test]
    fn names_are_read_out_of_their_fields() {
        let mut names = Names([0; FIELD * FIELDS]);
        names.0[..4].copy_from_slice(b"Ocre");
        names.0[FIELD..2 * FIELD].fill(b'x');
        names.0[4 * FIELD..][..2].copy_from_slice(b"\xff\xfe");
        assert_eq!(names.system(), "Ocre");
        // Neither texts without an end nor invalid ones are returned.
        assert_eq!((names.container(), names.machine()), ("", ""));
    }

    #[test]
    fn without_a_runtime_it_has_no_name() {
        assert_eq!(names().unwrap_err(), Error::ENOSYS);
        assert_eq!(sleep(Duration::ZERO), Err(Error::ENOSYS));
    }
}
