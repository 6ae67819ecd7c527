// SPDX-License-Identifier: Apache-2.0
//! Suite for the waits of threads.

use ocre::port::{Slot, Threads};

use crate::promise::{BrokenPromise, expect};

/// Checks the waits, on a thread that stands for that of `slot`, which no container uses.
///
/// # Errors
/// The first promise not kept.
pub fn threads<T: Threads>(threads: &T, slot: Slot) -> Result<(), BrokenPromise> {
    threads.wake(slot);
    expect(threads.sleep(slot, None), "a wake before a sleep ends it")?;
    expect(
        !threads.sleep(slot, Some(0)),
        "one wake ends one sleep; time that is past does not wait",
    )?;
    threads.wake(slot);
    threads.wake(slot);
    expect(
        threads.sleep(slot, Some(0)),
        "a wake is not lost where the time is past as well",
    )?;
    expect(
        !threads.sleep(slot, Some(0)),
        "two wakes without a sleep between them count as one",
    )?;
    let before = threads.await_change(u32::MAX, Some(0));
    threads.announce();
    let after = threads.await_change(before, None);
    expect(
        after == before.wrapping_add(1),
        "an announcement before the wait ends it",
    )?;
    expect(
        threads.await_change(after, Some(0)) == after,
        "announcements are counted once",
    )
}
