// SPDX-License-Identifier: Apache-2.0
//! Words of the core's commands, as typed on a PC.

use std::ffi::OsString;

use clap::ValueEnum as _;
use ocre::command::arguments::{Argument, Arguments, Key, Opt};
use ocre::command::table::{Command, Verb, find};

use super::Global;
use super::output::{Color, OutputFormat};
use crate::AotRule;

const fn global(long: &'static str) -> Opt {
    Opt {
        key: Key::Foreign,
        short: None,
        long,
        value: Some(""),
        help: "",
    }
}

/// Options of the PC, which may stand among the core's.
const GLOBALS: [Opt; 4] = [
    global("flash"),
    global("format"),
    global("color"),
    global("aot-policy"),
];

/// Options of `run` that only a PC has.
const BUNDLE: [Opt; 2] = [
    global("bundle"),
    Opt {
        value: None,
        ..global("allow-host-root")
    },
];

/// Moves the PC's own options from a core's command line to `global`. A line that the core
/// refuses is returned unchanged.
///
/// # Errors
/// A message for the user.
pub fn lift(words: &[OsString], global: &mut Global) -> Result<Vec<String>, String> {
    let words: Vec<&str> = words
        .iter()
        .map(|word| {
            word.to_str()
                .ok_or_else(|| format!("{word:?} is not UTF-8"))
        })
        .collect::<Result<_, _>>()?;
    let as_they_are = || Ok(words.iter().map(ToString::to_string).collect());
    let Ok((command, arguments)) = find(&words) else {
        return as_they_are();
    };
    let formats = command.options.iter().any(|option| option.long == "format");
    let mut options: Vec<Opt> = command.options.iter().copied().chain(GLOBALS).collect();
    if command.verb == Verb::Run {
        options.extend(BUNDLE);
    }
    let mut arguments = Arguments::new(arguments, &options, command.passes_on);
    let mut kept: Vec<String> = command.name.split(' ').map(str::to_owned).collect();
    let mut operands = Vec::new();
    loop {
        match arguments.next() {
            // The core reports the fault.
            Err(_) => return as_they_are(),
            Ok(None) => break,
            Ok(Some(Argument::Operand(text))) => operands.push(text.to_owned()),
            Ok(Some(Argument::Option(option, value))) => match option.long {
                "flash" => global.flash = Some(value.into()),
                "bundle" => global.bundle = Some(value.into()),
                "allow-host-root" => global.allow_host_root = true,
                "color" => {
                    global.color = Color::from_str(value, false)
                        .map_err(|error| format!("--color: {error}"))?;
                }
                "aot-policy" => {
                    global.aot_policy =
                        AotRule::parse(value).map_err(|error| format!("--aot-policy: {error}"))?;
                }
                "format" => {
                    global.format = OutputFormat::from_str(value, false)
                        .map_err(|error| format!("--format: {error}"))?;
                }
                name if option.value.is_some() => kept.push(format!("--{name}={value}")),
                name => kept.push(format!("--{name}")),
            },
        }
    }
    if formats && global.format == OutputFormat::Json {
        kept.push("--format=json".to_owned());
    }
    if operands.iter().any(|operand| operand.starts_with('-')) {
        kept.push("--".to_owned());
    }
    kept.extend(operands);
    Ok(kept)
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
        | Verb::Run
        | Verb::Create
        | Verb::Rm
        | Verb::Ps
        | Verb::Inspect => true,
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

/// Requirements of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// No flash: the command prints its help, or refuses its words.
    Nothing,
    /// An image of the flash.
    Image,
    /// The flash, with any content.
    Flash,
}

/// Requirement of a command line of the core.
pub fn need(words: &[&str]) -> Need {
    let Ok((command, _)) = find(words) else {
        return Need::Nothing;
    };
    match keys(words) {
        None => Need::Nothing,
        Some(_) if asks_for_help(words) => Need::Nothing,
        Some(_) if matches!(command.verb, Verb::Run | Verb::Create) => Need::Image,
        Some(_) => Need::Flash,
    }
}

/// True for a command that leaves the flash as it is.
pub fn only_reads(words: &[&str]) -> bool {
    find(words).is_ok_and(|(command, _)| {
        matches!(
            command.verb,
            Verb::Info
                | Verb::ImageLs
                | Verb::ImageInspect
                | Verb::ImageVerify
                | Verb::Ps
                | Verb::Inspect
        )
    })
}

/// True for a command line that asks for help.
pub fn asks_for_help(words: &[&str]) -> bool {
    keys(words).is_some_and(|given| given.contains(&Key::Help))
}

