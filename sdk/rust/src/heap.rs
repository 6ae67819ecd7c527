// SPDX-License-Identifier: Apache-2.0
//! Heap of a fixed size, for guests that never grow their memory. `sdk/c/heap.c` is the same in C.
//!
//! Chunks lie one behind the other, each with a head of 8 bytes and an even number of such units,
//! so that memory is aligned to 16 bytes. The lowest free chunk that is large enough is taken, and
//! free chunks beside each other become one at once.
//!
//! `ocre build` compiles this file alone, too: it names nothing else of the crate.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::hint::spin_loop;
use core::ptr::{self, null_mut};
use core::sync::atomic::{AtomicBool, Ordering};

const UNIT: usize = 8;
const ALIGNMENT: usize = 16;
const USED: u32 = 1;
const FIRST: u32 = 1;

/// Bytes of the heap: those of the variable `OCRE_HEAP_BYTES` when the guest is compiled, or 8192.
pub const HEAP_BYTES: usize = match option_env!("OCRE_HEAP_BYTES") {
    Some(text) => number(text.as_bytes()),
    None => 8192,
};

const fn number(text: &[u8]) -> usize {
    let (mut number, mut at) = (0, 0);
    assert!(!text.is_empty(), "OCRE_HEAP_BYTES is a number");
    while at < text.len() {
        assert!(text[at].is_ascii_digit(), "OCRE_HEAP_BYTES is a number");
        number = number * 10 + (text[at] - b'0') as usize;
        at += 1;
    }
    number
}

/// Head of a chunk.
#[derive(Clone, Copy)]
#[repr(C)]
struct Head {
    /// Units of the chunk before this one, 0 for the first.
    before: u32,
    /// Units of this one, or [`USED`].
    size: u32,
}

/// Units of the heap: the first has the lowest free chunk in place of a head.
#[repr(C, align(16))]
struct Units<const BYTES: usize> {
    lowest: Head,
    first: Head,
    memory: [u8; BYTES],
    rest: [u8; ALIGNMENT],
}

/// Allocator with a heap of `BYTES`, in which one allocation of `BYTES` fits. An allocation that
/// does not fit is null.
///
/// ```
/// use ocre_guest::{HEAP_BYTES, FixedHeap};
///
/// #[global_allocator]
/// static HEAP: FixedHeap<HEAP_BYTES> = FixedHeap::new();
/// # fn main() { assert_eq!(vec![1; 7].len(), 7) }
/// ```
pub struct FixedHeap<const BYTES: usize> {
    /// Set during a call. Guests have one thread; tests of a guest on a PC have several.
    busy: AtomicBool,
    units: UnsafeCell<Units<BYTES>>,
}

// SAFETY: `busy` lets one thread at a time to the units.
unsafe impl<const BYTES: usize> Sync for FixedHeap<BYTES> {}

impl<const BYTES: usize> FixedHeap<BYTES> {
    /// Units of the heap.
    const END: u32 = {
        assert!(BYTES > 0 && BYTES <= 1 << 30, "a heap has 1 to 1 GiB");
        FIRST + units(BYTES)
    };

    /// Makes a heap.
    #[expect(clippy::new_without_default, reason = "a heap is a static")]
    pub const fn new() -> Self {
        let none = Head { before: 0, size: 0 };
        Self {
            busy: AtomicBool::new(false),
            units: UnsafeCell::new(Units {
                lowest: none,
                first: none,
                memory: [0; BYTES],
                rest: [0; ALIGNMENT],
            }),
        }
    }

    /// Calls `work` while no other thread does.
    fn with<R>(&self, work: impl FnOnce(&mut Chunks) -> R) -> R {
        while self.busy.swap(true, Ordering::Acquire) {
            spin_loop();
        }
        let result = work(&mut Chunks {
            units: self.units.get().cast(),
            end: Self::END,
        });
        self.busy.store(false, Ordering::Release);
        result
    }

    /// Allocates memory. The alignment is a power of two; one below 16 is taken as 16.
    pub fn allocate(&self, bytes: usize, alignment: usize) -> *mut u8 {
        self.with(|chunks| chunks.allocate(bytes, alignment))
    }

    /// Frees memory.
    ///
    /// # Safety
    /// The memory is this heap's, and is not used any more.
    pub unsafe fn free(&self, memory: *mut u8) {
        // SAFETY: as the caller promises.
        self.with(|chunks| unsafe { chunks.free(memory) });
    }

    /// Gives memory another size, and moves it if it can't stay. Null leaves it as it was.
    ///
    /// # Safety
    /// The memory is this heap's. After a success only the returned one is used.
    pub unsafe fn resize(&self, memory: *mut u8, bytes: usize, alignment: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        self.with(|chunks| unsafe { chunks.resize(memory, bytes, alignment) })
    }

    /// Bytes that can be used of an allocation.
    ///
    /// # Safety
    /// The memory is this heap's.
    pub unsafe fn usable(&self, memory: *mut u8) -> usize {
        // SAFETY: as the caller promises.
        self.with(|chunks| unsafe { chunks.usable(memory) })
    }
}

// SAFETY: allocations do not overlap, and are aligned to 16 bytes and to their layout.
unsafe impl<const BYTES: usize> GlobalAlloc for FixedHeap<BYTES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.allocate(layout.size(), layout.align())
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: as the caller promises.
        unsafe { self.free(memory) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { self.resize(memory, bytes, layout.align()) }
    }
}

