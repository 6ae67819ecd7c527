// SPDX-License-Identifier: Apache-2.0
//! `ocre flash info`: prints the sizes of a flash file, and the images and containers in it.
//!
//! The device's own commands list the latter, on a copy in memory.

use std::path::{Path, PathBuf};

use ocre::command::CommandStatus;
use ocre::command::arguments::Key;
use ocre::image::judge::Policy;
use ocre::port::Storage as _;
use ocre_oci::json::{self, Caps};
use ocre_pc::flash::{FileError, FileFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::firmware::Firmware;
use ocre_tools::partition;

use super::command_line::CommandLine;
use super::device::SimulatedDevice;
use super::output::LineOutput;

/// Tells what is in a flash file.
#[derive(clap::Args, Debug)]
pub struct FlashInfoArgs {
    /// Flash file [default: the file of --flash]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Prints the facts.
pub fn run(
    args: &FlashInfoArgs,
    flash: Option<&Path>,
    policy: Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let file = partition::flash_file(args.file.as_deref().or(flash))?;
    let unusable = |error: FileError| partition::unusable(&file, &error);
    let mount = |error| unusable(FileError::Mount(error));
    let partition = LittleFs::open_to_read(&file).map_err(unusable)?;
    let geometry = partition.geometry();
    let (major, minor) = partition.version().map_err(mount)?;
    let space = partition.space().map_err(mount)?;
    let free = space.free / u64::from(geometry.block_bytes());
    let used = u64::from(geometry.blocks()).saturating_sub(free);

    let copy = partition.with_flash(FileFlash::copy).map_err(unusable)?;
    let copy = LittleFs::mount(copy).map_err(|(_, error)| mount(error))?;
    let mut copy = SimulatedDevice::prepare(copy, &Firmware::this(policy))?;
    let mut status = CommandStatus::Ok;
    let as_json = out.json();
    let mut told = |words: &[&str]| {
        let mut line = CommandLine::new(words);
        if as_json {
            line.set_default(Key::Format, "json");
        }
        let mut text = String::new();
        if copy.command(line, &mut text, err) != Ok(CommandStatus::Ok) {
            status = CommandStatus::Failed;
        }
        text
    };
    let lists = [told(&["image", "ls"]), told(&["ps", "-a"])];
    let printed = if as_json {
        out.document(|out| {
            out.unsigned("bytes", geometry.bytes());
            out.unsigned("block_bytes", geometry.block_bytes().into());
            out.unsigned("blocks", geometry.blocks().into());
            out.unsigned("used_blocks", used);
            out.unsigned("free_blocks", free);
            out.display("littlefs", &format_args!("{major}.{minor}"));
            for list in &lists {
                let caps = Caps {
                    bytes: u32::MAX,
                    entries: u16::MAX,
                    ..Caps::default()
                };
                // A command that failed has reported it; its list is left out.
                if let Ok(list) = json::parse(list.trim_end().as_bytes(), &caps) {
                    for (name, value) in list.members() {
                        out.copy(&name, value);
                    }
                }
            }
        })
    } else {
        let [images, containers] = lists;
        out.text(&format!(
            "{} bytes in {} blocks of {}: {used} used, {free} free\nlittlefs {major}.{minor}\n\n{images}\n{containers}",
            geometry.bytes(),
            geometry.blocks(),
            geometry.block_bytes(),
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(status)
}
