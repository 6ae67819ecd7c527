// SPDX-License-Identifier: Apache-2.0
//! Suite for clocks.

use ocre::port::Clock;

use crate::promise::{BrokenPromise, expect};

/// Checks a clock.
///
/// # Errors
/// The first promise not kept.
pub fn clock<C: Clock>(clock: &C) -> Result<(), BrokenPromise> {
    let mut last = 0;
    for _ in 0..1000 {
        let now = clock.uptime_us();
        expect(now >= last, "uptime never goes back")?;
        last = now;
    }
    const YEAR_2020_NS: u64 = 1_577_836_800_000_000_000;
    let known = clock.wall_ns().is_none_or(|now| now > YEAR_2020_NS);
    expect(
        known,
        "a clock that does not know the date does not make one up",
    )
}
