// SPDX-License-Identifier: Apache-2.0
//! `ocre`: the container runtime on a PC. It packs and judges images, compiles them ahead of
//! time, and is a simulated device with a flash file, on which they run.
//!
//! Commands that a device does not have are here. All others go to the core, without the PC's own
//! options: see [`command_line`].
//!
//! Exit codes: 0; 1 refused or failed; 2 wrong command line; `run` ends with the guest's exit code,
//! 134 after a trap and 137 after a kill.

// A help text is shown verbatim: its brackets are no links.
#![allow(rustdoc::broken_intra_doc_links)]
#![forbid(unsafe_code)]

mod build;
mod bundle;
mod command_line;
mod compile;
mod completion;
mod copy;
mod device;
mod examples;
mod extract;
mod flash_check;
mod flash_containers;
mod flash_cp;
mod flash_create;
mod flash_extract;
mod flash_hex;
mod flash_images;
mod flash_info;
mod flash_ls;
mod flash_rm;
mod grammar;
mod guest_words;
mod import;
mod import_name;
mod inspect;
mod line;
mod log;
mod man;
mod new;
mod output;
mod pack;
mod path_as_image;
mod progress;
mod pull;
mod push;
mod shell;
mod short_digest;
mod suggestion;
mod transfer;
mod tree;
mod verify;
mod wasm;
mod zephyr_build;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bundle::BundleRun;
use clap::{ColorChoice, FromArgMatches as _, ValueEnum as _};
use command_line::{CommandLine, Need};
use device::SimulatedDevice;
use ocre::command::arguments::Key;
use ocre::command::table::{self, Verb};
use ocre::command::{CommandStatus, VERSION, usage};
use ocre::image::judge::{AotPolicy, Policy};
use ocre_oci::Sha256;
use ocre_pc::closed_streams;
use ocre_pc::flash::Flash;
use ocre_pc::platform::{self, POLICY, console};
use ocre_tools::failure::Failure;
use ocre_tools::partition;
use ocre_wamr::WamrEngine;
use output::{Color, LineOutput, OutputFormat};

/// Exit code of a process that SIGPIPE kills, because its reader is gone.
const BROKEN_PIPE: u8 = 141;

/// Build, verify and run WebAssembly containers for microcontrollers.
#[derive(clap::Parser, Debug)]
#[command(
    name = "ocre",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(clap::Args, Debug)]
struct Global {
    /// Flash file of the simulated device [default: $OCRE_FLASH, else a file in the user's data folder]
    #[arg(long, global = true, value_name = "FILE")]
    flash: Option<PathBuf>,
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
    format: OutputFormat,
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
    color: Color,
    /// Policy for AOT code: allow, deny, or digests of allowed layers, separated by commas
    #[arg(long, global = true, value_name = "POLICY", default_value = "allow", value_parser = AotRule::parse)]
    aot_policy: AotRule,
}

impl Global {
    /// Parses a command line of the core, and takes the PC's own options from it. A command that
    /// prints data receives the format.
    ///
    /// # Errors
    /// A message for the user.
    fn line(&mut self, words: &[OsString]) -> Result<CommandLine, String> {
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

    /// Sets an option. Leaves others to the core.
    fn set(&mut self, long: &str, value: &str) -> Result<(), String> {
        match long {
            "flash" => self.flash = Some(value.into()),
            "format" => self.format = OutputFormat::from_str(value, false)?,
            "color" => self.color = Color::from_str(value, false)?,
            "aot-policy" => self.aot_policy = AotRule::parse(value)?,
            _ => {}
        }
        Ok(())
    }
}

/// Environment variable that names the flash file.
const FLASH_VARIABLE: &str = "OCRE_FLASH";

/// Rule for AOT code.
#[derive(Clone, Debug)]
enum AotRule {
    Deny,
    Pinned(Vec<Sha256>),
    Allow,
}

impl AotRule {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "deny" => Ok(Self::Deny),
            "allow" => Ok(Self::Allow),
            list => list
                .split(',')
                .map(|digest| digest.parse::<Sha256>())
                .collect::<Result<_, _>>()
                .map(Self::Pinned)
                .map_err(|_| "not allow, deny, or sha256: and 64 lower-case hex digits".to_owned()),
        }
    }

    /// Converts the rule to the policy of this PC. Called once in a process: the list of digests
    /// leaks.
    fn into_policy(self) -> Policy<'static> {
        Policy {
            aot: match self {
                Self::Deny => AotPolicy::Deny,
                Self::Pinned(digests) => AotPolicy::Pinned(digests.leak()),
                Self::Allow => AotPolicy::Allow,
            },
            ..POLICY
        }
    }
}

