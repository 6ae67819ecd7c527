// SPDX-License-Identifier: Apache-2.0
//! A flash whose power is cut at a chosen operation.
//!
//! Promised: programs and erases are counted from 1; the operation at the cut ends as [`Tear`]
//! says; from then on every operation fails, reads included, until the flash is taken out.

use super::{ERASED, Flash, FlashError, Geometry};

/// State of the flash after a program or an erase that a power cut interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tear {
    /// The content before the operation.
    NotBegun,
    /// The content that the complete operation leaves.
    Complete,
    /// The first half is done, and half the bits of the middle byte; the rest is as before.
    Half,
    /// Every other byte is done.
    Scattered,
}

impl Tear {
    /// Every kind of tear.
    pub const ALL: [Self; 4] = [Self::NotBegun, Self::Complete, Self::Half, Self::Scattered];

    /// Changes `new`, the content of the complete operation, to that of the interrupted one, where
    /// `old` was before.
    fn apply(self, old: &[u8], new: &mut [u8]) {
        let middle = new.len() / 2;
        for (index, (new, old)) in new.iter_mut().zip(old).enumerate() {
            let done = match self {
                Self::NotBegun => 0,
                Self::Complete => 0xff,
                Self::Half => match index.cmp(&middle) {
                    std::cmp::Ordering::Less => 0xff,
                    std::cmp::Ordering::Equal => 0x0f,
                    std::cmp::Ordering::Greater => 0,
                },
                Self::Scattered => 0xff * (index as u8 % 2),
            };
            *new = (*new & done) | (*old & !done);
        }
    }
}

/// A power cut: its operation, and the state that it leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Number of the program or erase that is interrupted; the first is 1.
    pub at: u64,
    /// State that the interrupted operation leaves.
    pub tear: Tear,
}

/// A flash whose power may be cut.
pub struct PowerCut<F> {
    flash: F,
    cut: Option<Cut>,
    operations: u64,
}

impl<F: Flash> PowerCut<F> {
    /// Cuts the power at `cut`; without one, only counts operations.
    pub fn new(flash: F, cut: Option<Cut>) -> Self {
        Self {
            flash,
            cut,
            operations: 0,
        }
    }

    /// Number of programs and erases that were begun.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// True where the power is off.
    pub fn is_off(&self) -> bool {
        self.cut.is_some_and(|cut| self.operations >= cut.at)
    }

    /// Takes the flash out, as the cut left it.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Counts an operation; `Some` at the operation that is cut.
    fn begin(&mut self) -> Result<Option<Tear>, FlashError> {
        if self.is_off() {
            return Err(FlashError);
        }
        self.operations += 1;
        Ok(self
            .cut
            .filter(|cut| cut.at == self.operations)
            .map(|cut| cut.tear))
    }

    /// Writes the state that a torn operation leaves at a place.
    fn tear(&mut self, tear: Tear, block: u32, offset: u32, new: &[u8]) -> Result<(), FlashError> {
        let mut old = vec![0; new.len()];
        self.flash.read(block, offset, &mut old)?;
        let mut torn = new.to_vec();
        tear.apply(&old, &mut torn);
        self.flash.program(block, offset, &torn)
    }
}

impl<F: Flash> Flash for PowerCut<F> {
    fn geometry(&self) -> Geometry {
        self.flash.geometry()
    }

    fn read(&mut self, block: u32, offset: u32, buffer: &mut [u8]) -> Result<(), FlashError> {
        if self.is_off() {
            return Err(FlashError);
        }
        self.flash.read(block, offset, buffer)
    }

    fn program(&mut self, block: u32, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        match self.begin()? {
            None => self.flash.program(block, offset, bytes),
            Some(tear) => self.tear(tear, block, offset, bytes).and(Err(FlashError)),
        }
    }

    fn erase(&mut self, block: u32) -> Result<(), FlashError> {
        match self.begin()? {
            None => self.flash.erase(block),
            Some(tear) => {
                let erased = vec![ERASED; self.geometry().block_bytes() as usize];
                self.tear(tear, block, 0, &erased).and(Err(FlashError))
            }
        }
    }

    fn sync(&mut self) -> Result<(), FlashError> {
        if self.is_off() {
            Err(FlashError)
        } else {
            self.flash.sync()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::RamFlash;

    const GEOMETRY: Geometry = Geometry::new(128, 4).expect("valid");

    #[test]
    fn a_tear_leaves_what_its_name_says() {
        let left = |tear: Tear| {
            let mut new = [0x00, 0x11, 0x22, 0x33];
            tear.apply(&[0xff; 4], &mut new);
            new
        };
        assert_eq!(left(Tear::NotBegun), [0xff; 4]);
        assert_eq!(left(Tear::Complete), [0x00, 0x11, 0x22, 0x33]);
        assert_eq!(left(Tear::Half), [0x00, 0x11, 0xf2, 0xff]);
        assert_eq!(left(Tear::Scattered), [0xff, 0x11, 0xff, 0x33]);
    }

    #[test]
    fn nothing_works_once_the_power_is_off() {
        let cut = Cut {
            at: 2,
            tear: Tear::Complete,
        };
        let mut flash = PowerCut::new(RamFlash::new(GEOMETRY), Some(cut));
        assert_eq!(flash.program(1, 0, &[1; 16]), Ok(()));
        assert_eq!(flash.erase(1), Err(FlashError));
        assert!(flash.is_off());
        assert_eq!(flash.read(1, 0, &mut [0; 16]), Err(FlashError));
        assert_eq!(flash.program(1, 0, &[2; 16]), Err(FlashError));
        assert_eq!(flash.sync(), Err(FlashError));
        assert_eq!(flash.operations(), 2);
        assert_eq!(flash.into_flash().content()[128..144], [ERASED; 16]);
    }
}
