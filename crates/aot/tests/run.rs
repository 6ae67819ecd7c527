// SPDX-License-Identifier: Apache-2.0
//! Compiled code on the real runtime: it behaves as in the interpreter, and a kill
//! ends it.
#![cfg(all(have_llvm, target_arch = "x86_64"))]

mod guest;

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use guest::{PROGRAM, Params, aot, assemble, engine, run, start};
use ocre::port::{Engine as _, Exit, Interrupt, Trap};
use ocre_wamr::RunInterrupt;

/// Runs the text interpreted and compiled, and gives the one result.
fn both(text: &str, params: &[i32]) -> Exit {
    let wasm = assemble(text);
    let compiled = run(&aot(&wasm), params);
    assert_eq!(
        compiled,
        run(&wasm, params),
        "compiled against interpreted: {text}"
    );
    compiled
}

#[test]
fn a_module_keeps_nothing_of_its_file() {
    let text = r#"(module
      (import "env" "param" (func $param (param i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 8) "\01\02\03")
      (data $passive "\04\05")
      (func (export "_start") (result i32)
        (memory.init $passive (i32.const 11) (i32.const 0) (i32.const 2))
        (i32.add (i32.add (i32.load (i32.const 8)) (i32.load8_u (i32.const 12)))
          (call $param (i32.const 0)))))"#;
    let file = aot(&assemble(text));
    // Memory that was freed is taken again, and written to.
    let scribble = || {
        let sizes = [8, 16, 32, 64, 96, 128, 160, file.len()];
        let mut taken = Vec::new();
        for size in sizes.into_iter().cycle().take(64) {
            taken.push(engine().code(&vec![0xff; size]).expect("memory"));
        }
        taken
    };
    let code = engine().code(&file).expect("memory");
    let module = engine().load(code, &mut |_| ()).expect("it loads");
    let before = scribble();
    let mut names = Vec::new();
    engine().imports(&module, &mut |module, name, _| {
        names.push(format!("{module}.{name}"));
    });
    engine().exports(&module, &mut |name, _| names.push(name.to_owned()));
    assert_eq!(names, ["env.param", "memory", "_start"]);
    let mut after = Vec::new();
    let exit = engine().run(
        module,
        &PROGRAM,
        &mut Params(&[100]),
        &RunInterrupt::default(),
        &mut || after = scribble(),
    );
    assert_eq!(exit, Ok(Exit::Code(0x0403_0201 + 5 + 100)));
    let mut all = before.iter().chain(&after);
    assert!(all.all(|memory| memory.iter().all(|byte| *byte == 0xff)));
}

#[test]
fn results_are_the_interpreters() {
    let fib = r#"(module
      (func $fib (param i32) (result i32)
        (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
          (then (local.get 0))
          (else (i32.add
            (call $fib (i32.sub (local.get 0) (i32.const 1)))
            (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
      (func (export "_start") (result i32) (call $fib (i32.const 20))))"#;
    assert_eq!(both(fib, &[]), Exit::Code(6765));

    let floats = start(
        "(i32.trunc_f64_s (f64.mul (f64.sqrt (f64.convert_i32_s (call $param (i32.const 0))))
            (f64.const 1000)))",
    );
    assert_eq!(both(&floats, &[2]), Exit::Code(1414));

    let grown = start(
        "(drop (memory.grow (i32.const 1)))
         (i32.store (i32.const 131068) (call $param (i32.const 0)))
         (i32.load (i32.const 131068))",
    );
    assert_eq!(both(&grown, &[77]), Exit::Code(77));

    let bulk = start(
        "(memory.fill (i32.const 100) (i32.const 7) (call $param (i32.const 0)))
         (memory.copy (i32.const 200) (i32.const 100) (i32.const 100))
         (i32.load (i32.const 250))",
    );
    assert_eq!(both(&bulk, &[100]), Exit::Code(0x0707_0707));

    let wide = start(
        "(i32.wrap_i64 (i64.shr_u (i64.mul
            (i64.extend_i32_u (call $param (i32.const 0))) (i64.const 0x100000001)) (i64.const 16)))",
    );
    assert_eq!(both(&wide, &[0x1234_5678]), Exit::Code(0x5678_1234));
}

