// SPDX-License-Identifier: Apache-2.0
//! Log of the runtime: errors go to stderr, the rest is dropped.

use std::io::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record};
use ocre::command::report::Sanitized;

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Error
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("log: {}\n", Sanitized(record.args()));
            // If stderr fails, only the exit code tells.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Installs the logger.
pub fn show_errors() {
    // Fails only where there is a logger already, and this is the only one.
    let _ = log::set_logger(&Stderr);
    log::set_max_level(LevelFilter::Error);
}
