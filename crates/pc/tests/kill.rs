// SPDX-License-Identifier: Apache-2.0
//! Kills of guests in all endless activities: each ends, and its resources are free, while time
//! stands still, so that nothing waits for a time-out. Interpreted, and compiled where there is a
//! compiler.

#[path = "common/device.rs"]
mod device;
#[path = "common/memory.rs"]
mod memory;
#[path = "common/still.rs"]
mod still;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use device::{assemble, compile, disk, image};
use ocre::container::state::{Cause, RunResult, State};
use ocre::container::table::Handle;
use ocre::container::{Error, Limits, Options};
use ocre::image::Image;
use ocre::image::permission::{Permission, Permissions};
use ocre::port::devices::Direction;
use ocre::supervisor::Platform as _;
use ocre::supervisor::Supervisor;
use still::Still;

type StillDevice = Arc<Supervisor<Still>>;

const KILLED: RunResult = RunResult::Killed(Cause::Kill);

/// Number of a guest's host calls before `then`: it opens a file, starts a timer, watches a pin,
/// and subscribes.
const TAKES: u32 = 6;

/// A guest that takes a resource of each kind, and then does `then`.
fn taking(then: &str) -> Vec<u8> {
    assemble(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open" (func $path_open
                (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $fd_read
                (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff
                (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
            (import "wasi_snapshot_preview1" "random_get" (func $random_get
                (param i32 i32) (result i32)))
            (import "env" "ocre_timer_create" (func $timer_create (param i32) (result i32)))
            (import "env" "ocre_timer_start" (func $timer_start (param i32 i32 i32) (result i32)))
            (import "env" "ocre_gpio_configure" (func $configure (param i32 i32 i32) (result i32)))
            (import "env" "ocre_gpio_register_callback" (func $watch (param i32 i32) (result i32)))
            (import "env" "ocre_subscribe_message" (func $subscribe (param i32) (result i32)))
            (import "env" "ocre_publish_message" (func $publish
                (param i32 i32 i32 i32) (result i32)))
            (import "env" "ocre_sleep" (func $sleep (param i32) (result i32)))
            (import "env" "ocre_wait_event" (func $wait_event (param i32) (result i32)))
            (import "env" "ocre_lost_events" (func $lost_events (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 16) "kept")
            (data (i32.const 32) "topic\00type\00")
            ;; What it reads into, and two subscriptions: an hour, and input.
            (data (i32.const 48) "\00\01\00\00\10\00\00\00")
            (func $subscriptions
                (i32.store (i32.const 144) (i32.const 1))
                (i64.store (i32.const 152) (i64.const 3600000000000))
                (i32.store (i32.const 184) (i32.const 1)))
            (func $well (param i32) (if (local.get 0) (then unreachable)))
            ;; Goes up and down without an end.
            (func $tower (param i32)
                (if (local.get 0) (then
                    (call $tower (i32.sub (local.get 0) (i32.const 1)))
                    (call $tower (i32.sub (local.get 0) (i32.const 1))))))
            ;; Stays where it is deep.
            (func $deep (param i32)
                (if (i32.eqz (local.get 0)) (then (loop (br 0))))
                (call $deep (i32.sub (local.get 0) (i32.const 1))))
            (func (export "_start")
                (call $subscriptions)
                (call $well (call $path_open (i32.const 3) (i32.const 0) (i32.const 16)
                    (i32.const 4) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0)
                    (i32.const 64)))
                (call $well (call $timer_create (i32.const 1)))
                (call $well (call $timer_start (i32.const 1) (i32.const 1000) (i32.const 1)))
                (call $well (call $configure (i32.const 0) (i32.const 8) (i32.const 0)))
                (call $well (call $watch (i32.const 0) (i32.const 8)))
                (call $well (call $subscribe (i32.const 32)))
                {then}))"#
    ))
}

/// Endless activities of a guest: name, true where its thread sleeps, and code.
const WAYS: [(&str, bool, &str); 15] = [
    ("loop", false, "(loop (br 0))"),
    ("recursion", false, "(call $tower (i32.const 60))"),
    ("depth", false, "(call $deep (i32.const 60))"),
    ("calls", false, "(loop (drop (call $lost_events)) (br 0))"),
    (
        "random",
        false,
        "(loop (drop (call $random_get (i32.const 256) (i32.const 65536))) (br 0))",
    ),
    ("yield", false, "(loop (drop (call $sched_yield)) (br 0))"),
    (
        "grow",
        false,
        "(loop (drop (memory.grow (i32.const 1))) (br 0))",
    ),
    (
        "files",
        false,
        "(loop (drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4)
            (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 68))) (br 0))",
    ),
    (
        "poll",
        true,
        "(drop (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 68)))",
    ),
    (
        "poll for input",
        true,
        "(drop (call $poll_oneoff (i32.const 176) (i32.const 256) (i32.const 1) (i32.const 68)))",
    ),
    (
        "poll for both",
        true,
        "(drop (call $poll_oneoff (i32.const 128) (i32.const 256) (i32.const 2) (i32.const 68)))",
    ),
    (
        "read",
        true,
        "(drop (call $fd_read (i32.const 0) (i32.const 48) (i32.const 1) (i32.const 68)))",
    ),
    ("sleep", true, "(drop (call $sleep (i32.const 3600000)))"),
    ("event", true, "(drop (call $wait_event (i32.const -1)))"),
    (
        "event or time",
        true,
        "(drop (call $wait_event (i32.const 500)))",
    ),
];

