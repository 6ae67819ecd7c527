// SPDX-License-Identifier: Apache-2.0
//! What a device has around it: pins and sensors.
//!
//! As everywhere in the ports, methods may be called from any thread and none panics. Who may
//! use which pin is not decided here.

use super::Slot;

/// Why a device does not do what it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceError {
    /// There is no such pin, sensor or channel.
    Absent,
    /// It can't do that: an input is not set, a pin without interrupts not watched.
    Unsupported,
    /// The hardware did not carry it out.
    Io,
}

/// A pin: a line of a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pin {
    /// Which port, from 0.
    pub port: u8,
    /// Which of its lines, from 0.
    pub line: u8,
}

/// Which way a pin works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// It is read, with a pull-up where the hardware has one and its description says nothing
    /// else.
    Input,
    /// It is driven, inactive at first.
    Output,
    /// Neither: nobody uses it.
    Off,
}

/// A level that a watched pin has changed to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The pin.
    pub pin: Pin,
    /// Whether it is active now.
    pub active: bool,
}

/// Digital inputs and outputs. Levels are logical: `true` is active, whatever the voltage.
pub trait Gpio {
    /// The pin of that name.
    fn find(&self, name: &str) -> Option<Pin>;
    /// Sets a pin up. One that was watched no longer is.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn configure(&self, pin: Pin, direction: Direction) -> Result<(), DeviceError>;
    /// Drives an output.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn write(&self, pin: Pin, active: bool) -> Result<(), DeviceError>;
    /// The level of an input.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn read(&self, pin: Pin) -> Result<bool, DeviceError>;
    /// From now on, or no longer, the changes of an input are kept for `watcher`, whose thread
    /// is woken at each.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn watch(&self, pin: Pin, watcher: Option<Slot>) -> Result<(), DeviceError>;
    /// Takes the oldest change that is kept for `watcher`. Some are kept, and when there are
    /// more the oldest goes.
    fn take_change(&self, watcher: Slot) -> Option<Change>;
    /// How many changes `watcher` has lost since [`forget_changes`](Self::forget_changes).
    fn lost_changes(&self, watcher: Slot) -> u32;
    /// Forgets the changes kept for `watcher`, and how many it has lost.
    fn forget_changes(&self, watcher: Slot);
}

/// A pin as somebody outside of the device sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// The pin.
    pub pin: Pin,
    /// What it is used as.
    pub direction: Direction,
    /// Its level: of an output what the inside drives, else what the outside does.
    pub active: bool,
}

/// Pins and sensors that are simulated, so that somebody outside drives and looks at them.
pub trait Simulated {
    /// Shows the pins that have a name or are used.
    fn pins(&self, show: &mut dyn FnMut(Seen<'_>));
    /// Drives a pin, and wakes whoever watches it.
    ///
    /// # Errors
    /// [`DeviceError::Absent`].
    fn drive(&self, pin: Pin, active: bool) -> Result<(), DeviceError>;
    /// Shows each channel of each sensor: sensor, channel, and what it measures in millionths of
    /// its unit.
    fn channels(&self, show: &mut dyn FnMut(&str, &str, i64));
    /// Sets what a sensor's channel measures from now on.
    ///
    /// # Errors
    /// [`DeviceError::Absent`].
    fn set_channel(&self, sensor: &str, channel: &str, millionths: i64) -> Result<(), DeviceError>;
}

/// Sensors, numbered from 0, each with channels.
pub trait Sensors {
    /// How many there are.
    fn count(&self) -> u8;
    /// A sensor's name.
    fn name(&self, sensor: u8) -> Option<&str>;
    /// What the `index`-th channel of a sensor measures, in Zephyr's numbering
    /// (`enum sensor_channel`); `None` past the last one.
    fn channel(&self, sensor: u8, index: u8) -> Option<u16>;
    /// Measures, and gives a channel's value in millionths of its unit.
    ///
    /// # Errors
    /// See [`DeviceError`].
    fn read(&self, sensor: u8, channel: u16) -> Result<i64, DeviceError>;
}
