// SPDX-License-Identifier: Apache-2.0
//! Containers on a PC: real guests on the real engine, on threads, with their files on littlefs.

#[path = "common/device.rs"]
mod device;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use device::{
    FakeConsole, TestDevice, assemble, boot, boot_on, compile, guest, image, read_file, with_blob,
    write_file,
};
use ocre::container::state::{Cause, Refusal, RunResult, StartFailure, State};
use ocre::container::table::{ContainerTimes, Uptime};
use ocre::container::{Error, Limits, Options};
use ocre::image::Image;
use ocre::image::blob::blob_path;
use ocre::image::verdict::Code;
use ocre::limits::{MAX_CONTAINERS, MAX_INSTRUCTIONS, MAX_PATH};
use ocre::port::{OpenMode, Storage, StorageError, Stream, Trap};
use ocre::supervisor::{LogWait, Platform as _};
use ocre_oci::Format;
use ocre_pc::flash::{Cut, Geometry, PowerCut, RamFlash, Tear};
use ocre_pc::littlefs::LittleFs;
use ocre_pc::platform::{Device, POLICY, Pc};

const KILLED: RunResult = RunResult::Killed(Cause::Kill);

/// A guest that never exits and never calls the host.
fn spinning() -> Vec<u8> {
    assemble(r#"(module (func (export "_start") (loop (br 0))))"#)
}

/// A guest that imports the named functions of WASI, has a page of memory, and does `body`.
fn wasi(body: &str) -> Vec<u8> {
    assemble(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open" (func $path_open
                (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write
                (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read
                (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
            (memory (export "memory") 1)
            {body})"#
    ))
}

/// A guest that makes a file `/kept` with "hello" in it, leaves it open, says "hello", and does
/// `then`.
fn writing(then: &str) -> Vec<u8> {
    wasi(&format!(
        r#"(data (i32.const 0) "\10\00\00\00\05\00\00\00hello...hellokept")
        (func (export "_start")
            (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 21) (i32.const 4)
                    (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 48))
                (then unreachable))
            (if (call $fd_write (i32.load (i32.const 48)) (i32.const 0) (i32.const 1)
                    (i32.const 52))
                (then unreachable))
            (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 52))
                (then unreachable))
            {then})"#
    ))
}

/// A guest that copies its input to its output until the end, and then exits with 5.
fn echoing() -> Vec<u8> {
    wasi(
        r#"(data (i32.const 0) "\10\00\00\00\40\00\00\00")
        (func (export "_start")
            (loop $again
                (i32.store (i32.const 4) (i32.const 64))
                (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4))
                    (then unreachable))
                (if (i32.eqz (i32.load (i32.const 4))) (then (call $proc_exit (i32.const 5))))
                (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
                    (then unreachable))
                (br $again)))"#,
    )
}

// ---------------------------------------------------------------- ends

#[test]
fn a_guests_exit_code_passes_through() {
    let bench = boot();
    for (name, code) in [("hello", 0), ("hello", 7), ("hello-c", 0), ("hello-c", 200)] {
        let arguments = ["--exit", &code.to_string()];
        let container = format!("{name}-{code}");
        let (_, outcome) = bench.run(&container, &guest(name), &arguments);
        assert_eq!(outcome, RunResult::Exited(code), "{container}");
    }
}

#[test]
fn an_entry_point_that_returns_a_number_exits_with_it() {
    let bench = boot();
    let mut image = bench.image(&assemble(
        r#"(module (func (export "main") (result i32) i32.const -3))"#,
    ));
    image.entry_point = "main".try_into().unwrap();
    let handle = bench
        .device
        .create(Some("main"), &image, &Options::default())
        .unwrap();
    bench.device.start(handle).unwrap();
    assert_eq!(bench.end(handle), RunResult::Exited(-3));
}

/// The hostile guest, interpreted and, where there is a compiler, compiled.
fn hostile() -> &'static [Vec<u8>] {
    static FORMS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FORMS.get_or_init(|| {
        let portable = guest("hostile");
        let compiled = compile(&portable);
        [portable].into_iter().chain(compiled).collect()
    })
}

#[test]
fn what_a_guest_may_not_do_is_a_trap_of_its_kind() {
    let bench = boot();
    for code in hostile() {
        traps(&bench, code);
    }
}

fn traps(bench: &TestDevice, code: &[u8]) {
    for (way, trap) in [
        ("unreachable", Trap::Unreachable),
        ("divide", Trap::DivideByZero),
        ("overflow", Trap::IntegerOverflow),
        ("bounds", Trap::MemoryOutOfBounds),
        ("indirect", Trap::IndirectCallType),
        ("recurse", Trap::StackOverflow),
        ("stack", Trap::StackOverflow),
    ] {
        let (handle, outcome) = bench.run(way, code, &[way]);
        assert_eq!(outcome, RunResult::Trapped(trap), "{way}");
        assert_eq!(bench.output(handle), format!("hostile: {way}\n"));
        bench.device.remove(handle, false).unwrap();
    }
}