#[test]
fn traps_are_the_interpreters() {
    for (body, trap) in [
        ("unreachable", Trap::Unreachable),
        ("(i32.load (i32.const 65533))", Trap::MemoryOutOfBounds),
        (
            "(i32.load offset=4294967295 (call $param (i32.const 0)))",
            Trap::MemoryOutOfBounds,
        ),
        (
            "(i32.load8_u (call $param (i32.const 1)))",
            Trap::MemoryOutOfBounds,
        ),
        (
            "(i32.div_s (i32.const 1) (call $param (i32.const 0)))",
            Trap::DivideByZero,
        ),
        (
            "(i32.div_s (i32.const 0x80000000) (call $param (i32.const 1)))",
            Trap::IntegerOverflow,
        ),
        (
            "(i32.trunc_f32_s (f32.div (f32.const 0) (f32.convert_i32_s (call $param (i32.const 0)))))",
            Trap::InvalidConversion,
        ),
        (
            "(memory.fill (i32.const 65000) (i32.const 0) (i32.const 600)) (i32.const 0)",
            Trap::MemoryOutOfBounds,
        ),
    ] {
        assert_eq!(both(&start(body), &[0, -1]), Exit::Trap(trap), "{body}");
    }

    let indirect = |index: i32| {
        let text = r#"(module
          (import "env" "param" (func $param (param i32) (result i32)))
          (type $none (func (result i32)))
          (table 3 funcref)
          (elem (i32.const 0) $right $wrong)
          (func $right (result i32) (i32.const 5))
          (func $wrong (param i64) (result i32) (i32.const 6))
          (func (export "_start") (result i32)
            (call_indirect (type $none) (call $param (i32.const 0)))))"#;
        both(text, &[index])
    };
    assert_eq!(indirect(0), Exit::Code(5));
    assert_eq!(indirect(1), Exit::Trap(Trap::IndirectCallType));
    assert_eq!(indirect(2), Exit::Trap(Trap::TableOutOfBounds));
    assert_eq!(indirect(3), Exit::Trap(Trap::TableOutOfBounds));
}

/// Sums bytes at `offset + a` for `a` from `first` in steps of `step`, until it
/// has made `count` of them: where each access lies is known only at run time.
fn sum(offset: u32, step: i32) -> String {
    start(&format!(
        "(local.set $a (call $param (i32.const 0)))
         (local.set $b (call $param (i32.const 1)))
         (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536))
         (if (local.get $b) (then
           (loop $again
             (local.set $c (i32.add (local.get $c) (i32.load8_u offset={offset} (local.get $a))))
             (local.set $a (i32.add (local.get $a) (i32.const {step})))
             (br_if $again (local.tee $b (i32.sub (local.get $b) (i32.const 1)))))))
         (local.get $c)"
    ))
}

