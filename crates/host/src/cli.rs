// SPDX-License-Identifier: Apache-2.0
//! The PC's side of the command line: what a device does not do. Everything else goes to the
//! core's commands as it was typed.

mod aot_file;
mod failure;
mod layout_name;
mod output;
mod pack;
mod verify;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;
use ocre::command::Status;
use ocre::image::judge::{AotPolicy, Policy};
use ocre_oci::Sha256;
use ocre_wamr::{Engine, Options, PC_TARGET};

use failure::Failure;
use output::{Color, Format, Output};

/// What a process that is killed by SIGPIPE ends with: nobody reads on.
const BROKEN_PIPE: u8 = 141;

/// Judges, packs, compiles and runs WebAssembly containers as a device with ocre-rs does.
#[derive(clap::Parser, Debug)]
#[command(name = "ocre", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Args, Debug)]
struct Global {
    /// The simulated device's flash; made on first use [default: a file in the user's data folder]
    #[arg(long, global = true, value_name = "FILE", env = "OCRE_FLASH")]
    flash: Option<PathBuf>,
    /// How data is printed
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "text|json",
        hide_possible_values = true,
        hide_default_value = true
    )]
    format: Format,
    /// Whether words have colours; auto: on a terminal, unless NO_COLOR is set
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
    /// Which AOT code may run: allow, deny, or digests of layers separated by commas
    #[arg(long, global = true, value_name = "POLICY", default_value = "allow", value_parser = AotRule::parse)]
    aot_policy: AotRule,
}

/// Which AOT code may run.
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

    /// What this PC takes.
    fn policy(&self) -> Policy<'_> {
        Policy {
            aot: match self {
                Self::Deny => AotPolicy::Deny,
                Self::Pinned(digests) => AotPolicy::Pinned(digests),
                Self::Allow => AotPolicy::Allow,
            },
            uninterruptible: false,
            prefer_portable: false,
            image_bytes: 64 << 20,
            memory_bytes: 64 << 20,
        }
    }
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Makes, judges and moves images
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Image {
        #[command(subcommand)]
        command: ImageCommand,
    },
}

#[derive(clap::Subcommand, Debug)]
enum ImageCommand {
    /// Says whether an image is what it claims to be and can run here
    Verify(verify::Args),
    /// Makes an image of a module, of its variants compiled for machines, and of data
    Pack(pack::Args),
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Output::stdout(cli.global.color, cli.global.format);
    let mut err = Output::stderr(cli.global.color);
    let done = run(&cli, &mut out);
    let done = done.and_then(|status| {
        out.finish()
            .map_err(|error| Failure::io("can't print", &error))?;
        Ok(status)
    });
    match done {
        Ok(status) => ExitCode::from(status.exit_code()),
        Err(failure) if failure.kind() == Some(io::ErrorKind::BrokenPipe) => {
            ExitCode::from(BROKEN_PIPE)
        }
        Err(failure) => {
            // Where nobody hears it the exit code has to do.
            let _ = err.text(&failure.to_string());
            ExitCode::from(Status::Failed.exit_code())
        }
    }
}

fn run(cli: &Cli, out: &mut Output) -> Result<Status, Failure> {
    let policy = cli.global.aot_policy.policy();
    match &cli.command {
        Command::Image { command } => match command {
            ImageCommand::Verify(args) => Ok(verify::run(args, &engine()?, &policy, out)
                // `finish` says why.
                .unwrap_or(Status::Failed)),
            ImageCommand::Pack(args) => pack::run(args, &engine()?, &policy, out),
        },
    }
}

fn engine() -> Result<Engine, Failure> {
    let options = Options {
        aot: PC_TARGET,
        host_stack_bytes: 16 * 1024,
        ..Options::default()
    };
    Engine::start(ocre_wasi::FUNCTIONS, options).map_err(|_| {
        let advice = "end other programs to free memory";
        Failure::new("can't start the engine", "out-of-memory", advice)
    })
}
