// SPDX-License-Identifier: Apache-2.0
//! The functions themselves, as methods with Ocre's names and parameters.

pub(crate) mod gpio;
pub(crate) mod messaging;
pub(crate) mod sensors;
pub(crate) mod system;
pub(crate) mod timer;

use ocre::port::memory::Memory;

use crate::errno::{Errno, Error};

/// What a function answers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Answer {
    Number(i32),
    Measured(f64),
}

impl Answer {
    pub(crate) const DONE: Self = Self::Number(0);

    /// An errno, as a function with that type of result answers it.
    pub(crate) fn error(errno: Errno, as_float: bool) -> Self {
        let number = i32::from(errno as u8).saturating_neg();
        if as_float {
            Self::Measured(number.into())
        } else {
            Self::Number(number)
        }
    }

    /// As the engine takes it.
    pub(crate) fn bits(self) -> u64 {
        match self {
            Self::Number(number) => number.cast_unsigned().into(),
            Self::Measured(value) => value.to_bits(),
        }
    }
}

/// A text of the guest's that is at most `most` bytes long.
fn text<'m>(memory: &'m Memory<'_>, address: u32, most: usize) -> Result<&'m [u8], Error> {
    Ok(memory.until_nul(address, most)?.ok_or(Errno::Inval)?)
}
