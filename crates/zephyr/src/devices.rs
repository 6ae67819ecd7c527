// SPDX-License-Identifier: Apache-2.0
//! Zephyr's pins and sensors as the core's ports.

use ocre::port::Slot;
use ocre::port::devices::{DeviceError, Direction, Gpio, Pin, PinChange, Sensors};

use crate::device::ZephyrDevice;
use crate::sys;

const ABSENT: i32 = -1;
const UNSUPPORTED: i32 = -2;

/// Watcher of a pin that no container watches.
const NOBODY: u32 = u32::MAX;

fn check(status: i32) -> Result<u32, DeviceError> {
    match status {
        ABSENT => Err(DeviceError::Absent),
        UNSUPPORTED => Err(DeviceError::Unsupported),
        other => u32::try_from(other).map_err(|_| DeviceError::Io),
    }
}

/// A pin in the low 16 bits.
fn pin(bits: u32) -> Pin {
    let [line, port, ..] = bits.to_le_bytes();
    Pin { port, line }
}

// SAFETY, for all of these: only memory that the call itself uses goes by reference, and has the
// given number of bytes.

impl Gpio for ZephyrDevice {
    fn find(&self, name: &str) -> Option<Pin> {
        // SAFETY: see above.
        let found = unsafe { sys::ocre_port_gpio_find(name.as_ptr(), name.len() as u32) };
        check(found).ok().map(pin)
    }

    fn configure(&self, pin: Pin, direction: Direction) -> Result<(), DeviceError> {
        let direction = match direction {
            Direction::Off => 0,
            Direction::Input => 1,
            Direction::Output => 2,
        };
        // SAFETY: see above.
        check(unsafe {
            sys::ocre_port_gpio_configure(pin.port.into(), pin.line.into(), direction)
        })?;
        Ok(())
    }

    fn write(&self, pin: Pin, active: bool) -> Result<(), DeviceError> {
        // SAFETY: see above.
        check(unsafe {
            sys::ocre_port_gpio_write(pin.port.into(), pin.line.into(), active.into())
        })?;
        Ok(())
    }

    fn read(&self, pin: Pin) -> Result<bool, DeviceError> {
        // SAFETY: see above.
        let level = check(unsafe { sys::ocre_port_gpio_read(pin.port.into(), pin.line.into()) })?;
        Ok(level != 0)
    }

    fn watch(&self, pin: Pin, watcher: Option<Slot>) -> Result<(), DeviceError> {
        let watcher = watcher.map_or(NOBODY, u32::from);
        // SAFETY: see above.
        check(unsafe { sys::ocre_port_gpio_watch(pin.port.into(), pin.line.into(), watcher) })?;
        Ok(())
    }

    fn take_change(&self, watcher: Slot) -> Option<PinChange> {
        // SAFETY: see above.
        let change = check(unsafe { sys::ocre_port_gpio_take(watcher.into()) }).ok()?;
        Some(PinChange {
            pin: pin(change),
            active: change >> 16 != 0,
        })
    }

    fn lost_changes(&self, watcher: Slot) -> u32 {
        // SAFETY: see above.
        unsafe { sys::ocre_port_gpio_lost(watcher.into()) }
    }

    fn forget_changes(&self, watcher: Slot) {
        // SAFETY: see above.
        unsafe { sys::ocre_port_gpio_forget(watcher.into()) }
    }
}

impl Sensors for ZephyrDevice {
    fn count(&self) -> u8 {
        // SAFETY: see above.
        unsafe { sys::ocre_port_sensors() as u8 }
    }

    fn name(&self, sensor: u8) -> Option<&str> {
        // SAFETY: see above.
        let name = unsafe { sys::ocre_port_sensor_name(sensor.into()) };
        if name.is_null() {
            return None;
        }
        // SAFETY: the name of a device, which stays for ever.
        unsafe { core::ffi::CStr::from_ptr(name) }.to_str().ok()
    }

    fn channel(&self, sensor: u8, index: u8) -> Option<u16> {
        // SAFETY: see above.
        let channel = unsafe { sys::ocre_port_sensor_channel(sensor.into(), index.into()) };
        u16::try_from(channel).ok()
    }

    fn read(&self, sensor: u8, channel: u16) -> Result<i64, DeviceError> {
        let mut millionths = 0;
        // SAFETY: see above.
        check(unsafe {
            sys::ocre_port_sensor_read(sensor.into(), channel.into(), &mut millionths)
        })?;
        Ok(millionths)
    }
}