#[test]
fn a_loop_reads_up_to_the_last_byte_and_no_further() {
    for (offset, step, first, count, end) in [
        (0, 1, 0, 65536, Exit::Code(65536)),
        (0, 1, 1, 65536, Exit::Trap(Trap::MemoryOutOfBounds)),
        (0, 1, 65536, 0, Exit::Code(0)),
        (1000, 1, 0, 64536, Exit::Code(64536)),
        (1000, 1, 0, 64537, Exit::Trap(Trap::MemoryOutOfBounds)),
        (0, 4, 3, 16384, Exit::Code(16384)),
        (0, 4, 3, 16385, Exit::Trap(Trap::MemoryOutOfBounds)),
        (0, -1, 65535, 65536, Exit::Code(65536)),
        (0, -1, 65535, 65537, Exit::Trap(Trap::MemoryOutOfBounds)),
        (0, -1, 65536, 2, Exit::Trap(Trap::MemoryOutOfBounds)),
        (10, -1, 65525, 65526, Exit::Code(65526)),
        (10, -1, 65525, 65527, Exit::Trap(Trap::MemoryOutOfBounds)),
        // The address wraps around within 32 bits: -1, 0, 1 …
        (0, 1, -1, 5, Exit::Trap(Trap::MemoryOutOfBounds)),
        (5, 1, -1, 5, Exit::Trap(Trap::MemoryOutOfBounds)),
        // From the end of the address space back into the memory.
        (0, 0x4000_0000, 0, 5, Exit::Trap(Trap::MemoryOutOfBounds)),
        (0, 0x4000_0000, 0, 1, Exit::Code(1)),
        (0, i32::MIN, 0, 2, Exit::Trap(Trap::MemoryOutOfBounds)),
    ] {
        assert_eq!(
            both(&sum(offset, step), &[first, count]),
            end,
            "{offset} {step} {first} {count}"
        );
    }
}

/// Runs the compiled text on a new thread, holds it, lets it go on, and stops it.
fn stopped(text: &str) -> Exit {
    let code = aot(&assemble(text));
    let interrupt = RunInterrupt::default();
    let (tell, started) = mpsc::channel();
    thread::scope(|scope| {
        let guest = scope.spawn(|| {
            let code = engine().code(&code).expect("memory");
            let module = engine().load(code, &mut |_| ()).expect("it loads");
            engine()
                .run(
                    module,
                    &PROGRAM,
                    &mut Params(&[1, 1]),
                    &interrupt,
                    &mut || {
                        let thread = fs::read_link("/proc/thread-self").expect("Linux");
                        tell.send(Path::new("/proc").join(thread))
                            .expect("somebody waits");
                    },
                )
                .expect("it starts")
        });
        let id = started.recv().expect("the guest starts");
        // Long enough to be inside the loop; the test holds for any time.
        thread::sleep(Duration::from_millis(20));
        if !guest.is_finished() {
            is_held(&interrupt, &id, || guest.is_finished());
        }
        interrupt.stop();
        guest.join().expect("no panic")
    })
}

/// Nanoseconds that the thread with this folder in `/proc` has computed; nothing once it is gone.
fn computed(thread: &Path) -> Option<u64> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split(' ').next()?.parse().ok()
}

