// SPDX-License-Identifier: Apache-2.0
//! The simulated device: a flash file, and a PC that boots from it.

use std::fmt::Write;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ocre::command::arguments::Key;
use ocre::command::report::Sanitized;
use ocre::command::{self, CommandStatus, Environment, Outcome, hints};
use ocre::image::OciLayout;
use ocre::image::judge::{Policy, Selector, Workspace, judge};
use ocre::image::permission::Permissions;
use ocre::image::verdict::{Finding, Location};
use ocre::image::{Image, JudgedImage};
use ocre::port::{Storage, StorageError};
use ocre::supervisor::Platform as _;
use ocre_pc::flash::{FileError, FileFlash, Flash, Geometry, RamFlash};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::needs;
use ocre_pc::platform::{self, BootError, Pc, PcDocuments, Terminal, console};
use ocre_tools::failure::Failure;
use ocre_tools::firmware::Firmware;
use ocre_tools::partition::{
    Partition, document, flash_file, partition_if_any, refused_file, store,
};
use ocre_wamr::WamrEngine;
use parking_lot::MutexGuard;

use super::command_line::CommandLine;
use super::output::LineOutput;
use super::short_digest;

/// Longest wait for killed containers when the device is switched off, in microseconds.
const PATIENCE_US: u64 = 2_000_000;

/// Opens the flash file, or makes an empty one and reports it. A missing folder is made only for
/// the default file.
pub fn partition_or_new(flash: Option<&Path>, err: &mut LineOutput) -> Result<Partition, Failure> {
    if let Some(partition) = partition_if_any(flash)? {
        return Ok(partition);
    }
    let path = flash_file(flash)?;
    let failed = |error: FileError| {
        let what = format!("can't make the flash file {}", path.display());
        refused_file(&what, &error)
    };
    if flash.is_none()
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
    }
    let geometry = Geometry::default();
    let made = Partition::create(&path, geometry).map_err(failed)?;
    note(
        format_args!(
            "made the flash file {}: {} bytes",
            path.display(),
            geometry.bytes()
        ),
        err,
    )?;
    Ok(made)
}

/// Prints a note, which is neither a failure nor a result.
pub fn note(text: std::fmt::Arguments<'_>, err: &mut LineOutput) -> Result<(), Failure> {
    err.line(format_args!("note: {}", Sanitized(text)))
        .map_err(|error| Failure::io("can't print", &error))
}

/// A device that is on.
pub struct SimulatedDevice<F: Flash + 'static = FileFlash> {
    pc: Arc<platform::Device<LittleFs<F>>>,
}

/// Writer for errors of a command. Drops them once a guest's output has failed: the program then
/// reports this failure alone, at its end.
struct Heard<'a>(&'a mut dyn Write);

impl Write for Heard<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        match console::failure() {
            Some(_) => Ok(()),
            None => self.0.write_str(text),
        }
    }
}

/// Buffers of the PC for documents, locked while a command uses them.
struct LockedDocuments<'a, F: Flash> {
    pc: &'a Pc<LittleFs<F>>,
    taken: Option<MutexGuard<'a, PcDocuments>>,
}

impl<F: Flash + 'static> command::Documents for LockedDocuments<'_, F> {
    fn lend(&mut self) -> Workspace<'_> {
        let taken = &mut self.taken;
        taken.get_or_insert_with(|| self.pc.documents()).workspace()
    }

    fn judging(&mut self) -> (Workspace<'_>, &mut JudgedImage) {
        let taken = &mut self.taken;
        taken.get_or_insert_with(|| self.pc.documents()).judging()
    }

    fn give_back(&mut self) {
        self.taken = None;
    }
}

impl SimulatedDevice<RamFlash> {
    /// Boots a device with an empty flash in memory.
    pub fn empty(policy: Policy<'static>) -> Result<Self, Failure> {
        let (memory, formatted) = LittleFs::format(RamFlash::new(Geometry::default()));
        let failed = |error| {
            let what = "can't make a flash in memory";
            Failure::new(what, StorageError::code(error), hints::storage(error))
        };
        formatted.map_err(failed)?;
        let storage = LittleFs::mount(memory).map_err(|(_, error)| failed(error))?;
        Self::boot(storage, policy)
    }

    /// Boots a stand-in for a device with that firmware, for commands that start nothing. The
    /// content of its flash depends on their input alone.
    pub fn prepare(storage: LittleFs<RamFlash>, firmware: &Firmware) -> Result<Self, Failure> {
        let (policy, target) = (firmware.policy, firmware.target);
        let room = [firmware.document, firmware.config];
        let pc = Pc::prepare(storage, Box::new(Terminal), policy, target, room);
        Ok(Self {
            pc: pc.map_err(not_booted)?,
        })
    }
}

fn not_booted(error: BootError) -> Failure {
    match error {
        BootError::Engine(_) => no_engine(),
        BootError::Storage(error) => {
            let what = "can't read the containers on the flash";
            Failure::new(what, error.code(), hints::storage(error))
        }
    }
}

/// Starts the engine, once in a process.
pub fn engine() -> Result<WamrEngine, Failure> {
    platform::engine().map_err(|_| no_engine())
}

/// Failure of an engine that does not start.
pub fn no_engine() -> Failure {
    let hints = "close other programs to free memory";
    Failure::new("can't start the engine", "out-of-memory", hints)
}