#[test]
fn what_never_ends_is_killed_whatever_it_is_at() {
    let bench = boot();
    for code in hostile() {
        is_killed(&bench, code);
    }
}

fn is_killed(bench: &TestDevice, code: &[u8]) {
    for way in [
        "loop",
        "arithmetic",
        "memory",
        "calls",
        "host",
        "print",
        "sleep",
    ] {
        let options = Options {
            arguments: &[way],
            ..Options::default()
        };
        let handle = bench.start(way, code, &options);
        bench.await_output(handle, &format!("hostile: {way}\n"));
        bench.device.kill(handle).unwrap();
        assert_eq!(bench.end(handle), KILLED, "{way}");
        bench.device.remove(handle, false).unwrap();
    }
}

#[test]
fn a_guest_is_killed_in_its_start_function_too() {
    let bench = boot();
    let code = assemble(r#"(module (func $f (loop (br 0))) (start $f) (func (export "_start")))"#);
    let handle = bench.start("a", &code, &Options::default());
    bench.device.kill(handle).unwrap();
    assert_eq!(bench.end(handle), KILLED);
}

#[test]
fn what_must_not_get_the_better_of_the_host_does_not() {
    let bench = boot();
    for code in hostile() {
        is_refused(&bench, code);
    }
}

fn is_refused(bench: &TestDevice, code: &[u8]) {
    for (way, words) in [
        ("grow", "refused after pages: 15\n"),
        ("pointers", "refused of 8: 8\n"),
        ("escape", "refused of 8: 8\n"),
    ] {
        let (handle, outcome) = bench.run(way, code, &[way]);
        assert_eq!(outcome, RunResult::Exited(0), "{way}");
        assert_eq!(bench.output(handle), format!("hostile: {way}\n{words}"));
        bench.device.remove(handle, false).unwrap();
    }
}

#[test]
fn one_container_is_killed_and_another_goes_on() {
    let bench = boot();
    let doomed = bench.start("doomed", &spinning(), &Options::default());
    let spared = bench.start("spared", &spinning(), &Options::default());
    let (_, trapped) = bench.run("trapped", &guest("hostile"), &["unreachable"]);
    assert_eq!(trapped, RunResult::Trapped(Trap::Unreachable));
    bench.device.kill(doomed).unwrap();
    assert_eq!(bench.end(doomed), KILLED);
    assert_eq!(bench.state(spared).unwrap(), "running");
    bench.device.kill(spared).unwrap();
    assert_eq!(bench.end(spared), KILLED);
}

// ---------------------------------------------------------------- starts

#[test]
fn a_start_that_fails_says_why_at_once() {
    let bench = boot();
    let fails = |name: &str, code: &str, options: &Options<'_>| {
        let handle = bench.create(name, &assemble(code), options);
        let Err(Error::Start(failure)) = bench.device.start(handle) else {
            panic!("{name} starts");
        };
        let state = State::Ended(RunResult::Failed(failure));
        assert_eq!(bench.device.status(handle).unwrap().state, state);
        assert_eq!(bench.end(handle), RunResult::Failed(failure));
        bench.device.remove(handle, false).unwrap();
        failure
    };
    let page = Options {
        limits: Limits {
            memory_bytes: 65_536,
            ..Limits::default()
        },
        ..Options::default()
    };
    assert_eq!(
        fails(
            "memory",
            r#"(module (memory 2) (func (export "_start")))"#,
            &page
        ),
        StartFailure::Image(Code::LimitMemory)
    );
    assert_eq!(
        fails(
            "import",
            r#"(module (import "env" "none" (func)) (func (export "_start")))"#,
            &page
        ),
        StartFailure::Image(Code::WasmImport)
    );
    assert_eq!(
        fails(
            "segment",
            r#"(module (memory 1) (data (i32.const 65536) "x") (func (export "_start")))"#,
            &page
        ),
        StartFailure::Instantiate
    );
    assert_eq!(
        fails(
            "signature",
            r#"(module (func (export "_start") (param i32)))"#,
            &page
        ),
        StartFailure::Image(Code::WasmEntrySignature)
    );
}

#[test]
fn code_that_changed_on_the_partition_is_not_run() {
    let bench = boot();
    let mut code = spinning();
    let handle = bench.create("a", &code, &Options::default());
    let digest = bench
        .device
        .with_spec(handle, |spec| spec.image.executable.digest)
        .unwrap();
    let path = blob_path("/", &digest).unwrap();
    *code.last_mut().unwrap() ^= 1;
    write_file(&bench.disk, &path, &code);
    let failure = StartFailure::Image(Code::DigestMismatch);
    assert_eq!(bench.device.start(handle), Err(Error::Start(failure)));
    bench.disk.remove(&path).unwrap();
    let failure = StartFailure::Image(Code::BlobMissing);
    assert_eq!(bench.device.start(handle), Err(Error::Start(failure)));
}

