// SPDX-License-Identifier: Apache-2.0
//! Shows on a terminal how far something is that takes long.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ocre::image::store::Progress;

/// What takes less than this shows no bar.
const LONG: Duration = Duration::from_millis(100);

/// How far something is, as a bar.
pub struct Bar {
    began: Instant,
    bar: Option<ProgressBar>,
    wanted: bool,
}

impl Bar {
    /// Not shown yet.
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            bar: None,
            wanted: io::stderr().is_terminal(),
        }
    }

    /// It is that far.
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

    /// Leaves nothing of it.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
