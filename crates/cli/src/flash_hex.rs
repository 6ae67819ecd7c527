// SPDX-License-Identifier: Apache-2.0
//! `ocre flash hex`: writes a flash file as Intel HEX, for tools that program a board's flash.
//!
//! Erased blocks are left out: the file system erases every block before it uses it. The first two
//! blocks, with which a mount begins, are always written.

use std::fs;
use std::path::{Path, PathBuf};

use ihex::Record;
use ocre::command::CommandStatus;
use ocre_pc::flash::{FileFlash, Geometry};
use ocre_tools::failure::Failure;
use ocre_tools::partition::{self, Partition};

use super::output::LineOutput;

/// Bytes in a record: a number that every reader takes.
const RECORD_BYTES: usize = 16;

/// Bytes that records reach without a new upper half of the address. A multiple of a record, so
/// that no record crosses its end.
const WINDOW_BYTES: u64 = 0x1_0000;

/// End of the format's addresses, exclusive.
const END: u64 = 1 << 32;

/// Number of blocks with a superblock, at the start.
const SUPERBLOCKS: usize = 2;

/// Writes a flash file as Intel HEX.
#[derive(clap::Args, Debug)]
pub struct FlashHexArgs {
    /// Flash file
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Address of the partition in the device's address space, such as 0x100000
    #[arg(long, value_parser = address)]
    address: u64,
    /// Output file
    #[arg(short, long, value_name = "OUT.hex")]
    output: PathBuf,
}

/// Parses an address, for clap.
pub fn address(text: &str) -> Result<u64, &'static str> {
    let parsed = match text.strip_prefix("0x") {
        // from_str_radix would take a sign.
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u64::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None => ocre::command::arguments::number(text),
    };
    parsed
        .filter(|address| address.is_multiple_of(RECORD_BYTES as u64))
        .ok_or("not a multiple of 16, in decimal or as 0x and hex digits")
}

/// Writes the file, and prints its sizes.
pub fn run(args: &FlashHexArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let partition = open(&args.input)?;
    let geometry = partition.geometry();
    let what = format!("can't write {}", args.output.display());
    let flash = partition
        .with_flash(FileFlash::copy)
        .map_err(|error| partition::unusable(&args.input, &error))?;
    let (hex, blocks) = text(flash.content(), geometry, args.address, &what)?;
    fs::write(&args.output, hex).map_err(|error| Failure::io(&what, &error))?;
    let bytes = u64::from(blocks) * u64::from(geometry.block_bytes());
    let printed = if out.json() {
        out.document(|out| {
            out.display("output", &args.output.display());
            out.unsigned("address", args.address);
            out.unsigned("bytes", bytes)
        })
    } else {
        out.line(format_args!(
            "wrote {}: {bytes} bytes of {} from {:#x} on, the others are erased",
            args.output.display(),
            geometry.bytes(),
            args.address
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

fn open(path: &Path) -> Result<Partition, Failure> {
    Partition::open(path).map_err(|error| partition::unusable(path, &error))
}

/// Converts a flash's content to Intel HEX for an address. Returns the text and the number of
/// blocks in it.
///
/// # Errors
/// `flash-address`; `flash-hex`, which does not happen.
pub fn text(
    content: &[u8],
    geometry: Geometry,
    address: u64,
    what: &str,
) -> Result<(String, u32), Failure> {
    let wrong = if address.saturating_add(geometry.bytes()) > END {
        Some("the format's addresses have 32 bits")
    } else if !address.is_multiple_of(RECORD_BYTES as u64) {
        Some("the address is not a multiple of 16")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        let hints = "give --address the first byte of the partition";
        return Err(Failure::new(what, "flash-address", hints).because(wrong));
    }
    let (records, blocks) = records(content, geometry.block_bytes(), address);
    let text = ihex::create_object_file_representation(&records).map_err(|error| {
        let hints = "this is a bug of ocre: report it";
        Failure::new(what, "flash-hex", hints).because(error)
    })?;
    Ok((text + "\n", blocks))
}

/// Makes the records. Returns them and the number of blocks in them.
fn records(content: &[u8], block_bytes: u32, address: u64) -> (Vec<Record>, u32) {
    let mut records = Vec::new();
    let mut blocks = 0;
    let mut window = None;
    let mut at = address;
    for (index, block) in content.chunks(block_bytes as usize).enumerate() {
        if index >= SUPERBLOCKS && block.iter().all(|byte| *byte == 0xff) {
            at += block.len() as u64;
            continue;
        }
        blocks += 1;
        for piece in block.chunks(RECORD_BYTES) {
            let (upper, offset) = (at / WINDOW_BYTES, at % WINDOW_BYTES);
            if window != Some(upper) {
                window = Some(upper);
                records.push(Record::ExtendedLinearAddress(upper as u16));
            }
            records.push(Record::Data {
                offset: offset as u16,
                value: piece.to_vec(),
            });
            at += piece.len() as u64;
        }
    }
    records.push(Record::EndOfFile);
    (records, blocks)
}
