// SPDX-License-Identifier: Apache-2.0
//! One command on its way: what it works on, what it is given, and how it says why it fails.
//!
//! Promised: of several mistakes in a command line the first from the left is told, but one about
//! what options there are before one about their values.
//!
//! How: whatever is wrong with the arguments is said here, once for all commands, so that only a
//! small [`Halt`] travels from where a command stops.

use core::fmt::Write as _;

use heapless::{String, Vec};

use super::arguments::{Argument, Arguments, Key, Misuse, Opt, number, seconds};
use super::output::Output;
use super::report::{Plain, Reason, failure};
use super::table::{Command, Verb};
use super::{Documents, Environment, POLL_US, Status, advice, help};
use crate::container::state::Failure;
use crate::container::table::Handle;
use crate::container::{Error, Name};
use crate::image::judge::{self, Policy};
use crate::image::store;
use crate::image::verdict::Code;
use crate::limits::JSON;
use crate::port::Platform;
use crate::supervisor::Supervisor;

/// Why a command goes no further.
#[derive(Clone, Copy)]
pub(super) enum Halt {
    /// What it asks of its container is not done.
    Container(Error),
    /// What it asks of the image store is not done.
    Store(store::Error),
    /// It has said itself why.
    Told(Status),
}

/// How a command's function ended.
pub(super) type Ended = Result<Status, Halt>;

// It is handed on at every step of every command.
const _: () = assert!(size_of::<Ended>() <= 4);

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Container(error)
    }
}

impl From<store::Error> for Halt {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Code> for Halt {
    fn from(code: Code) -> Self {
        Self::Store(code.into())
    }
}

/// What the values of some options are.
pub(super) const SECONDS: &str = "seconds, such as 2 or 0.5";

/// One command on its way.
pub(super) struct Session<'a, P: Platform> {
    /// The device.
    pub supervisor: &'a Supervisor<P>,
    /// For the documents of images.
    pub documents: &'a mut dyn Documents,
    /// What was asked for.
    pub out: Output<'a>,
    /// What went wrong.
    pub err: Output<'a>,
    /// Which command it is.
    pub command: &'static Command,
    /// The container or image that it is about, as it was typed.
    pub subject: &'a str,
    /// Its operands, once they are read.
    pub operands: Vec<&'a str, 3>,
    /// The value of `--time`, in milliseconds, or of `--tail`.
    pub number: Option<u64>,
    json: bool,
    /// One bit for each [`Key`] that was given.
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
            out: Output::new(environment.out),
            err: Output::new(environment.err),
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

    /// Whether help is asked for, anywhere. Otherwise all options are there and have values.
    pub fn wants_help(&mut self) -> Result<bool, Halt> {
        let mut scan = self.arguments.clone();
        loop {
            match scan.next() {
                Ok(None) => return Ok(false),
                Ok(Some(Argument::Option(option, _))) if option.key == Key::Help => {
                    return Ok(true);
                }
                Ok(Some(_)) => {}
                Err(misuse) => return Err(self.misuse(&misuse)),
            }
        }
    }

    /// The next argument, after [`Self::wants_help`] has found them in order.
    pub fn next(&mut self) -> Option<Argument<'a, 'static>> {
        self.arguments.next().ok().flatten()
    }

    /// Reads all arguments of a command that makes no container.
    pub fn read(&mut self) -> Result<(), Halt> {
        while let Some(argument) = self.next() {
            match argument {
                Argument::Option(option, value) => self.option(option, value)?,
                Argument::Operand(word) => {
                    let room = self.operands.len() < usize::from(self.command.most);
                    if !room || self.operands.push(word).is_err() {
                        return Err(self.misuse(&Misuse::OperandUnexpected(word)));
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

    fn option(&mut self, option: &'static Opt, value: &str) -> Result<(), Halt> {
        self.given |= bit(option.key);
        let (understood, wanted) = match option.key {
            Key::Format if value == "json" && !JSON => return Err(self.misuse(&Misuse::NoJson)),
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
            Err(self.misuse(&Misuse::BadOption(option.long, value, wanted)))
        }
    }

    /// Whether that option was given.
    pub fn has(&self, key: Key) -> bool {
        self.given & bit(key) != 0
    }

    /// Whether it is to answer in JSON.
    #[inline(always)] // so that the compiler sees where there is none
    pub fn json(&self) -> bool {
        JSON && self.json
    }

    /// Whether to go on is in vain: whoever waits wants an end, or does not get what is written.
    pub fn is_over(&self) -> bool {
        self.is_broken() || (self.interrupted)()
    }

    /// Whether something could not be written.
    pub fn is_broken(&self) -> bool {
        self.out.written().and(self.err.written()).is_err()
    }

    pub fn now(&self) -> u64 {
        self.supervisor.platform().clock().uptime_us()
    }

    /// When whoever waits is to look again whether it is over.
    #[inline(never)]
    pub fn next_look(&self) -> u64 {
        self.now().saturating_add(POLL_US)
    }

    pub fn policy(&self) -> Policy<'a> {
        self.supervisor.platform().policy()
    }

    /// The container that it is about.
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

    /// Says that its first operand is missing.
    pub fn missing(&mut self) -> Halt {
        let operands = self.command.operands;
        let (name, _) = operands.split_once(' ').unwrap_or((operands, ""));
        self.misuse(&Misuse::OperandMissing(name))
    }

    /// Says what is wrong with the arguments.
    #[inline(never)]
    pub fn misuse(&mut self, misuse: &Misuse<'_>) -> Halt {
        let command = self.command;
        writeln!(self.err, "error: {}: {misuse}", command.name);
        write!(self.err, "hint: ");
        help::usage(command, &mut self.err);
        Halt::Told(Status::Usage)
    }

    /// Says that something can't be done with the container of that name, and why. The command's
    /// subject is named, because the name may be a made-up one.
    #[inline(never)]
    pub fn refuse(&mut self, name: &str, error: Error) -> Status {
        let mut at: String<32> = String::new();
        if let Error::Start(Failure::Image(code)) = error
            && let Ok(handle) = self.supervisor.find(name)
        {
            // Without its place the rest is still worth saying.
            let _ = self.supervisor.with_spec(handle, |spec| {
                write!(at, "{}", judge::place(code, &spec.image))
            });
        }
        let reason = Reason {
            code: error.code(),
            at: &at,
            detail: "",
            advice: advice::container(error),
        };
        let verb = match self.command.verb {
            Verb::Logs => "show the log of",
            Verb::Rm => "remove",
            Verb::Wait => "wait for",
            _ => self.command.name,
        };
        let what = format_args!("can't {verb} {}", Plain(self.subject));
        failure(&mut self.err, what, &reason)
    }

    /// Says that the image store does not do it, and why.
    pub fn unstored(&mut self, error: store::Error) -> Status {
        let reason = Reason {
            code: error.code(),
            at: "",
            detail: "",
            advice: advice::store(error),
        };
        let (name, subject) = (self.command.name, Plain(self.subject));
        let blank = if self.subject.is_empty() { "" } else { " " };
        let what = format_args!("{name}{blank}{subject} failed");
        failure(&mut self.err, what, &reason)
    }
}

const fn bit(key: Key) -> u32 {
    1 << key as u32
}
