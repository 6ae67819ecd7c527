// SPDX-License-Identifier: Apache-2.0
//! Clocks, and waiting for a time or for input.

use ocre::port::Storage;

use crate::Wasi;
use crate::errno::{Errno, Error};
use crate::memory::{Memory, write_words};
use crate::rights;
use crate::table::DescriptorTarget;

const NS_PER_US: u64 = 1000;

/// Interval of polling the console for input that a guest waits for, in microseconds.
const INPUT_INTERVAL_US: u64 = 20_000;

/// Bytes of a `subscription` and of an `event`.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// `subclockflags`: the timeout is a time, not a span.
const ABSOLUTE: u16 = 1;
/// `eventtype`.
const CLOCK: u8 = 0;
const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
/// `eventrwflags`: the other side is gone.
const HANGUP: u16 = 1;

/// Clocks that are offered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClockId {
    Realtime,
    Monotonic,
}

impl ClockId {
    /// Clock for a number of preview 1.
    ///
    /// # Errors
    /// `Inval` for a clock of preview 1 that is not offered, and for any other number.
    const fn from_number(number: u32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            _ => Err(Errno::Inval),
        }
    }
}

/// `event` of a subscription, filled in as the subscription progresses.
struct PollEvent {
    userdata: u64,
    error: Option<Errno>,
    kind: u8,
    bytes: u64,
    flags: u16,
}

impl PollEvent {
    fn words(&self) -> [u64; EVENT as usize / 8] {
        let error = self.error.map_or(0, |errno| errno as u64);
        let kind = u64::from(self.kind);
        [
            self.userdata,
            error | kind << 16,
            self.bytes,
            self.flags.into(),
        ]
    }
}

impl<S: Storage> Wasi<'_, S> {
    #[inline(never)]
    fn time_ns(&self, clock: ClockId) -> u64 {
        let uptime = self.clock.uptime_us().saturating_mul(NS_PER_US);
        match clock {
            ClockId::Monotonic => uptime,
            // As on any system whose clock was never set.
            ClockId::Realtime => self.clock.wall_ns().unwrap_or(uptime),
        }
    }

    pub(crate) fn clock_res_get(
        &mut self,
        memory: &mut Memory<'_>,
        clock: u32,
        resolution: u32,
    ) -> Result<(), Error> {
        ClockId::from_number(clock)?;
        Ok(memory.write_u64(resolution, NS_PER_US)?)
    }

    pub(crate) fn clock_time_get(
        &mut self,
        memory: &mut Memory<'_>,
        clock: u32,
        _precision: u64,
        time: u32,
    ) -> Result<(), Error> {
        let now = self.time_ns(ClockId::from_number(clock)?);
        Ok(memory.write_u64(time, now)?)
    }

    pub(crate) fn poll_oneoff(
        &mut self,
        memory: &mut Memory<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        written: u32,
    ) -> Result<(), Error> {
        if count == 0 {
            return Err(Errno::Inval.into());
        }
        memory.check(subscriptions, count, SUBSCRIPTION)?;
        memory.check(events, count, EVENT)?;
        memory.check(written, 1, 4)?;
        let began_ns = self.time_ns(ClockId::Monotonic);
        loop {
            let (mut from, mut to) = (subscriptions, events);
            let mut ready = 0_u32;
            let mut until_us = u64::MAX;
            for _ in 0..count {
                self.guest.check()?;
                let asked = memory.bytes(from, SUBSCRIPTION)?.first_chunk();
                let asked = *asked.ok_or(Errno::Fault)?;
                from = from.saturating_add(SUBSCRIPTION);
                let mut event = PollEvent {
                    userdata: u64::from_le_bytes(field(&asked, 0)),
                    error: None,
                    kind: u8::from_le_bytes(field(&asked, 8)),
                    bytes: 0,
                    flags: 0,
                };
                match self.progress(&asked, began_ns, &mut event)? {
                    None => {
                        write_words(memory, to, &event.words())?;
                        to = to.saturating_add(EVENT);
                        ready = ready.saturating_add(1);
                    }
                    Some(later_us) => until_us = until_us.min(later_us),
                }
            }
            if ready > 0 {
                return Ok(memory.write_u32(written, ready)?);
            }
            self.guest.sleep(Some(until_us))?;
        }
    }

    /// Uptime, in microseconds, of the next look at a subscription; `None` where its event is
    /// complete, with or without an error.
    ///
    /// # Errors
    /// `Inval` for an unknown type or clock; errors of the storage.
    fn progress(
        &mut self,
        asked: &[u8; SUBSCRIPTION as usize],
        began_ns: u64,
        event: &mut PollEvent,
    ) -> Result<Option<u64>, Errno> {
        let first = u32::from_le_bytes(field(asked, 16));
        match event.kind {
            CLOCK => {
                let mut clock = ClockId::from_number(first)?;
                let mut due_ns = u64::from_le_bytes(field(asked, 24));
                if u16::from_le_bytes(field(asked, 40)) & ABSOLUTE == 0 {
                    clock = ClockId::Monotonic;
                    due_ns = began_ns.saturating_add(due_ns);
                }
                Ok(match due_ns.saturating_sub(self.time_ns(clock)) {
                    0 => None,
                    left_ns => Some(self.later_us(left_ns.div_ceil(NS_PER_US))),
                })
            }
            READABLE | WRITABLE => self.descriptor_progress(first, event),
            _ => Err(Errno::Inval),
        }
    }

    /// Uptime after a span, in microseconds.
    #[inline(never)]
    fn later_us(&self, span_us: u64) -> u64 {
        self.clock.uptime_us().saturating_add(span_us)
    }

    fn descriptor_progress(
        &mut self,
        fd: u32,
        event: &mut PollEvent,
    ) -> Result<Option<u64>, Errno> {
        let right = rights::POLL_FD_READWRITE
            | if event.kind == READABLE {
                rights::FD_READ
            } else {
                rights::FD_WRITE
            };
        let file = match self.table.with_right(fd, right).map(|found| found.target) {
            Ok(DescriptorTarget::Input) if event.kind == READABLE => {
                return Ok(self.input_progress(event));
            }
            Ok(DescriptorTarget::Output(_)) if event.kind == WRITABLE => return Ok(None),
            Ok(_) => self.table.file(fd, right),
            Err(errno) => Err(errno),
        };
        match file {
            Ok((descriptor, open)) if event.kind == READABLE => {
                let size = self.storage.size(open.file())?;
                event.bytes = size.saturating_sub(descriptor.offset);
            }
            Ok(_) => {}
            Err(errno) => event.error = Some(errno),
        }
        Ok(None)
    }

    fn input_progress(&mut self, event: &mut PollEvent) -> Option<u64> {
        if self.typed.is_none() {
            let mut byte = [0];
            match self.guest.read(&mut byte) {
                None => return Some(self.later_us(INPUT_INTERVAL_US)),
                Some(0) => {
                    event.flags = HANGUP;
                    return None;
                }
                Some(_) => {
                    let [byte] = byte;
                    self.typed = Some(byte);
                }
            }
        }
        event.bytes = 1;
        None
    }
}

/// Bytes of a number in a `subscription`; zeros beyond its end.
#[inline]
fn field<const N: usize>(record: &[u8; SUBSCRIPTION as usize], offset: usize) -> [u8; N] {
    let field = record.get(offset..).unwrap_or_default().first_chunk();
    field.copied().unwrap_or([0; N])
}
