// SPDX-License-Identifier: Apache-2.0
//! Containers of a new flash file, from the lines of a script, each a device's command.
//!
//! `create …` makes a container, as on the device, and `start NAME` has the device start it at
//! boot. Nothing runs here.

use std::path::{Path, PathBuf};

use ocre::command::CommandStatus;
use ocre::command::arguments::Key;
use ocre::container::record::{self, Dates};
use ocre::container::state::{Cause, RunResult, State};
use ocre::container::{Name, Spec};
use ocre_files::MAX_CONFIG;
use ocre_pc::flash::RamFlash;
use ocre_pc::littlefs::LittleFs;
use ocre_tools::failure::Failure;
use ocre_tools::firmware::Firmware;

use super::command_line::CommandLine;
use super::device::SimulatedDevice;
use super::line::split;
use super::output::LineOutput;

/// Commands, and their places for messages.
pub struct Script {
    lines: Vec<(String, String)>,
}

impl Script {
    /// Reads the lines of a file, and adds others.
    ///
    /// # Errors
    /// `io`.
    pub fn read(file: Option<&PathBuf>, more: &[String]) -> Result<Self, Failure> {
        let mut lines = Vec::new();
        if let Some(path) = file {
            let text = read(path)?;
            let numbered = (1_usize..).zip(text.lines());
            lines.extend(
                numbered.map(|(n, line)| (format!("{}:{n}", path.display()), line.to_owned())),
            );
        }
        lines.extend(
            more.iter()
                .map(|line| ("--container".to_owned(), format!("create {line}"))),
        );
        lines.retain(|(_, line)| {
            let line = line.trim_start();
            !line.is_empty() && !line.starts_with('#')
        });
        Ok(Self { lines })
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let what = format!("can't read {}", path.display());
    ocre_files::read_text(path, MAX_CONFIG).map_err(|error| Failure::io(what, &error))
}

/// Runs a script on a storage, for that firmware. Returns the names of the containers.
///
/// # Errors
/// `flash-container` at the first line that is refused.
pub fn put(
    script: &Script,
    storage: &LittleFs<RamFlash>,
    firmware: &Firmware,
    err: &mut LineOutput,
) -> Result<Vec<Name>, Failure> {
    let mut names = Vec::new();
    if script.lines.is_empty() {
        return Ok(names);
    }
    let mut device = SimulatedDevice::prepare(storage.clone(), firmware)?;
    for (place, line) in &script.lines {
        let wrong = |why: &dyn std::fmt::Display| {
            let what = "can't make the containers";
            let hints = "write lines of `create …` and `start NAME`, as on the device";
            let failure = Failure::new(what, "flash-container", hints);
            failure.at(place).because(why)
        };
        let words = split(line).map_err(|error| wrong(&error))?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let words = words.strip_prefix(&["ocre"]).unwrap_or(&words);
        match words {
            ["create", ..] => {
                let line = CommandLine::new(words);
                let name =
                    create(line, &mut device, storage, firmware, err).map_err(|why| wrong(&why))?;
                names.push(name);
                if names.len() > firmware.containers {
                    return Err(wrong(&"the device has fewer slots for containers"));
                }
            }
            ["start", name] => start(name, storage).map_err(|why| wrong(&why))?,
            [command, ..] => {
                return Err(wrong(&format_args!(
                    "{command} is neither `create` nor `start`"
                )));
            }
            [] => {}
        }
    }
    Ok(names)
}

/// Runs `create …` with the device's defaults; the error is the reason of a refusal.
fn create(
    mut line: CommandLine,
    device: &mut SimulatedDevice<RamFlash>,
    storage: &LittleFs<RamFlash>,
    firmware: &Firmware,
    err: &mut LineOutput,
) -> Result<Name, String> {
    if firmware.most_thread_stack.is_some() {
        line.set_default(Key::Memory, &firmware.policy.memory_bytes.to_string());
        line.set_default(Key::Stack, &firmware.stack.to_string());
    }
    let mut out = String::new();
    let status = device.command(line, &mut out, err);
    if status != Ok(CommandStatus::Ok) {
        return Err("the command is refused".to_owned());
    }
    // The line asks for help.
    let name = Name::parse(out.trim()).map_err(|_| "the line creates no container".to_owned())?;
    if let Some(most) = firmware.most_thread_stack {
        let mut spec = read_spec(&name, storage)?;
        let own = Some(spec.limits.stack_bytes).filter(|own| *own != firmware.stack);
        spec.limits.thread_stack_bytes = firmware.thread_stack.max(own.unwrap_or_default());
        if spec.limits.thread_stack_bytes > most {
            return Err(format!("the device's threads have stacks of {most} bytes"));
        }
        rewrite(&name, &spec, storage).map_err(|error| error.to_string())?;
    }
    Ok(name)
}

/// Writes a container's record again, with the tag that the container follows, if any.
fn rewrite(name: &Name, spec: &Spec, storage: &LittleFs<RamFlash>) -> Result<(), record::Error> {
    let mut buffer = vec![0; record::MAX_BYTES];
    let mut written = None;
    record::read_origin(storage, name, &mut buffer, &mut |origin| {
        written = Some(record::write_spec(storage, name, spec, None, Some(origin)));
    })?;
    let written = written.unwrap_or_else(|| record::write_spec(storage, name, spec, None, None));
    Ok(written?)
}

/// Records a container as running when the device was switched off; the error is the reason of a
/// refusal.
fn start(name: &str, storage: &LittleFs<RamFlash>) -> Result<(), String> {
    let name = Name::parse(name).map_err(|error| error.to_string())?;
    let spec = read_spec(&name, storage)?;
    if !spec
        .restart
        .at_boot(State::Ended(RunResult::Killed(Cause::Reset)))
    {
        let hints = "add --restart on-failure or --restart always";
        return Err(format!("{name} is not started at boot: {hints}"));
    }
    record::write_state(storage, &name, State::Running, &Dates::default())
        .map_err(|error| error.to_string())
}

fn read_spec(name: &Name, storage: &LittleFs<RamFlash>) -> Result<Spec, String> {
    let mut spec = Spec::blank();
    let mut buffer = vec![0; record::MAX_BYTES];
    match record::read_spec(storage, name, &mut buffer, &mut spec) {
        Ok(_) => Ok(spec),
        Err(record::Error::Storage(ocre::port::StorageError::NotFound)) => {
            Err(format!("no line above creates {name}"))
        }
        Err(error) => Err(error.to_string()),
    }
}
