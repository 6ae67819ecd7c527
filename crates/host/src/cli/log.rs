// SPDX-License-Identifier: Apache-2.0
//! Where the runtime's log goes: its errors to stderr, the rest nowhere.

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Error
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            eprintln!("log: {}", record.args());
        }
    }

    fn flush(&self) {}
}

/// From now on errors are seen.
pub fn show_errors() {
    // Fails only where there is a logger already, and this is the only one.
    let _ = log::set_logger(&Stderr);
    log::set_max_level(LevelFilter::Error);
}
