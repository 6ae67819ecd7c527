// SPDX-License-Identifier: Apache-2.0
//! Numbers and strings of an AOT file, aligned as WAMR aligns them.
//!
//! A fault is kept, not returned: the first one counts, reads after it give 0 and empty slices,
//! and [`SectionCursor::repeat`] stops. This takes half the code of a result at each number.

use super::{
    AotFault, F32_CONST, F64_CONST, GLOBAL_GET, I32_ADD, I32_CONST, I32_MUL, I64_ADD, I64_CONST,
    I64_MUL, NO_EXPRESSION, REF_FUNC, REF_NULL,
};

/// Most operands in a constant expression; more than twice as deep as compilers need.
const MOST_OPERANDS: u32 = 16;

/// A place in a file, the end of the section that it is in, and the first fault.
pub(super) struct SectionCursor<'f> {
    pub file: &'f [u8],
    pub at: usize,
    pub end: usize,
    /// The fault, and the place where it was found.
    pub fault: Option<(AotFault, usize)>,
}

impl<'f> SectionCursor<'f> {
    // Not inlined, like the next one: inlining them would double the code of the module.
    #[inline(never)]
    pub fn fail(&mut self, fault: AotFault) {
        // An offset in the file may have led beyond its end.
        let place = self.at.min(self.file.len());
        self.fault.get_or_insert((fault, place));
        self.end = 0;
    }

    /// Fails with `fault` unless `holds`.
    #[inline(never)]
    pub fn ensure(&mut self, holds: bool, fault: AotFault) {
        if !holds {
            self.fail(fault);
        }
    }

    pub fn take(&mut self, bytes: usize) -> &'f [u8] {
        let end = self.at.saturating_add(bytes);
        match self.file.get(self.at..end) {
            Some(taken) if end <= self.end => {
                self.at = end;
                taken
            }
            _ => {
                self.fail(AotFault::End);
                &[]
            }
        }
    }

    /// Skips to a multiple of `to`, a power of two.
    pub fn align(&mut self, to: usize) {
        let mask = to.wrapping_sub(1);
        self.at = self.at.saturating_add(mask) & !mask;
    }

    /// A number of 1, 2 or 4 bytes.
    #[inline(never)]
    fn number(&mut self, bytes: usize) -> u32 {
        self.align(bytes);
        let digits = self.take(bytes).iter().rev();
        digits.fold(0, |number, &digit| number << 8 | u32::from(digit))
    }

    pub fn u8(&mut self) -> u8 {
        self.number(1) as u8
    }

    pub fn u16(&mut self) -> u16 {
        self.number(2) as u16
    }

    pub fn u32(&mut self) -> u32 {
        self.number(4)
    }

    /// Bytes whose number is stored before them in 32 bits.
    pub fn take_counted(&mut self) -> &'f [u8] {
        let bytes = self.u32();
        self.take(bytes as usize)
    }

    /// A string without the NUL that ends it.
    pub fn string(&mut self) -> &'f [u8] {
        let bytes = self.u16();
        match self.take(bytes.into()).split_last() {
            Some((0, text)) if text.iter().all(|&byte| byte != 0) => text,
            _ => {
                self.fail(AotFault::String);
                &[]
            }
        }
    }

    /// A constant expression: its kind and, of one that has it, a value of 32 bits. An
    /// operator stands before its two operands, which the loader reads by recursion.
    pub fn expression(&mut self) -> (u32, u32) {
        let first = self.operand();
        let mut missing = operands(first.0);
        let mut read = 0_u32;
        while missing != 0 && self.fault.is_none() {
            let (kind, _) = self.operand();
            missing = missing.wrapping_sub(1).wrapping_add(operands(kind));
            read = read.wrapping_add(1);
            self.ensure(read <= MOST_OPERANDS, AotFault::Limit);
        }
        first
    }

    fn operand(&mut self) -> (u32, u32) {
        let kind = self.u32();
        let value = match kind {
            I32_CONST | F32_CONST | GLOBAL_GET | REF_NULL | REF_FUNC => self.u32(),
            I64_CONST | F64_CONST => {
                self.take(8);
                0
            }
            _ => {
                let known = kind == NO_EXPRESSION || operands(kind) != 0;
                self.ensure(known, AotFault::Expression);
                0
            }
        };
        (kind, value)
    }
}

/// Number of an operator's operands: two, or none of a constant.
const fn operands(kind: u32) -> u32 {
    match kind {
        I32_ADD..=I32_MUL | I64_ADD..=I64_MUL => 2,
        _ => 0,
    }
}
