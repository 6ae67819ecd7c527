// SPDX-License-Identifier: Apache-2.0
//! Text from WAMR: names and messages of errors.

use core::ffi::{CStr, c_char};
use core::fmt;

use ocre::port::{LoadError, StartError, Trap};
use ocre_wamr_sys as sys;

/// Placeholder for a name that is not UTF-8; a guest's names always are.
const NOT_UTF8: &str = "\u{fffd}";

/// Buffer for a message from WAMR.
pub(crate) struct WamrMessage([c_char; sys::TEXT_BYTES]);

impl WamrMessage {
    pub(crate) const fn new() -> Self {
        Self([0; sys::TEXT_BYTES])
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut c_char {
        self.0.as_mut_ptr()
    }

    pub(crate) const fn bytes(&self) -> u32 {
        sys::TEXT_BYTES as u32
    }

    /// Message, without the prefix that WAMR puts before every load error.
    pub(crate) fn as_str(&self) -> &str {
        // SAFETY: the array is initialised, and of `c_char`, which has `u8`'s layout.
        let bytes = unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len()) };
        let text = CStr::from_bytes_until_nul(bytes).map_or(NOT_UTF8, str_of);
        [
            "WASM module load failed: ",
            "AOT module load failed: ",
            "WASM module instantiate failed: ",
        ]
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text)
    }
}

/// Writer that passes formatted text to the callback of a load.
pub(crate) struct TextWriter<'a>(pub(crate) &'a mut dyn FnMut(&str));

impl fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text);
        Ok(())
    }
}

fn str_of(text: &CStr) -> &str {
    text.to_str().unwrap_or(NOT_UTF8)
}

/// Name held by WAMR.
///
/// # Safety
/// `text` is null or points to bytes that end with NUL and stay as they are for `'a`.
pub(crate) unsafe fn name<'a>(text: *const c_char) -> &'a str {
    if text.is_null() {
        return "";
    }
    // SAFETY: not null, and the rest is the caller's promise.
    str_of(unsafe { CStr::from_ptr(text) })
}

/// True where `text` contains `words`. `str::contains` would link a search that is made for longer
/// texts.
fn has(text: &str, words: &str) -> bool {
    let mut places = text.as_bytes().windows(words.len());
    places.any(|place| place == words.as_bytes())
}

/// Load error for WAMR's message.
pub(crate) fn load_error(text: &str) -> LoadError {
    if has(text, "allocate memory failed") || has(text, "mmap memory failed") {
        LoadError::OutOfMemory
    } else if has(text, "unsupported opcode") {
        LoadError::Unsupported
    } else {
        LoadError::Invalid
    }
}

/// Start error for WAMR's message.
pub(crate) fn start_error(text: &str) -> StartError {
    if has(text, "allocate") && has(text, "failed") {
        StartError::OutOfMemory
    } else {
        StartError::Instantiate
    }
}

/// Trap for WAMR's exception message.
pub(crate) fn trap(text: &str) -> Trap {
    match text {
        "unreachable" => Trap::Unreachable,
        "out of bounds memory access" => Trap::MemoryOutOfBounds,
        "out of bounds table access" | "undefined element" | "uninitialized element" => {
            Trap::TableOutOfBounds
        }
        "indirect call type mismatch" => Trap::IndirectCallType,
        "integer divide by zero" => Trap::DivideByZero,
        "integer overflow" => Trap::IntegerOverflow,
        "invalid conversion to integer" => Trap::InvalidConversion,
        "native stack overflow"
        | "wasm operand stack overflow"
        | "wasm auxiliary stack overflow"
        | "wasm auxiliary stack underflow" => Trap::StackOverflow,
        "allocate memory failed" => Trap::OutOfMemory,
        "instruction limit exceeded" => Trap::InstructionLimit,
        _ => Trap::Other,
    }
}
