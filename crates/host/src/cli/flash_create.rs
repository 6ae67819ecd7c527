// SPDX-License-Identifier: Apache-2.0
//! `ocre flash create`: an empty flash file for a device's partition.

use std::path::PathBuf;

use ocre::command::Status;
use ocre_host::flash::Geometry;

use super::device::{self, Partition};
use super::failure::Failure;
use super::output::Output;

/// Makes an empty flash file.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Size of the partition, such as 512K
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    size: u64,
    /// How much the flash erases at once, a power of two
    #[arg(long, value_name = "BYTES", default_value = "4096", value_parser = bytes)]
    block_size: u64,
    /// The file to make
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    ocre::command::arguments::bytes(text)
        .ok_or("not a number of bytes, which may have K, M or G behind it")
}

/// A flash of whole blocks.
fn geometry(size: u64, block: u64) -> Option<Geometry> {
    let blocks = size.checked_div(block)?;
    if blocks.checked_mul(block)? != size {
        return None;
    }
    Geometry::new(u32::try_from(block).ok()?, u32::try_from(blocks).ok()?)
}

/// Makes it, and prints its sizes.
pub fn run(args: &Args, out: &mut Output) -> Result<Status, Failure> {
    let what = format!("can't make the flash file {}", args.output.display());
    let geometry = geometry(args.size, args.block_size).ok_or_else(|| {
        let advice = format!(
            "blocks are powers of two from {} to {}; a flash has at least {} of them, and at most {} bytes",
            Geometry::MIN_BLOCK_BYTES,
            Geometry::MAX_BLOCK_BYTES,
            Geometry::MIN_BLOCKS,
            Geometry::MAX_BYTES
        );
        let sizes = format_args!(
            "{} bytes in blocks of {} is no flash",
            args.size, args.block_size
        );
        Failure::new(&what, "flash-geometry", advice).because(sizes)
    })?;
    Partition::create(&args.output, geometry)
        .map_err(|error| device::refused_file(&what, &error))?;
    let printed = if out.json() {
        out.document(|out| {
            out.string("output", args.output.display())?;
            out.unsigned("bytes", geometry.bytes())?;
            out.unsigned("block_bytes", geometry.block_bytes().into())
        })
    } else {
        out.line(format_args!(
            "made {}: {} bytes in {} blocks of {}",
            args.output.display(),
            geometry.bytes(),
            geometry.blocks(),
            geometry.block_bytes()
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(Status::Ok)
}
