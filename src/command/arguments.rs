// SPDX-License-Identifier: Apache-2.0
//! The arguments of a command: options and operands, as POSIX and GNU spell them.
//!
//! `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`; flags without values may be joined
//! (`-df`). Options and operands may be mixed, except where the words after the first operand are
//! not the command's own (the arguments of a guest). Everything behind `--` is an operand.

use core::fmt;

use super::report::Sanitized;

/// Identity of an option. A key means the same in every command that has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the table of commands says it
pub enum Key {
    Help,
    Format,
    Force,
    Time,
    Detach,
    Rm,
    Timing,
    Name,
    Env,
    Volume,
    Cap,
    Memory,
    Disk,
    Stack,
    Timeout,
    Instructions,
    Restart,
    Priority,
    Prefer,
    Strict,
    All,
    Previous,
    Follow,
    Tail,
    Yes,
    /// An option of the program around the core.
    Foreign,
}

/// Option of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opt {
    /// Identity of the option.
    pub key: Key,
    /// Letter of the short form, in ASCII.
    pub short: Option<u8>,
    /// Long form, without dashes.
    pub long: &'static str,
    /// Name of the value in the help; `None` for a flag.
    pub value: Option<&'static str>,
    /// Help text, one line.
    pub help: &'static str,
}

/// Option or operand of a command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument<'a, 'o> {
    /// An option and its value, empty for a flag.
    Option(&'o Opt, &'a str),
    /// Any other argument.
    Operand(&'a str),
}

/// Mistake in a command line: the caller's, not a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsageError<'a> {
    /// No command of that name; the second is a similar name, if there is one.
    UnknownCommand(&'a str, Option<&'static str>),
    /// No option of that name.
    UnknownOption(&'a str),
    /// No option of that letter.
    UnknownFlag(char),
    /// An option lacks its value.
    ValueMissing(&'static str),
    /// A flag was given a value.
    ValueUnexpected(&'static str),
    /// The value of an option is none of those that the third describes.
    BadOption(&'static str, &'a str, &'static str),
    /// The value of an operand is none of those that the third describes.
    BadOperand(&'static str, &'a str, &'static str),
    /// Two options that make no sense together.
    Conflict(&'static str, &'static str),
    /// The build has no JSON.
    NoJson,
    /// An operand is missing.
    OperandMissing(&'static str),
    /// An operand too many.
    OperandUnexpected(&'a str),
}

/// A word as typed, in quotation marks.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Sanitized(self.0))
    }
}

impl fmt::Display for UsageError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UnknownCommand(name, None) => write!(f, "there is no command {}", Quoted(name)),
            Self::UnknownCommand(name, Some(other)) => {
                write!(
                    f,
                    "there is no command {}; did you mean \"{other}\"?",
                    Quoted(name)
                )
            }
            Self::UnknownOption(name) => write!(f, "there is no option {} here", Quoted(name)),
            Self::UnknownFlag(letter) => write!(f, "there is no option \"-{letter}\" here"),
            Self::ValueMissing(name) => write!(f, "--{name} needs a value"),
            Self::ValueUnexpected(name) => write!(f, "--{name} takes no value"),
            Self::BadOption(name, value, wanted) => {
                write!(f, "--{name} {} is not {wanted}", Quoted(value))
            }
            Self::BadOperand(name, value, wanted) => {
                write!(f, "{name} {} is not {wanted}", Quoted(value))
            }
            Self::Conflict(one, other) => write!(f, "{one} can't be used with {other}"),
            Self::NoJson => f.write_str("this build has no JSON"),
            Self::OperandMissing(name) => write!(f, "{name} is missing"),
            Self::OperandUnexpected(text) => {
                write!(f, "{} is one argument too many", Quoted(text))
            }
        }
    }
}

/// Parses arguments from left to right; not to be used after an error.
#[derive(Clone, Debug)]
pub struct Arguments<'a, 'o> {
    rest: &'a [&'a str],
    /// Rest of an argument with several flags.
    cluster: &'a str,
    options: &'o [Opt],
    /// Options end at the first operand.
    prefix: bool,
    only_operands: bool,
}

