// SPDX-License-Identifier: Apache-2.0
//! What crates of host functions have in common: how a list of functions becomes the engine's
//! table, and how two such crates serve one run.
//!
//! Promised: a function's entry in the table, its parameters and what handles it come from one
//! line, so that none can disagree with another.

use super::{Halt, Host, HostFunction, ValueType};

/// Most parameters of a host function.
pub const MAX_PARAMETERS: usize = 9;

/// What a handler is called with: where there are fewer, zeros follow.
pub type Parameters = [u64; MAX_PARAMETERS];

/// The arguments that an engine has handed over, for a handler.
pub fn parameters(arguments: &[u64]) -> Parameters {
    let mut parameters = [0; MAX_PARAMETERS];
    for (to, from) in parameters.iter_mut().zip(arguments) {
        *to = *from;
    }
    parameters
}

/// A parameter of a host function.
pub trait Parameter {
    /// Its wasm type.
    const TYPE: ValueType;

    /// From an engine's argument, where a narrower one is in the low bits.
    fn from_argument(argument: u64) -> Self;
}

impl Parameter for u32 {
    const TYPE: ValueType = ValueType::I32;

    fn from_argument(argument: u64) -> Self {
        let [a, b, c, d, ..] = argument.to_le_bytes();
        Self::from_le_bytes([a, b, c, d])
    }
}

impl Parameter for i32 {
    const TYPE: ValueType = ValueType::I32;

    fn from_argument(argument: u64) -> Self {
        u32::from_argument(argument).cast_signed()
    }
}

impl Parameter for u64 {
    const TYPE: ValueType = ValueType::I64;

    fn from_argument(argument: u64) -> Self {
        argument
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
        $visibility:vis const $functions:ident = $module:expr;
        impl [$($generics:tt)*] $host:ty {
            $seen:vis fn $find:ident -> $answer:ty;
            $($name:ident($($type:ty),*) $(-> $result:ident)?;)*
        }
    ) => {
        $(#[$doc])*
        $visibility const $functions: &[$crate::port::HostFunction] = &[
            $($crate::port::HostFunction {
                module: $module,
                name: stringify!($name),
                params: &[$(<$type as $crate::port::host::Parameter>::TYPE),*],
                results: &[$($crate::port::ValueType::$result)?],
            }),*
        ];

        impl<$($generics)*> $host {
            #[allow(clippy::type_complexity)] // it is said once
            $seen fn $find(
                function: usize,
            ) -> Option<fn(
                &mut Self,
                &mut $crate::port::memory::Memory<'_>,
                &$crate::port::host::Parameters,
            ) -> $answer>
            {
                let handlers: &[fn(
                    &mut Self,
                    &mut $crate::port::memory::Memory<'_>,
                    &$crate::port::host::Parameters,
                ) -> $answer] = &[$(
                    #[allow(unused_mut, unused_variables)] // without parameters
                    |host, memory, parameters| {
                        // Their number is known to the compiler, so it checks nothing.
                        let mut parameters = parameters.iter().copied();
                        host.$name(memory, $(
                            <$type as $crate::port::host::Parameter>::from_argument(
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

/// One table of the functions in `parts`, in that order. `N` is how many there are together; in
/// a constant another number does not compile.
///
/// # Panics
/// Where `N` is another number, or a function has more than [`MAX_PARAMETERS`].
pub const fn join<const N: usize>(parts: &[&[HostFunction]]) -> [HostFunction; N] {
    const NONE: HostFunction = HostFunction {
        module: "",
        name: "",
        params: &[],
        results: &[],
    };
    let mut table = [NONE; N];
    let mut room: &mut [HostFunction] = &mut table;
    let mut left: &[&[HostFunction]] = parts;
    while let Some((part, rest)) = left.split_first() {
        assert!(part.len() <= room.len(), "N is too small");
        let (here, behind) = room.split_at_mut(part.len());
        here.copy_from_slice(part);
        let mut functions = *part;
        while let Some((function, rest)) = functions.split_first() {
            assert!(
                function.params.len() <= MAX_PARAMETERS,
                "too many parameters"
            );
            functions = rest;
        }
        room = behind;
        left = rest;
    }
    assert!(room.is_empty(), "N is too large");
    table
}

/// Two hosts as one: the functions of the first come first in the engine's table.
pub struct Pair<'a> {
    /// Serves the first functions.
    pub first: &'a mut dyn Host,
    /// How many those are.
    pub split: usize,
    /// Serves the others.
    pub second: &'a mut dyn Host,
}

impl Host for Pair<'_> {
    fn call(
        &mut self,
        function: usize,
        memory: &mut [u8],
        arguments: &mut [u64],
    ) -> Result<(), Halt> {
        match function.checked_sub(self.split) {
            None => self.first.call(function, memory, arguments),
            Some(function) => self.second.call(function, memory, arguments),
        }
    }

    fn room_for(&self, function: usize) -> u32 {
        match function.checked_sub(self.split) {
            None => self.first.room_for(function),
            Some(function) => self.second.room_for(function),
        }
    }

    fn give_room(&mut self, function: usize, address: u32, bytes: u32) {
        match function.checked_sub(self.split) {
            None => self.first.give_room(function, address, bytes),
            Some(function) => self.second.give_room(function, address, bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn function(name: &'static str) -> HostFunction {
        HostFunction {
            module: "m",
            name,
            params: &[],
            results: &[],
        }
    }

    #[test]
    fn tables_are_joined_in_order() {
        const FIRST: &[HostFunction] = &[function("a"), function("b")];
        const SECOND: &[HostFunction] = &[function("c")];
        let joined: [HostFunction; 3] = join(&[FIRST, &[], SECOND]);
        assert_eq!(joined.map(|function| function.name), ["a", "b", "c"]);
    }

    #[derive(Default)]
    struct Seen(Vec<(usize, u32)>);

    impl Host for Seen {
        fn call(&mut self, function: usize, _: &mut [u8], _: &mut [u64]) -> Result<(), Halt> {
            self.0.push((function, 0));
            Ok(())
        }

        fn room_for(&self, function: usize) -> u32 {
            function as u32 * 10
        }

        fn give_room(&mut self, function: usize, address: u32, _: u32) {
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
        assert_eq!((pair.room_for(1), pair.room_for(3)), (10, 10));
        pair.give_room(1, 7, 1);
        pair.give_room(2, 9, 1);
        assert_eq!(first.0, [(0, 0), (1, 0), (1, 7)]);
        assert_eq!(second.0, [(0, 0), (1, 0), (0, 9)]);
    }
}
