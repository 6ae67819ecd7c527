// SPDX-License-Identifier: Apache-2.0
//! Progress bar for long operations, on a terminal.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ocre::image::store::Progress;

/// Time before a bar is shown.
const LONG: Duration = Duration::from_millis(100);

/// A progress bar on stderr.
pub struct Bar {
    began: Instant,
    bar: Option<ProgressBar>,
    wanted: bool,
}

impl Bar {
    /// Makes a bar that is not shown yet.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            bar: None,
            wanted: io::stderr().is_terminal(),
        }
    }

    /// Shows the progress.
    pub fn show(&mut self, progress: Progress) {
        if !self.wanted || (self.bar.is_none() && self.began.elapsed() < LONG) {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(progress.total);
            match ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        bar.set_position(progress.done);
    }

    /// Removes the bar from the terminal.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
