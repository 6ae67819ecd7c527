// SPDX-License-Identifier: Apache-2.0
//! Table of commands, for dispatch, help and completion.

use super::arguments::{Key, Opt, UsageError};
use crate::limits::{SIGNATURES, SIMULATED_DEVICES};

/// Options of a command, with `--help` at the end where a program lists them.
macro_rules! options {
    ($($option:expr),* $(,)?) => {
        if SIMULATED_DEVICES {
            &[$($option,)* HELP]
        } else {
            &[$($option),*]
        }
    };
}

/// Action of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the table below says it
pub enum Verb {
    Help,
    Version,
    Info,
    ImageLs,
    ImageInspect,
    ImageVerify,
    ImageRm,
    ImagePrune,
    ImageReset,
    Run,
    Create,
    Start,
    Stop,
    Kill,
    Restart,
    Pause,
    Unpause,
    Wait,
    Rm,
    Ps,
    Logs,
    Events,
    Stats,
    Inspect,
    Format,
    DeviceGpio,
    DeviceSensor,
}

/// A command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Command {
    /// Action of the command.
    pub verb: Verb,
    /// Name, in one or two words.
    pub name: &'static str,
    /// Operands, as the usage shows them.
    pub operands: &'static str,
    /// Least number of operands.
    pub least: u8,
    /// Largest number of operands.
    pub most: u8,
    /// Summary, one line, without a full stop; then lines of details, if there are any.
    pub text: &'static str,
    /// Options of the command.
    pub options: &'static [Opt],
    /// True where every word after the first operand is an operand, even with a dash.
    pub passes_on: bool,
}

impl Command {
    /// Summary, one line.
    pub fn summary(&self) -> &'static str {
        self.texts().0
    }

    /// Further details; may be empty.
    pub fn details(&self) -> &'static str {
        self.texts().1
    }

    #[inline(never)]
    fn texts(&self) -> (&'static str, &'static str) {
        self.text.split_once('\n').unwrap_or((self.text, ""))
    }

    /// The one or two words of its name.
    #[inline(never)]
    fn words(&self) -> (&'static str, &'static str) {
        self.name.split_once(' ').unwrap_or((self.name, ""))
    }

    /// First word of a command or, for a command of that group, the second.
    pub(super) fn word(&self, group: &str) -> Option<&'static str> {
        let (first, second) = self.words();
        match group {
            "" => Some(first),
            _ => (group == first).then_some(second),
        }
    }
}

/// Option of every command. The lists of a device leave it out: the parser and the help add it.
pub(super) const HELP: Opt = Opt {
    key: Key::Help,
    short: Some(b'h'),
    long: "help",
    value: None,
    help: "Print help",
};
const FORMAT: Opt = Opt {
    key: Key::Format,
    short: None,
    long: "format",
    value: Some("text|json"),
    help: "Output format",
};
const FORCE: Opt = Opt {
    key: Key::Force,
    short: Some(b'f'),
    long: "force",
    value: None,
    help: "Kill a running container first",
};

const TIME: Opt = Opt {
    key: Key::Time,
    short: Some(b't'),
    long: "time",
    value: Some("SECONDS"),
    help: "Grace period before the kill [default: 10]",
};

/// Options of `run`, and from the fourth on of `create`.
const RUN: &[Opt] = options![
    Opt {
        key: Key::Detach,
        short: Some(b'd'),
        long: "detach",
        value: None,
        help: "Return once the guest has started",
    },
    Opt {
        key: Key::Rm,
        short: None,
        long: "rm",
        value: None,
        help: "Remove the container and its files after the run",
    },
    Opt {
        key: Key::Timing,
        short: None,
        long: "timing",
        value: None,
        help: "Print the duration of each step",
    },
    Opt {
        key: Key::Name,
        short: None,
        long: "name",
        value: Some("NAME"),
        help: "Container name [default: generated]",
    },
    Opt {
        key: Key::Env,
        short: Some(b'e'),
        long: "env",
        value: Some("K=V"),
        help: "Set or override an environment variable",
    },
    Opt {
        key: Key::Volume,
        short: Some(b'v'),
        long: "volume",
        value: Some("SRC:DST"),
        help: "Mount a folder of the partition; :ro for read-only",
    },
    Opt {
        key: Key::Cap,
        short: None,
        long: "cap",
        value: Some("CAP"),
        help: "Grant a permission that the image asks for",
    },
    Opt {
        key: Key::Memory,
        short: None,
        long: "memory",
        value: Some("BYTES"),
        help: "Maximum linear memory, such as 128K or 1M",
    },
    Opt {
        key: Key::Disk,
        short: None,
        long: "disk",
        value: Some("BYTES"),
        help: "Maximum total file size, such as 64K",
    },
    Opt {
        key: Key::Stack,
        short: None,
        long: "stack",
        value: Some("BYTES"),
        help: "Guest stack size",
    },
    Opt {
        key: Key::Timeout,
        short: None,
        long: "timeout",
        value: Some("SECONDS"),
        help: "Kill the guest after SECONDS, such as 0.5",
    },
    Opt {
        key: Key::Instructions,
        short: None,
        long: "instructions",
        value: Some("N"),
        help: "Instruction limit; selects portable code",
    },
    Opt {
        key: Key::Restart,
        short: None,
        long: "restart",
        value: Some("POLICY"),
        help: "Restart policy: no, on-failure, on-failure:N or always",
    },
    Opt {
        key: Key::Priority,
        short: None,
        long: "priority",
        value: Some("N"),
        help: "Priority, 0 (most urgent, first at boot) to 255",
    },
    Opt {
        key: Key::Prefer,
        short: None,
        long: "prefer",
        value: Some("aot|wasm"),
        help: "Code to prefer if the image has both",
    },
];

