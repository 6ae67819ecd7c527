// SPDX-License-Identifier: Apache-2.0
//! Where a command's words go.
//!
//! Promised: after the first error nothing more is written, and the error is known in the end.
//! So what only writes need not look at each line; what goes on for long looks now and then.

use core::fmt::{self, Write};

use ocre_oci::write::{self, Object};

/// Output that remembers whether it has failed.
pub struct Output<'w> {
    out: &'w mut dyn Write,
    written: fmt::Result,
}

impl<'w> Output<'w> {
    /// Writes to `out`.
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            written: Ok(()),
        }
    }

    /// The error, if there was one.
    pub const fn written(&self) -> fmt::Result {
        self.written
    }

    /// For `write!` and `writeln!`, which with this one have no result to look at.
    #[inline(never)]
    pub fn write_fmt(&mut self, text: fmt::Arguments<'_>) {
        // The error is kept.
        let _ = fmt::write(self, text);
    }

    /// Writes one JSON object, on one line; `fill` writes its members.
    pub fn document(&mut self, fill: impl FnOnce(&mut Object<'_>)) {
        // The error is kept.
        let _ = write::object(self, fill);
        let _ = self.write_char('\n');
    }
}

impl Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.written.is_ok() {
            self.written = self.out.write_str(text);
        }
        self.written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_what_could_not_be_written() {
        let mut small = heapless::String::<4>::new();
        let mut out = Output::new(&mut small);
        write!(out, "a");
        assert_eq!(out.written(), Ok(()));
        writeln!(out, "too long");
        write!(out, "b");
        out.document(|out| out.null("c"));
        assert_eq!(out.written(), Err(fmt::Error));
        assert_eq!(small, "a");
    }
}
