// SPDX-License-Identifier: Apache-2.0
//! Refusals of bundles.

use std::fmt::{self, Display};

/// Stable codes, as `docs/bundles.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleCode {
    /// `config.json` is not written as the specification says.
    Syntax,
    /// The bundle has an unknown version.
    Version,
    /// The bundle is for another operating system.
    Os,
    /// The bundle is for another machine.
    Architecture,
    /// There is no root folder.
    Root,
    /// There is no program.
    Process,
    /// A program has another working folder than `/`.
    Folder,
    /// The bundle asks for more than one CPU.
    Cpu,
    /// The bundle asks for more memory than a guest can have.
    Memory,
    /// Several programs ask for the terminal.
    Tty,
    /// There is no such device.
    Device,
    /// There is no such file system.
    FileSystem,
    /// There is no such option.
    MountOption,
    /// The source can't be mounted, or nothing can be mounted at the destination.
    Mount,
    /// A guest would change a folder of the system or the user.
    HostFolder,
    /// The request is not supported.
    Unsupported,
}

impl BundleCode {
    /// Every code.
    pub const ALL: [Self; 16] = [
        Self::Syntax,
        Self::Version,
        Self::Os,
        Self::Architecture,
        Self::Root,
        Self::Process,
        Self::Folder,
        Self::Cpu,
        Self::Memory,
        Self::Tty,
        Self::Device,
        Self::FileSystem,
        Self::MountOption,
        Self::Mount,
        Self::HostFolder,
        Self::Unsupported,
    ];

    /// The code, as the documentation spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "bundle-syntax",
            Self::Version => "bundle-version",
            Self::Os => "bundle-os",
            Self::Architecture => "bundle-architecture",
            Self::Root => "bundle-root",
            Self::Process => "bundle-process",
            Self::Folder => "bundle-cwd",
            Self::Cpu => "bundle-cpu",
            Self::Memory => "bundle-memory",
            Self::Tty => "bundle-tty",
            Self::Device => "bundle-device",
            Self::FileSystem => "bundle-file-system",
            Self::MountOption => "bundle-mount-option",
            Self::Mount => "bundle-mount",
            Self::HostFolder => "bundle-host-folder",
            Self::Unsupported => "bundle-unsupported",
        }
    }

    /// Name in the early specification, or a description in words.
    const fn words(self) -> &'static str {
        match self {
            Self::Syntax => "wrong config.json",
            Self::Version => "newer or unknown version",
            Self::Os => "wrong os",
            Self::Architecture => "wrong architecture",
            Self::Root => "no root folder",
            Self::Process => "no program",
            Self::Folder => "unsupported working folder",
            Self::Cpu => "NOT_ENOUGH_CPU",
            Self::Memory => "NOT_ENOUGH_MEM",
            Self::Tty => "THERE_CAN_BE_ONLY_ONE_TTY",
            Self::Device => "unknown device",
            Self::FileSystem => "unsupported file-system type",
            Self::MountOption => "unsupported mount option",
            Self::Mount => "no such mount",
            Self::HostFolder => "folder of the host",
            Self::Unsupported => "unsupported",
        }
    }

    /// Hint for the user: the last column of `docs/bundles.md`.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Syntax => "follow the runtime specification",
            Self::Version => "use version 1.0 to 1.3, or the early version 1",
            Self::Os => "compile the program for WASI preview 1, and set os to wasip1",
            Self::Architecture => {
                "compile the program to WebAssembly, and set the architecture to wasm"
            }
            Self::Root => "name an existing folder in the bundle",
            Self::Process => "name a module in the root folder",
            Self::Folder => "start in / and use absolute paths in the program",
            Self::Cpu => "ask for one CPU, or less",
            Self::Memory => "ask for less memory",
            Self::Tty => "give one process the terminal",
            Self::Device => "ask for null, zero, full, random, urandom or tty",
            Self::FileSystem => "mount regular folders, with type bind",
            Self::MountOption => "remove the option",
            Self::Mount => "mount an existing folder, at a plain path outside of / and /dev",
            Self::HostFolder => {
                "make the folder read-only, or let the guest change it with `--allow-host-root`"
            }
            Self::Unsupported => "remove the member",
        }
    }
}

/// A code, its place in `config.json`, and the reason.
#[derive(Debug, PartialEq)]
pub struct BundleRefusal {
    code: BundleCode,
    place: String,
    why: String,
}

impl BundleRefusal {
    /// Makes a refusal; `place` is in `config.json`.
    pub fn new(code: BundleCode, place: &str, why: impl Display) -> Self {
        Self {
            code,
            place: place.to_owned(),
            why: why.to_string(),
        }
    }

    /// Code of the refusal.
    pub fn code(&self) -> BundleCode {
        self.code
    }

    /// Place in `config.json`.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl Display for BundleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.words(), self.why)
    }
}
