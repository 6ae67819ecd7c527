// SPDX-License-Identifier: Apache-2.0
//! The entries of a zip file, stored or deflated.

use std::fs::File;
use std::io::Read;

use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use super::ByteRange;
use super::entries::Entries;
use super::error::{ArchiveError, ArchiveFault};
use flate2::Crc;
use flate2::read::DeflateDecoder;

/// Bytes that any archive may unpack to.
const FREE_BYTES: u64 = 64 << 20;

/// Largest ratio of unpacked bytes to the archive's size, above [`FREE_BYTES`].
const MAX_RATIO: u64 = 200;

/// Lists a zip file of `length` bytes, and unpacks its deflated entries once.
///
/// # Errors
/// See [`ArchiveFault`].
pub fn list(file: &File, length: u64) -> Result<Entries, ArchiveError> {
    let format = |error: rawzip::Error| ArchiveError::new(ArchiveFault::Format, "").because(error);
    let again = file
        .try_clone()
        .map_err(|error| ArchiveError::new(ArchiveFault::Io, "").because(error))?;
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(again, &mut buffer).map_err(format)?;
    let mut entries = Entries::default();
    let mut ranges = Vec::new();
    let mut packed = Vec::new();
    let (mut count, mut total) = (0_u64, 0_u64);
    let mut all = archive.entries(&mut buffer);
    while let Some(record) = all.next_entry().map_err(format)? {
        count += 1;
        let name = record.file_path().as_bytes().to_vec();
        let at = String::from_utf8_lossy(&name[..name.len().min(200)]).into_owned();
        let special =
            |detail: &str| ArchiveError::new(ArchiveFault::Special, &at).because(detail.to_owned());
        if record.mode().is_symlink() {
            return Err(ArchiveError::new(ArchiveFault::Link, at));
        }
        // Archives made on Unix state the kind of each file.
        if !matches!(record.mode().value() & 0o170_000, 0 | 0o040_000 | 0o100_000) {
            return Err(special("the entry is not a regular file"));
        }
        if record.flags().is_encrypted() || record.flags().is_masked() {
            return Err(special("the entry is encrypted"));
        }
        let deflated = match record.compression_method() {
            CompressionMethod::STORE => false,
            CompressionMethod::DEFLATE => true,
            other => return Err(special(&format!("the entry is compressed with {other}"))),
        };
        let size = record.uncompressed_size_hint();
        let (local, crc) = (record.local_header_offset(), record.crc32());
        let entry = archive.get_entry(record.wayfinder()).map_err(format)?;
        let (start, end) = entry.compressed_data_range();
        let inside = start <= end && end <= length;
        if !inside || (!deflated && end - start != size) {
            let detail = "the two headers give different sizes";
            return Err(ArchiveError::new(ArchiveFault::Size, at).because(detail));
        }
        if record.is_dir() {
            entries.add(&name, None)?;
            continue;
        }
        total = total.saturating_add(size);
        ranges.push((local, end));
        let place = ByteRange {
            start,
            size,
            packed: deflated.then_some(end - start),
        };
        entries.add(&name, Some(place))?;
        if deflated {
            packed.push((at, place, crc));
        }
    }
    if count != archive.entries_hint() {
        let detail = format!("{count} entries, not {}", archive.entries_hint());
        return Err(ArchiveError::new(ArchiveFault::Format, "").because(detail));
    }
    if total > FREE_BYTES && total / MAX_RATIO > length {
        let detail = format!("{total} bytes, from {length}");
        return Err(ArchiveError::new(ArchiveFault::Bomb, "").because(detail));
    }
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        let detail = "entries overlap";
        return Err(ArchiveError::new(ArchiveFault::Bomb, "").because(detail));
    }
    for (at, place, crc) in packed {
        check(file, &at, place, crc)?;
    }
    Ok(entries)
}

/// Checks size and CRC-32 of an entry by unpacking it; the content is dropped.
fn check(file: &File, at: &str, place: ByteRange, crc: u32) -> Result<(), ArchiveError> {
    let wrong =
        |detail: &dyn std::fmt::Display| ArchiveError::new(ArchiveFault::Size, at).because(detail);
    let file = file
        .try_clone()
        .map_err(|error| ArchiveError::new(ArchiveFault::Io, at).because(error))?;
    let section = super::Section {
        file: file.into(),
        position: place.start,
        end: place.start + place.packed.unwrap_or(0),
    };
    let mut decoder = DeflateDecoder::new(section);
    let mut found = Crc::new();
    let mut size = 0_u64;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = decoder.read(&mut buffer).map_err(|error| wrong(&error))?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if size > place.size {
            return Err(wrong(&format_args!("more than {} bytes", place.size)));
        }
        found.update(&buffer[..count]);
    }
    if size != place.size {
        return Err(wrong(&format_args!("{size} bytes, not {}", place.size)));
    }
    if found.sum() != crc {
        return Err(wrong(&"the checksum does not match"));
    }
    Ok(())
}
