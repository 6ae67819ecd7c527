// SPDX-License-Identifier: Apache-2.0
//! Bodies of functions: blocks, the number of operands at each instruction, and the work of the
//! engine's loader on them.

use super::bytes::{F64, I64};
use super::form::Form;
use super::{ModuleWalk, Problem, features, limits};

/// An open block in one word: height of the operand stack under it (16 bits), its kind (2), a bit
/// for unreachable code, its type (13).
#[derive(Clone, Copy, Default)]
struct OpenBlock(u32);

const BLOCK: u32 = 0;
const LOOP: u32 = 1;
const IF: u32 = 2;

/// Types of a block that are no index of a type: without a result, and with one.
const NO_RESULT: u32 = limits::TYPES;
const ONE_RESULT: u32 = limits::TYPES + 1;

impl OpenBlock {
    const UNREACHABLE: u32 = 1 << 13;

    const fn new(base: u32, kind: u32, signature: u32) -> Self {
        Self(base << 16 | kind << 14 | signature)
    }

    const fn base(self) -> u32 {
        self.0 >> 16
    }

    const fn kind(self) -> u32 {
        self.0 >> 14 & 3
    }

    const fn is_unreachable(self) -> bool {
        self.0 & Self::UNREACHABLE != 0
    }

    const fn signature(self) -> u32 {
        self.0 & (Self::UNREACHABLE - 1)
    }
}

/// State within a body.
#[derive(Clone, Copy, Default)]
pub struct Body {
    /// Operands on the stack.
    height: u32,
    /// The innermost block; those around it are in the scratch memory.
    block: OpenBlock,
    /// Number of open blocks, the function's own included.
    nesting: u32,
    /// Cells of constants so far.
    constants: u32,
    results: u32,
}

/// Largest index of an instruction: no index at all, that of the only memory, or any one, which
/// the engine checks.
const NONE: u32 = 1;
const MEMORY: u32 = 0;
const ANY: u32 = u32::MAX;

/// Number of operands that an instruction pops, and of those that it pushes (0 or 1), in one word.
#[derive(Clone, Copy)]
struct Effect(u32);

impl Effect {
    const fn new(popped: u32, pushed: u32) -> Self {
        Self(popped << 1 | pushed)
    }
}

/// Parameters and results of a type, as the scratch memory has them.
#[derive(Clone, Copy)]
struct Signature(u32);

impl Signature {
    const fn parameters(self) -> u32 {
        self.0 >> 16
    }

    const fn results(self) -> u32 {
        self.0 & 0xffff
    }
}

