// SPDX-License-Identifier: Apache-2.0
//! The program `ocre-aot`: compiles one module for `ocre`, by the exchange of
//! [`ocre_aot_client::protocol`]. Ends when `ocre` is gone.

use std::env;
use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;
use std::thread;

use ocre_aot_client::protocol;
use rustix::process::{Signal, getpid, kill_process};

/// Exit code of a wrong command line.
const USAGE: u8 = 2;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    let done = match (&words[..], protocol::options(&words)) {
        (_, Some(options)) => answer(&options),
        ([word], None) if word == "--version" => protocol::write_release(&mut io::stdout()),
        // A program of another release reads the line, and refuses this one.
        ([release, ..], None) if is_release(release) => {
            return match protocol::write_release(&mut io::stdout()) {
                Ok(()) => ExitCode::from(USAGE),
                Err(_) => ExitCode::FAILURE,
            };
        }
        _ => {
            // If stderr fails too, only the exit code tells.
            let _ = writeln!(
                io::stderr(),
                "ocre-aot compiles for ocre\nhint: use `ocre aot`"
            );
            return ExitCode::from(USAGE);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn is_release(word: &OsString) -> bool {
    word.to_str()
        .is_some_and(|word| word.starts_with(protocol::NAME))
}

fn answer(options: &crate::CompileOptions) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    protocol::write_release(&mut stdout)?;
    let wasm = protocol::read_module(&mut io::stdin().lock())?;
    thread::Builder::new()
        .name("caller".to_owned())
        .spawn(end_with_caller)?;
    protocol::write_answer(&mut stdout, &crate::compile(&wasm, options))
}

/// Waits for the end of stdin, which only the end of the caller brings, and kills this process: the
/// compiler can't be interrupted, and no library's destructors may run meanwhile.
fn end_with_caller() {
    let _ = io::stdin().lock().read(&mut [0]);
    let _ = kill_process(getpid(), Signal::KILL);
}
