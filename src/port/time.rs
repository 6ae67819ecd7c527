// SPDX-License-Identifier: Apache-2.0
//! Time and random bytes.

/// Clock of a platform.
pub trait Clock {
    /// Microseconds since boot; never goes back.
    fn uptime_us(&self) -> u64;
    /// Nanoseconds since 1970-01-01 UTC, where the platform knows the date.
    fn wall_ns(&self) -> Option<u64>;
}

/// Random bytes.
pub trait Entropy {
    /// Fills `buffer`; `false` where the platform has no source of randomness.
    fn fill(&self, buffer: &mut [u8]) -> bool;
}
