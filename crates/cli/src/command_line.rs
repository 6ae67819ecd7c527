// SPDX-License-Identifier: Apache-2.0
//! A command line of the core, as typed on a PC.
//!
//! The words are parsed once, with the core's table and parser. Every later step reads or changes
//! the result, and [`CommandLine::words`] makes the words that the core receives.

use std::ffi::OsString;

use ocre::command::arguments::{Argument, Arguments, Key, Opt, UsageError};
use ocre::command::table::{Command, Verb, find};

/// Argument of a command line.
#[derive(Clone, PartialEq, Eq, Debug)]
enum GivenArgument {
    /// An option and its value, empty for a flag.
    Option(Opt, String),
    /// Any other argument.
    Operand(String),
}

impl From<Argument<'_, '_>> for GivenArgument {
    fn from(argument: Argument<'_, '_>) -> Self {
        match argument {
            Argument::Option(option, value) => Self::Option(*option, value.to_owned()),
            Argument::Operand(text) => Self::Operand(text.to_owned()),
        }
    }
}

/// A command and its arguments, in their order: the core reports the first mistake from the left.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParsedLine {
    command: &'static Command,
    arguments: Vec<GivenArgument>,
}

impl ParsedLine {
    fn options(&self) -> impl Iterator<Item = (&Opt, &str)> {
        self.arguments.iter().filter_map(|argument| match argument {
            GivenArgument::Option(option, value) => Some((option, &**value)),
            GivenArgument::Operand(_) => None,
        })
    }

    fn has(&self, key: Key) -> bool {
        self.options().any(|(option, _)| option.key == key)
    }

    /// Words for the core: the name, and the arguments in their long form.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.command.name.split(' ').map(str::to_owned).collect();
        // The operands at the end may look like options.
        let mut only_operands = words.len();
        let mut dashes = false;
        for argument in &self.arguments {
            match argument {
                GivenArgument::Option(option, _) if option.key == Key::Foreign => continue,
                GivenArgument::Option(option, value) => {
                    words.push(match option.value {
                        Some(_) => format!("--{}={value}", option.long),
                        None => format!("--{}", option.long),
                    });
                    only_operands = words.len();
                    dashes = false;
                }
                GivenArgument::Operand(text) => {
                    dashes |= text.starts_with('-');
                    words.push(text.clone());
                }
            }
        }
        if dashes {
            words.insert(only_operands, "--".to_owned());
        }
        words
    }
}

/// A command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CommandLine {
    /// Line that the core understands.
    Parsed(ParsedLine),
    /// Typed words that the core refuses and reports, and the part before the fault, if the command
    /// is known.
    Refused(Vec<String>, Option<ParsedLine>),
    /// Typed words that begin with no command.
    Unknown(Vec<String>),
}

/// Requirements of a command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// No flash: the command prints its help, or refuses its words.
    Nothing,
    /// An image of the flash.
    Image,
    /// The flash, with any content.
    Flash,
}

impl CommandLine {
    /// Parses the words of a device's command line.
    pub fn new(words: &[&str]) -> Self {
        Self::parse(words, |_| Vec::new())
    }

    /// Parses the words of a PC's command line, where options of the PC may stand among the
    /// core's; `added` returns those of a command.
    ///
    /// # Errors
    /// A message for the user, about a word that is not UTF-8.
    pub fn on_pc(words: &[OsString], added: impl Fn(&Command) -> Vec<Opt>) -> Result<Self, String> {
        let words: Vec<&str> = words
            .iter()
            .map(|word| {
                word.to_str()
                    .ok_or_else(|| format!("{word:?} is not UTF-8"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self::parse(&words, added))
    }

    fn parse(words: &[&str], added: impl Fn(&Command) -> Vec<Opt>) -> Self {
        let typed = || words.iter().map(ToString::to_string).collect();
        let (command, words) = match find(words) {
            Ok(found) => found,
            Err(UsageError::UnknownCommand(..)) => return Self::Unknown(typed()),
            Err(_) => return Self::Refused(typed(), None),
        };
        let options: Vec<Opt> = command
            .options
            .iter()
            .copied()
            .chain(added(command))
            .collect();
        let mut arguments = Arguments::new(words, &options, command.passes_on);
        let mut line = ParsedLine {
            command,
            arguments: Vec::new(),
        };
        loop {
            match arguments.next() {
                Ok(Some(argument)) => line.arguments.push(argument.into()),
                Ok(None) => return Self::Parsed(line),
                Err(_) => return Self::Refused(typed(), Some(line)),
            }
        }
    }

    fn parsed(&self) -> Option<&ParsedLine> {
        match self {
            Self::Parsed(line) => Some(line),
            Self::Refused(..) | Self::Unknown(_) => None,
        }
    }

    /// Part that the core understands.
    fn understood(&self) -> Option<&ParsedLine> {
        match self {
            Self::Parsed(line) => Some(line),
            Self::Refused(_, line) => line.as_ref(),
            Self::Unknown(_) => None,
        }
    }

    /// Words for the core, without the PC's own options; of a refused line the typed words.
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Parsed(line) => line.words(),
            Self::Refused(words, _) | Self::Unknown(words) => words.clone(),
        }
    }

    /// Words for the core behind the name of the command.
    pub fn arguments(&self) -> Vec<String> {
        let name = self.command().map_or("", |command| command.name);
        let length = name.split_whitespace().count();
        self.words().into_iter().skip(length).collect()
    }

    /// Command of the line, if it is known.
    pub fn command(&self) -> Option<&'static Command> {
        self.understood().map(|line| line.command)
    }

