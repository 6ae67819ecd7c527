// SPDX-License-Identifier: Apache-2.0
//! Traps: reasons why the engine stopped a guest.

ocre_oci::coded_enum! {
    /// Reason why the engine stopped a guest.
    pub enum Trap {
        /// The `unreachable` instruction.
        Unreachable = "trap-unreachable",
        /// A load or store outside linear memory.
        MemoryOutOfBounds = "trap-memory-out-of-bounds",
        /// A table access outside the table, or an uninitialised element.
        TableOutOfBounds = "trap-table-out-of-bounds",
        /// An indirect call with the wrong signature.
        IndirectCallType = "trap-indirect-call-type",
        /// Integer division by zero.
        DivideByZero = "trap-divide-by-zero",
        /// Integer overflow in a division or conversion.
        IntegerOverflow = "trap-integer-overflow",
        /// A float without an integer value was converted.
        InvalidConversion = "trap-invalid-conversion",
        /// The wasm or native stack is used up.
        StackOverflow = "trap-stack-overflow",
        /// The engine had no memory for an operation that must not fail.
        OutOfMemory = "trap-out-of-memory",
        /// The instruction budget is used up.
        InstructionLimit = "trap-instruction-limit",
        /// A host function refused its arguments in a way that no errno can express.
        Host = "trap-host",
        /// Anything else the engine reports.
        Other = "trap-other",
    }
}

impl Trap {
    /// Finds the trap with that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trap| trap.code() == code)
    }
}
