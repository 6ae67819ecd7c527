// SPDX-License-Identifier: Apache-2.0
//! Looks into an AOT file before WAMR does, for what WAMR's loader trusts and must not.
//!
//! The text section begins with the length of its literals, and the code is what follows them.
//! WAMR 2.4.3 does not compare that length with the section's (`load_text_section`): a damaged
//! file makes it relocate code far outside the section. Whatever else is wrong with a file is
//! for WAMR to find.

/// What an AOT file begins with; a version follows.
pub(crate) const MAGIC: &[u8] = b"\0aot";
/// Bytes of magic and version.
const HEADER: usize = 8;
/// The type of the section that holds machine code.
const TEXT: u32 = 2;

/// Whether the literals of every text section lie inside it. The file is at a multiple of 8.
pub(crate) fn literals_fit(file: &[u8]) -> bool {
    let mut rest = file.get(HEADER..).unwrap_or_default();
    while let Some((kind, body, after)) = section(file, rest) {
        let literals = number(body).map_or(0, |(bytes, _)| u64::from(bytes));
        // An empty section has no length in it.
        if kind == TEXT && !body.is_empty() && literals + 4 > body.len() as u64 {
            return false;
        }
        rest = after;
    }
    true
}

/// The section at the front: its type, what it holds, what follows it.
fn section<'f>(file: &[u8], at: &'f [u8]) -> Option<(u32, &'f [u8], &'f [u8])> {
    // Types are aligned to 4 bytes in the file; sizes then are too.
    let padding = (file.len() - at.len()).next_multiple_of(4) - (file.len() - at.len());
    let (kind, at) = number(at.get(padding..)?)?;
    let (bytes, at) = number(at)?;
    let (body, after) = at.split_at_checked(usize::try_from(bytes).ok()?)?;
    Some((kind, body, after))
}

fn number(at: &[u8]) -> Option<(u32, &[u8])> {
    let (bytes, rest) = at.split_first_chunk()?;
    Some((u32::from_ne_bytes(*bytes), rest))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// A file with a section of 5 bytes, padding, and a text section of 12 bytes.
    fn file(literals: u32) -> Vec<u8> {
        let mut file = b"\0aot\x06\0\0\0".to_vec();
        for (kind, body) in [(1_u32, &[9_u8; 5][..]), (TEXT, &[0; 12])] {
            file.resize(file.len().next_multiple_of(4), 0);
            file.extend(kind.to_ne_bytes());
            file.extend((body.len() as u32).to_ne_bytes());
            file.extend(body);
        }
        let text = file.len() - 12;
        file[text..text + 4].copy_from_slice(&literals.to_ne_bytes());
        file
    }

    #[test]
    fn literals_up_to_the_sections_end_fit() {
        assert!(literals_fit(&file(0)));
        assert!(literals_fit(&file(8)));
    }

    #[test]
    fn literals_past_the_sections_end_do_not() {
        assert!(!literals_fit(&file(9)));
        assert!(!literals_fit(&file(u32::MAX)));
    }

    #[test]
    fn a_file_that_is_cut_is_left_to_wamr() {
        let file = file(9);
        assert!((0..file.len()).all(|length| literals_fit(&file[..length])));
    }
}