    /// Action of the command.
    pub fn verb(&self) -> Option<Verb> {
        self.command().map(|command| command.verb)
    }

    /// Options and their values, before the fault of a refused line.
    pub fn options(&self) -> impl Iterator<Item = (&Opt, &str)> {
        self.understood().into_iter().flat_map(ParsedLine::options)
    }

    /// Value of an option, the last if there are several.
    pub fn value(&self, wanted: &Opt) -> Option<&str> {
        let given = self.options().filter(|(option, _)| *option == wanted);
        given.map(|(_, value)| value).last()
    }

    fn has(&self, key: Key) -> bool {
        self.parsed().is_some_and(|line| line.has(key))
    }

    /// Returns true for a line that asks for help.
    pub fn asks_for_help(&self) -> bool {
        self.has(Key::Help)
    }

    /// Adds an option, where the command has it and the line does not.
    pub fn set_default(&mut self, key: Key, value: &str) {
        let Self::Parsed(line) = self else {
            return;
        };
        let options = line.command.options;
        if let Some(option) = options.iter().find(|option| option.key == key)
            && !line.has(key)
        {
            let given = GivenArgument::Option(*option, value.to_owned());
            line.arguments.insert(0, given);
        }
    }

    /// Returns true for a command that prints until the user stops it.
    pub fn follows(&self) -> bool {
        matches!(self.verb(), Some(Verb::Logs | Verb::Events))
    }

    /// Operand IMAGE of the command.
    pub fn image(&self) -> Option<&str> {
        let line = self.parsed().filter(|line| takes_image(line.command))?;
        line.arguments.iter().find_map(|argument| match argument {
            GivenArgument::Operand(text) => Some(&**text),
            GivenArgument::Option(..) => None,
        })
    }

    /// Replaces the operand IMAGE.
    pub fn set_image(&mut self, image: String) {
        if let Self::Parsed(line) = self
            && takes_image(line.command)
        {
            let mut operands = line.arguments.iter_mut();
            let operand = operands.find(|argument| matches!(argument, GivenArgument::Operand(_)));
            if let Some(operand) = operand {
                *operand = GivenArgument::Operand(image);
            }
        }
    }

    /// Requirement of the line.
    pub fn need(&self) -> Need {
        let Some(line) = self.parsed().filter(|line| !line.has(Key::Help)) else {
            return Need::Nothing;
        };
        match line.command.verb {
            Verb::Run | Verb::Create => Need::Image,
            _ => Need::Flash,
        }
    }

    /// Returns true for a command that leaves the flash as it is.
    pub fn only_reads(&self) -> bool {
        matches!(
            self.verb(),
            Some(
                Verb::Info
                    | Verb::ImageLs
                    | Verb::ImageInspect
                    | Verb::ImageVerify
                    | Verb::Ps
                    | Verb::Inspect
            )
        )
    }

    /// Adapts the line for a device that is on only for it: a container without a name is removed
    /// after its run.
    ///
    /// # Errors
    /// The reason why the command makes no sense there.
    pub fn adapt_for_one_boot(&mut self) -> Result<(), String> {
        let Some(line) = self.understood().filter(|_| !self.asks_for_help()) else {
            return Ok(());
        };
        if !once(line.command) {
            return Err(format!(
                "`{}` needs a running container, but the simulated device stops after each command",
                line.command.name
            ));
        }
        if self.has(Key::Detach) {
            return Err("--detach: the simulated device stops after the command".to_owned());
        }
        if !self.has(Key::Name) {
            self.set_default(Key::Rm, "");
        }
        Ok(())
    }
}

/// Returns true for a command with the operand IMAGE.
fn takes_image(command: &Command) -> bool {
    command.operands.split(' ').next() == Some("IMAGE")
}