impl ModuleWalk<'_> {
    pub fn body(&mut self) {
        let section_end = self.end;
        let size = self.items();
        let end = self.at.wrapping_add(size as usize);
        self.end = end;
        let function = self
            .count
            .imported_functions
            .wrapping_add(self.count.bodies);
        let kind = self.word(self.function_word(function));
        let signature = self.signature(kind);
        self.declared_locals(signature.parameters());
        self.body = Body {
            height: 0,
            block: OpenBlock::new(0, BLOCK, kind),
            nesting: 1,
            constants: 0,
            results: signature.results(),
        };
        while self.body.nesting != 0 && self.problem.is_none() {
            if Form::TABLE {
                self.short_instructions();
            }
            self.instruction();
        }
        self.ensure(self.at == end, Problem::Size);
        self.count.bodies = self.count.bodies.wrapping_add(1);
        self.end = section_end;
    }

    fn declared_locals(&mut self, parameters: u32) {
        let mut cells = parameters.wrapping_mul(2);
        let mut left = self.items();
        while self.more(&mut left) {
            self.mark = self.at;
            let count = self.number();
            let size = match self.value_type() {
                I64 | F64 => 2,
                _ => 1,
            };
            cells = cells.saturating_add(count.saturating_mul(size));
            self.ensure(cells <= limits::LOCAL_CELLS, Problem::LocalCells);
            self.ensure(count <= self.locals, Problem::Locals);
            self.locals = self.locals.wrapping_sub(count);
        }
    }

    fn signature(&mut self, kind: u32) -> Signature {
        Signature(match kind {
            NO_RESULT => 0,
            ONE_RESULT => 1,
            kind => self.word(kind),
        })
    }

    fn pop(&mut self, count: u32) {
        let base = self.body.block.base();
        let there = self.body.height.wrapping_sub(base);
        let enough = count <= there || self.body.block.is_unreachable();
        self.ensure(enough, Problem::Operands);
        self.body.height = base.wrapping_add(there.saturating_sub(count));
    }

    fn push(&mut self, count: u32) {
        self.body.height = self.body.height.wrapping_add(count);
        self.ensure(self.body.height <= limits::OPERANDS, Problem::OperandDepth);
    }

    /// Reads instructions whose immediates have one byte each, as most have, with all that they
    /// change in registers. Stops before one that [`Walk::instruction`] is to read: another one,
    /// or one that has a problem.
    fn short_instructions(&mut self) {
        let base = self.body.block.base();
        let mut body = self.body;
        let mut work = self.work;
        let before_end = self.bytes.get(..self.end).unwrap_or_default();
        let mut left = before_end.get(self.at..).unwrap_or_default();
        while let Some((&[opcode, first, second], _)) = left.split_first_chunk() {
            let form = Form::of(opcode.into());
            let searched = body.height & form.local_mask();
            let constants = body.constants.wrapping_add(form.constant_cells());
            if !form.is_short([first, second])
                || body.height.wrapping_sub(base) < form.popped()
                || body.height >= limits::OPERANDS
                || constants > limits::CONSTANT_CELLS
                || searched > work
            {
                break;
            }
            work = work.wrapping_sub(searched);
            body.constants = constants;
            body.height = body
                .height
                .wrapping_sub(form.popped())
                .wrapping_add(form.pushed());
            left = left.get(form.short_length()..).unwrap_or_default();
        }
        self.at = before_end.len().wrapping_sub(left.len());
        self.work = work;
        self.body = body;
    }

    fn instruction(&mut self) {
        self.mark = self.at;
        let opcode = self.byte();
        // The most frequent one that is not short.
        if opcode == 0x0b {
            return self.close();
        }
        let form = Form::of(opcode);
        match form.short_length() {
            0 if self.other_immediates(opcode) => return,
            0 | 1 => {}
            2 if form.local_mask() != 0 => {
                self.number();
                // The loader looks through the operands for other uses of the local.
                self.work(self.body.height);
            }
            2 if form.constant_cells() == 0 => {
                self.number();
            }
            2 => self.literal_operand(opcode),
            _ => self.memory_access(),
        }
        self.pop(form.popped());
        self.push(form.pushed());
    }

    /// Reads the immediates of an instruction whose form does not tell them; returns true if that
    /// was all of the instruction.
    fn other_immediates(&mut self, opcode: u32) -> bool {
        match opcode {
            0x1c => {
                let count = self.number();
                self.ensure(count == 1, Problem::Instruction);
                self.value_type();
            }
            0x3f | 0x40 => self.memory_index(),
            0x43 | 0x44 => self.literal_operand(opcode),
            0xd0 => {
                self.null_type();
            }
            0xd2 => {
                self.number();
                // The loader looks for the function in globals, elements and exports.
                self.work(self.count.references.saturating_add(self.count.globals));
            }
            opcode => {
                self.other_instruction(opcode);
                return true;
            }
        }
        false
    }

    fn other_instruction(&mut self, opcode: u32) {
        match opcode {
            0x00 => self.leave(),
            0x02..=0x04 => self.open(opcode.wrapping_sub(2)),
            0x05 => self.otherwise(),
            0x0c..=0x0f => self.branch(opcode),
            0x10..=0x13 => self.call(opcode),
            0xfc => self.bulk(),
            0xfd => {
                let problem = match self.number() {
                    0..=0xff => Problem::Simd,
                    _ => Problem::RelaxedSimd,
                };
                self.fail(problem);
            }
            opcode => self.fail(features::of_opcode(opcode)),
        }
    }

    fn literal_operand(&mut self, opcode: u32) {
        self.literal(opcode);
        let cells = 2_u32.wrapping_sub(opcode & 1);
        self.body.constants = self.body.constants.wrapping_add(cells);
        let few = self.body.constants <= limits::CONSTANT_CELLS;
        self.ensure(few, Problem::ConstantCells);
    }

    fn memory_access(&mut self) {
        match self.number() {
            0..=3 => {}
            // The bit that says that the index of a memory follows.
            0x40..=0x7f => self.fail(Problem::Memories),
            _ => self.fail(Problem::Instruction),
        }
        self.number();
    }

    /// An instruction behind the prefix 0xfc.
    fn bulk(&mut self) {
        let opcode = self.number();
        let (first, second, effect) = match opcode {
            0..=7 => (NONE, NONE, Effect::new(1, 1)),
            8 => (ANY, MEMORY, Effect::new(3, 0)),
            9 | 13 => (ANY, NONE, Effect::new(0, 0)),
            10 => (MEMORY, MEMORY, Effect::new(3, 0)),
            11 => (MEMORY, NONE, Effect::new(3, 0)),
            12 | 14 => (ANY, ANY, Effect::new(3, 0)),
            15 => (ANY, NONE, Effect::new(2, 1)),
            16 => (ANY, NONE, Effect::new(0, 1)),
            17 => (ANY, NONE, Effect::new(3, 0)),
            opcode => {
                self.fail(match opcode {
                    19..=22 => Problem::WideArithmetic,
                    _ => Problem::Instruction,
                });
                (NONE, NONE, Effect::new(0, 0))
            }
        };
        for most in [first, second] {
            if most != NONE {
                let index = self.number();
                self.ensure(index <= most, Problem::Memories);
            }
        }
        self.pop(effect.0 >> 1);
        self.push(effect.0 & 1);
    }

    /// Marks the rest of the innermost block as unreachable.
    fn leave(&mut self) {
        self.body.height = self.body.block.base();
        self.body.block.0 |= OpenBlock::UNREACHABLE;
    }

    fn open(&mut self, kind: u32) {
        let block_type = match self.peek() {
            0x40 => {
                self.skip(1);
                NO_RESULT
            }
            0x41..=0x7f => {
                self.value_type();
                ONE_RESULT
            }
            _ => {
                let index = self.leb(32, true);
                self.ensure(index < self.count.types, Problem::Index);
                index
            }
        };
        let signature = self.signature(block_type);
        // The loader looks through all operands for locals, and moves the blocks that are open
        // when their table grows.
        self.work(self.body.height.wrapping_add(self.body.nesting));
        self.values(signature.parameters());
        self.pop(u32::from(kind == IF));
        self.pop(signature.parameters());
        self.ensure(self.body.nesting < limits::NESTING, Problem::Nesting);
        let place = self.block_word(self.body.nesting);
        self.set_word(place, self.body.block.0);
        self.body.nesting = self.body.nesting.wrapping_add(1);
        self.body.block = OpenBlock::new(self.body.height, kind, block_type);
        self.push(signature.parameters());
    }

    /// Place of the word of an open block; of the outermost at depth 0.
    fn block_word(&self, depth: u32) -> u32 {
        self.function_word(self.count.functions).wrapping_add(depth)
    }

    /// Checks the operands at the end of a block.
    fn block_results(&mut self) -> Signature {
        let signature = self.signature(self.body.block.signature());
        self.values(signature.results());
        let there = self.body.height.wrapping_sub(self.body.block.base());
        let enough = there == signature.results() || self.body.block.is_unreachable();
        self.ensure(there <= signature.results() && enough, Problem::Operands);
        self.body.height = self.body.block.base();
        signature
    }

    fn otherwise(&mut self) {
        self.ensure(self.body.block.kind() == IF, Problem::Instruction);
        let signature = self.block_results();
        self.body.block = OpenBlock::new(self.body.height, BLOCK, self.body.block.signature());
        self.push(signature.parameters());
    }

    fn close(&mut self) {
        let signature = self.block_results();
        if self.body.block.kind() == IF {
            // The loader treats it as if it had an else without code.
            self.values(signature.results());
            let same = signature.parameters() == signature.results();
            self.ensure(same, Problem::Operands);
        }
        self.body.nesting = self.body.nesting.wrapping_sub(1);
        if self.body.nesting != 0 {
            self.body.block = OpenBlock(self.word(self.block_word(self.body.nesting)));
            self.push(signature.results());
        }
    }

    /// Values that a branch to a label passes.
    fn label(&mut self) -> u32 {
        let depth = self.number();
        self.ensure(depth < self.body.nesting, Problem::Index);
        let block = match depth {
            0 => self.body.block,
            depth => {
                let outer = self.body.nesting.wrapping_sub(depth);
                OpenBlock(self.word(self.block_word(outer)))
            }
        };
        let signature = self.signature(block.signature());
        let count = match block.kind() {
            LOOP => signature.parameters(),
            _ => signature.results(),
        };
        self.values(count);
        count
    }

    fn branch(&mut self, opcode: u32) {
        match opcode {
            0x0d => {
                self.pop(1);
                let count = self.label();
                self.pop(count);
                return self.push(count);
            }
            0x0c => {
                let count = self.label();
                self.pop(count);
            }
            0x0e => self.branch_table(),
            _ => {
                self.values(self.body.results);
                self.pop(self.body.results);
            }
        }
        self.leave();
    }

    fn branch_table(&mut self) {
        let targets = self.items();
        self.ensure(targets <= limits::BRANCH_TARGETS, Problem::BranchTargets);
        self.pop(1);
        let passed = self.label();
        let mut left = targets;
        while self.more(&mut left) {
            let count = self.label();
            self.ensure(count == passed, Problem::Index);
        }
        self.pop(passed);
    }

    fn call(&mut self, opcode: u32) {
        let indirect = opcode & 1 != 0;
        let kind = if indirect {
            let kind = self.index(self.count.types);
            self.number();
            kind
        } else {
            let function = self.index(self.count.functions);
            self.word(self.function_word(function))
        };
        let signature = self.signature(kind);
        self.values(signature.parameters().wrapping_add(signature.results()));
        self.pop(u32::from(indirect));
        self.pop(signature.parameters());
        if opcode < 0x12 {
            return self.push(signature.results());
        }
        self.ensure(signature.results() == self.body.results, Problem::Operands);
        self.leave();
    }
}
