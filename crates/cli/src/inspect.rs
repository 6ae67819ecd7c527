// SPDX-License-Identifier: Apache-2.0
//! `ocre image inspect` on a PC: prints the device's document with the needs of the image's code,
//! which is loaded for that.

use std::fmt::Write as _;

use ocre::command::{CommandStatus, Outcome};
use ocre::image::OciLayout;
use ocre::image::judge::Policy;
use ocre::image::permission::Permission;
use ocre::supervisor::Platform as _;
use ocre_oci::json::{self, Caps};
use ocre_oci::write::{self, Object};
use ocre_pc::flash::Flash;
use ocre_pc::needs::Needs;
use ocre_tools::layout_index::document;

use super::command_line::CommandLine;
use super::device::SimulatedDevice;
use super::output::LineOutput;
use super::short_digest;

/// Runs the command and adds the member `needs`, where the image's code can be loaded.
///
/// # Errors
/// Of the output alone.
pub fn run<F: Flash + 'static>(
    device: &mut SimulatedDevice<F>,
    mut line: CommandLine,
    policy: &Policy<'_>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Outcome {
    let mut text = String::new();
    short_digest::expand(&mut line, device.platform().storage());
    let name = line.image().map(str::to_owned);
    let status = device.command(line, &mut text, err)?;
    let name = name.filter(|_| status == CommandStatus::Ok);
    let whole = name.and_then(|name| with_needs(&text, &name, device, policy));
    // The writer keeps an error, and `finish` returns it.
    out.write_str(whole.as_deref().unwrap_or(&text))?;
    Ok(status)
}

fn with_needs<F: Flash + 'static>(
    text: &str,
    name: &str,
    device: &SimulatedDevice<F>,
    policy: &Policy<'_>,
) -> Option<String> {
    let image = device.image(name)?;
    let pc = device.platform();
    let source = OciLayout {
        storage: pc.storage(),
        root: "/",
    };
    let needs = Needs::of_image(source, &image, pc.engine(), policy)?;
    let caps = Caps {
        bytes: u32::MAX,
        depth: u8::MAX,
        entries: u16::MAX,
    };
    let root = json::parse(text.trim_end().as_bytes(), &caps).ok()?;
    let mut whole = document(|out| {
        write::object(out, |out| {
            for (member, value) in root.members() {
                out.copy(&member, value);
            }
            out.object("needs", |out| write_needs(&needs, &image.entry_point, out));
        })
    });
    whole.push('\n');
    Some(whole)
}

fn write_needs(needs: &Needs, entry_point: &str, out: &mut Object<'_>) {
    out.string("entryPoint", entry_point);
    out.unsigned("memoryBytes", needs.memory_bytes);
    out.array("permissions", |out| {
        let names = needs.permissions().iter().map(Permission::name);
        names.for_each(|name| out.string(name));
    });
    out.array("imports", |out| {
        needs
            .imports
            .iter()
            .for_each(|import| out.string(&import.name));
    });
}
