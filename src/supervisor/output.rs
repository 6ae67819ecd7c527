// SPDX-License-Identifier: Apache-2.0
//! Reading of containers' output.

use core::sync::atomic::Ordering;

use lock_api::{MappedMutexGuard, MutexGuard};

use super::{Platform, Supervisor};
use crate::container::Error;
use crate::container::log::{Cursor, Log, LogRecord};
use crate::container::table::Handle;
use crate::limits::{LOG_BYTES, MAX_LOG_RECORD};

/// Result of [`Supervisor::await_log`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogWait {
    /// There is more to read.
    More,
    /// All is read, and the container is not running.
    Ended,
    /// The wait timed out.
    TimedOut,
}

impl<P: Platform> Supervisor<P> {
    /// Returns a container's log, locked.
    #[inline(never)]
    fn log(
        &self,
        handle: Handle,
    ) -> Result<MappedMutexGuard<'_, P::RawMutex, Log<LOG_BYTES>>, Error> {
        let log = self.place(handle.slot())?.log.lock();
        MutexGuard::try_map(log, |(owner, log)| (*owner == Some(handle)).then_some(log))
            .map_err(|_| Error::NotFound)
    }

    /// Returns a cursor at the last `lines` lines of a container's output, or at its oldest line.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn log_cursor(&self, handle: Handle, lines: Option<usize>) -> Result<Cursor, Error> {
        let log = self.log(handle)?;
        Ok(lines.map_or_else(|| log.oldest(), |lines| log.tail(lines)))
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
    ) -> Result<Option<LogRecord>, Error> {
        Ok(self.log(handle)?.read(cursor, buffer))
    }

    /// Number of records of a container's output that the log has dropped.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn log_dropped(&self, handle: Handle) -> Result<u64, Error> {
        Ok(self.log(handle)?.dropped())
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
    ) -> Result<LogWait, Error> {
        // Guests announce their output only while this counter is not 0. It is raised before the
        // log is checked, and guests check it after they have written.
        self.followers.fetch_add(1, Ordering::SeqCst);
        let found = self.await_change(until_us, || {
            // In this order, so that no output before the end is missed.
            let live = self.status(handle)?.state.is_live();
            let more = self.log(handle)?.has_more(cursor);
            Ok(match (more, live) {
                (true, _) => Some(LogWait::More),
                (false, false) => Some(LogWait::Ended),
                (false, true) => None,
            })
        });
        self.followers.fetch_sub(1, Ordering::SeqCst);
        match found {
            Err(Error::TimedOut) => Ok(LogWait::TimedOut),
            found => found,
        }
    }
}
