// SPDX-License-Identifier: Apache-2.0
//! Ocre's host functions: timers, events, messages, pins and sensors for containers.
//!
//! Promised: guests built for Ocre find the functions that they import from `env`, with the same
//! names, types, answers and events. A call does nothing unless the container has the permission
//! for it, both asked for by its image and granted; that is looked at on each call, whatever was
//! allowed before. Timers, events, subscriptions and pins are one container's alone and are gone
//! with its run. No address or number that a guest makes up does more than give it an errno. A
//! call that waits ends at once when the container is killed.
//!
//! Design: [`FUNCTIONS`] is the table for the engine, [`GuestApi`] the state of a run, and [`Bus`]
//! the state that all containers share. Nothing here runs in the background: a timer is a time that
//! is compared with the clock, a message lies in its receiver's inbox, a pin's changes lie in the
//! port, and the guest's own thread looks for them when the guest asks for an event.
//!
//! A part whose capacity in [`limits`](ocre::limits) is 0 is left out: its functions are then
//! not in the table.
//!
//! Differences from Ocre: errors have Linux's numbers on every platform; topics match by level
//! instead of by raw prefix; a message that matches several subscriptions of a container comes
//! once; a pin that another container uses is refused; a dispatcher is not looked up, because
//! neither runtime ever calls it.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

mod bus;
mod calls;
mod errno;
mod events;
mod inbox;
mod message_buffer;
mod timers;
mod topic;

use core::ffi::CStr;

use lock_api::RawMutex;
use ocre::container::Guest;
use ocre::image::permission::{Permission, Permissions};
use ocre::limits::{INBOX_BYTES, MAX_PINS, MAX_SENSORS, MAX_TIMERS};
use ocre::port::devices::{Direction, Gpio, Pin, Sensors};
use ocre::port::host_functions::{Parameters, join, parameters};
use ocre::port::memory::Memory;
use ocre::port::{Clock, Host, HostExit, HostFunction, HostModule, Slot, Threads};

pub use bus::Bus;
use bus::Claim;
use calls::{gpio, messaging, sensors, system, timer};
pub use errno::Errno;
use errno::Error;
use events::EventState;
use inbox::Inbox;
use message_buffer::MessageBuffer;
use timers::Timers;

/// Module that guests import from: its name, and [`FUNCTIONS`].
pub const MODULE: HostModule = HostModule {
    name: c"env",
    functions: FUNCTIONS,
};

/// Functions of one subject.
struct FunctionGroup {
    functions: &'static [HostFunction],
    /// Permission that each of the functions needs.
    permission: Option<Permission>,
}

const fn part(
    capacity: usize,
    functions: &'static [HostFunction],
    permission: Option<Permission>,
) -> FunctionGroup {
    FunctionGroup {
        functions: if capacity == 0 { &[] } else { functions },
        permission,
    }
}

const SYSTEM: FunctionGroup = part(1, system::FUNCTIONS, None);
const TIMERS: FunctionGroup = part(MAX_TIMERS, timer::FUNCTIONS, Some(Permission::Timers));
const MESSAGING: FunctionGroup = part(
    INBOX_BYTES,
    messaging::FUNCTIONS,
    Some(Permission::Messaging),
);
const GPIO: FunctionGroup = part(MAX_PINS, gpio::FUNCTIONS, Some(Permission::Gpio));
const SENSORS: FunctionGroup = part(MAX_SENSORS, sensors::FUNCTIONS, Some(Permission::Sensors));

const COUNT: usize = SYSTEM.functions.len()
    + TIMERS.functions.len()
    + MESSAGING.functions.len()
    + GPIO.functions.len()
    + SENSORS.functions.len();

/// Every function, for the engine; [`GuestApi`] is called with an index into it.
pub const FUNCTIONS: &[HostFunction] = &TABLE;

const TABLE: [HostFunction; COUNT] = join(&[
    SYSTEM.functions,
    TIMERS.functions,
    MESSAGING.functions,
    GPIO.functions,
    SENSORS.functions,
]);

// The table is the engine's, and a device has it once: the properties that a call needs are in a
// bit for each function.

/// Functions whose result is a float.
const MEASURES: u64 = marked(&TABLE, c"", c")F");
/// Functions that get a host buffer, for messages.
const SUBSCRIBES: u64 = marked(&TABLE, c"_subscribe_message", c"");

