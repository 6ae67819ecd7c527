// SPDX-License-Identifier: Apache-2.0
//! Sensors, by number and by name. There are none until the guest has discovered them.

use lock_api::RawMutex;
use ocre::limits::{MAX_DEVICE_NAME, MAX_SENSORS};
use ocre::port::devices::Sensors;
use ocre::port::memory::Memory;

use super::{DONE, text};
use crate::GuestApi;
use crate::errno::{Errno, Error};

const MILLION: f64 = 1e6;

ocre::host_functions! {
    /// Host functions that need the permission `sensors`.
    pub(crate) const FUNCTIONS;
    impl ['a, R: RawMutex] GuestApi<'a, R> {
        pub(crate) fn sensor -> Result<i32, Error>;
        ocre_sensors_init() -> i32;
        ocre_sensors_discover() -> i32;
        ocre_sensors_open(i32) -> i32;
        ocre_sensors_get_handle(i32) -> i32;
        ocre_sensors_get_channel_count(i32) -> i32;
        ocre_sensors_get_channel_type(i32, i32) -> i32;
        ocre_sensors_read(i32, i32) -> f64;
        ocre_sensors_open_by_name(u32) -> i32;
        ocre_sensors_get_handle_by_name(u32) -> i32;
        ocre_sensors_get_channel_count_by_name(u32) -> i32;
        ocre_sensors_get_channel_type_by_name(u32, i32) -> i32;
        ocre_sensors_read_by_name(u32, i32) -> f64;
    }
}

impl<'a, R: RawMutex> GuestApi<'a, R> {
    /// Sensors of the device, and the index of a sensor from the guest's number.
    fn numbered(&self, sensor: i32) -> Result<(&'a dyn Sensors, u8), Error> {
        let sensors = self.ports.sensors.ok_or(Errno::Inval)?;
        match u8::try_from(sensor) {
            Ok(sensor) if sensor < self.sensors => Ok((sensors, sensor)),
            _ => Err(Errno::Inval.into()),
        }
    }

    /// Number of the sensor with a name.
    fn with_name(&self, memory: &Memory<'_>, name: u32) -> Result<i32, Error> {
        let name = text(memory, name, MAX_DEVICE_NAME)?;
        let sensors = self.ports.sensors.ok_or(Errno::Noent)?;
        let has_name = |sensor: &u8| {
            let other = sensors.name(*sensor);
            other.is_some_and(|other| other.as_bytes() == name)
        };
        let sensor = (0..self.sensors).find(has_name).ok_or(Errno::Noent)?;
        Ok(sensor.into())
    }

    fn ocre_sensors_init(&mut self, _: &mut Memory<'_>) -> Result<i32, Error> {
        self.sensors = 0;
        Ok(DONE)
    }

    fn ocre_sensors_discover(&mut self, _: &mut Memory<'_>) -> Result<i32, Error> {
        let count = self.ports.sensors.map_or(0, Sensors::count);
        self.sensors = count.min(u8::try_from(MAX_SENSORS).unwrap_or(u8::MAX));
        Ok(self.sensors.into())
    }

    fn ocre_sensors_open(&mut self, _: &mut Memory<'_>, sensor: i32) -> Result<i32, Error> {
        self.numbered(sensor)?;
        Ok(DONE)
    }

    fn ocre_sensors_get_handle(&mut self, _: &mut Memory<'_>, sensor: i32) -> Result<i32, Error> {
        let (_, sensor) = self.numbered(sensor)?;
        Ok(sensor.into())
    }

    fn ocre_sensors_get_channel_count(
        &mut self,
        _: &mut Memory<'_>,
        sensor: i32,
    ) -> Result<i32, Error> {
        let (sensors, sensor) = self.numbered(sensor)?;
        let channels = (0..u8::MAX).map_while(|index| sensors.channel(sensor, index));
        let count = i32::try_from(channels.count()).unwrap_or(i32::MAX);
        Ok(count)
    }

    fn ocre_sensors_get_channel_type(
        &mut self,
        _: &mut Memory<'_>,
        sensor: i32,
        index: i32,
    ) -> Result<i32, Error> {
        let (sensors, sensor) = self.numbered(sensor)?;
        let index = u8::try_from(index).map_err(|_| Errno::Inval)?;
        let channel = sensors.channel(sensor, index).ok_or(Errno::Inval)?;
        Ok(channel.into())
    }

    fn ocre_sensors_read(
        &mut self,
        _: &mut Memory<'_>,
        sensor: i32,
        channel: i32,
    ) -> Result<i32, Error> {
        let (sensors, sensor) = self.numbered(sensor)?;
        let channel = u16::try_from(channel).map_err(|_| Errno::Inval)?;
        let millionths = sensors.read(sensor, channel)?;
        // A measured value has far fewer digits than a double.
        self.measured = millionths as f64 / MILLION;
        Ok(DONE)
    }

    fn ocre_sensors_open_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
    ) -> Result<i32, Error> {
        let sensor = self.with_name(memory, name)?;
        self.ocre_sensors_open(memory, sensor)
    }

    fn ocre_sensors_get_handle_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
    ) -> Result<i32, Error> {
        self.with_name(memory, name)
    }

    fn ocre_sensors_get_channel_count_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
    ) -> Result<i32, Error> {
        let sensor = self.with_name(memory, name)?;
        self.ocre_sensors_get_channel_count(memory, sensor)
    }

    fn ocre_sensors_get_channel_type_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
        index: i32,
    ) -> Result<i32, Error> {
        let sensor = self.with_name(memory, name)?;
        self.ocre_sensors_get_channel_type(memory, sensor, index)
    }

    fn ocre_sensors_read_by_name(
        &mut self,
        memory: &mut Memory<'_>,
        name: u32,
        channel: i32,
    ) -> Result<i32, Error> {
        let sensor = self.with_name(memory, name)?;
        self.ocre_sensors_read(memory, sensor, channel)
    }
}
