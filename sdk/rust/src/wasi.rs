// SPDX-License-Identifier: Apache-2.0
//! Functions of WASI that a guest without the standard library needs.

use crate::{Error, Result};

/// Piece of memory that is written.
#[repr(C)]
struct Piece {
    text: *const u8,
    bytes: usize,
}

#[cfg(target_family = "wasm")]
#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn fd_write(file: u32, pieces: *const Piece, count: usize, written: *mut usize) -> u16;
    fn args_sizes_get(count: *mut usize, bytes: *mut usize) -> u16;
    fn args_get(words: *mut *mut u8, text: *mut u8) -> u16;
}

/// Outside of WebAssembly there is no runtime.
#[cfg(not(target_family = "wasm"))]
mod outside {
    const ENOSYS: u16 = 52;

    pub unsafe fn fd_write(_: u32, _: *const super::Piece, _: usize, _: *mut usize) -> u16 {
        ENOSYS
    }

    pub unsafe fn args_sizes_get(_: *mut usize, _: *mut usize) -> u16 {
        ENOSYS
    }

    pub unsafe fn args_get(_: *mut *mut u8, _: *mut u8) -> u16 {
        ENOSYS
    }
}

#[cfg(not(target_family = "wasm"))]
use outside::{args_get, args_sizes_get, fd_write};

/// Most arguments that are read.
const MAX_ARGUMENTS: usize = 32;

/// Converts WASI's errno, whose numbers are others than Linux's.
fn done(errno: u16) -> Result<()> {
    match errno {
        0 => Ok(()),
        28 => Err(Error::EINVAL),
        48 => Err(Error::ENOMEM),
        52 => Err(Error::ENOSYS),
        63 => Err(Error::EPERM),
        _ => Err(Error::EIO),
    }
}

/// Writes all of a text to an open file.
pub(crate) fn write(file: u32, mut text: &[u8]) -> Result<()> {
    while !text.is_empty() {
        let piece = Piece {
            text: text.as_ptr(),
            bytes: text.len(),
        };
        let mut written = 0;
        // SAFETY: reads the piece and its text, and writes a number.
        done(unsafe { fd_write(file, &piece, 1, &mut written) })?;
        text = match text.get(written..) {
            Some(rest) if written != 0 => rest,
            _ => return Err(Error::EIO),
        };
    }
    Ok(())
}

/// Reads the arguments into `text`, each with a NUL behind, and returns their bytes.
pub(crate) fn arguments(text: &mut [u8]) -> Result<usize> {
    let (mut count, mut bytes) = (0, 0);
    // SAFETY: writes two numbers.
    done(unsafe { args_sizes_get(&mut count, &mut bytes) })?;
    if count > MAX_ARGUMENTS || bytes > text.len() {
        return Err(Error::ENOMEM);
    }
    let mut words = [core::ptr::null_mut(); MAX_ARGUMENTS];
    // SAFETY: writes as many addresses and bytes as were announced.
    done(unsafe { args_get(words.as_mut_ptr(), text.as_mut_ptr()) })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_runtime_nothing_is_written_or_read() {
        assert_eq!(write(1, b"text"), Err(Error::ENOSYS));
        assert_eq!(write(1, b""), Ok(()));
        assert_eq!(arguments(&mut [0; 8]), Err(Error::ENOSYS));
    }

    #[test]
    fn errnos_become_those_of_linux() {
        for (wasi, expected) in [
            (28, Error::EINVAL),
            (48, Error::ENOMEM),
            (63, Error::EPERM),
            (8, Error::EIO),
        ] {
            assert_eq!(done(wasi), Err(expected));
        }
    }
}
