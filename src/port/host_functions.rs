// SPDX-License-Identifier: Apache-2.0
//! Host functions: the functions of the runtime that guests import.
//!
//! A list of functions becomes the engine's table, and two crates of functions serve one run.
//! Promised: a function's entry in the table, its parameters and its handler come from one line, so
//! that none can disagree with another.

use core::ffi::CStr;

use super::trap::Trap;

/// Host functions that guests may import from one module. One static table of them serves all
/// containers, because the engine registers host functions per process; the caller's grants are
/// checked at each call.
///
/// C strings, so that an engine written in C uses them where they are.
#[derive(Clone, Copy, Debug)]
pub struct HostModule {
    /// Module name of the import.
    pub name: &'static CStr,
    /// Functions of the module. They are numbered through all modules of a table.
    pub functions: &'static [HostFunction],
}

impl HostModule {
    /// Finds the function `name` of the module `module`, and its number.
    pub fn find(modules: &[Self], module: &str, name: &str) -> Option<(usize, HostFunction)> {
        let mut first = 0_usize;
        for one in modules {
            if one.name.to_bytes() == module.as_bytes() {
                let mut functions = (first..).zip(one.functions);
                return functions
                    .find(|(_, function)| function.name.to_bytes() == name.as_bytes())
                    .map(|(number, function)| (number, *function));
            }
            first = first.saturating_add(one.functions.len());
        }
        None
    }
}

/// A host function.
#[derive(Clone, Copy, Debug)]
pub struct HostFunction {
    /// Field name of the import.
    pub name: &'static CStr,
    /// Type, as [`signature`] writes it: at most 16 parameters and one result.
    pub signature: &'static CStr,
}

impl HostFunction {
    /// Field name of the import.
    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or_default()
    }

    /// Returns the letters of the parameters, and the letter of the result.
    pub fn types(&self) -> (&'static str, &'static str) {
        let signature = self.signature.to_str().unwrap_or_default();
        let inside = signature.strip_prefix('(').unwrap_or_default();
        inside.split_once(')').unwrap_or_default()
    }
}

/// Answer of a host function that ends the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostExit {
    /// The guest ends with this exit code.
    Exit(i32),
    /// The guest traps.
    Trap(Trap),
    /// The container is being stopped.
    Stopped,
}

/// Host functions of a run, which the engine calls when the guest calls an import.
pub trait Host {
    /// Calls the `function`-th entry of the engine's table of [host functions](HostModule).
    ///
    /// `memory` is the guest's whole linear memory. `arguments` holds one parameter in each
    /// element (a 32-bit one in the low half); a result is written to the first element, and
    /// there is always at least one.
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit>;

    /// Size of the host buffer of the `function`-th entry, in bytes: linear memory, besides the
    /// guest's own, for a guest that imports this function.
    fn host_buffer_len(&self, function: usize) -> u32 {
        let _ = function;
        0
    }

    /// Hands over the host buffer that [`host_buffer_len`](Self::host_buffer_len) asked for, before the guest
    /// runs. The buffer lies in linear memory, and the guest does not know its address.
    fn attach_host_buffer(&mut self, function: usize, address: u32, bytes: u32) {
        let _ = (function, address, bytes);
    }
}

/// Most parameters of a host function.
pub const MAX_PARAMETERS: usize = 9;

/// Parameters of a handler; where there are fewer, zeros follow.
pub type Parameters = [u64; MAX_PARAMETERS];

/// Returns the arguments of an engine as parameters of a handler.
pub fn parameters(arguments: &[u64]) -> Parameters {
    let mut parameters = [0; MAX_PARAMETERS];
    for (to, from) in parameters.iter_mut().zip(arguments) {
        *to = *from;
    }
    parameters
}

/// Type of a value of host functions.
pub trait HostValue {
    /// Letter of the wasm type: `i` and `I` are integers of 32 and 64 bits, `f` and `F` are floats.
    const LETTER: u8;
}

impl HostValue for u32 {
    const LETTER: u8 = b'i';
}

impl HostValue for i32 {
    const LETTER: u8 = b'i';
}

impl HostValue for u64 {
    const LETTER: u8 = b'I';
}

impl HostValue for f64 {
    const LETTER: u8 = b'F';
}

/// A parameter of a host function.
pub trait Parameter: HostValue {
    /// Converts an engine's argument; a narrower one is in its low bits.
    fn from_argument(argument: u64) -> Self;
}

