// SPDX-License-Identifier: Apache-2.0
//! A command in execution: its device, its arguments and its error messages.
//!
//! Promised: of several mistakes in a command line, the first from the left is reported, but an
//! option that is unknown or lacks its value before a bad value.
//!
//! Design: mistakes in the arguments are reported here, once for all commands, so that a command
//! that stops returns only a small [`CommandError`].

use core::fmt::Write as _;

use heapless::{String, Vec};

use super::arguments::{Argument, Arguments, Key, Opt, UsageError, number, seconds};
use super::output::CommandOutput;
use super::report::{Reason, Sanitized, failure};
use super::table::{Command, Verb};
use super::{CommandStatus, Documents, Environment, POLL_US, hints, usage};
use crate::container::state::StartFailure;
use crate::container::table::Handle;
use crate::container::{Error, Name};
use crate::image::judge::{self, Policy};
use crate::image::store;
use crate::image::verdict::Code;
use crate::limits::JSON;
use crate::supervisor::Platform;
use crate::supervisor::Supervisor;

/// Reason why a command stops.
#[derive(Clone, Copy)]
pub(super) enum CommandError {
    /// Error of a container.
    Container(Error),
    /// Error of the image store.
    Store(store::Error),
    /// The command has reported the reason itself.
    Told(CommandStatus),
}

/// Result of a command's function.
pub(super) type CommandResult = Result<CommandStatus, CommandError>;

// Every step of every command returns this.
const _: () = assert!(size_of::<CommandResult>() <= 4);

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self::Container(error)
    }
}

impl From<store::Error> for CommandError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Code> for CommandError {
    fn from(code: Code) -> Self {
        Self::Store(code.into())
    }
}

/// Description of a value in seconds.
pub(super) const SECONDS: &str = "seconds, such as 2 or 0.5";

/// A command in execution.
pub(super) struct Session<'a, P: Platform> {
    /// The device.
    pub supervisor: &'a Supervisor<P>,
    /// Buffers for the documents of images.
    pub documents: &'a mut dyn Documents,
    /// Output for results.
    pub out: CommandOutput<'a>,
    /// Output for errors, warnings and notes.
    pub err: CommandOutput<'a>,
    /// Row of the command in the table.
    pub command: &'static Command,
    /// Container or image that the command is about, as typed.
    pub subject: &'a str,
    /// Operands, once [`Session::read`] has read them.
    pub operands: Vec<&'a str, 3>,
    /// Value of `--time`, in milliseconds, or of `--tail`.
    pub number: Option<u64>,
    json: bool,
    /// Bits of the given keys, one for each [`Key`].
    given: u32,
    arguments: Arguments<'a, 'static>,
    interrupted: &'a dyn Fn() -> bool,
}