#[test]
fn a_running_container_is_neither_started_nor_removed() {
    let bench = boot();
    let handle = bench.start("a", &spinning(), &Options::default());
    let running = Err(Error::State(Refusal::Running));
    assert_eq!(bench.device.start(handle), running);
    assert_eq!(bench.device.remove(handle, false), running);
    assert_eq!(bench.state(handle).unwrap(), "running");
    bench.device.kill(handle).unwrap();
    assert_eq!(bench.end(handle), KILLED);
}

#[test]
fn what_is_not_running_is_neither_killed_nor_stopped_nor_waited_for() {
    let bench = boot();
    let handle = bench.create("a", &guest("hello"), &Options::default());
    let not_running = Error::State(Refusal::NotRunning);
    assert_eq!(bench.device.kill(handle), Err(not_running));
    assert_eq!(bench.device.stop(handle, 0), Err(not_running));
    let not_started = Error::State(Refusal::NotStarted);
    assert_eq!(bench.device.wait(handle, None), Err(not_started));
    bench.device.start(handle).unwrap();
    let outcome = bench.end(handle);
    assert_eq!(bench.device.kill(handle), Err(not_running));
    assert_eq!(bench.device.wait(handle, None), Ok(outcome));
}

#[test]
fn a_container_runs_again_with_its_files_its_log_and_new_times() {
    let bench = boot();
    let (handle, outcome) = bench.run("a", &guest("hello"), &["one"]);
    assert_eq!(outcome, RunResult::Exited(0));
    let first = bench.device.status(handle).unwrap().times;
    write_file(&bench.disk, "/data/a/file", b"kept");
    bench.device.start(handle).unwrap();
    bench.end(handle);
    let second = bench.device.status(handle).unwrap().times;
    assert_eq!(second.created_us, first.created_us);
    assert!(second.started_us >= first.ended_us);
    assert_eq!(bench.output(handle).matches("arg: one").count(), 2);
    assert_eq!(read_file(&bench.disk, "/data/a/file").unwrap(), b"kept");
}

#[test]
fn every_step_of_a_run_has_its_time_in_order() {
    let bench = boot();
    let created = bench.create("a", &guest("hello"), &Options::default());
    let ContainerTimes {
        created_us,
        started_us: Uptime::NEVER,
        ended_us: Uptime::NEVER,
        ..
    } = bench.device.status(created).unwrap().times
    else {
        panic!("it has times of a run that has not been");
    };
    bench.device.start(created).unwrap();
    bench.end(created);
    let times = bench.device.status(created).unwrap().times;
    let steps = [
        created_us,
        times.started_us,
        times.read_us,
        times.loaded_us,
        times.entered_us,
        times.ended_us,
    ];
    assert!(
        !steps.contains(&Uptime::NEVER) && steps.is_sorted(),
        "{times:?}"
    );
    let spans = [
        times.reading_us(),
        times.loading_us(),
        times.instantiating_us(),
        times.running_us(),
    ];
    let total: u64 = spans.iter().map(|span| span.unwrap()).sum();
    assert_eq!(
        total,
        times.ended_us.get().unwrap() - times.started_us.get().unwrap()
    );
}

// ---------------------------------------------------------------- time and stop

#[test]
fn a_run_that_takes_too_long_is_killed_also_with_nobody_waiting() {
    let bench = boot();
    let limited = |time_limit_ms| Options {
        limits: Limits {
            time_limit_ms: Some(time_limit_ms),
            ..Limits::default()
        },
        ..Options::default()
    };
    // The later limit first, so that the watchdog has to look again.
    let late = bench.start("late", &spinning(), &limited(300));
    let unlimited = bench.start("unlimited", &spinning(), &Options::default());
    let early = bench.start("early", &spinning(), &limited(50));
    let over = RunResult::Killed(Cause::TimeLimit);
    assert_eq!(bench.end(early), over);
    assert_eq!(bench.end(late), over);
    for (handle, limit_us) in [(early, 50_000), (late, 300_000)] {
        let times = bench.device.status(handle).unwrap().times;
        assert!(times.ended_us.get().unwrap() - times.started_us.get().unwrap() >= limit_us);
    }
    assert_eq!(bench.state(unlimited).unwrap(), "running");
    bench.device.kill(unlimited).unwrap();
    assert_eq!(bench.end(unlimited), KILLED);
}