/// Code of a guest that takes the resources of others once they are free, and exits.
const HEIR: &str = "(call $well (i32.const 0))";

/// A guest that publishes a message, and exits with the answer: there is no subscriber.
fn publishing() -> Vec<u8> {
    assemble(
        r#"(module
            (import "env" "ocre_publish_message" (func $publish
                (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 32) "topic\00type\00")
            (func (export "_start") (result i32)
                (call $publish (i32.const 32) (i32.const 38) (i32.const 32) (i32.const 4))))"#,
    )
}

fn forms(code: Vec<u8>) -> impl Iterator<Item = Vec<u8>> {
    let compiled = compile(&code);
    [Some(code), compiled].into_iter().flatten()
}

fn all() -> Permissions {
    let mut all = Permissions::NONE;
    Permission::ALL.into_iter().for_each(|one| all.insert(one));
    all
}

/// Lock for one test at a time: memory is counted for all tests together.
static ALONE: Mutex<()> = Mutex::new(());

struct KillFixture {
    _alone: MutexGuard<'static, ()>,
    device: StillDevice,
    publisher: Handle,
    heir: Handle,
}

impl KillFixture {
    fn new() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let device = still::boot(disk());
        let create = |name, code: &[u8]| create(&device, name, code);
        let (publisher, heir) = (create("b", &publishing()), create("c", &taking(HEIR)));
        Self {
            _alone: alone,
            device,
            publisher,
            heir,
        }
    }

    /// Starts a container, and waits until its guest is in its endless activity.
    fn start(&self, handle: Handle, sleeps: bool, way: &str) {
        self.device.start(handle).unwrap();
        let calls = TAKES + u32::from(sleeps);
        while self.device.stats(handle).unwrap().host_calls < calls {
            let state = self.device.status(handle).unwrap().state;
            assert_eq!(state, State::Running, "{way}");
            thread::yield_now();
        }
        if sleeps {
            self.device.platform().time.await_sleep(handle.slot());
        }
    }

    /// Kills a running container; time does not pass.
    fn kill(&self, handle: Handle, way: &str) {
        let clock = self.device.platform().clock();
        let before = clock.uptime_us();
        self.device.kill(handle).unwrap();
        assert_eq!(self.device.wait(handle, None), Ok(KILLED), "{way}");
        assert_eq!(clock.uptime_us(), before, "{way}");
    }

    fn run(&self, handle: Handle) -> RunResult {
        self.device.start(handle).unwrap();
        self.device.wait(handle, None).unwrap()
    }

    /// Checks that the resources of a container are free.
    fn is_free(&self, handle: Handle, way: &str) {
        let stats = self.device.stats(handle).unwrap();
        assert_eq!(stats.memory_bytes, 0, "{way}");
        assert!(stats.memory_peak_bytes >= 2 << 16, "{way}");
        let pins = self.device.platform().devices.pins();
        let pin = pins.iter().find(|seen| seen.name == Some("sw0")).unwrap();
        assert_eq!(pin.direction, Direction::Off, "{way}");
        let driven = self.device.platform().devices.drive(pin.pin, !pin.active);
        assert_eq!(driven, Ok(None), "{way}: nobody watches the pin");
        const NO_SUBSCRIBER: i32 = -2;
        let published = self.run(self.publisher);
        assert_eq!(published, RunResult::Exited(NO_SUBSCRIBER), "{way}");
        assert_eq!(self.run(self.heir), RunResult::Exited(0), "{way}");
    }

    /// Counts C's blocks of memory in use once every thread is gone.
    fn settled(&self) -> i64 {
        while Arc::strong_count(&self.device) > 1 {
            thread::yield_now();
        }
        let mut before = None;
        while before != Some(memory::in_use()) {
            before = Some(memory::in_use());
            thread::sleep(Duration::from_millis(2));
        }
        memory::in_use().0
    }
}

