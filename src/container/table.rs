// SPDX-License-Identifier: Apache-2.0
//! Table of containers.
//!
//! Promised: a name is one container's alone, from before its folder is made until after it is
//! removed; a handle never leads to another container than the one it was given for.
//!
//! Design: a fixed number of slots. A slot counts the containers it has had, and a handle carries
//! that count. While a container's folder is made or removed, its slot is taken but no handle or
//! name leads there.

use core::fmt;

use super::record::Dates;
use super::restart::delay_us;
use super::state::{Cause, State};
use super::{Error, Name, Restart};
use crate::limits::MAX_CONTAINERS;
use crate::port::Slot;

/// Handle of a container, for as long as the container exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle {
    slot: Slot,
    generation: u32,
}

impl Handle {
    /// Slot of the container.
    pub const fn slot(self) -> Slot {
        self.slot
    }

    /// Converts the handle to a number, never 0, for callers that can't hold this type.
    pub const fn to_bits(self) -> u64 {
        1 << 40 | (self.slot as u64) << 32 | self.generation as u64
    }

    /// Converts a number from [`to_bits`](Self::to_bits); any other number leads to no container.
    pub const fn from_bits(bits: u64) -> Option<Self> {
        let [g0, g1, g2, g3, slot, mark, 0, 0] = bits.to_le_bytes() else {
            return None;
        };
        if mark != 1 {
            return None;
        }
        Some(Self {
            slot,
            generation: u32::from_le_bytes([g0, g1, g2, g3]),
        })
    }
}

/// Time in microseconds since boot, or none; half as large as an `Option` of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(u64);

impl Uptime {
    /// No time; it sorts after all others.
    pub const NEVER: Self = Self(u64::MAX);

    /// Converts an optional number of microseconds.
    pub const fn new(us: Option<u64>) -> Self {
        match us {
            Some(us) => Self(us),
            None => Self::NEVER,
        }
    }

    /// Converts a number of microseconds.
    pub const fn at(us: u64) -> Self {
        Self(us)
    }

    /// Returns the time, if there is one.
    pub const fn get(self) -> Option<u64> {
        match self {
            Self::NEVER => None,
            Self(us) => Some(us),
        }
    }
}

impl Default for Uptime {
    fn default() -> Self {
        Self::NEVER
    }
}

impl fmt::Debug for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// Times of a container. A time is [`Uptime::NEVER`] if the present or last run has not come to it,
/// or if it was before this boot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContainerTimes {
    /// Creation of the container.
    pub created_us: Uptime,
    /// Accepted start.
    pub started_us: Uptime,
    /// End of reading and hashing the code.
    pub read_us: Uptime,
    /// End of loading and checking the code.
    pub loaded_us: Uptime,
    /// End of instantiation: next comes the guest's first instruction.
    pub entered_us: Uptime,
    /// End of the run.
    pub ended_us: Uptime,
}

impl ContainerTimes {
    /// Duration of a run until `now_us`, in microseconds.
    #[inline(never)]
    pub fn ran_us(&self, now_us: u64) -> u64 {
        now_us.saturating_sub(self.started_us.get().unwrap_or(now_us))
    }

    /// Time to read and hash the code, in microseconds.
    pub fn reading_us(&self) -> Option<u64> {
        span(self.started_us, self.read_us)
    }

    /// Time to load and check the code, in microseconds.
    pub fn loading_us(&self) -> Option<u64> {
        span(self.read_us, self.loaded_us)
    }

    /// Time to make an instance, in microseconds.
    pub fn instantiating_us(&self) -> Option<u64> {
        span(self.loaded_us, self.entered_us)
    }

    /// Time that the guest ran, in microseconds.
    pub fn running_us(&self) -> Option<u64> {
        span(self.entered_us, self.ended_us)
    }
}

/// Time of the next start after that many failures in a row, counted from `now_us`.
#[inline(never)]
pub fn next_start(now_us: u64, failures: u8) -> Uptime {
    Uptime::at(now_us.saturating_add(delay_us(failures).into()))
}

#[inline(never)]
fn span(from: Uptime, to: Uptime) -> Option<u64> {
    to.get()?.checked_sub(from.get()?)
}

