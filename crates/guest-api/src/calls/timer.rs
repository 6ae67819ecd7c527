// SPDX-License-Identifier: Apache-2.0
//! Timers that send events.

use lock_api::RawMutex;
use ocre::port::memory::Memory;

use super::DONE;
use crate::GuestApi;
use crate::errno::Error;

ocre::host_functions! {
    /// Host functions that need the permission `timers`.
    pub(crate) const FUNCTIONS;
    impl ['a, R: RawMutex] GuestApi<'a, R> {
        pub(crate) fn timer -> Result<i32, Error>;
        ocre_timer_create(i32) -> i32;
        ocre_timer_start(i32, i32, i32) -> i32;
        ocre_timer_stop(i32) -> i32;
        ocre_timer_delete(i32) -> i32;
        ocre_timer_get_remaining(i32) -> i32;
    }
}

impl<R: RawMutex> GuestApi<'_, R> {
    fn ocre_timer_create(&mut self, _: &mut Memory<'_>, id: i32) -> Result<i32, Error> {
        self.timers.create(id)?;
        Ok(DONE)
    }

    fn ocre_timer_start(
        &mut self,
        _: &mut Memory<'_>,
        id: i32,
        interval_ms: i32,
        periodic: i32,
    ) -> Result<i32, Error> {
        let now_us = self.now_us();
        self.timers.start(id, interval_ms, periodic != 0, now_us)?;
        Ok(DONE)
    }

    fn ocre_timer_stop(&mut self, _: &mut Memory<'_>, id: i32) -> Result<i32, Error> {
        self.timers.stop(id)?;
        Ok(DONE)
    }

    fn ocre_timer_delete(&mut self, _: &mut Memory<'_>, id: i32) -> Result<i32, Error> {
        self.timers.delete(id)?;
        Ok(DONE)
    }

    fn ocre_timer_get_remaining(&mut self, _: &mut Memory<'_>, id: i32) -> Result<i32, Error> {
        let now_us = self.now_us();
        Ok(self.timers.remaining_ms(id, now_us)?)
    }
}
