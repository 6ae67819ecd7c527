// SPDX-License-Identifier: Apache-2.0
//! Sections of a module, from the preamble to the last one.

use super::bytes::{FUNCREF, I32};
use super::{PREAMBLE, Problem, Step, Walk, features, limits};

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
    let mut walk = Walk::new(module, &mut []);
    walk.at = PREAMBLE.len();
    let blocks = (module.len() / 2).min(limits::NESTING as usize);
    let mut words = blocks.saturating_add(2);
    while let Ok(count) = walk.listed() {
        words = words.saturating_add(count as usize);
    }
    words
}

impl Walk<'_> {
    /// Number of words that the section here needs; moves to the next one.
    fn listed(&mut self) -> Step<u32> {
        self.end = self.bytes.len();
        let id = self.byte()?;
        let size = self.items()?;
        let end = self.at.wrapping_add(size as usize);
        self.end = end;
        let count = match id {
            TYPE..=FUNCTION => self.items()?,
            _ => 0,
        };
        self.at = end;
        Ok(count)
    }

    pub fn module(&mut self) -> Step<()> {
        self.preamble()?;
        let mut last = 0;
        while self.at < self.bytes.len() {
            self.end = self.bytes.len();
            self.mark = self.at;
            let id = self.byte()?;
            let size = self.items()?;
            let end = self.at.wrapping_add(size as usize);
            if id != CUSTOM {
                let rank = self.rank(id)?;
                if rank <= last {
                    return Err(Problem::Section);
                }
                last = rank;
            }
            self.end = end;
            self.section(id)?;
            if self.at != end {
                return Err(Problem::Size);
            }
        }
        self.mark = self.at;
        self.complete()
    }

    fn preamble(&mut self) -> Step<()> {
        match self.bytes.split_first_chunk::<8>() {
            Some((PREAMBLE, _)) => self.skip(PREAMBLE.len()),
            Some((&[0, b'a', b's', b'm', _, _, 1, 0], _)) => Err(Problem::Components),
            _ => Err(Problem::Preamble),
        }
    }

    /// Place of a section in the prescribed order.
    fn rank(&mut self, id: u32) -> Step<u32> {
        match id {
            // Between the elements and the code.
            DATA_COUNT => Ok(2 * CODE - 1),
            TYPE..=DATA => Ok(id.wrapping_mul(2)),
            TAG => Err(Problem::Exceptions),
            _ => Err(Problem::Section),
        }
    }

    fn section(&mut self, id: u32) -> Step<()> {
        match id {
            CUSTOM => {
                self.name()?;
                self.skip(self.left())
            }
            START => self.number().map(|_| ()),
            DATA_COUNT => {
                self.count.announced_data = Some(self.number()?);
                Ok(())
            }
            _ => self.list(id),
        }
    }

    fn list(&mut self, id: u32) -> Step<()> {
        let count = self.items()?;
        match id {
            TYPE if count > limits::TYPES => {
                return Err(Problem::Types);
            }
            CODE if count != self.defined() => return Err(Problem::Bodies),
            _ => {}
        }
        for index in 0..count {
            self.mark = self.at;
            match id {
                TYPE => self.function_type(index),
                IMPORT => self.import(),
                FUNCTION => self.function(),
                4 => self.table(),
                5 => self.memory(),
                6 => self.global(),
                7 => self.export(),
                9 => self.elements(),
                CODE => self.body(index),
                _ => self.data(),
            }?;
        }
        Ok(())
    }

    /// Functions that have a body in the module.
    fn defined(&self) -> u32 {
        let imported = self.count.imported_functions;
        self.count.functions.wrapping_sub(imported)
    }

    fn complete(&mut self) -> Step<()> {
        if self.count.bodies != self.defined() {
            return Err(Problem::Bodies);
        }
        match self.count.announced_data {
            Some(count) if count != self.count.data => Err(Problem::Count),
            _ => Ok(()),
        }
    }

    fn function_type(&mut self, index: u32) -> Step<()> {
        match self.byte()? {
            0x60 => {}
            form => return Err(features::of_type(form)),
        }
        let parameters = self.value_types()?;
        let results = self.value_types()?;
        // The loader looks for an equal type among those before.
        self.work(index)?;
        self.count.types = index.wrapping_add(1);
        self.set_word(index, parameters << 16 | results)
    }

    fn value_types(&mut self) -> Step<u32> {
        let count = self.items()?;
        if count > limits::TYPE_VALUES {
            return Err(Problem::TypeValues);
        }
        for _ in 0..count {
            self.value_type()?;
        }
        Ok(count)
    }

    fn import(&mut self) -> Step<()> {
        self.name()?;
        self.name()?;
        match self.byte()? {
            0 => {
                self.function()?;
                self.count.imported_functions = self.count.functions;
                Ok(())
            }
            1 => self.table(),
            2 => self.memory(),
            3 => {
                let global = self.global_type()?;
                let place = self.global_word(self.count.imported_globals);
                self.count.imported_globals = self.count.globals;
                self.set_word(place, global)
            }
            TAG_KIND => Err(Problem::Exceptions),
            _ => Err(Problem::Import),
        }
    }

    fn function(&mut self) -> Step<()> {
        let index = self.index(self.count.types)?;
        let place = self.function_word(self.count.functions);
        self.count.functions = self.count.functions.wrapping_add(1);
        self.set_word(place, index)
    }

    fn table(&mut self) -> Step<()> {
        if self.peek()? == 0x40 {
            return Err(Problem::References);
        }
        self.reference_type()?;
        let minimum = self.limits(u32::MAX)?;
        self.count.tables = self.count.tables.wrapping_add(1);
        if self.count.tables > limits::TABLES {
            return Err(Problem::Tables);
        }
        self.count.table_elements = self.count.table_elements.saturating_add(minimum);
        if self.count.table_elements > limits::TABLE_ELEMENTS {
            return Err(Problem::TableElements);
        }
        Ok(())
    }

    fn memory(&mut self) -> Step<()> {
        self.limits(PAGES)?;
        self.count.memories = self.count.memories.wrapping_add(1);
        if self.count.memories > 1 {
            return Err(Problem::Memories);
        }
        Ok(())
    }

    /// Limits of a memory or a table; the minimum.
    fn limits(&mut self, most: u32) -> Step<u32> {
        let flags = self.byte()?;
        if flags > 1 {
            return Err(features::of_limits(flags));
        }
        let minimum = self.number()?;
        let maximum = if flags == 1 { self.number()? } else { most };
        if minimum > maximum || maximum > most {
            return Err(Problem::Limits);
        }
        Ok(minimum)
    }

    fn global(&mut self) -> Step<()> {
        let global = self.global_type()?;
        self.constant(global & !MUTABLE)
    }

    /// Type of the value of a global, with [`MUTABLE`] where it is.
    fn global_type(&mut self) -> Step<u32> {
        let operand = self.value_type()?;
        let mutable = self.byte()?;
        if mutable > 1 {
            return Err(features::of_limits(mutable));
        }
        self.count.globals = self.count.globals.wrapping_add(1);
        Ok(operand | mutable.wrapping_mul(MUTABLE))
    }

    fn export(&mut self) -> Step<()> {
        self.name()?;
        if self.byte()? == TAG_KIND {
            return Err(Problem::Exceptions);
        }
        self.count.references = self.count.references.saturating_add(1);
        self.number().map(|_| ())
    }

    fn elements(&mut self) -> Step<()> {
        let flags = self.number()?;
        if flags > 7 {
            return Err(Problem::Segment);
        }
        let expressions = flags & 4 != 0;
        if flags & 1 == 0 {
            if flags & 2 != 0 {
                self.number()?;
            }
            self.constant(I32)?;
        }
        let kind = match flags & 3 {
            0 => FUNCREF,
            _ if expressions => self.reference_type()?,
            _ if self.byte()? == 0 => FUNCREF,
            _ => return Err(Problem::Segment),
        };
        let count = self.items()?;
        self.count.references = self.count.references.saturating_add(count);
        for _ in 0..count {
            self.mark = self.at;
            if expressions {
                self.constant(kind)?;
            } else {
                self.number()?;
            }
        }
        Ok(())
    }

    fn data(&mut self) -> Step<()> {
        let flags = self.number()?;
        if flags > 2 {
            return Err(Problem::Segment);
        }
        if flags == 2 {
            self.memory_index()?;
        }
        if flags != 1 {
            self.constant(I32)?;
        }
        self.count.data = self.count.data.wrapping_add(1);
        let length = self.number()?;
        self.skip(length as usize)
    }

    /// Index of a memory, of which there is one.
    pub fn memory_index(&mut self) -> Step<()> {
        match self.number()? {
            0 => Ok(()),
            _ => Err(Problem::Memories),
        }
    }

    pub fn function_word(&self, index: u32) -> u32 {
        self.count.types.wrapping_add(index)
    }
}
