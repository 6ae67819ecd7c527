// SPDX-License-Identifier: Apache-2.0
//! WebAssembly modules in the binary format.
//!
//! [`check`] walks a module from its first byte to its last. It accepts a module only if
//! every count is backed by bytes that are there, every index and constant expression is
//! valid, every function body has balanced blocks and operands, and the module stays within
//! [`limits`]. Types of operands are left to the engine's validator.
//!
//! A feature that the engine lacks is refused by the name that its proposal has. Tail calls
//! and extended constant expressions are accepted.
//!
//! ```
//! use ocre_module_reader::wasm;
//!
//! let module = b"\0asm\x01\0\0\0\x05\x03\x01\x02\x01"; // a shared memory without a maximum
//! let mut scratch = vec![0; wasm::scratch_words(module)];
//! let refusal = wasm::check(module, &mut scratch).unwrap_err();
//! assert_eq!(refusal.fault, wasm::WasmFault::Feature("threads"));
//! assert_eq!(refusal.to_string(), "threads, at byte 11");
//! ```

mod body;
mod bytes;
mod constant;
mod features;
mod form;
pub mod limits;
mod problem;
mod sections;

use core::fmt;

use body::Body;
use problem::Problem;
pub use sections::scratch_words;

/// First eight bytes of a module.
pub const PREAMBLE: &[u8; 8] = b"\0asm\x01\0\0\0";

/// Reason of a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WasmFault {
    /// The bytes are no module by the specification; names the part that is wrong.
    Invalid(&'static str),
    /// The module uses a feature that the engine lacks; names the proposal.
    Feature(&'static str),
    /// The module exceeds a limit of the engine: more of this than that many.
    Limit(&'static str, u32),
}

impl WasmFault {
    /// The stable code of a verdict.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid(_) => "wasm-invalid",
            Self::Feature(_) => "wasm-feature",
            Self::Limit(..) => "wasm-limit",
        }
    }
}

/// A refused module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModuleRefusal {
    /// Reason of the refusal.
    pub fault: WasmFault,
    /// Offset in the file of the item that is refused.
    pub offset: usize,
}

impl fmt::Display for ModuleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault {
            WasmFault::Invalid(part) => write!(f, "invalid {part}")?,
            WasmFault::Feature(name) => f.write_str(name)?,
            WasmFault::Limit(name, most) => write!(f, "more than {most} {name}")?,
        }
        write!(f, ", at byte {}", self.offset)
    }
}

/// Checks a module. `scratch` holds at least [`scratch_words`] words; a module that needs more
/// than there are is refused.
///
/// Time grows linearly with the length of the module. Nothing is allocated.
///
/// # Errors
/// The first fault in the order of the file, except that a missing or a superfluous function
/// body, data segment or count is found at the end.
pub fn check(module: &[u8], scratch: &mut [u32]) -> Result<(), ModuleRefusal> {
    let length = u32::try_from(module.len()).unwrap_or(u32::MAX);
    let mut walk = ModuleWalk::new(module, scratch);
    walk.locals = limits::module_values(length);
    walk.values = limits::module_values(length);
    walk.work = limits::loader_steps(length);
    walk.module();
    walk.problem.map_or(Ok(()), |(problem, offset)| {
        Err(ModuleRefusal {
            fault: problem.fault(length),
            offset,
        })
    })
}

/// Numbers of items in each index space, imports included.
#[derive(Clone, Copy, Default)]
struct Counts {
    types: u32,
    functions: u32,
    imported_functions: u32,
    tables: u32,
    memories: u32,
    globals: u32,
    imported_globals: u32,
    /// Elements and exports, which may refer to functions.
    references: u32,
    bodies: u32,
    data: u32,
    announced_data: Option<u32>,
    table_elements: u32,
}

/// A walk through a module: position, budgets, and the declarations so far.
///
/// A problem is kept, not returned: the first one counts, no byte is left after it, and loops
/// end by [`ModuleWalk::more`]. This takes less code than a result of each read.
///
/// The scratch memory holds, from its start, a word per type (parameters << 16 | results), a
/// word per function (index of its type) and the open blocks of the current body; from its
/// end backwards a word per imported global (type and mutability).
struct ModuleWalk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// End of the section or body that is read.
    end: usize,
    /// Start of the item that is read, for the refusal.
    mark: usize,
    /// The first problem, and the start of the item that has it.
    problem: Option<(Problem, usize)>,
    scratch: &'a mut [u32],
    count: Counts,
    /// Locals, values and steps that the rest of the module may use up.
    locals: u32,
    values: u32,
    work: u32,
    body: Body,
}

impl<'a> ModuleWalk<'a> {
    fn new(bytes: &'a [u8], scratch: &'a mut [u32]) -> Self {
        Self {
            bytes,
            at: 0,
            end: bytes.len(),
            mark: 0,
            problem: None,
            scratch,
            count: Counts::default(),
            locals: 0,
            values: 0,
            work: 0,
            body: Body::default(),
        }
    }

    #[inline(never)]
    fn fail(&mut self, problem: Problem) {
        self.problem.get_or_insert((problem, self.mark));
        self.end = 0;
    }

    /// Fails with `problem` unless `holds`.
    fn ensure(&mut self, holds: bool, problem: Problem) {
        if !holds {
            self.fail(problem);
        }
    }

    /// Counts an item that is still to be read; false after the last one and after a problem.
    fn more(&self, left: &mut u32) -> bool {
        let more = *left != 0 && self.problem.is_none();
        *left = left.wrapping_sub(1);
        more
    }

    /// Charges steps of the engine's loader that its own input does not bound.
    fn work(&mut self, steps: u32) {
        self.ensure(steps <= self.work, Problem::Work);
        self.work = self.work.wrapping_sub(steps);
    }

    /// Charges values that the loader writes out one by one.
    fn values(&mut self, count: u32) {
        self.ensure(count <= self.values, Problem::Values);
        self.values = self.values.wrapping_sub(count);
    }

    /// An index below `count`.
    fn index(&mut self, count: u32) -> u32 {
        let index = self.number();
        self.ensure(index < count, Problem::Index);
        index
    }

    fn word(&mut self, index: u32) -> u32 {
        let word = self.scratch.get(index as usize).copied();
        self.ensure(word.is_some(), Problem::Index);
        word.unwrap_or_default()
    }

    fn set_word(&mut self, index: u32, word: u32) {
        match self.scratch.get_mut(index as usize) {
            Some(place) => *place = word,
            None => self.fail(Problem::Nesting),
        }
    }

    /// Place of an imported global's word in the scratch memory.
    fn global_word(&self, index: u32) -> u32 {
        let last = u32::try_from(self.scratch.len())
            .unwrap_or(u32::MAX)
            .wrapping_sub(1);
        last.wrapping_sub(index)
    }
}
