// SPDX-License-Identifier: Apache-2.0
//! Why a module could not be compiled.

use std::fmt;

/// Why a module could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// This build of the compiler has no LLVM in it.
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

    /// The text of the compiler, empty for an error that has none.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::BadWasm(text)
            | Self::Import(text)
            | Self::Unsupported(text)
            | Self::Codegen(text)
            | Self::Uninterruptible(text) => text,
            Self::NoLlvm | Self::OutOfMemory => "",
        }
    }

    /// The error of that code and text; `None` for a code that is none of [`code`](Self::code)'s.
    #[must_use]
    pub fn of(code: &str, text: String) -> Option<Self> {
        let all = [
            Self::NoLlvm,
            Self::BadWasm(text.clone()),
            Self::Import(text.clone()),
            Self::Unsupported(text.clone()),
            Self::Codegen(text.clone()),
            Self::Uninterruptible(text),
            Self::OutOfMemory,
        ];
        all.into_iter().find(|error| error.code() == code)
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