#[test]
fn a_time_limit_ends_a_sleep_and_leaves_a_short_run_alone() {
    let bench = boot();
    let options = Options {
        arguments: &["sleep"],
        limits: Limits {
            time_limit_ms: Some(30),
            ..Limits::default()
        },
        ..Options::default()
    };
    let sleeping = bench.start("sleeping", &guest("hostile"), &options);
    let options = Options {
        limits: Limits {
            time_limit_ms: Some(60_000),
            ..Limits::default()
        },
        ..Options::default()
    };
    let short = bench.start("short", &guest("hello"), &options);
    assert_eq!(bench.end(short), RunResult::Exited(0));
    assert_eq!(bench.end(sleeping), RunResult::Killed(Cause::TimeLimit));
    // The watchdog has gone by now or will; the next limit gets one again.
    let options = Options {
        arguments: &["sleep"],
        limits: Limits {
            time_limit_ms: Some(30),
            ..Limits::default()
        },
        ..Options::default()
    };
    let again = bench.start("again", &guest("hostile"), &options);
    assert_eq!(bench.end(again), RunResult::Killed(Cause::TimeLimit));
}

#[test]
fn limits_that_the_device_or_the_code_cannot_keep_are_refused_at_creation() {
    let bench = boot();
    let limited = |limits| Options {
        limits,
        ..Options::default()
    };
    let mut image = bench.image(&spinning());
    let create = |image: &Image, limits| {
        let created = bench.device.create(Some("a"), image, &limited(limits));
        created.map(|handle| bench.device.remove(handle, false).unwrap())
    };
    let with_memory = |memory_bytes| Limits {
        memory_bytes,
        ..Limits::default()
    };
    let with_instructions = |instructions| Limits {
        instructions: Some(instructions),
        ..Limits::default()
    };
    let most = bench.device.platform().policy().memory_bytes;
    assert_eq!(create(&image, with_memory(most)), Ok(()));
    assert_eq!(
        create(&image, with_memory(most + 1)),
        Err(Error::LimitTooLarge)
    );
    assert_eq!(create(&image, with_instructions(MAX_INSTRUCTIONS)), Ok(()));
    let more = with_instructions(MAX_INSTRUCTIONS + 1);
    assert_eq!(create(&image, more), Err(Error::LimitTooLarge));
    image.format = Format::Aot;
    assert_eq!(create(&image, Limits::default()), Ok(()));
    let refused = Err(Error::Image(Code::AotInstructions));
    assert_eq!(create(&image, with_instructions(1)), refused);
    // Nothing of a refused container stays.
    assert_eq!(bench.device.find("a"), Err(Error::NotFound));
}

#[test]
fn a_guest_that_executes_too_much_is_trapped_and_one_that_does_not_is_left_alone() {
    let bench = boot();
    let limited = |instructions| Options {
        limits: Limits {
            instructions: Some(instructions),
            ..Limits::default()
        },
        ..Options::default()
    };
    let over = bench.start("over", &spinning(), &limited(1_000_000));
    let outcome = RunResult::Trapped(Trap::InstructionLimit);
    assert_eq!(bench.end(over), outcome);
    bench.device.start(over).unwrap();
    assert_eq!(bench.end(over), outcome, "each run has as many");
    let within = bench.start("within", &guest("hello"), &limited(i32::MAX as u32));
    assert_eq!(bench.end(within), RunResult::Exited(0));
}

#[test]
fn a_guest_sees_that_it_is_to_stop_at_the_end_of_its_input() {
    let bench = boot();
    let options = Options {
        attached: true,
        ..Options::default()
    };
    let handle = bench.start("a", &echoing(), &options);
    bench.console.type_in("some input\n");
    bench.await_output(handle, "some input\n");
    let hour = 3_600_000_000;
    assert_eq!(bench.device.stop(handle, hour), Ok(RunResult::Exited(5)));
}

#[test]
fn a_guest_that_does_not_stop_in_time_is_killed() {
    let bench = boot();
    let handle = bench.start("a", &spinning(), &Options::default());
    let outcome = RunResult::Killed(Cause::Stop);
    assert_eq!(bench.device.stop(handle, 20_000), Ok(outcome));
    assert_eq!(bench.state(handle).unwrap(), "killed(stop)");
}

#[test]
fn a_wait_with_an_end_ends() {
    let bench = boot();
    let handle = bench.start("a", &spinning(), &Options::default());
    let soon = bench.now() + 20_000;
    assert_eq!(bench.device.wait(handle, Some(soon)), Err(Error::TimedOut));
    assert!(bench.now() >= soon);
    bench.device.kill(handle).unwrap();
    assert_eq!(bench.end(handle), KILLED);
}

// ---------------------------------------------------------------- what a guest gets

