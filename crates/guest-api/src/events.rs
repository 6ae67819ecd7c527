// SPDX-License-Identifier: Apache-2.0
//! Events for a guest, from timers, pins and messages.
//!
//! Promised: timers, pins and messages take turns, so that none of them, however busy, delays an
//! event of another one by more than two events.

use lock_api::RawMutex;
use ocre::port::devices::PinChange;
use ocre::port::memory::Memory;

use crate::errno::{Errno, Error};
use crate::message_buffer::MessageBuffer;
use crate::{GuestApi, Inbox};

/// Source of an event, in the order of turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum EventSource {
    Timer,
    Pin,
    Message,
}

impl EventSource {
    const fn next(self) -> Self {
        match self {
            Self::Timer => Self::Pin,
            Self::Pin => Self::Message,
            Self::Message => Self::Timer,
        }
    }
}

/// Kinds of events and dispatchers, with Ocre's numbers.
pub(crate) const TIMER: u32 = 0;
pub(crate) const GPIO: u32 = 1;
pub(crate) const SENSOR: u32 = 2;
pub(crate) const MESSAGE: u32 = 3;

/// Event, as `ocre_get_event` returns it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct QueuedEvent {
    pub(crate) kind: u32,
    /// Timer, line of a port, or number of the message.
    pub(crate) id: u32,
    /// Port of a pin, or address of a topic.
    pub(crate) port: u32,
    /// Level of a pin, or address of a content type.
    pub(crate) state: u32,
    /// Address of a content.
    pub(crate) extra: u32,
    /// Bytes of a content.
    pub(crate) bytes: u32,
}

impl QueuedEvent {
    /// Words, in the order of the parameters of `ocre_get_event`.
    pub(crate) const fn words(&self) -> [u32; 6] {
        [
            self.kind, self.id, self.port, self.state, self.extra, self.bytes,
        ]
    }
}

/// Event state of a run.
#[derive(Debug)]
pub(crate) struct EventState {
    first: EventSource,
    /// Change that was taken from the port to look for events.
    change: Option<PinChange>,
    /// Missed expiries of periodic timers.
    pub(crate) missed: u32,
    pub(crate) room: MessageBuffer,
}

impl EventState {
    pub(crate) fn new() -> Self {
        Self {
            first: EventSource::Timer,
            change: None,
            missed: 0,
            room: MessageBuffer::default(),
        }
    }
}

impl<R: RawMutex> GuestApi<'_, R> {
    /// Takes the next event; `Nomsg` where there is none, `Nomem` where the guest must first give
    /// messages back.
    pub(crate) fn next_event(&mut self, memory: &mut Memory<'_>) -> Result<QueuedEvent, Error> {
        let mut none = Errno::Nomsg.into();
        let mut origin = self.events.first;
        for _ in 0..3 {
            match self.event_from(origin, memory) {
                Ok(Some(event)) => {
                    self.events.first = origin.next();
                    return Ok(event);
                }
                Ok(None) => {}
                Err(error) => none = error,
            }
            origin = origin.next();
        }
        Err(none)
    }

    fn event_from(
        &mut self,
        origin: EventSource,
        memory: &mut Memory<'_>,
    ) -> Result<Option<QueuedEvent>, Error> {
        let mut event = QueuedEvent::default();
        match origin {
            EventSource::Timer => {
                let Some((id, missed)) = self.timers.take(self.now_us()) else {
                    return Ok(None);
                };
                self.events.missed = self.events.missed.saturating_add(missed);
                (event.kind, event.id) = (TIMER, id);
            }
            EventSource::Pin => {
                self.look_at_pins();
                let Some(PinChange { pin, active }) = self.events.change.take() else {
                    return Ok(None);
                };
                (event.kind, event.id) = (GPIO, pin.line.into());
                (event.port, event.state) = (pin.port.into(), active.into());
            }
            EventSource::Message => return self.message(memory),
        }
        Ok(Some(event))
    }

    fn message(&mut self, memory: &mut Memory<'_>) -> Result<Option<QueuedEvent>, Error> {
        let room = &mut self.events.room;
        let hand = |inbox: &mut Inbox| {
            let Some((id, message)) = inbox.oldest() else {
                return Ok(None);
            };
            let handed = room.hand(memory, &message)?;
            inbox.discard();
            Ok(Some(QueuedEvent {
                kind: MESSAGE,
                id,
                port: handed.topic,
                state: handed.content_type,
                extra: handed.content,
                bytes: handed.content_bytes,
            }))
        };
        self.bus.with_inbox(self.slot, hand).unwrap_or(Ok(None))
    }

    /// True where a pin has changed.
    fn look_at_pins(&mut self) -> bool {
        if self.events.change.is_none()
            && let Some(gpio) = self.ports.gpio
        {
            self.events.change = gpio.take_change(self.slot);
        }
        self.events.change.is_some()
    }

    /// True where there is an event. Otherwise the next message wakes this container.
    pub(crate) fn has_event(&mut self) -> bool {
        let due = self
            .timers
            .next_us()
            .is_some_and(|due| due <= self.now_us());
        due || self.look_at_pins()
            || self
                .bus
                .with_inbox(self.slot, |inbox| {
                    let is_there = inbox.oldest().is_some();
                    inbox.awaited = !is_there;
                    is_there
                })
                .unwrap_or(false)
    }
}