impl<'a, 'o> Arguments<'a, 'o> {
    /// Begins with the first argument. With `prefix`, options end at the first operand.
    pub const fn new(arguments: &'a [&'a str], options: &'o [Opt], prefix: bool) -> Self {
        Self {
            rest: arguments,
            cluster: "",
            options,
            prefix,
            only_operands: false,
        }
    }

    /// Returns the next argument; `None` at the end.
    ///
    /// # Errors
    /// `UnknownOption`, `UnknownFlag`, `ValueMissing` or `ValueUnexpected`.
    #[allow(clippy::should_implement_trait)] // `next()?` reads well only this way round
    pub fn next(&mut self) -> Result<Option<Argument<'a, 'o>>, UsageError<'a>> {
        if !self.cluster.is_empty() {
            return self.flag().map(Some);
        }
        let Some(argument) = self.take() else {
            return Ok(None);
        };
        if self.only_operands {
            return Ok(Some(Argument::Operand(argument)));
        }
        if argument == "--" {
            self.only_operands = true;
            return self.next();
        }
        if let Some(long) = argument.strip_prefix("--") {
            return self.long(argument, long).map(Some);
        }
        match argument.strip_prefix('-') {
            Some(cluster) if !cluster.is_empty() => {
                self.cluster = cluster;
                self.flag().map(Some)
            }
            _ => {
                self.only_operands = self.prefix;
                Ok(Some(Argument::Operand(argument)))
            }
        }
    }

    fn take(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn long(
        &mut self,
        argument: &'a str,
        long: &'a str,
    ) -> Result<Argument<'a, 'o>, UsageError<'a>> {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let option = self
            .options
            .iter()
            .find(|option| option.long == name)
            .ok_or(UsageError::UnknownOption(argument))?;
        let value = match (option.value, value) {
            (None, None) => "",
            (None, Some(_)) => return Err(UsageError::ValueUnexpected(option.long)),
            (Some(_), Some(value)) => value,
            (Some(_), None) => self.take().ok_or(UsageError::ValueMissing(option.long))?,
        };
        Ok(Argument::Option(option, value))
    }

    fn flag(&mut self) -> Result<Argument<'a, 'o>, UsageError<'a>> {
        let mut letters = self.cluster.chars();
        let letter = letters.next().unwrap_or_default();
        let option = self
            .options
            .iter()
            .find(|option| option.short.map(char::from) == Some(letter))
            .ok_or(UsageError::UnknownFlag(letter))?;
        let joined = letters.as_str();
        if option.value.is_none() {
            self.cluster = joined;
            return Ok(Argument::Option(option, ""));
        }
        self.cluster = "";
        let value = if joined.is_empty() {
            self.take().ok_or(UsageError::ValueMissing(option.long))?
        } else {
            joined
        };
        Ok(Argument::Option(option, value))
    }
}

/// Parses bytes: a number, with `K`, `M` or `G` behind it for powers of 1,024; `KB` and `KiB` are
/// the same.
pub fn bytes(text: &str) -> Option<u64> {
    let (text, prefixed) = match text.strip_suffix("iB") {
        Some(text) => (text, true),
        None => (text.strip_suffix('B').unwrap_or(text), false),
    };
    let unit = match text.as_bytes().last()? {
        b'K' | b'k' => 1 << 10,
        b'M' | b'm' => 1 << 20,
        b'G' | b'g' => 1 << 30,
        _ if prefixed => return None,
        _ => return number(text),
    };
    let digits = text.get(..text.len().checked_sub(1)?)?;
    number(digits)?.checked_mul(unit)
}

/// Parses a duration: seconds with up to three decimals, or a number with `ms`, `s`, `m` or `h`.
/// Returns milliseconds.
pub fn seconds(text: &str) -> Option<u64> {
    if let Some(milliseconds) = text.strip_suffix("ms") {
        return number(milliseconds);
    }
    let (text, times) = match text.as_bytes().last()? {
        b's' => (text.strip_suffix('s')?, 1),
        b'm' => (text.strip_suffix('m')?, 60),
        b'h' => (text.strip_suffix('h')?, 3600),
        _ => (text, 1),
    };
    decimal(text, 3)?.checked_mul(times)
}

/// Parses a number with a sign and up to six decimals. Returns millionths.
pub fn millionths(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(size) => 0_i64.checked_sub_unsigned(decimal(size, 6)?),
        None => decimal(text, 6)?.try_into().ok(),
    }
}

/// A number with up to so many decimals, as a multiple of the last one.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    number(decimals).filter(|_| decimals.len() <= places)?;
    let mut digits = decimals.bytes();
    let mut value = number(whole)?;
    for _ in 0..places {
        let digit = digits.next().map_or(0, |digit| digit & 0xf);
        value = value.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some(value)
}