/// Holds a guest, sees that it computes no more, and lets it go on.
fn is_held(interrupt: &RunInterrupt, thread: &Path, has_ended: impl Fn() -> bool) {
    interrupt.hold();
    let mut before = computed(thread);
    loop {
        thread::sleep(Duration::from_millis(10));
        let now = computed(thread);
        if now == before {
            break;
        }
        before = now;
    }
    interrupt.release();
    while computed(thread).is_some_and(|now| Some(now) < before.map(|ns| ns + 1_000_000))
        && !has_ended()
    {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Every value that is alive at a safe point is unchanged after a hold there.
#[test]
fn a_guest_that_is_held_over_and_over_computes_what_it_would() {
    let text = start(
        "(local.set $b (i32.const 1))
         (loop $outer
            (local.set $c (i32.const 0))
            (loop $inner
                (local.set $b (i32.add (i32.mul (local.get $b) (i32.const 1664525))
                    (i32.add (local.get $c) (local.get $a))))
                (i32.store (i32.and (local.get $b) (i32.const 65532)) (local.get $b))
                (local.set $d (i32.xor (local.get $d)
                    (i32.load (i32.and (local.get $c) (i32.const 65532)))))
                (br_if $inner (i32.lt_u
                    (local.tee $c (i32.add (local.get $c) (i32.const 1))) (i32.const 100000))))
            (br_if $outer (i32.lt_u
                (local.tee $a (i32.add (local.get $a) (i32.const 1)))
                (call $param (i32.const 0)))))
         (i32.and (i32.xor (local.get $b) (local.get $d)) (i32.const 0x7fffffff))",
    );
    let expected = both(&text, &[600]);
    let code = aot(&assemble(&text));
    let interrupt = RunInterrupt::default();
    let (exit, holds) = thread::scope(|scope| {
        let guest = scope.spawn(|| {
            let code = engine().code(&code).expect("memory");
            let module = engine().load(code, &mut |_| ()).expect("it loads");
            let mut host = Params(&[600]);
            engine().run(module, &PROGRAM, &mut host, &interrupt, &mut || ())
        });
        let mut holds = 0;
        while !guest.is_finished() {
            interrupt.hold();
            thread::sleep(Duration::from_micros(300));
            interrupt.release();
            thread::sleep(Duration::from_micros(300));
            holds += 1;
        }
        (guest.join().expect("no panic"), holds)
    });
    assert_eq!(exit, Ok(expected));
    assert!(holds > 10, "{holds}");
}

#[test]
fn every_endless_guest_ends() {
    let loops = [
        // Nothing in it.
        "(loop (br 0)) (i32.const 0)",
        "(loop (br_if 0 (i32.const 1))) (i32.const 0)",
        "(loop (br_table 0 0 (i32.const 1))) (i32.const 0)",
        // Registers only.
        "(loop (local.set $a (i32.add (local.get $a) (i32.const 1))) (br 0)) (i32.const 0)",
        // Memory.
        "(loop (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1))) (br 0))
         (i32.const 0)",
        "(loop
            (i32.store8 (local.get $a) (i32.const 1))
            (local.set $a (i32.and (i32.add (local.get $a) (i32.const 1)) (i32.const 4095)))
            (br 0))
         (i32.const 0)",
        // Loops that the optimiser unrolls or makes vectors of, inside one without end.
        "(loop $forever
            (local.set $a (i32.const 0))
            (loop $inner
                (i32.store offset=64 (local.get $a) (i32.mul (local.get $a) (i32.const 3)))
                (br_if $inner (i32.lt_u
                    (local.tee $a (i32.add (local.get $a) (i32.const 4))) (i32.const 4096))))
            (br $forever))
         (i32.const 0)",
        // Three deep, and only the innermost turns.
        "(loop (loop (loop (br 0)) (br 0)) (br 0)) (i32.const 0)",
        // As long as a number of 32 bits lets it, over and over.
        "(loop $forever
            (local.set $a (i32.const 0))
            (loop $inner
                (local.set $b (i32.xor (local.get $b) (local.get $a)))
                (br_if $inner (local.tee $a (i32.add (local.get $a) (call $param (i32.const 0))))))
            (br $forever))
         (i32.const 0)",
        // Two loops into each other.
        "(local.set $a (call $param (i32.const 0)))
         (loop $x
            (block $out
                (loop $y
                    (br_if $out (local.get $a))
                    (local.set $a (i32.sub (local.get $a) (i32.const 1)))
                    (br $y)))
            (local.set $a (i32.const 3))
            (br $x))
         (i32.const 0)",
        // Host calls.
        "(loop (drop (call $param (i32.const 0))) (br 0)) (i32.const 0)",
    ];
    for body in loops {
        assert_eq!(stopped(&start(body)), Exit::Stopped, "{body}");
    }
}

/// LLVM optimises the callers before the function has a check that can end it.
#[test]
fn a_function_without_an_end_returns_to_its_callers_when_stopped() {
    // A body that is too large to be inlined.
    let work = "(local.set 0 (i32.xor (i32.mul (local.get 0) (i32.const 75)) (i32.const 74)))";
    for body in ["", work.repeat(200).as_str()] {
        let text = format!(
            r#"(module
              (import "env" "param" (func $param (param i32) (result i32)))
              (func $endless (param i32) (loop {body} (br 0)))
              (func $calls (param i32)
                (if (local.get 0)
                  (then (call $endless (i32.const 1)))
                  (else (call $endless (i32.const 2)))))
              (func (export "_start") (result i32)
                (call $calls (call $param (i32.const 0)))
                (call $calls (call $param (i32.const 1)))
                (i32.const 7)))"#
        );
        assert_eq!(stopped(&text), Exit::Stopped, "{text}");
    }
}

