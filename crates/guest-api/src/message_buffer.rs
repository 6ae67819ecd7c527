// SPDX-License-Identifier: Apache-2.0
//! Host buffer: linear memory for messages to a guest.
//!
//! Guests built for Ocre get addresses of memory that they did not allocate, and give it back with
//! `ocre_messaging_free_module_event_data`. Their own allocator can't be called from here, and may
//! not even be exported; so the engine lays a piece of memory behind the guest's.
//!
//! Promised: a message stays as it is until the guest has given back all messages; nothing outside
//! of the buffer is ever written.

use ocre::port::memory::Memory;

use crate::errno::{Errno, Error};
use crate::inbox::InboxMessage;

/// Host buffer. A buffer of 0 bytes takes no message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MessageBuffer {
    address: u32,
    bytes: u32,
    used: u32,
    /// Number of messages that the guest has not given back.
    held: u32,
}

/// Addresses of the parts of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handed {
    pub(crate) topic: u32,
    pub(crate) content_type: u32,
    pub(crate) content: u32,
    pub(crate) content_bytes: u32,
}

impl MessageBuffer {
    pub(crate) const fn new(address: u32, bytes: u32) -> Self {
        Self {
            address,
            bytes,
            used: 0,
            held: 0,
        }
    }

    pub(crate) const fn is_there(&self) -> bool {
        self.bytes != 0
    }

    /// Copies a message to the guest, its texts ended by NUL; `Nomem` as long as the guest holds
    /// too many.
    pub(crate) fn hand(
        &mut self,
        memory: &mut Memory<'_>,
        message: &InboxMessage<'_>,
    ) -> Result<Handed, Error> {
        let texts = [message.topic, message.content_type, message.content];
        // All parts must fit before the first one is written.
        let mut used = self.used;
        for text in texts {
            let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
            used = used.saturating_add(bytes).saturating_add(1);
        }
        if used > self.bytes {
            return Err(Errno::Nomem.into());
        }
        let mut end = self.address.saturating_add(self.used);
        let mut addresses = [0; 3];
        for (address, text) in addresses.iter_mut().zip(texts) {
            *address = end;
            memory.write(end, text)?;
            let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
            end = end.saturating_add(bytes);
            // Not all content is text, but a guest that reads it as text must find its end.
            memory.write(end, &[0])?;
            end = end.saturating_add(1);
        }
        self.used = used;
        self.held = self.held.saturating_add(1);
        let [topic, content_type, content] = addresses;
        Ok(Handed {
            topic,
            content_type,
            content,
            content_bytes: u32::try_from(message.content.len()).unwrap_or(u32::MAX),
        })
    }

    /// Gives back the message whose topic is at an address.
    pub(crate) fn give_back(&mut self, topic: u32) -> Result<(), Errno> {
        let offset = topic.checked_sub(self.address).ok_or(Errno::Inval)?;
        if offset >= self.used {
            return Err(Errno::Inval);
        }
        self.held = self.held.saturating_sub(1);
        if self.held == 0 {
            self.used = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: InboxMessage<'_> = InboxMessage {
        topic: b"a/b",
        content_type: b"t",
        content: b"abcde",
    };

    #[test]
    fn messages_lie_one_after_the_other_until_all_are_given_back() {
        let mut bytes = [0xff; 64];
        let memory = &mut Memory::new(&mut bytes);
        let mut room = MessageBuffer::new(16, 24);
        let first = room.hand(memory, &MESSAGE).unwrap();
        assert_eq!((first.topic, first.content_type), (16, 20));
        assert_eq!((first.content, first.content_bytes), (22, 5));
        let second = room.hand(memory, &MESSAGE).unwrap();
        assert_eq!(second.topic, 28);
        assert_eq!(room.hand(memory, &MESSAGE), Err(Errno::Nomem.into()));
        assert_eq!(
            memory.bytes(16, 24),
            Ok(&b"a/b\0t\0abcde\0a/b\0t\0abcde\0"[..])
        );
        room.give_back(second.topic).unwrap();
        assert_eq!(room.hand(memory, &MESSAGE), Err(Errno::Nomem.into()));
        room.give_back(first.topic).unwrap();
        assert_eq!(room.hand(memory, &MESSAGE), Ok(first));
        let around = [memory.bytes(0, 16), memory.bytes(40, 24)];
        assert!(
            around
                .iter()
                .all(|part| part.unwrap().iter().all(|byte| *byte == 0xff))
        );
    }

    #[test]
    fn of_a_message_that_does_not_fit_nothing_is_written() {
        let mut bytes = [0xff; 64];
        let memory = &mut Memory::new(&mut bytes);
        // A second message lacks one byte.
        let mut room = MessageBuffer::new(16, 23);
        room.hand(memory, &MESSAGE).unwrap();
        assert_eq!(room.hand(memory, &MESSAGE), Err(Errno::Nomem.into()));
        assert_eq!(memory.bytes(28, 36), Ok(&[0xff; 36][..]));
    }

    #[test]
    fn only_what_was_handed_out_is_given_back() {
        let mut bytes = [0; 64];
        let memory = &mut Memory::new(&mut bytes);
        let mut room = MessageBuffer::new(16, 32);
        assert_eq!(room.give_back(16), Err(Errno::Inval));
        room.hand(memory, &MESSAGE).unwrap();
        for address in [0, 15, 28, u32::MAX] {
            assert_eq!(room.give_back(address), Err(Errno::Inval), "{address}");
        }
        room.give_back(16).unwrap();
        assert_eq!(room.give_back(16), Err(Errno::Inval));
    }

    #[test]
    fn a_room_that_is_not_there_takes_nothing() {
        let mut bytes = [0; 8];
        let memory = &mut Memory::new(&mut bytes);
        let mut room = MessageBuffer::default();
        assert!(!room.is_there());
        assert_eq!(room.hand(memory, &MESSAGE), Err(Errno::Nomem.into()));
    }
}
