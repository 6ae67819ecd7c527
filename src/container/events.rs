// SPDX-License-Identifier: Apache-2.0
//! The last changes of all containers' states, in a ring.
//!
//! Promised: changes are numbered without a gap, so that a reader sees how many the ring has
//! dropped.

use heapless::HistoryBuf;

use super::Name;
use super::state::State;

/// Change of a container's state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateChange {
    /// Time of the change, in microseconds since boot.
    pub at_us: u64,
    /// Name of the container.
    pub name: Name,
    /// New state; `None` where the container was removed.
    pub state: Option<State>,
}

/// The last `N` changes.
#[derive(Debug)]
pub struct RecentChanges<const N: usize> {
    ring: HistoryBuf<StateChange, N>,
    /// Number of changes so far.
    count: u64,
}

impl<const N: usize> RecentChanges<N> {
    /// Creates an empty ring.
    pub const fn new() -> Self {
        Self {
            ring: HistoryBuf::new(),
            count: 0,
        }
    }

    /// Adds a change.
    pub fn push(&mut self, change: StateChange) {
        self.ring.write(change);
        self.count = self.count.wrapping_add(1);
    }

    /// Number of the oldest change that is kept; of the next change where none is.
    pub fn oldest(&self) -> u64 {
        self.count.saturating_sub(self.ring.len() as u64)
    }

    /// True where a change of that number or a later one is there.
    pub const fn has_more(&self, number: u64) -> bool {
        number < self.count
    }

    /// Returns the first change from `number` on, and sets `number` to the one behind it.
    pub fn read(&self, number: &mut u64) -> Option<StateChange> {
        let oldest = self.oldest();
        let first = (*number).max(oldest);
        let place = usize::try_from(first.checked_sub(oldest)?).ok()?;
        let (older, newer) = self.ring.as_slices();
        let change = older.iter().chain(newer).nth(place)?.clone();
        *number = first.wrapping_add(1);
        Some(change)
    }
}

impl<const N: usize> Default for RecentChanges<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at_us: u64) -> StateChange {
        StateChange {
            at_us,
            name: Name::parse("a").unwrap(),
            state: Some(State::Created),
        }
    }

    #[test]
    fn changes_are_read_in_order_and_the_oldest_are_lost() {
        let mut events = RecentChanges::<4>::new();
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