#[test]
fn every_endless_recursion_ends() {
    for text in [
        // A tree of calls with far more calls than any run completes.
        r#"(module
          (func $tree (param i32) (result i32)
            (if (result i32) (local.get 0)
              (then (i32.add
                (call $tree (i32.sub (local.get 0) (i32.const 1)))
                (call $tree (i32.sub (local.get 0) (i32.const 1)))))
              (else (i32.const 1))))
          (func (export "_start") (result i32) (call $tree (i32.const 64))))"#,
        // The same by way of a table.
        r#"(module
          (type $unary (func (param i32) (result i32)))
          (table 1 funcref)
          (elem (i32.const 0) $tree)
          (func $tree (type $unary)
            (if (result i32) (local.get 0)
              (then (i32.add
                (call_indirect (type $unary)
                    (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
                (call_indirect (type $unary)
                    (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
              (else (i32.const 1))))
          (func (export "_start") (result i32) (call $tree (i32.const 64))))"#,
        // An indirect call in a loop.
        r#"(module
          (type $none (func))
          (table 1 funcref)
          (elem (i32.const 0) $nothing)
          (func $nothing)
          (func (export "_start") (result i32)
            (loop (call_indirect (type $none) (i32.const 0)) (br 0))
            (i32.const 0)))"#,
        // A loop in a function that is called from a loop.
        r#"(module
          (func $inner (param i32) (loop (br_if 0 (i32.eqz (local.get 0)))))
          (func (export "_start") (result i32)
            (loop (call $inner (i32.const 0)) (br 0))
            (i32.const 0)))"#,
    ] {
        assert_eq!(stopped(text), Exit::Stopped, "{text}");
    }
}

/// These either run for ever, where the optimiser makes loops of them, or use up the stack.
#[test]
fn calls_in_tail_position_end() {
    for text in [
        r#"(module
          (func $a (call $b))
          (func $b (call $a))
          (func (export "_start") (call $a)))"#,
        r#"(module
          (func $a (call $a))
          (func (export "_start") (call $a)))"#,
        r#"(module
          (type $none (func))
          (table 1 funcref)
          (elem (i32.const 0) $a)
          (func $a (call_indirect (type $none) (i32.const 0)))
          (func (export "_start") (call $a)))"#,
    ] {
        let end = stopped(text);
        assert!(
            matches!(end, Exit::Stopped | Exit::Trap(Trap::StackOverflow)),
            "{end:?}: {text}"
        );
    }
}

#[test]
fn deep_recursion_traps() {
    for text in [
        r#"(module
          (func $deep (param i32) (result i32)
            (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
          (func (export "_start") (result i32) (call $deep (i32.const 0))))"#,
        // Two functions with large frames: eighty values live across each call.
        &large_frames(),
    ] {
        assert_eq!(
            run(&aot(&assemble(text)), &[]),
            Exit::Trap(Trap::StackOverflow)
        );
    }
}

fn large_frames() -> String {
    let locals = "i32 ".repeat(80);
    let set: String = (1..=80)
        .map(|i| {
            format!(
                "(local.set {i} (i32.mul (local.get {}) (i32.const {i})))",
                i - 1
            )
        })
        .collect();
    let sum: String = (1..=80)
        .map(|i| format!("(i32.add (local.get {i}))"))
        .collect();
    let function = |name: &str, other: &str| {
        format!(
            "(func ${name} (param i32) (result i32) (local {locals})
                {set} (call ${other} (local.get 80)) {sum})"
        )
    };
    format!(
        r#"(module {} {}
          (func (export "_start") (result i32) (call $one (i32.const 3))))"#,
        function("one", "two"),
        function("two", "one")
    )
}
