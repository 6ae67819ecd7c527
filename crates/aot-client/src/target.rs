// SPDX-License-Identifier: Apache-2.0
//! Machines that AOT code can be compiled for.

use std::fmt;
use std::str::FromStr;

/// A machine, with the calling convention of the firmware it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// 64-bit x86 with Linux: a PC, or Zephyr's `native_sim/native/64`.
    X86_64,
    /// 32-bit x86 with Linux: Zephyr's `native_sim`.
    I386,
    /// Cortex-M3.
    Thumbv7m,
    /// Cortex-M4 and M7 in firmware that does not use the FPU.
    Thumbv7em,
    /// Cortex-M4F and M7 with single-precision FPU, floats passed in registers.
    Thumbv7emHard,
    /// Cortex-M33 in firmware that does not use the FPU.
    Thumbv8m,
    /// Cortex-M33 with single-precision FPU, floats passed in registers.
    Thumbv8mHard,
    /// RV32IMAC, integer registers only.
    Riscv32,
}

/// Row of the table below: a target, as LLVM and WAMR name it.
struct Row {
    name: &'static str,
    triple: &'static str,
    arch: &'static str,
    cpu: &'static str,
    features: &'static str,
    abi: &'static str,
    pointer_bits: u32,
}

impl Target {
    /// Every target.
    pub const ALL: [Self; 8] = [
        Self::X86_64,
        Self::I386,
        Self::Thumbv7m,
        Self::Thumbv7em,
        Self::Thumbv7emHard,
        Self::Thumbv8m,
        Self::Thumbv8mHard,
        Self::Riscv32,
    ];

    const fn row(self) -> &'static Row {
        match self {
            Self::X86_64 => &Row {
                name: "x86_64",
                triple: "x86_64-pc-linux-gnu",
                arch: "x86_64",
                cpu: "x86-64",
                features: "",
                abi: "gnu",
                pointer_bits: 64,
            },
            Self::I386 => &Row {
                name: "i386",
                triple: "i386-pc-linux-gnu",
                arch: "i386",
                cpu: "pentium4",
                features: "",
                abi: "gnu",
                pointer_bits: 32,
            },
            // WAMR knows no "thumbv7m"; the CPU selects the M profile.
            Self::Thumbv7m => &Row {
                name: "thumbv7m",
                triple: "thumbv7-unknown-none-eabi",
                arch: "thumbv7",
                cpu: "cortex-m3",
                features: "",
                abi: "eabi",
                pointer_bits: 32,
            },
            Self::Thumbv7em => &Row {
                name: "thumbv7em",
                triple: "thumbv7em-unknown-none-eabi",
                arch: "thumbv7em",
                cpu: "cortex-m4",
                features: "+soft-float,-fpregs",
                abi: "eabi",
                pointer_bits: 32,
            },
            Self::Thumbv7emHard => &Row {
                name: "thumbv7em-eabihf",
                triple: "thumbv7em-unknown-none-eabihf",
                arch: "thumbv7em",
                cpu: "cortex-m4",
                features: "",
                abi: "eabihf",
                pointer_bits: 32,
            },
            Self::Thumbv8m => &Row {
                name: "thumbv8m",
                triple: "thumbv8m.main-unknown-none-eabi",
                arch: "thumbv8m.main",
                cpu: "cortex-m33",
                features: "+soft-float,-fpregs",
                abi: "eabi",
                pointer_bits: 32,
            },
            Self::Thumbv8mHard => &Row {
                name: "thumbv8m-eabihf",
                triple: "thumbv8m.main-unknown-none-eabihf",
                arch: "thumbv8m.main",
                cpu: "cortex-m33",
                features: "",
                abi: "eabihf",
                pointer_bits: 32,
            },
            Self::Riscv32 => &Row {
                name: "riscv32",
                triple: "riscv32-pc-linux-ilp32",
                arch: "riscv32",
                cpu: "generic-rv32",
                features: "+m,+a,+c",
                abi: "ilp32",
                pointer_bits: 32,
            },
        }
    }

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The LLVM target triple.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        self.row().triple
    }

    /// The LLVM name of the least CPU that the code runs on.
    #[must_use]
    pub const fn cpu(self) -> &'static str {
        self.row().cpu
    }

    /// The calling convention, as WAMR names it. `eabi` and `eabihf` differ in
    /// how floats are passed, and mixing them passes garbage.
    #[must_use]
    pub const fn abi(self) -> &'static str {
        self.row().abi
    }

    /// Width of a native pointer in bits.
    #[must_use]
    pub const fn pointer_bits(self) -> u32 {
        self.row().pointer_bits
    }

    /// The triple's first part, which the file's header names too.
    #[must_use]
    pub const fn arch(self) -> &'static str {
        self.row().arch
    }

    /// LLVM CPU features that differ from the CPU's own.
    #[must_use]
    pub const fn features(self) -> &'static str {
        self.row().features
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        Self::ALL
            .into_iter()
            .find(|target| target.name() == name)
            .ok_or(UnknownTarget)
    }
}

/// The name is none of [`Target::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownTarget;

impl fmt::Display for UnknownTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown target; known are")?;
        Target::ALL
            .iter()
            .try_for_each(|target| write!(f, " {target}"))
    }
}

impl std::error::Error for UnknownTarget {}
