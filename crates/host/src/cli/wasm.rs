// SPDX-License-Identifier: Apache-2.0
//! `ocre wasm run`: a module, without an image and a container, over folders of the PC.

use std::path::PathBuf;

use ocre::command::{Status, advice};
use ocre::container::state::Outcome;
use ocre::image::judge::Policy;
use ocre::image::permission::Permissions;
use ocre::image::verdict::Code;
use ocre::port::{Exit, StorageError};
use ocre_files::MAX_CONTENT;
use ocre_host::needs;
use ocre_host::platform::bare::{self, Refusal, Setting};
use ocre_host::posix_folders::PosixFolders;
use ocre_wamr::Engine;

use super::failure::Failure;
use super::output::Output;

/// Bytes of stack for interpreted frames.
pub const STACK: u32 = 1024 * 1024;

/// Runs a module.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A folder of the PC, and where the module finds it
    #[arg(long, value_name = "HOST::GUEST", value_parser = folder)]
    dir: Vec<(PathBuf, String)>,
    /// A variable of its environment
    #[arg(short, long, value_name = "K=V")]
    env: Vec<String>,
    /// Permissions for Ocre's functions, whose pins and sensors are simulated
    #[arg(long, value_name = "CAP", value_delimiter = ',', value_parser = permission)]
    cap: Vec<Permissions>,
    /// The module, or one that `ocre aot` has compiled
    #[arg(value_name = "FILE.wasm")]
    input: PathBuf,
    /// Its arguments
    #[arg(
        value_name = "ARG",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    arguments: Vec<String>,
}

fn folder(text: &str) -> Result<(PathBuf, String), String> {
    match text.split_once("::") {
        Some((host, guest)) if !host.is_empty() && !guest.is_empty() => {
            Ok((host.into(), guest.to_owned()))
        }
        _ => Err("not HOST::GUEST".to_owned()),
    }
}

fn permission(text: &str) -> Result<Permissions, String> {
    Permissions::named(|known| known == text)
        .ok_or_else(|| "not gpio, messaging, network, sensors or timers".to_owned())
}

/// Runs it.
pub fn run(
    args: &Args,
    engine: &Engine,
    policy: &Policy<'_>,
    err: &mut Output,
) -> Result<Status, Failure> {
    let what = format!("can't run {}", args.input.display());
    let code =
        ocre_files::read(&args.input, MAX_CONTENT).map_err(|error| Failure::io(&what, &error))?;
    let folder = |at| bare::Folder {
        at,
        read_only: false,
    };
    let (hosts, guests): (Vec<PathBuf>, Vec<bare::Folder<'_>>) = args
        .dir
        .iter()
        .map(|(host, guest)| (host.clone(), folder(guest.as_str())))
        .unzip();
    let folders = PosixFolders::open(hosts).map_err(|(root, error): (PathBuf, StorageError)| {
        let failure = Failure::new(&what, error.code(), advice::storage(error));
        failure.at(root.display())
    })?;
    let name = args.input.to_string_lossy();
    let arguments: Vec<&str> = [&*name]
        .into_iter()
        .chain(args.arguments.iter().map(String::as_str))
        .collect();
    let environment: Vec<&str> = args.env.iter().map(String::as_str).collect();
    let setting = Setting {
        arguments: &arguments,
        environment: &environment,
        folders: &guests,
        stack_bytes: STACK,
        memory_bytes: u32::MAX,
        granted: args
            .cap
            .iter()
            .copied()
            .fold(Permissions::NONE, Permissions::union),
    };
    ended(
        &name,
        &what,
        bare::run(engine, &code, &folders, &setting, policy),
        &|permissions| {
            let options = needs::options(permissions);
            format!("grant what it may use with `{options}`, over simulated pins and sensors")
        },
        err,
    )
}

/// How a module ended that is called `name`; `what` was tried, and `grant` says how it gets
/// permissions that it lacks.
pub fn ended(
    name: &str,
    what: &str,
    run: Result<Exit, Refusal>,
    grant: &dyn Fn(Permissions) -> String,
    err: &mut Output,
) -> Result<Status, Failure> {
    match run {
        Ok(Exit::Code(code)) => Ok(Status::of_run(Outcome::Exited(code))),
        Ok(Exit::Trap(trap)) => {
            let failure = Failure::new(format!("{name} trapped"), trap.code(), advice::trap(trap));
            // Where nobody hears it the exit code has to do.
            let _ = err.text(&format!("{failure}\n"));
            Ok(Status::of_run(Outcome::Trapped(trap)))
        }
        // Nobody stops it but the end of this program.
        Ok(Exit::Stopped) => Ok(Status::Failed),
        Err(Refusal::Setting(error)) => {
            Err(Failure::new(what, error.code(), advice::container(error)))
        }
        Err(Refusal::Module(code, words)) => {
            Err(Failure::new(what, code.as_str(), advice::refusal(code)).because(words))
        }
        Err(Refusal::Denied {
            imports,
            permissions,
        }) => {
            let why = format!("{imports}: not without {}", needs::names(permissions));
            let code = Code::WasmImport;
            Err(Failure::new(what, code.as_str(), grant(permissions)).because(why))
        }
        Err(Refusal::Instantiate) => {
            let failure = ocre::container::state::Failure::Instantiate;
            Err(Failure::new(what, failure.code(), advice::failure(failure)))
        }
    }
}
