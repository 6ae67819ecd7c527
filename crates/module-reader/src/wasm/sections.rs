// SPDX-License-Identifier: Apache-2.0
//! Sections of a module, from the preamble to the last one.

use super::bytes::{FUNCREF, I32};
use super::{ModuleWalk, PREAMBLE, Problem, features, limits};

const CUSTOM: u32 = 0;
const TYPE: u32 = 1;
const IMPORT: u32 = 2;
const FUNCTION: u32 = 3;
const START: u32 = 8;
const CODE: u32 = 10;
const DATA: u32 = 11;
const DATA_COUNT: u32 = 12;
const TAG: u32 = 13;

/// Kind of an imported or exported tag.
const TAG_KIND: u32 = 4;

/// Bit beside the type of a mutable global.
pub const MUTABLE: u32 = 1 << 8;

/// Most pages of 64 KiB that a memory has.
const PAGES: u32 = 65_536;

/// Words of scratch memory that [`check`](super::check) needs for a module: fewer than the
/// module has bytes, and [`limits::NESTING`] more.
pub fn scratch_words(module: &[u8]) -> usize {
    let mut walk = ModuleWalk::new(module, &mut []);
    walk.at = PREAMBLE.len();
    let blocks = (module.len() / 2).min(limits::NESTING as usize);
    let mut words = blocks.saturating_add(2);
    while walk.problem.is_none() {
        words = words.saturating_add(walk.listed() as usize);
    }
    words
}

