// SPDX-License-Identifier: Apache-2.0
//! The checksum that ends an AOT file.
//!
//! No check can prove machine code right, nor the relocations, jump tables and function offsets
//! that belong to it. A checksum finds a file that was damaged after it was compiled. `ocre aot`
//! appends a custom section that WAMR skips: its sub-type, and the CRC-32 of all bytes of the
//! file before it.

/// Bytes of the section with the checksum.
pub const SEAL_BYTES: usize = 16;

/// Type, size and sub-type of the section: `ocre` is the number.
const HEADER: [u8; 12] = *b"\x64\0\0\0\x08\0\0\0ocre";

/// The section to append to a file whose length is a multiple of 4.
pub fn seal(file: &[u8]) -> [u8; SEAL_BYTES] {
    let [a, b, c, d] = (!update(update(!0, file), &HEADER)).to_le_bytes();
    let [t0, t1, t2, t3, s0, s1, s2, s3, k0, k1, k2, k3] = HEADER;
    [t0, t1, t2, t3, s0, s1, s2, s3, k0, k1, k2, k3, a, b, c, d]
}

/// The file without the section, if it ends in one; its checksum may be wrong.
pub fn without_seal(file: &[u8]) -> Option<&[u8]> {
    let (rest, section) = file.split_last_chunk::<SEAL_BYTES>()?;
    section.starts_with(&HEADER).then_some(rest)
}

/// Compares the checksum at a file's end with its content.
pub(super) fn is_sealed(file: &[u8]) -> bool {
    file.split_last_chunk()
        .is_some_and(|(rest, section)| *section == seal(rest))
}

/// Tells the sub-type of the checksum's section from others.
pub(super) fn is_sub_type(sub_type: u32) -> bool {
    HEADER.ends_with(&sub_type.to_le_bytes())
}

/// Goes on with a CRC-32 (polynomial 0x04C11DB7, reflected), half a byte at a time.
fn update(checksum: u32, bytes: &[u8]) -> u32 {
    /// Checksum of each half byte.
    const TABLE: [u32; 16] = [
        0x0000_0000,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let half = |checksum: u32| {
        let entry = TABLE.get((checksum & 15) as usize).copied();
        checksum >> 4 ^ entry.unwrap_or_default()
    };
    bytes.iter().fold(checksum, |checksum, &byte| {
        half(half(checksum ^ u32::from(byte)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_gzip_and_png_use() {
        assert_eq!(!update(!0, b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn each_changed_bit_is_told() {
        let mut file = [0; 40];
        file[..24].copy_from_slice(b"some sections of a file.");
        let section = seal(&file[..24]);
        file[24..].copy_from_slice(&section);
        assert!(is_sealed(&file));
        assert_eq!(without_seal(&file), Some(&file[..24]));
        for bit in 0..8 * file.len() {
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_sealed(&file), "bit {bit}");
            file[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_file_that_is_shorter_has_none() {
        assert!(!is_sealed(b""));
        assert!(!is_sealed(&HEADER));
        assert_eq!(without_seal(&HEADER), None);
        assert_eq!(without_seal(b"no section of 16 bytes"), None);
    }
}