const CREATE: &[Opt] = match RUN {
    [_, _, _, create @ ..] => create,
    _ => &[],
};

/// Every command, in the order in which they are listed.
pub const COMMANDS: &[Command] = &LISTED;

/// Commands at the end that this build leaves out: two of simulated devices, and one of devices that
/// know signatures.
const LEFT_OUT: usize = match (SIMULATED_DEVICES, SIGNATURES) {
    (true, _) => 0,
    (false, true) => 2,
    (false, false) => 3,
};

// A copy, so that the others take no flash.
const LISTED: [Command; ALL.len() - LEFT_OUT] = match ALL.first_chunk() {
    Some(listed) => *listed,
    None => {
        let [first, ..] = ALL;
        [first; ALL.len() - LEFT_OUT]
    }
};

const ALL: [Command; 27] = [
    Command {
        verb: Verb::Help,
        name: "help",
        operands: "[COMMAND]",
        least: 0,
        most: 2,
        text: "List the commands, or explain one",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Version,
        name: "version",
        operands: "",
        least: 0,
        most: 0,
        text: "Print the ocre version",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Info,
        name: "info",
        operands: "",
        least: 0,
        most: 0,
        text: "Print the device's features, limits and free storage",
        options: options![FORMAT],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageLs,
        name: "image ls",
        operands: "",
        least: 0,
        most: 0,
        text: "List the images on the partition",
        options: options![FORMAT],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageInspect,
        name: "image inspect",
        operands: "IMAGE",
        least: 1,
        most: 1,
        text: "Print all details of an image as JSON\n\
               Includes the verdict on documents and blobs. `image verify` judges the code too.",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageVerify,
        name: "image verify",
        operands: "IMAGE",
        least: 1,
        most: 1,
        text: "Verify an image and check that this device can run it\n\
               The verdict is ok, warnings or rejected. With rejected, the command fails.",
        options: options![
            Opt {
                key: Key::Strict,
                short: None,
                long: "strict",
                value: None,
                help: "Refuse images with warnings",
            },
            Opt {
                key: Key::All,
                short: None,
                long: "all",
                value: None,
                help: "List all findings, not only the first",
            },
            FORMAT,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageRm,
        name: "image rm",
        operands: "IMAGE",
        least: 1,
        most: 1,
        text: "Remove an image and the blobs that no other image uses\n\
               Refuses an image that a container uses.",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::ImagePrune,
        name: "image prune",
        operands: "",
        least: 0,
        most: 0,
        text: "Remove blobs that no image uses\n\
               The previous image of a tag stays until the update has proved itself: see `docs/updates.md`.",
        options: options![Opt {
            key: Key::Previous,
            short: None,
            long: "previous",
            value: None,
            help: "Also remove previous images of tags",
        },],
        passes_on: false,
    },
    Command {
        verb: Verb::Run,
        name: "run",
        operands: "IMAGE [ARG]...",
        least: 1,
        most: u8::MAX,
        text: "Create and run a new container from an image\n\
               Prints the guest's output. The exit code is the guest's (255 if larger than a byte), 134 after\n\
               a trap, 137 after a kill or at the time limit, 1 if the start fails.",
        options: RUN,
        passes_on: true,
    },
    Command {
        verb: Verb::Create,
        name: "create",
        operands: "IMAGE [ARG]...",
        least: 1,
        most: u8::MAX,
        text: "Create a container from an image without starting it\n\
               Prints the container's name. The container stays until `rm`, across reboots too.\n\
               Each start uses the current image of a tag.",
        options: CREATE,
        passes_on: true,
    },
    Command {
        verb: Verb::Start,
        name: "start",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Start a created or ended container\n\
               Returns once the guest has started. `logs` prints its output.",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Stop,
        name: "stop",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Stop a container; kill it after the grace period\n\
               The guest receives the stop request as end of file on stdin.",
        options: options![TIME],
        passes_on: false,
    },
    Command {
        verb: Verb::Kill,
        name: "kill",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Kill a container",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Restart,
        name: "restart",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Restart a container\n\
               A running container is stopped first, as by `stop`.",
        options: options![TIME],
        passes_on: false,
    },
    Command {
        verb: Verb::Pause,
        name: "pause",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Pause a container\n\
               The guest halts at the next safe point: a loop, a call, or the end of a host call.\n\
               The time limit keeps running.",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Unpause,
        name: "unpause",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Resume a paused container",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Wait,
        name: "wait",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Wait until a container ends and print its exit code\n\
               The code is 134 after a trap, 137 after a kill, 1 if the start failed.\n\
               The wait continues through restarts by the restart policy.",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Rm,
        name: "rm",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Remove a container, its log and its files\n\
               --force also removes a container with an unreadable record, or /lost+found/NAME.",
        options: options![FORCE],
        passes_on: false,
    },
    Command {
        verb: Verb::Ps,
        name: "ps",
        operands: "",
        least: 0,
        most: 0,
        text: "List running containers\n\
               Containers that wait for a restart are listed too. `start` ends a crash-loop.",
        options: options![
            Opt {
                key: Key::All,
                short: Some(b'a'),
                long: "all",
                value: None,
                help: "List all containers",
            },
            FORMAT,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::Logs,
        name: "logs",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Print the log of a container",
        options: options![
            Opt {
                key: Key::Follow,
                short: Some(b'f'),
                long: "follow",
                value: None,
                help: "Follow the log until the container ends",
            },
            Opt {
                key: Key::Tail,
                short: Some(b'n'),
                long: "tail",
                value: Some("LINES"),
                help: "Print the last LINES lines",
            },
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::Events,
        name: "events",
        operands: "",
        least: 0,
        most: 0,
        text: "Print recent state changes of containers\n\
               Times are seconds since boot.",
        options: options![Opt {
            key: Key::Follow,
            short: Some(b'f'),
            long: "follow",
            value: None,
            help: "Follow new events until interrupted",
        },],
        passes_on: false,
    },
    Command {
        verb: Verb::Stats,
        name: "stats",
        operands: "",
        least: 0,
        most: 0,
        text: "Print resource use of each container's current or last run\n\
               COMPUTED: CPU time, where counted. RAN: duration. KiB, MOST: current and peak memory.\n\
               DISK: KiB of files. CALLS: host calls. RESTARTS: starts by the restart policy.",
        options: options![FORMAT],
        passes_on: false,
    },
    Command {
        verb: Verb::Inspect,
        name: "inspect",
        operands: "NAME",
        least: 1,
        most: 1,
        text: "Print all details of a container as JSON",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::Format,
        name: "format",
        operands: "",
        least: 0,
        most: 0,
        text: "Delete all data of a partition that does not mount",
        options: options![Opt {
            key: Key::Yes,
            short: None,
            long: "yes",
            value: None,
            help: "Confirm the loss",
        },],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageReset,
        name: "image reset",
        operands: "IMAGE",
        least: 1,
        most: 1,
        text: "Forget the highest sequence of an image name that has worked\n\
               Older images of that name run again. The device logs the reset.",
        options: options![],
        passes_on: false,
    },
    Command {
        verb: Verb::DeviceGpio,
        name: "device gpio",
        operands: "[PIN on|off]",
        least: 0,
        most: 2,
        text: "List the simulated pins, or drive one from outside\n\
               PIN is a name such as sw0, or PORT.LINE.",
        options: options![FORMAT],
        passes_on: false,
    },
    Command {
        verb: Verb::DeviceSensor,
        name: "device sensor",
        operands: "[SENSOR CHANNEL VALUE]",
        least: 0,
        most: 3,
        text: "List the values of the simulated sensors, or set one\n\
               VALUE may have a sign and up to six decimals.",
        options: options![FORMAT],
        // A value may begin with a dash.
        passes_on: true,
    },
];

/// Finds the command that the arguments begin with. Returns it and its arguments.
///
/// ```
/// use ocre::command::table;
///
/// let (command, arguments) = table::find(&["image", "rm", "app:1"])?;
/// assert_eq!((command.name, arguments), ("image rm", &["app:1"][..]));
///
/// let mistake = table::find(&["image", "rmm"]).unwrap_err();
/// assert!(mistake.to_string().contains("\"rm\""));
/// # Ok::<(), ocre::command::arguments::UsageError<'_>>(())
/// ```
///
/// # Errors
/// [`UsageError::UnknownCommand`], with the command whose name is the most alike.
pub fn find<'a, 'w>(
    words: &'w [&'a str],
) -> Result<(&'static Command, &'w [&'a str]), UsageError<'a>> {
    for command in COMMANDS {
        let (one, other) = command.words();
        let behind = match words {
            [first, behind @ ..] if *first == one && other.is_empty() => behind,
            [first, second, behind @ ..] if *first == one && *second == other => behind,
            _ => continue,
        };
        return Ok((command, behind));
    }
    let (first, second) = match words {
        [first, second, ..] => (*first, *second),
        [first] => (*first, ""),
        [] => ("", ""),
    };
    // In a group of commands, the second word is wrong.
    let (group, wrong) = match is_group(first) {
        true if second.is_empty() => {
            return Err(UsageError::OperandMissing("the second word of the command"));
        }
        true => (first, second),
        false => ("", first),
    };
    Err(UsageError::UnknownCommand(wrong, alike(wrong, group)))
}

/// True where commands of two words begin with `word`.
pub fn is_group(word: &str) -> bool {
    let mut words = COMMANDS.iter().map(Command::words);
    words.any(|(group, second)| group == word && !second.is_empty())
}

/// Word number `place` of the first words of all commands, or of the second words of a group's, in
/// the order of the alphabet, and the first command that has it. A shell completes them.
pub fn completion(group: &str, place: usize) -> Option<(&'static str, &'static Command)> {
    let mut after = "";
    let mut found = None;
    for _ in 0..=place {
        found = None;
        for command in COMMANDS {
            if let Some(word) = command.word(group)
                && word > after
                && found.is_none_or(|(least, _)| word < least)
            {
                found = Some((word, command));
            }
        }
        after = found?.0;
    }
    found
}

/// Finds the name most like `word` among the second words of a group of commands or, without a
/// group, among the first words of all; `None` where no name is alike.
fn alike(word: &str, group: &str) -> Option<&'static str> {
    let mut most_alike = None;
    for command in COMMANDS {
        if let Some(name) = command.word(group)
            && let Some(distance) = distance(word, name)
            && distance <= name.len().div_ceil(2)
            && most_alike.is_none_or(|(least, _)| distance < least)
        {
            most_alike = Some((distance, name));
        }
    }
    Some(most_alike?.1)
}

/// Levenshtein distance, in bytes; `None` if the name is longer than any command's.
fn distance(word: &str, name: &str) -> Option<usize> {
    const LONGEST: usize = 12;
    let mut row = [0_usize; LONGEST + 1];
    let row = row.get_mut(..=name.len())?;
    row.iter_mut()
        .enumerate()
        .for_each(|(column, cell)| *cell = column);
    for (above, letter) in word.bytes().enumerate() {
        let mut diagonal = above;
        let mut left = above.saturating_add(1);
        let (first, rest) = row.split_first_mut()?;
        *first = left;
        for (cell, other) in rest.iter_mut().zip(name.bytes()) {
            let replaced = diagonal.saturating_add(usize::from(letter != other));
            diagonal = *cell;
            left = replaced.min(left.min(*cell).saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_one_and_two_words_are_found() {
        let (command, rest) = find(&["run", "-d", "hello"]).unwrap();
        assert_eq!((command.name, rest), ("run", &["-d", "hello"][..]));
        let (command, rest) = find(&["image", "verify", "hello"]).unwrap();
        assert_eq!((command.name, rest), ("image verify", &["hello"][..]));
    }

    #[test]
    fn a_name_that_is_nearly_one_is_suggested() {
        for (word, meant) in [
            ("rnu", Some("run")),
            ("lgos", Some("logs")),
            ("verison", Some("version")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(
                find(&[word]).unwrap_err(),
                UsageError::UnknownCommand(word, meant)
            );
        }
        assert_eq!(
            find(&["image", "verfy"]).unwrap_err(),
            UsageError::UnknownCommand("verfy", Some("verify"))
        );
    }

    #[test]
    fn half_of_a_command_is_missing_its_other_half() {
        assert!(matches!(
            find(&["image"]),
            Err(UsageError::OperandMissing(_))
        ));
    }

    #[test]
    fn no_two_options_of_a_command_are_spelt_alike_and_each_has_help() {
        for command in COMMANDS {
            for (index, option) in command.options.iter().enumerate() {
                for other in &command.options[..index] {
                    assert_ne!(option.long, other.long, "{}", command.name);
                    assert!(
                        option.short.is_none() || option.short != other.short,
                        "{} {:?}",
                        command.name,
                        option.short
                    );
                }
            }
            assert_eq!(command.options.last(), Some(&HELP), "{}", command.name);
        }
    }
}