#[test]
fn a_guest_sees_its_arguments_and_its_environment() {
    let bench = boot();
    for name in ["hello", "hello-c"] {
        let mut image = bench.image(&guest(name));
        image.environment = "FROM=image\0OVER=image\0".try_into().unwrap();
        let options = Options {
            arguments: &["one", "two words", ""],
            environment: &["OVER=caller", "EMPTY="],
            ..Options::default()
        };
        let created = bench.device.create(Some(name), &image, &options).unwrap();
        bench.device.start(created).unwrap();
        assert_eq!(bench.end(created), RunResult::Exited(0));
        let output = bench.output(created);
        let told: Vec<&str> = output.lines().skip(1).collect();
        assert_eq!(
            told,
            [
                "arg: one",
                "arg: two words",
                "arg: ",
                "env: FROM=image",
                "env: OVER=caller",
                "env: EMPTY=",
            ],
            "{name}"
        );
    }
}

#[test]
fn a_guest_reads_its_images_blobs_and_can_not_change_them() {
    let bench = boot();
    let image = bench.image(&guest("reader"));
    let long = vec![7; 10_000];
    let image = with_blob(&bench.disk, image, "words.txt", b"123456789");
    let image = with_blob(&bench.disk, image, "", &long);
    let hex = image.blobs.get(1).unwrap().content.digest.hex().to_string();
    let handle = bench
        .device
        .create(Some("a"), &image, &Options::default())
        .unwrap();
    bench.device.start(handle).unwrap();
    assert_eq!(
        bench.end(handle),
        RunResult::Exited(0),
        "{}",
        bench.log(handle, Stream::Stderr)
    );
    let output = bench.output(handle);
    assert!(
        output.contains("words.txt: 9 bytes, crc32 cbf43926\n"),
        "{output}"
    );
    assert!(
        output.contains(&format!("{hex}: 10000 bytes, crc32 ")),
        "{output}"
    );
    assert_eq!(output.lines().count(), 2);
}

#[test]
fn two_containers_have_each_their_own_files_and_logs() {
    let bench = boot();
    for (name, secret) in [("a", "secret of a\n"), ("b", "secret of b\n")] {
        let options = Options {
            arguments: &["--read", "/secret", name],
            ..Options::default()
        };
        bench.create(name, &guest("hello"), &options);
        write_file(
            &bench.disk,
            &format!("/data/{name}/secret"),
            secret.as_bytes(),
        );
    }
    let handles = ["a", "b"].map(|name| bench.device.find(name).unwrap());
    for handle in handles {
        bench.device.start(handle).unwrap();
    }
    for (handle, name) in handles.into_iter().zip(["a", "b"]) {
        assert_eq!(bench.end(handle), RunResult::Exited(0));
        let expected = format!("Hello from a Rust guest!\narg: {name}\nsecret of {name}\n");
        assert_eq!(bench.output(handle), expected);
    }
}

#[test]
fn no_path_leads_to_another_containers_files_or_to_the_devices() {
    let bench = boot();
    bench.create("b", &guest("hello"), &Options::default());
    write_file(&bench.disk, "/data/b/secret", b"secret of b\n");
    write_file(&bench.disk, "/index.json", b"the device's\n");
    for (index, path) in [
        "/../b/secret",
        "../b/secret",
        "/data/b/secret",
        "/b/secret",
        "/image/../../b/secret",
        "/image/../index.json",
        "/index.json",
        "/./.././b/secret",
        "//../b/secret",
        "..\\b\\secret",
    ]
    .into_iter()
    .enumerate()
    {
        for program in ["hello", "hello-c"] {
            let name = format!("a{index}-{program}");
            let (handle, outcome) = bench.run(&name, &guest(program), &["--read", path]);
            assert_eq!(outcome, RunResult::Exited(2), "{path}");
            assert!(!bench.output(handle).contains("secret"), "{path}");
            bench.device.remove(handle, false).unwrap();
        }
    }
}

#[test]
fn what_a_guest_wrote_is_kept_however_it_ended() {
    let bench = boot();
    for (name, then, expected) in [
        ("exits", "", RunResult::Exited(0)),
        (
            "traps",
            "unreachable",
            RunResult::Trapped(Trap::Unreachable),
        ),
        ("is-killed", "(loop (br 0))", KILLED),
    ] {
        let handle = bench.start(name, &writing(then), &Options::default());
        if expected == KILLED {
            bench.await_output(handle, "hello");
            bench.device.kill(handle).unwrap();
        }
        assert_eq!(bench.end(handle), expected);
        let kept = read_file(&bench.disk, &format!("/data/{name}/kept"));
        assert_eq!(kept.unwrap(), b"hello", "{name}");
    }
}

// ---------------------------------------------------------------- output