/// Changing data of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// State of the container.
    pub state: State,
    /// Times of the present or last run.
    pub times: ContainerTimes,
    /// Cause of a kill that is under way.
    pub killed: Option<Cause>,
    /// Time of the kill, if the container is live; time of the start, if it is to run again.
    pub alarm_us: Uptime,
    /// Dates by the calendar, before this boot too.
    pub dates: Dates,
    /// State that the record holds.
    pub recorded: Recorded,
    /// Restart policy.
    pub restart: Restart,
    /// Place in the order of starts: the least comes first.
    pub order: u8,
    /// Number of runs in a row that have failed.
    pub failures: u8,
    /// Number of restarts by the policy since the container was started.
    pub restarts: u32,
    /// Computing time of the last run, in microseconds.
    pub computed_us: Uptime,
}

/// State that a container's record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recorded {
    /// None: the container has no record, and gets none.
    Never,
    /// An earlier state.
    Earlier,
    /// The present state.
    Present,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The folder is being made.
    Coming,
    /// Names and handles lead to the container.
    Here,
    /// The folder is being removed.
    Going,
}

/// Container in a slot.
#[derive(Debug)]
pub struct Occupant {
    name: Name,
    phase: Phase,
    status: Status,
}

/// Slot of the table, with the number of containers that it has had. The number lies before the
/// occupant, where an occupant's alignment leaves room. A vacant slot begins with 0, as a
/// [`ZeroedOption`](super::ZeroedOption) does.
#[derive(Debug)]
#[repr(u8)]
pub enum TableEntry {
    /// No container.
    Vacant(u32) = 0,
    /// A container.
    Taken(u32, Occupant) = 1,
}

impl TableEntry {
    const fn generation(&self) -> u32 {
        match self {
            Self::Vacant(generation) | Self::Taken(generation, _) => *generation,
        }
    }

    const fn occupant(&self) -> Option<&Occupant> {
        match self {
            Self::Vacant(_) => None,
            Self::Taken(_, occupant) => Some(occupant),
        }
    }

    const fn occupant_mut(&mut self) -> Option<&mut Occupant> {
        match self {
            Self::Vacant(_) => None,
            Self::Taken(_, occupant) => Some(occupant),
        }
    }
}

/// All containers.
#[derive(Debug)]
pub struct Table {
    entries: [TableEntry; MAX_CONTAINERS],
    /// True while a thread watches the deadlines.
    pub watched: bool,
}

impl Table {
    /// Creates an empty table.
    pub const fn new() -> Self {
        const EMPTY: TableEntry = TableEntry::Vacant(0);
        const { assert!(MAX_CONTAINERS < Slot::MAX as usize) };
        Self {
            entries: [EMPTY; MAX_CONTAINERS],
            watched: false,
        }
    }

    fn occupants(&self) -> impl Iterator<Item = (Handle, &Occupant)> {
        (0..).zip(&self.entries).filter_map(|(slot, entry)| {
            let generation = entry.generation();
            Some((Handle { slot, generation }, entry.occupant()?))
        })
    }

    #[inline(never)]
    fn occupant(&mut self, handle: Handle, phase: Phase) -> Option<&mut Occupant> {
        self.entries
            .get_mut(usize::from(handle.slot))
            .filter(|entry| entry.generation() == handle.generation)
            .and_then(|entry| entry.occupant_mut())
            .filter(|occupant| occupant.phase == phase)
    }

    fn turn(&mut self, handle: Handle, from: Phase, to: Phase) -> Result<(), Error> {
        match self.occupant(handle, from) {
            Some(occupant) => {
                occupant.phase = to;
                Ok(())
            }
            None => Err(Error::NotFound),
        }
    }

