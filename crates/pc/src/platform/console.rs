// SPDX-License-Identifier: Apache-2.0
//! The terminal that the program was started in, or the files and pipes in its place.
//!
//! Promised: output of a guest is written, or the guest and [`failure`] get the error. A stream
//! that was closed before the program started stays closed: the standard library opens
//! `/dev/null` in its place, so [`mark_closed`] has to record it.

use std::io::{self, Read, Write};
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ocre::port::{Console, ConsoleError, Stream};

/// Time between the first error and the kill of a guest that goes on; a guest that checks its
/// errors can exit before.
const GRACE: Duration = Duration::from_millis(500);

/// stdout, stderr and stdin of the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal;

/// First error of the output of guests.
struct FirstError {
    since: Instant,
    /// Number of the system's error.
    number: i32,
}

static FAILED: OnceLock<FirstError> = OnceLock::new();
static STDOUT_CLOSED: AtomicBool = AtomicBool::new(false);
static STDERR_CLOSED: AtomicBool = AtomicBool::new(false);

/// First error of a guest's output in this process.
pub fn failure() -> Option<io::Error> {
    let failed = FAILED.get()?;
    Some(io::Error::from_raw_os_error(failed.number))
}

/// True some time after a guest's output has failed: guests that still run are to be ended.
pub fn is_given_up() -> bool {
    FAILED
        .get()
        .is_some_and(|failed| failed.since.elapsed() >= GRACE)
}

/// True for a stdout that is a pipe without a reader.
pub fn is_abandoned() -> bool {
    let mut polled = libc::pollfd {
        fd: libc::STDOUT_FILENO,
        events: 0,
        revents: 0,
    };
    // SAFETY: one `pollfd` that lives until the call, which does not wait, returns.
    let ready = unsafe { libc::poll(&mut polled, 1, 0) };
    ready > 0 && polled.revents & libc::POLLERR != 0
}

/// Records that a stream was closed when the program started.
pub fn mark_closed(stream: Stream) {
    closed(stream).store(true, Ordering::Relaxed);
}

/// True for a stream that was closed when the program started.
pub fn is_closed(stream: Stream) -> bool {
    closed(stream).load(Ordering::Relaxed)
}

fn closed(stream: Stream) -> &'static AtomicBool {
    match stream {
        Stream::Stdout => &STDOUT_CLOSED,
        Stream::Stderr => &STDERR_CLOSED,
    }
}

impl Console for Terminal {
    fn write(&self, stream: Stream, bytes: &[u8]) -> Result<(), ConsoleError> {
        let written = match stream {
            Stream::Stdout if is_closed(stream) => Err(io::Error::from_raw_os_error(libc::EBADF)),
            // Messages that the user has turned off, as with any program.
            Stream::Stderr if is_closed(stream) => Ok(()),
            Stream::Stdout => {
                // The program's own output comes first.
                let mut out = io::stdout().lock();
                out.flush()
                    .and_then(|()| write_all(libc::STDOUT_FILENO, bytes))
            }
            Stream::Stderr => {
                let _order = io::stderr().lock();
                write_all(libc::STDERR_FILENO, bytes)
            }
        };
        written.map_err(|error| {
            FAILED.get_or_init(|| FirstError {
                since: Instant::now(),
                number: error.raw_os_error().unwrap_or(libc::EIO),
            });
            match error.kind() {
                io::ErrorKind::BrokenPipe => ConsoleError::Closed,
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => ConsoleError::Full,
                _ => ConsoleError::Io,
            }
        })
    }

    fn read(&self, buffer: &mut [u8]) -> Option<usize> {
        if !is_ready(libc::STDIN_FILENO, libc::POLLIN, 0) {
            return None;
        }
        // An error stays: it counts as the end of the input.
        Some(io::stdin().lock().read(buffer).unwrap_or(0))
    }
}

/// Writes past the buffers of the standard library, which would keep unwritten bytes.
fn write_all(stream: RawFd, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        // SAFETY: the slice has that many bytes.
        let count = unsafe { libc::write(stream, rest.as_ptr().cast(), rest.len()) };
        match usize::try_from(count) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                // Another program has made the shared pipe or terminal non-blocking.
                error if error.kind() == io::ErrorKind::WouldBlock => {
                    is_ready(stream, libc::POLLOUT, -1);
                }
                error => return Err(error),
            },
        }
    }
    Ok(())
}

/// Waits at most so many milliseconds until a stream is ready for those events, or at its end;
/// true if it is.
fn is_ready(stream: RawFd, events: libc::c_short, milliseconds: libc::c_int) -> bool {
    let mut polled = libc::pollfd {
        fd: stream,
        events,
        revents: 0,
    };
    // SAFETY: one `pollfd` that lives until the call returns.
    let ready = unsafe { libc::poll(&mut polled, 1, milliseconds) };
    ready > 0
}