/// Bit mask of the functions whose name and type end like this.
const fn marked(functions: &[HostFunction], name: &CStr, signature: &CStr) -> u64 {
    const fn ends_with(mut text: &[u8], mut end: &[u8]) -> bool {
        while let (Some((a, before)), Some((b, rest))) = (text.split_last(), end.split_last()) {
            if *a != *b {
                return false;
            }
            (text, end) = (before, rest);
        }
        end.is_empty()
    }
    assert!(functions.len() <= 64, "there is no bit for each");
    let mut marks = 0;
    let mut left = functions;
    while let Some((function, before)) = left.split_last() {
        let marked = ends_with(function.name.to_bytes(), name.to_bytes())
            && ends_with(function.signature.to_bytes(), signature.to_bytes());
        marks = marks << 1 | marked as u64;
        left = before;
    }
    marks
}

fn is_among(function: usize, marks: u64) -> bool {
    let shift = u32::try_from(function).unwrap_or(u32::MAX);
    marks.checked_shr(shift).unwrap_or(0) & 1 != 0
}

/// Permission for a function of [`FUNCTIONS`]; `None` where it needs none.
///
/// ```
/// use ocre::image::permission::Permission;
/// use ocre_guest_api::{FUNCTIONS, permission};
///
/// let sleep = FUNCTIONS.iter().position(|function| function.name() == "ocre_sleep");
/// assert_eq!(permission(sleep.unwrap()), None);
/// let timer = FUNCTIONS.iter().position(|function| function.name() == "ocre_timer_create");
/// assert_eq!(permission(timer.unwrap()), Some(Permission::Timers));
/// ```
pub fn permission(mut function: usize) -> Option<Permission> {
    for part in [SYSTEM, TIMERS, MESSAGING, GPIO, SENSORS] {
        match function.checked_sub(part.functions.len()) {
            None => return part.permission,
            Some(behind) => function = behind,
        }
    }
    None
}

/// Parts of the platform that the host functions use.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// Threads, to wake a container that waits for a message.
    pub threads: &'a dyn Threads,
    /// Pins, where there are any.
    pub gpio: Option<&'a dyn Gpio>,
    /// Sensors, where there are any.
    pub sensors: Option<&'a dyn Sensors>,
    /// Machine, as in `uname`.
    pub machine: &'a str,
}

/// State of a container's run.
///
/// ```
/// use lock_api::RawMutex;
/// use ocre::container::Guest;
/// use ocre::port::Host;
/// use ocre::supervisor::Platform;
/// use ocre_guest_api::{Bus, GuestApi, Ports};
///
/// /// Host functions of one run on a device without pins and sensors. A platform calls this from its
/// /// `with_host`.
/// fn with_host<P: Platform, R: RawMutex>(
///     device: &P,
///     bus: &Bus<R>,
///     guest: &dyn Guest,
///     run: &mut dyn FnMut(&mut dyn Host),
/// ) {
///     let ports = Ports {
///         clock: device.clock(),
///         threads: device.threads(),
///         gpio: None,
///         sensors: None,
///         machine: "board",
///     };
///     let mut api = GuestApi::new(bus, ports, guest);
///     run(&mut api);
///     api.close();
/// }
/// ```
pub struct GuestApi<'a, R: RawMutex> {
    bus: &'a Bus<R>,
    ports: Ports<'a>,
    guest: &'a dyn Guest,
    slot: Slot,
    granted: Permissions,
    /// Permissions that calls were refused for.
    denied: Permissions,
    timers: Timers,
    events: EventState,
    /// Number of sensors that the guest has discovered.
    sensors: u8,
    /// Result of the last measurement.
    measured: f64,
}

/// Bytes of a thread's stack that a run takes besides its timers.
const STATE: usize = 192;

impl<'a, R: RawMutex> GuestApi<'a, R> {
    /// Starts a run, of a container in a slot that no other run uses.
    pub fn new(bus: &'a Bus<R>, ports: Ports<'a>, guest: &'a dyn Guest) -> Self {
        const { assert!(size_of::<Self>() <= STATE + size_of::<Timers>()) }
        let mut granted = Permissions::default();
        guest.spec(&mut |spec| granted = spec.image.permissions);
        let slot = guest.slot();
        bus.with_inbox(slot, Inbox::clear);
        Self {
            bus,
            ports,
            guest,
            slot,
            granted,
            denied: Permissions::NONE,
            timers: Timers::new(),
            events: EventState::new(),
            sensors: 0,
            measured: 0.0,
        }
    }