#[derive(clap::Subcommand, Debug)]
enum CliCommand {
    /// Manage images
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Image {
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// Create, inspect, check and convert flash files
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Flash {
        #[command(subcommand)]
        command: FlashCommand,
    },
    /// Convert an image to an OCI runtime bundle
    Bundle(bundle::BundleArgs),
    /// Compile a module to AOT code
    Aot(compile::CompileArgs),
    /// Run a module without an image and a container
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Wasm {
        #[command(subcommand)]
        command: WasmCommand,
    },
    /// Compile a project and pack an image
    Build(build::BuildArgs),
    /// Create a new project
    New(new::NewArgs),
    /// Generate a completion script for a shell
    Completion(completion::CompletionArgs),
    /// Write the manual pages
    Man(man::ManArgs),
    /// Open the shell of the simulated device, for a terminal or a script
    Shell,
    /// A command of the core.
    #[command(external_subcommand)]
    Core(Vec<OsString>),
}

#[derive(clap::Subcommand, Debug)]
enum ImageCommand {
    /// Verify an image and check that this device can run it
    Verify(verify::VerifyArgs),
    /// Pack a module, AOT code and data files into an image
    Pack(pack::PackArgs),
    /// Import an image from a layout into the flash file
    Import(import::ImportArgs),
    /// Pull an image from a registry into the flash file
    Pull(Box<pull::PullArgs>),
    /// Push an image of the flash file to a registry or a layout
    Push(push::PushArgs),
    /// Copy an image between registries and layouts
    Copy(Box<copy::CopyArgs>),
    /// Extract the named files of an image
    Extract(extract::ExtractArgs),
    /// A command of the core.
    #[command(external_subcommand)]
    Core(Vec<OsString>),
}

#[derive(clap::Subcommand, Debug)]
enum FlashCommand {
    /// Create a flash file for a partition, with images and containers
    Create(Box<flash_create::FlashCreateArgs>),
    /// Print the size, images and containers of a flash file
    Info(flash_info::FlashInfoArgs),
    /// List the files in a flash file
    Ls(flash_ls::FlashLsArgs),
    /// Copy files and folders into, out of, or within a flash file
    Cp(flash_cp::FlashCpArgs),
    /// Remove a file or a folder from a flash file
    Rm(flash_rm::FlashRmArgs),
    /// Copy an image from a flash file to a layout
    Extract(flash_extract::FlashExtractArgs),
    /// Check a flash file for damage, and repair it
    Check(flash_check::FlashCheckArgs),
    /// Convert a flash file to Intel HEX
    Hex(flash_hex::FlashHexArgs),
}

#[derive(clap::Subcommand, Debug)]
enum WasmCommand {
    /// Run the `_start` function of a module and return its exit code
    Run(wasm::WasmRunArgs),
}

/// Runs the program.
fn main() -> ExitCode {
    closed_streams::tell();
    let grammar = grammar::own();
    let all: Vec<OsString> = std::env::args_os().collect();
    let (own, guest) = match all.split_first() {
        Some((_, words)) => guest_words::split(words.to_vec(), grammar),
        None => (Vec::new(), Vec::new()),
    };
    let grammar = grammar.clone().color(color_of(&own));
    let program = OsString::from("ocre");
    let parsed = grammar
        .try_get_matches_from([program].into_iter().chain(own))
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let Cli {
        mut global,
        command,
    } = match parsed {
        Ok(cli) => cli,
        Err(answer) => return answered(&answer),
    };
    if global.flash.is_none() {
        let named = std::env::var_os(FLASH_VARIABLE).filter(|name| !name.is_empty());
        global.flash = named.map(PathBuf::from);
    }
    let command = match command {
        CliCommand::Image {
            command: ImageCommand::Core(words),
        } => CliCommand::Core([OsString::from("image")].into_iter().chain(words).collect()),
        other => other,
    };
    let line = match &command {
        CliCommand::Core(words) => global.line(words).map(Some),
        _ => Ok(None),
    };
    let mut out = LineOutput::stdout(global.color, global.format);
    let mut err = LineOutput::stderr(global.color);
    let done = match line {
        Ok(line) => run(command, line, &guest, global, &mut out, &mut err),
        Err(misuse) => refused(
            &format!("error: {misuse}\nhint: see `ocre --help`\n"),
            &mut err,
        ),
    };
    let done = done.and_then(|status| {
        let finished = out.finish().and_then(|()| err.finish());
        finished.map_err(|error| Failure::io("can't print", &error))?;
        guests_heard()?;
        Ok(status)
    });
    match done {
        Ok(status) => ExitCode::from(status.exit_code()),
        Err(failure) => failed(&failure, &mut err),
    }
}

/// Reports an error of a guest's output: some of it is lost, even after exit code 0.
fn guests_heard() -> Result<(), Failure> {
    match console::failure() {
        None => Ok(()),
        Some(error) => Err(Failure::io("can't print what the guest wrote", &error)),
    }
}

/// Colours of clap's own messages, from `--color`, which is read before clap parses anything.
fn color_of(words: &[OsString]) -> ColorChoice {
    let words = words.iter().take_while(|word| *word != "--");
    let mut text = words.map(|word| word.to_string_lossy());
    while let Some(word) = text.next() {
        let value = match word.strip_prefix("--color") {
            Some("") => text.next(),
            Some(joined) => joined.strip_prefix('=').map(Into::into),
            None => None,
        };
        match value.as_deref() {
            Some("always") => return ColorChoice::Always,
            Some("never") => return ColorChoice::Never,
            _ => {}
        }
    }
    ColorChoice::Auto
}

/// Prints clap's error, or its text for `--help` and `--version`.
fn answered(answer: &clap::Error) -> ExitCode {
    let usage = answer.use_stderr();
    let closed = !usage && console::is_closed(ocre::port::Stream::Stdout);
    let printed = match answer.print() {
        Ok(()) if closed => Err(io::Error::from_raw_os_error(libc::EBADF)),
        Ok(()) => io::stdout().flush(),
        failed => failed,
    };
    match printed {
        Ok(()) if usage => ExitCode::from(CommandStatus::Usage.exit_code()),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(
            &Failure::io("can't print", &error),
            &mut LineOutput::stderr(Color::Auto),
        ),
    }
}

/// Reports a failure of the program; quiet where its reader is gone.
fn failed(failure: &Failure, err: &mut LineOutput) -> ExitCode {
    if failure.kind() == Some(io::ErrorKind::BrokenPipe) {
        return ExitCode::from(BROKEN_PIPE);
    }
    // If stderr fails too, only the exit code tells.
    let _ = err.text(&failure.to_string());
    ExitCode::from(CommandStatus::Failed.exit_code())
}

/// Runs a command; `line` is the command line of the core's.
fn run(
    command: CliCommand,
    line: Option<CommandLine>,
    guest: &[OsString],
    global: Global,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    log::show_errors();
    let policy = global.aot_policy.into_policy();
    let flash = global.flash.as_deref();
    match command {
        CliCommand::Image { command } => match command {
            // `finish` returns the reason of a failed write.
            ImageCommand::Verify(args) => Ok(verify::run(&args, flash, &engine()?, &policy, out)
                .unwrap_or(CommandStatus::Failed)),
            ImageCommand::Pack(args) => pack::run(args, &engine()?, &policy, out, err),
            ImageCommand::Import(args) => import::run(&args, flash, &engine()?, &policy, out, err),
            ImageCommand::Pull(args) => pull::run(&args, flash, &engine()?, &policy, out, err),
            ImageCommand::Push(args) => push::run(&args, flash, out),
            ImageCommand::Copy(args) => copy::run(&args, out),
            ImageCommand::Extract(args) => extract::run(&args, flash, out),
            // These have become `CliCommand::Core`.
            ImageCommand::Core(_) => Ok(CommandStatus::Usage),
        },
        CliCommand::Flash { command } => match command {
            FlashCommand::Create(args) => flash_create::run(&args, policy, out, err),
            FlashCommand::Info(args) => flash_info::run(&args, flash, policy, out, err),
            FlashCommand::Ls(args) => flash_ls::run(&args, flash, out, err),
            FlashCommand::Cp(args) => flash_cp::run(&args, out, err),
            FlashCommand::Rm(args) => flash_rm::run(&args, out),
            FlashCommand::Extract(args) => flash_extract::run(&args, out),
            FlashCommand::Check(args) => flash_check::run(&args, out),
            FlashCommand::Hex(args) => flash_hex::run(&args, out),
        },
        CliCommand::Wasm {
            command: WasmCommand::Run(args),
        } => wasm::run(&args, guest, &engine()?, &policy, err),
        CliCommand::Bundle(args) => bundle::write(&args, flash, &engine()?, &policy, out),
        CliCommand::Aot(args) => compile::run(&args, out),
        CliCommand::Build(args) => build::run(&args, flash, &engine()?, &policy, out, err),
        CliCommand::New(args) => new::run(&args, out),
        CliCommand::Completion(args) => completion::run(&args, out),
        CliCommand::Man(args) => man::run(&args, out),
        CliCommand::Shell => {
            device::catch_interrupts()?;
            let mut device = SimulatedDevice::boot(device::partition_or_new(flash, err)?, policy)?;
            device.resume();
            let status = shell::run(&mut device, out, err);
            device.shut_down();
            status
        }
        CliCommand::Core(_) => match line {
            Some(line) => run_line(line, flash, policy, out, err),
            // Each of these has a line.
            None => Ok(CommandStatus::Usage),
        },
    }
}

/// Runs a command of the core.
fn run_line(
    line: CommandLine,
    flash: Option<&Path>,
    policy: Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    match BundleRun::of(&line) {
        Some(run) => run_bundle(&run, &line, flash, &policy, out, err),
        None => core(line, flash, policy, out, err),
    }
}

/// Runs `run --bundle DIR`.
fn run_bundle(
    run: &BundleRun<'_>,
    line: &CommandLine,
    flash: Option<&Path>,
    policy: &Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    if line.asks_for_help() {
        return explain(&["run"], out, err);
    }
    if let Some(word) = line.arguments().first() {
        let misuse = format!(
            "error: run: {word:?} can't be used with --bundle\nhint: set program, arguments and limits in the bundle's config.json\n"
        );
        return refused(&misuse, err);
    }
    bundle::run(run, flash, &engine()?, policy, err)
}

/// Reports a wrong command line.
fn refused(text: &str, err: &mut LineOutput) -> Result<CommandStatus, Failure> {
    err.text(text)
        .map(|()| CommandStatus::Usage)
        .map_err(|error| Failure::io("can't print", &error))
}

/// Runs a command of the core on a device that is on for this command only.
fn core(
    mut line: CommandLine,
    flash: Option<&Path>,
    policy: Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let arguments = line.arguments();
    match line.verb() {
        // None of them needs a device.
        Some(Verb::Version) if arguments.is_empty() => {
            let printed = out.line(format_args!("ocre {VERSION}"));
            printed.map_err(|error| Failure::io("can't print", &error))?;
            return Ok(CommandStatus::Ok);
        }
        Some(Verb::Help) => {
            let of: Vec<&str> = arguments.iter().map(String::as_str).collect();
            return explain(&of, out, err);
        }
        Some(Verb::Run) if line.asks_for_help() => return explain(&["run"], out, err),
        _ => {}
    }
    if let Some(text) = suggestion::for_unknown(&line, grammar::own()) {
        return refused(&text, err);
    }
    if let Err(refusal) = line.adapt_for_one_boot() {
        let hints = "run the command in `ocre shell`";
        return refused(&format!("error: {refusal}\nhint: {hints}\n"), err);
    }
    path_as_image::refuse(&line, flash)?;
    device::catch_interrupts()?;
    match line.need() {
        Need::Nothing => on(SimulatedDevice::empty(policy)?, line, &policy, out, err),
        Need::Flash => on_flash(line, flash, policy, out, err),
        Need::Image => on_image(line, flash, policy, out, err),
    }
}

/// Runs a command that needs the flash file.
fn on_flash(
    line: CommandLine,
    flash: Option<&Path>,
    policy: Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let failure = match partition::partition(flash) {
        Ok(partition) => {
            let device = SimulatedDevice::boot(partition, policy)?;
            return on(device, line, &policy, out, err);
        }
        Err(failure) => failure,
    };
    if line.only_reads()
        && let Some(copy) = partition::read_only_copy(flash)?
    {
        let device = SimulatedDevice::boot(copy, policy)?;
        return on(device, line, &policy, out, err);
    }
    // A wrong command line is reported first.
    let (mut dropped, mut said) = (String::new(), String::new());
    let mut empty = SimulatedDevice::empty(policy)?;
    match empty.command(line, &mut dropped, &mut said) {
        Ok(CommandStatus::Usage) => refused(&said, err),
        _ => Err(failure),
    }
}

/// Runs a command that needs an image of the flash file.
fn on_image(
    line: CommandLine,
    flash: Option<&Path>,
    policy: Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    if let Some(partition) = partition::partition_if_any(flash)? {
        let device = SimulatedDevice::boot(partition, policy)?;
        return on(device, line, &policy, out, err);
    }
    // Without a flash file there is no such image; no file is made for the search.
    let path = partition::flash_file(flash)?;
    let missing = format_args!("there is no flash file {}", path.display());
    device::note(missing, err)?;
    on(SimulatedDevice::empty(policy)?, line, &policy, out, err)
}

/// Runs a command of the core on a device, and switches the device off.
fn on<F: Flash + 'static>(
    mut device: SimulatedDevice<F>,
    line: CommandLine,
    policy: &Policy<'static>,
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    // `finish` returns the reason of a failed write.
    let done = match line.verb() {
        Some(Verb::ImageInspect) => inspect::run(&mut device, line, policy, out, err),
        _ => device.command(line, out, err),
    };
    let status = done.unwrap_or(CommandStatus::Failed);
    device.shut_down();
    Ok(status)
}

