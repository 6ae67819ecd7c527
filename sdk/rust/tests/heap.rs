// SPDX-License-Identifier: Apache-2.0
//! The heap against a model: memory is aligned, does not overlap, keeps its content, and all of
//! it comes back.

use std::alloc::{GlobalAlloc as _, Layout};
use std::slice;

use ocre_guest::FixedHeap;

const BYTES: usize = 4096;

/// An allocation, and the byte that it is full of.
struct Block {
    memory: *mut u8,
    layout: Layout,
    content: u8,
}

impl Block {
    fn fill(memory: *mut u8, layout: Layout, content: u8) -> Self {
        assert!(memory.addr().is_multiple_of(layout.align().max(16)));
        // SAFETY: that much was allocated.
        unsafe { memory.write_bytes(content, layout.size()) };
        Self {
            memory,
            layout,
            content,
        }
    }

    fn check(&self, bytes: usize) {
        // SAFETY: the memory was filled.
        let text = unsafe { slice::from_raw_parts(self.memory, bytes) };
        assert!(text.iter().all(|byte| *byte == self.content));
    }
}

#[test]
fn random_calls_agree_with_the_model() {
    static HEAP: FixedHeap<BYTES> = FixedHeap::new();
    let mut seed = 1_u32;
    let mut chance = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as usize % below
    };
    let mut blocks: Vec<Block> = Vec::new();
    let mut refused = 0;
    for _ in 0..if cfg!(miri) { 2000 } else { 200_000 } {
        let most = if chance(8) == 0 { BYTES } else { 200 };
        let bytes = 1 + chance(most);
        let content = chance(256) as u8;
        match chance(3) {
            0 if !blocks.is_empty() => {
                let block = blocks.swap_remove(chance(blocks.len()));
                block.check(block.layout.size());
                // SAFETY: the block is not used any more.
                unsafe { HEAP.dealloc(block.memory, block.layout) };
            }
            1 if !blocks.is_empty() => {
                let index = chance(blocks.len());
                let block = &blocks[index];
                // SAFETY: only the new address is used after a success.
                let moved = unsafe { HEAP.realloc(block.memory, block.layout, bytes) };
                if moved.is_null() {
                    refused += 1;
                    block.check(block.layout.size());
                    continue;
                }
                let kept = Block {
                    memory: moved,
                    ..*block
                };
                kept.check(bytes.min(block.layout.size()));
                let layout = Layout::from_size_align(bytes, block.layout.align()).unwrap();
                blocks[index] = Block::fill(moved, layout, content);
            }
            _ => {
                let layout = Layout::from_size_align(bytes, 1 << chance(10)).unwrap();
                // SAFETY: the layout has bytes.
                let memory = unsafe { HEAP.alloc(layout) };
                if memory.is_null() {
                    refused += 1;
                } else {
                    blocks.push(Block::fill(memory, layout, content));
                }
            }
        }
    }
    assert!(refused > 0);
    for block in blocks {
        block.check(block.layout.size());
        // SAFETY: the block is not used any more.
        unsafe { HEAP.dealloc(block.memory, block.layout) };
    }
    let all = HEAP.allocate(BYTES, 16);
    assert!(!all.is_null(), "everything has come back");
}

#[test]
fn one_allocation_takes_all_and_too_much_is_null() {
    static HEAP: FixedHeap<BYTES> = FixedHeap::new();
    for bytes in [BYTES + 9, usize::MAX, isize::MAX as usize] {
        assert!(HEAP.allocate(bytes, 16).is_null());
    }
    assert!(HEAP.allocate(8, 1 << 30).is_null());
    let all = HEAP.allocate(BYTES, 16);
    assert!(!all.is_null());
    assert!(HEAP.allocate(1, 1).is_null());
    // SAFETY: `all` is of this heap, and is not used after it is freed.
    unsafe {
        assert!(HEAP.usable(all) >= BYTES);
        assert!(HEAP.resize(all, BYTES + 9, 16).is_null());
        assert_eq!(HEAP.resize(all, 100, 16), all);
        let other = HEAP.allocate(1000, 256);
        assert!(other.addr().is_multiple_of(256) && !other.is_null());
        HEAP.free(all);
        HEAP.free(other);
    }
    assert!(!HEAP.allocate(BYTES, 16).is_null());
}

#[test]
fn threads_of_a_test_share_a_heap() {
    static HEAP: FixedHeap<65536> = FixedHeap::new();
    std::thread::scope(|scope| {
        for content in 0..4 {
            scope.spawn(move || {
                for round in 1..if cfg!(miri) { 20 } else { 1000 } {
                    let layout = Layout::from_size_align(1 + round % 500, 8).unwrap();
                    let block = Block::fill(HEAP.allocate(layout.size(), 8), layout, content);
                    std::thread::yield_now();
                    block.check(layout.size());
                    // SAFETY: the block is not used any more.
                    unsafe { HEAP.free(block.memory) };
                }
            });
        }
    });
}