/// True where a command makes sense on a device that is on only for it.
pub fn once(command: &Command) -> bool {
    match command.verb {
        Verb::Help
        | Verb::Version
        | Verb::Info
        | Verb::ImageLs
        | Verb::ImageInspect
        | Verb::ImageVerify
        | Verb::ImageRm
        | Verb::ImagePrune
        | Verb::ImageReset
        | Verb::Run
        | Verb::Create
        | Verb::Rm
        | Verb::Ps
        | Verb::Inspect
        | Verb::Format => true,
        Verb::Start
        | Verb::Stop
        | Verb::Kill
        | Verb::Restart
        | Verb::Pause
        | Verb::Unpause
        | Verb::Wait
        | Verb::Logs
        | Verb::Events
        | Verb::Stats
        | Verb::DeviceGpio
        | Verb::DeviceSensor => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> CommandLine {
        CommandLine::new(words)
    }

    fn for_one_boot(words: &[&str]) -> Result<Vec<String>, String> {
        let mut line = line(words);
        line.adapt_for_one_boot().map(|()| line.words())
    }

    #[test]
    fn the_words_for_the_core_mean_what_was_typed() {
        for (typed, expected) in [
            (
                "run -deA=1 -v a:b x -d --",
                "run --detach --env=A=1 --volume=a:b -- x -d --",
            ),
            ("run -e --rm -", "run --env=--rm -- -"),
            ("image verify a --all b", "image verify a --all b"),
            ("rm - -f", "rm - --force"),
            ("rm -f -- a -f", "rm --force -- a -f"),
            ("stop a b -tx", "stop a b --time=x"),
            ("device sensor a b -1", "device sensor -- a b -1"),
        ] {
            let typed: Vec<&str> = typed.split(' ').collect();
            let words = line(&typed).words();
            assert_eq!(words.join(" "), expected);
            let again: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_eq!(line(&again), line(&typed), "{expected}");
        }
    }

    #[test]
    fn what_the_core_refuses_is_left_to_it() {
        let words = ["run", "--flash=f", "--bogus"];
        for refused in [&words as &[_], &["run", "-v", "a:b", "--env"], &["image"]] {
            assert!(matches!(line(refused), CommandLine::Refused(..)));
            assert_eq!(line(refused).words(), refused);
        }
        let flash = Opt {
            key: Key::Foreign,
            short: None,
            long: "flash",
            value: Some(""),
            help: "",
        };
        let on_pc = CommandLine::on_pc(&words.map(Into::into), |_| vec![flash]).unwrap();
        assert!(matches!(on_pc, CommandLine::Refused(..)));
        assert_eq!(on_pc.words(), words);
        assert_eq!(on_pc.value(&flash), Some("f"));
        assert_eq!(
            line(&["rnu", "x"]),
            CommandLine::Unknown(vec!["rnu".into(), "x".into()])
        );
    }

    #[test]
    fn a_command_needs_what_it_looks_at() {
        assert_eq!(line(&["run", "x"]).need(), Need::Image);
        assert_eq!(line(&["run", "x", "--help"]).need(), Need::Image);
        assert_eq!(line(&["run", "--help"]).need(), Need::Nothing);
        assert_eq!(line(&["ps", "--bogus"]).need(), Need::Nothing);
        assert_eq!(line(&["ps"]).need(), Need::Flash);
        assert!(line(&["image", "ls"]).only_reads() && !line(&["image", "prune"]).only_reads());
    }

    #[test]
    fn a_run_without_a_name_leaves_nothing() {
        assert_eq!(for_one_boot(&["run", "x"]).unwrap(), ["run", "--rm", "x"]);
        assert_eq!(
            for_one_boot(&["run", "--name=a", "x"]).unwrap(),
            ["run", "--name=a", "x"]
        );
        assert!(for_one_boot(&["run", "-d", "x"]).is_err());
        assert!(for_one_boot(&["wait", "a"]).is_err());
        assert!(for_one_boot(&["wait", "--help"]).is_ok());
        assert!(for_one_boot(&["ps"]).is_ok());
    }

    #[test]
    fn a_default_is_for_commands_that_have_the_option_and_lines_that_do_not() {
        for (typed, expected) in [
            (
                &["create", "x"] as &[_],
                &["create", "--memory=64M", "x"] as &[_],
            ),
            (
                &["create", "--memory", "1M", "x"],
                &["create", "--memory=1M", "x"],
            ),
            (
                &["create", "x", "--memory"],
                &["create", "--memory=64M", "--", "x", "--memory"],
            ),
            (&["ps"], &["ps"]),
        ] {
            let mut line = line(typed);
            line.set_default(Key::Memory, "64M");
            assert_eq!(line.words(), expected);
        }
    }

    #[test]
    fn the_image_is_the_first_operand_of_commands_that_take_one() {
        let mut run = line(&["run", "-e", "a", "x", "x"]);
        assert_eq!(run.image(), Some("x"));
        run.set_image("y".to_owned());
        assert_eq!(run.words(), ["run", "--env=a", "y", "x"]);
        assert_eq!(line(&["image", "rm", "--", "x"]).image(), Some("x"));
        assert_eq!(line(&["rm", "x"]).image(), None);
        assert_eq!(line(&["run"]).image(), None);
    }
}