impl ModuleWalk<'_> {
    /// Number of words that the section here needs; moves to the next one.
    fn listed(&mut self) -> u32 {
        self.end = self.bytes.len();
        let id = self.byte();
        let size = self.items();
        let end = self.at.wrapping_add(size as usize);
        self.end = end;
        let count = match id {
            TYPE..=FUNCTION => self.items(),
            _ => 0,
        };
        self.at = end;
        if self.problem.is_none() { count } else { 0 }
    }

    pub fn module(&mut self) {
        self.preamble();
        let mut last = 0;
        while self.problem.is_none() && self.at < self.bytes.len() {
            self.end = self.bytes.len();
            self.mark = self.at;
            let id = self.byte();
            let size = self.items();
            let end = self.at.wrapping_add(size as usize);
            if id != CUSTOM {
                let rank = self.rank(id);
                self.ensure(rank > last, Problem::Section);
                last = rank;
            }
            if self.problem.is_none() {
                self.end = end;
            }
            self.section(id);
            self.ensure(self.at == end, Problem::Size);
        }
        self.mark = self.at;
        self.complete();
    }

    fn preamble(&mut self) {
        match self.bytes.split_first_chunk::<8>() {
            Some((PREAMBLE, _)) => self.skip(PREAMBLE.len()),
            Some((&[0, b'a', b's', b'm', _, _, 1, 0], _)) => self.fail(Problem::Components),
            _ => self.fail(Problem::Preamble),
        }
    }

    /// Place of a section in the prescribed order.
    fn rank(&mut self, id: u32) -> u32 {
        match id {
            // Between the elements and the code.
            DATA_COUNT => return 2 * CODE - 1,
            TYPE..=DATA => {}
            TAG => self.fail(Problem::Exceptions),
            _ => self.fail(Problem::Section),
        }
        id.wrapping_mul(2)
    }

    fn section(&mut self, id: u32) {
        match id {
            CUSTOM => {
                self.name();
                self.skip(self.left());
            }
            START => {
                self.number();
            }
            DATA_COUNT => self.count.announced_data = Some(self.number()),
            _ => self.list(id),
        }
    }

    fn list(&mut self, id: u32) {
        let count = self.items();
        match id {
            TYPE => self.ensure(count <= limits::TYPES, Problem::Types),
            CODE => self.ensure(count == self.defined(), Problem::Bodies),
            _ => {}
        }
        let mut left = count;
        while self.more(&mut left) {
            self.mark = self.at;
            match id {
                TYPE => self.function_type(),
                IMPORT => self.import(),
                FUNCTION => self.function(),
                4 => self.table(),
                5 => self.memory(),
                6 => self.global(),
                7 => self.export(),
                9 => self.elements(),
                CODE => self.body(),
                _ => self.data(),
            }
        }
    }

    /// Functions that have a body in the module.
    fn defined(&self) -> u32 {
        let imported = self.count.imported_functions;
        self.count.functions.wrapping_sub(imported)
    }

    fn complete(&mut self) {
        self.ensure(self.count.bodies == self.defined(), Problem::Bodies);
        let announced = self.count.announced_data.unwrap_or(self.count.data);
        self.ensure(announced == self.count.data, Problem::Count);
    }

    fn function_type(&mut self) {
        let form = self.byte();
        if form != 0x60 {
            self.fail(features::of_type(form));
        }
        let parameters = self.value_types();
        let results = self.value_types();
        // The loader looks for an equal type among those before.
        let index = self.count.types;
        self.work(index);
        self.count.types = index.wrapping_add(1);
        self.set_word(index, parameters << 16 | results);
    }

    fn value_types(&mut self) -> u32 {
        let count = self.items();
        self.ensure(count <= limits::TYPE_VALUES, Problem::TypeValues);
        let mut left = count;
        while self.more(&mut left) {
            self.value_type();
        }
        count
    }

    fn import(&mut self) {
        self.name();
        self.name();
        match self.byte() {
            0 => {
                self.function();
                self.count.imported_functions = self.count.functions;
            }
            1 => self.table(),
            2 => self.memory(),
            3 => {
                let global = self.global_type();
                let place = self.global_word(self.count.imported_globals);
                self.count.imported_globals = self.count.globals;
                self.set_word(place, global);
            }
            TAG_KIND => self.fail(Problem::Exceptions),
            _ => self.fail(Problem::Import),
        }
    }

    fn function(&mut self) {
        let index = self.index(self.count.types);
        let place = self.function_word(self.count.functions);
        self.count.functions = self.count.functions.wrapping_add(1);
        self.set_word(place, index);
    }

    fn table(&mut self) {
        if self.peek() == 0x40 {
            self.fail(Problem::References);
        }
        self.reference_type();
        let minimum = self.limits(u32::MAX);
        self.count.tables = self.count.tables.wrapping_add(1);
        self.ensure(self.count.tables <= limits::TABLES, Problem::Tables);
        self.count.table_elements = self.count.table_elements.saturating_add(minimum);
        let few = self.count.table_elements <= limits::TABLE_ELEMENTS;
        self.ensure(few, Problem::TableElements);
    }

    fn memory(&mut self) {
        self.limits(PAGES);
        self.count.memories = self.count.memories.wrapping_add(1);
        self.ensure(self.count.memories <= 1, Problem::Memories);
    }

    /// Limits of a memory or a table; the minimum.
    fn limits(&mut self, most: u32) -> u32 {
        let flags = self.flag();
        let minimum = self.number();
        let maximum = if flags == 1 { self.number() } else { most };
        self.ensure(minimum <= maximum && maximum <= most, Problem::Limits);
        minimum
    }

    /// A byte that is 0 or 1 unless there are flags of limits that the engine lacks.
    fn flag(&mut self) -> u32 {
        let flag = self.byte();
        if flag > 1 {
            self.fail(features::of_limits(flag));
        }
        flag
    }

    fn global(&mut self) {
        let global = self.global_type();
        self.constant(global & !MUTABLE);
    }

    /// Type of the value of a global, with [`MUTABLE`] where it is.
    fn global_type(&mut self) -> u32 {
        let operand = self.value_type();
        let mutable = self.flag();
        self.count.globals = self.count.globals.wrapping_add(1);
        operand | mutable.wrapping_mul(MUTABLE)
    }

    fn export(&mut self) {
        self.name();
        if self.byte() == TAG_KIND {
            self.fail(Problem::Exceptions);
        }
        self.count.references = self.count.references.saturating_add(1);
        self.number();
    }

    fn elements(&mut self) {
        let flags = self.number();
        self.ensure(flags <= 7, Problem::Segment);
        let expressions = flags & 4 != 0;
        if flags & 1 == 0 {
            if flags & 2 != 0 {
                self.number();
            }
            self.constant(I32);
        }
        let mut kind = FUNCREF;
        if flags & 3 != 0 {
            if expressions {
                kind = self.reference_type();
            } else if self.byte() != 0 {
                self.fail(Problem::Segment);
            }
        }
        let mut left = self.items();
        self.count.references = self.count.references.saturating_add(left);
        while self.more(&mut left) {
            self.mark = self.at;
            if expressions {
                self.constant(kind);
            } else {
                self.number();
            }
        }
    }

    fn data(&mut self) {
        let flags = self.number();
        self.ensure(flags <= 2, Problem::Segment);
        if flags == 2 {
            self.memory_index();
        }
        if flags != 1 {
            self.constant(I32);
        }
        self.count.data = self.count.data.wrapping_add(1);
        let length = self.number();
        self.skip(length as usize);
    }

    /// Index of a memory, of which there is one.
    pub fn memory_index(&mut self) {
        let index = self.number();
        self.ensure(index == 0, Problem::Memories);
    }

    pub fn function_word(&self, index: u32) -> u32 {
        self.count.types.wrapping_add(index)
    }
}
