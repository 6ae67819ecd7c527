// SPDX-License-Identifier: Apache-2.0
//! Pins, by number and by name. A container uses the pins that it has configured, and no other
//! container does meanwhile.

use lock_api::RawMutex;
use ocre::limits::MAX_DEVICE_NAME;
use ocre::port::devices::{Direction, Gpio, Pin};
use ocre::port::memory::Memory;

use super::{DONE, text};
use crate::GuestApi;
use crate::bus::Claim;
use crate::errno::{Errno, Error};

ocre::host_functions! {
    /// Host functions that need the permission `gpio`.
    pub(crate) const FUNCTIONS;
    impl ['a, R: RawMutex] GuestApi<'a, R> {
        pub(crate) fn gpio -> Result<i32, Error>;
        ocre_gpio_init() -> i32;
        ocre_gpio_configure(i32, i32, i32) -> i32;
        ocre_gpio_pin_set(i32, i32, i32) -> i32;
        ocre_gpio_pin_get(i32, i32) -> i32;
        ocre_gpio_pin_toggle(i32, i32) -> i32;
        ocre_gpio_register_callback(i32, i32) -> i32;
        ocre_gpio_unregister_callback(i32, i32) -> i32;
        ocre_gpio_configure_by_name(u32, i32) -> i32;
        ocre_gpio_set_by_name(u32, i32) -> i32;
        ocre_gpio_get_by_name(u32) -> i32;
        ocre_gpio_toggle_by_name(u32) -> i32;
        ocre_gpio_register_callback_by_name(u32) -> i32;
        ocre_gpio_unregister_callback_by_name(u32) -> i32;
    }
}

fn numbered(port: i32, line: i32) -> Result<Pin, Error> {
    match (u8::try_from(port), u8::try_from(line)) {
        (Ok(port), Ok(line)) => Ok(Pin { port, line }),
        _ => Err(Errno::Inval.into()),
    }
}

impl<'a, R: RawMutex> GuestApi<'a, R> {
    fn pins(&self) -> Result<&'a dyn Gpio, Error> {
        Ok(self.ports.gpio.ok_or(Errno::Nodev)?)
    }

    fn named(&self, memory: &Memory<'_>, name: u32) -> Result<Pin, Error> {
        let name = text(memory, name, MAX_DEVICE_NAME)?;
        let name = str::from_utf8(name).map_err(|_| Errno::Inval)?;
        Ok(self.pins()?.find(name).ok_or(Errno::Nodev)?)
    }

    /// Claim that this container has of a pin.
    fn claimed(&self, pin: Pin) -> Result<Claim, Error> {
        Ok(self.bus.claimed(self.slot, pin).ok_or(Errno::Inval)?)
    }

    fn configure(&self, pin: Pin, direction: i32) -> Result<i32, Error> {
        let direction = match direction {
            0 => Direction::Input,
            1 => Direction::Output,
            _ => return Err(Errno::Inval.into()),
        };
        let gpio = self.pins()?;
        let output = direction == Direction::Output;
        self.bus.put_claim(Claim {
            owner: self.slot,
            pin,
            output,
            active: false,
            watched: false,
        })?;
        if let Err(error) = gpio.configure(pin, direction) {
            self.bus.release(self.slot, pin);
            return Err(error.into());
        }
        Ok(DONE)
    }

    /// Drives an output to a level; `None` toggles it.
    fn set(&self, pin: Pin, level: Option<i32>) -> Result<i32, Error> {
        let claim = self.claimed(pin)?;
        if !claim.output {
            return Err(Errno::Inval.into());
        }
        let active = level.map_or(!claim.active, |level| level != 0);
        self.pins()?.write(pin, active)?;
        self.bus.put_claim(Claim { active, ..claim })?;
        Ok(DONE)
    }

    fn get(&self, pin: Pin) -> Result<i32, Error> {
        let claim = self.claimed(pin)?;
        let active = if claim.output {
            claim.active
        } else {
            self.pins()?.read(pin)?
        };
        Ok(active.into())
    }

    fn watch(&self, pin: Pin, on: bool) -> Result<i32, Error> {
        let claim = self.claimed(pin)?;
        if claim.output || (!on && !claim.watched) {
            return Err(Errno::Inval.into());
        }
        self.pins()?.watch(pin, on.then_some(self.slot))?;
        self.bus.put_claim(Claim {
            watched: on,
            ..claim
        })?;
        Ok(DONE)
    }

    fn ocre_gpio_init(&mut self, _: &mut Memory<'_>) -> Result<i32, Error> {
        self.pins()?;
        Ok(DONE)
    }

    fn ocre_gpio_configure(
        &mut self,
        _: &mut Memory<'_>,
        port: i32,
        line: i32,
        direction: i32,
    ) -> Result<i32, Error> {
        self.configure(numbered(port, line)?, direction)
    }

    fn ocre_gpio_pin_set(
        &mut self,
        _: &mut Memory<'_>,
        port: i32,
        line: i32,
        state: i32,
    ) -> Result<i32, Error> {
        self.set(numbered(port, line)?, Some(state))
    }

    fn ocre_gpio_pin_get(
        &mut self,
        _: &mut Memory<'_>,
        port: i32,
        line: i32,
    ) -> Result<i32, Error> {
        self.get(numbered(port, line)?)
    }

    fn ocre_gpio_pin_toggle(
        &mut self,
        _: &mut Memory<'_>,
        port: i32,
        line: i32,
    ) -> Result<i32, Error> {
        self.set(numbered(port, line)?, None)
    }

    fn ocre_gpio_register_callback(
        &mut self,
        _: &mut Memory<'_>,
        port: i32,
        line: i32,
    ) -> Result<i32, Error> {
        self.watch(numbered(port, line)?, true)
    }

    fn ocre_gpio_unregister_callback(
        &mut self,
        _: &mut Memory<'_>,
        port: i32,
        line: i32,
    ) -> Result<i32, Error> {
        self.watch(numbered(port, line)?, false)
    }

    fn ocre_gpio_configure_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
        direction: i32,
    ) -> Result<i32, Error> {
        self.configure(self.named(memory, name)?, direction)
    }

    fn ocre_gpio_set_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
        state: i32,
    ) -> Result<i32, Error> {
        self.set(self.named(memory, name)?, Some(state))
    }

    fn ocre_gpio_get_by_name(&mut self, memory: &mut Memory<'_>, name: u32) -> Result<i32, Error> {
        self.get(self.named(memory, name)?)
    }

    fn ocre_gpio_toggle_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
    ) -> Result<i32, Error> {
        self.set(self.named(memory, name)?, None)
    }

    fn ocre_gpio_register_callback_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
    ) -> Result<i32, Error> {
        self.watch(self.named(memory, name)?, true)
    }

    fn ocre_gpio_unregister_callback_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
    ) -> Result<i32, Error> {
        self.watch(self.named(memory, name)?, false)
    }
}
