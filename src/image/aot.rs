// SPDX-License-Identifier: Apache-2.0
//! AOT code: checks that a file is made for this build, by its header and its layer's annotations.
//!
//! The header (WAMR's AOT file format, version 6) tells the machine, the word size, the byte order
//! and whether the code is position-independent; the annotations tell the calling convention and
//! the CPU. The engine trusts its input, so all of this is checked before the engine sees a byte.

use core::slice::from_ref;

use ocre_oci::Annotations;

use super::verdict::Code;
use crate::port::AotTarget;

/// The annotation that names the target: its LLVM triple's first part.
pub const ANNOTATION_TARGET: &str = "dev.ocre.aot.target";
/// The annotation that names the CPU as LLVM knows it.
pub const ANNOTATION_CPU: &str = "dev.ocre.aot.cpu";
/// The annotation that names the calling convention.
pub const ANNOTATION_ABI: &str = "dev.ocre.aot.abi";
/// The annotation that names the engine's version.
pub const ANNOTATION_WAMR: &str = "dev.ocre.aot.wamr";
/// The annotation that is `true` where the code can be interrupted.
pub const ANNOTATION_INTERRUPTIBLE: &str = "dev.ocre.aot.interruptible";

/// The `platform.architecture` of portable code; AOT code has its target's name there.
pub const PORTABLE: &str = "wasm";

/// `\0aot`
pub const MAGIC: [u8; 4] = *b"\0aot";
/// The file format's version that this build reads.
const VERSION: u32 = 6;
/// The section that must come first, and its size.
const TARGET_SECTION: u32 = 0;
const TARGET_SECTION_BYTES: u32 = 48;
/// Bit 0 of the binary type: big-endian. Bit 1: 64-bit.
const BIG_ENDIAN: u16 = 1;
const WIDE: u16 = 2;
/// The object file type of code that is relocated when it is loaded; the other one, 4, runs
/// where it lies and would need the flash to be mapped.
const RELOCATABLE: u16 = 1;

/// Checks the annotations of an AOT layer against a target.
///
/// # Errors
/// `aot-metadata` where one of the first four is absent, `aot-target`, `aot-abi`, `aot-version`
/// where one does not fit, `aot-policy` where the code can't be interrupted and must be.
pub fn check_annotations(
    target: &AotTarget,
    annotations: Annotations<'_>,
    uninterruptible: bool,
) -> Result<(), Code> {
    let wanted = [
        (ANNOTATION_TARGET, from_ref(&target.name), Code::AotTarget),
        (ANNOTATION_CPU, target.cpus, Code::AotTarget),
        (ANNOTATION_ABI, from_ref(&target.abi), Code::AotAbi),
        (ANNOTATION_WAMR, from_ref(&target.wamr), Code::AotVersion),
    ];
    let mut fits = Ok(());
    for (name, accepted, code) in &wanted {
        // An absent annotation comes before all that do not fit.
        let Some(found) = annotations.get(name) else {
            return Err(Code::AotMetadata);
        };
        if !accepted.iter().any(|accepted| found == **accepted) {
            fits = fits.and(Err(*code));
        }
    }
    fits?;
    let interruptible = annotations.get(ANNOTATION_INTERRUPTIBLE);
    if !uninterruptible && interruptible.is_none_or(|says| says != *"true") {
        return Err(Code::AotPolicy);
    }
    Ok(())
}

/// Checks the header of an AOT file against a target. The magic is checked already.
///
/// # Errors
/// `aot-version`, `aot-target`; `wasm-invalid` where the file ends in its header.
pub fn check_header(target: &AotTarget, code: &[u8]) -> Result<(), Code> {
    let mut header = LittleEndianReader(code.get(MAGIC.len()..).unwrap_or_default());
    if header.u32()? != VERSION {
        return Err(Code::AotVersion);
    }
    if header.u32()? != TARGET_SECTION || header.u32()? != TARGET_SECTION_BYTES {
        return Err(Code::WasmInvalid);
    }
    let binary_type = header.u16()?;
    let _calling_convention = header.u16()?;
    let object_type = header.u16()?;
    let machine = header.u16()?;
    header.take(24)?; // ELF version and flags, wasm features, reserved: the engine's to judge
    let arch = header.take(16)?;
    let arch = arch.split(|&byte| byte == 0).next().unwrap_or_default();
    let fits = binary_type & BIG_ENDIAN == 0
        && (binary_type & WIDE != 0) == target.wide
        && object_type == RELOCATABLE
        && machine == target.machine
        && arch == target.arch.as_bytes();
    if fits { Ok(()) } else { Err(Code::AotTarget) }
}

/// Reads little-endian numbers from the front: every target is little-endian, and a file made for
/// another byte order fails at its version.
struct LittleEndianReader<'a>(&'a [u8]);

impl<'a> LittleEndianReader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Code> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(Code::WasmInvalid)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Code> {
        let bytes = self.take(2)?.try_into().map_err(|_| Code::WasmInvalid)?;
        Ok(u16::from_le_bytes(bytes))
    }

    fn u32(&mut self) -> Result<u32, Code> {
        let bytes = self.take(4)?.try_into().map_err(|_| Code::WasmInvalid)?;
        Ok(u32::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    const HERE: AotTarget = AotTarget::THUMBV7M;

    fn header() -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        file.extend(VERSION.to_le_bytes());
        file.extend(TARGET_SECTION.to_le_bytes());
        file.extend(TARGET_SECTION_BYTES.to_le_bytes());
        for half in [0_u16, 0, RELOCATABLE, 40] {
            file.extend(half.to_le_bytes());
        }
        file.extend([0; 24]);
        file.extend(b"thumbv7\0\0\0\0\0\0\0\0\0");
        file
    }

    #[test]
    fn a_header_for_this_machine_is_accepted() {
        assert_eq!(check_header(&HERE, &header()), Ok(()));
    }

    #[test]
    fn another_version_is_refused() {
        let mut file = header();
        file[4] = 5;
        assert_eq!(check_header(&HERE, &file), Err(Code::AotVersion));
    }

    #[test]
    fn another_machine_word_size_byte_order_object_type_or_name_is_refused() {
        for (at, value) in [
            (16, WIDE as u8),
            (16, BIG_ENDIAN as u8),
            (20, 4),
            (22, 62),
            (55, b'8'),
        ] {
            let mut file = header();
            file[at] = value;
            assert_eq!(
                check_header(&HERE, &file),
                Err(Code::AotTarget),
                "byte {at}"
            );
        }
    }

    #[test]
    fn a_header_that_is_cut_anywhere_is_refused() {
        let file = header();
        for length in 0..file.len() {
            assert!(
                check_header(&HERE, &file[..length]).is_err(),
                "{length} bytes"
            );
        }
    }
}
