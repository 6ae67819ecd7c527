// SPDX-License-Identifier: Apache-2.0
//! Constant expressions: initial values of globals, elements, and offsets of segments.

use super::bytes::{EXTERNREF, FUNCREF, I32, I64};
use super::sections::MUTABLE;
use super::{Problem, Step, Walk, features, limits};

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

impl Walk<'_> {
    /// A constant expression of type `wanted`, with its end. All of it is validated: WAMR
    /// 2.4.3 reads through a null pointer where an extended one is malformed.
    pub fn constant(&mut self, wanted: u32) -> Step<()> {
        let mut operands = Operands {
            types: [0; DEPTH],
            depth: 0,
        };
        let mut operators = 0_u32;
        loop {
            self.mark = self.at;
            let opcode = self.byte()?;
            let result = match opcode {
                0x0b => break,
                0x6a..=0x6c | 0x7c..=0x7e => {
                    let operand = if opcode < 0x70 { I32 } else { I64 };
                    operators = operators.wrapping_add(1);
                    if operators > limits::CONSTANT_OPERATORS {
                        return self.too_long();
                    }
                    let popped = operands.pop(operand).and_then(|()| operands.pop(operand));
                    if popped.is_none() {
                        return self.mistyped();
                    }
                    operand
                }
                _ => self.constant_operand(opcode)?,
            };
            if operands.push(result).is_none() {
                return self.too_long();
            }
        }
        match operands.pop(wanted) {
            Some(()) if operands.depth == 0 => Ok(()),
            _ => self.mistyped(),
        }
    }

    fn too_long<T>(&mut self) -> Step<T> {
        Err(Problem::ConstantOperators)
    }

    fn mistyped<T>(&mut self) -> Step<T> {
        Err(Problem::Constant)
    }

    /// An instruction that pushes a value; the type of the value.
    fn constant_operand(&mut self, opcode: u32) -> Step<u32> {
        match opcode {
            0x41..=0x44 => self.literal(opcode),
            0x23 => self.constant_global(),
            0xd0 => match self.byte()? {
                byte @ (FUNCREF | EXTERNREF) => Ok(byte),
                byte => Err(features::of_heap_type(byte)),
            },
            0xd2 => self.index(self.count.functions).map(|_| FUNCREF),
            0xfd => Err(Problem::Simd),
            opcode => Err(features::of_opcode(opcode)),
        }
    }

    /// An imported, immutable global: no other one has a value when expressions are evaluated.
    fn constant_global(&mut self) -> Step<u32> {
        let index = self.index(self.count.globals)?;
        if index >= self.count.imported_globals {
            return Err(Problem::Gc);
        }
        match self.word(self.global_word(index))? {
            global if global & MUTABLE != 0 => self.mistyped(),
            operand => Ok(operand),
        }
    }
}
