// SPDX-License-Identifier: Apache-2.0
//! Guests in Rust and in C that use timers, events, messages, pins and sensors: built for
//! WebAssembly, run by the engine, in containers on the simulated device.

#[path = "common/device.rs"]
mod device;

use device::{TestDevice, boot, compile, guest, read_file};
use ocre::container::Options;
use ocre::container::state::{Cause, RunResult};
use ocre::container::table::Handle;
use ocre::image::permission::{Permission, Permissions};
use ocre::port::Stream;
use ocre::port::devices::{Direction, Pin, Simulated as _};

const BUTTON: Pin = Pin { port: 0, line: 8 };

fn set(list: &[Permission]) -> Permissions {
    let mut set = Permissions::NONE;
    list.iter().for_each(|one| set.insert(*one));
    set
}

/// A container of an image that asks for some permissions and gets some, started.
fn start(
    bench: &TestDevice,
    name: &str,
    code: &[u8],
    arguments: &[&str],
    (asked, granted): (&[Permission], &[Permission]),
) -> Handle {
    let mut image = bench.image(code);
    image.permissions = set(asked);
    let options = Options {
        arguments,
        granted: set(granted),
        ..Options::default()
    };
    let handle = bench.device.create(Some(name), &image, &options).unwrap();
    bench.device.start(handle).unwrap();
    handle
}

/// The same, with all permissions.
fn trusted(bench: &TestDevice, name: &str, code: &[u8], arguments: &[&str]) -> Handle {
    start(
        bench,
        name,
        code,
        arguments,
        (&Permission::ALL, &Permission::ALL),
    )
}

fn led_is_on(bench: &TestDevice) -> bool {
    let pins = bench.device.platform().devices().pins();
    let led = pins.iter().find(|seen| seen.name == Some("led0")).unwrap();
    led.direction == Direction::Output && led.active
}

/// The guest as its own bytes, and compiled for this machine where there is a compiler.
fn both(name: &str) -> Vec<Vec<u8>> {
    let code = guest(name);
    let compiled = compile(&code);
    [Some(code), compiled].into_iter().flatten().collect()
}

// ---------------------------------------------------------------- every function, through the engine

/// A part of the API, the permission that it needs, and the output of a guest with it.
const PARTS: [(&str, Option<Permission>, &str); 5] = [
    (
        "system",
        None,
        "ocre_uname 0\nOcre\nguest\nocre_sleep 0\nocre_next_event -42\nocre_wait_event -110\n\
         ocre_lost_events 0\nocre_register_dispatcher 0\nocre_register_dispatcher 0\n\
         ocre_register_dispatcher 0\nocre_register_dispatcher 0\n",
    ),
    (
        "timers",
        Some(Permission::Timers),
        "ocre_timer_create 0\nocre_timer_start 0\nocre_timer_get_remaining 1\nocre_timer_stop 0\n\
         ocre_timer_start 0\nocre_wait_event 0\nocre_next_event 0\ntimer 1\nocre_timer_delete 0\n",
    ),
    (
        "messaging",
        Some(Permission::Messaging),
        "ocre_subscribe_message 0\nocre_publish_message 0\nocre_next_event 0\nknock/door\n\
         text/plain\nwho's there?\nbytes 12\nocre_message_free 0\n",
    ),
    (
        "gpio",
        Some(Permission::Gpio),
        "ocre_gpio_init 0\nocre_gpio_configure 0\nocre_gpio_pin_set 0\nocre_gpio_pin_get 1\n\
         ocre_gpio_pin_toggle 0\nocre_gpio_pin_get 0\nocre_gpio_configure 0\n\
         ocre_gpio_register_callback 0\nocre_gpio_unregister_callback 0\n\
         ocre_gpio_configure_by_name 0\nocre_gpio_set_by_name 0\nocre_gpio_get_by_name 1\n\
         ocre_gpio_toggle_by_name 0\nocre_gpio_get_by_name 0\nocre_gpio_configure_by_name 0\n\
         ocre_gpio_register_callback_by_name 0\nocre_gpio_unregister_callback_by_name 0\n",
    ),
    (
        "sensors",
        Some(Permission::Sensors),
        "ocre_sensors_init 0\nocre_sensors_discover 2\nocre_sensors_open 0\n\
         ocre_sensors_get_handle 0\nocre_sensors_get_channel_count 3\n\
         ocre_sensors_get_channel_type 13\nocre_sensors_read 21500\n\
         ocre_sensors_open_by_name 0\nocre_sensors_get_handle_by_name 1\n\
         ocre_sensors_get_channel_count_by_name 1\nocre_sensors_get_channel_type_by_name 17\n\
         ocre_sensors_read_by_name 300000\n",
    ),
];

