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
mod device_command;
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
mod global;
mod grammar;
mod guest_words;
mod help;
mod import;
mod import_name;
mod inspect;
mod key;
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
mod sign;
mod suggestion;
mod transfer;
mod tree;
mod verify;
mod wasm;
mod zephyr_build;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{ColorChoice, FromArgMatches as _};
use command_line::CommandLine;
use device::SimulatedDevice;
use device_command::DeviceCommand;
use global::Global;
use ocre::command::CommandStatus;
use ocre_pc::closed_streams;
use ocre_pc::platform::console;
use ocre_tools::failure::Failure;
use output::{Color, LineOutput};

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
    /// Make and show keys that sign images
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
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
    /// Sign an image in a registry or a layout
    Sign(Box<sign::SignArgs>),
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
enum KeyCommand {
    /// Generate a private key
    New(key::KeyNewArgs),
    /// Print the fingerprint of a key, or its public key
    Show(key::KeyShowArgs),
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
    global.take_environment();
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
        Err(misuse) => err.refuse(&format!("error: {misuse}\nhint: see `ocre --help`\n")),
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
    let policy = global.policy()?;
    let flash = global.flash.as_deref();
    match command {
        CliCommand::Image { command } => match command {
            ImageCommand::Verify(args) => {
                verify::run(&args, flash, &device::engine()?, &policy, out)
            }
            ImageCommand::Pack(args) => pack::run(args, &device::engine()?, &policy, out, err),
            ImageCommand::Import(args) => {
                import::run(&args, flash, &device::engine()?, &policy, out, err)
            }
            ImageCommand::Pull(args) => {
                pull::run(&args, flash, &device::engine()?, &policy, out, err)
            }
            ImageCommand::Push(args) => push::run(&args, flash, out),
            ImageCommand::Copy(args) => copy::run(&args, out),
            ImageCommand::Sign(args) => sign::run(&args, out),
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
        } => wasm::run(&args, guest, &device::engine()?, &policy, err),
        CliCommand::Key { command } => match command {
            KeyCommand::New(args) => key::new(&args, out),
            KeyCommand::Show(args) => key::show(&args, out),
        },
        CliCommand::Bundle(args) => bundle::write(&args, flash, &device::engine()?, &policy, out),
        CliCommand::Aot(args) => compile::run(&args, out),
        CliCommand::Build(args) => build::run(&args, flash, &device::engine()?, &policy, out, err),
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
            Some(line) => DeviceCommand {
                flash,
                policy,
                out,
                err,
            }
            .run(line),
            // Each of these has a line.
            None => Ok(CommandStatus::Usage),
        },
    }
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
            let text = match &*name {
                // The device has a command of the same name, with its own section.
                "image verify" => {
                    let device = section(documented, "image verify IMAGE");
                    device.to_owned() + section(documented, "image verify LAYOUT")
                }
                name => section(documented, name).to_owned(),
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
}
