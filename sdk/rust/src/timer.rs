// SPDX-License-Identifier: Apache-2.0
//! Timers. They need the permission `timers`.

use core::time::Duration;

use crate::error::{check, done};
use crate::{Result, sys, system};

/// Timer that sends [events](crate::events). Dropping it deletes the timer.
///
/// ```no_run
/// use core::time::Duration;
/// use ocre_guest::{Event, Timer, events};
///
/// let timer = Timer::new(1)?;
/// timer.every(Duration::from_secs(1))?;
/// for event in events().take(3) {
///     if let Event::Timer(number) = event? {
///         println!("timer {number}");
///     }
/// }
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Debug)]
pub struct Timer(i32);

impl Timer {
    /// Creates the timer with a number, from 1 on. Numbers up to 16 work everywhere.
    ///
    /// # Errors
    /// [`Error::EBUSY`](crate::Error::EBUSY): the timer exists already.
    pub fn new(number: i32) -> Result<Self> {
        // SAFETY: takes a number.
        done(unsafe { sys::ocre_timer_create(number) })?;
        Ok(Self(number))
    }

    /// Number.
    pub const fn number(&self) -> i32 {
        self.0
    }

    /// Sends one event after a span, from 1 ms to 65,535 ms.
    ///
    /// # Errors
    /// [`Error::EINVAL`](crate::Error::EINVAL): shorter or longer.
    pub fn once(&self, after: Duration) -> Result<()> {
        self.start(after, false)
    }

    /// Sends an event after each period, from 1 ms to 65,535 ms.
    ///
    /// # Errors
    /// [`Error::EINVAL`](crate::Error::EINVAL): shorter or longer.
    pub fn every(&self, period: Duration) -> Result<()> {
        self.start(period, true)
    }

    fn start(&self, span: Duration, periodic: bool) -> Result<()> {
        let milliseconds = system::milliseconds(span);
        // SAFETY: takes numbers.
        done(unsafe { sys::ocre_timer_start(self.0, milliseconds, periodic.into()) })
    }

    /// Stops the events until the next start.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn stop(&self) -> Result<()> {
        // SAFETY: takes a number.
        done(unsafe { sys::ocre_timer_stop(self.0) })
    }

    /// Time until the next event; 0 for a stopped timer.
    ///
    /// # Errors
    /// See [`Error`](crate::Error).
    pub fn remaining(&self) -> Result<Duration> {
        // SAFETY: takes a number.
        let milliseconds = check(unsafe { sys::ocre_timer_get_remaining(self.0) })?;
        Ok(Duration::from_millis(milliseconds.into()))
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: takes a number. There is nothing to be done about a refusal.
        let _ = unsafe { sys::ocre_timer_delete(self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn without_a_runtime_there_are_no_timers() {
        assert_eq!(Timer::new(1).unwrap_err(), Error::ENOSYS);
        assert_eq!(Timer(1).remaining(), Err(Error::ENOSYS));
        assert_eq!(Timer(1).every(Duration::from_secs(1)), Err(Error::ENOSYS));
    }
}
