// SPDX-License-Identifier: Apache-2.0
//! The `ocre` command line, for the device's shell and for the PC alike.
//!
//! Promised: one table ([`table::COMMANDS`]) says what there is, for dispatch, help and
//! completion; the same arguments give the same output everywhere; a command that fails says
//! what, why and what to do, and its [`Status`] says so too.
//!
//! How: [`run`] finds the command, and its file below does the rest through the supervisor.

pub mod advice;
pub mod arguments;
mod containers;
mod devices;
mod events;
pub mod help;
pub mod images;
mod info;
pub mod line;
mod logs;
pub mod report;
mod run;
mod stats;
pub mod table;
pub mod verify;

use core::fmt::{self, Write};

use heapless::String;

use crate::container::state::{Failure, Outcome as RunOutcome};
use crate::container::table::Handle;
use crate::container::{Error, Name};
use crate::image::judge::{self, Policy, Workspace};
use crate::image::store;
use crate::image::verdict::write_cut;
use crate::limits::{JSON, MAX_NAME, SIMULATED_DEVICES};
use crate::port::Platform;
use crate::supervisor::Supervisor;
use arguments::{Argument, Arguments, Misuse};
use report::{Plain, Reason, failure};
use table::{Command, Verb};

/// The version of ocre.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It did what was asked.
    Ok,
    /// It refused or failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// A container ran, and this is what it ended with.
    Guest(u8),
}

impl Status {
    /// The exit code of a process.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Guest(code) => code,
        }
    }

    /// Of a run: a code that does not fit in a byte is 255, so that no failure looks like
    /// success.
    pub fn of_run(outcome: RunOutcome) -> Self {
        Self::Guest(u8::try_from(outcome.status()).unwrap_or(u8::MAX))
    }
}

/// How a command ended; an error if its output can't be written.
pub type Outcome = Result<Status, fmt::Error>;

/// How long a command waits before it looks whether it is to end, in microseconds.
const POLL_US: u64 = 100_000;

/// Buffers for the documents of images, which may be shared with others.
pub trait Documents {
    /// Takes them, unless they are taken; whoever shares them waits from now on.
    fn lend(&mut self) -> Workspace<'_>;
    /// Gives them back: what follows may take long.
    fn give_back(&mut self);
}

/// What commands work on, and where their words go.
pub struct Environment<'a, P: Platform> {
    /// The device.
    pub supervisor: &'a Supervisor<P>,
    /// For the documents of images.
    pub documents: &'a mut dyn Documents,
    /// What was asked for.
    pub out: &'a mut dyn Write,
    /// What went wrong.
    pub err: &'a mut dyn Write,
    /// Whether whoever waits for the command wants it to end. Asked again and again.
    pub interrupted: &'a dyn Fn() -> bool,
}

impl<'e, P: Platform> Environment<'e, P> {
    fn now(&self) -> u64 {
        self.supervisor.platform().clock().uptime_us()
    }

    fn policy(&self) -> Policy<'e> {
        self.supervisor.platform().policy()
    }

    fn find<'a>(&self, name: &str) -> Result<Handle, Halt<'a>> {
        let handle = self.supervisor.find(name);
        handle.map_err(|error| Halt::container(name, error))
    }

    fn name(&self, handle: Handle) -> Option<Name> {
        let mut name = None;
        self.supervisor.list(&mut |summary| {
            if summary.handle == handle {
                name = Some(summary.name.clone());
            }
        });
        name
    }
}

/// Why a command goes no further.
enum Halt<'a> {
    /// Its output can't be written.
    Output,
    /// Its arguments make no sense.
    Misuse(Misuse<'a>),
    /// What it asks of that container is not done.
    Container(String<MAX_NAME>, Error),
    /// What it asks of the image store is not done.
    Store(store::Error),
    /// It has said itself why.
    Told(Status),
}

impl Halt<'_> {
    fn container(name: &str, error: Error) -> Self {
        let mut label = String::new();
        write_cut(&mut label, format_args!("{name}"));
        Self::Container(label, error)
    }
}

impl From<fmt::Error> for Halt<'_> {
    fn from(_: fmt::Error) -> Self {
        Self::Output
    }
}

impl<'a> From<Misuse<'a>> for Halt<'a> {
    fn from(misuse: Misuse<'a>) -> Self {
        Self::Misuse(misuse)
    }
}

/// Runs one command. `words` are the command line without the leading `ocre`.
///
/// # Errors
/// Of the output alone.
pub fn run<P: Platform>(words: &[&str], environment: &mut Environment<'_, P>) -> Outcome {
    let (command, words) = match table::find(words) {
        Ok(found) => found,
        Err(misuse) => {
            writeln!(environment.err, "error: {misuse}")?;
            writeln!(environment.err, "hint: `help` lists the commands")?;
            return Ok(Status::Usage);
        }
    };
    match dispatch(command, words, environment) {
        Ok(status) => Ok(status),
        Err(Halt::Output) => Err(fmt::Error),
        Err(Halt::Misuse(misuse)) => {
            writeln!(environment.err, "error: {}: {misuse}", command.name)?;
            write!(environment.err, "hint: ")?;
            help::usage(command, environment.err)?;
            Ok(Status::Usage)
        }
        Err(Halt::Container(name, error)) => refuse(command.name, &name, error, environment),
        Err(Halt::Store(error)) => {
            let reason = Reason {
                code: error.code(),
                at: "",
                detail: "",
                advice: advice::store(error),
            };
            failure(
                environment.err,
                format_args!("{} failed", command.name),
                &reason,
            )
        }
        Err(Halt::Told(status)) => Ok(status),
    }
}