impl<F: Flash + 'static> SimulatedDevice<F> {
    /// Boots a device from a partition.
    pub fn boot(partition: LittleFs<F>, policy: Policy<'static>) -> Result<Self, Failure> {
        let mut document = document();
        store(&partition, &mut document)?;
        let pc = Pc::boot(partition, Box::new(Terminal), policy).map_err(not_booted)?;
        Ok(Self { pc })
    }

    /// Platform of the device.
    pub fn platform(&self) -> &Pc<LittleFs<F>> {
        self.pc.platform()
    }

    /// Judges an image on the flash; `None` where it is refused.
    pub fn image(&self, name: &str) -> Option<Box<Image>> {
        let pc = self.pc.platform();
        let source = OciLayout {
            storage: pc.storage(),
            root: "/",
        };
        let selector = Selector::parse(name).ok()?;
        let (engine, policy) = (pc.engine(), pc.policy());
        let mut documents = pc.documents();
        let mut image = Box::new(Image::blank());
        let report = &mut |finding: Finding, _: Location<'_>, _: &str| match finding {
            Finding::Warning(_) => ControlFlow::Continue(()),
            Finding::Refusal(_) => ControlFlow::Break(()),
        };
        let workspace = documents.workspace();
        judge(
            source, selector, engine, &policy, workspace, report, &mut image,
        )
        .then_some(image)
    }

    /// Starts the containers that run from boot on.
    pub fn resume(&self) {
        self.pc.resume();
    }

    /// Runs a command of the core. Where its guest fails after a call that was refused for want of
    /// a permission, names the permission. Ends soon after Ctrl-C, and after an error of a guest's
    /// output.
    pub fn command(
        &mut self,
        mut line: CommandLine,
        out: &mut dyn Write,
        err: &mut dyn Write,
    ) -> Outcome {
        self.pc.platform().take_denied();
        short_digest::expand(&mut line, self.pc.platform().storage());
        line.set_default(Key::Memory, MEMORY);
        let mut err = Heard(err);
        self.explain_mounts(&line, &mut err)?;
        let status = self.run(&line, out, &mut err)?;
        let denied = self.pc.platform().take_denied();
        if matches!(status, CommandStatus::Guest(code) if code != 0) && denied != Permissions::NONE
        {
            let (names, options) = (needs::names(denied), needs::options(denied));
            writeln!(
                err,
                "hint: calls were refused for lack of permissions: {names}; request them with `permissions` in Ocrefile.toml, and grant them with `{options}`"
            )?;
        }
        Ok(status)
    }

    fn run(&mut self, line: &CommandLine, out: &mut dyn Write, err: &mut dyn Write) -> Outcome {
        let words = line.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        command::run(
            &words,
            &mut Environment {
                supervisor: &self.pc,
                documents: &mut LockedDocuments {
                    pc: self.pc.platform(),
                    taken: None,
                },
                out,
                err,
                interrupted: &|| {
                    INTERRUPTED.load(Ordering::Relaxed)
                        || console::is_given_up()
                        || (line.follows() && console::is_abandoned())
                },
            },
        )
    }

    /// Warns of a mount that names a folder of the PC, where the container gets an empty one.
    fn explain_mounts(&self, line: &CommandLine, err: &mut dyn Write) -> std::fmt::Result {
        let storage = self.pc.platform().storage();
        for (option, value) in line.options() {
            if option.key == Key::Volume
                && let Some((source, _)) = value.split_once(':')
                && Path::new(source).exists()
                && storage.metadata(source) == Err(StorageError::NotFound)
            {
                writeln!(
                    err,
                    "note: {0} is made as a new folder of the flash: --volume gives no folder of the PC\n\
                     hint: copy files there with `ocre flash cp`, or run the module with `ocre wasm run --dir`",
                    Sanitized(source)
                )?;
            }
        }
        Ok(())
    }

    /// Kills all running containers, so that their files are closed.
    pub fn shut_down(self) {
        let mut live = Vec::new();
        self.pc.list(&mut |summary| {
            if summary.status.state.is_live() {
                live.push(summary.handle);
            }
        });
        for handle in &live {
            // The run may just have ended.
            let _ = self.pc.kill(*handle);
        }
        let until = self.pc.platform().clock().uptime_us() + PATIENCE_US;
        for handle in live {
            // The end of the process ends the rest.
            let _ = self.pc.wait(handle, Some(until));
        }
    }
}

/// Default of `--memory` on a PC. By default, compilers give a program more than a small device
/// has, such as Rust's 17 pages and Zig's 17 MiB.
const MEMORY: &str = "64M";

/// True after Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Exit code of a process that SIGINT ends.
const INTERRUPTED_TWICE: i32 = 130;

/// Makes the first Ctrl-C end the command, and the second one the program.
pub fn catch_interrupts() -> Result<(), Failure> {
    let caught = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED_TWICE);
        }
    });
    caught.map_err(|error| {
        let hints = "this is a bug of ocre: report it";
        Failure::new("can't catch Ctrl-C", "signal", hints).because(error)
    })
}

/// Clears the mark of an earlier Ctrl-C, for a new command.
pub fn forget_interrupt() {
    INTERRUPTED.store(false, Ordering::Relaxed);
}
