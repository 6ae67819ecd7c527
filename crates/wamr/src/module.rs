// SPDX-License-Identifier: Apache-2.0
//! Loaded code.

use core::ffi::c_void;
use core::fmt::Write as _;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};
use core::slice;

use ocre::limits::{AOT, INTERPRETER};
use ocre::port::{External, IMPORTED_MEMORY, LoadError, StartError};
use ocre_module_reader::aot::{self, Machine};
use ocre_module_reader::wasm::{self, WasmFault, limits};
use ocre_wamr_sys as sys;

use crate::AlignedCode;
use crate::text::{self, WamrMessage};

/// Bytes that AOT code is aligned to; WAMR's loader aligns its reads by address.
const AOT_ALIGNMENT: usize = 8;

/// Machine that this engine runs code for.
const MACHINE: Machine = if cfg!(target_arch = "x86_64") {
    Machine::X86_64
} else if cfg!(target_arch = "x86") {
    Machine::I386
} else if cfg!(target_arch = "riscv32") {
    Machine::RISCV
} else {
    Machine::ARM
};

/// Most elements in all of a module's tables together. Their host memory counts in no limit of the
/// container.
const TABLE_ELEMENTS: u64 = limits::TABLE_ELEMENTS as u64;

/// Most parameters, and most results, shown in a signature.
const SHOWN_TYPES: usize = 16;

/// Loaded and validated code, without the bytes that it was loaded from.
pub struct Module {
    handle: NonNull<c_void>,
    /// Size of the host buffer behind the guest's memory, in bytes, and its address.
    room: Option<(u32, u32)>,
}

