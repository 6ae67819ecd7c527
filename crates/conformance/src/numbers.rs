// SPDX-License-Identifier: Apache-2.0
//! Pseudo-random numbers.

/// Pseudo-random numbers, the same each time, from a seed other than 0.
#[derive(Clone)]
pub struct PseudoRandom(pub u64);

impl PseudoRandom {
    /// Next number.
    #[allow(
        clippy::should_implement_trait,
        reason = "no iterator: there is no end"
    )]
    pub fn next(&mut self) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Choice of one of several values.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