fn create(device: &StillDevice, name: &str, code: &[u8]) -> Handle {
    let image = Image {
        permissions: all(),
        ..image(device.platform().storage(), code)
    };
    let options = Options {
        granted: all(),
        attached: true,
        ..Options::default()
    };
    device.create(Some(name), &image, &options).unwrap()
}

#[test]
fn whatever_a_guest_is_at_a_kill_ends_it_before_time_passes_and_it_can_start_again() {
    let bench = KillFixture::new();
    for (way, sleeps, then) in WAYS {
        for code in forms(taking(then)) {
            let handle = create(&bench.device, "a", &code);
            let lives = || {
                // At once, while the thread of the run before may be on its way out.
                for _ in 0..2 {
                    bench.start(handle, sleeps, way);
                    bench.kill(handle, way);
                }
                bench.is_free(handle, way);
                bench.settled()
            };
            // libc keeps some blocks once, for reuse; a leak loses blocks each time.
            let mut blocks = lives();
            let flat = (0..6).any(|_| core::mem::replace(&mut blocks, lives()) == blocks);
            assert!(flat, "{way}: more blocks in use after each kill");
            bench.device.remove(handle, false).unwrap();
        }
    }
    // Nothing is open on it any more.
    let disk = bench.device.platform().storage().clone();
    drop(bench);
    assert!(disk.unmount().is_ok());
}

#[test]
fn whatever_a_guest_is_at_its_time_limit_ends_it_when_that_comes_and_no_earlier() {
    const LIMIT_MS: u32 = 250;
    let bench = KillFixture::new();
    for (way, sleeps, then) in WAYS {
        for code in forms(taking(then)) {
            let image = Image {
                permissions: all(),
                ..image(bench.device.platform().storage(), &code)
            };
            let options = Options {
                granted: all(),
                attached: true,
                limits: Limits {
                    time_limit_ms: Some(LIMIT_MS),
                    ..Limits::default()
                },
                ..Options::default()
            };
            let handle = bench.device.create(Some("a"), &image, &options).unwrap();
            bench.start(handle, sleeps, way);
            let time = &bench.device.platform().time;
            let begun = bench.device.platform().clock().uptime_us();
            time.pass(u64::from(LIMIT_MS) * 1000 - 1);
            let now = bench.device.platform().clock().uptime_us();
            assert_eq!(
                bench.device.wait(handle, Some(now)),
                Err(Error::TimedOut),
                "{way}"
            );
            time.pass(1);
            let outcome = bench.device.wait(handle, None);
            assert_eq!(outcome, Ok(RunResult::Killed(Cause::TimeLimit)), "{way}");
            let ended = bench.device.status(handle).unwrap().times.ended_us.get();
            assert_eq!(ended, Some(begun + u64::from(LIMIT_MS) * 1000), "{way}");
            bench.is_free(handle, way);
            bench.device.remove(handle, false).unwrap();
        }
    }
}
