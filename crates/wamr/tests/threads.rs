// SPDX-License-Identifier: Apache-2.0
//! Guests on several threads, ended from others, over and over.

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{PROGRAM, Recorder, assemble, engine, run_with};
use ocre::port::{Engine as _, Exit, Interrupt, Program, Trap};
use ocre_wamr::RunInterrupt;

const LOOPS: &[(&str, &str)] = &[
    ("loop", "(module (func (export \"_start\") (loop (br 0))))"),
    (
        "loop with br_if",
        "(module (func (export \"_start\") (loop (br_if 0 (i32.const 1)))))",
    ),
    (
        "loop with br_table",
        "(module (func (export \"_start\") (loop (br_table 0 0 (i32.const 1)))))",
    ),
    (
        "start function",
        "(module (start $s) (func $s (loop (br 0))) (func (export \"_start\")))",
    ),
    (
        "constructors",
        "(module (func (export \"__wasm_call_ctors\") (loop (br 0))) (func (export \"tick\")))",
    ),
    (
        "calls",
        "(module (func $f (param i32) (if (local.get 0) (then
                (call $f (i32.sub (local.get 0) (i32.const 1)))
                (call $f (i32.sub (local.get 0) (i32.const 1))))))
            (func (export \"_start\") (call $f (i32.const 60))))",
    ),
    (
        "host calls",
        "(module (import \"other\" \"add\" (func $add (param i32 i32) (result i32)))
            (func (export \"_start\")
                (loop (drop (call $add (i32.const 1) (i32.const 2))) (br 0))))",
    ),
    (
        "tail of host calls",
        "(module (import \"other\" \"add\" (func $add (param i32 i32) (result i32)))
            (func $f (param i32) (if (local.get 0) (then
                (drop (call $add (i32.const 1) (i32.const 2)))
                (call $f (i32.sub (local.get 0) (i32.const 1)))
                (call $f (i32.sub (local.get 0) (i32.const 1))))))
            (func (export \"_start\") (call $f (i32.const 60))))",
    ),
];

/// Runs the guest on a new thread, stops it once it has started, and returns the time of the stop.
fn stopped(text: &str, wait: Duration) -> (Exit, Duration) {
    let code = assemble(text);
    let entry = if text.contains("\"tick\"") {
        "tick"
    } else {
        "_start"
    };
    let interrupt = RunInterrupt::default();
    let (tell, started) = mpsc::channel();
    thread::scope(|scope| {
        let guest = scope.spawn(|| {
            let memory = engine().code(&code).expect("memory");
            let module = engine().load(memory, &mut |_| ()).expect("valid");
            let mut host = Recorder::default();
            let program = Program { entry, ..PROGRAM };
            engine().run(module, &program, &mut host, &interrupt, &mut || {
                tell.send(()).expect("somebody waits");
            })
        });
        started.recv().expect("the guest starts");
        thread::sleep(wait);
        let before = Instant::now();
        interrupt.stop();
        let exit = guest.join().expect("no panic").expect("it started");
        (exit, before.elapsed())
    })
}

#[test]
fn endless_guests_end_when_stopped() {
    for (name, text) in LOOPS {
        let (exit, took) = stopped(text, Duration::from_millis(20));
        assert_eq!(exit, Exit::Stopped, "{name}");
        println!("{name}: stopped in {took:?}");
    }
}

#[test]
fn a_stop_at_any_moment_around_the_start_ends_the_run() {
    for round in 0..300 {
        let (exit, _) = stopped(LOOPS[0].1, Duration::from_micros(round % 50));
        assert_eq!(exit, Exit::Stopped, "{round}");
    }
    // Without waiting for the start: before, during or after it.
    let code = assemble(LOOPS[0].1);
    for round in 0..300 {
        let interrupt = RunInterrupt::default();
        let exit = thread::scope(|scope| {
            let guest = scope.spawn(|| run_with(&code, &PROGRAM, &interrupt).result);
            for _ in 0..round * 50 {
                std::hint::spin_loop();
            }
            interrupt.stop();
            guest.join().expect("no panic")
        });
        assert_eq!(exit, Ok(Exit::Stopped), "{round}");
    }
}

#[test]
fn stops_after_the_end_touch_nothing() {
    let code = assemble("(module (func (export \"_start\")))");
    let interrupt = RunInterrupt::default();
    thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        let stops = scope.spawn({
            let interrupt = &interrupt;
            move || {
                while finished.try_recv() == Err(mpsc::TryRecvError::Empty) {
                    interrupt.stop();
                }
            }
        });
        for _ in 0..500 {
            let exit = run_with(&code, &PROGRAM, &interrupt).result;
            assert!(
                matches!(exit, Ok(Exit::Stopped | Exit::Code(0))),
                "{exit:?}"
            );
        }
        drop(done);
        stops.join().expect("no panic");
    });
}

#[test]
fn two_guests_at_once_do_not_touch_each_other() {
    let counter = |name: u8| {
        format!(
            r#"(module
                (import "env" "write" (func $write (param i32 i32)))
                (import "env" "exit" (func $exit (param i32)))
                (memory 1) (data (i32.const 0) "{}")
                (global $n (mut i32) (i32.const 0))
                (func (export "_start")
                    (loop
                        (call $write (i32.const 0) (i32.const 1))
                        (global.set $n (i32.add (global.get $n) (i32.const 1)))
                        (br_if 0 (i32.lt_u (global.get $n) (i32.const 20000))))
                    (call $exit (global.get $n))))"#,
            name as char
        )
    };
    thread::scope(|scope| {
        let guests: Vec<_> = [b'a', b'b']
            .into_iter()
            .map(|name| {
                scope.spawn(move || {
                    (
                        name,
                        run_with(
                            &assemble(&counter(name)),
                            &PROGRAM,
                            &RunInterrupt::default(),
                        ),
                    )
                })
            })
            .collect();
        for guest in guests {
            let (name, ran) = guest.join().expect("no panic");
            assert_eq!(ran.result, Ok(Exit::Code(20000)));
            assert_eq!(ran.host.written, vec![name; 20000]);
        }
    });
}

