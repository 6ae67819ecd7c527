// SPDX-License-Identifier: Apache-2.0
//! `ocre aot`: compiles a module to code for one machine, with annotations about that machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use ocre::command::{CommandStatus, hints::refusal};
use ocre::image::verdict::Code;
use ocre_aot_client::{CompileOptions, Compiler, CompilerError, Error, Target};
use ocre_files::MAX_CONTENT;
use ocre_tools::aot_file;
use ocre_tools::failure::Failure;

use super::output::LineOutput;

/// Highest level of optimisation.
pub const BEST: u8 = 3;

/// Compiles a module ahead of time.
#[derive(clap::Args, Debug)]
pub struct CompileArgs {
    /// Target of the code
    #[arg(long, value_parser = targets())]
    target: Target,
    /// LLVM name of the CPU; the code needs this CPU or a better one
    #[arg(long)]
    cpu: Option<String>,
    /// Optimization level, from 0 to 3
    #[arg(long, value_name = "LEVEL", default_value_t = BEST, value_parser = clap::value_parser!(u8).range(0..=3))]
    opt: u8,
    /// Module to compile
    #[arg(value_name = "IN.wasm")]
    input: PathBuf,
    /// Output file
    #[arg(short, long, value_name = "OUT.aot")]
    output: PathBuf,
}

/// Parser of a machine, for clap.
pub fn targets() -> impl clap::builder::TypedValueParser<Value = Target> {
    PossibleValuesParser::new(Target::ALL.map(Target::name)).try_map(|name| name.parse::<Target>())
}

/// Compiles, and prints the sizes.
pub fn run(args: &CompileArgs, out: &mut LineOutput) -> Result<CommandStatus, Failure> {
    let what = format!("can't compile {}", args.input.display());
    let wasm =
        ocre_files::read(&args.input, MAX_CONTENT).map_err(|error| Failure::io(&what, &error))?;
    let aot = compiled(&wasm, args.target, args.cpu.as_deref(), args.opt, &what)?;
    let annotations = aot_file::annotations(&aot).unwrap_or_default();
    let written = format!("can't write {}", args.output.display());
    write_whole(&args.output, &aot).map_err(|error| Failure::io(written, &error))?;
    let printed = if out.json() {
        out.document(|out| {
            out.display("output", &args.output.display());
            out.unsigned("bytes", aot.len() as u64);
            out.object("annotations", |out| {
                annotations
                    .iter()
                    .for_each(|(name, value)| out.string(name, value.as_str()))
            })
        })
    } else {
        out.line(format_args!(
            "compiled {} for {}: {} bytes, from {} of wasm",
            args.output.display(),
            args.target,
            aot.len(),
            wasm.len()
        ))
    };
    printed.map_err(|error| Failure::io("can't print", &error))?;
    Ok(CommandStatus::Ok)
}

/// Writes a file, or leaves the old one: a regular file is written beside it first.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.exists() && !path.is_file() {
        return fs::write(path, bytes);
    }
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut part = real.clone().into_os_string();
    part.push(format!(".{}.part", std::process::id()));
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, real));
    if written.is_err() {
        // Only the first error counts.
        let _ = fs::remove_file(&part);
    }
    written
}

/// Compiles a module, and adds the annotations of its target.
///
/// # Errors
/// Errors of the compiler, and of its program.
pub fn compiled(
    wasm: &[u8],
    target: Target,
    cpu: Option<&str>,
    opt: u8,
    what: &str,
) -> Result<Vec<u8>, Failure> {
    let mut options = CompileOptions::new(target);
    options.cpu = cpu.map(str::to_owned);
    options.opt_level = opt;
    let mut aot = Compiler::find()
        .and_then(|compiler| compiler.compile(wasm, &options))
        .map_err(|error| Failure::new(what, error.code(), hints(&error)).because(&error))?;
    let annotations = options.annotations();
    let annotations = annotations.iter();
    aot_file::append(
        &mut aot,
        annotations.map(|(name, value)| (*name, value.as_str())),
    );
    Ok(aot)
}

/// Words of the dynamic linker, for a compiler that lacks a library.
const NO_LIBRARY: &str = "shared libraries";

fn hints(error: &CompilerError) -> &'static str {
    match error {
        CompilerError::Compile(error) => compile_hints(error),
        CompilerError::Missing(_) => {
            "install ocre-aot beside ocre (`cargo build -p ocre-cli` makes both), or name it in OCRE_AOT"
        }
        CompilerError::Release { .. } => {
            "install ocre and ocre-aot of one release, and check OCRE_AOT"
        }
        CompilerError::Failed { detail, .. } if detail.contains(NO_LIBRARY) => {
            "install LLVM's library (Debian: apt-get install libllvm16)"
        }
        CompilerError::Failed { .. } => "check OCRE_AOT, or report this as a bug, with the module",
    }
}

fn compile_hints(error: &Error) -> &'static str {
    match error {
        Error::NoLlvm => {
            "install LLVM's library (Debian: apt-get install llvm-16-dev) and build ocre again"
        }
        Error::BadWasm(_) => "name a core module, built for wasm32-wasip1 without newer features",
        Error::Import(_) => refusal(Code::WasmImport),
        Error::Unsupported(_) => "choose another --target, or a --cpu that LLVM knows",
        Error::Uninterruptible(_) => "report this as a bug, with the module",
        Error::OutOfMemory => "close other programs, or make the module smaller",
        _ => "compile with a lower --opt, and report this as a bug",
    }
}
