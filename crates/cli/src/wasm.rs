// SPDX-License-Identifier: Apache-2.0
//! `ocre wasm run`: runs a module without an image and a container, over folders of the PC.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use ocre::command::arguments::{bytes, seconds};
use ocre::command::{CommandStatus, hints};
use ocre::container::state::{Cause, RunResult};
use ocre::image::judge::Policy;
use ocre::image::permission::Permissions;
use ocre::image::verdict::Code;
use ocre::port::{Exit, StorageError};
use ocre_files::MAX_CONTENT;
use ocre_pc::needs;
use ocre_pc::platform::bare::{self, BareRefusal, Setting};
use ocre_pc::platform::console;
use ocre_pc::posix_folders::PosixFolders;
use ocre_tools::failure::Failure;
use ocre_wamr::WamrEngine;

use super::output::LineOutput;

/// Bytes of stack for interpreted frames.
pub const STACK: u32 = 1024 * 1024;

/// Runs a module.
#[derive(clap::Args, Debug)]
pub struct WasmRunArgs {
    /// Folder of the PC, and a path for the module [default path: the same]
    #[arg(long, value_name = "HOST[::GUEST]", value_parser = folder)]
    dir: Vec<(PathBuf, String)>,
    /// Environment variable of the module
    #[arg(short, long, value_name = "K=V")]
    env: Vec<String>,
    /// Permissions for Ocre's functions; pins and sensors are simulated
    #[arg(long, value_name = "CAP", value_delimiter = ',', value_parser = permission)]
    cap: Vec<Permissions>,
    /// Maximum linear memory, such as 128K or 1M
    #[arg(long, value_name = "BYTES", value_parser = memory)]
    memory: Option<u32>,
    /// Kill the module after SECONDS, such as 0.5
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    timeout: Option<Duration>,
    /// Module, or AOT file from `ocre aot`
    #[arg(value_name = "FILE.wasm")]
    input: PathBuf,
    /// Arguments of the module, passed on unchanged
    #[arg(value_name = "ARG")]
    #[allow(
        dead_code,
        reason = "for the help: they are set aside before clap sees them"
    )]
    arguments: Vec<OsString>,
}

fn folder(text: &str) -> Result<(PathBuf, String), String> {
    match text.split_once("::") {
        Some((host, guest)) if !host.is_empty() && !guest.is_empty() => {
            Ok((host.into(), guest.to_owned()))
        }
        // The root of the PC is given only with an explicit GUEST.
        None if !text.is_empty() && text != "/" => Ok((text.into(), text.to_owned())),
        _ => Err("not HOST::GUEST".to_owned()),
    }
}

fn permission(text: &str) -> Result<Permissions, String> {
    Permissions::named(|known| known == text)
        .ok_or_else(|| "not gpio, messaging, network, sensors or timers".to_owned())
}

fn memory(text: &str) -> Result<u32, String> {
    let bytes = bytes(text).and_then(|bytes| u32::try_from(bytes).ok());
    bytes.ok_or_else(|| "not bytes, such as 65536 or 64K".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let milliseconds = seconds(text).map(Duration::from_millis);
    milliseconds.ok_or_else(|| "not seconds, such as 2 or 0.5".to_owned())
}

/// Runs the module; `words` are its arguments.
pub fn run(
    args: &WasmRunArgs,
    words: &[OsString],
    engine: &WamrEngine,
    policy: &Policy<'_>,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    let what = format!("can't run {}", args.input.display());
    if let Some(word) = words.iter().find(|word| word.to_str().is_none()) {
        let misuse = format!(
            "error: wasm run: the argument {word:?} is not UTF-8\n\
             hint: a guest's arguments are text in UTF-8\n"
        );
        err.text(&misuse)
            .map_err(|error| Failure::io("can't print", &error))?;
        return Ok(CommandStatus::Usage);
    }
    let code =
        ocre_files::read(&args.input, MAX_CONTENT).map_err(|error| Failure::io(&what, &error))?;
    let folder = |at| bare::FolderMount {
        at,
        read_only: false,
    };
    let (hosts, guests): (Vec<PathBuf>, Vec<bare::FolderMount<'_>>) = args
        .dir
        .iter()
        .map(|(host, guest)| (host.clone(), folder(guest.as_str())))
        .unzip();
    let folders = PosixFolders::open(hosts).map_err(|(root, error): (PathBuf, StorageError)| {
        Failure::folder(&what, error).at(root.display())
    })?;
    let name = args.input.to_string_lossy();
    let arguments: Vec<&str> = [&*name]
        .into_iter()
        .chain(words.iter().filter_map(|word| word.to_str()))
        .collect();
    let environment: Vec<&str> = args.env.iter().map(String::as_str).collect();
    let setting = Setting {
        arguments: &arguments,
        environment: &environment,
        folders: &guests,
        stack_bytes: STACK,
        memory_bytes: args.memory.unwrap_or(u32::MAX),
        granted: args
            .cap
            .iter()
            .copied()
            .fold(Permissions::NONE, Permissions::union),
        time_limit: args.timeout,
    };
    ended(
        &name,
        &what,
        bare::run(engine, &code, &folders, &setting, policy),
        &|permissions| {
            let options = needs::options(permissions);
            format!("grant permissions with `{options}`; pins and sensors are simulated")
        },
        err,
    )
}

/// Reports the end of a module: `name` is its name, `what` the operation for messages, and `grant`
/// gives the hint for missing permissions.
pub fn ended(
    name: &str,
    what: &str,
    run: Result<Exit, BareRefusal>,
    grant: &dyn Fn(Permissions) -> String,
    err: &mut LineOutput,
) -> Result<CommandStatus, Failure> {
    match run {
        Ok(Exit::Code(code)) => Ok(CommandStatus::of_run(RunResult::Exited(code))),
        Ok(Exit::Trap(trap)) => {
            let failure = Failure::new(format!("{name} trapped"), trap.code(), hints::trap(trap));
            // A failed output may have caused the trap; if stderr fails, only the exit code tells.
            if console::failure().is_none() {
                let _ = err.text(&failure.to_string());
            }
            Ok(CommandStatus::of_run(RunResult::Trapped(trap)))
        }
        Ok(Exit::Stopped) => {
            let outcome = RunResult::Killed(Cause::TimeLimit);
            // A failed output may have caused the stop: the program reports it at its end.
            if console::failure().is_none() {
                let hints = "raise the time limit with --timeout";
                let cause = Cause::TimeLimit.word();
                let failure = Failure::new(format!("{name} was killed"), cause, hints);
                let _ = err.text(&failure.to_string());
            }
            Ok(CommandStatus::of_run(outcome))
        }
        Err(BareRefusal::Setting(error)) => {
            Err(Failure::new(what, error.code(), hints::container(error)))
        }
        Err(BareRefusal::Module(code, words)) => {
            Err(Failure::new(what, code.as_str(), hints::refusal(code)).because(words))
        }
        Err(BareRefusal::Denied {
            imports,
            permissions,
        }) => {
            let why = format!("{imports}: not without {}", needs::names(permissions));
            let code = Code::WasmImport;
            Err(Failure::new(what, code.as_str(), grant(permissions)).because(why))
        }
        Err(BareRefusal::Instantiate) => {
            let failure = ocre::container::state::StartFailure::Instantiate;
            Err(Failure::new(what, failure.code(), hints::failure(failure)))
        }
    }
}