/// Parses digits, without the sign that `str::parse` would take.
pub fn number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(text)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    static OPTIONS: [Opt; 3] = [
        Opt {
            key: Key::Detach,
            short: Some(b'd'),
            long: "detach",
            value: None,
            help: "",
        },
        Opt {
            key: Key::Env,
            short: Some(b'e'),
            long: "env",
            value: Some("K=V"),
            help: "",
        },
        Opt {
            key: Key::Force,
            short: Some(b'f'),
            long: "force",
            value: None,
            help: "",
        },
    ];

    const DETACH: &Opt = &OPTIONS[0];
    const ENV: &Opt = &OPTIONS[1];
    const FORCE: &Opt = &OPTIONS[2];

    fn read<'a>(
        arguments: &'a [&'a str],
        prefix: bool,
    ) -> Result<Vec<Argument<'a, 'static>>, UsageError<'a>> {
        let mut all = Vec::new();
        let mut arguments = Arguments::new(arguments, &OPTIONS, prefix);
        while let Some(argument) = arguments.next()? {
            all.push(argument);
        }
        Ok(all)
    }

    #[test]
    fn every_spelling_of_an_option_is_taken() {
        let env = [Argument::Option(ENV, "A=1")];
        for spelling in [
            &["--env", "A=1"] as &[_],
            &["--env=A=1"],
            &["-e", "A=1"],
            &["-eA=1"],
        ] {
            assert_eq!(read(spelling, false).unwrap(), env, "{spelling:?}");
        }
        let joined = [
            Argument::Option(DETACH, ""),
            Argument::Option(FORCE, ""),
            Argument::Option(ENV, "X="),
        ];
        assert_eq!(read(&["-dfeX="], false).unwrap(), joined);
    }

    #[test]
    fn a_value_may_look_like_an_option_and_an_operand_may_be_one_dash() {
        let expected = [Argument::Option(ENV, "--force"), Argument::Operand("-")];
        assert_eq!(read(&["--env", "--force", "-"], false).unwrap(), expected);
    }

    #[test]
    fn what_follows_two_dashes_is_an_operand() {
        let expected = [Argument::Operand("-d"), Argument::Operand("--")];
        assert_eq!(read(&["--", "-d", "--"], false).unwrap(), expected);
    }

    #[test]
    fn where_options_come_first_the_first_operand_ends_them() {
        let expected = [
            Argument::Option(DETACH, ""),
            Argument::Operand("hello"),
            Argument::Operand("-d"),
            Argument::Operand("--"),
        ];
        assert_eq!(read(&["-d", "hello", "-d", "--"], true).unwrap(), expected);
    }

    #[test]
    fn a_wrong_option_is_named() {
        for (arguments, misuse) in [
            (
                &["--detatch"] as &[_],
                UsageError::UnknownOption("--detatch"),
            ),
            (&["--x=1"], UsageError::UnknownOption("--x=1")),
            (&["-dx"], UsageError::UnknownFlag('x')),
            (&["--env"], UsageError::ValueMissing("env")),
            (&["-de"], UsageError::ValueMissing("env")),
            (&["--detach=yes"], UsageError::ValueUnexpected("detach")),
        ] {
            assert_eq!(read(arguments, false), Err(misuse));
        }
    }

    #[test]
    fn numbers_have_units_and_no_signs() {
        assert_eq!(bytes("64K"), Some(65_536));
        assert_eq!(bytes("1m"), Some(1 << 20));
        assert_eq!(bytes("2G"), Some(2 << 30));
        assert_eq!(bytes("512"), Some(512));
        assert_eq!(bytes("3KB"), Some(3 << 10));
        assert_eq!(bytes("3MiB"), Some(3 << 20));
        assert_eq!(bytes("3B"), Some(3));
        for wrong in [
            "",
            "K",
            "+1",
            "-1",
            "1.5K",
            "B",
            "iB",
            "KB",
            "1i",
            "1iB",
            "1KiBB",
            "99999999999G",
            "é",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        assert_eq!(seconds("2"), Some(2_000));
        assert_eq!(seconds("0.25"), Some(250));
        assert_eq!(seconds("1.005"), Some(1_005));
        assert_eq!(seconds("500ms"), Some(500));
        assert_eq!(seconds("1.5s"), Some(1_500));
        assert_eq!(seconds("2m"), Some(120_000));
        assert_eq!(seconds("1h"), Some(3_600_000));
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "1.0005",
            "1e3",
            "s",
            "ms",
            "0.5ms",
            "1d",
            "1 s",
            "18446744073709551615",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
