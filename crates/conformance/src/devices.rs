// SPDX-License-Identifier: Apache-2.0
//! Suites for pins and sensors.

use ocre::port::Slot;
use ocre::port::devices::{DeviceError, Direction, Gpio, Pin, Sensors};

use crate::promise::{BrokenPromise, expect};

/// Checks pins of which nothing outside drives the two given. Afterwards both are off.
///
/// # Errors
/// The first promise not kept.
pub fn gpio<G: Gpio + ?Sized>(gpio: &G, output: Pin, input: Pin) -> Result<(), BrokenPromise> {
    const WATCHER: Slot = 0;
    let absent = Pin {
        port: u8::MAX,
        line: u8::MAX,
    };
    expect(
        gpio.configure(absent, Direction::Output) == Err(DeviceError::Absent)
            && gpio.read(absent) == Err(DeviceError::Absent)
            && gpio.write(absent, true) == Err(DeviceError::Absent)
            && gpio.watch(absent, Some(WATCHER)) == Err(DeviceError::Absent),
        "what is no pin is absent",
    )?;
    expect(
        gpio.find("").is_none() && gpio.find("no such pin").is_none(),
        "what is no name leads to no pin",
    )?;
    expect(
        gpio.configure(output, Direction::Output).is_ok()
            && gpio.write(output, true).is_ok()
            && gpio.write(output, false).is_ok(),
        "an output can be driven",
    )?;
    expect(
        gpio.configure(input, Direction::Input).is_ok() && gpio.read(input).is_ok(),
        "an input can be read",
    )?;
    gpio.forget_changes(WATCHER);
    expect(
        gpio.watch(input, Some(WATCHER)).is_ok()
            && gpio.take_change(WATCHER).is_none()
            && gpio.lost_changes(WATCHER) == 0,
        "what does not change sends no change",
    )?;
    expect(
        gpio.watch(input, None).is_ok() && gpio.watch(input, None).is_ok(),
        "an input is watched no longer, and that can be said twice",
    )?;
    for pin in [output, input] {
        expect(
            gpio.configure(pin, Direction::Off).is_ok(),
            "a pin can be switched off",
        )?;
    }
    Ok(())
}

/// Checks sensors.
///
/// # Errors
/// The first promise not kept.
pub fn sensors<S: Sensors + ?Sized>(sensors: &S) -> Result<(), BrokenPromise> {
    let count = sensors.count();
    for sensor in 0..count {
        expect(
            sensors.name(sensor).is_some_and(|name| !name.is_empty()),
            "a sensor has a name",
        )?;
        let mut channels = (0..u8::MAX).map_while(|index| sensors.channel(sensor, index));
        expect(
            channels.all(|channel| sensors.read(sensor, channel).is_ok()),
            "each channel can be read",
        )?;
        expect(
            sensors.read(sensor, u16::MAX) == Err(DeviceError::Absent),
            "what is no channel is absent",
        )?;
    }
    expect(
        sensors.name(count).is_none() && sensors.channel(count, 0).is_none(),
        "there are no more than there are",
    )?;
    expect(
        sensors.read(u8::MAX, 0) == Err(DeviceError::Absent),
        "what is no sensor is absent",
    )
}
