// SPDX-License-Identifier: Apache-2.0
//! Inbox of a container: its messages and its subscriptions.
//!
//! Promised: taking a message in is short and never waits, whatever the container does; when
//! there is no room the oldest messages go, whole, and are counted.
//!
//! Design: messages lie one after the other, the oldest first, each with a header: number, lengths
//! of topic, content type and content.

use heapless::Vec;
use ocre::limits::{INBOX_BYTES, MESSAGE_HEADER, SUBSCRIPTION_BYTES};

use crate::errno::Errno;
use crate::topic;

/// Message, in a guest's memory or in an inbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct InboxMessage<'a> {
    pub(crate) topic: &'a [u8],
    pub(crate) content_type: &'a [u8],
    pub(crate) content: &'a [u8],
}

impl InboxMessage<'_> {
    /// Bytes in an inbox, with the header.
    fn size(&self) -> usize {
        [
            self.topic.len(),
            self.content_type.len(),
            self.content.len(),
        ]
        .iter()
        .fold(MESSAGE_HEADER, |sum, length| sum.saturating_add(*length))
    }

    /// True for a message that an empty inbox can hold.
    pub(crate) fn fits(&self) -> bool {
        self.size() <= INBOX_BYTES
            && u8::try_from(self.topic.len()).is_ok()
            && u8::try_from(self.content_type.len()).is_ok()
            && u16::try_from(self.content.len()).is_ok()
    }
}

/// Messages for a container, and its subscriptions.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// Filters, each followed by NUL. Empty unless the container runs.
    filters: Vec<u8, SUBSCRIPTION_BYTES>,
    queue: Vec<u8, INBOX_BYTES>,
    /// Number of messages received; it wraps.
    count: u32,
    /// Number of messages discarded to make room.
    pub(crate) lost: u32,
    /// True where the container's thread waits for the next message.
    pub(crate) awaited: bool,
}

/// Size of an inbox besides its capacities, in bytes.
const OVERHEAD: usize = 40;
const _: () = assert!(size_of::<Inbox>() <= INBOX_BYTES + SUBSCRIPTION_BYTES + OVERHEAD);

impl Inbox {
    pub(crate) const fn new() -> Self {
        Self {
            filters: Vec::new(),
            queue: Vec::new(),
            count: 0,
            lost: 0,
            awaited: false,
        }
    }

    /// Removes all messages and subscriptions, and resets the counts.
    pub(crate) fn clear(&mut self) {
        self.filters.clear();
        self.queue.clear();
        self.count = 0;
        self.lost = 0;
        self.awaited = false;
    }

    fn filters(&self) -> impl Iterator<Item = &[u8]> {
        let filters = self.filters.split(|byte| *byte == 0);
        // Nothing follows the last NUL.
        filters.filter(|filter| !filter.is_empty())
    }

    /// True where a subscription is wanted.
    fn has(&self, wanted: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.filters().any(wanted)
    }

    /// Subscribes to a filter. A message that matches several subscriptions comes once.
    pub(crate) fn subscribe(&mut self, filter: &[u8]) -> Result<(), Errno> {
        if str::from_utf8(filter).is_err() || !topic::is_filter(filter) {
            return Err(Errno::Inval);
        }
        if self.has(&mut |known| known == filter) {
            return Ok(());
        }
        let size = self.filters.len().saturating_add(filter.len());
        if size >= SUBSCRIPTION_BYTES {
            return Err(Errno::Nomem);
        }
        self.filters
            .extend_from_slice(filter)
            .map_err(|_| Errno::Nomem)?;
        self.filters.push(0).map_err(|_| Errno::Nomem)
    }

    /// Copies a message that matches a subscription, and returns true for it. The message must fit.
    pub(crate) fn offer(&mut self, message: &InboxMessage<'_>) -> bool {
        if !self.has(&mut |filter| topic::matches(filter, message.topic)) {
            return false;
        }
        let number = self.count;
        self.count = self.count.wrapping_add(1);
        while self.queue.len().saturating_add(message.size()) > INBOX_BYTES {
            if !self.discard() {
                return false;
            }
            self.lost = self.lost.saturating_add(1);
        }
        let lengths = (
            u8::try_from(message.topic.len()),
            u8::try_from(message.content_type.len()),
            u16::try_from(message.content.len()),
        );
        let (Ok(topic), Ok(content_type), Ok(content)) = lengths else {
            return false;
        };
        let [n0, n1, n2, n3] = number.to_le_bytes();
        let [c0, c1] = content.to_le_bytes();
        let header: [u8; MESSAGE_HEADER] = [n0, n1, n2, n3, topic, content_type, c0, c1];
        [
            &header[..],
            message.topic,
            message.content_type,
            message.content,
        ]
        .iter()
        .all(|part| self.queue.extend_from_slice(part).is_ok())
    }

