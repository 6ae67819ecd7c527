// SPDX-License-Identifier: Apache-2.0
//! Start and end of a guest without the standard library: parts of [`main!`](crate::main).

use core::fmt::Debug;
use core::panic::PanicInfo;

use crate::TextOutput;

// The object that the compiler adds to each program calls functions of C's library.
#[cfg(target_os = "wasi")]
#[link(name = "c")]
unsafe extern "C" {}

/// Result of a guest's main function.
pub trait Ending {
    /// Exit code of the container.
    fn code(self) -> i32;
}

impl Ending for () {
    fn code(self) -> i32 {
        0
    }
}

impl Ending for u8 {
    fn code(self) -> i32 {
        self.into()
    }
}

impl<T: Ending, E: Debug> Ending for Result<T, E> {
    fn code(self) -> i32 {
        match self {
            Ok(result) => result.code(),
            Err(error) => {
                let _ = TextOutput::Err.print(format_args!("Error: {error:?}\n"));
                1
            }
        }
    }
}

/// Prints a panic, and traps.
pub fn panicked(panic: &PanicInfo<'_>) -> ! {
    let _ = TextOutput::Err.print(format_args!("{panic}\n"));
    trap()
}

#[cfg(target_family = "wasm")]
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// Outside of WebAssembly the standard library has panics of its own.
#[cfg(not(target_family = "wasm"))]
fn trap() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Makes a function the main one of a guest without the standard library, which begins with
/// `#![no_std]` and `#![no_main]`. The function returns nothing, the exit code as a `u8`, or a
/// `Result` of these. With `heap`, the guest has an allocator over a heap of
/// [`HEAP_BYTES`](crate::HEAP_BYTES).
///
/// ```ignore
/// #![no_std]
/// #![no_main]
///
/// ocre_guest::main!(run);
///
/// fn run() -> Result<(), ocre_guest::Error> {
///     ocre_guest::println!("Hello!");
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! main {
    ($main:path) => {
        #[panic_handler]
        fn panicked(panic: &::core::panic::PanicInfo<'_>) -> ! {
            $crate::start::panicked(panic)
        }

        #[unsafe(no_mangle)]
        extern "C" fn __main_void() -> i32 {
            $crate::start::Ending::code($main())
        }
    };
    ($main:path, heap) => {
        $crate::main!($main);

        #[global_allocator]
        static HEAP: $crate::FixedHeap<{ $crate::HEAP_BYTES }> = $crate::FixedHeap::new();
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_become_exit_codes() {
        assert_eq!(().code(), 0);
        assert_eq!(7u8.code(), 7);
        assert_eq!(Ok::<u8, crate::Error>(3).code(), 3);
        assert_eq!(Err::<(), _>(crate::Error::EPERM).code(), 1);
    }
}
