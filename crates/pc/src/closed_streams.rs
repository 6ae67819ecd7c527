// SPDX-License-Identifier: Apache-2.0
//! Standard streams that were closed when the program started (`>&-`). Rust's standard library
//! opens `/dev/null` in their place before `main`, and output there is lost without an error; so
//! they are checked before.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::platform::console;
use ocre::port::Stream;

/// Streams that were closed, one bit each: 1 for stdout, 2 for stderr.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Function that the system's loader runs before the standard library starts.
// SAFETY: the section holds pointers to functions, which the loader calls once, on the only
// thread; the function needs nothing of the standard library.
#[used]
#[cfg_attr(
    target_vendor = "apple",
    unsafe(link_section = "__DATA,__mod_init_func")
)]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static LOOK: extern "C" fn() = look;

extern "C" fn look() {
    for (descriptor, bit) in [(libc::STDOUT_FILENO, 1), (libc::STDERR_FILENO, 2)] {
        // SAFETY: asks for a descriptor's flags, and takes nothing by reference.
        if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } < 0 {
            CLOSED.fetch_or(bit, Ordering::Relaxed);
        }
    }
}

/// Tells the console which streams were closed.
pub fn tell() {
    let closed = CLOSED.load(Ordering::Relaxed);
    for (stream, bit) in [(Stream::Stdout, 1), (Stream::Stderr, 2)] {
        if closed & bit != 0 {
            console::mark_closed(stream);
        }
    }
}
