// SPDX-License-Identifier: Apache-2.0
//! Enums whose variants have stable codes.

/// Word number `place` of a list of words with one space between them.
#[inline(never)]
pub fn word(words: &'static str, place: usize) -> &'static str {
    words.split(' ').nth(place).unwrap_or_default()
}

/// Declares an enum from one table of variants and codes: the enum itself, `ALL` with every
/// variant in order of declaration, `code` with the stable code of a variant, and `Display`, which
/// writes the code.
///
/// The codes are one text, in which [`word`] looks one up: a table of texts takes eight bytes more
/// of flash for each.
///
/// ```
/// ocre_oci::coded_enum! {
///     /// State of a door.
///     pub enum Door {
///         /// Closed.
///         Closed = "door-closed",
///         /// Closed and locked.
///         Locked = "door-locked",
///     }
/// }
/// assert_eq!(Door::Locked.code(), "door-locked");
/// assert_eq!(Door::ALL, [Door::Closed, Door::Locked]);
/// ```
#[macro_export]
macro_rules! coded_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(#[$first_meta:meta])*
            $first:ident = $first_code:literal,
            $($(#[$variant_meta:meta])* $variant:ident = $code:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum $name {
            $(#[$first_meta])*
            $first,
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// Every variant, in order of declaration.
            pub const ALL: [Self; [$first_code, $($code),*].len()] =
                [Self::$first, $(Self::$variant),*];

            /// Stable code, as users, scripts and `docs/errors.md` know it.
            pub fn code(self) -> &'static str {
                const CODES: &str = concat!($first_code, $(" ", $code),*);
                $crate::codes::word(CODES, self as usize)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}
