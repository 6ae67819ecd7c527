// SPDX-License-Identifier: Apache-2.0
//! State that the containers of a device share: inboxes for messages, and claims of pins.
//!
//! Promised: no lock is held over anything slow or anything that a guest decides on, so no
//! container waits for another one for longer than it takes to copy a message.

use heapless::Vec;
use lock_api::{Mutex, RawMutex};
use ocre::limits::{MAX_CONTAINERS, MAX_PINS};
use ocre::port::devices::Pin;
use ocre::port::{Slot, Threads};

use crate::errno::Errno;
use crate::inbox::{Inbox, InboxMessage};

/// Inboxes and claims of a device; one static for its whole life.
pub struct Bus<R: RawMutex> {
    inboxes: [Mutex<R, Inbox>; MAX_CONTAINERS],
    /// Empty at first, so that the whole is zeros and takes no flash.
    pins: Mutex<R, Vec<Claim, MAX_PINS>>,
}

/// A pin that a container uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Claim {
    pub(crate) owner: Slot,
    pub(crate) pin: Pin,
    pub(crate) output: bool,
    /// Level of an output.
    pub(crate) active: bool,
    /// True where changes of an input are kept for the owner.
    pub(crate) watched: bool,
}

const _: () = assert!(size_of::<Claim>() <= 6);

impl<R: RawMutex> Bus<R> {
    /// Bus without messages and claims. Constant, so that it can be in a static.
    pub const fn new() -> Self {
        Self {
            inboxes: [const { Mutex::from_raw(R::INIT, Inbox::new()) }; MAX_CONTAINERS],
            pins: Mutex::from_raw(R::INIT, Vec::new()),
        }
    }

    pub(crate) fn with_inbox<T>(
        &self,
        slot: Slot,
        look: impl FnOnce(&mut Inbox) -> T,
    ) -> Option<T> {
        let inbox = self.inboxes.get(usize::from(slot))?;
        Some(look(&mut inbox.lock()))
    }

    /// Copies a message into each inbox with a matching subscription. Returns true where there is
    /// one.
    pub(crate) fn publish(&self, message: &InboxMessage<'_>, threads: &dyn Threads) -> bool {
        let mut taken = false;
        for (slot, inbox) in (0..).zip(&self.inboxes) {
            let (offered, awaited) = {
                let mut inbox = inbox.lock();
                let offered = inbox.offer(message);
                (offered, offered && core::mem::take(&mut inbox.awaited))
            };
            if awaited {
                threads.wake(slot);
            }
            taken |= offered;
        }
        taken
    }

    /// Claims a pin, or changes the claim that its owner has.
    pub(crate) fn put_claim(&self, claim: Claim) -> Result<(), Errno> {
        let mut pins = self.pins.lock();
        match pins.iter_mut().find(|other| other.pin == claim.pin) {
            Some(other) if other.owner == claim.owner => *other = claim,
            Some(_) => return Err(Errno::Busy),
            None => pins.push(claim).map_err(|_| Errno::Nomem)?,
        }
        Ok(())
    }

    /// Claim of a pin by this container.
    pub(crate) fn claimed(&self, owner: Slot, pin: Pin) -> Option<Claim> {
        let pins = self.pins.lock();
        let mut claims = pins.iter();
        claims
            .find(|claim| claim.pin == pin && claim.owner == owner)
            .copied()
    }

    /// Any claim of this container.
    pub(crate) fn any_claim(&self, owner: Slot) -> Option<Claim> {
        let pins = self.pins.lock();
        pins.iter().find(|claim| claim.owner == owner).copied()
    }

    /// Releases a pin.
    pub(crate) fn release(&self, owner: Slot, pin: Pin) {
        let mut pins = self.pins.lock();
        pins.retain(|claim| claim.pin != pin || claim.owner != owner);
    }
}

impl<R: RawMutex> Default for Bus<R> {
    fn default() -> Self {
        Self::new()
    }
}