    /// Reserves a slot and a name for a container that is [committed](Self::commit) later.
    ///
    /// # Errors
    /// [`Error::NameTaken`], [`Error::TableFull`].
    pub fn reserve(&mut self, name: &Name, now_us: Option<u64>) -> Result<Handle, Error> {
        if self.occupants().any(|(_, other)| other.name == *name) {
            return Err(Error::NameTaken);
        }
        let mut slots = (0..).zip(&mut self.entries);
        let (slot, entry) = slots
            .find(|(_, entry)| entry.occupant().is_none())
            .ok_or(Error::TableFull)?;
        let generation = entry.generation().wrapping_add(1);
        let occupant = Occupant {
            name: name.clone(),
            phase: Phase::Coming,
            status: Status {
                state: State::Created,
                times: ContainerTimes {
                    created_us: Uptime::new(now_us),
                    ..ContainerTimes::default()
                },
                killed: None,
                alarm_us: Uptime::NEVER,
                dates: Dates::default(),
                recorded: Recorded::Never,
                restart: Restart::No,
                order: 0,
                failures: 0,
                restarts: 0,
                computed_us: Uptime::NEVER,
            },
        };
        *entry = TableEntry::Taken(generation, occupant);
        Ok(Handle { slot, generation })
    }

    /// Makes a reserved container visible, in the state that `set` gives it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container is not reserved.
    pub fn commit(&mut self, handle: Handle, set: impl FnOnce(&mut Status)) -> Result<(), Error> {
        let occupant = self
            .occupant(handle, Phase::Coming)
            .ok_or(Error::NotFound)?;
        occupant.phase = Phase::Here;
        set(&mut occupant.status);
        Ok(())
    }

    /// Returns the first reserved container that is not settled yet, from that slot on.
    pub fn coming(&self, from: Slot) -> Option<(Handle, Name)> {
        self.occupants()
            .find(|(handle, occupant)| handle.slot >= from && occupant.phase == Phase::Coming)
            .map(|(handle, occupant)| (handle, occupant.name.clone()))
    }

    /// Hides a container; its slot and name are still taken.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container is not visible.
    pub fn withdraw(&mut self, handle: Handle) -> Result<(), Error> {
        self.turn(handle, Phase::Here, Phase::Going)
    }

    /// Makes a withdrawn container visible again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the container is not withdrawn.
    pub fn restore(&mut self, handle: Handle) -> Result<(), Error> {
        self.turn(handle, Phase::Going, Phase::Here)
    }

    /// Frees the slot and the name of a container that is reserved or withdrawn.
    pub fn release(&mut self, handle: Handle) {
        let coming = self.occupant(handle, Phase::Coming).is_some();
        if (coming || self.occupant(handle, Phase::Going).is_some())
            && let Some(entry) = self.entries.get_mut(usize::from(handle.slot))
        {
            *entry = TableEntry::Vacant(handle.generation);
        }
    }

