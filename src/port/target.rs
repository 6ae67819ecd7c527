// SPDX-License-Identifier: Apache-2.0
//! Machines that AOT code is made for.

/// The engine's version; loader and compiler must be the same.
pub const WAMR: &str = "2.4.3";

/// Machine that AOT code is made for, and the values that this build accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AotTarget {
    /// `x86_64`, `thumbv7m` …: `dev.ocre.aot.target`, and `ocre aot --target`.
    pub name: &'static str,
    /// The header's architecture, as WAMR shortens the LLVM triple.
    pub arch: &'static str,
    /// The ELF machine number.
    pub machine: u16,
    /// True where pointers have 64 bits.
    pub wide: bool,
    /// The calling convention: `dev.ocre.aot.abi`.
    pub abi: &'static str,
    /// The CPUs whose code runs here, as `dev.ocre.aot.cpu` names them.
    pub cpus: &'static [&'static str],
    /// The engine's version: `dev.ocre.aot.wamr`.
    pub wamr: &'static str,
}

const X86: u16 = 3;
const ARM: u16 = 40;
const X86_64: u16 = 62;
const RISCV: u16 = 243;

const fn target(
    [name, arch, abi]: [&'static str; 3],
    machine: u16,
    cpus: &'static [&'static str],
) -> AotTarget {
    AotTarget {
        name,
        arch,
        machine,
        wide: machine == X86_64,
        abi,
        cpus,
        wamr: WAMR,
    }
}

impl AotTarget {
    /// 64-bit x86: a PC, and Zephyr's native_sim on one.
    pub const X86_64: Self = target(["x86_64", "x86_64", "gnu"], X86_64, &["x86-64"]);
    /// 32-bit x86.
    pub const I386: Self = target(["i386", "i386", "gnu"], X86, &["pentium4"]);
    /// Cortex-M3.
    pub const THUMBV7M: Self = target(["thumbv7m", "thumbv7", "eabi"], ARM, &["cortex-m3"]);
    /// Cortex-M4 and M7 in firmware that does not use the FPU; they run code for the M3 too,
    /// but that is another target.
    pub const THUMBV7EM: Self = target(["thumbv7em", "thumbv7em", "eabi"], ARM, &["cortex-m4"]);
    /// Cortex-M4F and M7, floats passed in registers.
    pub const THUMBV7EM_EABIHF: Self = target(
        ["thumbv7em-eabihf", "thumbv7em", "eabihf"],
        ARM,
        &["cortex-m4"],
    );
    /// Cortex-M33 in firmware that does not use the FPU.
    pub const THUMBV8M: Self = target(["thumbv8m", "thumbv8m.main", "eabi"], ARM, &["cortex-m33"]);
    /// Cortex-M33 with FPU, floats passed in registers.
    pub const THUMBV8M_EABIHF: Self = target(
        ["thumbv8m-eabihf", "thumbv8m.main", "eabihf"],
        ARM,
        &["cortex-m33"],
    );
    /// RV32IMAC.
    pub const RISCV32: Self = target(["riscv32", "riscv32", "ilp32"], RISCV, &["generic-rv32"]);
    /// Every target that code can be made for.
    pub const ALL: [Self; 8] = [
        Self::X86_64,
        Self::I386,
        Self::THUMBV7M,
        Self::THUMBV7EM,
        Self::THUMBV7EM_EABIHF,
        Self::THUMBV8M,
        Self::THUMBV8M_EABIHF,
        Self::RISCV32,
    ];
}
