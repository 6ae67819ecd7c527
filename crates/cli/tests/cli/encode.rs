// SPDX-License-Identifier: Apache-2.0
//! Modules in the binary format, byte by byte, for content that the text format can't express.

use wasm_encoder::Encode as _;

/// A type section with the type of a function that takes and gives nothing.
pub const NOTHING: &[u8] = b"\x01\x60\0\0";

/// A number in LEB128.
pub fn leb(number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    number.encode(&mut bytes);
    bytes
}

/// Items behind their number.
pub fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [leb(items.len() as u32), items.concat()].concat()
}

/// Sections behind the preamble.
pub fn module(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    for (id, body) in sections {
        bytes.push(*id);
        bytes.extend(leb(body.len() as u32));
        bytes.extend(body);
    }
    bytes
}
