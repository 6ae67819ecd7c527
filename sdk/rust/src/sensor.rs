// SPDX-License-Identifier: Apache-2.0
//! Sensors and their channels. They need the permission `sensors`.

use core::ffi::CStr;

use crate::error::{check, done};
use crate::{Error, Result, sys};

/// Discovers all sensors.
///
/// # Errors
/// [`Error::EPERM`].
pub fn sensors() -> Result<impl Iterator<Item = Sensor>> {
    // SAFETY: takes nothing.
    done(unsafe { sys::ocre_sensors_init() })?;
    // SAFETY: takes nothing.
    let count = check(unsafe { sys::ocre_sensors_discover() })?;
    Ok((0..count.cast_signed()).map(Sensor))
}

/// Sensor of the device.
///
/// ```no_run
/// use ocre_guest::Sensor;
///
/// const TEMPERATURE: u32 = 13;
///
/// let channel = Sensor::named(c"climate")?.channel(TEMPERATURE)?;
/// println!("{} °C", channel.read());
/// # Ok::<(), ocre_guest::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sensor(i32);

impl Sensor {
    /// Finds the sensor with a name.
    ///
    /// # Errors
    /// [`Error::ENOENT`]: no sensor has that name.
    pub fn named(name: &CStr) -> Result<Self> {
        let _ = sensors()?;
        // SAFETY: a text ended by NUL.
        let handle = check(unsafe { sys::ocre_sensors_get_handle_by_name(name.as_ptr()) })?;
        let sensor = Self(handle.cast_signed());
        // SAFETY: takes a number.
        done(unsafe { sys::ocre_sensors_open(sensor.0) })?;
        Ok(sensor)
    }

    /// Number, from 0.
    pub const fn number(self) -> u32 {
        self.0.cast_unsigned()
    }

    /// Channels of the sensor.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn channels(self) -> Result<impl Iterator<Item = Channel>> {
        // SAFETY: takes a number.
        let count = check(unsafe { sys::ocre_sensors_get_channel_count(self.0) })?;
        Ok((0..count.cast_signed()).filter_map(move |index| {
            // SAFETY: takes numbers.
            let kind = check(unsafe { sys::ocre_sensors_get_channel_type(self.0, index) });
            kind.ok().map(|kind| Channel { sensor: self, kind })
        }))
    }

    /// Channel for a quantity, by Zephyr's number (`enum sensor_channel`): 13 is the temperature.
    ///
    /// # Errors
    /// [`Error::ENODEV`]: the sensor has no such channel.
    pub fn channel(self, kind: u32) -> Result<Channel> {
        let found = self.channels()?.find(|channel| channel.kind == kind);
        found.ok_or(Error::ENODEV)
    }
}

/// Quantity that a sensor measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channel {
    sensor: Sensor,
    kind: u32,
}

impl Channel {
    /// Zephyr's number of the quantity (`enum sensor_channel`).
    pub const fn kind(self) -> u32 {
        self.kind
    }

    /// Measures, in Zephyr's unit for the quantity. Ocre has one result for values and errors:
    /// where the sensor fails this is -5, which can also be a value.
    pub fn read(self) -> f64 {
        // SAFETY: takes numbers.
        unsafe { sys::ocre_sensors_read(self.sensor.0, self.kind.cast_signed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_runtime_there_are_no_sensors() {
        assert_eq!(sensors().err(), Some(Error::ENOSYS));
        assert_eq!(Sensor::named(c"climate"), Err(Error::ENOSYS));
        assert_eq!(Sensor(0).channel(13), Err(Error::ENOSYS));
    }
}
