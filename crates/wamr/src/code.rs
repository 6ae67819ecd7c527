// SPDX-License-Identifier: Apache-2.0
//! Memory for code, from the heap that WAMR itself uses.

use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;

use ocre_wamr_sys as sys;

/// Bytes of one executable layer, aligned as WAMR's AOT loader wants them.
pub struct AlignedCode {
    start: NonNull<u8>,
    bytes: u32,
}

// SAFETY: the memory has this one owner, and the heap that it goes back to takes its own lock.
unsafe impl Send for AlignedCode {}

impl AlignedCode {
    /// Zeroed memory, or `None` when there is none. The runtime has been started.
    pub(crate) fn allocate(bytes: usize) -> Option<Self> {
        let bytes = u32::try_from(bytes).ok()?;
        // SAFETY: the runtime has been started, says the caller.
        let start = NonNull::new(unsafe { sys::ocre_wamr_allocate(bytes) })?.cast();
        Some(Self { start, bytes })
    }
}

impl Deref for AlignedCode {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `allocate` got that many initialised bytes, and they are ours until drop.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.bytes as usize) }
    }
}

impl DerefMut for AlignedCode {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; `&mut self` makes it the only access.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes as usize) }
    }
}

impl Drop for AlignedCode {
    fn drop(&mut self) {
        // SAFETY: comes from `ocre_wamr_allocate` and is not used after this.
        unsafe { sys::ocre_wamr_free(self.start.as_ptr().cast()) };
    }
}
