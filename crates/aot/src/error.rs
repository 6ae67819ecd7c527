// SPDX-License-Identifier: Apache-2.0
//! Why a module could not be compiled.

use std::fmt;

/// Why a module could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// This build of the crate has no compiler in it.
    NoLlvm,
    /// The module is not valid WebAssembly, or uses a proposal that WAMR is
    /// built without; the text is the loader's.
    BadWasm(String),
    /// The module imports a table, or a memory other than `env.memory`, which no
    /// engine offers; the text is its name.
    Import(String),
    /// The module does not fit the target, or the CPU is unknown to LLVM.
    Unsupported(String),
    /// Code generation failed.
    Codegen(String),
    /// No proof was found that the code ends soon after a kill; the text names the
    /// function.
    Uninterruptible(String),
    /// Out of memory, or the module is 4 GiB or larger.
    OutOfMemory,
}

impl Error {
    /// A stable name for programs to compare.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoLlvm => "aot-no-llvm",
            Self::BadWasm(_) => "aot-bad-wasm",
            // The engine's code for the same module.
            Self::Import(_) => "wasm-import",
            Self::Unsupported(_) => "aot-unsupported",
            Self::Codegen(_) => "aot-codegen",
            Self::Uninterruptible(_) => "aot-uninterruptible",
            Self::OutOfMemory => "aot-memory",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLlvm => f.write_str(
                "this program was built without the AOT compiler: \
                 run `apt-get install llvm-16-dev` and build it again",
            ),
            Self::BadWasm(text) => write!(f, "not a valid module: {text}"),
            Self::Import(name) => f.write_str(name),
            Self::Unsupported(text) => write!(f, "not supported on this target: {text}"),
            Self::Codegen(text) => write!(f, "code generation failed: {text}"),
            Self::Uninterruptible(text) => {
                write!(f, "not proven to end soon after it is told to: {text}")
            }
            Self::OutOfMemory => f.write_str("out of memory while compiling"),
        }
    }
}

impl std::error::Error for Error {}
