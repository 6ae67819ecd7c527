// SPDX-License-Identifier: Apache-2.0
//! The AOT compiler's settings and errors, and the exchange with the program `ocre-aot`, which
//! compiles. The compiler needs LLVM's large library; a program over this crate does not load it.
//!
//! Promised:
//! - [`Compiler::find`] looks at fixed places alone, and names them where there is no compiler.
//! - A compiler of another release is refused before it compiles.
//! - A compiler that crashes, prints something else or prints without an end gives an error. Its
//!   answer has a limit in bytes.
//! - No process outlives a compilation, nor the program that asked for it. There are no temporary
//!   files.

mod compiler;
mod error;
mod options;
pub mod protocol;
mod target;

pub use compiler::{Compiler, CompilerError};
pub use error::Error;
pub use options::CompileOptions;
pub use target::{Target, UnknownTarget};

/// The WAMR release whose AOT format the compiler writes.
pub const WAMR_VERSION: &str = "2.4.3";
