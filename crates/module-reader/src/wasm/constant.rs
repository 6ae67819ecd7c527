// SPDX-License-Identifier: Apache-2.0
//! Constant expressions: initial values of globals, elements, and offsets of segments.

use super::bytes::{EXTERNREF, FUNCREF, I32, I64};
use super::sections::MUTABLE;
use super::{ModuleWalk, Problem, features, limits};

/// Most operands on the stack of an expression within the limit of operators.
const DEPTH: usize = limits::CONSTANT_OPERATORS as usize + 1;

/// Types of the operands of an expression.
struct Operands {
    types: [u32; DEPTH],
    depth: usize,
}

impl Operands {
    fn push(&mut self, operand: u32) -> Option<()> {
        *self.types.get_mut(self.depth)? = operand;
        self.depth = self.depth.wrapping_add(1);
        Some(())
    }

    fn pop(&mut self, wanted: u32) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        (*self.types.get(self.depth)? == wanted).then_some(())
    }
}

impl ModuleWalk<'_> {
    /// A constant expression of type `wanted`, with its end. All of it is validated: WAMR
    /// 2.4.3 reads through a null pointer where an extended one is malformed.
    pub fn constant(&mut self, wanted: u32) {
        let mut operands = Operands {
            types: [0; DEPTH],
            depth: 0,
        };
        let mut operators = 0_u32;
        while self.problem.is_none() {
            self.mark = self.at;
            let opcode = self.byte();
            let result = match opcode {
                0x0b => {
                    let matches = operands.pop(wanted).is_some() && operands.depth == 0;
                    return self.ensure(matches, Problem::Constant);
                }
                0x6a..=0x6c | 0x7c..=0x7e => {
                    let operand = if opcode < 0x70 { I32 } else { I64 };
                    operators = operators.wrapping_add(1);
                    let few = operators <= limits::CONSTANT_OPERATORS;
                    self.ensure(few, Problem::ConstantOperators);
                    let popped = operands.pop(operand).and_then(|()| operands.pop(operand));
                    self.ensure(popped.is_some(), Problem::Constant);
                    operand
                }
                _ => self.constant_operand(opcode),
            };
            let pushed = operands.push(result);
            self.ensure(pushed.is_some(), Problem::ConstantOperators);
        }
    }

    /// An instruction that pushes a value; the type of the value.
    fn constant_operand(&mut self, opcode: u32) -> u32 {
        match opcode {
            0x41..=0x44 => return self.literal(opcode),
            0x23 => return self.constant_global(),
            0xd0 => return self.null_type(),
            0xd2 => {
                self.index(self.count.functions);
            }
            0xfd => self.fail(Problem::Simd),
            opcode => self.fail(features::of_opcode(opcode)),
        }
        FUNCREF
    }

    /// The heap type of a null reference.
    pub fn null_type(&mut self) -> u32 {
        let byte = self.byte();
        if !matches!(byte, FUNCREF | EXTERNREF) {
            self.fail(features::of_heap_type(byte));
        }
        byte
    }

    /// An imported, immutable global: no other one has a value when expressions are evaluated.
    fn constant_global(&mut self) -> u32 {
        let index = self.index(self.count.globals);
        self.ensure(index < self.count.imported_globals, Problem::Gc);
        let global = self.word(self.global_word(index));
        self.ensure(global & MUTABLE == 0, Problem::Constant);
        global
    }
}
