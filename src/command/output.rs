// SPDX-License-Identifier: Apache-2.0
//! Output of a command.
//!
//! Promised: after the first error nothing more is written, and the error is known in the end. So
//! code that only writes need not check each line; code that runs for long checks now and then.

use core::fmt::{self, Write};

use ocre_oci::write::{self, Object};

/// Output that keeps its first error.
pub struct CommandOutput<'w> {
    out: &'w mut dyn Write,
    written: fmt::Result,
}

impl<'w> CommandOutput<'w> {
    /// Writes to `out`.
    pub fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            written: Ok(()),
        }
    }

    /// Returns the error, if there was one.
    pub const fn written(&self) -> fmt::Result {
        self.written
    }

    /// Implements `write!` and `writeln!`, which return nothing here.
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

impl Write for CommandOutput<'_> {
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
        let mut out = CommandOutput::new(&mut small);
        write!(out, "a");
        assert_eq!(out.written(), Ok(()));
        writeln!(out, "too long");
        write!(out, "b");
        out.document(|out| out.null("c"));
        assert_eq!(out.written(), Err(fmt::Error));
        assert_eq!(small, "a");
    }
}
