// SPDX-License-Identifier: Apache-2.0
//! `reader [TITLE…]`
//!
//! Reads blob layers of its own image, which a container finds read-only under
//! `/image`, named by their titles. For each TITLE, or for every file there if
//! none is named, it prints a line `TITLE: N bytes, crc32 XXXXXXXX`; the CRC is
//! the common one (IEEE 802.3, as in zlib). Exits with 1 where one can't be
//! read.

use std::fs::{self, File};
use std::io::{self, Read};
use std::process::ExitCode;

ocre_guest::libc_heap!(16 * 1024);

const IMAGE: &str = "/image";

fn main() -> ExitCode {
    let mut titles: Vec<String> = std::env::args().skip(1).collect();
    if titles.is_empty() {
        match list() {
            Ok(found) => titles = found,
            Err(error) => return fail(IMAGE, &error),
        }
    }
    for title in titles {
        match sum(&title) {
            Ok((length, crc)) => println!("{title}: {length} bytes, crc32 {crc:08x}"),
            Err(error) => return fail(&title, &error),
        }
    }
    ExitCode::SUCCESS
}

fn fail(what: &str, error: &io::Error) -> ExitCode {
    eprintln!("reader: {what}: {error}");
    ExitCode::FAILURE
}

/// The titles under [`IMAGE`], sorted, so that the output does not depend on
/// the order in which a file system lists them.
fn list() -> io::Result<Vec<String>> {
    let mut titles = Vec::new();
    for entry in fs::read_dir(IMAGE)? {
        titles.push(entry?.file_name().to_string_lossy().into_owned());
    }
    titles.sort();
    Ok(titles)
}

/// Length in bytes and CRC-32 of a blob, read piece by piece: a blob may be
/// larger than the guest's memory.
fn sum(title: &str) -> io::Result<(u64, u32)> {
    let mut file = File::open(format!("{IMAGE}/{title}"))?;
    let mut piece = [0; 512];
    let mut length = 0;
    let mut crc = u32::MAX;
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok((length, !crc));
        }
        length += n as u64;
        crc = piece[..n]
            .iter()
            .fold(crc, |crc, byte| crc32_step(crc, *byte));
    }
}

fn crc32_step(crc: u32, byte: u8) -> u32 {
    (0..8).fold(crc ^ u32::from(byte), |crc, _| {
        (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
    })
}
