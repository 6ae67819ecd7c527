// SPDX-License-Identifier: Apache-2.0
//! The crate `log`, into Zephyr's log, and the last words of a panic.

use core::fmt;
use core::panic::PanicInfo;

use log::{LevelFilter, Log, Metadata, Record};

use crate::text::Buffer;
use crate::{config, sys};

/// Bytes of one line; longer ones are cut.
const LINE: usize = 120;

struct Zephyr;

static ZEPHYR: Zephyr = Zephyr;

impl Log for Zephyr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let mut text = [0; LINE + 1];
        let mut line = Buffer::of(&mut text);
        // A line that is cut is still worth showing.
        let _ = fmt::write(&mut line, *record.args());
        let line = line.bytes();
        // SAFETY: the line has that many bytes.
        unsafe {
            sys::ocre_port_log(record.level() as u32, line.as_ptr(), line.len() as u32);
        }
    }

    fn flush(&self) {}
}

/// Sends the crate `log` to Zephyr's log, unless another logger is set. Kconfig's level counts from
/// 0, off, to 4, debug.
pub(crate) fn start() {
    if log::set_logger(&ZEPHYR).is_ok() {
        log::set_max_level(match config::LOG_LEVEL {
            0 => LevelFilter::Off,
            1 => LevelFilter::Error,
            2 => LevelFilter::Warn,
            3 => LevelFilter::Info,
            _ => LevelFilter::Debug,
        });
    }
}

/// Tells where a panic was and halts the system: a program's panic handler ends here.
pub fn halt(info: &PanicInfo<'_>) -> ! {
    let (file, line) = info
        .location()
        .map_or(("", 0), |place| (place.file(), place.line()));
    // SAFETY: the name has that many bytes.
    unsafe { sys::ocre_port_panic(file.as_ptr(), file.len() as u32, line) };
    loop {
        core::hint::spin_loop();
    }
}
