// SPDX-License-Identifier: Apache-2.0
//! Each allocation of a container's life fails once: the caller gets an error, no memory is lost,
//! and the next life succeeds.
//!
//! A device has no other allocations: its Rust has no heap (a house test checks this), and gets
//! the memory for code from the engine, as here.

#[path = "common/device.rs"]
mod device;
#[path = "common/memory.rs"]
mod memory;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use device::{TestDevice, assemble, boot, busy, compile};
use ocre::container::state::{RunResult, StartFailure};
use ocre::container::{Error, Options};
use ocre::image::Image;
use ocre::image::verdict::Code;
use ocre::port::{StorageError, Trap};

/// True for the errors of a lack of memory.
fn is_told(error: Error) -> bool {
    matches!(
        error,
        Error::Storage(StorageError::NoMemory)
            | Error::Start(StartFailure::Thread | StartFailure::Instantiate)
            | Error::Start(StartFailure::Image(Code::OutOfMemory))
            | Error::Start(StartFailure::Image(Code::Storage(StorageError::NoMemory)))
            // Not every text of the engine for a lack of memory is recognized.
            | Error::Start(StartFailure::Image(Code::WasmInvalid))
    )
}

/// Creates, starts and removes a container, as far as there is memory. True where there was
/// enough.
fn live(bench: &TestDevice, image: &Image) -> bool {
    let device = &bench.device;
    let options = Options {
        arguments: &["one"],
        ..Options::default()
    };
    let handle = match device.create(Some("a"), image, &options) {
        Ok(handle) => handle,
        Err(error) => {
            assert!(is_told(error), "create: {error}");
            return false;
        }
    };
    let mut well = match device.start(handle) {
        Ok(()) => {
            let outcome = bench.end(handle);
            // A guest gets an errno of WASI, and may go on or exit.
            assert!(
                !matches!(
                    outcome,
                    RunResult::Trapped(Trap::Other) | RunResult::Killed(_)
                ),
                "{outcome:?}"
            );
            outcome == RunResult::Exited(0)
        }
        Err(error) => {
            assert!(is_told(error), "start: {error}");
            false
        }
    };
    let mut removed = device.remove(handle, false);
    if let Err(error) = removed {
        assert!(is_told(error), "remove: {error}");
        well = false;
        memory::fail_none();
        removed = device.remove(handle, false);
    }
    assert_eq!(removed, Ok(()));
    well
}

/// Waits for the end of threads, and for the memory that each frees last.
fn settle(bench: &TestDevice) {
    while Arc::strong_count(&bench.device) > 1 {
        thread::yield_now();
    }
    let mut before = None;
    while before != Some(memory::in_use()) {
        before = Some(memory::in_use());
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a life in which allocation `at` fails, and another one. Returns the number of blocks in use
/// then; `None` where a life has fewer allocations.
fn fails_at(bench: &TestDevice, image: &Image, at: i64) -> Option<i64> {
    memory::fail_after(at);
    let well = live(bench, image);
    let failed = memory::fail_none();
    settle(bench);
    assert!(live(bench, image), "after a failure of allocation {at}");
    settle(bench);
    assert!(well || failed);
    failed.then(|| memory::in_use().0)
}

/// Keeps other tests waiting: allocations fail and are counted in the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sweep(bench: &TestDevice, image: &Image) -> i64 {
    // These lives make the allocations that stay for the process.
    for _ in 0..3 {
        assert!(live(bench, image));
    }
    for at in 0.. {
        // libc keeps some blocks once, for reuse; a leak loses blocks each time.
        let mut before = fails_at(bench, image, at);
        let kept = (0..6).any(|_| {
            let after = fails_at(bench, image, at);
            core::mem::replace(&mut before, after) == after
        });
        if before.is_none() {
            return at;
        }
        assert!(
            kept,
            "more blocks in use after each failure of allocation {at}"
        );
    }
    unreachable!("each life has an end")
}

/// A guest whose globals and segments have extended constant expressions, a passive segment
/// behind them, and more operands at once than the engine has room for at first.
fn constants() -> Vec<u8> {
    assemble(
        r#"(module (memory (export "memory") 1) (table 4 funcref)
            (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))
            (global i64 (i64.sub (i64.mul (i64.const 5) (i64.const 6))
                (i64.sub (i64.const 1) (i64.sub (i64.const 2) (i64.sub (i64.const 3)
                    (i64.sub (i64.const 4) (i64.const 5)))))))
            (elem (offset (i32.sub (i32.const 3) (i32.const 2))) $start)
            (data (offset (i32.add (i32.const 1) (i32.const 2))) "x")
            (data "passive")
            (func $start (export "_start")
                (memory.init 1 (i32.const 8) (i32.const 0) (i32.const 7))
                (if (i32.ne (i32.const 7) (global.get 0)) (then unreachable))
                (if (i64.ne (i64.const 27) (global.get 1)) (then unreachable))))"#,
    )
}

#[test]
fn each_allocation_for_extended_constants_fails_once_and_nothing_is_lost() {
    let _alone = alone();
    let bench = boot();
    let allocations = sweep(&bench, &bench.image(&constants()));
    println!("constants: {allocations} allocations");
    assert!(allocations > 40, "{allocations}");
}

#[test]
fn each_allocation_of_a_containers_life_fails_once_and_nothing_is_lost() {
    let _alone = alone();
    let bench = boot();
    let portable = busy();
    let interpreted = sweep(&bench, &bench.image(&portable));
    println!("interpreted: {interpreted} allocations");
    assert!(interpreted > 20, "{interpreted}");
    if let Some(code) = compile(&portable) {
        let compiled = sweep(&bench, &bench.image(&code));
        println!("compiled: {compiled} allocations");
        assert!(compiled > 20, "{compiled}");
    }
}
