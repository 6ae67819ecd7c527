// SPDX-License-Identifier: Apache-2.0
//! Options of every command of the PC, which may also stand among those of a core's command.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum as _;
use ocre::command::arguments::Key;
use ocre::image::judge::Policy;
use ocre::image::trust::{Trust, TrustRule};
use ocre_oci::Sha256;
use ocre_pc::counters::FolderCounters;
use ocre_pc::platform::POLICY;
use ocre_tools::failure::Failure;
use ocre_tools::signing::trust;

use super::command_line::CommandLine;
use super::grammar;
use super::output::{Color, OutputFormat};

/// Environment variable that names the flash file.
const FLASH_VARIABLE: &str = "OCRE_FLASH";

// No documentation: clap would take it for the description of the program.
#[derive(clap::Args, Debug)]
pub struct Global {
    /// Flash file of the simulated device [default: $OCRE_FLASH, else a file in the user's data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub flash: Option<PathBuf>,
    /// Output format
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub format: OutputFormat,
    /// Coloured output; auto: on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "auto|always|never",
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub color: Color,
    /// Policy for the origin of images [default: signed with --trusted-key, else any]
    #[arg(long, global = true, value_name = "any|signed-aot|signed|pinned", value_parser = trust_rule)]
    pub policy: Option<TrustRule>,
    /// PEM files with the keys of trusted signers, separated by commas
    #[arg(long, global = true, value_name = "FILE,…", value_delimiter = ',')]
    pub trusted_key: Vec<PathBuf>,
    /// Digests of manifests or code layers that need no signature, separated by commas
    #[arg(long, global = true, value_name = "DIGEST,…", value_delimiter = ',', value_parser = digest)]
    pub pin: Vec<Sha256>,
    /// Folder with counters of image sequences, which a new flash file does not reset
    #[arg(long, global = true, value_name = "DIR")]
    pub counters: Option<PathBuf>,
}

/// Parses a rule for the origin of images, for clap.
fn trust_rule(text: &str) -> Result<TrustRule, &'static str> {
    let known = TrustRule::ALL.into_iter().find(|rule| rule.name() == text);
    known.ok_or("not any, signed-aot, signed or pinned")
}

/// Parses a digest, for clap.
fn digest(text: &str) -> Result<Sha256, &'static str> {
    text.parse()
        .map_err(|_| "not sha256: and 64 lower-case hex digits")
}

impl Global {
    /// Parses a command line of the core, and takes the PC's own options from it. A command that
    /// prints data receives the format.
    ///
    /// # Errors
    /// A message for the user.
    pub fn line(&mut self, words: &[OsString]) -> Result<CommandLine, String> {
        let mut line = CommandLine::on_pc(words, grammar::pc_options)?;
        for (option, value) in line.options() {
            self.set(option.long, value)
                .map_err(|error| format!("--{}: {error}", option.long))?;
        }
        if self.format == OutputFormat::Json {
            line.set_default(Key::Format, "json");
        }
        Ok(line)
    }

    /// Takes the flash file of the environment, unless an option has named one.
    pub fn take_environment(&mut self) {
        if self.flash.is_none() {
            let named = std::env::var_os(FLASH_VARIABLE).filter(|name| !name.is_empty());
            self.flash = named.map(PathBuf::from);
        }
    }

    /// Policy of this PC for images.
    ///
    /// # Errors
    /// Errors of the files with keys.
    pub fn policy(&self) -> Result<Policy<'static>, Failure> {
        let trust = trust(&self.trusted_key, self.policy, &self.pin)?;
        let Some(folder) = &self.counters else {
            return Ok(Policy { trust, ..POLICY });
        };
        // As the keys: once in a process.
        let counters: &FolderCounters = Box::leak(Box::new(FolderCounters::new(folder.clone())));
        let trust = Box::leak(Box::new(Trust {
            counter: Some(counters),
            ..*trust
        }));
        Ok(Policy { trust, ..POLICY })
    }

    /// Sets an option. Leaves others to the core.
    fn set(&mut self, long: &str, value: &str) -> Result<(), String> {
        match long {
            "flash" => self.flash = Some(value.into()),
            "format" => self.format = OutputFormat::from_str(value, false)?,
            "color" => self.color = Color::from_str(value, false)?,
            "policy" => self.policy = Some(trust_rule(value)?),
            "trusted-key" => self.trusted_key = value.split(',').map(PathBuf::from).collect(),
            "pin" => {
                let digests = value.split(',').map(digest);
                self.pin = digests.collect::<Result<_, _>>()?;
            }
            "counters" => self.counters = Some(value.into()),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::bundle::BundleRun;

    fn parsed(words: &[&str]) -> (Result<CommandLine, String>, Global) {
        let mut global = Global {
            flash: None,
            format: OutputFormat::Text,
            color: Color::Auto,
            policy: None,
            trusted_key: Vec::new(),
            counters: None,
            pin: Vec::new(),
        };
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        (global.line(&words), global)
    }

    fn lifted(words: &[&str]) -> (Vec<String>, Global) {
        let (line, global) = parsed(words);
        (line.unwrap().words(), global)
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
        assert_eq!(kept, expected);
        assert_eq!(global.flash.unwrap(), Path::new("f"));
    }

    #[test]
    fn a_bundle_is_the_pcs_own_and_nothing_of_the_guests() {
        for (words, allowed) in [
            (&["run", "--bundle", "b"] as &[_], false),
            (&["run", "--flash=f", "--bundle=b"], false),
            (
                &["run", "--bundle=a", "--allow-host-root", "--bundle=b"],
                true,
            ),
        ] {
            let line = parsed(words).0.unwrap();
            assert_eq!(line.words(), ["run"]);
            let run = BundleRun::of(&line).unwrap();
            assert_eq!((run.folder, run.allow_host_root), (Path::new("b"), allowed));
        }
        for (words, kept) in [
            (
                &["run", "hello", "--bundle", "b"] as &[_],
                &["run", "--", "hello", "--bundle", "b"] as &[_],
            ),
            (&["ps", "--bundle", "b"], &["ps", "--bundle", "b"]),
        ] {
            let line = parsed(words).0.unwrap();
            assert_eq!(line.words(), kept);
            assert!(BundleRun::of(&line).is_none());
        }
    }

    #[test]
    fn every_option_of_the_pc_may_stand_among_the_cores() {
        for option in grammar::global_options() {
            let word = format!("--{}=json", option.long);
            let (line, global) = parsed(&["ps", &word]);
            match option.long {
                "flash" => assert_eq!(global.flash.unwrap(), Path::new("json")),
                "format" => assert_eq!(global.format, OutputFormat::Json),
                "counters" => assert_eq!(global.counters.unwrap(), Path::new("json")),
                "trusted-key" => assert_eq!(global.trusted_key, [Path::new("json")]),
                // The value is looked at.
                name => assert!(line.unwrap_err().starts_with(&format!("--{name}: "))),
            }
        }
    }

    #[test]
    fn the_format_goes_to_commands_that_print_data() {
        let (kept, _) = lifted(&["image", "ls", "--format", "json"]);
        assert_eq!(kept, ["image", "ls", "--format=json"]);
        let (kept, _) = lifted(&["run", "--format=json", "hello"]);
        assert_eq!(kept, ["run", "hello"]);
    }

    #[test]
    fn a_wrong_value_is_reported_before_a_later_fault_of_the_core() {
        assert!(parsed(&["run", "--color=pink", "x"]).0.is_err());
        assert!(parsed(&["run", "--color=pink", "--bogus"]).0.is_err());
        assert!(parsed(&["run", "--bogus", "--color=pink"]).0.is_ok());
    }
}
