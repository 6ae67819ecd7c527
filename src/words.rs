// SPDX-License-Identifier: Apache-2.0
//! Words that stand for the variants of an enum, all of them in one text: a table of texts takes
//! eight bytes more for each.

/// The word at a place in a list of words with one space between them.
#[inline(never)]
pub fn word(words: &'static str, place: usize) -> &'static str {
    words.split(' ').nth(place).unwrap_or_default()
}

/// Checks that the codes of an enum's variants are those that their names say: `prefix`, and the
/// name in lower case with hyphens. Some may differ.
#[cfg(test)]
pub fn assert_named<T: core::fmt::Debug>(
    variants: &[T],
    prefix: &str,
    code: impl Fn(&T) -> &'static str,
    but: &[(&str, &str)],
) {
    extern crate std;
    for variant in variants {
        let name = std::format!("{variant:?}");
        let mut wanted = std::string::String::from(prefix);
        for (place, character) in name.char_indices() {
            if character.is_uppercase() && place > 0 {
                wanted.push('-');
            }
            wanted.extend(character.to_lowercase());
        }
        let other = but.iter().find(|(variant, _)| *variant == name);
        assert_eq!(code(variant), other.map_or(&*wanted, |(_, code)| code));
    }
}
