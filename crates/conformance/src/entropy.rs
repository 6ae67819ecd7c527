// SPDX-License-Identifier: Apache-2.0
//! Suite for sources of random bytes.

use ocre::port::Entropy;

use crate::promise::{BrokenPromise, expect};

/// Checks a source of random bytes.
///
/// # Errors
/// The first promise not kept.
pub fn entropy<E: Entropy>(entropy: &E) -> Result<(), BrokenPromise> {
    let (mut first, mut second) = ([0; 32], [0; 32]);
    let answers = (entropy.fill(&mut first), entropy.fill(&mut second));
    match answers {
        (true, true) => {
            expect(
                first != second && first != [0; 32],
                "random bytes differ each time",
            )?;
            expect(entropy.fill(&mut []), "filling nothing is no failure")
        }
        (false, false) => Ok(()),
        _ => expect(false, "there is a source of randomness, or there is none"),
    }
}
