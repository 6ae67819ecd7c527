// SPDX-License-Identifier: Apache-2.0
//! Limits of the engine.
//!
//! WAMR's loader allocates memory and repeats work by numbers that a module states in a few
//! bytes. The limits keep its memory below a small multiple of the file and its time linear
//! in it. Code that compilers emit stays far below each of them.

/// Types of a module.
pub const TYPES: u32 = 8_000;

/// Parameters of a type, and results of a type; as in the JavaScript API.
pub const TYPE_VALUES: u32 = 1_000;

/// Tables of a module.
pub const TABLES: u32 = 100;

/// Elements that the tables of a module start with, all together.
pub const TABLE_ELEMENTS: u32 = 100_000;

/// Cells of 32 bits that the locals of a function take; the parameters are counted as if each
/// took two. The fast interpreter addresses cells with 16 bits.
pub const LOCAL_CELLS: u32 = 16_000;

/// Operands on the stack of a function.
pub const OPERANDS: u32 = 8_000;

/// Cells of 32 bits that the constants of a function take, each occurrence counted.
///
/// WAMR's fast interpreter keeps constants in a table of 32,766 cells. Once the table is full,
/// its first pass writes a further constant into the code while the second one finds an equal
/// constant in the table, so that the passes emit different code and the second overruns its
/// buffer (CVE-2026-54912). Below this limit the table is never full.
pub const CONSTANT_CELLS: u32 = 32_000;

/// Blocks, loops and ifs that are open at once.
pub const NESTING: u32 = 2_000;

/// Targets of a `br_table`; as in the JavaScript API.
pub const BRANCH_TARGETS: u32 = 65_520;

/// Operators in a constant expression. The engine evaluates them recursively.
pub const CONSTANT_OPERATORS: u32 = 16;

/// Locals that all functions of a module of `length` bytes declare together; and values that
/// its blocks, branches, calls and returns pass, each occurrence counted.
pub const fn module_values(length: u32) -> u32 {
    length.saturating_mul(4).saturating_add(4_096)
}

/// Steps of the loader beyond those that each byte of a module takes anyway: operands that are
/// looked through at a local or a block, types that are compared, functions that are looked up.
pub const fn loader_steps(length: u32) -> u32 {
    length.saturating_mul(256).saturating_add(65_536)
}
