// SPDX-License-Identifier: Apache-2.0
//! The `ocre` command line, for the device's shell and for the PC alike.
//!
//! Promised: one table ([`table::COMMANDS`]) lists the commands, for dispatch, help and completion;
//! the same arguments give the same output everywhere; a command that fails says what failed, why
//! and what to do, and its [`CommandStatus`] says so too.
//!
//! Design: [`run`] finds the command, and its file below does the rest through the supervisor.

pub mod arguments;
mod containers;
mod devices;
mod events;
mod fields;
pub mod format;
pub mod help;
pub mod hints;
pub mod images;
mod info;
mod logs;
pub mod output;
pub mod report;
mod run;
pub mod sentence;
mod session;
mod stats;
pub mod table;
pub mod usage;
pub mod verify;

use core::fmt::{self, Write};

use arguments::UsageError;
use output::CommandOutput;
use session::{CommandError, CommandResult, Session};
use table::Verb;

use crate::container::state::RunResult;
use crate::image::JudgedImage;
use crate::image::judge::Workspace;
use crate::limits::{JSON, SIGNATURES, SIMULATED_DEVICES};
use crate::supervisor::Platform;
use crate::supervisor::Supervisor;

/// The version of ocre.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Result of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommandStatus {
    /// The command did what was asked.
    Ok,
    /// The command refused or failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// A container ran and ended with this exit code.
    Guest(u8),
}

impl CommandStatus {
    /// The exit code of a process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Guest(code) => code,
        }
    }

    /// Returns the status of a run. A code that does not fit in a byte is 255, so that no failure
    /// looks like success.
    pub fn of_run(outcome: RunResult) -> Self {
        Self::Guest(u8::try_from(outcome.status()).unwrap_or(u8::MAX))
    }
}

/// Result of a command; an error where its output can't be written.
pub type Outcome = Result<CommandStatus, fmt::Error>;

/// Longest wait of a command before it checks whether it is to end, in microseconds.
const POLL_US: u64 = 100_000;

/// Buffers for the documents of images, which may be shared with others.
pub trait Documents {
    /// Takes the buffers, unless they are taken; others that share them wait from now on.
    fn lend(&mut self) -> Workspace<'_>;
    /// Takes the buffers as [`lend`](Self::lend) does, with the image that was judged last.
    fn judging(&mut self) -> (Workspace<'_>, &mut JudgedImage);
    /// Gives the buffers back, before a step that may take long.
    fn give_back(&mut self);
}

/// Device, buffers and outputs of a command.
pub struct Environment<'a, P: Platform> {
    /// The device.
    pub supervisor: &'a Supervisor<P>,
    /// Buffers for the documents of images.
    pub documents: &'a mut dyn Documents,
    /// Output for results.
    pub out: &'a mut dyn Write,
    /// Output for errors, warnings and notes.
    pub err: &'a mut dyn Write,
    /// True when the caller wants the command to end. Called again and again.
    pub interrupted: &'a dyn Fn() -> bool,
}

/// Runs one command. `words` are the command line without the leading `ocre`.
///
/// ```
/// use ocre::command::{self, CommandStatus, Documents, Environment};
/// use ocre::image::JudgedImage;
/// use ocre::image::judge::Workspace;
///
/// /// Buffers that nobody else uses.
/// struct Buffers([u8; 4096], [u8; 4096], JudgedImage);
///
/// impl Documents for Buffers {
///     fn lend(&mut self) -> Workspace<'_> {
///         self.judging().0
///     }
///     fn judging(&mut self) -> (Workspace<'_>, &mut JudgedImage) {
///         (Workspace { document: &mut self.0, config: &mut self.1 }, &mut self.2)
///     }
///     fn give_back(&mut self) {}
/// }
///
/// # mod device { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/device.rs")); }
/// // A supervisor on a PC with the image `seven:1`.
/// # let (supervisor, _) = device::boot();
/// let (mut out, mut err) = (String::new(), String::new());
/// let mut environment = Environment {
///     supervisor: &supervisor,
///     documents: &mut Buffers([0; 4096], [0; 4096], JudgedImage::blank()),
///     out: &mut out,
///     err: &mut err,
///     interrupted: &|| false,
/// };
/// let status = command::run(&["run", "--name", "s", "seven:1"], &mut environment)?;
/// assert_eq!(status, CommandStatus::Guest(7));
/// command::run(&["ps", "--all"], &mut environment)?;
/// assert!(out.contains("exited(7)"));
/// # Ok::<(), std::fmt::Error>(())
/// ```
///
/// # Errors
/// Of the output alone.
pub fn run<P: Platform>(words: &[&str], environment: &mut Environment<'_, P>) -> Outcome {
    let (command, words) = match table::find(words) {
        Ok(found) => found,
        Err(misuse) => {
            let mut err = CommandOutput::new(environment.err);
            writeln!(err, "error: {misuse}");
            writeln!(err, "hint: `help` lists the commands");
            return err.written().map(|()| CommandStatus::Usage);
        }
    };
    let mut session = Session::new(command, words, environment);
    let status = match dispatch(&mut session) {
        Ok(status) | Err(CommandError::Told(status)) => status,
        Err(CommandError::Container(error)) => session.refuse(session.subject, error),
        Err(CommandError::Store(error)) => session.report_store_error(error),
    };
    if session.is_broken() {
        return Err(fmt::Error);
    }
    Ok(status)
}

fn dispatch<P: Platform>(session: &mut Session<'_, P>) -> CommandResult {
    if session.wants_help()? {
        usage::command(session.command, &mut session.out);
        return Ok(CommandStatus::Ok);
    }
    match session.command.verb {
        Verb::Inspect | Verb::ImageInspect if !JSON => {
            return Err(session.misuse(&UsageError::NoJson));
        }
        Verb::Run => return run::run(session),
        Verb::Create => return run::create(session),
        _ => session.read()?,
    }
    match session.command.verb {
        Verb::Help => help::run(session),
        Verb::Version => info::version(session),
        Verb::Info => info::info(session),
        Verb::ImageLs => images::list(session),
        Verb::ImageInspect if JSON => images::inspect(session),
        Verb::ImageVerify => images::verify(session),
        Verb::ImageRm => images::remove(session),
        Verb::ImagePrune => images::prune(session),
        Verb::ImageReset if SIGNATURES => images::reset(session),
        Verb::Start => containers::at_once(session, Supervisor::start),
        Verb::Stop => containers::in_time(session, |device, handle, grace_us| {
            device.stop(handle, grace_us).map(drop)
        }),
        Verb::Kill => containers::at_once(session, Supervisor::kill),
        Verb::Restart => containers::in_time(session, Supervisor::restart),
        Verb::Pause => containers::at_once(session, Supervisor::pause),
        Verb::Unpause => containers::at_once(session, Supervisor::unpause),
        Verb::Wait => containers::wait(session),
        Verb::Rm => containers::remove(session),
        Verb::Ps => containers::list(session),
        Verb::Logs => logs::logs(session),
        Verb::Events => events::events(session),
        Verb::Stats => stats::stats(session),
        Verb::Inspect if JSON => containers::inspect(session),
        Verb::Format => format::format(session),
        Verb::DeviceGpio if SIMULATED_DEVICES => devices::gpio(session),
        Verb::DeviceSensor if SIMULATED_DEVICES => devices::sensor(session),
        // These verbs are handled above, or not in the table; the compiler can't know.
        Verb::Run
        | Verb::Create
        | Verb::ImageInspect
        | Verb::ImageReset
        | Verb::Inspect
        | Verb::DeviceGpio
        | Verb::DeviceSensor => Ok(CommandStatus::Usage),
    }
}
