// SPDX-License-Identifier: Apache-2.0
//! Messages between containers.

use lock_api::RawMutex;
use ocre::limits::{MAX_CONTENT_TYPE, MAX_TOPIC};
use ocre::port::memory::Memory;

use super::{DONE, text};
use crate::GuestApi;
use crate::errno::{Errno, Error};
use crate::inbox::InboxMessage;
use crate::topic::is_topic;

ocre::host_functions! {
    /// Host functions that need the permission `messaging`.
    pub(crate) const FUNCTIONS;
    impl ['a, R: RawMutex] GuestApi<'a, R> {
        pub(crate) fn messaging -> Result<i32, Error>;
        ocre_publish_message(u32, u32, u32, i32) -> i32;
        ocre_subscribe_message(u32) -> i32;
        ocre_messaging_free_module_event_data(u32, u32, u32) -> i32;
    }
}

impl<R: RawMutex> GuestApi<'_, R> {
    fn ocre_publish_message(
        &mut self,
        memory: &mut Memory<'_>,
        topic: u32,
        content_type: u32,
        content: u32,
        content_bytes: i32,
    ) -> Result<i32, Error> {
        let content_bytes = u32::try_from(content_bytes).map_err(|_| Errno::Inval)?;
        let message = InboxMessage {
            topic: text(memory, topic, MAX_TOPIC)?,
            content_type: text(memory, content_type, MAX_CONTENT_TYPE)?,
            content: memory.bytes(content, content_bytes)?,
        };
        let given = !message.content_type.is_empty() && !message.content.is_empty();
        if !given || !is_topic(message.topic) {
            return Err(Errno::Inval.into());
        }
        if !message.fits() {
            return Err(Errno::Msgsize.into());
        }
        if !self.bus.publish(&message, self.ports.threads) {
            return Err(Errno::Noent.into());
        }
        Ok(DONE)
    }

    fn ocre_subscribe_message(
        &mut self,
        memory: &mut Memory<'_>,
        topic: u32,
    ) -> Result<i32, Error> {
        let filter = text(memory, topic, MAX_TOPIC)?;
        if !self.events.room.is_there() {
            return Err(Errno::Nomem.into());
        }
        let subscribed = self
            .bus
            .with_inbox(self.slot, |inbox| inbox.subscribe(filter));
        subscribed.unwrap_or(Err(Errno::Nomem))?;
        Ok(DONE)
    }

    fn ocre_messaging_free_module_event_data(
        &mut self,
        _: &mut Memory<'_>,
        topic: u32,
        _content_type: u32,
        _content: u32,
    ) -> Result<i32, Error> {
        self.events.room.give_back(topic)?;
        Ok(DONE)
    }
}