    /// Ends a run: releases pins, subscriptions and messages.
    pub fn close(self) {
        let name = self.guest.name();
        if let Some(gpio) = self.ports.gpio {
            while let Some(Claim { pin, output, .. }) = self.bus.any_claim(self.slot) {
                let inactive = if output {
                    // Some controllers can't release a pin.
                    gpio.write(pin, false)
                } else {
                    Ok(())
                };
                if let Err(error) = inactive.and(gpio.configure(pin, Direction::Off)) {
                    let Pin { port, line } = pin;
                    log::error!("container {name}: pin {port}.{line} stays on: {error:?}");
                }
                self.bus.release(self.slot, pin);
            }
        }
        let lost = self.lost();
        if lost != 0 {
            log::warn!("container {name}: {lost} events were lost");
        }
        if let Some(gpio) = self.ports.gpio {
            gpio.forget_changes(self.slot);
        }
        self.bus.with_inbox(self.slot, Inbox::clear);
    }

    /// Number of events lost, because the guest was too slow.
    pub fn lost(&self) -> u32 {
        let messages = self.bus.with_inbox(self.slot, |inbox| inbox.lost);
        let changes = self.ports.gpio.map(|gpio| gpio.lost_changes(self.slot));
        let timers = self.events.missed;
        timers
            .saturating_add(messages.unwrap_or(0))
            .saturating_add(changes.unwrap_or(0))
    }

    /// Permissions that calls were refused for.
    pub fn denied(&self) -> Permissions {
        self.denied
    }

    /// Handler of a function, and its permission.
    fn find(function: usize) -> Option<(Handler<Self>, Option<Permission>)> {
        let within = |part: &FunctionGroup, index: usize| index.checked_sub(part.functions.len());
        // In the order of the table. A part that is left out has no functions, so that the compiler
        // sees that its handlers are never reached.
        let Some(index) = within(&SYSTEM, function) else {
            return Some((Self::system(function)?, SYSTEM.permission));
        };
        let Some(next) = within(&TIMERS, index) else {
            return Some((Self::timer(index)?, TIMERS.permission));
        };
        let index = next;
        let Some(next) = within(&MESSAGING, index) else {
            return Some((Self::messaging(index)?, MESSAGING.permission));
        };
        let index = next;
        let Some(next) = within(&GPIO, index) else {
            return Some((Self::gpio(index)?, GPIO.permission));
        };
        let index = next;
        let Some(_) = within(&SENSORS, index) else {
            return Some((Self::sensor(index)?, SENSORS.permission));
        };
        None
    }

    /// Checks that the container has a permission, and records a refusal.
    fn check(&mut self, permission: Permission) -> Result<(), Errno> {
        if self.granted.contains(permission) {
            Ok(())
        } else {
            self.denied.insert(permission);
            Err(Errno::Perm)
        }
    }

    fn answer(
        &mut self,
        function: usize,
        memory: &mut Memory<'_>,
        arguments: &[u64],
    ) -> Result<i32, Error> {
        let (handler, permission) = Self::find(function).ok_or(Errno::Nosys)?;
        if let Some(permission) = permission {
            self.check(permission)?;
        }
        handler(self, memory, &parameters(arguments))
    }
}

type Handler<H> = fn(&mut H, &mut Memory<'_>, &Parameters) -> Result<i32, Error>;

impl<R: RawMutex> Host for GuestApi<'_, R> {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit> {
        self.guest.check()?;
        let measures = is_among(function, MEASURES);
        let answer = match self.answer(function, &mut Memory::new(memory), arguments) {
            Ok(_) if measures => self.measured.to_bits(),
            Ok(number) => number.cast_unsigned().into(),
            Err(Error::Stopped) => return Err(HostExit::Stopped),
            Err(Error::Errno(errno)) => {
                let number = i32::from(errno as u8).saturating_neg();
                if measures {
                    f64::from(number).to_bits()
                } else {
                    number.cast_unsigned().into()
                }
            }
        };
        if let Some(result) = arguments.first_mut() {
            *result = answer;
        }
        Ok(())
    }

    fn host_buffer_len(&self, function: usize) -> u32 {
        if is_among(function, SUBSCRIBES) && self.granted.contains(Permission::Messaging) {
            u32::try_from(INBOX_BYTES).unwrap_or(0)
        } else {
            0
        }
    }

    fn attach_host_buffer(&mut self, _: usize, address: u32, bytes: u32) {
        self.events.room = MessageBuffer::new(address, bytes);
    }
}
