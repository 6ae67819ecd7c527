// SPDX-License-Identifier: Apache-2.0
//! Containers that the device starts again: after a run, and after a reboot.

#[path = "common/device.rs"]
mod device;

use std::num::NonZeroU8;

use device::{TestDevice, assemble, boot, boot_on, disk, read_file};
use ocre::container::state::{Cause, Refusal, RunResult, State};
use ocre::container::table::{Handle, Status};
use ocre::container::{Error, Limits, Options, Restart};

const FAILED: RunResult = RunResult::Exited(7);
const KILLED: State = State::Ended(RunResult::Killed(Cause::Kill));
const RESET: State = State::Ended(RunResult::Killed(Cause::Reset));

fn policy(restart: Restart) -> Options<'static> {
    Options {
        restart,
        ..Options::default()
    }
}

fn on_failure(most: u8) -> Options<'static> {
    policy(Restart::OnFailure(NonZeroU8::new(most)))
}

fn exiting(code: i32) -> Vec<u8> {
    assemble(&format!(
        r#"(module (func (export "_start") (result i32) (i32.const {code})))"#
    ))
}

/// A guest that never exits.
fn spinning() -> Vec<u8> {
    assemble(r#"(module (func (export "_start") (loop (br 0))))"#)
}

fn status(bench: &TestDevice, handle: Handle) -> Status {
    bench.device.status(handle).unwrap()
}

/// Waits until a container is in a state.
fn await_state(bench: &TestDevice, handle: Handle, state: State) {
    let mut number = 0;
    let minute = bench.now() + 60_000_000;
    while status(bench, handle).state != state {
        assert!(
            bench.now() < minute,
            "it is {}",
            status(bench, handle).state
        );
        while bench.device.read_event(&mut number).is_some() {}
        bench.device.await_event(number, bench.now() + 10_000);
    }
}

/// Names and states of all kept events.
fn changes(bench: &TestDevice) -> Vec<String> {
    let mut number = 0;
    let mut changes = Vec::new();
    while let Some(change) = bench.device.read_event(&mut number) {
        let state = change
            .state
            .map_or("removed".into(), |state| state.to_string());
        changes.push(format!("{} {state}", change.name));
    }
    changes
}

#[test]
fn what_fails_is_started_again_after_a_second_and_then_given_up_until_somebody_starts_it() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    let handle = bench.start("a", &exiting(7), &on_failure(1));
    // Through the second run.
    assert_eq!(bench.end(handle), FAILED);
    let ended = status(&bench, handle);
    assert_eq!(ended.state, State::CrashLoop(FAILED));
    assert_eq!((ended.restarts, ended.failures), (1, 1));
    assert_eq!(
        changes(&bench),
        [
            "a created",
            "a running",
            "a restarting exited(7)",
            "a running",
            "a crash-loop exited(7)",
        ]
    );
    let mut number = 0;
    let times: Vec<u64> = std::iter::from_fn(|| {
        bench
            .device
            .read_event(&mut number)
            .map(|change| change.at_us)
    })
    .collect();
    assert!(times[3] - times[2] >= 900_000, "{times:?}");

    // A reboot does not start it; a start by a user begins with no failures.
    let after = boot_on(disk);
    after.device.resume();
    let handle = after.device.find("a").unwrap();
    assert_eq!(status(&after, handle).state, State::CrashLoop(FAILED));
    after.device.start(handle).unwrap();
    await_state(&after, handle, State::Restarting(FAILED));
    assert_eq!(status(&after, handle).restarts, 0);
}

#[test]
fn each_policy_lets_a_run_that_did_well_rest_or_go_on() {
    let bench = boot();
    let rests = bench.start("rests", &exiting(0), &on_failure(5));
    assert_eq!(bench.end(rests), RunResult::Exited(0));
    assert_eq!(status(&bench, rests).restarts, 0);
    let always = bench.start("always", &exiting(0), &policy(Restart::Always));
    let restarting = State::Restarting(RunResult::Exited(0));
    await_state(&bench, always, restarting);
    assert_eq!(
        bench.device.pause(always),
        Err(Error::State(Refusal::NotRunning))
    );
    // By hand it starts at once, and nothing is left of the start that was due.
    bench.device.start(always).unwrap();
    await_state(&bench, always, restarting);
    assert_eq!(status(&bench, always).restarts, 0);
    let soon = bench.now() + 20_000;
    assert_eq!(bench.device.wait(always, Some(soon)), Err(Error::TimedOut));
    bench.device.kill(always).unwrap();
    assert_eq!(bench.end(always), RunResult::Exited(0));
    assert_eq!(
        bench.device.kill(always),
        Err(Error::State(Refusal::NotRunning))
    );
}

