// SPDX-License-Identifier: Apache-2.0
//! Features that the engine lacks, found by the bytes that stand for them.

use super::Problem;

/// Problem with a byte that is no value type, or no form of a type definition.
pub const fn of_type(byte: u32) -> Problem {
    match byte {
        0x7b => Problem::Simd,
        0x69 | 0x74 => Problem::Exceptions,
        0x63 | 0x64 => Problem::References,
        0x4e..=0x50 | 0x5e | 0x5f | 0x6a..=0x6e | 0x71..=0x73 | 0x77 | 0x78 => Problem::Gc,
        0x5d | 0x68 | 0x75 => Problem::StackSwitching,
        0x65 => Problem::Threads,
        _ => Problem::Type,
    }
}

/// Problem with the heap type of a null reference: one of the abstract types, or the index of
/// a defined one.
pub const fn of_heap_type(byte: u32) -> Problem {
    match byte {
        0x00..=0x3f | 0x80.. => Problem::References,
        byte => of_type(byte),
    }
}

/// Problem with an instruction without a prefix.
pub const fn of_opcode(opcode: u32) -> Problem {
    match opcode {
        0x06..=0x0a | 0x18 | 0x19 | 0x1f => Problem::Exceptions,
        0x14 | 0x15 | 0xd4..=0xd6 => Problem::References,
        0xd3 | 0xfb => Problem::Gc,
        0xe0..=0xe6 => Problem::StackSwitching,
        0xfe => Problem::Threads,
        _ => Problem::Instruction,
    }
}

/// Problem with the flags of limits.
pub const fn of_limits(flags: u32) -> Problem {
    match flags {
        flags if flags > 15 => Problem::Limits,
        flags if flags & 2 != 0 => Problem::Threads,
        flags if flags & 4 != 0 => Problem::Memory64,
        _ => Problem::PageSizes,
    }
}
