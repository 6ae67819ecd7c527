// SPDX-License-Identifier: Apache-2.0
//! Sensors and what they measure. They take the permission `sensors`.

use core::ffi::CStr;

use crate::error::{check, done};
use crate::{Error, Result, sys};

/// Finds the sensors that there are.
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

/// A sensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sensor(i32);

impl Sensor {
    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::ENOENT`]: there is none.
    pub fn named(name: &CStr) -> Result<Self> {
        let _ = sensors()?;
        // SAFETY: a text ended by NUL.
        let handle = check(unsafe { sys::ocre_sensors_get_handle_by_name(name.as_ptr()) })?;
        let sensor = Self(handle.cast_signed());
        // SAFETY: takes a number.
        done(unsafe { sys::ocre_sensors_open(sensor.0) })?;
        Ok(sensor)
    }

    /// Its number, from 0.
    pub const fn number(self) -> u32 {
        self.0.cast_unsigned()
    }

    /// What it measures.
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

    /// The channel that measures such a thing, by Zephyr's number for it
    /// (`enum sensor_channel`): 13 is the temperature.
    ///
    /// # Errors
    /// [`Error::ENODEV`]: it has none.
    pub fn channel(self, kind: u32) -> Result<Channel> {
        let found = self.channels()?.find(|channel| channel.kind == kind);
        found.ok_or(Error::ENODEV)
    }
}

/// One of the things that a sensor measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Channel {
    sensor: Sensor,
    kind: u32,
}

impl Channel {
    /// What it measures, by Zephyr's number for it.
    pub const fn kind(self) -> u32 {
        self.kind
    }

    /// Measures, in Zephyr's unit for it. Ocre has one answer for values and errors: where the
    /// sensor fails this is -5, which can also be a value.
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
