// SPDX-License-Identifier: Apache-2.0
//! Calls into `src/c/shim.c`; without LLVM, an error in their place.

#[cfg(not(have_llvm))]
pub(crate) fn compile(_: &[u8], _: &crate::CompileOptions) -> Result<Vec<u8>, crate::Error> {
    Err(crate::Error::NoLlvm)
}

#[cfg(have_llvm)]
pub(crate) use with_llvm::compile;

#[cfg(have_llvm)]
mod with_llvm {
    use std::ffi::{CStr, CString, c_char};
    use std::ptr;
    use std::sync::{Mutex, PoisonError};

    use crate::sys::{self, RawOptions};
    use crate::{CompileOptions, Error};

    /// The compiler keeps its last error and its options in statics.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    const MESSAGE_LEN: usize = 256;

    pub(crate) fn compile(wasm: &[u8], options: &CompileOptions) -> Result<Vec<u8>, Error> {
        let wasm_len = u32::try_from(wasm.len()).map_err(|_| Error::OutOfMemory)?;
        let text = |value: &str| {
            CString::new(value)
                .map_err(|_| Error::Unsupported(format!("{value:?} holds a NUL character")))
        };
        let target = options.target;
        let arch = text(target.arch())?;
        let abi = text(target.abi())?;
        let cpu = text(options.cpu())?;
        let features = text(target.features())?;
        let raw = RawOptions {
            arch: arch.as_ptr(),
            abi: abi.as_ptr(),
            cpu: cpu.as_ptr(),
            features: features.as_ptr(),
            opt_level: u32::from(options.opt_level.min(3)),
            code_model: 3,
            bounds_checks: u32::from(options.bounds_checks),
            stack_checks: u32::from(options.stack_checks),
            kill_checks: u32::from(options.kill_checks),
            kill_proof: u32::from(options.kill_proof),
        };
        let mut out = ptr::null_mut();
        let mut out_len = 0u32;
        let mut message: [c_char; MESSAGE_LEN] = [0; MESSAGE_LEN];

        let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: every pointer is valid for the call and for the length given
        // with it, the strings end in NUL, and the lock keeps it the only call.
        let status = unsafe {
            sys::ocre_aot_compile(
                wasm.as_ptr(),
                wasm_len,
                &raw,
                &mut out,
                &mut out_len,
                message.as_mut_ptr(),
                MESSAGE_LEN as u32,
            )
        };
        if status == sys::OK {
            // SAFETY: on success `out` holds `out_len` bytes until it is freed,
            // once, here.
            let file = unsafe {
                let file = std::slice::from_raw_parts(out, out_len as usize).to_vec();
                sys::ocre_aot_free(out);
                file
            };
            return Ok(file);
        }
        drop(guard);

        // SAFETY: the shim ends the message with NUL within its length.
        let message = unsafe { CStr::from_ptr(message.as_ptr()) }
            .to_string_lossy()
            .into_owned();
        Err(match status {
            sys::BAD_WASM => Error::BadWasm(message),
            sys::TARGET => Error::Unsupported(message),
            sys::CODEGEN => Error::Codegen(message),
            sys::UNPROVEN => Error::Uninterruptible(message),
            sys::IMPORT => Error::Import(message),
            _ => Error::OutOfMemory,
        })
    }
}
