// SPDX-License-Identifier: Apache-2.0
//! The functions themselves, as methods with Ocre's names and parameters.

pub(crate) mod gpio;
pub(crate) mod messaging;
pub(crate) mod sensors;
pub(crate) mod system;
pub(crate) mod timer;

use ocre::port::memory::Memory;

use crate::errno::{Errno, Error};

/// The answer of a function that has nothing else to tell. One that measures leaves its result in
/// [`GuestApi::measured`](crate::GuestApi), as most answers are integers.
pub(crate) const DONE: i32 = 0;

/// A text of the guest's that is at most `most` bytes long.
fn text<'m>(memory: &'m Memory<'_>, address: u32, most: usize) -> Result<&'m [u8], Error> {
    Ok(memory.until_nul(address, most)?.ok_or(Errno::Inval)?)
}
