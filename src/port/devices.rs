// SPDX-License-Identifier: Apache-2.0
//! Surroundings of a device: pins and sensors.
//!
//! As everywhere in the ports, methods may be called from any thread and none panics. Access to
//! pins is decided elsewhere.

use super::Slot;

/// Reason why a device refused a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceError {
    /// There is no such pin, sensor or channel.
    Absent,
    /// The device can't do that: an input is not set, a pin without interrupts not watched.
    Unsupported,
    /// The hardware did not carry the request out.
    Io,
}

/// A pin: a line of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pin {
    /// Number of the port, from 0.
    pub port: u8,
    /// Number of the line in its port, from 0.
    pub line: u8,
}

/// Direction of a pin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The pin is read, with a pull-up where the hardware has one and its description says nothing
    /// else.
    Input,
    /// The pin is driven, inactive at first.
    Output,
    /// The pin is not used.
    Off,
}

/// A level that a watched pin has changed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinChange {
    /// The pin.
    pub pin: Pin,
    /// True where the pin is active now.
    pub active: bool,
}

/// Digital inputs and outputs. Levels are logical: `true` is active, whatever the voltage.
pub trait Gpio {
    /// Finds the pin of that name.
    fn find(&self, name: &str) -> Option<Pin>;
    /// Configures a pin, and ends a watch on it.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn configure(&self, pin: Pin, direction: Direction) -> Result<(), DeviceError>;
    /// Drives an output.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn write(&self, pin: Pin, active: bool) -> Result<(), DeviceError>;
    /// Returns the level of an input.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn read(&self, pin: Pin) -> Result<bool, DeviceError>;
    /// Keeps the changes of an input for `watcher` from now on, and wakes its thread at each;
    /// `None` ends that.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn watch(&self, pin: Pin, watcher: Option<Slot>) -> Result<(), DeviceError>;
    /// Takes the oldest change that is kept for `watcher`. If there are too many changes, the
    /// oldest is dropped.
    fn take_change(&self, watcher: Slot) -> Option<PinChange>;
    /// Number of changes that `watcher` has lost since [`forget_changes`](Self::forget_changes).
    fn lost_changes(&self, watcher: Slot) -> u32;
    /// Forgets the changes kept for `watcher`, and the number of those lost.
    fn forget_changes(&self, watcher: Slot);
}

/// A pin, as seen from outside of the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PinView<'a> {
    /// Name of the pin, if it has one.
    pub name: Option<&'a str>,
    /// The pin.
    pub pin: Pin,
    /// Direction of the pin.
    pub direction: Direction,
    /// Level: of an output as driven from inside, else as driven from outside.
    pub active: bool,
}

/// Simulated pins and sensors, which are driven and read from outside of the device.
pub trait Simulated {
    /// Shows the pins that have a name or are used.
    fn pins(&self, show: &mut dyn FnMut(PinView<'_>));
    /// Drives a pin from outside, and wakes the thread that watches it.
    ///
    /// # Errors
    /// [`DeviceError::Absent`].
    fn drive(&self, pin: Pin, active: bool) -> Result<(), DeviceError>;
    /// Shows each channel of each sensor: sensor, channel, and measured value in millionths of its
    /// unit.
    fn channels(&self, show: &mut dyn FnMut(&str, &str, i64));
    /// Sets the value that a sensor's channel measures from now on, in millionths of its unit.
    ///
    /// # Errors
    /// [`DeviceError::Absent`].
    fn set_channel(&self, sensor: &str, channel: &str, millionths: i64) -> Result<(), DeviceError>;
}

/// Sensors, numbered from 0, each with channels.
pub trait Sensors {
    /// Number of sensors.
    fn count(&self) -> u8;
    /// Name of a sensor.
    fn name(&self, sensor: u8) -> Option<&str>;
    /// Quantity that the `index`-th channel of a sensor measures, in Zephyr's numbering (`enum
    /// sensor_channel`); `None` past the last channel.
    fn channel(&self, sensor: u8, index: u8) -> Option<u16>;
    /// Measures, and returns a channel's value in millionths of its unit.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn read(&self, sensor: u8, channel: u16) -> Result<i64, DeviceError>;
}
