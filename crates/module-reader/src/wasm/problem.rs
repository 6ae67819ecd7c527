// SPDX-License-Identifier: Apache-2.0
//! Problems that end a walk, and their names.

use super::{WasmFault, limits};

macro_rules! problems {
    ($($problem:ident $name:literal,)*) => {
        /// A problem. As wide as a number, so that the result of a read stays in registers.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u32)]
        pub enum Problem {
            $($problem,)*
        }

        /// Names of all problems, one after the other, and the length of each.
        static NAMES: &str = concat!($($name),*);
        static LENGTHS: &[u8] = &[$($name.len() as u8),*];
    };
}

problems! {
    // Parts of a module that are wrong.
    Bodies "number of bodies",
    Constant "constant expression",
    Count "count",
    End "end",
    Import "import",
    Index "index",
    Instruction "instruction",
    Limits "limits",
    Number "number",
    Operands "number of operands",
    Preamble "preamble",
    Section "section",
    Segment "segment",
    Size "size",
    Type "type",
    // Features.
    Components "component model",
    Exceptions "exception handling",
    Gc "garbage collection",
    Memories "multiple memories",
    Memory64 "memory64",
    PageSizes "custom page sizes",
    References "typed function references",
    RelaxedSimd "relaxed SIMD",
    Simd "SIMD",
    StackSwitching "stack switching",
    Threads "threads",
    WideArithmetic "wide arithmetic",
    // Limits of the module; the numbers of the others are in `MOST`.
    Locals "locals in all functions",
    Values "values of blocks and calls",
    Work "loader steps",
    BranchTargets "branch table targets",
    ConstantCells "cells of constants",
    ConstantOperators "constant operators",
    LocalCells "cells of locals",
    Nesting "nested blocks",
    OperandDepth "operands",
    TableElements "table elements",
    Tables "tables",
    Types "types",
    TypeValues "parameters or results",
    ZeroBytes "zero bytes in a name",
}

/// Numbers of the limits, from [`Problem::BranchTargets`] on.
static MOST: &[u32] = &[
    limits::BRANCH_TARGETS,
    limits::CONSTANT_CELLS,
    limits::CONSTANT_OPERATORS,
    limits::LOCAL_CELLS,
    limits::NESTING,
    limits::OPERANDS,
    limits::TABLE_ELEMENTS,
    limits::TABLES,
    limits::TYPES,
    limits::TYPE_VALUES,
    0,
];

impl Problem {
    fn name(self) -> &'static str {
        let mut names = NAMES;
        for &length in LENGTHS.iter().take(self as usize) {
            names = names.get(usize::from(length)..).unwrap_or_default();
        }
        let length = LENGTHS.get(self as usize).copied().unwrap_or_default();
        names.get(..usize::from(length)).unwrap_or_default()
    }

    /// The fault, in a module of `length` bytes.
    pub fn fault(self, length: u32) -> WasmFault {
        let name = self.name();
        if (self as u32) < Self::Components as u32 {
            return WasmFault::Invalid(name);
        }
        if (self as u32) < Self::Locals as u32 {
            return WasmFault::Feature(name);
        }
        let own = (self as usize).checked_sub(Self::BranchTargets as usize);
        let most = match self {
            Self::Work => limits::loader_steps(length),
            _ => match own.and_then(|own| MOST.get(own)) {
                Some(&most) => most,
                None => limits::module_values(length),
            },
        };
        WasmFault::Limit(name, most)
    }
}