#[test]
fn an_attached_container_writes_to_the_console_and_its_log_a_detached_one_to_its_log() {
    let bench = boot();
    let options = Options {
        arguments: &["--read", "/none"],
        attached: true,
        ..Options::default()
    };
    let attached = bench.start("attached", &guest("hello"), &options);
    bench.end(attached);
    let (detached, _) = bench.run("detached", &guest("hello-c"), &[]);
    for stream in [Stream::Stdout, Stream::Stderr] {
        assert_eq!(bench.console.text(stream), bench.log(attached, stream));
    }
    assert_eq!(bench.output(attached), "Hello from a Rust guest!\n");
    assert!(
        bench
            .log(attached, Stream::Stderr)
            .starts_with("hello: /none: ")
    );
    assert_eq!(bench.output(detached), "Hello from a C guest!\n");
}

#[test]
fn an_attached_container_reads_what_is_typed_a_detached_one_nothing() {
    let bench = boot();
    bench.console.type_in("typed\n");
    let (detached, outcome) = bench.run("detached", &echoing(), &[]);
    assert_eq!(outcome, RunResult::Exited(5));
    assert_eq!(bench.output(detached), "");
    let options = Options {
        attached: true,
        ..Options::default()
    };
    let attached = bench.start("attached", &echoing(), &options);
    bench.await_output(attached, "typed\n");
    bench.console.type_in("more\n");
    bench.await_output(attached, "more\n");
    bench.console.end_input();
    assert_eq!(bench.end(attached), RunResult::Exited(5));
}

#[test]
fn whoever_follows_a_log_sees_all_of_it_and_its_end() {
    let bench = boot();
    let options = Options {
        arguments: &["one", "two", "three"],
        ..Options::default()
    };
    let handle = bench.create("a", &guest("hello"), &options);
    let mut cursor = bench.device.log_cursor(handle, None).unwrap();
    assert_eq!(
        bench.device.await_log(handle, cursor, None),
        Ok(LogWait::Ended)
    );
    bench.device.start(handle).unwrap();
    let mut seen = String::new();
    let mut buffer = [0; ocre::limits::MAX_LOG_RECORD];
    while bench.device.await_log(handle, cursor, None) == Ok(LogWait::More) {
        let record = bench.device.read_log(handle, &mut cursor, &mut buffer);
        let length = record.unwrap().unwrap().length;
        seen.push_str(str::from_utf8(&buffer[..length]).unwrap());
    }
    assert_eq!(
        seen,
        "Hello from a Rust guest!\narg: one\narg: two\narg: three\n"
    );
    let tail = bench.device.log_cursor(handle, Some(1)).unwrap();
    let mut tail = tail;
    let record = bench
        .device
        .read_log(handle, &mut tail, &mut buffer)
        .unwrap()
        .unwrap();
    assert_eq!(&buffer[..record.length], b"arg: three\n");
}

#[test]
fn a_guest_that_prints_without_end_loses_its_oldest_lines() {
    let bench = boot();
    let options = Options {
        arguments: &["print"],
        ..Options::default()
    };
    let handle = bench.start("a", &guest("hostile"), &options);
    while bench.device.log_dropped(handle).unwrap() == 0 {
        bench.await_output(handle, "hostile: print\n");
    }
    bench.device.kill(handle).unwrap();
    assert_eq!(bench.end(handle), KILLED);
    assert!(
        bench
            .output(handle)
            .lines()
            .all(|line| line == "hostile: print")
    );
}

// ---------------------------------------------------------------- to come and to go

#[test]
fn a_removed_container_leaves_nothing_behind() {
    let bench = boot();
    let (handle, _) = bench.run("a", &guest("hello"), &[]);
    for folder in ["/data/a/deep", "/data/a/deep/er", "/data/a/empty"] {
        bench.disk.create_dir(folder).unwrap();
    }
    for file in ["/data/a/file", "/data/a/deep/file", "/data/a/deep/er/file"] {
        write_file(&bench.disk, file, b"x");
    }
    bench.device.remove(handle, false).unwrap();
    assert_eq!(bench.disk.metadata("/data/a"), Err(StorageError::NotFound));
    assert_eq!(bench.device.find("a"), Err(Error::NotFound));
    for answer in [
        bench.device.start(handle),
        bench.device.kill(handle),
        bench.device.remove(handle, true),
        bench.device.wait(handle, None).map(|_| ()),
        bench.device.stop(handle, 0).map(|_| ()),
        bench.device.log_cursor(handle, None).map(|_| ()),
        bench.device.with_spec(handle, |_| ()),
    ] {
        assert_eq!(answer, Err(Error::NotFound));
    }
    let again = bench.create("a", &guest("hello"), &Options::default());
    assert_eq!(bench.output(again), "");
}

