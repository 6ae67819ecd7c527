// SPDX-License-Identifier: Apache-2.0
//! The AOT code that this firmware runs.

use ocre::port::AotTarget;

use crate::config;

const HARD_FLOAT: bool = cfg!(target_abi = "eabihf");

/// `None` where AOT code is left out, or the CPU is none that the compiler knows.
pub(crate) const TARGET: Option<&AotTarget> = if !config::AOT {
    None
} else if cfg!(target_os = "linux") {
    ocre_wamr::PC_TARGET
} else if config::CPU_CORTEX_M3 {
    Some(&AotTarget::THUMBV7M)
} else if (config::CPU_CORTEX_M4 || config::CPU_CORTEX_M7) && HARD_FLOAT {
    Some(&AotTarget::THUMBV7EM_EABIHF)
} else if config::CPU_CORTEX_M4 || config::CPU_CORTEX_M7 {
    Some(&AotTarget::THUMBV7EM)
} else if config::CPU_CORTEX_M33 && HARD_FLOAT {
    Some(&AotTarget::THUMBV8M_EABIHF)
} else if config::CPU_CORTEX_M33 {
    Some(&AotTarget::THUMBV8M)
} else if config::RISCV {
    Some(&AotTarget::RISCV32)
} else {
    None
};
