// SPDX-License-Identifier: Apache-2.0
//! A command of the core, on a simulated device that is on for this command only.

use std::io;
use std::path::Path;

use ocre::command::table::Verb;
use ocre::command::{CommandStatus, VERSION};
use ocre::image::judge::Policy;
use ocre_pc::flash::Flash;
use ocre_tools::failure::Failure;
use ocre_tools::partition;

use super::bundle::{self, BundleRun};
use super::command_line::{CommandLine, Need};
use super::device::{self, SimulatedDevice};
use super::output::LineOutput;
use super::{grammar, help, inspect, path_as_image, suggestion};

/// Result of a command of the program.
type Done = Result<CommandStatus, Failure>;

/// Flash file, policy and outputs of a command.
pub struct DeviceCommand<'a> {
    /// Flash file; `None` for the default one.
    pub flash: Option<&'a Path>,
    /// Policy of the device.
    pub policy: Policy<'static>,
    /// Output for results.
    pub out: &'a mut LineOutput,
    /// Output for errors, warnings and notes.
    pub err: &'a mut LineOutput,
}

impl DeviceCommand<'_> {
    /// Runs a command line of the core, or `run --bundle DIR`.
    pub fn run(self, line: CommandLine) -> Done {
        match BundleRun::of(&line) {
            Some(run) => self.bundle(&run, &line),
            None => self.core(line),
        }
    }

    fn bundle(self, run: &BundleRun<'_>, line: &CommandLine) -> Done {
        if line.asks_for_help() {
            return help::run(&["run"], self.out, self.err);
        }
        if let Some(word) = line.arguments().first() {
            let misuse = format!(
                "error: run: {word:?} can't be used with --bundle\nhint: set program, arguments and limits in the bundle's config.json\n"
            );
            return self.err.refuse(&misuse);
        }
        bundle::run(run, self.flash, &device::engine()?, &self.policy, self.err)
    }

    fn core(self, mut line: CommandLine) -> Done {
        let arguments = line.arguments();
        match line.verb() {
            // None of them needs a device.
            Some(Verb::Version) if arguments.is_empty() => {
                let printed = self.out.line(format_args!("ocre {VERSION}"));
                printed.map_err(|error: io::Error| Failure::io("can't print", &error))?;
                return Ok(CommandStatus::Ok);
            }
            Some(Verb::Help) => {
                let of: Vec<&str> = arguments.iter().map(String::as_str).collect();
                return help::run(&of, self.out, self.err);
            }
            Some(Verb::Run) if line.asks_for_help() => {
                return help::run(&["run"], self.out, self.err);
            }
            _ => {}
        }
        if let Some(text) = suggestion::for_unknown(&line, grammar::own()) {
            return self.err.refuse(&text);
        }
        if let Err(refusal) = line.adapt_for_one_boot() {
            let hints = "run the command in `ocre shell`";
            let text = format!("error: {refusal}\nhint: {hints}\n");
            return self.err.refuse(&text);
        }
        path_as_image::refuse(&line, self.flash)?;
        device::catch_interrupts()?;
        match line.need() {
            Need::Nothing => self.on_empty(line),
            Need::Flash => self.on_flash(line),
            Need::Image => self.on_image(line),
        }
    }

    /// Runs a command that needs the flash file.
    fn on_flash(self, line: CommandLine) -> Done {
        let failure = match partition::partition(self.flash) {
            Ok(partition) => {
                let device = SimulatedDevice::boot(partition, self.policy)?;
                return self.on(device, line);
            }
            Err(failure) => failure,
        };
        if line.only_reads()
            && let Some(copy) = partition::read_only_copy(self.flash)?
        {
            let device = SimulatedDevice::boot(copy, self.policy)?;
            return self.on(device, line);
        }
        // A wrong command line is reported first.
        let (mut dropped, mut said) = (String::new(), String::new());
        let mut empty = SimulatedDevice::empty(self.policy)?;
        match empty.command(line, &mut dropped, &mut said) {
            Ok(CommandStatus::Usage) => self.err.refuse(&said),
            _ => Err(failure),
        }
    }

    /// Runs a command that needs an image of the flash file.
    fn on_image(self, line: CommandLine) -> Done {
        if let Some(partition) = partition::partition_if_any(self.flash)? {
            let device = SimulatedDevice::boot(partition, self.policy)?;
            return self.on(device, line);
        }
        // Without a flash file there is no such image; no file is made for the search.
        let path = partition::flash_file(self.flash)?;
        let missing = format_args!("there is no flash file {}", path.display());
        device::note(missing, self.err)?;
        self.on_empty(line)
    }

    fn on_empty(self, line: CommandLine) -> Done {
        let device = SimulatedDevice::empty(self.policy)?;
        self.on(device, line)
    }

    /// Runs a command on a device, and switches the device off.
    fn on<F: Flash + 'static>(self, mut device: SimulatedDevice<F>, line: CommandLine) -> Done {
        // `finish` returns the reason of a failed write.
        let done = match line.verb() {
            Some(Verb::ImageInspect) => {
                inspect::run(&mut device, line, &self.policy, self.out, self.err)
            }
            _ => device.command(line, self.out, self.err),
        };
        let status = done.unwrap_or(CommandStatus::Failed);
        device.shut_down();
        Ok(status)
    }
}
