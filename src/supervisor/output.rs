// SPDX-License-Identifier: Apache-2.0
//! What containers have written is read.

use core::sync::atomic::Ordering;

use lock_api::{MappedMutexGuard, MutexGuard};

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
    /// A container's log, locked.
    #[inline(never)]
    fn log(
        &self,
        handle: Handle,
    ) -> Result<MappedMutexGuard<'_, P::RawMutex, Log<LOG_BYTES>>, Error> {
        let log = self.place(handle.slot())?.log.lock();
        MutexGuard::try_map(log, |(owner, log)| (*owner == Some(handle)).then_some(log))
            .map_err(|_| Error::NotFound)
    }

    /// Where to read a container's output from: its last `lines` lines, or all that is there.
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
    ) -> Result<Option<Record>, Error> {
        Ok(self.log(handle)?.read(cursor, buffer))
    }

    /// How many lines of a container's output are lost, because the log keeps only so many.
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
    ) -> Result<Follow, Error> {
        // Guests announce their output only while this says that somebody cares. It is raised
        // before the log is looked at, and guests look at it after they have written.
        self.followers.fetch_add(1, Ordering::SeqCst);
        let found = self.await_change(until_us, || {
            // In this order: what is written before the end must not be missed.
            let live = self.status(handle)?.state.is_live();
            let more = self.log(handle)?.has_more(cursor);
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
