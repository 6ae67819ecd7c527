// SPDX-License-Identifier: Apache-2.0
//! Guests that are paused and resumed, in all activities.

#[path = "common/device.rs"]
mod device;

use std::thread;
use std::time::Duration;

use device::{TestDevice, assemble, boot, compile, guest};
use ocre::container::state::{Cause, Refusal, RunResult, State};
use ocre::container::table::Handle;
use ocre::container::{Error, Limits, Options};

const KILLED: RunResult = RunResult::Killed(Cause::Kill);

/// The hostile guest, interpreted and, where there is a compiler, compiled.
fn hostile() -> Vec<Vec<u8>> {
    let portable = guest("hostile");
    let compiled = compile(&portable);
    [portable].into_iter().chain(compiled).collect()
}

fn start(bench: &TestDevice, code: &[u8], way: &str) -> Handle {
    let options = Options {
        arguments: &[way],
        ..Options::default()
    };
    let handle = bench.start(way, code, &options);
    bench.await_output(handle, &format!("hostile: {way}\n"));
    handle
}

/// Counts the lines that a container has written so far.
fn written(bench: &TestDevice, handle: Handle) -> u64 {
    let dropped = bench.device.log_dropped(handle).unwrap();
    dropped + bench.output(handle).lines().count() as u64
}

#[test]
fn what_is_paused_is_killed_stopped_and_removed_whatever_it_is_at() {
    let bench = boot();
    for code in hostile() {
        for way in ["loop", "memory", "calls", "host", "print", "sleep"] {
            let paused = |handle| {
                bench.device.pause(handle).unwrap();
                // Long enough to be at a safe point; the test holds for any time.
                thread::sleep(Duration::from_millis(5));
                assert_eq!(bench.device.status(handle).unwrap().state, State::Paused);
            };
            let handle = start(&bench, &code, way);
            paused(handle);
            bench.device.kill(handle).unwrap();
            assert_eq!(bench.end(handle), KILLED, "{way}");
            bench.device.start(handle).unwrap();
            paused(handle);
            let stopped = bench.device.stop(handle, u64::MAX);
            assert_eq!(stopped, Ok(RunResult::Killed(Cause::Stop)), "{way}");
            bench.device.start(handle).unwrap();
            paused(handle);
            bench.device.restart(handle, u64::MAX).unwrap();
            paused(handle);
            bench.device.unpause(handle).unwrap();
            paused(handle);
            bench.device.remove(handle, true).unwrap();
        }
    }
}

#[test]
fn a_paused_guest_does_nothing_and_then_goes_on() {
    let bench = boot();
    for code in hostile() {
        let handle = start(&bench, &code, "print");
        for _ in 0..3 {
            bench.device.pause(handle).unwrap();
            let mut before = written(&bench, handle);
            loop {
                thread::sleep(Duration::from_millis(10));
                let now = written(&bench, handle);
                if now == before {
                    break;
                }
                before = now;
            }
            bench.device.unpause(handle).unwrap();
            while written(&bench, handle) == before {
                thread::sleep(Duration::from_millis(1));
            }
        }
        bench.device.remove(handle, true).unwrap();
    }
}

#[test]
fn a_guest_whose_sleep_is_over_is_held_and_ends_only_when_it_goes_on() {
    let bench = boot();
    let code = assemble(
        r#"(module
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll
                (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start")
                ;; A clock, monotonic, 20 ms from now.
                (i32.store (i32.const 16) (i32.const 1))
                (i64.store (i32.const 24) (i64.const 20000000))
                (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#,
    );
    let handle = bench.start("a", &code, &Options::default());
    bench.device.pause(handle).unwrap();
    let later = bench.now() + 100_000;
    assert_eq!(bench.device.wait(handle, Some(later)), Err(Error::TimedOut));
    bench.device.unpause(handle).unwrap();
    assert_eq!(bench.end(handle), RunResult::Exited(0));
}

#[test]
fn pausing_has_its_answer_in_every_state() {
    let bench = boot();
    let code = guest("hello");
    let handle = bench.create("a", &code, &Options::default());
    let device = &bench.device;
    let not_running = Err(Error::State(Refusal::NotRunning));
    let not_paused = Err(Error::State(Refusal::NotPaused));
    assert_eq!(device.pause(handle), not_running);
    assert_eq!(device.unpause(handle), not_paused);
    device.start(handle).unwrap();
    bench.end(handle);
    assert_eq!(device.pause(handle), not_running);
    assert_eq!(device.unpause(handle), not_paused);
    let endless = start(&bench, &guest("hostile"), "loop");
    assert_eq!(device.unpause(endless), not_paused);
    device.pause(endless).unwrap();
    let paused = Err(Error::State(Refusal::Paused));
    assert_eq!(device.pause(endless), paused);
    assert_eq!(device.start(endless), paused);
    assert_eq!(device.remove(endless, false), paused);
    device.remove(endless, true).unwrap();
    assert_eq!(device.pause(endless), Err(Error::NotFound));
}

#[test]
fn a_time_limit_ends_a_paused_container_too() {
    let bench = boot();
    let options = Options {
        arguments: &["loop"],
        limits: Limits {
            time_limit_ms: Some(100),
            ..Limits::default()
        },
        ..Options::default()
    };
    let handle = bench.start("a", &guest("hostile"), &options);
    bench.device.pause(handle).unwrap();
    assert_eq!(bench.end(handle), RunResult::Killed(Cause::TimeLimit));
}

#[test]
fn one_is_paused_and_another_goes_on() {
    let bench = boot();
    let code = guest("hostile");
    let paused = start(&bench, &code, "loop");
    let printing = start(&bench, &code, "print");
    bench.device.pause(paused).unwrap();
    let before = written(&bench, printing);
    while written(&bench, printing) < before + 100 {
        thread::sleep(Duration::from_millis(1));
    }
    for handle in [paused, printing] {
        bench.device.remove(handle, true).unwrap();
    }
}