#[test]
fn folders_whose_paths_have_become_too_long_are_removed_too() {
    let bench = boot();
    let handle = bench.create("a", &spinning(), &Options::default());
    // Each path is made as long as possible; then a folder above gets a longer name.
    for inner in ["x", "y"] {
        let long = inner.repeat(70);
        for path in ["/data/a/s", "/data/a/s/t"] {
            bench.disk.create_dir(path).unwrap();
        }
        bench
            .disk
            .create_dir(&format!("/data/a/s/t/{long}"))
            .unwrap();
        let file = format!("/data/a/s/t/{long}/{long}");
        assert!(file.len() <= MAX_PATH);
        write_file(&bench.disk, &file, b"x");
        let longer = format!("/data/a/{}", inner.repeat(80));
        bench.disk.rename("/data/a/s", &longer).unwrap();
        bench.disk.create_dir(&format!("/data/a/{inner}")).unwrap();
    }
    bench.disk.create_dir("/data/a/0").unwrap();
    bench.device.remove(handle, false).unwrap();
    assert_eq!(bench.disk.metadata("/data/a"), Err(StorageError::NotFound));
}

#[test]
fn removing_by_force_kills_first() {
    let bench = boot();
    let handle = bench.start("a", &spinning(), &Options::default());
    let waiting = {
        let device = Arc::clone(&bench.device);
        thread::spawn(move || device.wait(handle, None))
    };
    bench.device.remove(handle, true).unwrap();
    assert_eq!(bench.device.find("a"), Err(Error::NotFound));
    // The waiting thread has seen the end, or that the container is gone.
    assert!([Ok(KILLED), Err(Error::NotFound)].contains(&waiting.join().unwrap()));
}

/// Creates a container, fills its folder, and removes it. Returns true for a filled folder, and for
/// a removed container.
fn come_and_go<S: Storage + Send + Sync + 'static>(
    disk: &S,
    device: &Device<S>,
    image: Image,
) -> [bool; 2] {
    let Ok(handle) = device.create(Some("a"), &image, &Options::default()) else {
        assert_eq!(device.find("a"), Err(Error::NotFound));
        return [false, false];
    };
    let fill = || {
        for folder in ["/data/a/deep", "/data/a/deep/er", "/data/a/empty"] {
            disk.create_dir(folder)?;
        }
        for file in ["/data/a/file", "/data/a/deep/file", "/data/a/deep/er/file"] {
            let file = disk.open(file, OpenMode::REWRITE)?;
            disk.close(file)?;
        }
        Ok(())
    };
    let filled: Result<(), StorageError> = fill();
    let removed = device.remove(handle, false);
    // A container that can't be removed is unchanged.
    let there = device.status(handle).map(|status| status.state);
    assert_eq!(there == Ok(State::Created), removed.is_err());
    [filled.is_ok(), removed.is_ok()]
}

#[test]
fn a_power_cut_leaves_nothing_that_can_not_be_removed() {
    let mut tears = Tear::ALL.into_iter().cycle();
    for at in 1.. {
        let tear = tears.next().unwrap();
        let flash = RamFlash::new(Geometry::new(4096, 64).unwrap());
        let (flash, formatted) = LittleFs::format(flash);
        formatted.unwrap();
        let mount = |flash| LittleFs::mount(flash).map_err(|(_, error)| error).unwrap();
        // The image is on the partition before the power can go.
        let disk = mount(flash);
        let image = image(&disk, &spinning());
        let flash = disk.unmount().ok().unwrap();

        let disk = LittleFs::mount(PowerCut::new(flash, Some(Cut { at, tear })));
        let disk = disk.map_err(|(_, error)| error).unwrap();
        let device = Pc::boot(disk.clone(), Box::new(FakeConsole::default()), POLICY).unwrap();
        let done = come_and_go(&disk, &device, image);
        drop(device);
        let flash = disk.unmount().ok().unwrap();
        let off = flash.is_off();
        assert!(off || done == [true, true]);

        let bench = boot_on(mount(flash.into_flash()));
        if let Ok(handle) = bench.device.find("a") {
            bench.device.remove(handle, false).unwrap();
        }
        assert_eq!(bench.disk.metadata("/data/a"), Err(StorageError::NotFound));
        let handle = bench.create("a", &spinning(), &Options::default());
        bench.device.remove(handle, false).unwrap();
        assert_eq!(bench.disk.metadata("/data/a"), Err(StorageError::NotFound));
        if !off {
            assert!(at > 20, "{at} operations are too few to have seen anything");
            break;
        }
    }
}