/// Options of a command line; `None` where the core refuses one.
fn keys(words: &[&str]) -> Option<Vec<Key>> {
    let (command, arguments) = find(words).ok()?;
    let mut arguments = Arguments::new(arguments, command.options, command.passes_on);
    let mut given = Vec::new();
    loop {
        match arguments.next() {
            Ok(Some(Argument::Option(option, _))) => given.push(option.key),
            Ok(Some(Argument::Operand(_))) => {}
            Ok(None) => return Some(given),
            Err(_) => return None,
        }
    }
}

/// Adapts a command line for a device that is on only for it: a container without a name is
/// removed after its run.
///
/// # Errors
/// The reason why the command makes no sense there.
pub fn for_one_boot<'a>(words: &[&'a str]) -> Result<Vec<&'a str>, String> {
    let mut kept = words.to_vec();
    let Ok((command, _)) = find(words) else {
        return Ok(kept);
    };
    let given = keys(words).unwrap_or_default();
    if given.contains(&Key::Help) {
        return Ok(kept);
    }
    if !once(command) {
        return Err(format!(
            "`{}` needs a running container, but the simulated device stops after each command",
            command.name
        ));
    }
    if command.verb == Verb::Run {
        if given.contains(&Key::Detach) {
            return Err("--detach: the simulated device stops after the command".to_owned());
        }
        if !given.contains(&Key::Name) && !given.contains(&Key::Rm) {
            kept.insert(1, "--rm");
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(words: &[&str]) -> (Result<Vec<String>, String>, Global) {
        let mut global = Global {
            flash: None,
            format: OutputFormat::Text,
            color: Color::Auto,
            aot_policy: AotRule::Allow,
            bundle: None,
            allow_host_root: false,
        };
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        (lift(&words, &mut global), global)
    }

    #[test]
    fn the_pcs_options_may_stand_among_the_cores_but_not_among_the_guests() {
        let words = [
            "run", "-d", "--flash", "f", "-eA=1", "hello", "--flash", "g",
        ];
        let (kept, global) = lifted(&words);
        let expected = [
            "run",
            "--detach",
            "--env=A=1",
            "--",
            "hello",
            "--flash",
            "g",
        ];
        assert_eq!(kept.unwrap(), expected);
        assert_eq!(global.flash.unwrap(), std::path::Path::new("f"));
    }

    #[test]
    fn a_bundle_is_the_pcs_own_and_nothing_of_the_guests() {
        for words in [
            &["run", "--bundle", "b"] as &[_],
            &["run", "--flash=f", "--bundle=b"],
        ] {
            let (kept, global) = lifted(words);
            assert_eq!(kept.unwrap(), ["run"]);
            assert_eq!(global.bundle.unwrap(), std::path::Path::new("b"));
        }
        let (kept, global) = lifted(&["run", "hello", "--bundle", "b"]);
        assert_eq!(kept.unwrap(), ["run", "--", "hello", "--bundle", "b"]);
        assert_eq!(global.bundle, None);
        assert_eq!(
            lifted(&["ps", "--bundle", "b"]).0.unwrap(),
            ["ps", "--bundle", "b"]
        );
    }

    #[test]
    fn a_command_needs_what_it_looks_at() {
        assert_eq!(need(&["run", "x"]), Need::Image);
        assert_eq!(need(&["run", "x", "--help"]), Need::Image);
        assert_eq!(need(&["run", "--help"]), Need::Nothing);
        assert_eq!(need(&["ps", "--bogus"]), Need::Nothing);
        assert_eq!(need(&["ps"]), Need::Flash);
        assert!(only_reads(&["image", "ls"]) && !only_reads(&["image", "prune"]));
    }

    #[test]
    fn the_format_goes_to_commands_that_print_data() {
        let (kept, _) = lifted(&["image", "ls", "--format", "json"]);
        assert_eq!(kept.unwrap(), ["image", "ls", "--format=json"]);
        let (kept, _) = lifted(&["run", "--format=json", "hello"]);
        assert_eq!(kept.unwrap(), ["run", "hello"]);
    }

    #[test]
    fn what_the_core_refuses_is_left_to_it() {
        let words = ["run", "--flash=f", "--bogus"];
        assert_eq!(lifted(&words).0.unwrap(), words);
        assert_eq!(lifted(&["rnu"]).0.unwrap(), ["rnu"]);
        assert!(lifted(&["run", "--color=pink", "x"]).0.is_err());
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
}
