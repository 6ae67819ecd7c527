// SPDX-License-Identifier: Apache-2.0
//! Makes the table of host functions known to WAMR.
//!
//! WAMR wants C strings, and one array per import module; all of it stays for the life of the
//! process, in WAMR's own heap.

use core::ffi::c_char;
use core::ptr::NonNull;
use core::slice;

use ocre::port::{HostFunction, ValueType};
use ocre_wamr_sys as sys;

use crate::engine::EngineError;

/// Most parameters of a host function: as many as WAMR passes without allocating.
const PARAMETERS: usize = 16;

/// Registers every function under its index in the table. The runtime has been started, and no
/// module loaded yet.
pub(crate) fn register(functions: &'static [HostFunction]) -> Result<(), EngineError> {
    let mut index = 0;
    for group in functions.chunk_by(|a, b| a.module == b.module) {
        index = register_group(group, index)?;
    }
    Ok(())
}

/// Registers functions of one import module, the first under `index`; gives the next index.
fn register_group(group: &[HostFunction], mut index: u32) -> Result<u32, EngineError> {
    let Some(first) = group.first() else {
        return Ok(index);
    };
    let count = u32::try_from(group.len()).map_err(|_| EngineError::HostFunctions)?;
    let module = text(&[first.module])?;
    let natives = allocate(size_of::<sys::Native>() as u32 * count)?.cast::<sys::Native>();
    for (position, function) in group.iter().enumerate() {
        let native = sys::Native {
            name: text(&[function.name])?,
            signature: signature(function)?,
            index,
            parameters: function.params.len() as u32,
        };
        // SAFETY: `position` is below `count`, for which the memory was got; it is aligned for
        // any type.
        unsafe { natives.add(position).write(native) };
        index += 1;
    }
    // SAFETY: module and natives are complete and never freed.
    match unsafe { sys::ocre_wamr_register(module, natives.as_ptr(), count) } {
        sys::OK => Ok(index),
        sys::NO_MEMORY => Err(EngineError::OutOfMemory),
        _ => Err(EngineError::HostFunctions),
    }
}

/// The signature as WAMR writes it: `(iI)i`.
fn signature(function: &HostFunction) -> Result<*const c_char, EngineError> {
    let letters = |types: &[ValueType], letters: &mut [u8]| {
        if types.len() > letters.len() {
            return Err(EngineError::HostFunctions);
        }
        for (letter, value) in letters.iter_mut().zip(types) {
            *letter = match value {
                ValueType::I32 => b'i',
                ValueType::I64 => b'I',
                ValueType::F32 => b'f',
                ValueType::F64 => b'F',
                ValueType::Other => return Err(EngineError::HostFunctions),
            };
        }
        Ok(types.len())
    };
    let (mut parameters, mut result) = ([0; PARAMETERS], [0; 1]);
    let parameter_count = letters(function.params, &mut parameters)?;
    let result_count = letters(function.results, &mut result)?;
    let as_str = |letters| str::from_utf8(letters).map_err(|_| EngineError::HostFunctions);
    text(&[
        "(",
        as_str(&parameters[..parameter_count])?,
        ")",
        as_str(&result[..result_count])?,
    ])
}

/// A C string of the parts together, kept for ever.
fn text(parts: &[&str]) -> Result<*const c_char, EngineError> {
    if parts.iter().any(|part| part.contains('\0')) {
        return Err(EngineError::HostFunctions);
    }
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let bytes = u32::try_from(length + 1).map_err(|_| EngineError::HostFunctions)?;
    let memory = allocate(bytes)?;
    // SAFETY: that many zeroed bytes were got, and nobody else has them.
    let mut room = unsafe { slice::from_raw_parts_mut(memory.as_ptr(), length) };
    for part in parts {
        let (here, rest) = room.split_at_mut(part.len());
        here.copy_from_slice(part.as_bytes());
        room = rest;
    }
    Ok(memory.as_ptr().cast_const().cast())
}

fn allocate(bytes: u32) -> Result<NonNull<u8>, EngineError> {
    // SAFETY: the runtime has been started.
    let memory = unsafe { sys::ocre_wamr_allocate(bytes) };
    NonNull::new(memory.cast()).ok_or(EngineError::OutOfMemory)
}