#[test]
fn names_are_the_callers_own_or_never_come_again() {
    let bench = boot();
    let image = bench.image(&spinning());
    bench.create("taken", &spinning(), &Options::default());
    let create = |name| bench.device.create(name, &image, &Options::default());
    assert_eq!(create(Some("taken")), Err(Error::NameTaken));
    assert_eq!(create(Some("No")), Err(Error::NameSyntax));
    let mut names = HashSet::new();
    for _ in 0..3 {
        // Each on a new device, as after a reboot.
        let other = boot();
        let handle = other
            .device
            .create(None, &other.image(&spinning()), &Options::default())
            .unwrap();
        let mut name = None;
        other.device.list(&mut |summary| {
            assert_eq!(summary.handle, handle);
            name = Some(summary.name.to_string());
        });
        assert!(names.insert(name.unwrap()));
    }
}

#[test]
fn there_can_be_so_many_containers_and_all_can_run_at_once() {
    let bench = boot();
    let names: Vec<String> = (0..MAX_CONTAINERS)
        .map(|index| format!("c{index}"))
        .collect();
    let handles: Vec<_> = names
        .iter()
        .map(|name| bench.start(name, &spinning(), &Options::default()))
        .collect();
    let image = bench.image(&spinning());
    let one_more = bench
        .device
        .create(Some("more"), &image, &Options::default());
    assert_eq!(one_more, Err(Error::TableFull));
    assert_eq!(
        bench.disk.metadata("/data/more"),
        Err(StorageError::NotFound)
    );
    let mut listed = Vec::new();
    bench.device.list(&mut |summary| {
        assert_eq!(summary.status.state, State::Running);
        listed.push(summary.name.to_string());
    });
    assert_eq!(listed, names);
    for handle in handles {
        bench.device.remove(handle, true).unwrap();
    }
    bench
        .device
        .list(&mut |summary| panic!("{} is left", summary.name));
}

#[test]
fn an_image_is_in_use_as_long_as_a_container_is_made_from_it() {
    let bench = boot();
    let image = bench.image(&spinning());
    let manifest = image.manifest.digest;
    assert!(!bench.device.uses(&manifest));
    let handle = bench
        .device
        .create(Some("a"), &image, &Options::default())
        .unwrap();
    assert!(bench.device.uses(&manifest));
    bench.device.remove(handle, false).unwrap();
    assert!(!bench.device.uses(&manifest));
}

/// All calls at once, from several threads: no call hangs, the state machine allows every answer,
/// and in the end every container can be removed.
#[test]
fn whatever_comes_between_whatever_the_answers_make_sense() {
    let bench = boot();
    let over = AtomicBool::new(false);
    let code = [spinning(), guest("hello"), guest("hostile"), echoing()];
    let names = ["a", "b", "c"];
    thread::scope(|scope| {
        let TestDevice { device, .. } = &bench;
        let (bench, code, over) = (&bench, &code, &over);
        let meddling: Vec<_> = (0..4_usize)
            .map(|seed| {
                scope.spawn(move || {
                    for round in 0..150_usize {
                        let choice = round.wrapping_mul(7).wrapping_add(seed.wrapping_mul(13));
                        let name = names[(choice / 5) % names.len()];
                        let Ok(handle) = device.find(name) else {
                            let image = bench.image(&code[choice % code.len()]);
                            let options = Options {
                                arguments: &["sleep"],
                                limits: Limits {
                                    time_limit_ms: (choice % 3 == 0).then_some(20),
                                    ..Limits::default()
                                },
                                ..Options::default()
                            };
                            match device.create(Some(name), &image, &options) {
                                Ok(_) | Err(Error::NameTaken) => {}
                                Err(error) => panic!("create: {error}"),
                            }
                            continue;
                        };
                        let answer = match choice % 5 {
                            0 | 1 => device.start(handle),
                            2 => device.kill(handle),
                            3 => device.stop(handle, 1000).map(|_| ()),
                            _ => device.remove(handle, true),
                        };
                        match answer {
                            Ok(()) | Err(Error::NotFound | Error::State(_)) => {}
                            // Another thread has started the container during the wait.
                            Err(Error::TimedOut) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        let looking = scope.spawn(move || {
            let mut looks = 0_usize;
            while !over.load(Ordering::SeqCst) {
                device.list(&mut |summary| {
                    let found = device.with_spec(summary.handle, |spec| spec.arguments.len());
                    assert!(matches!(found, Ok(_) | Err(Error::NotFound)));
                });
                looks += 1;
            }
            looks
        });
        for thread in meddling {
            thread.join().unwrap();
        }
        over.store(true, Ordering::SeqCst);
        assert!(looking.join().unwrap() > 0);
    });
    for name in names {
        if let Ok(handle) = bench.device.find(name) {
            bench.device.remove(handle, true).unwrap();
        }
    }
    bench
        .device
        .list(&mut |summary| panic!("{} is left", summary.name));
    let mut left = Vec::new();
    let listing = bench.disk.read_dir("/data", &mut |name, _| {
        left.push(name.to_owned());
        true
    });
    assert_eq!((listing, left), (Ok(()), vec![]));
}