#[test]
fn what_somebody_ends_rests() {
    let bench = boot();
    let always = policy(Restart::Always);
    let killed = bench.start("killed", &spinning(), &always);
    bench.device.kill(killed).unwrap();
    bench.end(killed);
    assert_eq!(status(&bench, killed).state, KILLED);
    let stopped = bench.start("stopped", &spinning(), &always);
    let outcome = RunResult::Killed(Cause::Stop);
    assert_eq!(bench.device.stop(stopped, 1000), Ok(outcome));
    // A guest that obeys counts as stopped too, with any exit code.
    let obeying = assemble(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_read" (func $read
                (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start") (result i32)
                (i32.store (i32.const 4) (i32.const 64))
                (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
                (i32.const 3)))"#,
    );
    let attached = Options {
        attached: true,
        ..policy(Restart::Always)
    };
    let obeys = bench.start("obeys", &obeying, &attached);
    let hour = 3_600_000_000;
    assert_eq!(bench.device.stop(obeys, hour), Ok(RunResult::Exited(3)));
    assert_eq!(
        status(&bench, obeys).state,
        State::Ended(RunResult::Exited(3))
    );
    // Between two runs.
    let waiting = bench.start("waiting", &exiting(7), &always);
    await_state(&bench, waiting, State::Restarting(FAILED));
    assert_eq!(bench.device.stop(waiting, 0), Ok(FAILED));
    assert_eq!(status(&bench, waiting).state, State::Ended(FAILED));
    // A removed container is not started.
    let removed = bench.start("removed", &exiting(7), &always);
    await_state(&bench, removed, State::Restarting(FAILED));
    bench.device.remove(removed, false).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(
        !changes(&bench)
            .iter()
            .any(|change| change.ends_with("crash-loop"))
    );
    assert_eq!(bench.device.find("removed"), Err(Error::NotFound));
}

#[test]
fn a_restart_by_hand_ends_a_run_and_begins_another() {
    let bench = boot();
    let handle = bench.create("a", &spinning(), &Options::default());
    for _ in 0..3 {
        let before = status(&bench, handle).times.started_us.get();
        bench.device.restart(handle, 1000).unwrap();
        let now = status(&bench, handle);
        assert_eq!(now.state, State::Running);
        assert!(now.times.started_us.get() > before);
    }
    bench.device.kill(handle).unwrap();
    bench.end(handle);
    bench.device.restart(handle, 0).unwrap();
    bench.device.remove(handle, true).unwrap();
    assert_eq!(bench.device.restart(handle, 0), Err(Error::NotFound));
}

#[test]
fn starts_by_themselves_write_nothing_to_the_flash() {
    let disk = disk();
    let bench = boot_on(disk.clone());
    let handle = bench.start("a", &exiting(0), &policy(Restart::Always));
    await_state(&bench, handle, State::Restarting(RunResult::Exited(0)));
    let before = read_file(&disk, "/containers/a.state").unwrap();
    while status(&bench, handle).restarts < 2 {
        bench.device.await_event(u64::MAX, bench.now() + 10_000);
    }
    assert_eq!(read_file(&disk, "/containers/a.state").unwrap(), before);
    bench.device.remove(handle, true).unwrap();
}

#[test]
fn at_boot_starts_what_is_to_in_the_order_of_priority() {
    let disk = disk();
    let before = boot_on(disk.clone());
    let ordered = |priority, restart| Options {
        limits: Limits {
            priority,
            ..Limits::default()
        },
        ..policy(restart)
    };
    for (name, priority, restart) in [
        ("third", 9, Restart::Always),
        ("first", 2, Restart::Always),
        ("second", 5, Restart::OnFailure(None)),
        ("rests", 0, Restart::No),
    ] {
        before.start(name, &spinning(), &ordered(priority, restart));
    }
    before.create("never-started", &spinning(), &policy(Restart::Always));
    let done = before.start("done", &exiting(7), &on_failure(200));
    await_state(&before, done, State::Restarting(FAILED));
    before.device.kill(done).unwrap();
    let stopped = before.start("stopped", &spinning(), &ordered(7, Restart::Always));
    before.device.kill(stopped).unwrap();
    before.end(stopped);

    // The power goes.
    let after = boot_on(disk.clone());
    let state = |name| status(&after, after.device.find(name).unwrap()).state;
    assert_eq!(state("first"), RESET, "nothing runs before it is told to");
    after.device.resume();
    for name in ["first", "second", "third", "stopped"] {
        await_state(&after, after.device.find(name).unwrap(), State::Running);
    }
    assert_eq!(
        changes(&after),
        ["first", "second", "stopped", "third"].map(|name| format!("{name} running"))
    );
    assert_eq!(state("rests"), RESET);
    assert_eq!(state("never-started"), State::Created);
    assert_eq!(state("done"), State::Ended(FAILED));
    for bench in [&before, &after] {
        let mut handles = Vec::new();
        bench
            .device
            .list(&mut |summary| handles.push(summary.handle));
        for handle in handles {
            let _ = bench.device.kill(handle);
        }
    }
}

#[test]
fn what_can_not_be_loaded_is_tried_again_and_says_so_to_whoever_started_it() {
    let bench = boot();
    let code = exiting(0);
    let handle = bench.create("a", &code, &policy(Restart::Always));
    let digest = bench
        .device
        .with_spec(handle, |spec| spec.image.executable.digest)
        .unwrap();
    let path = ocre::image::blob::blob_path("/", &digest).unwrap();
    device::write_file(&bench.disk, &path, b"other");
    let Err(Error::Start(failure)) = bench.device.start(handle) else {
        panic!("it starts");
    };
    let failed = State::Restarting(RunResult::Failed(failure));
    assert_eq!(status(&bench, handle).state, failed);
    device::write_file(&bench.disk, &path, &code);
    await_state(&bench, handle, State::Restarting(RunResult::Exited(0)));
    bench.device.remove(handle, true).unwrap();
}
