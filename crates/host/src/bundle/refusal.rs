// SPDX-License-Identifier: Apache-2.0
//! Why a bundle is not run.

use std::fmt::{self, Display};

/// The stable codes, as `docs/bundles.md` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// It is not written as it has to be.
    Syntax,
    /// Of a version that nobody here knows.
    Version,
    /// For another operating system.
    Os,
    /// For another machine.
    Architecture,
    /// There is no root folder.
    Root,
    /// There is no program.
    Process,
    /// It is to begin in another folder.
    Folder,
    /// It wants more CPUs.
    Cpu,
    /// It wants more memory.
    Memory,
    /// Several want the terminal.
    Tty,
    /// There is no such device.
    Device,
    /// There is no such file system.
    FileSystem,
    /// There is no such option.
    MountOption,
    /// Nothing can be mounted from there, or there.
    Mount,
    /// A guest would change a folder of the system or the user.
    HostFolder,
    /// Nobody can give that.
    Unsupported,
}

impl Code {
    #[cfg(test)]
    const ALL: [Self; 16] = [
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

    /// As the documentation spells it.
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

    /// What it is called in the early specification, or in words.
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

    /// What to do: the last column of `docs/bundles.md`.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Syntax => "write it as the runtime specification says",
            Self::Version => "make a bundle of version 1.0 to 1.3, or of the early version 1",
            Self::Os => "compile the program for WASI preview 1, and say wasip1",
            Self::Architecture => "compile the program to WebAssembly, and say wasm",
            Self::Root => "name a folder in the bundle that is there",
            Self::Process => "name a module in the root folder",
            Self::Folder => "begin at / and give the program whole paths",
            Self::Cpu => "ask for one CPU, or less",
            Self::Memory => "ask for less memory",
            Self::Tty => "give one process the terminal",
            Self::Device => "ask for null, zero, full, random, urandom or tty",
            Self::FileSystem => "mount regular folders, with type bind",
            Self::MountOption => "leave the option out",
            Self::Mount => "mount a folder that is there, at a plain path outside of / and /dev",
            Self::HostFolder => {
                "make it read-only, or allow a guest to change it with `--allow-host-root`"
            }
            Self::Unsupported => "leave it out",
        }
    }
}

/// Why, and where in `config.json`.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    code: Code,
    place: String,
    why: String,
}

impl Refusal {
    /// `place` is in `config.json`.
    pub fn new(code: Code, place: &str, why: impl Display) -> Self {
        Self {
            code,
            place: place.to_owned(),
            why: why.to_string(),
        }
    }

    /// What is wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Where, in `config.json`.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.words(), self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_with_what_to_do() {
        let documented = include_str!("../../../../docs/bundles.md");
        for code in Code::ALL {
            let row = format!("| `{}` | {} |", code.as_str(), code.words());
            let row = documented.lines().find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{}: has no row", code.as_str()));
            assert!(row.ends_with(&format!("| {} |", code.hint())), "{row}");
        }
    }
}