/// Units of a chunk for that many bytes, with its head.
const fn units(bytes: usize) -> u32 {
    // At most 1 GiB.
    ((bytes + UNIT).div_ceil(ALIGNMENT) * 2) as u32
}

/// Chunks of a heap.
struct Chunks {
    units: *mut Head,
    end: u32,
}

impl Chunks {
    /// Address of a unit, at most the end.
    fn at(&self, unit: u32) -> *mut Head {
        self.units.wrapping_add(unit as usize)
    }

    fn read(&self, unit: u32) -> Head {
        // SAFETY: heads are below the end, in memory that only this borrow uses.
        unsafe { *self.at(unit) }
    }

    fn size(&self, chunk: u32) -> u32 {
        self.read(chunk).size & !USED
    }

    fn is_used(&self, chunk: u32) -> bool {
        self.read(chunk).size & USED != 0
    }

    /// A chunk, or the end; no chunk before it is free. 0 before the first allocation.
    fn lowest(&self) -> u32 {
        self.read(0).size
    }

    fn set_lowest(&mut self, chunk: u32) {
        // SAFETY: the first unit is there in each heap.
        unsafe { (*self.at(0)).size = chunk }
    }

    /// Gives a chunk its size, and lets the chunk behind know.
    fn set_size(&mut self, chunk: u32, size: u32, used: u32) {
        // SAFETY: heads are below the end.
        unsafe {
            (*self.at(chunk)).size = size | used;
            if chunk + size < self.end {
                (*self.at(chunk + size)).before = size;
            }
        }
    }

    /// Makes two of a chunk: the first has `size` units, and the second is free.
    fn split(&mut self, chunk: u32, size: u32, used: u32) {
        let rest = self.size(chunk) - size;
        self.set_size(chunk, size, used);
        if rest != 0 {
            self.set_size(chunk + size, rest, 0);
        }
    }

    /// Adds the chunk behind if that is free.
    fn join(&mut self, chunk: u32) {
        let size = self.size(chunk);
        let next = chunk + size;
        if next < self.end && !self.is_used(next) {
            if self.lowest() == next {
                self.set_lowest(chunk);
            }
            let used = self.read(chunk).size & USED;
            self.set_size(chunk, size + self.size(next), used);
        }
    }

    /// Most bytes of an allocation.
    fn most(&self) -> usize {
        (self.end - FIRST) as usize * UNIT - UNIT
    }

    fn allocate(&mut self, bytes: usize, alignment: usize) -> *mut u8 {
        if bytes > self.most() {
            return null_mut();
        }
        let wanted = units(bytes);
        if self.lowest() == 0 {
            self.set_lowest(FIRST);
            self.set_size(FIRST, self.end - FIRST, 0);
        }
        let mut chunk = self.lowest();
        while chunk < self.end {
            let size = self.size(chunk);
            let memory = self.at(chunk + 1).addr();
            // Units to an aligned address, always even: a chunk that stays free.
            let gap = (memory.wrapping_neg() & (alignment - 1)) / UNIT;
            if self.is_used(chunk) || gap > size as usize || size - (gap as u32) < wanted {
                chunk += size;
                continue;
            }
            if gap != 0 {
                self.split(chunk, gap as u32, 0);
                chunk += gap as u32;
            } else if chunk == self.lowest() {
                self.set_lowest(chunk + wanted);
            }
            self.split(chunk, wanted, USED);
            return self.at(chunk + 1).cast();
        }
        null_mut()
    }

    /// Chunk of an allocation.
    fn chunk(&self, memory: *mut u8) -> u32 {
        ((memory.addr() - self.units.addr()) / UNIT) as u32 - 1
    }

    /// # Safety
    /// See [`FixedHeap::free`].
    unsafe fn free(&mut self, memory: *mut u8) {
        let mut chunk = self.chunk(memory);
        self.set_size(chunk, self.size(chunk), 0);
        self.join(chunk);
        let before = self.read(chunk).before;
        if before != 0 && !self.is_used(chunk - before) {
            chunk -= before;
            self.join(chunk);
        }
        if chunk < self.lowest() {
            self.set_lowest(chunk);
        }
    }

    /// # Safety
    /// See [`FixedHeap::usable`].
    unsafe fn usable(&self, memory: *mut u8) -> usize {
        (self.size(self.chunk(memory)) - 1) as usize * UNIT
    }

    /// # Safety
    /// See [`FixedHeap::resize`].
    unsafe fn resize(&mut self, memory: *mut u8, bytes: usize, alignment: usize) -> *mut u8 {
        if bytes > self.most() {
            return null_mut();
        }
        let chunk = self.chunk(memory);
        let (had, wanted) = (self.size(chunk), units(bytes));
        // With all that is free behind; what is not needed is free again.
        self.join(chunk);
        if self.size(chunk) >= wanted {
            self.split(chunk, wanted, USED);
            if self.lowest() >= chunk {
                self.set_lowest(chunk + wanted);
            }
            return memory;
        }
        self.split(chunk, had, USED);
        let moved = self.allocate(bytes, alignment);
        if !moved.is_null() {
            // SAFETY: both are of this heap, and the new one is larger.
            unsafe {
                ptr::copy_nonoverlapping(memory, moved, self.usable(memory));
                self.free(memory);
            }
        }
        moved
    }
}
