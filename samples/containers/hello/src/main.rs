// SPDX-License-Identifier: Apache-2.0
//! `hello [--read FILE] [--exit CODE] [WORD…]`
//!
//! Greets, prints every other argument and the whole environment, one a line,
//! then the text of FILE if one is named, and exits with CODE (0 if none is
//! given). Exits with 2 where FILE can't be read or CODE is no number.
//! `hello-c` is the same program in C.

use std::process::ExitCode;
use std::{env, fs};

ocre_guest::libc_heap!(16 * 1024);

/// The exit code for a request that can't be met.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    println!("Hello from a Rust guest!");
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("hello: {message}");
            ExitCode::from(USAGE)
        }
    }
}

fn run() -> Result<u8, String> {
    let mut read = None;
    let mut exit = 0;
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--read" => read = Some(args.next().ok_or("--read needs a file")?),
            "--exit" => {
                let code = args.next().ok_or("--exit needs a code")?;
                exit = code.parse().map_err(|_| format!("no exit code: {code}"))?;
            }
            word => println!("arg: {word}"),
        }
    }
    for (name, value) in env::vars() {
        println!("env: {name}={value}");
    }
    if let Some(path) = read {
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        print!("{text}");
    }
    Ok(exit)
}