#[test]
fn a_guest_with_the_permission_gets_what_each_function_answers() {
    for code in both("knock") {
        for (part, permission, expected) in PARTS {
            let bench = boot();
            let all = &Permission::ALL[..];
            let one = permission.map_or(all.to_vec(), |one| vec![one]);
            let handle = start(
                &bench,
                "guest",
                &code,
                &[part, "light"],
                (all, one.as_slice()),
            );
            assert_eq!(bench.end(handle), RunResult::Exited(0), "{part}");
            assert_eq!(bench.output(handle), expected);
        }
    }
}

#[test]
fn a_guest_without_the_permission_is_refused_by_each_function() {
    for code in both("knock") {
        for (part, permission, _) in PARTS {
            let Some(permission) = permission else {
                continue;
            };
            let mut others = Permission::ALL.to_vec();
            others.retain(|one| *one != permission);
            let all = &Permission::ALL[..];
            // Not granted, and granted but not asked for.
            for (asked, granted) in [(all, &others[..]), (&others[..], all)] {
                let bench = boot();
                let handle = start(&bench, "guest", &code, &[part, "light"], (asked, granted));
                let RunResult::Exited(refused) = bench.end(handle) else {
                    panic!("{part} does not exit");
                };
                let output = bench.output(handle);
                // Only what waits for events or tells of one needs no permission.
                let (free, bound): (Vec<_>, Vec<_>) = output.lines().partition(|line| {
                    ["ocre_wait_event ", "ocre_next_event ", "timer "]
                        .iter()
                        .any(|free| line.starts_with(free))
                });
                assert!(
                    bound.iter().all(|line| line.ends_with(" -1")),
                    "{part}: {output}"
                );
                assert_eq!(refused as usize, bound.len(), "{part}: {output}");
                assert!(bound.len() >= 3, "{part}: {output}");
                for line in free {
                    let nothing = ["-110", "-42", "timer 0"];
                    assert!(
                        nothing.iter().any(|none| line.ends_with(none)),
                        "{part}: {line}"
                    );
                }
                let pins = bench.device.platform().devices().pins();
                assert!(pins.iter().all(|seen| seen.direction == Direction::Off));
            }
        }
    }
}

// ---------------------------------------------------------------- the samples

#[test]
fn blinky_blinks_and_leaves_the_light_off() {
    let code = guest("blinky");
    let bench = boot();
    let handle = trusted(&bench, "blinky", &code, &["2", "20"]);
    bench.await_output(handle, "led0 on\n");
    assert_eq!(bench.end(handle), RunResult::Exited(0));
    assert_eq!(
        bench.output(handle),
        "led0 on\nled0 off\nled0 on\nled0 off\n"
    );
    assert!(!led_is_on(&bench));
}