impl Parameter for u32 {
    fn from_argument(argument: u64) -> Self {
        let [a, b, c, d, ..] = argument.to_le_bytes();
        Self::from_le_bytes([a, b, c, d])
    }
}

impl Parameter for i32 {
    fn from_argument(argument: u64) -> Self {
        u32::from_argument(argument).cast_signed()
    }
}

impl Parameter for u64 {
    fn from_argument(argument: u64) -> Self {
        argument
    }
}

/// Returns the type of a function as a C string, such as `(iI)i`. `N` is its length, with the NUL;
/// in a constant another number does not compile.
///
/// # Panics
/// If `N` is another number, or there are more than [`MAX_PARAMETERS`].
pub const fn signature<const N: usize>(parameters: &[u8], results: &[u8]) -> [u8; N] {
    assert!(parameters.len() <= MAX_PARAMETERS, "too many parameters");
    let mut text = [0; N];
    let mut room: &mut [u8] = &mut text;
    let mut left: &[&[u8]] = &[b"(", parameters, b")", results, b"\0"];
    while let Some((part, rest)) = left.split_first() {
        let (here, behind) = room.split_at_mut(part.len());
        here.copy_from_slice(part);
        room = behind;
        left = rest;
    }
    assert!(room.is_empty(), "N is too large");
    text
}

/// Converts a text that ends with NUL to a C string.
///
/// # Panics
/// If the text has no NUL, or another one; in a constant that does not compile.
pub const fn c_string(text: &[u8]) -> &CStr {
    let text = CStr::from_bytes_with_nul(text);
    assert!(text.is_ok(), "a C string ends with its only NUL");
    match text {
        Ok(text) => text,
        Err(_) => c"",
    }
}

