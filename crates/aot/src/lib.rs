// SPDX-License-Identifier: Apache-2.0
//! WebAssembly to ahead-of-time (AOT) code for WAMR 2.4.3, on a PC.
//!
//! Promises of [`compile`] about the file that it returns, unless [`CompileOptions`] says
//! otherwise:
//!
//! - Every access to linear memory is checked, so it runs safely on a machine
//!   without guard pages.
//! - The code ends soon after `wasm_runtime_terminate`, on every path: between two
//!   checks of the flag there is at most 262,144 simple instructions' work, counted
//!   over loops, calls, and operations on memory and tables. On the way back from
//!   recursion, each frame adds at most 256. [`compile`] proves it of LLVM's final IR,
//!   independently of how the checks were placed, and refuses code of which it can't.
//!   Not counted are host functions, which check the flag first and last, and
//!   `memory.grow` and `table.grow`, which the limits of a device bound.
//! - Recursion that is too deep traps; it never runs over the native stack.
//! - The same module and options give the same bytes.
//!
//! The work is done by WAMR's own compiler library over LLVM 16, behind the C
//! functions of `src/c/shim.h`; `src/c/optimise.cpp` puts this crate's checks and
//! optimisations between the two. Where LLVM was missing when the crate was
//! built, [`compile`] returns [`Error::NoLlvm`].
//!
//! The file must run on a WAMR of the same version. [`CompileOptions::annotations`] holds
//! the facts that its header leaves out.

mod ffi;
pub mod program;
#[cfg(have_llvm)]
mod sys;

use ocre_module_reader::aot::{self, Machine};

pub use ocre_aot_client::{CompileOptions, Error, Target, UnknownTarget, WAMR_VERSION};

/// Compiles a core WebAssembly module. The file ends in the
/// [checksum](ocre_module_reader::aot::seal) that the engine asks for, and passes the checks of the
/// engine.
///
/// A process runs one compilation at a time; further callers wait.
///
/// ```
/// use ocre_aot::{CompileOptions, Error, Target, compile};
///
/// let wasm = wat::parse_str(r#"(module (func (export "_start")))"#)?;
/// match compile(&wasm, &CompileOptions::new(Target::Thumbv7m)) {
///     Ok(file) => assert!(file.starts_with(b"\0aot")),
///     Err(Error::NoLlvm) => println!("this build has no compiler"),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// See [`Error`].
pub fn compile(wasm: &[u8], options: &CompileOptions) -> Result<Vec<u8>, Error> {
    let mut file = ffi::compile(wasm, options)?;
    file.resize(file.len().next_multiple_of(4), 0);
    file.extend(aot::seal(&file));
    check(&file)?;
    Ok(file)
}

/// Checks a file as an engine does before it loads the file, where that reads files of its machine.
fn check(file: &[u8]) -> Result<(), Error> {
    let Some(machine) = Machine::of(file) else {
        return Ok(());
    };
    aot::check(file, machine).map_err(|fault| {
        let mut text = String::from("the engine would refuse the file: ");
        fault.explain(&mut |words| text.push_str(words));
        Error::Codegen(text)
    })
}