/// Runs `help [COMMAND]`.
fn explain(
    of: &[&str],
    out: &mut LineOutput,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let mut grammar = grammar::own().clone();
    grammar.build();
    let mut found = Some(&mut grammar);
    for word in of {
        found = found.and_then(|grammar| grammar.find_subcommand_mut(word));
    }
    let mut status = CommandStatus::Ok;
    let printed = if let Some(grammar) = found {
        out.text(&grammar.render_long_help().to_string())
    } else {
        match table::find(of) {
            _ if matches!(of, [group] if table::is_group(group)) => {
                let mut text = String::new();
                let listed = |command: &table::Command| {
                    command.name.split(' ').next() == of.first().copied()
                };
                // Writing to a String does not fail.
                usage::list(listed, &mut output::Words::new(&mut text));
                out.text(&text)
            }
            Ok((command, [])) => {
                let mut text = String::new();
                // Writing to a String does not fail.
                let mut words = output::Words::new(&mut text);
                usage::command(command, &mut words);
                if command.verb == Verb::Run {
                    writeln!(words, "\n{}:", bundle::RUN_HEADING);
                    for option in &bundle::RUN_OPTIONS {
                        usage::option(option, &mut words);
                    }
                }
                out.text(&text)
            }
            Ok((_, [word, ..])) => {
                status = CommandStatus::Usage;
                err.text(&format!("error: help: {word:?} is one argument too many\n"))
            }
            Err(misuse) => {
                status = CommandStatus::Usage;
                err.text(&format!("error: help: {misuse}\n"))
            }
        }
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(status)
}

fn engine() -> Result<WamrEngine, Failure> {
    platform::engine().map_err(|_| device::no_engine())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text of a command's section in the document.
    fn section<'d>(documented: &'d str, name: &str) -> &'d str {
        let begin = documented
            .find(&format!("### `ocre {name}"))
            .unwrap_or_else(|| panic!("{name}: has no section"));
        let text = &documented[begin + 3..];
        text.split("\n### ").next().unwrap_or_default()
    }

    fn check(grammar: &clap::Command, name: &str, documented: &str) {
        for command in grammar.get_subcommands() {
            let name = format!("{name}{}", command.get_name());
            if command.has_subcommands() {
                check(command, &format!("{name} "), documented);
                continue;
            }
            // The device has a command of the same name.
            let text = match &*name {
                "image verify" => section(documented, "image verify IMAGE"),
                name => section(documented, name),
            };
            let own = command
                .get_arguments()
                .filter(|option| !option.is_global_set());
            for long in own.filter_map(clap::Arg::get_long) {
                assert!(text.contains(&format!("`--{long}")), "{name}: no --{long}");
            }
        }
    }

    #[test]
    fn every_option_of_the_program_is_documented() {
        let documented = include_str!("../../../docs/commands.md");
        check(grammar::own(), "", documented);
        for option in grammar::own().get_arguments() {
            let long = option.get_long().unwrap();
            assert!(
                ["help", "version"].contains(&long) || documented.contains(&format!("`--{long} ")),
                "no --{long}"
            );
        }
    }

    fn parsed(words: &[&str]) -> (Result<CommandLine, String>, Global) {
        let mut global = Global {
            flash: None,
            format: OutputFormat::Text,
            color: Color::Auto,
            aot_policy: AotRule::Allow,
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
