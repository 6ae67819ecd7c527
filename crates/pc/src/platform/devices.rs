// SPDX-License-Identifier: Apache-2.0
//! Pins and sensors of the simulated device; the user drives and reads them from outside.

use std::array;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ocre::limits::{MAX_CHANGES, MAX_CONTAINERS};
use ocre::port::Slot;
use ocre::port::devices::{DeviceError, Direction, Gpio, Pin, PinChange, PinView, Sensors};

const PORTS: usize = 2;
const LINES: usize = 16;

/// Pins that have a name, as on a board with lights and buttons.
const NAMES: [(&str, Pin); 8] = [
    ("led0", Pin { port: 0, line: 0 }),
    ("led1", Pin { port: 0, line: 1 }),
    ("led2", Pin { port: 0, line: 2 }),
    ("led3", Pin { port: 0, line: 3 }),
    ("sw0", Pin { port: 0, line: 8 }),
    ("sw1", Pin { port: 0, line: 9 }),
    ("sw2", Pin { port: 0, line: 10 }),
    ("sw3", Pin { port: 0, line: 11 }),
];

/// Channels of a sensor: for each its number in Zephyr, its name, and its initial value in
/// millionths.
type Channels = &'static [(u16, &'static str, i64)];
const SENSORS: [(&str, Channels); 2] = [
    (
        "climate",
        &[
            (13, "temperature", 21_500_000),
            (14, "pressure", 101_325_000),
            (16, "humidity", 40_000_000),
        ],
    ),
    ("light", &[(17, "light", 300_000_000)]),
];

#[derive(Clone, Copy)]
struct SimulatedLine {
    direction: Direction,
    /// Level driven from outside.
    input: bool,
    /// Level driven by a guest.
    output: bool,
    watcher: Option<Slot>,
}

#[derive(Default)]
struct PendingChanges {
    changes: VecDeque<PinChange>,
    lost: u32,
}

struct DevicesState {
    ports: [[SimulatedLine; LINES]; PORTS],
    kept: [PendingChanges; MAX_CONTAINERS],
    /// Present values of each sensor's channels, in millionths.
    measured: Vec<Vec<i64>>,
}

impl DevicesState {
    fn line(&mut self, pin: Pin) -> Result<&mut SimulatedLine, DeviceError> {
        let port = self.ports.get_mut(usize::from(pin.port));
        port.and_then(|lines| lines.get_mut(usize::from(pin.line)))
            .ok_or(DeviceError::Absent)
    }
}

/// The pins and sensors of one device.
pub struct Devices(Mutex<DevicesState>);

