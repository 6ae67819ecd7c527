// SPDX-License-Identifier: Apache-2.0
//! Table of commands, for dispatch, help and completion.

use super::arguments::{Key, Opt, UsageError};
use crate::limits::SIMULATED_DEVICES;

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
    /// Summary, one line.
    pub summary: &'static str,
    /// Further details; may be empty.
    pub details: &'static str,
    /// Options of the command.
    pub options: &'static [Opt],
    /// True where every word after the first operand is an operand, even with a dash.
    pub passes_on: bool,
}

impl Command {
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

const HELP: Opt = Opt {
    key: Key::Help,
    short: Some(b'h'),
    long: "help",
    value: None,
    help: "shows this",
};
const FORMAT: Opt = Opt {
    key: Key::Format,
    short: None,
    long: "format",
    value: Some("text|json"),
    help: "how to print it",
};
const FORCE: Opt = Opt {
    key: Key::Force,
    short: Some(b'f'),
    long: "force",
    value: None,
    help: "kills it first if it is running",
};

const TIME: Opt = Opt {
    key: Key::Time,
    short: Some(b't'),
    long: "time",
    value: Some("SECONDS"),
    help: "how long it is given to end; 10 otherwise",
};

/// Options of `run`, and from the fourth on of `create`.
const RUN: &[Opt] = &[
    Opt {
        key: Key::Detach,
        short: Some(b'd'),
        long: "detach",
        value: None,
        help: "returns when the guest has started",
    },
    Opt {
        key: Key::Rm,
        short: None,
        long: "rm",
        value: None,
        help: "removes the container and its files after its end",
    },
    Opt {
        key: Key::Timing,
        short: None,
        long: "timing",
        value: None,
        help: "tells in the end how long each step took",
    },
    Opt {
        key: Key::Name,
        short: None,
        long: "name",
        value: Some("NAME"),
        help: "its name; one is made up otherwise",
    },
    Opt {
        key: Key::Env,
        short: Some(b'e'),
        long: "env",
        value: Some("K=V"),
        help: "sets a variable, over the image's",
    },
    Opt {
        key: Key::Volume,
        short: Some(b'v'),
        long: "volume",
        value: Some("SRC:DST"),
        help: "gives it a folder of the partition, with :ro to be read",
    },
    Opt {
        key: Key::Cap,
        short: None,
        long: "cap",
        value: Some("CAP"),
        help: "grants a permission that the image asks for",
    },
    Opt {
        key: Key::Memory,
        short: None,
        long: "memory",
        value: Some("BYTES"),
        help: "most linear memory, such as 128K or 1M",
    },
    Opt {
        key: Key::Disk,
        short: None,
        long: "disk",
        value: Some("BYTES"),
        help: "most that its files may take, such as 64K",
    },
    Opt {
        key: Key::Stack,
        short: None,
        long: "stack",
        value: Some("BYTES"),
        help: "stack of the guest",
    },
    Opt {
        key: Key::Timeout,
        short: None,
        long: "timeout",
        value: Some("SECONDS"),
        help: "kills it when it runs longer, such as 0.5",
    },
    Opt {
        key: Key::Instructions,
        short: None,
        long: "instructions",
        value: Some("N"),
        help: "most that it may execute; takes its portable code",
    },
    Opt {
        key: Key::Restart,
        short: None,
        long: "restart",
        value: Some("POLICY"),
        help: "starts it again: no, on-failure, on-failure:N or always",
    },
    Opt {
        key: Key::Priority,
        short: None,
        long: "priority",
        value: Some("N"),
        help: "0 to 255: 0 is the most urgent, and starts first at boot",
    },
    Opt {
        key: Key::Prefer,
        short: None,
        long: "prefer",
        value: Some("aot|wasm"),
        help: "which code is taken where the image has both",
    },
    HELP,
];

const CREATE: &[Opt] = match RUN {
    [_, _, _, create @ ..] => create,
    _ => &[],
};

/// Every command, in the order in which they are listed.
pub const COMMANDS: &[Command] = match ALL {
    [elsewhere @ .., _, _] if !SIMULATED_DEVICES => elsewhere,
    all => all,
};

/// All commands; the last two are for simulated devices.
const ALL: &[Command] = &[
    Command {
        verb: Verb::Help,
        name: "help",
        operands: "[COMMAND]",
        least: 0,
        most: 2,
        summary: "lists the commands, or explains one",
        details: "",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Version,
        name: "version",
        operands: "",
        least: 0,
        most: 0,
        summary: "shows the version of ocre",
        details: "",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Info,
        name: "info",
        operands: "",
        least: 0,
        most: 0,
        summary: "shows what this device can do and how full it is",
        details: "",
        options: &[FORMAT, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageLs,
        name: "image ls",
        operands: "",
        least: 0,
        most: 0,
        summary: "lists the images on the partition",
        details: "",
        options: &[FORMAT, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageInspect,
        name: "image inspect",
        operands: "IMAGE",
        least: 1,
        most: 1,
        summary: "shows everything about an image, as JSON",
        details: "With the verdict on its documents and blobs; `image verify` judges its code too.",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageVerify,
        name: "image verify",
        operands: "IMAGE",
        least: 1,
        most: 1,
        summary: "says whether an image is what it claims to be and can run here",
        details: "The verdict is ok, warnings or rejected; one that is rejected makes the command \
                  fail.\n\
                  As JSON: {\"verdict\":…,\"code\":…,\"at\":…,\"warnings\":[…]} on one line, with --all \
                  also \"findings\".",
        options: &[
            Opt {
                key: Key::Strict,
                short: None,
                long: "strict",
                value: None,
                help: "refuses what is odd too: every warning is a refusal",
            },
            Opt {
                key: Key::All,
                short: None,
                long: "all",
                value: None,
                help: "lists everything that is wrong, not only the first",
            },
            FORMAT,
            HELP,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::ImageRm,
        name: "image rm",
        operands: "IMAGE",
        least: 1,
        most: 1,
        summary: "removes an image, and what only it used",
        details: "An image that a container was created from stays.",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::ImagePrune,
        name: "image prune",
        operands: "",
        least: 0,
        most: 0,
        summary: "removes content that no image uses",
        details: "A power cut during an import can leave such content.\nWhat a tag led to before its update \
                  stays until the update works: see `docs/updates.md`.",
        options: &[
            Opt {
                key: Key::Previous,
                short: None,
                long: "previous",
                value: None,
                help: "also what tags led to before their updates",
            },
            HELP,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::Run,
        name: "run",
        operands: "IMAGE [ARG]...",
        least: 1,
        most: u8::MAX,
        summary: "creates a container of an image and runs it",
        details: "Shows what the guest writes until it ends, and ends with the guest's exit code: 255 \
                  for\n\
                  one that does not fit in a byte, 134 after a trap, 137 after a kill or at its time \
                  limit,\n\
                  1 if it can't be started.",
        options: RUN,
        passes_on: true,
    },
    Command {
        verb: Verb::Create,
        name: "create",
        operands: "IMAGE [ARG]...",
        least: 1,
        most: u8::MAX,
        summary: "creates a container of an image, to be started later",
        details: "It is there until it is removed, after a reboot too. If IMAGE is a tag, it follows that: each \
                  start\nis with what the tag leads to then.\nPrints the container's name.",
        options: CREATE,
        passes_on: true,
    },
    Command {
        verb: Verb::Start,
        name: "start",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "runs a container that is created or has ended",
        details: "Returns when the guest has started; its output goes to its log.",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Stop,
        name: "stop",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "asks a container to end, and kills it if it does not",
        details: "The guest sees the end of its input, and that is how it is asked.",
        options: &[TIME, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Kill,
        name: "kill",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "ends a container at once",
        details: "",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Restart,
        name: "restart",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "runs a container from its beginning",
        details: "One that runs is stopped first, as `stop` does it.",
        options: &[TIME, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Pause,
        name: "pause",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "holds a container's guest",
        details: "It goes on to its next loop or call, or to the end of what it waits for, and no \
                  further.\nIts time limit does not wait.",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Unpause,
        name: "unpause",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "lets a paused container's guest go on",
        details: "",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Wait,
        name: "wait",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "waits for a container's end and prints its exit code",
        details: "It is 134 after a trap, 137 after a kill, 1 if it could not be started.\n\
                  Where its policy wants another run, the wait goes on.",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Rm,
        name: "rm",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "removes a container, its log and its files",
        details: "By force also one whose record can't be read, or /lost+found/NAME.",
        options: &[FORCE, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Ps,
        name: "ps",
        operands: "",
        least: 0,
        most: 0,
        summary: "lists the containers that are running",
        details: "So are those that wait to be started again. What failed too often for that is in \
                  a\ncrash-loop, until it is started.",
        options: &[
            Opt {
                key: Key::All,
                short: Some(b'a'),
                long: "all",
                value: None,
                help: "also those that are not",
            },
            FORMAT,
            HELP,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::Logs,
        name: "logs",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "shows what a container wrote",
        details: "",
        options: &[
            Opt {
                key: Key::Follow,
                short: Some(b'f'),
                long: "follow",
                value: None,
                help: "goes on until the container ends",
            },
            Opt {
                key: Key::Tail,
                short: Some(b'n'),
                long: "tail",
                value: Some("LINES"),
                help: "only the last of them",
            },
            HELP,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::Events,
        name: "events",
        operands: "",
        least: 0,
        most: 0,
        summary: "shows the last changes of the containers' states",
        details: "Each with the seconds since boot.",
        options: &[
            Opt {
                key: Key::Follow,
                short: Some(b'f'),
                long: "follow",
                value: None,
                help: "goes on until it is interrupted",
            },
            HELP,
        ],
        passes_on: false,
    },
    Command {
        verb: Verb::Stats,
        name: "stats",
        operands: "",
        least: 0,
        most: 0,
        summary: "shows what the containers' present or last runs have taken",
        details: "Milliseconds that each has computed, where that is counted, and that it took; KiB of \
                  memory,\nthe most there were, and of its own files; calls of the host; starts by \
                  itself.",
        options: &[FORMAT, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::Inspect,
        name: "inspect",
        operands: "NAME",
        least: 1,
        most: 1,
        summary: "shows everything about a container, as JSON",
        details: "",
        options: &[HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::DeviceGpio,
        name: "device gpio",
        operands: "[PIN on|off]",
        least: 0,
        most: 2,
        summary: "shows the simulated pins, or drives one from outside",
        details: "PIN is a name such as sw0, or PORT.LINE.",
        options: &[FORMAT, HELP],
        passes_on: false,
    },
    Command {
        verb: Verb::DeviceSensor,
        name: "device sensor",
        operands: "[SENSOR CHANNEL VALUE]",
        least: 0,
        most: 3,
        summary: "shows what the simulated sensors measure, or changes it",
        details: "VALUE may have a sign and up to six decimals.",
        options: &[FORMAT, HELP],
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
