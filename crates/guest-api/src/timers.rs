// SPDX-License-Identifier: Apache-2.0
//! A container's timers.
//!
//! Promised: a timer never fires before its time, and a periodic one does not drift. A timer whose
//! guest does not look for longer than its interval fires once for all the times that it has
//! missed.
//!
//! Design: a timer is a time to come, which each query compares with the clock. Nothing runs
//! meanwhile.

use ocre::limits::MAX_TIMERS;

use crate::errno::Errno;

const US_PER_MS: u64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TimerState {
    Absent,
    Stopped,
    Once,
    Periodic,
}

#[derive(Clone, Copy, Debug)]
struct GuestTimer {
    due_us: u64,
    interval_ms: u16,
    state: TimerState,
}

impl GuestTimer {
    const fn runs(&self) -> bool {
        matches!(self.state, TimerState::Once | TimerState::Periodic)
    }

    const fn interval_us(&self) -> u64 {
        (self.interval_ms as u64).saturating_mul(US_PER_MS)
    }
}

const _: () = assert!(size_of::<GuestTimer>() <= 16);

/// Numbered from 1.
#[derive(Debug)]
pub(crate) struct Timers([GuestTimer; MAX_TIMERS]);

impl Timers {
    pub(crate) const fn new() -> Self {
        Self(
            [GuestTimer {
                due_us: 0,
                interval_ms: 0,
                state: TimerState::Absent,
            }; MAX_TIMERS],
        )
    }

    fn numbered(&mut self, id: i32) -> Result<&mut GuestTimer, Errno> {
        let index = usize::try_from(id.wrapping_sub(1)).map_err(|_| Errno::Inval)?;
        self.0.get_mut(index).ok_or(Errno::Inval)
    }

    fn created(&mut self, id: i32) -> Result<&mut GuestTimer, Errno> {
        let timer = self.numbered(id)?;
        match timer.state {
            TimerState::Absent => Err(Errno::Inval),
            _ => Ok(timer),
        }
    }

    /// Creates a timer; `Busy` where it exists.
    pub(crate) fn create(&mut self, id: i32) -> Result<(), Errno> {
        let timer = self.numbered(id)?;
        if timer.state != TimerState::Absent {
            return Err(Errno::Busy);
        }
        timer.state = TimerState::Stopped;
        Ok(())
    }

    pub(crate) fn delete(&mut self, id: i32) -> Result<(), Errno> {
        self.created(id)?.state = TimerState::Absent;
        Ok(())
    }

    /// Starts a timer from now on, also a running one.
    pub(crate) fn start(
        &mut self,
        id: i32,
        interval_ms: i32,
        periodic: bool,
        now_us: u64,
    ) -> Result<(), Errno> {
        let timer = self.created(id)?;
        let interval_ms = u16::try_from(interval_ms).map_err(|_| Errno::Inval)?;
        if interval_ms == 0 {
            return Err(Errno::Inval);
        }
        timer.interval_ms = interval_ms;
        timer.due_us = now_us.saturating_add(timer.interval_us());
        timer.state = if periodic {
            TimerState::Periodic
        } else {
            TimerState::Once
        };
        Ok(())
    }

    pub(crate) fn stop(&mut self, id: i32) -> Result<(), Errno> {
        self.created(id)?.state = TimerState::Stopped;
        Ok(())
    }

    /// Milliseconds until a timer fires, rounded up; 0 for a stopped one.
    pub(crate) fn remaining_ms(&mut self, id: i32, now_us: u64) -> Result<i32, Errno> {
        let timer = self.created(id)?;
        if !timer.runs() {
            return Ok(0);
        }
        let left_ms = timer.due_us.saturating_sub(now_us).div_ceil(US_PER_MS);
        Ok(i32::try_from(left_ms).unwrap_or(i32::MAX))
    }

    /// Timer that fires next, and its time.
    #[inline(never)]
    fn next(&self) -> Option<(usize, u64)> {
        let mut next: Option<(usize, u64)> = None;
        for (index, timer) in self.0.iter().enumerate() {
            if timer.runs() && next.is_none_or(|(_, due_us)| timer.due_us < due_us) {
                next = Some((index, timer.due_us));
            }
        }
        next
    }

    /// Uptime at which the next timer fires, in microseconds.
    pub(crate) fn next_us(&self) -> Option<u64> {
        self.next().map(|(_, due_us)| due_us)
    }

