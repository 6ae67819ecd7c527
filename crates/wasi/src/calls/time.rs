// SPDX-License-Identifier: Apache-2.0
//! Clocks, and waiting for a time or for input.

use ocre::port::Storage;

use crate::Wasi;
use crate::errno::{Errno, Error};
use crate::memory::{Memory, Record};
use crate::rights;
use crate::table::Target;

const NS_PER_US: u64 = 1000;

/// How often the console is asked for input that a guest waits for, in microseconds.
const INPUT_INTERVAL_US: u64 = 20_000;

/// Bytes of a `subscription` and of an `event`.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// `subclockflags`: the timeout is a time, not a span.
const ABSOLUTE: u16 = 1;
/// `eventrwflags`: the other side is gone.
const HANGUP: u16 = 1;

/// The clocks that there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClockId {
    Realtime,
    Monotonic,
}

impl ClockId {
    /// # Errors
    /// `Inval` for one of preview 1's that is not offered, and for any other number.
    const fn from_number(number: u32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Realtime),
            1 => Ok(Self::Monotonic),
            _ => Err(Errno::Inval),
        }
    }
}

/// What a guest waits for.
enum Subscription {
    Time {
        clock: ClockId,
        timeout_ns: u64,
        absolute: bool,
    },
    Readable(u32),
    Writable(u32),
}

/// Whether something that a guest waits for has come.
enum Progress {
    /// It has.
    Ready(Readiness),
    /// It comes at that uptime, in microseconds.
    At(u64),
    /// It comes when something is typed.
    Input,
}

/// What an event says.
#[derive(Default)]
struct Readiness {
    error: Option<Errno>,
    bytes: u64,
    flags: u16,
}

impl From<Errno> for Progress {
    fn from(errno: Errno) -> Self {
        Self::Ready(Readiness {
            error: Some(errno),
            ..Readiness::default()
        })
    }
}

impl<S: Storage> Wasi<'_, S> {
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
            let mut ready = 0_u32;
            let mut until_us: Option<u64> = None;
            for index in 0..count {
                self.guest.check()?;
                let at = element(subscriptions, index, SUBSCRIPTION)?;
                let userdata = memory.u64(at)?;
                let (kind, subscription) = subscription(memory, at)?;
                let sooner = match self.progress(&subscription, began_ns)? {
                    Progress::Ready(readiness) => {
                        let to = element(events, ready, EVENT)?;
                        memory.write(to, event(userdata, kind, &readiness).bytes())?;
                        ready = ready.saturating_add(1);
                        continue;
                    }
                    Progress::At(time_us) => time_us,
                    Progress::Input => self.clock.uptime_us().saturating_add(INPUT_INTERVAL_US),
                };
                until_us = Some(until_us.map_or(sooner, |until| until.min(sooner)));
            }
            if ready > 0 {
                return Ok(memory.write_u32(written, ready)?);
            }
            self.guest.sleep(until_us)?;
        }
    }

    fn progress(&mut self, subscription: &Subscription, began_ns: u64) -> Result<Progress, Error> {
        Ok(match *subscription {
            Subscription::Time {
                clock,
                timeout_ns,
                absolute,
            } => {
                let (now, due) = if absolute {
                    (self.time_ns(clock), timeout_ns)
                } else {
                    let due = began_ns.saturating_add(timeout_ns);
                    (self.time_ns(ClockId::Monotonic), due)
                };
                match due.checked_sub(now) {
                    None | Some(0) => Progress::Ready(Readiness::default()),
                    Some(left_ns) => {
                        let left_us = left_ns.div_ceil(NS_PER_US);
                        Progress::At(self.clock.uptime_us().saturating_add(left_us))
                    }
                }
            }
            Subscription::Readable(fd) => self.readable(fd)?,
            Subscription::Writable(fd) => self.writable(fd),
        })
    }

    fn readable(&mut self, fd: u32) -> Result<Progress, Error> {
        let right = rights::POLL_FD_READWRITE | rights::FD_READ;
        let descriptor = match self.table.with_right(fd, right) {
            Ok(descriptor) => *descriptor,
            Err(errno) => return Ok(errno.into()),
        };
        match descriptor.target {
            Target::Input if self.typed.is_some() => {}
            Target::Input => {
                let mut byte = [0];
                match self.guest.read(&mut byte) {
                    None => return Ok(Progress::Input),
                    Some(0) => {
                        return Ok(Progress::Ready(Readiness {
                            flags: HANGUP,
                            ..Readiness::default()
                        }));
                    }
                    Some(_) => {
                        let [byte] = byte;
                        self.typed = Some(byte);
                    }
                }
            }
            Target::Output(_) | Target::Top(_) => return Ok(Errno::Badf.into()),
            Target::Node(_) => {
                let storage = self.storage;
                let (descriptor, open) = match self.table.file(fd, right) {
                    Ok(file) => file,
                    Err(errno) => return Ok(errno.into()),
                };
                let size = storage.size(open.file())?;
                return Ok(Progress::Ready(Readiness {
                    bytes: size.saturating_sub(descriptor.offset),
                    ..Readiness::default()
                }));
            }
        }
        Ok(Progress::Ready(Readiness {
            bytes: 1,
            ..Readiness::default()
        }))
    }

    fn writable(&mut self, fd: u32) -> Progress {
        let right = rights::POLL_FD_READWRITE | rights::FD_WRITE;
        let target = self
            .table
            .with_right(fd, right)
            .map(|descriptor| descriptor.target);
        let checked = match target {
            Err(errno) => Err(errno),
            Ok(Target::Input | Target::Top(_)) => Err(Errno::Badf),
            Ok(Target::Output(_)) => Ok(()),
            Ok(Target::Node(_)) => self.table.file(fd, right).map(|_| ()),
        };
        match checked {
            Ok(()) => Progress::Ready(Readiness::default()),
            Err(errno) => errno.into(),
        }
    }
}

fn element(list: u32, index: u32, size: u32) -> Result<u32, Errno> {
    let offset = index.checked_mul(size).ok_or(Errno::Fault)?;
    list.checked_add(offset).ok_or(Errno::Fault)
}

/// The subscription at an address, and its `eventtype`.
///
/// # Errors
/// `Inval` for a type or clock that there is not.
fn subscription(memory: &Memory<'_>, at: u32) -> Result<(u8, Subscription), Errno> {
    let field = |offset| element(at, 1, offset);
    let kind = memory.u8(field(8)?)?;
    let first = memory.u32(field(16)?)?;
    let subscription = match kind {
        0 => Subscription::Time {
            clock: ClockId::from_number(first)?,
            timeout_ns: memory.u64(field(24)?)?,
            absolute: memory.u16(field(40)?)? & ABSOLUTE != 0,
        },
        1 => Subscription::Readable(first),
        2 => Subscription::Writable(first),
        _ => return Err(Errno::Inval),
    };
    Ok((kind, subscription))
}

fn event(userdata: u64, kind: u8, readiness: &Readiness) -> Record<{ EVENT as usize }> {
    let error = readiness.error.map_or(0, |errno| errno as u16);
    Record::new()
        .with(0, &userdata.to_le_bytes())
        .with(8, &error.to_le_bytes())
        .with(10, &[kind])
        .with(16, &readiness.bytes.to_le_bytes())
        .with(24, &readiness.flags.to_le_bytes())
}
