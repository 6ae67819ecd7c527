// SPDX-License-Identifier: Apache-2.0
//! `ocre flash create`: makes a flash file for a device's partition, empty or with images and
//! containers. The same inputs give the same bytes.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use ocre::command::CommandStatus;
use ocre::container::Name;
use ocre::image::judge::Policy;
use ocre::image::store::Tag;
use ocre::port::StorageError;
use ocre_oci::Sha256;
use ocre_pc::flash::{FileError, FileFlash, Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::firmware::Firmware;
use ocre_tools::partition;

use super::flash_containers::{self, Script};
use super::flash_hex;
use super::flash_images::{self, Wanted};
use super::output::LineOutput;
use super::zephyr_build;

/// Makes a flash file, empty or with images and containers.
#[derive(clap::Args, Debug)]
pub struct FlashCreateArgs {
    /// Size of the partition, such as 512K
    #[arg(long, value_name = "BYTES", value_parser = bytes, required_unless_present = "zephyr_build")]
    size: Option<u64>,
    /// Erase block of the flash in bytes, a power of two [default: 4096]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    block_size: Option<u64>,
    /// Folder of a Zephyr build, to take sizes, address and device limits from
    #[arg(long, value_name = "DIR")]
    zephyr_build: Option<PathBuf>,
    /// Image to import, and a name for it in the flash file
    #[arg(long, value_name = "LAYOUT[:REF|@DIGEST][=NAME[:TAG]]", value_parser = OsStringValueParser::new().try_map(flash_images::wanted))]
    image: Vec<Wanted>,
    /// Container to create: the words after `create` on a device
    #[arg(long, value_name = "LINE", allow_hyphen_values = true)]
    container: Vec<String>,
    /// File with lines of `create …`, and `start NAME` for containers that start at the first boot
    #[arg(long, value_name = "FILE")]
    containers: Option<PathBuf>,
    /// Address of the partition in the device's address space, for Intel HEX
    #[arg(long, value_parser = flash_hex::address)]
    address: Option<u64>,
    /// Output file; Intel HEX for a name that ends with .hex
    #[arg(short, long, value_name = "FILE", required = true)]
    output: Vec<PathBuf>,
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    ocre::command::arguments::bytes(text).ok_or("not a number of bytes, such as 65536, 64K or 8M")
}

/// Geometry of a flash of whole blocks; `None` where the sizes make no flash.
fn geometry(size: u64, block: u64) -> Option<Geometry> {
    let blocks = size.checked_div(block)?;
    if blocks.checked_mul(block)? != size {
        return None;
    }
    Geometry::new(u32::try_from(block).ok()?, u32::try_from(blocks).ok()?)
}

/// Device that the file is made for.
struct Purpose {
    geometry: Geometry,
    address: Option<u64>,
    firmware: Firmware,
}

impl Purpose {
    fn of(args: &FlashCreateArgs, policy: Policy<'static>, what: &str) -> Result<Self, Failure> {
        let build = args.zephyr_build.as_deref();
        let build = build.map(|folder| zephyr_build::read(folder, what));
        let build = build.transpose()?;
        let partition = build.as_ref().map(|build| &build.partition);
        let size = args.size.or(partition.map(|partition| partition.size));
        let block = match partition {
            None => Some(4096),
            Some(partition) => partition.block_size,
        };
        let block = args.block_size.or(block).ok_or_else(|| {
            let hints = "give the size with --block-size";
            Failure::new(what, "zephyr-partition", hints)
                .because("the partition's flash has no erase-block-size")
        })?;
        // clap requires either `--size` or a build.
        let size = size.unwrap_or_default();
        let geometry = geometry(size, block).ok_or_else(|| {
            let hints = format!(
                "blocks are powers of two from {} to {}; a flash has at least {} of them, and at most {} bytes",
                Geometry::MIN_BLOCK_BYTES,
                Geometry::MAX_BLOCK_BYTES,
                Geometry::MIN_BLOCKS,
                Geometry::MAX_BYTES
            );
            let sizes = format_args!("{size} bytes in blocks of {block} are not valid");
            Failure::new(what, "flash-geometry", hints).because(sizes)
        })?;
        Ok(Self {
            geometry,
            address: args
                .address
                .or(partition.map(|partition| partition.address)),
            firmware: build.map_or(Firmware::this(policy), |build| build.firmware),
        })
    }
}

/// Makes the file, and prints its sizes and content.
pub fn run(
    args: &FlashCreateArgs,
    policy: Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let names: Vec<String> = args
        .output
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let what = format!("can't make the flash file {}", names.join(" and "));
    let purpose = Purpose::of(args, policy, &what)?;
    let script = Script::read(args.containers.as_ref(), &args.container)?;
    let made = |error| partition::refused_file(&what, &FileError::Mount(error));
    let (memory, formatted) = LittleFs::format(RamFlash::new(purpose.geometry));
    formatted.map_err(made)?;
    let storage = LittleFs::mount(memory).map_err(|(_, error)| made(error))?;
    let too_small = |failure: Failure| match failure.code() == StorageError::NoSpace.code() {
        true => failure.advise("enlarge the flash with --size, or import less"),
        false => failure,
    };
    let images = flash_images::put(&args.image, &storage, &purpose.firmware, err);
    let images = images.map_err(too_small)?;
    let containers = flash_containers::put(&script, &storage, &purpose.firmware, err);
    let containers = containers.map_err(too_small)?;
    let flash = storage.with_flash(RamFlash::clone);
    write_all(&args.output, &flash, &purpose, &what)?;
    print(&names, &purpose, &images, &containers, out)
}

/// Writes all files, or none if one fails.
fn write_all(
    paths: &[PathBuf],
    flash: &RamFlash,
    purpose: &Purpose,
    what: &str,
) -> Result<(), Failure> {
    for (index, path) in paths.iter().enumerate() {
        if let Err(failure) = write(path, flash, purpose, what) {
            for made in &paths[..index] {
                // Only the first failure counts.
                let _ = fs::remove_file(made);
            }
            return Err(failure);
        }
    }
    Ok(())
}

fn write(path: &Path, flash: &RamFlash, purpose: &Purpose, what: &str) -> Result<(), Failure> {
    let is_hex = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("hex"));
    if !is_hex {
        return FileFlash::create(path, flash.clone())
            .map(drop)
            .map_err(|error| partition::refused_file(what, &error));
    }
    let address = purpose.address.ok_or_else(|| {
        let hints = "give --address the first byte of the partition";
        Failure::new(what, "flash-address", hints).because("Intel HEX needs an address")
    })?;
    let (text, _) = flash_hex::text(flash.content(), purpose.geometry, address, what)?;
    let written = ocre_files::create_new(path).and_then(|mut file| {
        let written = file.write_all(text.as_bytes());
        if written.is_err() {
            let _ = fs::remove_file(path);
        }
        written
    });
    written.map_err(|error| partition::refused_file(what, &error.into()))
}

fn print(
    names: &[String],
    purpose: &Purpose,
    images: &[(Tag, Sha256)],
    containers: &[Name],
    out: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let geometry = purpose.geometry;
    let printed = if out.json() {
        out.document(|out| {
            out.array("output", |out| {
                names.iter().for_each(|name| out.string(name))
            });
            out.unsigned("bytes", geometry.bytes());
            out.unsigned("block_bytes", geometry.block_bytes().into());
            if let Some(address) = purpose.address {
                out.unsigned("address", address);
            }
            out.array("images", |out| {
                images.iter().for_each(|(tag, digest)| {
                    out.object(|out| {
                        out.string("name", tag.as_str());
                        out.display("digest", &digest)
                    })
                })
            });
            out.array("containers", |out| {
                containers.iter().for_each(|name| out.string(name))
            })
        })
    } else {
        let sizes = format!(
            "{} bytes in {} blocks of {}",
            geometry.bytes(),
            geometry.blocks(),
            geometry.block_bytes()
        );
        let mut text = format!("made {}: {sizes}\n", names.join(" and "));
        for (tag, digest) in images {
            text += &format!("image {}: {digest}\n", tag.as_str());
        }
        for name in containers {
            text += &format!("container {name}\n");
        }
        out.text(&text)
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}