impl Module {
    /// Loads wasm or AOT code. The runtime is started.
    pub(crate) fn load(
        mut code: AlignedCode,
        explain: &mut dyn FnMut(&str),
    ) -> Result<Self, LoadError> {
        // Firmware without one kind of code has no reader of it either.
        if AOT && code.starts_with(aot::MAGIC) {
            check_aot(&code, explain)?;
        } else if INTERPRETER {
            check_wasm(&code, explain)?;
        } else {
            return Err(LoadError::Unsupported);
        }
        let Ok(bytes) = u32::try_from(code.len()) else {
            explain("the code is too large");
            return Err(LoadError::Unsupported);
        };
        let mut words = WamrMessage::new();
        let mut handle = ptr::null_mut();
        // SAFETY: the runtime has been started, says the caller. The code is this function's alone,
        // and the module does not point into it.
        let status = unsafe {
            sys::ocre_wamr_load(
                code.as_mut_ptr(),
                bytes,
                &mut handle,
                words.as_mut_ptr(),
                words.bytes(),
            )
        };
        match (status, NonNull::new(handle)) {
            (sys::OK, Some(handle)) => Ok(Self { handle, room: None }),
            (sys::NO_MEMORY, _) => Err(LoadError::OutOfMemory),
            _ => {
                explain(words.as_str());
                Err(text::load_error(words.as_str()))
            }
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.handle.as_ptr()
    }

    /// Calls `show` with each import: module, name and type.
    pub fn imports(&self, show: &mut dyn FnMut(&str, &str, External<'_>)) {
        self.each_import(|import| {
            // SAFETY: the module holds both names.
            let (module, name) = unsafe { (text::name(import.module), text::name(import.name)) };
            self.describe(import, |what| show(module, name, what));
        });
    }

    /// Calls `show` with each export: name and type.
    pub fn exports(&self, show: &mut dyn FnMut(&str, External<'_>)) {
        self.each_export(|export| {
            // SAFETY: the module holds the name.
            let name = unsafe { text::name(export.name) };
            self.describe(export, |what| show(name, what));
        });
    }

    /// Pages of 64 KiB in the initial memory of the module; 0 without memory.
    pub fn minimum_pages(&self) -> u32 {
        let pages = self.demand().memory_bytes.div_ceil(64 * 1024);
        u32::try_from(pages).unwrap_or(u32::MAX)
    }

    /// Checks that every import is a host function of that name and signature, or the memory.
    pub(crate) fn check_links(&self) -> Result<(), StartError> {
        let mut linked = true;
        self.each_import(|import| {
            linked &= match import.kind {
                sys::FUNCTION => import.linked != 0,
                // SAFETY: the module holds both names.
                sys::MEMORY => unsafe {
                    (text::name(import.module), text::name(import.name)) == IMPORTED_MEMORY
                },
                _ => false,
            }
        });
        if linked {
            Ok(())
        } else {
            Err(StartError::Link)
        }
    }

    /// Adds a host buffer of `bytes` behind the guest's memory, unless there is one. Returns its
    /// size in bytes and its address. It stays for the module's life.
    pub(crate) fn add_room(&mut self, bytes: u32) -> Option<(u32, u32)> {
        if self.room.is_none() {
            let mut address = 0;
            // SAFETY: the module is loaded, and no instance of it is there: they borrow it.
            let added = unsafe { sys::ocre_wamr_add_room(self.as_ptr(), bytes, &mut address) };
            self.room = (added != 0).then_some((bytes, address));
        }
        self.room
    }

    /// Most pages of linear memory within `memory_bytes`.
    pub(crate) fn fit_memory(&self, memory_bytes: u32) -> Result<u32, StartError> {
        let demand = self.demand();
        // Linear memory must fit a slice where pointers have 32 bits.
        let limit = u64::from(memory_bytes).min(isize::MAX as u64);
        if demand.memory_bytes > limit {
            return Err(StartError::MemoryLimit);
        }
        if demand.table_elements > TABLE_ELEMENTS {
            return Err(StartError::OutOfMemory);
        }
        let pages = limit.checked_div(u64::from(demand.page_bytes)).unwrap_or(0);
        Ok(u32::try_from(pages).unwrap_or(u32::MAX))
    }

    /// Finds an exported function without parameters that returns nothing or, if `with_result`, an
    /// i32.
    pub fn function(&self, wanted: &str, with_result: bool) -> Option<Function> {
        let mut found = None;
        self.each_export(|export| {
            // SAFETY: the module holds the name.
            let name = unsafe { text::name(export.name) };
            if name != wanted || export.function == u32::MAX || export.parameters != 0 {
                return;
            }
            self.describe(export, |what| {
                let returns = match what {
                    External::Function { signature: "()" } => false,
                    External::Function { signature: "()i" } if with_result => true,
                    _ => return,
                };
                found = Some(Function {
                    index: export.function,
                    returns,
                });
            });
        });
        found
    }

    fn demand(&self) -> sys::Demand {
        let mut demand = MaybeUninit::uninit();
        // SAFETY: the module is loaded; the call fills all of `demand`.
        unsafe {
            sys::ocre_wamr_demand(self.as_ptr(), demand.as_mut_ptr());
            demand.assume_init()
        }
    }

    fn each_import(&self, mut visit: impl FnMut(&sys::WamrExternal)) {
        // SAFETY: the module is loaded.
        for index in 0..unsafe { sys::ocre_wamr_imports(self.as_ptr()) } {
            let mut import = MaybeUninit::uninit();
            // SAFETY: as above, and the index is below the count; the call fills all of `import`.
            visit(unsafe {
                sys::ocre_wamr_import(self.as_ptr(), index, import.as_mut_ptr());
                import.assume_init_ref()
            });
        }
    }

    fn each_export(&self, mut visit: impl FnMut(&sys::WamrExternal)) {
        // SAFETY: the module is loaded.
        for index in 0..unsafe { sys::ocre_wamr_exports(self.as_ptr()) } {
            let mut export = MaybeUninit::uninit();
            // SAFETY: as above, and the index is below the count; the call fills all of `export`.
            visit(unsafe {
                sys::ocre_wamr_export(self.as_ptr(), index, export.as_mut_ptr());
                export.assume_init_ref()
            });
        }
    }

    fn describe(&self, external: &sys::WamrExternal, show: impl FnOnce(External<'_>)) {
        match external.kind {
            sys::FUNCTION => {
                let mut text = [0; 2 * SHOWN_TYPES + 2];
                // SAFETY: the module holds the types.
                let length = unsafe { signature(external, &mut text) };
                show(External::Function {
                    signature: str::from_utf8(&text[..length]).unwrap_or_default(),
                });
            }
            sys::MEMORY => show(External::Memory {
                minimum_pages: self.minimum_pages(),
            }),
            sys::TABLE => show(External::Table),
            _ => show(External::Global),
        }
    }
}

fn check_aot(code: &[u8], explain: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
    if !code.as_ptr().addr().is_multiple_of(AOT_ALIGNMENT) {
        explain("AOT code is not aligned to 8 bytes");
        return Err(LoadError::Invalid);
    }
    aot::check(code, &MACHINE).map_err(|error| {
        error.explain(explain);
        LoadError::Invalid
    })
}

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: loaded and not used after this; instances borrow the module, so none is left.
        unsafe { sys::ocre_wamr_unload(self.as_ptr()) };
    }
}

/// Checks the code with the reader of modules before WAMR loads it.
fn check_wasm(code: &[u8], explain: &mut dyn FnMut(&str)) -> Result<(), LoadError> {
    let words = wasm::scratch_words(code);
    let bytes = words.saturating_mul(size_of::<u32>());
    let mut memory = AlignedCode::allocate(bytes).ok_or(LoadError::OutOfMemory)?;
    // SAFETY: any bytes are a `u32`.
    let (_, scratch, _) = unsafe { memory.align_to_mut::<u32>() };
    wasm::check(code, scratch).map_err(|refusal| {
        // The listener takes any text.
        let _ = write!(text::TextWriter(explain), "{refusal}");
        match refusal.fault {
            WasmFault::Invalid(_) => LoadError::Invalid,
            WasmFault::Feature(_) => LoadError::Feature,
            WasmFault::Limit(..) => LoadError::Limit,
        }
    })
}

/// Exported function that can be an entry point.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub(crate) index: u32,
    /// True for a function that returns an i32.
    pub(crate) returns: bool,
}

/// Writes a function's type as [`signature`](ocre::port::host_functions::signature) does, and returns its
/// length.
///
/// # Safety
/// The types are null, or as many as are said, one byte each.
unsafe fn signature(function: &sys::WamrExternal, text: &mut [u8; 2 * SHOWN_TYPES + 2]) -> usize {
    let (parameters, results) = (function.parameters as usize, function.results as usize);
    let types = match function.types.is_null() {
        true => &[],
        // SAFETY: the caller's promise.
        false => unsafe { slice::from_raw_parts(function.types, parameters + results) },
    };
    let (parameters, results) = types.split_at(parameters.min(types.len()));
    let mut length = 0;
    for (before, types) in [(b'(', parameters), (b')', results)] {
        text[length] = before;
        length += 1;
        let cut = types.len() > SHOWN_TYPES;
        for (index, kind) in types.iter().take(SHOWN_TYPES).enumerate() {
            text[length] = match kind {
                _ if cut && index + 1 == SHOWN_TYPES => b'?',
                0x7f => b'i',
                0x7e => b'I',
                0x7d => b'f',
                0x7c => b'F',
                _ => b'?',
            };
            length += 1;
        }
    }
    length
}
