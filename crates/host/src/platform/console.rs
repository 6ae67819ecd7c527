// SPDX-License-Identifier: Apache-2.0
//! The terminal that the program was started in.

use std::io::{self, Read, Write};

use ocre::port::{Console, Stream};

/// stdout, stderr and stdin of the process, whatever they are connected to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

impl Console for Terminal {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        // Whoever shut the other end wants no more of it, and the log has it anyway.
        let _ = match stream {
            Stream::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Stream::Stderr => io::stderr().lock().write_all(bytes),
        };
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        if !is_readable() {
            return None;
        }
        // What can't be read will not be read later either: that is the end of it.
        Some(io::stdin().lock().read(buffer).unwrap_or(0))
    }
}

/// Whether reading from stdin would give something, or its end, at once.
fn is_readable() -> bool {
    let mut stdin = libc::pollfd {
        fd: libc::STDIN_FILENO,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one `pollfd` that lives until the call, which does not wait, returns.
    let ready = unsafe { libc::poll(&mut stdin, 1, 0) };
    ready > 0
}