    /// Finds the container of that name.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn find(&self, name: &str) -> Result<Handle, Error> {
        self.occupants()
            .find(|(_, other)| other.phase == Phase::Here && &*other.name == name)
            .map(|(handle, _)| handle)
            .ok_or(Error::NotFound)
    }

    /// Returns a container's name and status.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, handle: Handle) -> Result<(&Name, &mut Status), Error> {
        match self.occupant(handle, Phase::Here) {
            Some(Occupant { name, status, .. }) => Ok((name, status)),
            None => Err(Error::NotFound),
        }
    }

    /// Finds the first container, in the order of starts, that is to be started by now.
    pub fn due(&mut self, now_us: u64) -> Option<Handle> {
        let mut first = (u8::MAX, Uptime::at(now_us));
        let mut due = None;
        for (slot, status) in self.statuses() {
            let place = (status.order, status.alarm_us);
            if matches!(status.state, State::Restarting(_))
                && status.alarm_us <= Uptime::at(now_us)
                && (due.is_none() || place < first)
            {
                (first, due) = (place, Some(slot));
            }
        }
        self.at(due?)
    }

    /// Returns the container in a slot.
    pub fn at(&self, slot: Slot) -> Option<Handle> {
        self.occupants()
            .find(|(handle, occupant)| handle.slot == slot && occupant.phase == Phase::Here)
            .map(|(handle, _)| handle)
    }

    /// Iterates over the status of every container.
    #[inline(never)]
    pub fn statuses(&mut self) -> impl Iterator<Item = (Slot, &mut Status)> {
        (0..).zip(&mut self.entries).filter_map(|(slot, entry)| {
            let occupant = entry.occupant_mut()?;
            (occupant.phase == Phase::Here).then_some((slot, &mut occupant.status))
        })
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn committed(table: &mut Table, text: &str) -> Handle {
        let handle = table.reserve(&name(text), Some(0)).unwrap();
        table.commit(handle, |_| {}).unwrap();
        handle
    }

    fn removed(table: &mut Table, handle: Handle) {
        table.withdraw(handle).unwrap();
        table.release(handle);
    }

    #[test]
    fn a_handle_is_a_number_and_no_other_number_is_a_handle() {
        let mut table = Table::new();
        let first = committed(&mut table, "a");
        let second = committed(&mut table, "b");
        assert_eq!(Handle::from_bits(first.to_bits()), Some(first));
        assert_eq!(Handle::from_bits(second.to_bits()), Some(second));
        for bits in [0, 1, first.to_bits() << 1, first.to_bits() | 1 << 63] {
            assert_eq!(Handle::from_bits(bits), None, "{bits:#x}");
        }
    }

    #[test]
    fn a_container_is_found_by_name_and_handle_only_while_it_is_there() {
        let mut table = Table::new();
        let a = table.reserve(&name("a"), Some(7)).unwrap();
        assert_eq!(table.find("a"), Err(Error::NotFound));
        assert_eq!(table.get(a), Err(Error::NotFound));
        assert_eq!(table.at(a.slot), None);
        table.commit(a, |_| {}).unwrap();
        assert_eq!(table.find("a"), Ok(a));
        assert_eq!(table.at(a.slot), Some(a));
        assert_eq!(table.get(a).unwrap().1.times.created_us, Uptime::at(7));
        table.withdraw(a).unwrap();
        assert_eq!(table.find("a"), Err(Error::NotFound));
        assert_eq!(table.get(a), Err(Error::NotFound));
        table.restore(a).unwrap();
        assert_eq!(table.find("a"), Ok(a));
    }

    #[test]
    fn a_name_is_taken_until_its_slot_is_released() {
        let mut table = Table::new();
        let a = table.reserve(&name("a"), Some(0)).unwrap();
        assert_eq!(table.reserve(&name("a"), Some(0)), Err(Error::NameTaken));
        table.commit(a, |_| {}).unwrap();
        assert_eq!(table.reserve(&name("a"), Some(0)), Err(Error::NameTaken));
        table.withdraw(a).unwrap();
        assert_eq!(table.reserve(&name("a"), Some(0)), Err(Error::NameTaken));
        table.release(a);
        assert!(table.reserve(&name("a"), Some(0)).is_ok());
    }

    #[test]
    fn a_handle_of_a_removed_container_leads_nowhere() {
        let mut table = Table::new();
        let old = committed(&mut table, "a");
        removed(&mut table, old);
        let new = committed(&mut table, "a");
        assert_eq!(new.slot, old.slot);
        assert_eq!(table.get(old), Err(Error::NotFound));
        assert_eq!(table.withdraw(old), Err(Error::NotFound));
        table.release(old);
        assert_eq!(table.find("a"), Ok(new));
    }

    #[test]
    fn what_is_there_is_not_released() {
        let mut table = Table::new();
        let a = committed(&mut table, "a");
        table.release(a);
        assert_eq!(table.find("a"), Ok(a));
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let mut table = Table::new();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        assert_eq!(names.len(), MAX_CONTAINERS);
        let handles = names.map(|name| committed(&mut table, name));
        assert_eq!(table.reserve(&name("i"), Some(0)), Err(Error::TableFull));
        removed(&mut table, handles[3]);
        let i = committed(&mut table, "i");
        assert_eq!(i.slot, handles[3].slot);
        assert_eq!(table.statuses().count(), MAX_CONTAINERS);
    }

    #[test]
    fn spans_are_told_once_both_their_ends_are_known() {
        let mut times = ContainerTimes::default();
        assert_eq!(times.reading_us(), None);
        times.started_us = Uptime::at(10);
        times.read_us = Uptime::at(30);
        times.loaded_us = Uptime::at(70);
        times.entered_us = Uptime::at(150);
        assert_eq!(times.running_us(), None);
        times.ended_us = Uptime::at(310);
        let spans = [
            times.reading_us(),
            times.loading_us(),
            times.instantiating_us(),
            times.running_us(),
        ];
        assert_eq!(spans, [Some(20), Some(40), Some(80), Some(160)]);
    }
}
