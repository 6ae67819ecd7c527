// SPDX-License-Identifier: Apache-2.0
//! What containers have written is read.

use core::sync::atomic::Ordering;

use super::Supervisor;
use crate::container::Error;
use crate::container::log::{Cursor, Log, Record};
use crate::container::table::Handle;
use crate::limits::{LOG_BYTES, MAX_LOG_RECORD};
use crate::port::Platform;

/// What [`Supervisor::await_log`] has waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Follow {
    /// There is more to read.
    More,
    /// All is read, and the container is not running.
    Ended,
    /// The time is over.
    TimedOut,
}

impl<P: Platform> Supervisor<P> {
    fn with_log<T>(
        &self,
        handle: Handle,
        look: impl FnOnce(&Log<LOG_BYTES>) -> T,
    ) -> Result<T, Error> {
        match &*self.place(handle.slot())?.log.lock() {
            (Some(owner), log) if *owner == handle => Ok(look(log)),
            _ => Err(Error::NotFound),
        }
    }

    /// Where to read a container's output from: its last `lines` lines, or all that is there.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn log_cursor(&self, handle: Handle, lines: Option<usize>) -> Result<Cursor, Error> {
        self.with_log(handle, |log| {
            lines.map_or_else(|| log.oldest(), |lines| log.tail(lines))
        })
    }

    /// Reads the next line, or part of one, of a container's output; `None` where all is read.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn read_log(
        &self,
        handle: Handle,
        cursor: &mut Cursor,
        buffer: &mut [u8; MAX_LOG_RECORD],
    ) -> Result<Option<Record>, Error> {
        self.with_log(handle, |log| log.read(cursor, buffer))
    }

    /// How many lines of a container's output are lost, because the log keeps only so many.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn log_dropped(&self, handle: Handle) -> Result<u64, Error> {
        self.with_log(handle, Log::dropped)
    }

    /// Waits until there is more output to read, at most until uptime reaches `until_us`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn await_log(
        &self,
        handle: Handle,
        cursor: Cursor,
        until_us: Option<u64>,
    ) -> Result<Follow, Error> {
        // Guests announce their output only while this says that somebody cares. It is raised
        // before the log is looked at, and guests look at it after they have written.
        self.followers.fetch_add(1, Ordering::SeqCst);
        let found = self.await_change(until_us, || {
            // In this order: what is written before the end must not be missed.
            let live = self.status(handle)?.state.is_live();
            let more = self.with_log(handle, |log| log.has_more(cursor))?;
            Ok(match (more, live) {
                (true, _) => Some(Follow::More),
                (false, false) => Some(Follow::Ended),
                (false, true) => None,
            })
        });
        self.followers.fetch_sub(1, Ordering::SeqCst);
        match found {
            Err(Error::TimedOut) => Ok(Follow::TimedOut),
            found => found,
        }
    }
}