    /// Takes the expired timer that is due longest, and the number of times that a periodic one has
    /// missed since.
    pub(crate) fn take(&mut self, now_us: u64) -> Option<(u32, u32)> {
        let (index, due_us) = self.next().filter(|(_, due_us)| *due_us <= now_us)?;
        let timer = self.0.get_mut(index)?;
        let mut missed = 0;
        if timer.state == TimerState::Periodic {
            let (late_us, interval_us) = (now_us.saturating_sub(due_us), timer.interval_us());
            missed = late_us.checked_div(interval_us)?;
            let since_us = late_us.checked_rem(interval_us)?;
            // The last time that it should have fired, and one interval more.
            let ahead_us = interval_us.saturating_sub(since_us);
            timer.due_us = now_us.saturating_add(ahead_us);
        } else {
            timer.state = TimerState::Stopped;
        }
        let id = u32::try_from(index.saturating_add(1)).ok()?;
        Some((id, u32::try_from(missed).unwrap_or(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1000;

    #[test]
    fn a_timer_fires_once_at_its_time_and_not_before() {
        let mut timers = Timers::new();
        timers.create(1).unwrap();
        timers.start(1, 5, false, 100).unwrap();
        assert_eq!(timers.next_us(), Some(100 + 5 * MS));
        assert_eq!(timers.take(99 + 5 * MS), None);
        assert_eq!(timers.take(100 + 5 * MS), Some((1, 0)));
        assert_eq!(timers.take(1_000_000), None);
        assert_eq!(timers.next_us(), None);
        assert_eq!(timers.remaining_ms(1, 0), Ok(0));
    }

    #[test]
    fn a_periodic_timer_does_not_drift_and_fires_once_for_what_was_missed() {
        let mut timers = Timers::new();
        timers.create(3).unwrap();
        timers.start(3, 10, true, 0).unwrap();
        assert_eq!(timers.take(13 * MS), Some((3, 0)));
        assert_eq!(timers.next_us(), Some(20 * MS));
        assert_eq!(timers.take(55 * MS), Some((3, 3)));
        assert_eq!(timers.take(55 * MS), None);
        assert_eq!(timers.next_us(), Some(60 * MS));
    }

    #[test]
    fn of_several_the_one_that_is_due_longest_fires_first() {
        let mut timers = Timers::new();
        for (id, interval) in [(1, 30), (2, 10), (16, 20)] {
            timers.create(id).unwrap();
            timers.start(id, interval, false, 0).unwrap();
        }
        let fired = [0; 3].map(|_| timers.take(100 * MS).unwrap().0);
        assert_eq!(fired, [2, 16, 1]);
    }

    #[test]
    fn the_time_that_remains_is_rounded_up() {
        let mut timers = Timers::new();
        timers.create(1).unwrap();
        assert_eq!(timers.remaining_ms(1, 0), Ok(0));
        timers.start(1, 65_535, true, 0).unwrap();
        assert_eq!(timers.remaining_ms(1, 0), Ok(65_535));
        assert_eq!(timers.remaining_ms(1, 1), Ok(65_535));
        assert_eq!(timers.remaining_ms(1, MS), Ok(65_534));
        assert_eq!(timers.remaining_ms(1, u64::MAX), Ok(0));
        timers.stop(1).unwrap();
        assert_eq!(timers.remaining_ms(1, 0), Ok(0));
    }

    #[test]
    fn what_is_no_timer_or_no_interval_is_refused() {
        let mut timers = Timers::new();
        let beyond = MAX_TIMERS as i32 + 1;
        for id in [0, -1, beyond, i32::MIN, i32::MAX] {
            assert_eq!(timers.create(id), Err(Errno::Inval), "{id}");
        }
        assert_eq!(timers.start(1, 1, false, 0), Err(Errno::Inval));
        assert_eq!(timers.delete(1), Err(Errno::Inval));
        timers.create(1).unwrap();
        assert_eq!(timers.create(1), Err(Errno::Busy));
        for interval in [0, -1, 65_536, i32::MIN] {
            assert_eq!(
                timers.start(1, interval, true, 0),
                Err(Errno::Inval),
                "{interval}"
            );
        }
        timers.delete(1).unwrap();
        assert_eq!(timers.stop(1), Err(Errno::Inval));
        timers.create(1).unwrap();
    }
}
