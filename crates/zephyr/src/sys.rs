// SPDX-License-Identifier: Apache-2.0
//! Declarations of the C headers. `cargo xtask generate` writes the modules.

pub mod api;
pub mod port;
#[cfg(ocre_test)]
pub mod testing;

pub use port::*;

/// Memory of a lock.
pub type LockMemory = [usize; LOCK_WORDS];

/// Checks at compile time that functions for C have the types of their declarations.
macro_rules! defines {
    ($($header:ident::$name:ident),* $(,)?) => {
        $(const _: () = {
            let _ = [$crate::sys::$header::$name, $name];
        };)*
    };
}
pub(crate) use defines;
