// SPDX-License-Identifier: Apache-2.0
//! An `Option` that is nothing where its first byte is 0.
//!
//! For elements of a static: while all of them are empty, the static is memory that is cleared at
//! boot. The compiler's `Option` encodes "nothing" with any byte that it finds free, and then the
//! whole static lies in flash too, to be copied.

/// A value or nothing.
#[repr(u8)]
#[derive(Debug, Default)]
pub enum ZeroedOption<T> {
    /// No value.
    #[default]
    None = 0,
    /// A value.
    Some(T) = 1,
}

impl<T> ZeroedOption<T> {
    /// Returns the value, if there is one.
    pub const fn as_ref(&self) -> Option<&T> {
        match self {
            Self::None => None,
            Self::Some(held) => Some(held),
        }
    }

    /// Returns the value to be changed, if there is one.
    pub const fn as_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::None => None,
            Self::Some(held) => Some(held),
        }
    }

    /// Returns the value, made with `make` where there is none.
    pub fn get_or_insert_with(&mut self, make: impl FnOnce() -> T) -> &mut T {
        if matches!(self, Self::None) {
            *self = Self::Some(make());
        }
        match self {
            Self::Some(held) => held,
            Self::None => unreachable!("made above"),
        }
    }
}
