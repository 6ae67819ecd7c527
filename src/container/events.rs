// SPDX-License-Identifier: Apache-2.0
//! The last changes of all containers' states, in a ring.
//!
//! Promised: changes are numbered without a gap, and whoever reads them is told how many are lost
//! because the ring keeps only so many.

use heapless::HistoryBuf;

use super::Name;
use super::state::State;

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// When, in microseconds since boot.
    pub at_us: u64,
    /// The container's name.
    pub name: Name,
    /// What it has become; `None` where it was removed.
    pub state: Option<State>,
}

/// The last `N` changes.
#[derive(Debug)]
pub struct Events<const N: usize> {
    ring: HistoryBuf<Change, N>,
    /// How many there have been.
    count: u64,
}

impl<const N: usize> Events<N> {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            ring: HistoryBuf::new(),
            count: 0,
        }
    }

    /// Adds one.
    pub fn push(&mut self, change: Change) {
        self.ring.write(change);
        self.count = self.count.wrapping_add(1);
    }

    /// The number of the oldest that is kept; that of the next one where none is.
    pub fn oldest(&self) -> u64 {
        self.count.saturating_sub(self.ring.len() as u64)
    }

    /// Whether there is one of that number or a later one.
    pub const fn has_more(&self, number: u64) -> bool {
        number < self.count
    }

    /// The first one from that number on, which becomes the number behind it.
    pub fn read(&self, number: &mut u64) -> Option<Change> {
        let oldest = self.oldest();
        let first = (*number).max(oldest);
        let place = usize::try_from(first.checked_sub(oldest)?).ok()?;
        let (older, newer) = self.ring.as_slices();
        let change = older.iter().chain(newer).nth(place)?.clone();
        *number = first.wrapping_add(1);
        Some(change)
    }
}

impl<const N: usize> Default for Events<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at_us: u64) -> Change {
        Change {
            at_us,
            name: Name::parse("a").unwrap(),
            state: Some(State::Created),
        }
    }

    #[test]
    fn changes_are_read_in_order_and_the_oldest_are_lost() {
        let mut events = Events::<4>::new();
        let mut number = events.oldest();
        assert_eq!((number, events.read(&mut number)), (0, None));
        for at in 0..3 {
            events.push(change(at));
        }
        for at in 0..3 {
            assert!(events.has_more(number));
            assert_eq!(events.read(&mut number), Some(change(at)));
        }
        assert_eq!(events.read(&mut number), None);
        for at in 3..10 {
            events.push(change(at));
        }
        // 3, 4 and 5 are gone.
        assert_eq!(events.oldest(), 6);
        for at in 6..10 {
            assert_eq!(events.read(&mut number), Some(change(at)));
        }
        assert_eq!((number, events.read(&mut number)), (10, None));
    }
}
