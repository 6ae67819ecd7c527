// SPDX-License-Identifier: Apache-2.0
//! Text for C.

use core::ffi::c_char;
use core::fmt::{self, Write};
use core::slice;

/// Writes into C's memory as much as fits, and ends it with NUL. A text that is cut is an error,
/// at which formatting ends.
pub(crate) struct Buffer<'a> {
    room: &'a mut [u8],
    used: usize,
}

impl<'a> Buffer<'a> {
    /// # Safety
    /// `start` is null or has `bytes` that are this function's alone for `'a`.
    pub(crate) unsafe fn new(start: *mut c_char, bytes: usize) -> Self {
        let room = if start.is_null() {
            &mut []
        } else {
            // SAFETY: see above.
            unsafe { slice::from_raw_parts_mut(start.cast(), bytes) }
        };
        Self::of(room)
    }

    pub(crate) fn of(room: &'a mut [u8]) -> Self {
        if let Some(first) = room.first_mut() {
            *first = 0;
        }
        Self { room, used: 0 }
    }

    /// The text so far, without its NUL.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[..self.used]
    }
}

impl Write for Buffer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Some(room) = self.room.len().checked_sub(self.used + 1) else {
            return Err(fmt::Error);
        };
        let count = text.floor_char_boundary(text.len().min(room));
        self.room[self.used..self.used + count].copy_from_slice(&text.as_bytes()[..count]);
        self.used += count;
        self.room[self.used] = 0;
        if count == text.len() {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}
