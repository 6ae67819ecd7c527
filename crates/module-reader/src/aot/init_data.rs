// SPDX-License-Identifier: Apache-2.0
//! Section with the initial data of an instance: memory, tables, types, globals, imports.

use super::{
    AotFault, F64, FUNCREF, GLOBAL_GET, I32, I32_ADD, I32_CONST, I32_MUL, I64, I64_ADD, I64_MUL,
    NONE, REF_FUNC, REF_NULL, SectionReader,
};

/// Bit of an element segment's mode: not copied when an instance is made.
const NOT_ACTIVE: u32 = 1;
/// The end of data, the base of the heap and the stack as the linker placed them: a global and a
/// value of 64 bits each, and a size. The loader checks the values; this engine gives WAMR no
/// heap or thread for which it would follow the globals.
const LINKER_BYTES: usize = 3 * 12 + 4;
/// Bytes that a memory can have.
const MOST_MEMORY: u64 = 1 << 32;
/// Most sections of data: each takes a page of the machine's memory, and LLVM makes a handful.
const MOST_DATA_SECTIONS: u32 = 16;

impl<'f> SectionReader<'f> {
    pub(super) fn init_data(&mut self) {
        self.memory();
        let segments = self.cursor.u32();
        self.repeat(segments, Self::data_segment);
        self.table_list();
        let segments = self.cursor.u32();
        self.repeat(segments, Self::element_segment);
        let types = self.cursor.u32();
        self.repeat(types, Self::function_type);
        self.global_lists();
        self.function_lists();
        let _start_function = self.cursor.u32();
        self.cursor.take(LINKER_BYTES);
        let count = self.cursor.u32();
        self.data_sections = (self.cursor.at, count);
        self.ensure(count <= MOST_DATA_SECTIONS, AotFault::Limit);
        self.repeat(count, |reader| {
            reader.data_section();
        });
    }

    /// The memory. WAMR's compiler writes one for a module without memory, too, and makes an
    /// imported one the module's own.
    fn memory(&mut self) {
        let (imported, count, flags) = (self.cursor.u32(), self.cursor.u32(), self.cursor.u32());
        self.ensure(imported == 0 && count == 1 && flags <= 1, AotFault::Feature);
        let page = u64::from(self.cursor.u32());
        let (least, most) = (self.cursor.u32(), self.cursor.u32());
        let bytes = page.wrapping_mul(most.into());
        self.ensure(least <= most && bytes <= MOST_MEMORY, AotFault::Limit);
    }

    fn data_segment(&mut self) {
        let passive = self.cursor.u32();
        let memory = self.cursor.u32();
        self.ensure(passive <= 1 && memory == 0, AotFault::Index);
        self.offset(passive == 0);
        self.cursor.take_counted();
    }

    /// The offset of a segment in a memory or a table.
    fn offset(&mut self, active: bool) {
        match self.cursor.expression() {
            (I32_CONST | I32_ADD..=I32_MUL, _) => {}
            (GLOBAL_GET, global) => {
                self.globals_used = self.globals_used.max(global.saturating_add(1));
            }
            _ => self.ensure(!active, AotFault::Expression),
        }
    }

    /// Tables; `ocre aot` compiles none that is imported.
    fn table_list(&mut self) {
        let imported = self.cursor.u32();
        self.ensure(imported == 0, AotFault::Feature);
        self.tables = self.cursor.u32();
        self.repeat(self.tables, |reader| {
            let cursor = &mut reader.cursor;
            cursor.take(4); // type and flags
            let (least, most) = (cursor.u32(), cursor.u32());
            cursor.ensure(least <= most, AotFault::Limit);
        });
    }

    fn element_segment(&mut self) {
        let (mode, kind, table) = (self.cursor.u32(), self.cursor.u32(), self.cursor.u32());
        let kind = u8::try_from(kind).unwrap_or_default();
        let active = mode & NOT_ACTIVE == 0;
        self.ensure(!active || table < self.tables, AotFault::Index);
        self.offset(active);
        self.cursor.take(8); // a reference type of the garbage collection proposal
        let values = self.cursor.u32();
        self.repeat(values, |reader| {
            let value = reader.cursor.expression();
            reader.reference(kind, value);
        });
    }

    /// A value of a reference type: null or, of a function, one that must be there.
    fn reference(&mut self, kind: u8, (constant, value): (u32, u32)) {
        let function = constant == REF_FUNC && kind == FUNCREF;
        let null = value == NONE && (function || constant == REF_NULL);
        self.ensure(function || null, AotFault::Expression);
        if !null {
            self.functions_used = self.functions_used.max(value.saturating_add(1));
        }
    }

    fn global_lists(&mut self) {
        let imported = self.cursor.u32();
        self.repeat(imported, |reader| {
            reader.cursor.u16(); // type and mutability
            reader.cursor.string();
            reader.cursor.string();
        });
        self.ensure(self.globals_used <= imported, AotFault::Index);
        let own = self.cursor.u32();
        self.repeat(own, |reader| {
            let kind = reader.cursor.u8();
            reader.cursor.u8();
            let (constant, value) = reader.cursor.expression();
            // Opcodes of constants go up where the types of numbers go down.
            let number = I32_CONST.wrapping_add(I32.wrapping_sub(kind).into());
            if constant == GLOBAL_GET {
                reader.ensure(value < imported, AotFault::Index);
            } else if is_number(kind) {
                let computed = match kind {
                    I32 => I32_ADD..=I32_MUL,
                    I64 => I64_ADD..=I64_MUL,
                    _ => number..=number,
                };
                let fits = constant == number || computed.contains(&constant);
                reader.ensure(fits, AotFault::Expression);
            } else {
                reader.reference(kind, (constant, value));
            }
        });
    }

    fn function_lists(&mut self) {
        let imported = self.cursor.u32();
        self.repeat(imported, |reader| {
            reader.cursor.u16(); // type
            reader.cursor.string();
            reader.cursor.string();
        });
        let own = self.cursor.u32();
        let all = imported.saturating_add(own);
        self.functions = (imported, all);
        self.ensure(self.functions_used <= all, AotFault::Index);
    }

    /// Name and size of a section of data.
    fn data_section(&mut self) -> (&'f [u8], u32) {
        let name = self.cursor.string();
        (name, self.cursor.take_counted().len() as u32)
    }

    /// Bytes of the first section of data with a name.
    pub(super) fn data_section_bytes(&mut self, wanted: &[u8]) -> Option<u32> {
        let (at, count) = self.data_sections;
        self.elsewhere(at, |reader| {
            reader.cursor.end = reader.cursor.file.len();
            let mut found = None;
            reader.repeat(count, |reader| {
                let (name, bytes) = reader.data_section();
                if found.is_none() && name == wanted {
                    found = Some(bytes);
                }
            });
            found
        })
    }

    fn function_type(&mut self) {
        self.cursor.align(4);
        let _kind = self.cursor.u16();
        let (parameters, results) = (self.cursor.u16(), self.cursor.u16());
        let count = u32::from(parameters).wrapping_add(results.into());
        self.cursor.take(count as usize);
    }
}

const fn is_number(kind: u8) -> bool {
    matches!(kind, F64..=I32)
}
