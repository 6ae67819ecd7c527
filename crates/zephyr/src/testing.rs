// SPDX-License-Identifier: Apache-2.0
//! Checks of the Rust part for the suites of `twister-tests/`. Only `CONFIG_OCRE_TEST` builds them,
//! and `common/testing.h` there describes each function.

use core::ffi::{c_char, c_int};
use core::slice;

use ocre::port::devices::Gpio as _;
use ocre::port::{Slot, Storage, StorageError};
use ocre_conformance::BrokenPromise;
use ocre_oci::Sha256;

use crate::config;
use crate::device::ZephyrDevice;
use crate::sys::api::TEXT_BYTES;
use crate::sys::defines;
use crate::sys::testing::{
    AFTER_RESTART, BEFORE_RESTART, CLOCK, ENTROPY, GPIO, SENSORS, STORAGE, THREADS,
};
use crate::text::Buffer;

defines!(testing::ocre_test_conformance, testing::ocre_test_sha256);

/// # Safety
/// `failure` is as `testing.h` says.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_test_conformance(part: u32, failure: *mut c_char) -> c_int {
    // SAFETY: the caller's promise.
    let mut failure = unsafe { Buffer::new(failure, TEXT_BYTES) };
    let device = ZephyrDevice;
    // Folder for the checks of the storage.
    let folder = "/conformance";
    let made = match device.create_dir(folder) {
        Ok(()) | Err(StorageError::Exists) => Ok(()),
        Err(error) => Err(BrokenPromise {
            what: "a folder is made",
            error: Some(error),
        }),
    };
    let result = made.and_then(|()| match part {
        STORAGE => ocre_conformance::storage(&device, folder),
        BEFORE_RESTART => ocre_conformance::before_restart(&device, folder),
        AFTER_RESTART => ocre_conformance::after_restart(&device, folder),
        CLOCK => ocre_conformance::clock(&device),
        ENTROPY => ocre_conformance::entropy(&device),
        // The first slot's thread, which no container needs now.
        THREADS => ocre_conformance::threads(&device, Slot::MIN),
        GPIO if config::GPIO => pins(&device),
        SENSORS if config::SENSORS => ocre_conformance::sensors(&device),
        _ => Err(BrokenPromise {
            what: "there is such a part",
            error: None,
        }),
    });
    match result {
        Ok(()) => 0,
        Err(kept_not) => {
            // Text that does not fit is cut.
            let _ = core::fmt::write(&mut failure, format_args!("{kept_not}"));
            -1
        }
    }
}

/// Checks the pins that boards have names for.
fn pins(device: &ZephyrDevice) -> Result<(), BrokenPromise> {
    match (device.find("led0"), device.find("sw0")) {
        (Some(output), Some(input)) => ocre_conformance::gpio(device, output, input),
        _ => Err(BrokenPromise {
            what: "there are led0 and sw0",
            error: None,
        }),
    }
}

/// # Safety
/// `bytes` has `count` of them, and `hex` room for 65.
#[unsafe(no_mangle)]
unsafe extern "C" fn ocre_test_sha256(bytes: *const u8, count: u32, hex: *mut c_char) {
    // SAFETY: the caller's promise.
    let (bytes, mut hex) = unsafe {
        (
            slice::from_raw_parts(bytes, count as usize),
            Buffer::new(hex, 65),
        )
    };
    // Text that does not fit is cut.
    let _ = core::fmt::write(&mut hex, format_args!("{}", Sha256::of(bytes).hex()));
}
