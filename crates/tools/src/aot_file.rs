// SPDX-License-Identifier: Apache-2.0
//! Annotations in an AOT file, which the layer made of it takes over.
//!
//! WAMR's header records neither the CPU nor the calling convention nor WAMR's own version. So
//! `ocre aot` adds a custom section with them before the checksum, and `ocre image pack` reads
//! it. WAMR skips it.
//!
//! Design: sections follow an 8-byte header, each at a multiple of 4 bytes: type and size, then as
//! many bytes. A custom section (type 100) begins with a sub-type, 0 for one that only has a name:
//! a 16-bit length and as many bytes, the last of which is NUL. All numbers are little-endian.
//! After the name come lines `annotation=value`.

use ocre::image::aot::MAGIC;
use ocre_module_reader::aot::{seal, without_seal};

const NAME: &[u8] = b"dev.ocre.aot\0";
const CUSTOM: u32 = 100;
const RAW: u32 = 0;
const HEADER_BYTES: usize = 8;

/// An annotation and its value.
pub type Annotation = (String, String);

/// Adds the section at the end, before a checksum of all.
pub fn append<'a>(file: &mut Vec<u8>, annotations: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let mut text = String::new();
    for (name, value) in annotations {
        text += &format!("{name}={value}\n");
    }
    let mut body = RAW.to_le_bytes().to_vec();
    body.extend((NAME.len() as u16).to_le_bytes());
    body.extend(NAME);
    body.extend(text.as_bytes());
    let bytes = without_seal(file).unwrap_or(file).len();
    file.truncate(bytes);
    file.resize(bytes.next_multiple_of(4), 0);
    file.extend(CUSTOM.to_le_bytes());
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file.resize(file.len().next_multiple_of(4), 0);
    file.extend(seal(file));
}

/// True where a file begins as AOT code does.
pub fn is_aot(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// Reads the section; `None` where there is none, or a damaged one.
pub fn annotations(file: &[u8]) -> Option<Vec<Annotation>> {
    let mut at = HEADER_BYTES;
    loop {
        at = at.checked_next_multiple_of(4)?;
        let kind = u32_at(file, at)?;
        let size = usize::try_from(u32_at(file, at + 4)?).ok()?;
        let body = file.get(at + 8..)?.get(..size)?;
        if kind == CUSTOM
            && let Some(text) = named(body)
        {
            return text
                .lines()
                .map(|line| {
                    let (name, value) = line.split_once('=')?;
                    Some((name.to_owned(), value.to_owned()))
                })
                .collect();
        }
        at += 8 + size;
    }
}

/// Content of a custom section with the name [`NAME`]; `None` for another section.
fn named(body: &[u8]) -> Option<&str> {
    let rest = body.strip_prefix(&RAW.to_le_bytes())?;
    let rest = rest.strip_prefix(&(NAME.len() as u16).to_le_bytes())?;
    std::str::from_utf8(rest.strip_prefix(NAME)?).ok()
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    let bytes = file.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use ocre_module_reader::aot::SEAL_BYTES;

    use super::*;

    /// Makes a header and a section of 5 bytes, which leaves the end unaligned.
    fn file() -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend(6_u32.to_le_bytes());
        file.extend(0_u32.to_le_bytes());
        file.extend(5_u32.to_le_bytes());
        file.extend(*b"12345");
        file
    }

    #[test]
    fn what_is_appended_is_read() {
        let mut file = file();
        append(&mut file, [("dev.ocre.aot.cpu", "cortex-m3"), ("a", "b=c")]);
        let expected = [("dev.ocre.aot.cpu", "cortex-m3"), ("a", "b=c")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(annotations(&file).unwrap(), expected);
    }

    #[test]
    fn a_file_has_one_checksum_at_its_end() {
        let mut file = file();
        append(&mut file, [("a", "b")]);
        let once = file.len();
        append(&mut file, [("a", "b")]);
        let rest = without_seal(&file).unwrap();
        assert_eq!(file[rest.len()..], seal(rest));
        assert!(
            rest.windows(SEAL_BYTES)
                .all(|bytes| without_seal(bytes).is_none())
        );
        assert_eq!(file.len() - once, 8 + 24);
    }

    #[test]
    fn a_file_without_the_section_has_no_annotations() {
        assert_eq!(annotations(&file()), None);
        assert_eq!(annotations(b""), None);
        assert_eq!(annotations(b"\0aot"), None);
    }

    #[test]
    fn a_file_that_is_cut_or_lies_about_sizes_has_none() {
        let mut whole = file();
        // A section that ends at a multiple of 4.
        append(&mut whole, [("a", "bc")]);
        for length in 0..whole.len() - SEAL_BYTES {
            assert_eq!(annotations(&whole[..length]), None, "{length} bytes");
        }
        whole[12..16].fill(0xff);
        assert_eq!(annotations(&whole), None);
    }
}