/// Makes the engine's table of functions and the table of their handlers out of one list.
///
/// The handlers are methods of the host type, with the functions' own names; each gets the
/// guest's [`Memory`](super::memory::Memory) before its parameters. `fn find` gives the handler
/// of the function with an index into the table.
#[macro_export]
macro_rules! host_functions {
    (
        $(#[$doc:meta])*
        $visibility:vis const $functions:ident;
        impl [$($generics:tt)*] $host:ty {
            $seen:vis fn $find:ident -> $answer:ty;
            $($name:ident($($type:ty),*) $(-> $result:ty)?;)*
        }
    ) => {
        $(#[$doc])*
        $visibility const $functions: &[$crate::port::HostFunction] = &[
            $($crate::port::HostFunction {
                name: const {
                    $crate::port::host_functions::c_string(concat!(stringify!($name), "\0").as_bytes())
                },
                signature: const {
                    use $crate::port::host_functions::{HostValue, c_string, signature};
                    const PARAMETERS: &[u8] = &[$(<$type as HostValue>::LETTER),*];
                    const RESULTS: &[u8] = &[$(<$result as HostValue>::LETTER)?];
                    const BYTES: usize = PARAMETERS.len() + RESULTS.len() + 3;
                    const SIGNATURE: [u8; BYTES] = signature(PARAMETERS, RESULTS);
                    c_string(&SIGNATURE)
                },
            }),*
        ];

        impl<$($generics)*> $host {
            #[allow(clippy::type_complexity)] // written once
            $seen fn $find(
                function: usize,
            ) -> Option<fn(
                &mut Self,
                &mut $crate::port::memory::Memory<'_>,
                &$crate::port::host_functions::Parameters,
            ) -> $answer>
            {
                let handlers: &[fn(
                    &mut Self,
                    &mut $crate::port::memory::Memory<'_>,
                    &$crate::port::host_functions::Parameters,
                ) -> $answer] = &[$(
                    #[allow(unused_mut, unused_variables)] // without parameters
                    |host, memory, parameters| {
                        // The compiler knows their number, so it checks nothing.
                        let mut parameters = parameters.iter().copied();
                        host.$name(memory, $(
                            <$type as $crate::port::host_functions::Parameter>::from_argument(
                                parameters.next().unwrap_or_default(),
                            )
                        ),*)
                    }
                ),*];
                handlers.get(function).copied()
            }
        }
    };
}

/// Joins the functions in `parts` into one table, in that order. `N` is their number; in a constant
/// another number does not compile.
///
/// # Panics
/// If `N` is another number.
pub const fn join<const N: usize>(parts: &[&[HostFunction]]) -> [HostFunction; N] {
    const NONE: HostFunction = HostFunction {
        name: c"",
        signature: c"",
    };
    let mut table = [NONE; N];
    let mut room: &mut [HostFunction] = &mut table;
    let mut left: &[&[HostFunction]] = parts;
    while let Some((part, rest)) = left.split_first() {
        assert!(part.len() <= room.len(), "N is too small");
        let (here, behind) = room.split_at_mut(part.len());
        here.copy_from_slice(part);
        room = behind;
        left = rest;
    }
    assert!(room.is_empty(), "N is too large");
    table
}

/// Two hosts as one: the functions of the first come first in the engine's table.
pub struct Pair<'a> {
    /// Host of the first functions.
    pub first: &'a mut dyn Host,
    /// Number of the first functions.
    pub split: usize,
    /// Host of the other functions.
    pub second: &'a mut dyn Host,
}

impl Host for Pair<'_> {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), HostExit> {
        match function.checked_sub(self.split) {
            None => self.first.call(function, memory, arguments),
            Some(function) => self.second.call(function, memory, arguments),
        }
    }

    fn host_buffer_len(&self, function: usize) -> u32 {
        match function.checked_sub(self.split) {
            None => self.first.host_buffer_len(function),
            Some(function) => self.second.host_buffer_len(function),
        }
    }

    fn attach_host_buffer(&mut self, function: usize, address: u32, bytes: u32) {
        match function.checked_sub(self.split) {
            None => self.first.attach_host_buffer(function, address, bytes),
            Some(function) => self.second.attach_host_buffer(function, address, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn function(name: &'static CStr) -> HostFunction {
        HostFunction {
            name,
            signature: c"()",
        }
    }

    #[test]
    fn types_are_the_letters_of_the_signature() {
        const TYPE: [u8; 6] = signature(b"iI", b"F");
        let mut one = function(c"one");
        one.signature = c_string(&TYPE);
        assert_eq!(one.signature, c"(iI)F");
        assert_eq!(one.types(), ("iI", "F"));
        assert_eq!(function(c"none").types(), ("", ""));
    }

    #[test]
    fn functions_are_found_by_both_names_and_numbered_through_all_modules() {
        const FIRST: &[HostFunction] = &[function(c"one"), function(c"two")];
        const SECOND: &[HostFunction] = &[function(c"two"), function(c"three")];
        let (name, functions) = (c"a", FIRST);
        let first = HostModule { name, functions };
        let (name, functions) = (c"b", SECOND);
        let modules = [first, HostModule { name, functions }];
        let number = |module, name| HostModule::find(&modules, module, name).map(|found| found.0);
        assert_eq!(number("a", "two"), Some(1));
        assert_eq!(number("b", "two"), Some(2));
        assert_eq!(number("b", "three"), Some(3));
        assert_eq!(number("b", "one"), None);
        assert_eq!(number("b", "thre"), None);
        assert_eq!(number("c", "one"), None);
    }

    #[test]
    fn tables_are_joined_in_order() {
        const FIRST: &[HostFunction] = &[function(c"a"), function(c"b")];
        const SECOND: &[HostFunction] = &[function(c"c")];
        let joined: [HostFunction; 3] = join(&[FIRST, &[], SECOND]);
        assert_eq!(joined.map(|function| function.name()), ["a", "b", "c"]);
    }

    #[derive(Default)]
    struct Seen(Vec<(usize, u32)>);

    impl Host for Seen {
        fn call(&mut self, function: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), HostExit> {
            self.0.push((function, 0));
            Ok(())
        }

        fn host_buffer_len(&self, function: usize) -> u32 {
            function as u32 * 10
        }

        fn attach_host_buffer(&mut self, function: usize, address: u32, _: u32) {
            self.0.push((function, address));
        }
    }

    extern crate std;
    use std::vec::Vec;

    #[test]
    fn each_of_a_pair_gets_its_own_functions_by_its_own_numbers() {
        let (mut first, mut second) = (Seen::default(), Seen::default());
        let mut pair = Pair {
            first: &mut first,
            split: 2,
            second: &mut second,
        };
        for function in 0..4 {
            pair.call(function, &mut [], &mut [0]).unwrap();
        }
        assert_eq!((pair.host_buffer_len(1), pair.host_buffer_len(3)), (10, 10));
        pair.attach_host_buffer(1, 7, 1);
        pair.attach_host_buffer(2, 9, 1);
        assert_eq!(first.0, [(0, 0), (1, 0), (1, 7)]);
        assert_eq!(second.0, [(0, 0), (1, 0), (0, 9)]);
    }
}