    /// Oldest message, and its number.
    pub(crate) fn oldest(&self) -> Option<(u32, InboxMessage<'_>)> {
        let (header, rest) = self.queue.split_first_chunk::<MESSAGE_HEADER>()?;
        let [n0, n1, n2, n3, topic, content_type, c0, c1] = *header;
        let (topic, rest) = rest.split_at_checked(topic.into())?;
        let (content_type, rest) = rest.split_at_checked(content_type.into())?;
        let content = rest.get(..u16::from_le_bytes([c0, c1]).into())?;
        let message = InboxMessage {
            topic,
            content_type,
            content,
        };
        Some((u32::from_le_bytes([n0, n1, n2, n3]), message))
    }

    /// Removes the oldest message; `false` where there is none.
    pub(crate) fn discard(&mut self) -> bool {
        let Some((_, message)) = self.oldest() else {
            return false;
        };
        let size = message.size();
        let left = self.queue.len().saturating_sub(size);
        self.queue.copy_within(size.., 0);
        self.queue.truncate(left);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(topic: &'a str, content: &'a [u8]) -> InboxMessage<'a> {
        InboxMessage {
            topic: topic.as_bytes(),
            content_type: b"text/plain",
            content,
        }
    }

    fn subscribed(filters: &[&str]) -> Inbox {
        let mut inbox = Inbox::new();
        for filter in filters {
            inbox.subscribe(filter.as_bytes()).unwrap();
        }
        inbox
    }

    #[test]
    fn a_message_comes_in_once_and_only_if_it_is_wanted() {
        let mut inbox = subscribed(&["a/+", "a/b", "a/b"]);
        assert!(inbox.offer(&message("a/b", b"one")));
        assert!(!inbox.offer(&message("b", b"two")));
        assert!(inbox.offer(&message("a/c", b"")));
        assert_eq!(inbox.oldest(), Some((0, message("a/b", b"one"))));
        assert!(inbox.discard());
        assert_eq!(inbox.oldest(), Some((1, message("a/c", b""))));
        assert!(inbox.discard());
        assert_eq!(inbox.oldest(), None);
        assert!(!inbox.discard());
        assert_eq!(inbox.lost, 0);
    }

    #[test]
    fn the_oldest_go_whole_to_make_room_and_are_counted() {
        let mut inbox = subscribed(&["#"]);
        let content = [7; 100];
        let size = message("t", &content).size();
        let fit = (INBOX_BYTES / size) as u32;
        for number in 0..fit + 3 {
            assert!(inbox.offer(&message("t", &content)));
            assert!(inbox.queue.len() <= INBOX_BYTES, "{number}");
        }
        assert_eq!(inbox.lost, 3);
        for number in 3..fit + 3 {
            assert_eq!(inbox.oldest(), Some((number, message("t", &content))));
            inbox.discard();
        }
        assert_eq!(inbox.oldest(), None);
    }

    #[test]
    fn the_largest_message_fits_alone_and_a_larger_one_does_not() {
        let mut inbox = subscribed(&["#"]);
        let bytes = [1; INBOX_BYTES];
        let besides = message("t", b"").size();
        let largest = message("t", &bytes[besides..]);
        assert!(largest.fits() && !message("t", &bytes[besides - 1..]).fits());
        for _ in 0..3 {
            assert!(inbox.offer(&largest));
        }
        assert_eq!((inbox.oldest(), inbox.lost), (Some((2, largest)), 2));
    }

    #[test]
    fn subscriptions_are_refused_when_there_is_no_room_for_all_of_one() {
        let mut inbox = Inbox::new();
        let long = [b'a'; 100];
        for (index, expected) in [Ok(()), Ok(()), Err(Errno::Nomem)].into_iter().enumerate() {
            assert_eq!(inbox.subscribe(&long[index..]), expected);
        }
        assert_eq!(inbox.filters().count(), 2);
        assert_eq!(inbox.subscribe(b"a#"), Err(Errno::Inval));
        assert_eq!(inbox.subscribe(b"\xff"), Err(Errno::Inval));
        inbox.subscribe(b"short").unwrap();
    }

    #[test]
    fn what_is_cleared_wants_nothing_and_holds_nothing() {
        let mut inbox = subscribed(&["#"]);
        inbox.offer(&message("t", b"x"));
        inbox.clear();
        assert_eq!(inbox.oldest(), None);
        assert!(!inbox.offer(&message("t", b"x")));
    }
}
