// SPDX-License-Identifier: Apache-2.0
//! Makes the table of host functions known to WAMR, which keeps its own, one array per import
//! module, for the life of the process; their names stay where they are.

use core::ptr::NonNull;

use ocre::port::HostModule;
use ocre_wamr_sys as sys;

use crate::EngineError;

/// Most parameters of a host function: as many as WAMR passes without allocating.
const PARAMETERS: usize = 16;

/// Registers every function under its index in the table. The runtime has been started, and no
/// module loaded yet.
pub(crate) fn register(modules: &'static [HostModule]) -> Result<(), EngineError> {
    let mut index = 0;
    for module in modules {
        index = register_module(module, index)?;
    }
    Ok(())
}

/// Registers the functions of one module, the first under `index`; gives the next index.
fn register_module(module: &'static HostModule, mut index: u32) -> Result<u32, EngineError> {
    let count = u32::try_from(module.functions.len()).map_err(|_| EngineError::HostFunctions)?;
    let bytes = size_of::<sys::Native>() as u32 * count;
    // SAFETY: the runtime has been started.
    let memory = NonNull::new(unsafe { sys::ocre_wamr_allocate(bytes) });
    let natives = memory
        .ok_or(EngineError::OutOfMemory)?
        .cast::<sys::Native>();
    let mut fit = true;
    for (position, function) in module.functions.iter().enumerate() {
        let (parameters, results) = function.types();
        fit &= parameters.len() <= PARAMETERS && results.len() <= 1;
        let native = sys::Native {
            name: function.name.as_ptr(),
            signature: function.signature.as_ptr(),
            index,
            parameters: parameters.len() as u32,
        };
        // SAFETY: `position` is below `count`, for which the memory was got; it is aligned for
        // any type.
        unsafe { natives.add(position).write(native) };
        index += 1;
    }
    let status = match fit {
        // SAFETY: the natives are complete, and all their texts are there for ever.
        true => unsafe { sys::ocre_wamr_register(module.name.as_ptr(), natives.as_ptr(), count) },
        false => sys::REFUSED,
    };
    // SAFETY: got above, and WAMR has copied what it needs.
    unsafe { sys::ocre_wamr_free(natives.as_ptr().cast()) };
    match status {
        sys::OK => Ok(index),
        sys::NO_MEMORY => Err(EngineError::OutOfMemory),
        _ => Err(EngineError::HostFunctions),
    }
}