fn dispatch<'a, P: Platform>(
    command: &'static Command,
    words: &'a [&'a str],
    environment: &mut Environment<'_, P>,
) -> Result<Status, Halt<'a>> {
    let arguments = Arguments::new(words, command.options, command.passes_on);
    // Options are checked here, once for all, and help is wanted wherever it is asked for.
    let mut scan = arguments.clone();
    while let Some(argument) = scan.next()? {
        if argument == Argument::Option("help", "") {
            help::command(command, environment.out)?;
            return Ok(Status::Ok);
        }
    }
    match command.verb {
        Verb::Inspect | Verb::ImageInspect if !JSON => Err(Misuse::NoJson.into()),
        Verb::Help => help::run(arguments, environment),
        Verb::Version => info::version(arguments, environment),
        Verb::Info => info::info(arguments, environment),
        Verb::ImageLs => images::list(arguments, environment),
        Verb::ImageInspect => images::inspect(arguments, environment),
        Verb::ImageVerify => images::verify(arguments, environment),
        Verb::ImageRm => images::remove(arguments, environment),
        Verb::ImagePrune => images::prune(arguments, environment),
        Verb::Run => run::run(arguments, environment),
        Verb::Create => run::create(arguments, environment),
        Verb::Start => containers::start(arguments, environment),
        Verb::Stop => containers::stop(arguments, environment),
        Verb::Kill => containers::kill(arguments, environment),
        Verb::Restart => containers::restart(arguments, environment),
        Verb::Pause => containers::pause(arguments, environment),
        Verb::Unpause => containers::unpause(arguments, environment),
        Verb::Wait => containers::wait(arguments, environment),
        Verb::Rm => containers::remove(arguments, environment),
        Verb::Ps => containers::list(arguments, environment),
        Verb::Logs => logs::logs(arguments, environment),
        Verb::Events => events::events(arguments, environment),
        Verb::Stats => stats::stats(arguments, environment),
        Verb::Inspect => containers::inspect(arguments, environment),
        // Not in the table, but the compiler can't know.
        Verb::DeviceGpio | Verb::DeviceSensor if !SIMULATED_DEVICES => Ok(Status::Usage),
        Verb::DeviceGpio => devices::gpio(arguments, environment),
        Verb::DeviceSensor => devices::sensor(arguments, environment),
    }
}

/// Says that something can't be done with a container, and why.
fn refuse<P: Platform>(
    verb: &str,
    name: &str,
    error: Error,
    environment: &mut Environment<'_, P>,
) -> Outcome {
    let mut at: String<32> = String::new();
    if let Error::Start(Failure::Image(code)) = error
        && let Ok(handle) = environment.supervisor.find(name)
    {
        // Without its place the rest is still worth saying.
        let _ = environment.supervisor.with_spec(handle, |spec| {
            write!(at, "{}", judge::place(code, &spec.image))
        });
    }
    let reason = Reason {
        code: error.code(),
        at: &at,
        detail: "",
        advice: advice::container(error),
    };
    let verb = match verb {
        "logs" => "show the log of",
        "rm" => "remove",
        "wait" => "wait for",
        other => other,
    };
    let what = format_args!("can't {verb} {}", Plain(name));
    failure(environment.err, what, &reason)
}

/// Takes the one operand of a command without options.
fn only<'a>(arguments: Arguments<'a, '_>, name: &'static str) -> Result<&'a str, Misuse<'a>> {
    let mut operand = Operand::new(name);
    let mut arguments = arguments;
    while let Some(argument) = arguments.next()? {
        if let Argument::Operand(text) = argument {
            operand.take(text)?;
        }
    }
    operand.get()
}

/// The one operand that a command takes.
struct Operand<'a> {
    name: &'static str,
    text: Option<&'a str>,
}

impl<'a> Operand<'a> {
    const fn new(name: &'static str) -> Self {
        Self { name, text: None }
    }

    fn take(&mut self, text: &'a str) -> Result<(), Misuse<'a>> {
        match self.text.replace(text) {
            None => Ok(()),
            Some(_) => Err(Misuse::OperandUnexpected(text)),
        }
    }

    fn get(self) -> Result<&'a str, Misuse<'a>> {
        self.text.ok_or(Misuse::OperandMissing(self.name))
    }
}

/// Takes the arguments of a command that has `--format` alone: whether it is to answer in JSON.
#[inline(always)] // so that the compiler sees where there is none
fn only_format<'a>(arguments: Arguments<'a, '_>) -> Result<bool, Misuse<'a>> {
    #[inline(never)]
    fn read<'a>(mut arguments: Arguments<'a, '_>) -> Result<bool, Misuse<'a>> {
        let mut as_json = false;
        while let Some(argument) = arguments.next()? {
            match argument {
                Argument::Option("format", value) => as_json = json(value)?,
                Argument::Operand(word) => return Err(Misuse::OperandUnexpected(word)),
                Argument::Option(..) => {}
            }
        }
        Ok(as_json)
    }
    Ok(read(arguments)? && JSON)
}

/// The value of `--format`: whether it is JSON.
#[inline(always)] // so that the compiler sees where there is none
fn json<'a>(value: &'a str) -> Result<bool, Misuse<'a>> {
    match value {
        "json" if JSON => Ok(true),
        "json" => Err(Misuse::NoJson),
        "text" => Ok(false),
        other => Err(Misuse::BadValue("--format", other, "text or json")),
    }
}