#[test]
fn a_button_that_is_pressed_ends_blinky_at_once() {
    let code = guest("blinky");
    let bench = boot();
    let handle = trusted(&bench, "blinky", &code, &["1000000", "60000"]);
    // It waits for a minute; the button wakes it.
    let pc = bench.device.platform();
    let watched = || {
        let pins = pc.devices().pins();
        pins.iter()
            .any(|seen| seen.pin == BUTTON && seen.direction == Direction::Input)
    };
    while !watched() {
        std::thread::yield_now();
    }
    // A change before the guest watches the pin reaches no guest.
    let mut active = false;
    let until = bench.now() + 30_000_000;
    while bench.state(handle).unwrap() == "running" && bench.now() < until {
        active = !active;
        pc.drive(BUTTON, active).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(bench.end(handle), RunResult::Exited(0));
    assert_eq!(bench.output(handle), "sw0 pressed\n");
}

#[test]
fn a_light_goes_off_when_its_container_is_killed_and_then_is_another_ones() {
    let bench = boot();
    let code = guest("blinky");
    let first = trusted(&bench, "first", &code, &["1000000", "1"]);
    bench.await_output(first, "led0 on\n");
    let second = trusted(&bench, "second", &code, &["1", "1"]);
    assert_eq!(bench.end(second), RunResult::Exited(1));
    assert_eq!(
        bench.log(second, Stream::Stderr),
        "blinky: led0: it is in use\n"
    );
    bench.device.kill(first).unwrap();
    assert_eq!(bench.end(first), RunResult::Killed(Cause::Kill));
    assert!(!led_is_on(&bench));
    let third = trusted(&bench, "third", &code, &["1", "1"]);
    assert_eq!(bench.end(third), RunResult::Exited(0));
}

#[test]
fn a_guest_in_c_publishes_and_those_in_rust_that_subscribed_get_it() {
    for (publisher, subscriber) in both("publisher").iter().zip(both("subscriber")) {
        let bench = boot();
        let one = trusted(&bench, "one", &subscriber, &["numbers/+", "3"]);
        let other = trusted(&bench, "other", &subscriber, &["numbers/#", "3"]);
        let neither = trusted(&bench, "neither", &subscriber, &["number", "1"]);
        for handle in [one, other, neither] {
            bench.await_output(handle, " is ready\n");
        }
        let handle = trusted(&bench, "publisher", publisher, &["numbers/all", "3", "1"]);
        assert_eq!(bench.end(handle), RunResult::Exited(0));
        assert_eq!(bench.output(handle), "");
        let got = "is ready\nnumbers/all: 1\nnumbers/all: 2\nnumbers/all: 3\n";
        for (name, handle) in [("one", one), ("other", other)] {
            assert_eq!(bench.end(handle), RunResult::Exited(0));
            assert_eq!(bench.output(handle), format!("{name} {got}"));
        }
        // The guest waits for a message that never comes, until a kill.
        assert_eq!(bench.state(neither).unwrap(), "running");
        bench.device.kill(neither).unwrap();
        assert_eq!(bench.end(neither), RunResult::Killed(Cause::Kill));
        assert_eq!(bench.output(neither), "neither is ready\n");
        let handle = trusted(&bench, "alone", publisher, &["numbers/all", "2", "1"]);
        assert_eq!(bench.end(handle), RunResult::Exited(0));
        assert_eq!(bench.output(handle), "nobody wants 1\nnobody wants 2\n");
    }
}

#[test]
fn what_sensors_measure_gets_into_a_containers_file() {
    let code = guest("sensor-logger");
    let bench = boot();
    let devices = bench.device.platform().devices();
    let set = devices.set_channel("climate", "temperature", -1_250_000);
    assert_eq!(set, Ok(()));
    let handle = trusted(&bench, "logger", &code, &["2", "5"]);
    assert_eq!(bench.end(handle), RunResult::Exited(0));
    let line = "0.13=-1.250 0.14=101.325 0.16=40.000 1.17=300.000\n";
    assert_eq!(bench.output(handle), line.repeat(2));
    let file = read_file(&bench.disk, "/data/logger/measured.csv").unwrap();
    assert_eq!(String::from_utf8(file).unwrap(), line.repeat(2));
}

#[test]
fn each_sample_says_what_it_lacks() {
    for (name, words, said) in [
        (
            "blinky",
            &[][..],
            "blinky: led0: the permission was not granted\n",
        ),
        (
            "subscriber",
            &["#"],
            "subscriber: the permission was not granted\n",
        ),
        ("publisher", &[], "publisher: errno 1\n"),
        (
            "sensor-logger",
            &[],
            "sensor-logger: the permission was not granted\n",
        ),
    ] {
        let bench = boot();
        let handle = start(&bench, "poor", &guest(name), words, (&Permission::ALL, &[]));
        assert_eq!(bench.end(handle), RunResult::Exited(1), "{name}");
        assert_eq!(bench.log(handle, Stream::Stderr), said);
    }
}

/// Checks of the test in virtual time (`guest_api.rs`) that need no clock, with real guests on
/// real threads.
#[test]
fn a_guest_that_floods_and_one_that_does_not_read_keep_no_message_from_a_third() {
    let bench = boot();
    let code = guest("publisher");
    let deaf = trusted(&bench, "deaf", &guest("hostile"), &["sleep"]);
    let third = trusted(&bench, "third", &guest("subscriber"), &["news", "20"]);
    bench.await_output(third, " is ready\n");
    let flood = trusted(&bench, "flood", &code, &["spam", "1000000000", "0"]);
    let friend = trusted(&bench, "friend", &code, &["news", "20", "2"]);
    assert_eq!(bench.end(friend), RunResult::Exited(0));
    assert_eq!(bench.end(third), RunResult::Exited(0));
    let got: String = (1..=20).map(|number| format!("news: {number}\n")).collect();
    assert_eq!(bench.output(third), format!("third is ready\n{got}"));
    assert_eq!(bench.state(flood).unwrap(), "running");
    for handle in [flood, deaf] {
        bench.device.kill(handle).unwrap();
        assert_eq!(bench.end(handle), RunResult::Killed(Cause::Kill));
    }
}