#[test]
fn a_trap_or_stop_of_one_guest_leaves_another_running() {
    let spin = assemble(LOOPS[0].1);
    let interrupt = RunInterrupt::default();
    thread::scope(|scope| {
        let other = scope.spawn(|| run_with(&spin, &PROGRAM, &interrupt).result);
        for _ in 0..100 {
            let trap = common::run("(module (func (export \"_start\") unreachable))").result;
            assert_eq!(trap, Ok(Exit::Trap(Trap::Unreachable)));
            let (exit, _) = stopped(LOOPS[0].1, Duration::ZERO);
            assert_eq!(exit, Exit::Stopped);
        }
        assert!(!other.is_finished());
        interrupt.stop();
        assert_eq!(other.join().expect("no panic"), Ok(Exit::Stopped));
    });
}

/// Nanoseconds that the thread with this folder in `/proc` has computed.
fn computed(thread: &std::path::Path) -> u64 {
    let text = std::fs::read_to_string(thread.join("schedstat")).expect("a thread that is there");
    let number = text.split(' ').next().expect("a number");
    number.parse().expect("a number")
}

/// Runs the guest on a new thread, holds it before its first instruction or once it has started,
/// and checks that it computes no more; then resumes it, and checks that it computes; holds it
/// again, and stops it.
fn held(text: &str, before_its_start: bool) {
    let code = assemble(text);
    let entry = if text.contains("\"tick\"") {
        "tick"
    } else {
        "_start"
    };
    let interrupt = RunInterrupt::default();
    let (tell, started) = mpsc::channel();
    let begin = std::sync::Barrier::new(2);
    thread::scope(|scope| {
        let guest = scope.spawn(|| {
            begin.wait();
            let memory = engine().code(&code).expect("memory");
            let module = engine().load(memory, &mut |_| ()).expect("valid");
            let mut host = Recorder::default();
            let program = Program { entry, ..PROGRAM };
            engine().run(module, &program, &mut host, &interrupt, &mut || {
                let thread = std::fs::read_link("/proc/thread-self").expect("Linux");
                let thread = std::path::Path::new("/proc").join(thread);
                tell.send(thread).expect("somebody waits");
            })
        });
        if before_its_start {
            interrupt.hold();
        }
        begin.wait();
        let thread = started.recv().expect("the guest starts");
        for _ in 0..3 {
            interrupt.hold();
            let mut before = computed(&thread);
            loop {
                thread::sleep(Duration::from_millis(20));
                let now = computed(&thread);
                if now == before {
                    break;
                }
                before = now;
            }
            interrupt.release();
            while computed(&thread) < before + 1_000_000 {
                thread::sleep(Duration::from_millis(1));
            }
        }
        interrupt.hold();
        thread::sleep(Duration::from_millis(5));
        interrupt.stop();
        let exit = guest.join().expect("no panic").expect("it started");
        assert_eq!(exit, Exit::Stopped, "{text}");
    });
}

#[test]
fn endless_guests_are_held_and_go_on_and_end_when_stopped() {
    for (_, text) in LOOPS {
        held(text, false);
        held(text, true);
    }
}

#[test]
fn a_guest_that_is_held_does_not_end() {
    let code = assemble("(module (func (export \"_start\")))");
    let interrupt = RunInterrupt::default();
    interrupt.hold();
    thread::scope(|scope| {
        let guest = scope.spawn(|| run_with(&code, &PROGRAM, &interrupt).result);
        thread::sleep(Duration::from_millis(50));
        assert!(!guest.is_finished());
        interrupt.release();
        assert_eq!(guest.join().expect("no panic"), Ok(Exit::Code(0)));
    });
}

#[test]
fn holds_stops_and_releases_in_any_order_leave_nothing_waiting() {
    let code = assemble(LOOPS[6].1);
    for round in 0..200_u32 {
        let interrupt = RunInterrupt::default();
        let exit = thread::scope(|scope| {
            let guest = scope.spawn(|| run_with(&code, &PROGRAM, &interrupt).result);
            for step in 0..round % 16 {
                if (round >> (step % 5)) & 1 == 0 {
                    interrupt.hold();
                } else {
                    interrupt.release();
                }
            }
            interrupt.stop();
            guest.join().expect("no panic")
        });
        assert_eq!(exit, Ok(Exit::Stopped), "{round}");
    }
}

#[test]
fn the_memory_that_a_guest_has_is_told_during_its_run_and_after_it() {
    let code = assemble(
        "(module (memory 1 4)
            (func (export \"_start\")
                (drop (memory.grow (i32.const 2))) (loop (br 0))))",
    );
    let interrupt = RunInterrupt::default();
    assert_eq!(interrupt.memory_bytes(), 0);
    thread::scope(|scope| {
        let guest = scope.spawn(|| run_with(&code, &PROGRAM, &interrupt).result);
        let mut told = 0;
        while told <= 1 << 16 && !guest.is_finished() {
            thread::yield_now();
            told = interrupt.memory_bytes();
        }
        // First, so that no failure leaves a guest behind that is waited for.
        interrupt.stop();
        assert_eq!(told, 3 << 16);
        assert_eq!(guest.join().expect("no panic"), Ok(Exit::Stopped));
    });
    assert_eq!(interrupt.memory_bytes(), 3 << 16);
    interrupt.reset();
    assert_eq!(interrupt.memory_bytes(), 0);
}