impl<'a, P: Platform> Session<'a, P> {
    pub fn new(
        command: &'static Command,
        words: &'a [&'a str],
        environment: &'a mut Environment<'_, P>,
    ) -> Self {
        Self {
            supervisor: environment.supervisor,
            documents: environment.documents,
            out: CommandOutput::new(environment.out),
            err: CommandOutput::new(environment.err),
            command,
            subject: "",
            operands: Vec::new(),
            number: None,
            json: false,
            given: 0,
            arguments: Arguments::new(words, command.options, command.passes_on),
            interrupted: environment.interrupted,
        }
    }

    /// Returns true where help is asked for, anywhere. Otherwise all options exist and have values.
    pub fn wants_help(&mut self) -> Result<bool, CommandError> {
        let mut scan = self.arguments.clone();
        loop {
            match scan.next() {
                Ok(None) => return Ok(false),
                Ok(Some(Argument::Option(option, _))) if option.key == Key::Help => {
                    return Ok(true);
                }
                Ok(Some(_)) => {}
                // Not in the lists of a device.
                Err(UsageError::UnknownOption("--help") | UsageError::UnknownFlag('h')) => {
                    return Ok(true);
                }
                Err(misuse) => return Err(self.misuse(&misuse)),
            }
        }
    }

    /// Returns the next argument, after [`Self::wants_help`] has found no mistake in them.
    pub fn next(&mut self) -> Option<Argument<'a, 'static>> {
        self.arguments.next().ok().flatten()
    }

    /// Reads all arguments of a command that makes no container.
    pub fn read(&mut self) -> Result<(), CommandError> {
        while let Some(argument) = self.next() {
            match argument {
                Argument::Option(option, value) => self.option(option, value)?,
                Argument::Operand(word) => {
                    let room = self.operands.len() < usize::from(self.command.most);
                    if !room || self.operands.push(word).is_err() {
                        return Err(self.misuse(&UsageError::OperandUnexpected(word)));
                    }
                }
            }
        }
        if self.operands.len() < usize::from(self.command.least) {
            return Err(self.missing());
        }
        self.subject = self.operands.first().copied().unwrap_or_default();
        Ok(())
    }

    fn option(&mut self, option: &'static Opt, value: &str) -> Result<(), CommandError> {
        self.given |= bit(option.key);
        let (understood, wanted) = match option.key {
            Key::Format if value == "json" && !JSON => return Err(self.misuse(&UsageError::NoJson)),
            Key::Format => {
                self.json = value == "json";
                (self.json || value == "text", "text or json")
            }
            Key::Time => {
                self.number = seconds(value);
                (self.number.is_some(), SECONDS)
            }
            Key::Tail => {
                self.number = number(value);
                (self.number.is_some(), "a number")
            }
            _ => (true, ""),
        };
        if understood {
            Ok(())
        } else {
            Err(self.misuse(&UsageError::BadOption(option.long, value, wanted)))
        }
    }

    /// True where that option was given.
    pub fn has(&self, key: Key) -> bool {
        self.given & bit(key) != 0
    }

    /// True where the output is to be JSON.
    #[inline(always)] // so that the compiler sees where there is none
    pub fn json(&self) -> bool {
        JSON && self.json
    }

    /// True where the command is to end: it is interrupted, or its output can't be written.
    pub fn is_over(&self) -> bool {
        self.is_broken() || (self.interrupted)()
    }

    /// True where some output could not be written.
    pub fn is_broken(&self) -> bool {
        self.out.written().and(self.err.written()).is_err()
    }

    pub fn now(&self) -> u64 {
        self.supervisor.platform().clock().uptime_us()
    }

    /// Uptime of the next check for an interrupt, in microseconds.
    #[inline(never)]
    pub fn next_look(&self) -> u64 {
        self.now().saturating_add(POLL_US)
    }

    pub fn policy(&self) -> Policy<'a> {
        self.supervisor.platform().policy()
    }

    /// Finds the container that the command is about.
    pub fn find(&self) -> Result<Handle, Error> {
        self.supervisor.find(self.subject)
    }

    pub fn name(&self, handle: Handle) -> Option<Name> {
        let mut name = None;
        self.supervisor.list(&mut |summary| {
            if summary.handle == handle {
                name = Some(summary.name.clone());
            }
        });
        name
    }

    /// Reports that the first operand is missing.
    pub fn missing(&mut self) -> CommandError {
        let operands = self.command.operands;
        let (name, _) = operands.split_once(' ').unwrap_or((operands, ""));
        self.misuse(&UsageError::OperandMissing(name))
    }

    /// Reports a mistake in the arguments.
    #[inline(never)]
    pub fn misuse(&mut self, misuse: &UsageError<'_>) -> CommandError {
        let command = self.command;
        writeln!(self.err, "error: {}: {misuse}", command.name);
        write!(self.err, "hint: ");
        usage::usage(command, &mut self.err);
        CommandError::Told(CommandStatus::Usage)
    }

    /// Reports an error of the container `name`. The message names the command's subject, because
    /// the name may be generated.
    #[inline(never)]
    pub fn refuse(&mut self, name: &str, error: Error) -> CommandStatus {
        let mut at: String<32> = String::new();
        if let Error::Start(StartFailure::Image(code)) = error
            && let Ok(handle) = self.supervisor.find(name)
        {
            // Without its location, the message still helps.
            let _ = self.supervisor.with_spec(handle, |spec| {
                write!(at, "{}", judge::place(code, &spec.image))
            });
        }
        let reason = Reason {
            code: error.code(),
            at: &at,
            detail: "",
            hints: hints::container(error),
        };
        let verb = match self.command.verb {
            Verb::Logs => "show the log of",
            Verb::Rm => "remove",
            Verb::Wait => "wait for",
            _ => self.command.name,
        };
        let what = format_args!("can't {verb} {}", Sanitized(self.subject));
        failure(&mut self.err, what, &reason)
    }

    /// Reports an error of the image store.
    pub fn report_store_error(&mut self, error: store::Error) -> CommandStatus {
        let reason = Reason {
            code: error.code(),
            at: "",
            detail: "",
            hints: hints::store(error),
        };
        let (name, subject) = (self.command.name, Sanitized(self.subject));
        let blank = if self.subject.is_empty() { "" } else { " " };
        let what = format_args!("{name}{blank}{subject} failed");
        failure(&mut self.err, what, &reason)
    }
}

const fn bit(key: Key) -> u32 {
    1 << key as u32
}
