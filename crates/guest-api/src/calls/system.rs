// SPDX-License-Identifier: Apache-2.0
//! Names of the system, time, and events.

use lock_api::RawMutex;
use ocre::image::permission::Permission;
use ocre::port::memory::Memory;

use super::{DONE, text};
use crate::GuestApi;
use crate::errno::{Errno, Error};
use crate::events;

const US_PER_MS: u64 = 1000;
/// Time that never comes.
const NEVER: u64 = u64::MAX;

/// Bytes of each text of `uname`, with its NUL, and number of texts.
const FIELD: usize = 65;
const FIELDS: usize = 6;

/// Longest name of a function.
const MAX_FUNCTION: usize = 256;

ocre::host_functions! {
    /// Host functions that need no permission.
    pub(crate) const FUNCTIONS;
    impl ['a, R: RawMutex] GuestApi<'a, R> {
        pub(crate) fn system -> Result<i32, Error>;
        uname(u32) -> i32;
        ocre_sleep(i32) -> i32;
        ocre_get_event(u32, u32, u32, u32, u32, u32) -> i32;
        ocre_register_dispatcher(u32, u32) -> i32;
        ocre_wait_event(i32) -> i32;
        ocre_lost_events() -> i32;
    }
}

impl<R: RawMutex> GuestApi<'_, R> {
    pub(crate) fn now_us(&self) -> u64 {
        self.ports.clock.uptime_us()
    }

    fn uname(&mut self, memory: &mut Memory<'_>, name: u32) -> Result<i32, Error> {
        let fields = [
            "Ocre",
            self.guest.name(),
            env!("CARGO_PKG_VERSION"),
            "ocre-rs",
            self.ports.machine,
        ];
        let mut record = [[0; FIELD]; FIELDS];
        for (to, field) in record.iter_mut().zip(fields) {
            let most = FIELD.saturating_sub(1);
            for (to, byte) in to.iter_mut().take(most).zip(field.bytes()) {
                *to = byte;
            }
        }
        memory.write(name, record.as_flattened())?;
        Ok(DONE)
    }

    fn ocre_sleep(&mut self, _: &mut Memory<'_>, milliseconds: i32) -> Result<i32, Error> {
        let span_ms = u64::try_from(milliseconds).map_err(|_| Errno::Inval)?;
        let until_us = self
            .now_us()
            .saturating_add(span_ms.saturating_mul(US_PER_MS));
        loop {
            // Sleeps at least once: a sleep of no time lets other threads run.
            self.guest.sleep(Some(until_us))?;
            if self.now_us() >= until_us {
                return Ok(DONE);
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // Ocre has them
    fn ocre_get_event(
        &mut self,
        memory: &mut Memory<'_>,
        kind: u32,
        id: u32,
        port: u32,
        state: u32,
        extra: u32,
        bytes: u32,
    ) -> Result<i32, Error> {
        let addresses = [kind, id, port, state, extra, bytes];
        for address in addresses {
            memory.check(address, 1, 4)?;
        }
        let event = self.next_event(memory)?;
        for (address, value) in addresses.into_iter().zip(event.words()) {
            memory.write_u32(address, value)?;
        }
        Ok(DONE)
    }

    fn ocre_register_dispatcher(
        &mut self,
        memory: &mut Memory<'_>,
        kind: u32,
        function: u32,
    ) -> Result<i32, Error> {
        self.check(match kind {
            events::TIMER => Permission::Timers,
            events::GPIO => Permission::Gpio,
            events::SENSOR => Permission::Sensors,
            events::MESSAGE => Permission::Messaging,
            _ => return Err(Errno::Inval.into()),
        })?;
        if text(memory, function, MAX_FUNCTION)?.is_empty() {
            return Err(Errno::Inval.into());
        }
        Ok(DONE)
    }

    /// Extension of Ocre's API: waits for an event, at most for a span; for ever if negative.
    fn ocre_wait_event(&mut self, _: &mut Memory<'_>, milliseconds: i32) -> Result<i32, Error> {
        let due_us = match u64::try_from(milliseconds) {
            Ok(span_ms) => self
                .now_us()
                .saturating_add(span_ms.saturating_mul(US_PER_MS)),
            Err(_) => NEVER,
        };
        loop {
            if self.has_event() {
                return Ok(DONE);
            }
            if due_us <= self.now_us() {
                return Err(Errno::Timedout.into());
            }
            let sooner = self.timers.next_us().unwrap_or(NEVER).min(due_us);
            self.guest.sleep(Some(sooner).filter(|us| *us != NEVER))?;
        }
    }

    /// Extension of Ocre's API: number of lost events, because the guest was too slow.
    fn ocre_lost_events(&mut self, _: &mut Memory<'_>) -> Result<i32, Error> {
        Ok(i32::try_from(self.lost()).unwrap_or(i32::MAX))
    }
}