impl Devices {
    /// Makes devices without a pin in use, and with all inputs inactive.
    pub fn new() -> Self {
        let line = SimulatedLine {
            direction: Direction::Off,
            input: false,
            output: false,
            watcher: None,
        };
        Self(Mutex::new(DevicesState {
            ports: [[line; LINES]; PORTS],
            kept: array::from_fn(|_| PendingChanges::default()),
            measured: SENSORS
                .map(|(_, channels)| channels.iter().map(|(_, _, value)| *value).collect())
                .to_vec(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, DevicesState> {
        // No holder can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drives a pin from outside. Returns the slot whose thread is to be woken.
    ///
    /// # Errors
    /// [`DeviceError::Absent`].
    pub fn drive(&self, pin: Pin, active: bool) -> Result<Option<Slot>, DeviceError> {
        let mut state = self.state();
        let line = state.line(pin)?;
        let changed = line.input != active;
        line.input = active;
        let Some(watcher) = line.watcher.filter(|_| changed) else {
            return Ok(None);
        };
        let Some(kept) = state.kept.get_mut(usize::from(watcher)) else {
            return Ok(None);
        };
        if kept.changes.len() >= MAX_CHANGES {
            kept.changes.pop_front();
            kept.lost = kept.lost.saturating_add(1);
        }
        kept.changes.push_back(PinChange { pin, active });
        Ok(Some(watcher))
    }

    /// Lists the pins that have a name or are in use.
    pub fn pins(&self) -> Vec<PinView<'static>> {
        let state = self.state();
        let mut seen = Vec::new();
        for (port, lines) in (0..).zip(&state.ports) {
            for (number, line) in (0..).zip(lines) {
                let pin = Pin { port, line: number };
                let name = NAMES.iter().find(|(_, named)| *named == pin);
                if name.is_none() && line.direction == Direction::Off {
                    continue;
                }
                seen.push(PinView {
                    name: name.map(|(name, _)| *name),
                    pin,
                    direction: line.direction,
                    active: match line.direction {
                        Direction::Output => line.output,
                        Direction::Input | Direction::Off => line.input,
                    },
                });
            }
        }
        seen
    }

    /// Lists each channel of each sensor: sensor, channel, and value in millionths.
    pub fn channels(&self) -> Vec<(&'static str, &'static str, i64)> {
        let state = self.state();
        let sensors = SENSORS.iter().zip(&state.measured);
        let channels = sensors.flat_map(|((sensor, channels), measured)| {
            let values = channels.iter().zip(measured);
            values.map(move |((_, channel, _), value)| (*sensor, *channel, *value))
        });
        channels.collect()
    }

    /// Sets the value of a sensor's channel.
    ///
    /// # Errors
    /// [`DeviceError::Absent`].
    pub fn set_channel(
        &self,
        sensor: &str,
        channel: &str,
        millionths: i64,
    ) -> Result<(), DeviceError> {
        let mut state = self.state();
        let mut sensors = SENSORS.iter().zip(&mut state.measured);
        let named = sensors.find(|((name, _), _)| *name == sensor);
        let ((_, channels), measured) = named.ok_or(DeviceError::Absent)?;
        let mut values = channels.iter().zip(measured);
        let named = values.find(|((_, name, _), _)| *name == channel);
        let (_, value) = named.ok_or(DeviceError::Absent)?;
        *value = millionths;
        Ok(())
    }
}

impl Default for Devices {
    fn default() -> Self {
        Self::new()
    }
}

impl Gpio for Devices {
    fn find(&self, name: &str) -> Option<Pin> {
        let named = NAMES.iter().find(|(other, _)| *other == name);
        named.map(|(_, pin)| *pin)
    }

    fn configure(&self, pin: Pin, direction: Direction) -> Result<(), DeviceError> {
        let mut state = self.state();
        let line = state.line(pin)?;
        line.direction = direction;
        line.output = false;
        line.watcher = None;
        Ok(())
    }

    fn write(&self, pin: Pin, active: bool) -> Result<(), DeviceError> {
        let mut state = self.state();
        let line = state.line(pin)?;
        if line.direction != Direction::Output {
            return Err(DeviceError::Unsupported);
        }
        line.output = active;
        Ok(())
    }

    fn read(&self, pin: Pin) -> Result<bool, DeviceError> {
        let mut state = self.state();
        let line = state.line(pin)?;
        if line.direction != Direction::Input {
            return Err(DeviceError::Unsupported);
        }
        Ok(line.input)
    }

    fn watch(&self, pin: Pin, watcher: Option<Slot>) -> Result<(), DeviceError> {
        let mut state = self.state();
        let line = state.line(pin)?;
        if line.direction != Direction::Input {
            return Err(DeviceError::Unsupported);
        }
        line.watcher = watcher;
        Ok(())
    }

    fn take_change(&self, watcher: Slot) -> Option<PinChange> {
        let mut state = self.state();
        let kept = state.kept.get_mut(usize::from(watcher))?;
        kept.changes.pop_front()
    }

    fn lost_changes(&self, watcher: Slot) -> u32 {
        let state = self.state();
        state
            .kept
            .get(usize::from(watcher))
            .map_or(0, |kept| kept.lost)
    }

    fn forget_changes(&self, watcher: Slot) {
        if let Some(kept) = self.state().kept.get_mut(usize::from(watcher)) {
            *kept = PendingChanges::default();
        }
    }
}

impl Sensors for Devices {
    fn count(&self) -> u8 {
        SENSORS.len() as u8
    }

    fn name(&self, sensor: u8) -> Option<&str> {
        SENSORS.get(usize::from(sensor)).map(|(name, _)| *name)
    }

    fn channel(&self, sensor: u8, index: u8) -> Option<u16> {
        let (_, channels) = SENSORS.get(usize::from(sensor))?;
        channels
            .get(usize::from(index))
            .map(|(number, _, _)| *number)
    }

    fn read(&self, sensor: u8, channel: u16) -> Result<i64, DeviceError> {
        let sensor = usize::from(sensor);
        let (_, channels) = SENSORS.get(sensor).ok_or(DeviceError::Absent)?;
        let index = channels
            .iter()
            .position(|(number, _, _)| *number == channel);
        let state = self.state();
        let measured = state.measured.get(sensor);
        index
            .and_then(|index| measured?.get(index).copied())
            .ok_or(DeviceError::Absent)
    }
}
